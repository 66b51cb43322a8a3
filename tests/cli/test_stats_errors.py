"""`triggerbot stats --errors`: what could not be triggered and why, and what did not work."""

import re

import pytest

from tests.fakes.command_bench import CONFIG
from triggerbot.core.decision import Refusal
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope
from triggerbot.metrics import Metrics
from triggerbot.pipeline.intakes.poll import Poll
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Crash, CrashClass, DeadLetter
from triggerbot.systems.answers import Refused

TRACE = """Traceback (most recent call last):
  File "/opt/triggerbot/dispatch.py", line 120, in _send
    raise ValueError("\x1b[31m[bold]boom")
ValueError: \x1b[31m[bold]boom
"""


def keep(bench, *groups):
    """Store crashes, oldest group first."""
    store = bench.store()
    for group in groups:
        store.crashes.add(group)
    store.close()


def test_the_newest_group_comes_first_and_in_it_the_first_cause(bench, real_now):
    """Exception, place, time, worker, and how it ended: a line each."""
    keep(
        bench,
        [Crash(real_now - 100, "host/1", "SIGKILL")],
        [
            Crash(
                real_now - 10,
                "host/2",
                "exit code 1",
                "ValueError: \x1b[31m[bold]boom",
                TRACE,
                1,
                77,
                3.0,
                CrashClass.BUG,
            ),
            Crash(real_now - 9, "host/1", "SIGABRT", order=2),
        ],
    )

    out = bench.run("stats", "--errors").stdout

    rows = [re.split(r" {2,}", line.strip()) for line in out[out.index("3 crashes") :].splitlines()]
    assert rows[0] == ["3 crashes, newest first."]
    said = (
        r"worker 2, ValueError: \x1b[31m[bold]boom, a bug of triggerbot or of a library, after 3 s, one other followed"
    )
    assert rows[1] == [f"Root cause: {said}."]
    assert [row[0] for row in rows[3:6]] == ["first", "then", "first"]
    assert rows[3][2:] == [
        "host/2", "3 s", "exit code 1", "bug", r"ValueError: \x1b[31m[bold]boom", "triggerbot/dispatch.py:120 in _send"
    ]  # fmt: skip
    assert rows[4][2:] == ["host/1", "SIGABRT", "unknown"]
    assert "Traceback" not in out
    assert "the first is likely the cause" in out
    assert "\x1b" not in out


def test_the_whole_traceback_is_shown_on_demand(bench, real_now):
    """With -v, below the table; terminals are safe from what is in it."""
    keep(bench, [Crash(real_now, "host/1", "exit code 1", "ValueError: boom", TRACE)])
    out = bench.run("stats", "--errors", "-v").stdout
    assert 'File "/opt/triggerbot/dispatch.py", line 120, in _send' in out
    assert "\x1b" not in out


def test_the_json_lists_each_crash(bench, real_now):
    """Programs rely on these names."""
    keep(bench, [Crash(real_now, "host/1", "exit code 1", "ValueError: boom", TRACE)])
    [crash] = bench.json("stats", "--errors")["crashes"]
    assert list(crash) == ["at", "worker", "order", "pid", "lived", "ended", "class", "error", "where", "trace"]
    assert (crash["pid"], crash["lived"], crash["class"]) == (None, None, "unknown")
    assert bench.json("stats", "--errors")["root_cause"] == "Root cause: worker 1, ValueError: boom"
    assert crash["trace"] == TRACE
    assert crash["where"] == "triggerbot/dispatch.py:120 in _send"


def test_only_the_time_that_was_asked_for_counts(bench, real_now):
    """An empty period is reported as such."""
    keep(bench, [Crash(real_now - 7200, "host/1", "SIGKILL")])
    assert "SIGKILL" in bench.run("stats", "--errors").stdout
    out = bench.run("stats", "--errors", "--since", "1h").stdout
    assert out.splitlines() == [
        "Nothing in the last 1 h that could not be triggered.", "No dead letters.", "No breaker is open.",
        "No worker crashed in the last 1 h.",
    ]  # fmt: skip
    stats = bench.json("stats", "--errors", "--since", "1h")
    assert stats == {
        "not_triggered": [], "dead_letters": {"count": 0, "newest": []}, "breakers": [], "polls": [],
        "root_cause": None, "crashes": [],
    }  # fmt: skip


def test_what_could_not_be_triggered_is_listed_with_the_reason(bench, real_now):
    """In the CI's own words, newest first, safe for terminals."""
    bench.ci.answers = [Refused("the run is too old \x1b[31m")]
    bench.hear(bench.event("linux-a", run_id="1"))
    out = bench.run("stats", "--errors").stdout
    assert "1 job that could not be triggered, or not yet, by the reason, newest first." in out
    assert "\x1b" not in out
    assert "the run is too old" in out
    [request] = bench.json("stats", "--errors")["not_triggered"]
    assert list(request) == [
        "at", "system", "project", "branch", "revision", "job", "why", "first", "jobs", "pushes"
    ]  # fmt: skip
    assert (request["job"], request["project"]) == ("linux-a", "try")
    assert str(Refusal.REFUSED_BY_CI) in request["why"]


def test_dead_letters_are_counted_and_the_newest_shown(bench, real_now):
    """The latest first; the rest is a command away."""
    bench.hear()
    store = bench.store()
    store.letters.add(
        [DeadLetter(0, real_now - number, "ci", "webhook", f"why {number}", b"{}") for number in range(8)]
    )
    store.close()
    out = bench.run("stats", "--errors").stdout
    assert "8 dead letters; the newest:" in out
    assert [line.split()[-1] for line in out.splitlines() if " why " in line] == ["0", "1", "2", "3", "4"]
    letters = bench.json("stats", "--errors")["dead_letters"]
    assert (letters["count"], letters["newest"][0]["reason"]) == (8, "why 0")


def test_open_breakers_are_listed(bench, real_now):
    """With the cause, and what they hold back."""
    bench.hear()
    store = bench.store()
    place = BreakerKey(BreakerScope.SYSTEM, "ci")
    store.limits.save_breaker(
        Breaker(place, trouble=BreakerCause.REQUESTS, since=real_now, why="answers 503"), real_now
    )
    store.close()
    assert "answers 503" in bench.run("stats", "--errors").stdout
    [breaker] = bench.json("stats", "--errors")["breakers"]
    assert (breaker["system"], breaker["why"]) == ("ci", "answers 503")


def test_a_ci_that_cannot_be_asked_for_news_is_not_late(bench, real_now):
    """The daemon found that out; it is no error."""
    bench.configure(CONFIG.replace('sweep: "off"', "sweep: 5m"))
    bench.ci.recent = lambda _: None
    store = bench.store()
    observer = Observer(store, (), dry=False, clock=lambda: real_now, metrics=Metrics())
    for _ in range(2):
        assert Poll(bench.ci, 300.0, store, observer, clock=lambda: real_now, metrics=Metrics()).once() == 0
    store.close()

    out = bench.run("stats", "--errors").stdout

    assert "ci: cannot be asked for news, so lost events cannot be made up for." in out
    (poll,) = bench.json("stats", "--errors")["polls"]
    assert (poll["supported"], poll["answered"], poll["late"]) == (False, None, False)

    store = bench.store()
    store.observe([], real_now, dry=False, cursor=("poll:ci", repr(real_now + 1.0)))
    store.close()
    (poll,) = bench.json("stats", "--errors")["polls"]
    assert (poll["supported"], poll["late"]) == (True, False)


@pytest.mark.parametrize(("ago", "late"), [(60.0, False), (7200.0, True), (None, True)])
def test_polls_are_listed(bench, real_now, ago, late):
    """The time of the last poll, as far as the store knows."""
    bench.configure(CONFIG.replace('sweep: "off"', "sweep: 10m"))
    bench.hear()
    store = bench.store()
    if ago is not None:
        store.observe([], real_now, dry=False, cursor=("poll:ci", repr(real_now - ago)))
    store.close()
    out = bench.run("stats", "--errors").stdout
    assert "ci: asked for news every 10 min, " in out
    assert ("late" in out) is late
    [poll] = bench.json("stats", "--errors")["polls"]
    assert (poll["system"], poll["every"], poll["late"]) == ("ci", 600.0, late)
    assert (poll["answered"] is None) is (ago is None)
