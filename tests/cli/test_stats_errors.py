"""`triggerbot stats --errors`: what workers died of."""

import json
import re

from triggerbot.store import Crash

TRACE = """Traceback (most recent call last):
  File "/opt/triggerbot/dispatch.py", line 120, in _send
    raise ValueError("\x1b[31m[bold]boom")
ValueError: \x1b[31m[bold]boom
"""


def keep(bench, *groups):
    """Keep crashes, oldest group first."""
    store = bench.store()
    for group in groups:
        store.keep_crashes(group)
    store.close()


def test_the_newest_group_comes_first_and_in_it_the_first_cause(bench, real_now):
    """Exception, place, time, worker, and how it ended: a line each."""
    keep(
        bench,
        [Crash(real_now - 100, "host/1", "SIGKILL")],
        [
            Crash(real_now - 10, "host/2", "exit code 1", "ValueError: \x1b[31m[bold]boom", TRACE, 1),
            Crash(real_now - 9, "host/1", "SIGABRT", order=2),
        ],
    )

    out = bench.run("stats", "--errors").stdout

    rows = [re.split(r" {2,}", line.strip()) for line in out.splitlines()]
    assert rows[0] == ["3 crashes, newest first."]
    assert [row[0] for row in rows[2:5]] == ["first", "then", "first"]
    assert rows[2][2:] == [
        "host/2", "exit code 1", r"ValueError: \x1b[31m[bold]boom", "triggerbot/dispatch.py:120 in _send"
    ]  # fmt: skip
    assert rows[3][2:] == ["host/1", "SIGABRT"]
    assert "Traceback" not in out
    assert "the first is likely the cause" in out
    assert "\x1b" not in out


def test_the_whole_traceback_is_shown_on_demand(bench, real_now):
    """With -v, below the table; terminals are safe from what is in it."""
    keep(bench, [Crash(real_now, "host/1", "exit code 1", "ValueError: boom", TRACE)])
    out = bench.run("stats", "--errors", "-v").stdout
    assert 'File "/opt/triggerbot/dispatch.py", line 120, in _send' in out
    assert "\x1b" not in out


def test_the_json_is_a_line_for_each_crash(bench, real_now):
    """Programs rely on these names."""
    keep(bench, [Crash(real_now, "host/1", "exit code 1", "ValueError: boom", TRACE)])
    [told] = map(json.loads, bench.run("stats", "--errors", "--json").stdout.splitlines())
    assert list(told) == ["at", "worker", "order", "ended", "error", "where", "trace"]
    assert told["trace"] == TRACE
    assert told["where"] == "triggerbot/dispatch.py:120 in _send"


def test_only_the_time_that_was_asked_for_counts(bench, real_now):
    """Where there is nothing to tell, that is what it says."""
    keep(bench, [Crash(real_now - 7200, "host/1", "SIGKILL")])
    assert "SIGKILL" in bench.run("stats", "--errors").stdout
    assert bench.run("stats", "--errors", "--since", "1h").stdout == "No worker crashed in the last 1 h.\n"
    assert bench.run("stats", "--errors", "--json", "--since", "1h").stdout == ""
