"""Answers that lead elsewhere: no credentials go there, and nothing inside our network is read for others."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.errors import CIError, CIUnavailable
from triggerbot.core.model import Kind, Push, Run, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.planning import Call, Owed
from triggerbot.systems import System
from triggerbot.systems.answers import Accepted
from triggerbot.systems.generic.system import Generic
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub
from triggerbot.systems.taskcluster.api import Api, Credentials
from triggerbot.systems.taskcluster.pushlog import PushLog
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.classify import Classifier
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.session import Session
from triggerbot.systems.treeherder.system import Treeherder

STATUSES = [301, 302, 303, 307, 308]
PUSH = Push("ci", "octo/app", "main", "a" * 40)
TASK = "A" * 22
TOKEN = "canary-token-that-stays"


class Server:
    """A server that gives one answer to everything, and records its requests."""

    def __init__(self, status: int = 200, body: Any = None, **headers: str) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer = (status, json.dumps(body or {}).encode(), headers)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None: ...

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, body, headers = outer.answer
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def do_PUT(self) -> None:
                self.do_GET()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def leads_to(self, where: str, status: int = 302) -> None:
        """Answer with a redirect from now on."""
        self.answer = (status, b'{"message": "moved"}', {"location": where})

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def ci() -> Iterator[Server]:
    """The CI of the config."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """A server that is not in the config."""
    server = Server()
    yield server
    server.close()


def pem() -> str:
    """Make an App's key."""
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def generic(url: str) -> System:
    """With a bearer token."""
    return Generic("ci", url, token=TOKEN)


def github(url: str) -> System:
    """With a personal token."""
    return GitHub("ci", url=url, token=TOKEN, repositories=["octo/app"])


def github_app(url: str) -> System:
    """With an App, which sends a JWT first."""
    return GitHub("ci", url=url, app=AppKey("1", pem()), repositories=["octo/app"])


def taskcluster(url: str) -> System:
    """With Hawk, and a push log that wants a token."""
    logs = [PushLog(Globs(["*"]), github=url, token=TOKEN)]
    return Taskcluster("ci", url, credentials=Credentials("me", TOKEN), push_logs=logs)


def treeherder(url: str) -> System:
    """Through a Taskcluster."""
    through = taskcluster(url)
    assert isinstance(through, Taskcluster)
    return Treeherder(TreeherderJobs("ci", url, projects=["octo/app"]), through=through)


def call() -> Call:
    """Request a run."""
    run = Run("job", TASK if TASK else "1", 1, State.FINISHED, None, Kind.TEST, batch="5")
    claim = Claim(1, PUSH, "job", ClaimState.OWED, run, dry=False, created=0.0, due=0.0, wanted=1)
    return Call((Owed(claim, 1, (run,)),), 1, run, together=True)


def notes(url: str) -> None:
    """Classify a failure, with a login's cookies."""
    jobs = TreeherderJobs("ci", url)
    one = Classifier(jobs, Session(lambda: "canary-session-that-stays", lambda: "canary-csrf-that-stays"))
    try:
        with suppress(CIError):
            one.classify(PUSH, call().target, [call().target])
    finally:
        one.close()


@pytest.mark.parametrize("make", [generic, github, github_app, taskcluster, treeherder])
@pytest.mark.parametrize("status", STATUSES)
def test_no_request_goes_where_an_answer_leads(
    ci: Server, elsewhere: Server, make: Callable[[str], System], status: int
) -> None:
    """For every request of a system, with every kind of credentials, the other server gets no request at all."""
    ci.leads_to(f"http://localhost:{elsewhere.port}/", status)
    system = make(ci.url)
    try:
        for act in (lambda: system.look_back(PUSH), lambda: system.recent(1_795_000_000.0), system.check):
            with suppress(CIError):
                act()
        assert not isinstance(system.retrigger("op", PUSH, call()), Accepted)
    finally:
        system.close()

    assert ci.asked
    assert elsewhere.asked == []


@pytest.mark.parametrize("status", STATUSES)
def test_no_login_goes_where_an_answer_leads(ci: Server, elsewhere: Server, status: int) -> None:
    """The cookies with which failures are classified stay as well."""
    ci.leads_to(f"http://localhost:{elsewhere.port}/", status)

    notes(ci.url)

    assert ci.asked
    assert elsewhere.asked == []


def test_a_list_goes_on_at_the_configured_place(ci: Server, elsewhere: Server) -> None:
    """Though an answer says that its next page is on another server."""
    link = f'<{elsewhere.url}/repos/octo/app/actions/runs?page=2>; rel="next"'
    run = {"id": 5, "head_sha": "a" * 40, "head_branch": "main", "status": "completed"}
    ci.answer = (200, json.dumps({"total_count": 300, "workflow_runs": [run], "jobs": []}).encode(), {"link": link})
    system = github(ci.url)
    with suppress(CIError):
        system.look_back(PUSH)
    system.close()

    assert elsewhere.asked == []


# -- artifacts of Taskcluster, which are kept elsewhere ----------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        "http://localhost:{port}/", "http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://[::1]:{port}/",
        "https://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/", "https://metadata.google.internal/",
        "https://intranet/", "https://db.lan/", "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://10.0.0.1./",
        "https://ci.example:6379/", "https://localhost./", "https://a.localhost/", "ftp://ci.example/", "file:///etc/passwd",
        "//ci.example/", "/api/queue/v1/ping", "", "https://", "https://[", "gopher://ci.example/",
        "http://ci.example/", "https://x@127.0.0.1/", "https://ci.example@10.0.0.1/", "https://[::ffff:127.0.0.1]/",
    ],
)  # fmt: skip
def test_nothing_inside_the_network_is_read_as_an_artifact(ci: Server, elsewhere: Server, where: str) -> None:
    """Anybody who can make a task can make an artifact that redirects anywhere, which must not be read for them."""
    ci.leads_to(where.format(port=elsewhere.port), 303)
    api = Api(ci.url, None, "test")
    try:
        with pytest.raises(CIUnavailable):
            api.artifact(TASK, "public/actions.json")
    finally:
        api.close()

    assert (len(ci.asked), elsewhere.asked) == (1, [])


def test_an_artifact_of_the_deployment_itself(ci: Server) -> None:
    """A second step is followed, and only one; without a signature."""
    ci.leads_to(f"{ci.url}/storage/x", 303)
    api = Api(ci.url, Credentials("me", TOKEN), "test")
    try:
        with pytest.raises(CIError):
            api.artifact(TASK, "public/actions.json")
    finally:
        api.close()

    assert [(path.startswith("/storage/"), "authorization" in headers) for path, headers in ci.asked] == [
        (False, True), (True, False)
    ]  # fmt: skip


def test_nothing_of_what_is_no_artifact_is_shown(ci: Server) -> None:
    """The address was chosen by others, who must not read its answer in our notes."""
    ci.leads_to(f"{ci.url}/storage/x", 303)
    first = threading.Event()
    take = ci.asked.append

    class Asked(list[Any]):
        def append(self, one: Any) -> None:
            take(one)
            if first.is_set():
                ci.answer = (500, b"inside knowledge", {})
            first.set()

    ci.asked = Asked()
    api = Api(ci.url, None, "test")
    try:
        with pytest.raises(CIError) as refused:
            api.artifact(TASK, "public/actions.json")
    finally:
        api.close()

    assert "inside knowledge" not in str(refused.value)


# -- names that would change an address --------------------------------------------------------------------------

NAMES = [
    "../../admin", "..", ".", "a/../../b", "a?b=c", "a#b", "a%2f..%2fb", "a\r\nx: y", "a\\b", "//evil.example/",
    "@evil.example", "evil.example:80", "é/漢", "a b", "%00", "{project}",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [generic, github, taskcluster, treeherder])
def test_no_name_leads_out_of_its_place(
    ci: Server, elsewhere: Server, make: Callable[[str], System], name: str
) -> None:
    """Projects, branches, revisions, jobs and ids are foreign text: each is one piece of an address."""
    ci.answer = (404, b"{}", {})
    system = make(f"{ci.url}/base")
    strange = Push("ci", name, name, name)
    try:
        for act in (lambda: system.look_back(strange), lambda: system.retrigger(name, strange, call())):
            with suppress(CIError):
                act()
    finally:
        system.close()

    assert elsewhere.asked == []
    assert all(path.startswith("/base/") and "/../" not in path and "admin" not in path.split("?")[0].split("%")[0]
               for path, _ in ci.asked)  # fmt: skip
    assert all(headers["host"] == f"127.0.0.1:{ci.port}" for _, headers in ci.asked)
