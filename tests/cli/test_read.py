"""`triggerbot read`: the reports of a run become its event, printed or posted as the generic webhook takes it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.fakes.receiver import Receiver
from triggerbot.cli import main
from triggerbot.core import event_json
from triggerbot.systems.generic.client import EVENT_MAX
from triggerbot.systems.generic.system import Generic

REVISION = "abcdef1234"
WHOSE = ["--project", "p", "--branch", "b", "--revision", REVISION, "--job", "unit", "--run-id", "7"]
JUNIT = (
    '<testsuite time="1.5"><testcase classname="a.B" name="ok"/>'
    '<testcase classname="a.B" name="c[x y]"><failure message="1 != 2"/></testcase></testsuite>'
)
GOOD = '<testsuite><testcase classname="a.B" name="ok"/></testsuite>'


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder with one report."""
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "unit.xml").write_text(JUNIT)
    return folder


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver of webhooks, and its secret where the command finds it."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setenv("X_SECRET", Receiver.secret)
    with Receiver(time.time) as running:
        yield running


def read(*arguments: Any) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["read", *map(str, arguments), *WHOSE])


def test_the_event_is_one_line_of_json(reports: Path) -> None:
    """In the keys of every event, and it is one."""
    answer = read(reports)
    assert (answer.exit_code, answer.stderr, answer.stdout.count("\n")) == (0, "", 1)
    assert json.loads(answer.stdout) == {
        "project": "p", "branch": "b", "revision": REVISION, "job": "unit", "run_id": "7", "attempt": 1,
        "state": "finished", "result": "failure", "kind": "test", "tier": 1, "failures": ["a.B.c[x y]: 1 != 2"],
        "tests": {
            "passed": 1, "failed": 1, "errors": 0, "skipped": 0, "seconds": 1.5,
            "failing": [{"id": "a.B.c[x y]", "line": "1 != 2"}],
        },
    }  # fmt: skip
    assert event_json.decode(answer.stdout).tests is not None


def test_what_is_told_beside_the_reports(reports: Path) -> None:
    """Is in the event."""
    more = {
        "attempt": 2,
        "result": "busted",
        "system": "ci",
        "pool": "gpu",
        "time": "2026-11-20T19:31:02Z",
        "url": "u:1",
    }
    told = json.loads(read(reports, *(part for name, one in more.items() for part in (f"--{name}", one))).stdout)
    assert {name: told[name] for name in more} == more


@pytest.mark.parametrize(
    ("name", "text", "result"),
    [
        ("a.xml", GOOD, "success"),
        ("stats.txt", "1 error in 0.1s", "failure"),
        ("stats.txt", "no tests ran in 0.01s", "success"),
        ("0/error.json", '{"message": "RuntimeError: a"}', "failure"),
    ],
)
def test_the_result_follows_from_the_reports(tmp_path: Path, name: str, text: str, result: str) -> None:
    """Unless it is told."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert json.loads(read(tmp_path).stdout)["result"] == result


def test_what_is_not_understood_is_named_and_the_rest_is_read(reports: Path) -> None:
    """With file, line and what was expected; and where that may hide a failure, nothing is called a success."""
    (reports / "bad.xml").write_text("<testsuite>\n<testcase>")
    answer = read(reports)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"{reports}/bad.xml:2: expected JUnit XML, found what is no XML")
    assert json.loads(answer.stdout)["tests"]["failed"] == 1
    (reports / "unit.xml").write_text(GOOD)
    assert json.loads(read(reports).stdout)["result"] == "unknown"
    answer = read(reports / "unit.xml", reports / "none")
    assert (answer.exit_code, json.loads(answer.stdout)["tests"]["passed"]) == (2, 1)
    assert f"cannot read {reports}/none" in answer.stderr


@pytest.mark.parametrize("form", ["auto", "junit", "pytest", "torchelastic"])
def test_where_there_is_no_report_nothing_is_told(tmp_path: Path, form: str) -> None:
    """But an end that is told is an event by itself."""
    answer = read("--format", form, tmp_path)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"error: no report was found in {tmp_path}: expected ")
    assert "--result failure tells that" in answer.stderr
    answer = read(tmp_path, "--result", "success")
    assert (answer.exit_code, json.loads(answer.stdout)["result"]) == (0, "success")


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    """As a CI offers it for download."""
    (tmp_path / "reports.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    answer = read(tmp_path / "reports.zip")
    assert answer.exit_code == 2
    assert "reports.zip:1: expected " in answer.stderr
    assert ", found a zip archive: unpack it first" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "trx"], "'trx' is not one of"),
        (["--result", "good"], "'good' is not one of"),
        (["--time", "now"], "time: expected a time like"),
        (["--revision", "main"], "revision: expected 7 to 64"),
        (["--post", "nowhere"], "--post: expected an address such as"),
        (["--post", "http://[::1"], "--post: no address"),
        (["--post", "https://ci.example/hooks/ci"], "--post needs --secret"),
        (["--post", "https://ci.example/hooks/ci", "--secret", "canary-1"], "--secret: expected env:NAME"),
        (["--post", "https://ci.example/hooks/ci", "--secret", "env:NOT_THERE"], "--secret: env:NOT_THERE"),
    ],
)
def test_wrong_use_is_told_in_one_line(reports: Path, arguments: list[str], says: str) -> None:
    """With what would be right, and without the secret."""
    answer = CliRunner().invoke(main, ["read", str(reports), *WHOSE, *arguments])
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert says in answer.stderr
    assert "canary-1" not in answer.output
    assert "Traceback" not in answer.output


def test_it_is_posted_as_the_webhook_takes_it(reports: Path, receiver: Receiver) -> None:
    """Signed by Standard Webhooks, to the letter of the generic system."""
    answer = read(reports, "--post", receiver.url, "--secret", "env:X_SECRET")
    assert (answer.exit_code, answer.stdout) == (0, "Stored: unit failure, 1 test passed and 1 failed.\n")
    ((_, headers, body),) = receiver.requests
    system = Generic("ci", "http://127.0.0.1:1", webhook_secrets=[Receiver.secret])
    system.verify(headers, body, time.time())
    (event,) = system.parse(headers, body)
    assert event.tests.ids == {"a.B.c[x y]"}  # type: ignore[union-attr]
    assert abs(event.time - time.time()) < 60  # type: ignore[union-attr,operator]
    system.close()
    answer = read(reports, "--post", receiver.url, "--secret", "env:X_SECRET", "--json")
    assert json.loads(answer.stdout)["job"] == "unit"


def test_it_is_posted_until_it_is_stored(reports: Path, receiver: Receiver) -> None:
    """The same message each time."""
    receiver.faults = [(503, {"retry-after": "1"}, False), (0, {}, True), (429, {}, False)]
    assert read(reports, "--post", receiver.url, "--secret", "env:X_SECRET").exit_code == 0
    assert (len(receiver.requests), len(receiver.known)) == (4, 1)


@pytest.mark.parametrize(
    ("status", "times", "says"),
    [(401, 1, "HTTP 401"), (404, 1, "HTTP 404"), (302, 1, "HTTP 302"), (503, 4, "run it again")],
)
def test_what_is_not_stored_is_told(reports: Path, receiver: Receiver, status: int, times: int, says: str) -> None:
    """In one line, with the exit code 2."""
    receiver.faults = [(status, {}, False)] * times
    answer = read(reports, "--post", receiver.url, "--secret", "env:X_SECRET")
    assert (answer.exit_code, len(receiver.requests)) == (2, times)
    assert answer.stderr.startswith("error: the event is not stored: ")
    assert says in answer.stderr


def test_an_event_fits_into_a_webhook(tmp_path: Path) -> None:
    """However much fails: what is not listed is counted."""
    cases = "".join(
        f'<testcase name="t{number}"><failure message="{"x" * 3000}"/></testcase>' for number in range(2000)
    )
    (tmp_path / "r.xml").write_text(f"<testsuite>{cases}</testsuite>")
    answer = read(tmp_path)
    tests = json.loads(answer.stdout)["tests"]
    assert len(answer.stdout) <= EVENT_MAX
    assert (tests["failed"], len(tests["failing"]) > 300) == (2000, True)
