"""Secrets are in no log, error, `repr`, note or page; and the search of every test finds them."""

import dataclasses
import io
import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tests import ROOT
from tests.fakes import canary
from tests.fakes.world import push
from tests.service.hostile.target import GENERIC_SECRETS, Target
from triggerbot import logs
from triggerbot.core.errors import CIError
from triggerbot.core.patterns import Globs
from triggerbot.systems.generic.system import Generic
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub
from triggerbot.systems.http import Http, Reply
from triggerbot.systems.taskcluster.api import Credentials
from triggerbot.systems.taskcluster.pushlog import PushLog
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.classify import Classifier
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.session import Session

TOKEN = "canary-token with a space"


# -- what a CI answers -------------------------------------------------------------------------------------------


def answered(status: int, text: str) -> httpx.Response:
    """Make an answer whose body has still to arrive, as over a network."""
    return httpx.Response(status, stream=httpx.ByteStream(text.encode()))


def echo(request: httpx.Request) -> httpx.Response:
    """Run a CI whose errors echo the request."""
    return answered(400, " ".join(f"{name}={value}" for name, value in request.headers.items()))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer canary-token"},
        {"authorization": "canary-token-alone"},
        {"cookie": "sessionid=canary-session; csrftoken=canary-csrf", "x-csrftoken": "canary-csrf"},
    ],
)
def test_what_a_ci_repeats_of_our_credentials_is_taken_out(headers: dict[str, str]) -> None:
    """In reads and writes, whether the credentials are the client's or the request's."""
    always = Http("http://ci.example", headers, transport=httpx.MockTransport(echo))
    once = Http("http://ci.example", {}, transport=httpx.MockTransport(echo))

    answers = [always.get("/"), always.post("/", {}), once.get("/", headers=headers), once.post("/", {}, headers)]

    for answer in answers:
        assert isinstance(answer, Reply)
        assert b"***" in answer.body
        assert canary.found(answer.body) == []


def test_a_successful_answer_is_left_alone() -> None:
    """A token may also be a word of the content; successful answers are read and not quoted."""
    http = Http(
        "http://ci.example",
        {"authorization": "Bearer success"},
        transport=httpx.MockTransport(lambda _: answered(200, "success")),
    )

    assert http.get("/").body == b"success"


def _systems(transport: httpx.BaseTransport) -> Iterator[Any]:
    yield Generic("ci", "http://ci.example", token=TOKEN, webhook_secrets=GENERIC_SECRETS, transport=transport)
    ours: dict[str, Any] = {"webhook_secrets": ["canary-hook"], "repositories": ["a/b"], "transport": transport}
    yield GitHub("gh", token="canary-github", **ours)
    yield GitHub("gh", app=AppKey("1", "canary-key"), **ours)
    logs = [PushLog(Globs(["*"]), github="http://gh.example", token="canary-log")]
    credentials = Credentials("me", "canary-access", '{"version": 1, "x": "canary-certificate"}')
    yield Taskcluster("tc", "http://tc.example", credentials=credentials, push_logs=logs, transport=transport)


def test_no_error_of_a_system_shows_a_secret() -> None:
    """For every answer of a CI to every request."""
    for system in _systems(httpx.MockTransport(echo)):
        for act in (partial(system.look_back, push()), partial(system.recent, 0.0), system.check):
            try:
                shown = str(act())
            except CIError as error:
                shown = f"{error!r} {error}"
            assert canary.found(shown.encode()) == []
        system.close()


def test_no_repr_shows_a_secret(target: Target) -> None:
    """Of any object of ours, however deeply nested."""
    jobs = TreeherderJobs("th", "http://th.example")
    session = Session(lambda: "canary-session", lambda: "canary-csrf")
    assert session.trouble() == ""
    whole = [*_systems(httpx.MockTransport(echo)), Classifier(jobs, session), target.hooks]
    whole += [Credentials("me", "canary-access"), PushLog(Globs(["*"]), token="canary-log")]
    seen = dict(_parts(whole, {}))

    assert len(seen) > 20
    for part in seen.values():
        assert canary.found(repr(part).encode()) == [], type(part)
    assert any(isinstance(part, AppKey) for part in seen.values())
    assert any(isinstance(part, Credentials) for part in seen.values())


def _parts(thing: Any, seen: dict[int, Any]) -> dict[int, Any]:
    """Collect every object of ours that can be reached."""
    if id(thing) in seen:
        return seen
    if isinstance(thing, list | tuple | set | frozenset):
        for one in thing:
            _parts(one, seen)
    elif isinstance(thing, dict):
        _parts(list(thing.values()), seen)
    elif type(thing).__module__.startswith("triggerbot"):
        seen[id(thing)] = thing
        names = [field.name for field in dataclasses.fields(thing)] if dataclasses.is_dataclass(thing) else []
        _parts([getattr(thing, name) for name in names] + list(getattr(thing, "__dict__", {}).values()), seen)
    return seen


# -- the log -----------------------------------------------------------------------------------------------------

KEY = "-----BEGIN PRIVATE KEY-----\ncanary-first-line\ncanary-second-line\n-----END PRIVATE KEY-----"
SECRETS = [TOKEN, 'canary-"quoted"\\', "whsec_Y2FuYXJ5LWhvb2s=", KEY, "canary-töken"]


@pytest.fixture
def log() -> Iterator[Callable[[], str]]:
    """Log into a string with masks, as a daemon does; yield a function that returns what was written."""
    stream = io.StringIO()
    before, last = structlog.get_config(), logging.lastResort
    logs.configure(secrets=SECRETS, stream=stream)
    yield stream.getvalue
    structlog.configure(**before)
    logging.lastResort = last


@pytest.mark.parametrize("secret", SECRETS)
def test_no_form_of_a_secret_gets_into_the_log(log: Callable[[], str], secret: str) -> None:
    """As a value, in a list or mapping, as a key, in an exception; and quoted for an address, a form or JSON."""
    one = structlog.get_logger("test")
    for text in (secret, httpx.QueryParams({"t": secret}), json.dumps(secret), repr(secret), secret.split("\n")[-2:]):
        one.info("x", value=text, several=[text], deep={"a": [{str(text): text}]}, error=ValueError(str(text)))
        try:
            raise RuntimeError(f"broken by {text}")
        except RuntimeError:
            one.exception("broken")
    one.info(secret)

    assert "***" in log()
    assert "canary-" not in log()
    assert "Y2FuYXJ5L" not in log()


def test_what_libraries_log_is_masked_as_well(log: Callable[[], str]) -> None:
    """Library logs have the same format; below warnings they are not written."""
    library = logging.Logger("library")  # noqa: LOG001 - one that pytest does not capture
    library.warning("with %s", TOKEN)
    library.info("quiet")
    library.error("broken", exc_info=ValueError(TOKEN))
    library.error("a wrong %d format", "x")

    lines = [json.loads(line) for line in log().splitlines()]

    assert [(line["library"], line["message"]) for line in lines] == [("library", "with ***"), ("library", "broken")]
    assert "***" in lines[1]["exception"]
    assert "canary-" not in log()


@given(st.text(), st.text(min_size=6, max_size=40))
def test_a_mask_leaves_nothing_of_a_secret(text: str, secret: str) -> None:
    """Wherever it stands, and however often."""
    masked = logs.Mask([secret])(f"{text}{secret}{text}{secret}")

    assert secret not in masked or secret in "***" * len(masked)


def test_a_value_of_whatever_sort_is_written(log: Callable[[], str]) -> None:
    """Numbers stay numbers; what is long is cut, what is deep is kept."""
    structlog.get_logger("test").info(
        "x", number=1, part=1.5, yes=True, none=None, long="a" * 9999, many=list(range(99)), path=Path("/x")
    )

    line = json.loads(log())

    assert (line["number"], line["part"], line["yes"], line["none"], line["path"]) == (1, 1.5, True, None, "/x")
    assert (len(line["long"]), len(line["many"])) == (501, 20)


# -- the search itself -------------------------------------------------------------------------------------------


def test_the_search_finds_a_secret_in_a_store(tmp_path: Path) -> None:
    """In plain text or base64, in a file of SQLite or its log; and no other word."""
    (tmp_path / "deep").mkdir()
    connection = sqlite3.connect(tmp_path / "deep" / "state.db")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES (?)", ("x" * 9000 + TOKEN,))
    connection.commit()
    (tmp_path / "log").write_text("the next canary is sent; Y2FuYXJ5")

    (leak,) = canary.search(tmp_path)
    (tmp_path / "deep" / "state.db").unlink()

    assert leak.startswith("deep/state.db: …")
    assert canary.found(b"whsec_Y2FuYXJ5LWhvb2s=") != []
    connection.close()


LEAKY = """
import logging

def test_printed():
    print("canary-printed")

def test_logged():
    logging.getLogger("x").warning("canary-logged")

def test_written(tmp_path):
    (tmp_path / "log").write_text("canary-written")

def test_clean(tmp_path):
    (tmp_path / "log").write_text("nothing")
    print("nothing")
"""


def test_a_test_that_leaks_fails(tmp_path: Path) -> None:
    """The search covers what a test prints, logs and leaves behind."""
    made = tmp_path / "test_leaky.py"
    made.write_text(LEAKY)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-q", "-rfE", str(made)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    made.unlink()

    assert ended.returncode == 1
    failed = [
        line.split(" - ")[0].split("::")[-1]
        for line in ended.stdout.splitlines()
        if line.startswith(("FAILED", "ERROR"))
    ]
    assert sorted(failed) == ["test_logged", "test_printed", "test_written"]
