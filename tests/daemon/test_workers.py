"""Grouping and ordering of crashes, and delays of restarts, without any process."""

import os
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.cli.errors import where
from triggerbot.daemon.workers import crash_file
from triggerbot.daemon.workers.crash_file import Cause, CrashFile
from triggerbot.daemon.workers.crash_log import INCIDENT_SECONDS, CrashRecorder, group_by_incident
from triggerbot.daemon.workers.worker import Worker, delay_after
from triggerbot.logs import Mask
from triggerbot.store import Crash
from triggerbot.store.factory import open_file

CRASHES = st.lists(
    st.builds(
        Crash,
        at=st.floats(min_value=0, max_value=20).map(lambda at: round(at, 1)),
        worker=st.sampled_from(["host/1", "host/2", "host/3"]),
        ended=st.just("SIGKILL"),
    ),
    max_size=12,
)


@given(crashes=CRASHES)
def test_groups_hold_every_crash_once_the_earliest_first(crashes: list[Crash]) -> None:
    """In any order of observation, no group exceeds the time window or has a worker twice."""
    groups = group_by_incident(crashes)

    found = [crash for group in groups for crash in group]
    assert sorted((one.at, one.worker) for one in found) == sorted((one.at, one.worker) for one in crashes)
    assert [one.at for one in found] == sorted(one.at for one in crashes)
    for group in groups:
        assert [one.order for one in group] == list(range(1, len(group) + 1))
        assert group[-1].at - group[0].at <= INCIDENT_SECONDS
        assert len({one.worker for one in group}) == len(group)


@given(crashes=CRASHES)
def test_what_was_put_together_stays_together(crashes: list[Crash]) -> None:
    """Groups are the same when some of them were removed before."""
    first, *rest = group_by_incident([Crash(0.0, "host/4", "SIGKILL"), *crashes])
    assert group_by_incident([crash for group in rest for crash in group]) == rest
    assert group_by_incident(first) == [first]


def test_the_delay_grows_and_a_good_run_ends_that() -> None:
    """1, 2, 4 ... 60 seconds; after five minutes of work it starts again at 1."""
    assert [delay_after(ends) for ends in (1, 2, 3, 6, 7, 8, 10_000)] == [1, 2, 4, 32, 60, 60, 60]
    worker = Worker(1, ["false"], 0, None)
    assert [worker.schedule_restart(lived) for lived in (0.0, 1.0, 299.0, 300.0, 1.0)] == [1, 2, 4, 1, 2]


def test_an_error_file_brings_the_cause_over() -> None:
    """The supervisor reads what the worker writes; the first cause counts."""
    file = CrashFile()
    assert (file.written(), file.read()) == (False, None)
    try:
        raise ValueError("with\nlines, and canary-secret")
    except ValueError as error:
        cause = Cause.of(error, 12.5, Mask(["canary-secret"]))
    crash_file.write(file.descriptor, cause)
    crash_file.write(file.descriptor, Cause(13.0, "a consequence"))

    assert file.written()
    assert file.read() == cause
    assert cause.error == "ValueError: with\nlines, and ***"
    assert "canary-secret" not in cause.trace
    file.close()


@given(raw=st.binary(min_size=1, max_size=200))
def test_anything_at_all_in_an_error_file_can_be_read(raw: bytes) -> None:
    """A worker that dies while it writes leaves half a line; the supervisor must not die of that."""
    file = CrashFile()
    os.write(file.descriptor, raw)
    cause = file.read()
    file.close()
    assert cause is not None
    assert isinstance(cause.error, str)


def test_an_endless_exception_is_cut() -> None:
    """The beginning of a traceback is kept, since the first cause is there, and its end."""
    cause = Cause.of(ValueError("begin" + "x" * 100_000 + "end"), 0.0, Mask())
    assert len(cause.error) < 2000
    assert len(cause.trace) < 30_000
    assert cause.trace.startswith("ValueError: begin")
    assert cause.trace.strip().endswith("end")


def test_crashes_wait_for_a_store_that_cannot_be_had(tmp_path) -> None:
    """They are kept in memory meanwhile, and written when it is back."""
    path = tmp_path / "later" / "state.db"
    keeper = CrashRecorder(f"sqlite:{path}")
    keeper.start()
    groups = group_by_incident([Crash(1.0, "host/1", "SIGKILL"), Crash(2.0, "host/2", "exit code 1")])
    keeper.add(groups[0])
    path.parent.mkdir()
    keeper.end()

    store = open_file(path)
    assert store.crashes.read() == groups[0]
    store.close()


LIBRARY = """Traceback (most recent call last):
  File "/srv/triggerbot/lib/python3.11/site-packages/triggerbot/dispatch.py", line 3, in f
  File "/srv/triggerbot/lib/python3.11/site-packages/redis/client.py", line 4, in g
ValueError: x
"""
OURS = """Traceback (most recent call last):
  File "/a/triggerbot/daemon.py", line 1, in a
    b()
  File "/a/triggerbot/store/x.py", line 2, in b
ValueError: x
"""
FATAL = """Fatal Python error: Aborted

Thread 0x1 (most recent call first):
  File "/a/triggerbot/web/x.py", line 1 in other

Current thread 0x2 (most recent call first):
  File "/a/triggerbot/store/x.py", line 2 in inner
  File "/a/triggerbot/daemon.py", line 3 in outer
"""


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("", ""),
        ('Traceback:\n  File "/usr/lib/python3.11/x.py", line 3, in f\n', ""),
        (LIBRARY, "triggerbot/dispatch.py:3 in f"),
        (OURS, "triggerbot/store/x.py:2 in b"),
        (FATAL, "triggerbot/store/x.py:2 in inner"),
    ],
)
def test_the_last_frame_of_ours_is_found(trace: str, expected: str) -> None:
    """Libraries are left out, also where triggerbot is installed below a directory of its name."""
    assert where(trace) == expected


def test_the_place_of_a_real_traceback_is_found() -> None:
    """In the format of this version of Python."""
    with pytest.raises(TypeError) as caught:
        delay_after("x")  # type: ignore[arg-type]
    trace = "".join(traceback.format_exception(caught.value))
    assert where(trace).startswith("triggerbot/daemon/workers/worker.py:")
