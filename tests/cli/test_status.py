"""`triggerbot status` says what keeps a push back, and why failures were left alone."""

import subprocess
import sys

import pytest

from tests.fakes.command_bench import REVISION, Bench
from triggerbot.cli import output
from triggerbot.core.errors import CIDenied
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope
from triggerbot.store import Pause
from triggerbot.systems.answers import Later

PUSH = ("try", REVISION)


def rows(bench: Bench) -> dict[str, str]:
    """Read the text after each job's name."""
    lines = bench.run("status", *PUSH).stdout.splitlines()[1:]
    return {line.split()[1]: line for line in lines if len(line.split()) > 2}


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"step": "build things"}, "step_excluded"),
        ({"pool": "mac-mini"}, "pool_excluded"),
        ({"kind": "build"}, "kind_excluded"),
        ({"author": "bot@example.org"}, "author_excluded"),
    ],
)
def test_why_a_failure_was_left_alone(bench: Bench, named: dict[str, str], reason: str) -> None:
    """The same for what its rule does not cover as for what was refused later."""
    bench.hear(bench.event("linux-1", **named))

    assert rows(bench)["linux-1"].endswith(f"its only run failed; not retriggered: {reason}")
    (push,) = bench.json("status", *PUSH)["pushes"]
    assert push["jobs"][0]["refusals"] == [{"run_id": "100", "attempt": 1, "reason": reason}]
    (push,) = bench.json("explain", *PUSH)["pushes"]
    assert [line["reason"] for line in push["jobs"][0]["story"] if line["what"] == "refuse"] == [reason]


def test_an_unknown_push_is_json_too(bench: Bench) -> None:
    """A program can read the answer without checking the exit code first."""
    bench.store().close()

    answer = bench.run("explain", *PUSH, "--json")

    assert (answer.exit_code, answer.stdout) == (2, '{"pushes": []}\n')


def test_a_hidden_job_does_not_decide(bench: Bench) -> None:
    """It is listed with its failure, named in the sentence, and the push is good without it."""
    bench.hear(bench.event("linux-1", "success"), bench.event("linux-2", tier=2, run_id="2"))

    answer = bench.run("status", *PUSH)

    assert answer.exit_code == 0
    assert "good: 1 passed, 1 hidden job fails" in answer.stdout
    assert rows(bench)["linux-2"].endswith("its only run failed; hidden, so the push is judged without it")
    (push,) = bench.json("status", *PUSH)["pushes"]
    assert [(job["job"], job["verdict"], job["hidden"]) for job in push["jobs"]] == [
        ("linux-1", "passed", False), ("linux-2", "failed", True),
    ]  # fmt: skip


def test_what_a_ci_refuses_is_owed(bench: Bench) -> None:
    """Nothing runs, and nobody can say how long it will take; the CI's own words are there."""
    bench.ci.answers = [Later("HTTP 403: no permission")]
    bench.hear(bench.event("linux-1"), bench.event("linux-2", "success", started=bench.now - 60))

    answer = bench.run("status", *PUSH)

    assert answer.exit_code == 2
    assert "pending: 2 retriggers owed, 1 passed" in answer.stdout
    assert rows(bench)["linux-1"].endswith("2 owed: HTTP 403: no permission")


def test_what_keeps_everything_back_is_said(bench: Bench) -> None:
    """A pause, and open breakers of the push's system."""
    bench.hear(bench.event("linux-1"), dispatch=False)
    store = bench.store()
    store.limits.pause(Pause(bench.now, "ann", "Moving Day"))
    for system in ("ci", "other"):
        tripped = Breaker(
            BreakerKey(BreakerScope.SYSTEM, system), trouble=BreakerCause.REQUESTS, why="3 requests in a row failed"
        )
        assert store.limits.save_breaker(tripped, bench.now)
    store.close()

    out = bench.run("status", *PUSH).stdout

    assert "Everything is paused by ann since" in out
    assert "Moving Day" in out
    assert "The breaker of system ci is open: 3 requests in a row failed." in out
    assert "system other" not in out


def test_what_hinders_a_decision_is_said(bench: Bench) -> None:
    """A CI that cannot be asked which runs there are."""
    bench.ci.look_back = _denied  # type: ignore[method-assign]
    bench.hear(bench.event("linux-1"))

    assert rows(bench)["linux-1"].endswith("a decision is due: HTTP 401: check the token")


def _denied(*_: object) -> None:
    raise CIDenied("HTTP 401: check the token")


def test_a_push_that_proves_nothing_says_that_no_more_comes(bench: Bench) -> None:
    """It is incomplete, for nothing was proved, and not pending: who waits for it can know."""
    bench.hear(bench.event("linux-1", "cancelled"))

    assert "incomplete: 1 job did not finish; nothing more is to come" in bench.run("status", *PUSH).stdout
    assert bench.json("status", *PUSH)["pushes"][0]["final"] is True


def test_it_starts_without_what_it_does_not_need(bench: Bench) -> None:
    """Scripts ask it again and again: what logs, draws tables or talks to a CI is not imported."""
    bench.hear(bench.event())
    code = (
        "import sys; from triggerbot.cli import main\n"
        f"sys.argv = ['triggerbot', 'status', '-c', {str(bench.config)!r}, 'try', {REVISION!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('structlog', 'rich', 'httpx', 'http.client', 'redis') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout

    assert printed.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("environ", "shown"),
    [({}, "\x1b[1;31mbad\x1b[0m"), ({"NO_COLOR": "1"}, "\x1b[1mbad\x1b[0m"), ({"TERM": "dumb"}, "bad")],
)
def test_styles_are_for_terminals(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], shown: str) -> None:
    """Colours are only written where they are visible and wanted."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert output.styled("bad", "bold red") == "bad"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert output.styled("bad", "bold red") == shown
