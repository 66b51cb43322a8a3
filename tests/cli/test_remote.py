"""Commands that ask a daemon over its API (`--url`): the same output and exit codes as beside its store."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from tests.fakes.site import TOKEN, House
from tests.fakes.site_fixtures import front, make_house
from tests.fakes.world import event, failure, push
from triggerbot.cli import main
from triggerbot.store import Pause
from triggerbot.web.session import Access

__all__ = ["front", "make_house"]

REVISION = push().revision


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A daemon with something to tell, which answers only who has a token."""
    made = make_house(access=Access(tokens=(TOKEN,), anyone_reads=False))
    now = time.time()
    made.hear(
        failure("job", "1", started=now - 90, time=now - 60),
        event("fine", "2", result="success", started=now - 90, time=now - 50),
        failure("job", "3", push=push("bbbbbbb2"), started=now - 40, time=now - 30),
        failure("odd \x1b[31m", "4", started=now - 90, time=now - 60),
    )
    made.store.limits.pause(Pause(now, "ada", "closed"))
    return made


@pytest.fixture
def local(house: House, tmp_path: Path) -> Path:
    """A config that names the store of the daemon."""
    path = tmp_path / "local.yml"
    path.write_text(
        f'dry_run: false\nstore: sqlite:{house.directory / "state.db"}\nlisten: "off"\n'
        'systems: {ci: {type: generic, url: "http://127.0.0.1:9"}}\n'
        'rules: [{projects: [try, "octo/*"], exclude_jobs: ["*-unstable"], retries: 2}]\n'
    )
    return path


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run where there is neither a config nor a store."""
    monkeypatch.chdir(tmp_path)
    for name in ("TRIGGERBOT_URL", "TRIGGERBOT_TOKEN", "TRIGGERBOT_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str, **environment: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, arguments, env=environment, prog_name="triggerbot")


ASKED = [
    ["status", "try", REVISION],
    ["status", "try", "bbbb"],
    ["status", "try", "ffff"],
    ["status", "try", "no revision"],
    ["status", "try", REVISION, "--branch", "other"],
    ["explain", "try", REVISION],
    ["explain", "try", REVISION, "job"],
    ["explain", "try", REVISION, "jbo"],
    ["explain", "try", "ffff"],
    ["pushes"],
    ["pushes", "--health", "failing", "--limit", "1"],
    ["pushes", "--author", "nobody"],
    ["branch", "try", "try"],
    ["branch", "try", "try", "--jobs", "fine", "--jobs", "odd*", "--merge-shards"],
    ["branch", "try", "none"],
    ["branch", "nothing"],
    ["stats", "--since", "1d"],
]


def same(text: str) -> str:
    """Return JSON without the moments at which it was asked for, and text without its source's path."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    for name in ("since", "until"):
        found.pop(name, None)
    return json.dumps(found)


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize("arguments", ASKED, ids=" ".join)
def test_it_is_as_beside_the_store(house: House, local: Path, arguments: list[str], form: list[str]) -> None:
    """In words and as JSON, with the same exit code; also what is not known or wrong."""
    here = run(*arguments, *form, "-c", str(local))
    there = run(*arguments, *form, "--url", house.url, TRIGGERBOT_TOKEN=TOKEN)

    assert (there.exit_code, same(there.stdout)) == (here.exit_code, same(here.stdout))
    assert there.exception is None or isinstance(there.exception, SystemExit)
    assert (there.stderr.partition("\n")[0] == "") == (here.stderr.partition("\n")[0] == "")
    assert "\x1b" not in there.stdout


def test_the_address_may_be_in_the_environment(house: House, local: Path) -> None:
    """A config that is named counts more; both at once cannot be meant."""
    known = {"TRIGGERBOT_URL": f"{house.url}/", "TRIGGERBOT_TOKEN": f"{TOKEN}\n"}

    assert run("pushes", **known).exit_code == 0
    known["TRIGGERBOT_URL"] = "http://127.0.0.1:9"
    assert run("pushes", **known).exit_code == 2
    assert run("pushes", "-c", str(local), **known).exit_code == 0
    both = run("status", "try", REVISION, "-c", str(local), "--url", house.url)
    assert both.exit_code == 2
    assert "either --url" in both.stderr


def test_without_a_good_token(house: House) -> None:
    """The message says what to set; the token itself is in none."""
    for token, words in (("", "put one of its page.token in"), ("wrong-token-wrong", "does not take the token in")):
        answer = run("stats", "--url", house.url, TRIGGERBOT_TOKEN=token)
        assert answer.exit_code == 2
        assert words in answer.stderr
        assert "TRIGGERBOT_TOKEN" in answer.stderr
        assert "wrong-token" not in answer.stderr
    assert "no token has" in run("stats", "--url", house.url, TRIGGERBOT_TOKEN="schlüssel").stderr


@pytest.mark.parametrize("url", ["ftp://host", "host:8080", "http://", "", "http://host/?a=b", "http://[::1"])
def test_an_address_that_cannot_be(url: str) -> None:
    """It is named, with what would be right; an empty one is none, and there is no config either."""
    answer = run("stats", "--url", url)
    assert answer.exit_code == 2
    assert "Traceback" not in answer.stderr
    assert answer.stderr.startswith("error: ")


def test_a_password_does_not_belong_into_an_address() -> None:
    """Nor into a message."""
    answer = run("stats", "--url", "https://ada:lovelace@host")
    assert answer.exit_code == 2
    assert "TRIGGERBOT_TOKEN" in answer.stderr
    assert "lovelace" not in answer.stderr


def test_nobody_is_there() -> None:
    """A daemon that is down."""
    answer = run("pushes", "--url", "http://127.0.0.1:9")
    assert answer.exit_code == 2
    assert "cannot reach a daemon at http://127.0.0.1:9" in answer.stderr


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, text="<html>login</html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"exit": 7, "json": None, "said": [], "error": ""}),
        httpx.Response(200, json={"exit": 0, "json": None, "said": [{"line": [[1, ""]]}], "error": ""}),
        httpx.Response(
            200, json={"exit": 0, "json": None, "said": [{"table": ["a"], "rows": [[[], ""]]}], "error": ""}
        ),
        httpx.Response(302, headers={"location": "https://elsewhere.example"}),
        httpx.Response(404, json={"error": "not found"}),
        httpx.Response(500, text=""),
    ],
)
def test_something_else_answers(monkeypatch: pytest.MonkeyPatch, reply: httpx.Response) -> None:
    """A proxy's login page, a daemon of another version: one sentence, and no traceback."""
    monkeypatch.setattr(httpx, "get", lambda *_, **__: reply)

    answer = run("pushes", "--url", "http://127.0.0.1:9")

    assert answer.exit_code == 2
    assert "is no daemon of triggerbot, or one of another version" in answer.stderr


def test_a_terminal_is_not_steered_from_afar(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same, whichever of them answers."""
    lines = [{"line": [["\x1b[2J", "purple"]]}, {"table": ["\x1b"], "rows": [[["\x1b]0;x\x07"], "nonsense"]]}]
    answer = {"exit": 0, "json": None, "said": lines, "error": ""}
    monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(200, json=answer))

    found = run("pushes", "--url", "http://127.0.0.1:9")

    assert found.exit_code == 0
    assert "\x1b" not in found.stdout


def test_a_token_that_others_can_read_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is warned of, and sent: the network may be one's own."""
    monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(401, json={"error": "no"}))

    assert "unencrypted" in run("pushes", "--url", "http://ci.example.org", TRIGGERBOT_TOKEN="x").stderr
    assert "unencrypted" not in run("pushes", "--url", "https://ci.example.org", TRIGGERBOT_TOKEN="x").stderr


@pytest.mark.parametrize(
    ("command", "question"),
    [
        ("status", {}),
        ("status", {"project": "try"}),
        ("status", {"project": "try", "revision": 7}),
        ("status", {"project": "try", "revision": "a", "more": ""}),
        ("pushes", {"limit": 0}),
        ("pushes", {"limit": 10**9}),
        ("stats", {"since": -1}),
        ("stats", {"since": "x"}),
        ("branch", {"project": "try", "jobs": [1]}),
        ("branch", {"project": "try", "jobs": ["a"] * 101}),
        ("branch", []),
    ],
)
def test_questions_that_no_command_asks(house: House, command: str, question: object) -> None:
    """Are refused with 400; so is what is no JSON, and a command that there is not with 404."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    path = f"{house.url}/api/v1/answers/"

    assert httpx.get(path + command, params={"question": json.dumps(question)}, headers=headers).status_code == 400
    assert httpx.get(path + command, params={"question": "["}, headers=headers).status_code == 400
    assert httpx.get(path + "pause", params={"question": "{}"}, headers=headers).status_code == 404
    assert httpx.get(path + command, params={"question": json.dumps(question)}).status_code == 401
