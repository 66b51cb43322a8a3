"""Reads with arbitrary input of strangers: no fault, no foreign markup, always the defensive headers."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from html.parser import HTMLParser
from http.client import HTTPResponse
from urllib.parse import quote

import httpx
import pytest

from tests.service.hostile.target import Target
from triggerbot.core import event_json
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Crash, DeadLetter, Pause

#: Seconds within which an answer must come.
PATIENCE = 20.0
#: Detectable markup, in a text or in an attribute with either kind of quotes.
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
REVISION = "abcdef1234"
#: Attributes that lead a browser elsewhere, or have it load something; where they may lead; tags that a page may have.
_LED = {"href", "src", "action", "formaction", "xlink:href", "data"}
_PLACES = ("/", "#", "?", "https://ci.example/")
_TAGS = re.compile(
    "a|body|button|circle|code|d[dtl]|details|div|figure|footer|form|h[1-3]|head|header|html|input|label|li|line|link|main|"
    "meta|nav|ol|option|p|pre|rect|script|section|select|span|strong|summary|svg|t[dhr]|table|tbody|thead|time|title|ul"
)
BRANCH = f"branches/octo/app/{quote(MARKUP, safe='')}"
PAGES = ("/", f"/{BRANCH}", "/about", "/statistics", "/errors", "/login", f"/pushes/octo/app/{REVISION}")
PROGRAMS = ("/api/v1/pushes", f"/api/v1/pushes/octo/app/{REVISION}", f"/api/v1/{BRANCH}", "/api/v1/stats", "/metrics",
            "/__heartbeat__", "/__lbheartbeat__", "/__version__")  # fmt: skip
OTHERS = ("/static/0/page.css", "/static/0/none", "/nowhere", "/pushes//", "/hooks/ci", "/api/v2", "/pause", "/live/")
NAMES = b"project branch author text limit system job asked days next fragment seen".split()
LONG = b"a" * 10_000
#: Encoded values: empty, too long, not text, and whatever could end a path, line, attribute or number.
VALUES = (
    b"", b"%2F", b"%00", b".", b"..", b"..%2f..%2fetc%2fpasswd", b"%2e%2e", b"%ff%fe", b"\xff\xfe", b"%ed%a0%80", b"%",
    b"%zz", b"%F0%9F%98%80", b"%E2%80%AE", LONG, b"%25" * 3_000, b"%0d%0aset-cookie:%20a=1", b"//evil.example",
    b"\\evil", b"/%5cevil.example", b"%3Cscript%3Ealert(1)%3C/script%3E", b"<script>alert(1)</script>",
    b"javascript:alert(1)", b"\"'><img%20src=x%20onerror=a>", b"%22%27%3E%3Cimg%20src=x%20onerror=alert(1)%3E", b"nan",
    b"-inf", b"1e999", b"-1", b"9" * 30, b"%C2%B2", b"{{7*7}}", b"[", b"*", b";", b"&=&=&", b"%1f",
)  # fmt: skip


class Wire:
    """A connection to the server on which a request may be anything."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(
        self, path: bytes, *headers: bytes, method: bytes = b"GET", body: bytes = b"", host: bytes = b"localhost"
    ) -> "Answer":
        """Send one request, and return its answer."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
        lines = (b"host: " + host, b"content-length: %d" % len(body), *headers)
        self._socket.sendall(b"\r\n".join([b"%b %b HTTP/1.1" % (method, path), *lines, b"", body]))
        with HTTPResponse(self._socket, method=method.decode()) as said:
            said.begin()
            answer = Answer(path, said.status, {name.lower(): value for name, value in said.getheaders()}, said.read())
            if said.will_close or said.status == 500:  # after a fault uvicorn ends it
                self.close()
        return answer

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


class Answer:
    """An answer, and what is wrong with it."""

    def __init__(self, path: bytes, status: int, headers: dict[str, str], body: bytes) -> None:
        self.path, self.status, self.headers, self.body = path, status, headers, body

    def faults(self, *, private: bool = True) -> list[str]:
        """List what a stranger could exploit."""
        found = [] if self.status < 500 else [str(self.status)]
        if self.status == 400 and self.body == b"Invalid HTTP request received.":
            return found  # it was no request, and met none of our routes
        if "default-src 'none'" not in self.headers.get("content-security-policy", ""):
            found.append("no policy")
        if self.headers.get("x-content-type-options") != "nosniff":
            found.append("sniffed")
        if private and self.headers.get("cache-control") != "no-store":
            found.append("kept by caches")
        if "set-cookie" in self.headers or "location" in self.headers:
            found.append("leads or sets something")
        if self.headers.get("content-type", "").startswith("text/html"):
            found += self._markup()
        return [f"{self.path[:120]!r}: {one}" for one in found]

    def _markup(self) -> list[str]:
        tags = _Tags(self.body.decode())
        found = [f"markup: {name}" for name, _ in tags.found if not _TAGS.fullmatch(name)]
        if len([name for name, _ in tags.found if name == "script"]) > 1:
            found.append("a script")
        for name, value in [one for _, held in tags.found for one in held]:
            if name.startswith("on") or name in ("style", "srcdoc"):
                found.append(f"a script: {name}")
            elif name in _LED and value and (not value.startswith(_PLACES) or value.startswith(("//", "/\\"))):
                found.append(f"leads to {value[:60]!r}")
        return found


class _Tags(HTMLParser):
    """Every tag of a page with its attributes, as a browser parses it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a tag."""
        self.found.append((tag, attrs))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve one target for all tests that only read; yield the port."""
    target = Target(tmp_path_factory.mktemp("pages"))
    fill(target)
    with target.served() as port:
        yield port
    target.close()


@pytest.fixture
def reader(shared: int) -> Iterator[Wire]:
    """Connect to the shared target; closed at the end."""
    made = Wire(shared)
    yield made
    made.close()


@pytest.fixture
def wire(port: int) -> Iterator[Wire]:
    """Connect to the target; closed at the end."""
    made = Wire(port)
    yield made
    made.close()


def fill(target: Target) -> None:
    """Fill the store with markup in every foreign text."""
    observer = Observer(target.store, [Rule(Globs(["*"]))], dry=False, clock=time.time, metrics=target.metrics)
    common = {
        "project": "octo/app", "branch": MARKUP, "revision": REVISION, "author": MARKUP, "pool": MARKUP,
        "message": f"{MARKUP}\ntry: --rebuild x", "step": MARKUP, "failures": [MARKUP], "state": "finished",
        "time": "2026-11-20T19:31:02Z",
    }  # fmt: skip
    for number, (job, result, url) in enumerate((
        (MARKUP, "failure", "javascript:alert(1)"), (f"a{MARKUP}", "success", f"https://ci.example/{MARKUP}"),
        (f"b{MARKUP}", "infra", " javascript:alert(1)"), (f"c{MARKUP}", "cancelled", "data:text/html,x"),
    )):  # fmt: skip
        values = common | {"job": job, "result": result, "url": url, "run_id": f"{MARKUP}{number}"}
        observer.observe([event_json.from_json(values, "ci")])
    other = common | {"project": MARKUP, "job": MARKUP, "result": "failure", "run_id": "1"}
    observer.observe([event_json.from_json(other, "ci")])
    target.store.letters.add([DeadLetter(0, time.time(), MARKUP, "webhook", MARKUP, b"")])
    target.store.crashes.add([Crash(time.time(), MARKUP, MARKUP, MARKUP)])
    target.store.limits.pause(Pause(time.time(), MARKUP, MARKUP))


# -- whatever is asked for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, *PROGRAMS, *OTHERS])
def test_no_query_gets_more_than_an_answer(reader: Wire, path: str) -> None:
    """Every word of a query together with each value, each alone with markup, and no word; as GET and as HEAD."""
    queries = [b"&".join(b"%b=%b" % (name, value[:1000]) for name in NAMES) for value in VALUES]
    queries += [b"%b=%b" % (name, value) for name in NAMES for value in (quote(MARKUP).encode(), LONG)]

    answers = [reader.ask(path.encode() + b"?" + query) for query in (*queries, *VALUES)]
    answers.append(reader.ask(path.encode(), method=b"HEAD"))

    assert [fault for answer in answers for fault in answer.faults()] == []


@pytest.mark.parametrize(
    "pattern",
    ["/pushes/{}/abc", "/pushes/try/{}", "/pushes/octo/{}/abcdef", "/api/v1/pushes/{}/abc", "/api/v1/pushes/try/{}",
     "/static/{}/page.css", "/static/0/{}", "/hooks/{}", "/{}", f"{PAGES[-1]}?job={{}}"],
)  # fmt: skip
def test_no_path_gets_more_than_an_answer(reader: Wire, pattern: str) -> None:
    """Each place of a path with each value."""
    before, _, after = pattern.partition("{}")

    answers = [reader.ask(before.encode() + value + after.encode()) for value in VALUES]

    assert [fault for answer in answers for fault in answer.faults()] == []


def test_no_host_leads_anywhere(reader: Wire) -> None:
    """No address is built from the host or the form of the address in a request."""
    hosts = (b"", b"[", b"[::1", b"evil.example/a@b#c", b"evil.example\\@t", b"t:99999999", b"\xff", MARKUP.encode())
    paths = (
        b"/?a=b",
        b"/nowhere",
        b"/api/v1/none",
        b"/login?next=/",
        b"http://evil.example/",
        b"http://[",
        b"*",
        b"//evil.example",
    )

    answers = [reader.ask(path, host=host) for host in hosts for path in paths]

    assert [fault for answer in answers for fault in answer.faults()] == []
    assert [answer.path for answer in answers if b"evil.example/a" in answer.body] == []


@pytest.mark.parametrize("path", [*PAGES, f"/pushes/octo/app/{REVISION}?job="])
def test_whatever_is_foreign_is_text_on_every_page(reader: Wire, path: str) -> None:
    """Names, messages, lines, machines, steps, notes, letters and crashes; also in the part that is loaded again."""
    name = httpx.QueryParams({"job": MARKUP})
    asked = f"{path[:-4]}{name}" if path.endswith("job=") else path
    whole, part = reader.ask(asked.encode()), reader.ask(f"{asked}{'&' if '?' in asked else '?'}fragment=1".encode())

    assert (whole.faults(), part.faults(), whole.status) == ([], [], 200)
    assert MARKUP.encode() not in whole.body


@pytest.mark.parametrize("path", ["/pause", "/login", f"/pushes/octo/app/{REVISION}/retrigger", "/logout"])
@pytest.mark.parametrize(
    "header",
    [b"origin: http://[", b"origin: http://[::1", b"origin: null", b"origin: \xff", b"host: [", b"sec-fetch-site: \xff",
     b"cookie: triggerbot=\xff.\xff", b"cookie: triggerbot=.; triggerbot=;;==", b"content-type: \xff"],
    ids=str,
)  # fmt: skip
def test_no_header_of_a_form_breaks_anything(reader: Wire, path: str, header: bytes) -> None:
    """The form is refused with a message, as any form from another site."""
    form = b"content-type: application/x-www-form-urlencoded"

    answer = reader.ask(path.encode(), header, form, method=b"POST", body=b"name=a&token=b&form=c&count=1")

    assert answer.faults() == []
    assert answer.status in (400, 401, 403)


def test_what_the_store_complains_of_is_text(target: Target, wire: Wire) -> None:
    """503, defended like the rest."""

    def unavailable(*_: object, **__: object) -> None:
        raise StoreUnavailable(MARKUP)

    for verb in (
        "pushes.search",
        "pushes.find",
        "pushes.projects",
        "statistics.read",
        "limits.paused",
        "letters.read",
        ".distrust",
    ):
        room, name = verb.split(".")
        setattr(getattr(target.store, room) if room else target.store, name, unavailable)

    for path in (*PAGES, *PROGRAMS[:4]):
        answer = wire.ask(path.encode())
        assert (answer.status, answer.faults()[1:]) == (503, []), path


def test_a_fault_of_ours_shows_nothing_and_is_defended(target: Target, wire: Wire) -> None:
    """The page does not name the fault; the log does."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError(MARKUP)

    target.store.pushes.search = broken  # type: ignore[method-assign, assignment]

    for path in (b"/", b"/api/v1/pushes"):
        answer = wire.ask(path)
        assert answer.status == 500
        assert b"alert" not in answer.body
        assert [fault for fault in answer.faults() if not fault.endswith(": 500")] == []


def test_it_would_notice_markup_and_what_leads_elsewhere() -> None:
    """Otherwise a clean run would prove nothing."""
    safe = {"content-type": "text/html", "content-security-policy": "default-src 'none'",
            "x-content-type-options": "nosniff", "cache-control": "no-store"}  # fmt: skip

    for text in (MARKUP, "<a href='//evil.example'>", '<a href="javascript:x">', "<svg onload=x>", "<p><base href=/x>"):
        assert Answer(b"/", 200, safe, text.encode()).faults(), text
    assert Answer(b"/", 200, safe, b'<a href="/pushes">').faults() == []
    assert len(Answer(b"/", 500, {}, b"").faults()) == 4


# -- many readers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/pushes", "/"])
def test_however_many_read_the_daemon_shows_that_it_lives(target: Target, port: int, path: str) -> None:
    """Reads take only some of the threads, so that health checks and actions are answered."""
    go_on = threading.Event()
    search = target.store.pushes.search

    def slow(*arguments: object) -> object:
        assert go_on.wait(PATIENCE)
        return search(*arguments)  # type: ignore[arg-type]

    target.store.pushes.search = slow  # type: ignore[method-assign, assignment]
    with ExitStack() as stack:
        stack.callback(go_on.set)
        readers = []
        for _ in range(60):
            reader = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            reader.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
            readers.append(reader)

        for looked in ("/__lbheartbeat__", "/__heartbeat__", "/metrics"):
            assert httpx.get(f"http://127.0.0.1:{port}{looked}", timeout=PATIENCE / 2).status_code == 200, looked
        wrong = httpx.post(
            f"http://127.0.0.1:{port}/login", data={"name": "ada", "token": "x"}, timeout=PATIENCE / 2,
            headers={"sec-fetch-site": "same-origin"},
        )  # fmt: skip
        assert wrong.status_code == 401

        go_on.set()
        with ThreadPoolExecutor() as pool:
            answers = list(pool.map(_first_line, readers))
    assert answers == [b"HTTP/1.1 200 OK"] * 60


def test_pages_that_listen_and_never_read_hold_nothing_up(port: int) -> None:
    """Their number is limited; one more is asked to come again, and all other requests are answered."""
    from triggerbot.web.live import LISTENERS_MAX

    values = [value[:100] for value in VALUES if value.isascii()]
    with ExitStack() as stack:
        for number in range(LISTENERS_MAX):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            about = b"&".join(b"%b=%b" % (name, values[number % len(values)]) for name in (b"project", b"seen"))
            silent.sendall(b"GET /live?%b HTTP/1.1\r\nhost: localhost\r\n\r\n" % about)
            assert silent.recv(15) == b"HTTP/1.1 200 OK"

        refused = httpx.get(f"http://127.0.0.1:{port}/live", timeout=PATIENCE)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        assert "listen" in json.loads(refused.text)["error"]
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE).status_code == 200


def _first_line(reader: socket.socket) -> bytes:
    return reader.makefile("rb").readline().strip()
