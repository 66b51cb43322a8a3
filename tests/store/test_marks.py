"""Marks of running processes: what every store promises."""

import dataclasses
from collections.abc import Callable

from triggerbot.store import Crash, Store
from triggerbot.store.marks import Mark

MARK = Mark("a", "host/1", 7, 123, "pid:[1]", "boot", 1.0, 2.0, 3.0, "/somewhere/x-crash", 9)
CRASH = Crash(5.0, "host/1", "killed", pid=7)


def test_a_mark_is_there_until_it_is_settled(store: Store, reopen: Callable[[], Store]) -> None:
    """A sign of life changes it, in the eyes of another process, too."""
    other = dataclasses.replace(MARK, id="b", worker="other/1")
    store.marks.put(other)
    store.marks.put(MARK)
    store.marks.put(dataclasses.replace(MARK, seen=9.0))

    store = reopen()
    assert store.marks.every() == [dataclasses.replace(MARK, seen=9.0), other]
    assert store.marks.settle("a", None)
    assert store.marks.every() == [other]
    assert store.crashes.read() == []


def test_of_several_replicas_one_records_the_crash(store: Store, reopen: Callable[[], Store]) -> None:
    """Whoever comes later finds the mark gone."""
    store.marks.put(MARK)

    assert store.marks.settle("a", CRASH)
    store = reopen()
    assert not store.marks.settle("a", CRASH)
    assert store.crashes.read() == [CRASH]
