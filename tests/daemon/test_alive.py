"""What becomes of the process of a mark, by what can be looked at."""

import dataclasses
import os
import socket
from pathlib import Path

import pytest

from triggerbot.daemon import alive
from triggerbot.daemon.alive import GONE, Fate, fate
from triggerbot.daemon.running_mark import RunningMark
from triggerbot.store import CrashClass, crash_loops
from triggerbot.store.factory import open_file
from triggerbot.store.marks import Mark
from triggerbot.store.troubles import LOOP_SECONDS, Crash


def mark(**changed: object) -> Mark:
    """Return the mark of this very process."""
    pid = os.getpid()
    own = Mark(
        "a", f"{socket.gethostname()}/1", pid, alive.began(pid), alive.namespace(), alive.boot(), 1.0, 2.0,
        alive.uptime(),
    )  # fmt: skip
    return dataclasses.replace(own, **changed)  # type: ignore[arg-type]


def test_a_process_that_can_be_looked_at_runs_or_does_not() -> None:
    """Another process may have its id meanwhile."""
    assert fate(mark(), 1e9) is Fate.RUNS
    assert fate(mark(began=1), 0.0) is Fate.KILLED
    assert fate(mark(pid=2**22 + 1), 0.0) is Fate.KILLED


def test_in_another_container_of_the_same_name_the_signs_of_life_count() -> None:
    """Process 1 of the container that was started again is another one; that of a replica beside it is not ours."""
    other = mark(namespace="pid:[1]", pid=1, began=5)
    assert fate(other, 1e9) is Fate.RUNS
    assert fate(dataclasses.replace(other, seen_up=alive.uptime() - GONE - 1), 0.0) is Fate.KILLED
    nowhere = mark(namespace="", boot=alive.boot(), began=0)
    assert fate(nowhere, 1e9) is Fate.RUNS


def test_after_a_restart_of_the_machine_it_is_that() -> None:
    """Told by the name of the boot, or by a machine that has not been up for so long."""
    for restarted in (mark(boot="another"), mark(seen_up=alive.uptime() + 1000)):
        assert fate(restarted, 0.0) is Fate.RUNS
        assert fate(restarted, GONE + 1) is Fate.REBOOTED


def test_on_another_machine_only_silence_says_something() -> None:
    """Its clock may be wrong, so ours counts."""
    assert fate(mark(worker="elsewhere/1"), GONE - 1) is Fate.RUNS
    assert fate(mark(worker="elsewhere/1"), GONE + 1) is Fate.UNHEARD


def test_an_old_mark_of_a_redis_proves_nothing_by_itself(tmp_path: Path) -> None:
    """The Redis may have been put back; a mark of just now does, and one whose file is there, whatever its age."""
    file = tmp_path / "triggerbot-crash"
    file.write_text("Fatal Python error: Bus error\n\nCurrent thread\n")
    with_file = mark(id="d", began=1, seen=0.0, file=str(file), inode=file.stat().st_ino)
    store = open_file(tmp_path / "state.db")
    for one in (mark(began=1, seen=100.0), mark(id="b", began=1, seen=9_900.0), mark(id="c"), with_file):
        store.marks.put(one)

    own = RunningMark("redis://127.0.0.1/0", str, lambda: 10_000.0)
    own.begin(store)
    own.stop(store, clean=True)

    assert [one.id for one in store.marks.every()] == ["c"]
    assert [(one.ended, one.kind) for one in store.crashes.read()] == [
        ("SIGBUS", CrashClass.BUG), ("killed", CrashClass.KILLED)
    ]  # fmt: skip
    assert not file.exists()
    store.close()


@pytest.mark.parametrize("name", ["passwd", "state.db", "state.db-crash-x", "a-crash/b"])
def test_no_other_file_is_read_because_a_mark_names_it(tmp_path: Path, name: str) -> None:
    """A Redis may be written by others."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("foreign")
    store = open_file(tmp_path / "own.db")
    store.marks.put(mark(began=1, seen=9_999.0, file=str(file), inode=file.stat().st_ino))

    own = RunningMark("redis://127.0.0.1/0", str, lambda: 10_000.0)
    own.begin(store)
    own.stop(store, clean=True)

    [crash] = store.crashes.read()
    assert "foreign" not in crash.error + crash.trace
    assert file.exists()
    store.close()


def test_three_crashes_within_ten_minutes_are_a_loop() -> None:
    """Of one worker; old ones and those of others do not count."""
    crashes = [Crash(float(at), "host/1", "SIGKILL") for at in (0, 500, 900)]
    assert crash_loops(crashes, 900.0) == {}
    crashes.append(Crash(950.0, "host/1", "SIGKILL"))
    crashes.append(Crash(951.0, "host/2", "SIGKILL"))
    assert crash_loops(crashes, 960.0) == {"host/1": 3}
    assert crash_loops(crashes, 500 + LOOP_SECONDS) == {}
