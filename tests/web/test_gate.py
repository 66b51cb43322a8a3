"""Who may read, and under which names: pages, the API, live updates and metrics alike; health is for everybody."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.fakes.reported import logged
from tests.fakes.site import TOKEN, House, Person
from tests.fakes.world import failure
from tests.web.page import PATH
from triggerbot.liveness import Check
from triggerbot.web.gate import is_ours
from triggerbot.web.session import Access

METRICS_TOKEN = "canary-metrics-token-for-tests"
#: What of a push must not be read by everybody.
PRIVATE = "a private message"
READ = [
    "/",
    PATH,
    f"{PATH}?job=job",
    f"{PATH}?fragment=1",
    "/?fragment=1",
    "/about",
    "/branches/try/try",
    "/statistics",
    "/errors",
]
DATA = [
    "/api/v1/pushes",
    "/api/v1/pushes/try/abcdef1",
    "/api/v1/branches/try/try",
    "/api/v1/stats",
    "/live?system=ci&project=try",
]
OPEN = ["/__lbheartbeat__", "/__heartbeat__", "/__version__"]
CLOSED = Access(tokens=(TOKEN,), anyone_reads=False, metrics_tokens=(METRICS_TOKEN,), hosts=frozenset({"bot.example"}))


@pytest.fixture
def closed(make_house: Callable[..., House]) -> House:
    """A house whose pages only those may read who have logged in."""
    house = make_house(access=CLOSED)
    house.hear(failure(message=PRIVATE, failures=("a private line",), time=house.clock()))
    return house


def ask(house: House, path: str, token: str = "", **headers: str) -> httpx.Response:
    """Ask for a path, with a token of a program; of an endless answer only the beginning is read."""
    sent = {"authorization": f"Bearer {token}"} if token else {}
    with httpx.stream("GET", house.url + path, headers=sent | headers) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return httpx.Response(answer.status_code, headers={"content-type": "text/event-stream"}, text="")
        answer.read()
    return answer


def test_who_has_not_logged_in_reads_nothing(closed: House) -> None:
    """A page offers the login, and leads back; a program is told what to send."""
    for path in (*READ, *DATA, "/metrics", "/pushes/try/fff"):
        answer = ask(closed, path)

        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "private" not in answer.text
        assert "abcdef1" not in answer.text.replace("/pushes/try/abcdef1", "")
        assert ('name="token"' in answer.text) is (path in READ or path == "/pushes/try/fff")


def test_who_has_logged_in_reads_everything(closed: House) -> None:
    """By a session, or with the token of the page as a program sends it."""
    with Person(closed) as ada:
        ada.log_in()
        cookies = "; ".join(f"{name}={value}" for name, value in ada.client.cookies.items())
    for path in (*READ, *DATA, "/metrics"):
        assert ask(closed, path, cookie=cookies).status_code == 200, path
        assert ask(closed, path, TOKEN).status_code == 200, path


@pytest.mark.parametrize(
    "given",
    ["Bearer wrong", f"Bearer {METRICS_TOKEN}", f"Bearer {TOKEN[:-1]}", "Bearer", f"Basic {TOKEN}", "Bearer \xff"],
)
def test_no_other_token_reads(closed: House, given: str) -> None:
    """Neither a wrong one, nor that of the metrics."""
    for path in (*READ, *DATA):
        sent = {b"authorization": given.encode("latin-1")}
        assert httpx.get(closed.url + path, headers=sent).status_code == 401  # type: ignore[arg-type]


def test_metrics_have_a_token_of_their_own(make_house: Callable[..., House], closed: House) -> None:
    """Where one is set, everybody else is refused even if anybody may read the pages."""
    assert ask(closed, "/metrics", METRICS_TOKEN).status_code == 200
    house = make_house(access=Access(metrics_tokens=(METRICS_TOKEN,)))
    assert ask(house, "/metrics").status_code == 401
    assert ask(house, "/metrics", "wrong").status_code == 401
    assert ask(house, "/metrics", METRICS_TOKEN).status_code == 200
    assert ask(house, "/").status_code == 200


@pytest.mark.parametrize("path", OPEN)
def test_health_is_for_everybody_without_its_notes(closed: House, path: str) -> None:
    """Under any name; what is wrong in detail may repeat what a CI answers, and is for who may read."""
    closed.checks = {"queue ci": Check.warn_if("HTTP 500 of a private repository")}

    stranger, reader = ask(closed, path, host="anything.example"), ask(closed, path, TOKEN)

    assert (stranger.status_code, reader.status_code) == (200, 200)
    assert "private" not in stranger.text
    if path == "/__heartbeat__":
        assert stranger.json()["checks"] == {"queue ci": "warning"}
        assert reader.json()["warnings"] == {"queue ci": "HTTP 500 of a private repository"}


def test_a_person_is_led_back_after_logging_in(closed: House) -> None:
    """The form of the refusal carries where to."""
    with Person(closed) as ada:
        form = ada.forms(f"{PATH}?job=job")["login"]
        assert ada.send(form, name="ada", token=TOKEN).headers["location"] == f"{PATH}?job=job"


@pytest.mark.parametrize("path", [*READ, *DATA, "/metrics", "/login"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_name_that_leads_here_from_elsewhere_is_answered_nothing(
    make_house: Callable[..., House], path: str, host: str
) -> None:
    """A web page can let its own name lead to this machine, and would read what the browser then gets."""
    house = make_house()
    house.hear(failure(message=PRIVATE))

    answer = ask(house, path, host=host)

    assert answer.status_code == 421
    assert "page.hosts" in answer.text
    assert PRIVATE not in answer.text


def test_the_log_tells_of_a_foreign_name_once(make_house: Callable[..., House]) -> None:
    """An operator finds out what is missing in the config; a stranger cannot fill the log."""
    house = make_house()
    with logged() as lines:
        for number in range(30):
            ask(house, "/", host=f"name-{number // 2}.example")

    told = [line["host"] for line in lines if line["event"] == "page.misdirected"]
    assert told == [f"name-{number}.example" for number in range(10)]


@pytest.mark.parametrize("action", ["/login", "/logout", "/pause", "/resume", f"{PATH}/retrigger"])
def test_nor_does_it_act(make_house: Callable[..., House], action: str) -> None:
    """Though the browser takes it for our own page, and a proxy on this machine vouches for everybody."""
    house = make_house(access=Access(user_header="X-Forwarded-User", proxies=("127.0.0.1",)))
    headers = {"host": "evil.example:8080", "sec-fetch-site": "same-origin", "x-forwarded-user": "grace"}

    answer = httpx.post(house.url + action, data={"form": "x"}, headers=headers)

    assert answer.status_code == 421
    assert house.store.limits.paused() is None


def test_programs_that_know_a_token_may_come_by_any_name(closed: House) -> None:
    """A page that leads its name here does not know it."""
    assert ask(closed, "/metrics", METRICS_TOKEN, host="replica:8080").status_code == 200
    assert ask(closed, "/api/v1/pushes", TOKEN, host="replica:8080").status_code == 200


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8080", "10.1.2.3:80", "[::1]:8080", "[fe80::1]", "localhost", "LOCALHOST:1", "a.localhost",
     "bot.example", "Bot.Example.", "bot.example:443"],
)  # fmt: skip
def test_our_own_names(host: str) -> None:
    """Addresses, this machine, and what the config names; in any case, with or without a port."""
    assert is_ours(host, {"bot.example"})


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "bot.example.evil.example", "xbot.example", "bot.example@evil.example", "[evil.example]",
     "1.2.3", "0x7f.1", "127.0.0.1.nip.io", "bot.example:x", "localhost:1:2", "evil.localhost.example", "é"],
)  # fmt: skip
def test_the_names_of_others(host: str) -> None:
    """Whatever only looks like ours."""
    assert not is_ours(host, {"bot.example"})


ORIGINS: list[tuple[dict[str, Any], str | None, bool]] = [
    ({"origin": "https://bot.example"}, "https://bot.example", True),
    ({"origin": "http://bot.example"}, "https://bot.example", False),
    ({"origin": "https://bot.example:8443"}, "https://bot.example", False),
    ({"origin": "http://127.0.0.1:1"}, "https://bot.example", False),
    ({"origin": "http://localhost"}, None, True),
    ({"origin": "http://127.0.0.1"}, None, False),
    ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, None, False),
]


@pytest.mark.parametrize(("headers", "address", "taken"), ORIGINS)
def test_an_origin_is_compared_with_the_configured_address(
    make_house: Callable[..., House], headers: dict[str, str], address: str | None, *, taken: bool
) -> None:
    """Only with it, where there is one: whoever can choose the `Host` chooses the `Origin`, too."""
    house = make_house(access=Access(tokens=(TOKEN,), address=address))

    sent = {"host": "localhost", **headers}
    answer = httpx.post(f"{house.url}/login", data={"name": "ada", "token": TOKEN}, headers=sent)

    assert (answer.status_code == 303) is taken
