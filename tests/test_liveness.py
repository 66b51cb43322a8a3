"""Heartbeats and the watchdog, on a clock that is set by hand."""

import threading
import traceback

import pytest

from triggerbot import liveness
from triggerbot.core.errors import PartHung
from triggerbot.liveness import Check, Condition, Liveness, Stop, Watchdog


class Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class RecordingManager:
    """The process manager of the tests: records what is reported."""

    every = 0.001

    def __init__(self) -> None:
        self.words: list[str] = []
        self.enough = threading.Event()

    def ready(self) -> None:
        self.words.append("ready")

    def alive(self) -> None:
        self.words.append("alive")
        if len(self.words) > 5:
            self.enough.set()

    def reloading(self) -> None:
        raise AssertionError

    def stopping(self) -> None:
        raise AssertionError


def passes(clock: Clock, looked: Liveness, seconds: int) -> None:
    """Let time pass, with a check each second."""
    for _ in range(seconds):
        clock.now += 1.0
        looked.check()


def test_a_part_that_does_not_beat_for_longer_than_its_limit_is_hung() -> None:
    """To the second; a part that beats again is healthy again."""
    clock = Clock()
    looked = Liveness(clock)
    heart = looked.register("dispatcher-0", 10.0)
    passes(clock, looked, 10)
    assert looked.hung() == []

    passes(clock, looked, 1)

    assert looked.hung() == [heart]
    heart.beat()
    assert looked.check() is None


def test_a_part_that_rests_is_not_hung_until_long_after() -> None:
    """It announced how long it would rest."""
    clock = Clock()
    looked = Liveness(clock)
    heart = looked.register("housekeeping", 10.0)
    asleep, awake = threading.Event(), threading.Event()

    class Resting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            asleep.set()
            return awake.wait()

    resting = threading.Thread(target=Stop(heart, Resting()).wait, args=(3600.0,))
    resting.start()
    asleep.wait()
    passes(clock, looked, 3600)
    assert looked.hung() == []
    passes(clock, looked, 11)
    assert looked.hung() == [heart]
    awake.set()
    resting.join()
    assert looked.check() is None
    passes(clock, looked, 11)
    assert looked.hung() == [heart]


def test_while_nobody_looks_nobody_is_blamed() -> None:
    """A machine that slept for a night, or a process that was stopped, has parts that could not beat."""
    clock = Clock()
    looked = Liveness(clock)
    looked.register("pulse-0", 10.0)

    clock.now += 30_000.0

    assert looked.check() is None


def test_a_loop_that_looks_whether_to_stop_shows_that_it_works() -> None:
    """Loops need no code for heartbeats; one that has ended is not missed."""
    looked, stop = Liveness(), threading.Event()
    with looked.part("poll-0", 10.0) as heart:
        own = Stop(heart, stop)
        beats = heart.beats
        assert own.is_set() is False
        assert heart.beats == beats + 1
        liveness.beat()
        assert heart.beats == beats + 2
        own.set()
        assert stop.is_set()
        assert own.wait(0.0)
    assert looked.started
    heart.silent = 1e9
    assert looked.hung() == []


def test_a_thread_without_a_heartbeat_may_beat() -> None:
    """Commands use the same clients as the daemon."""
    thread = threading.Thread(target=liveness.beat)
    thread.start()
    thread.join()


def test_readiness_is_reported_once_every_part_has_begun() -> None:
    """Ready once, and then alive again and again."""
    looked, manager, stop = Liveness(), RecordingManager(), threading.Event()
    heart = looked.register("web", 10.0)
    watching = threading.Thread(target=Watchdog(looked, manager, pytest.fail).run, args=(stop,))
    watching.start()
    manager.enough.wait()
    assert "ready" not in manager.words

    heart.beat()
    manager.words.clear()
    manager.enough.clear()
    manager.enough.wait()

    stop.set()
    watching.join()
    assert manager.words.count("ready") == 1


def test_the_watchdog_is_not_fed_while_a_part_is_hung() -> None:
    """A hung part is reported with the place where it is stuck."""
    clock = Clock()
    looked, manager, stop, repaired = Liveness(clock), RecordingManager(), threading.Event(), threading.Event()
    begun = threading.Event()

    def get_stuck() -> None:
        with looked.part("dispatcher-0", 0.0):
            begun.set()
            repaired.wait()

    stuck = threading.Thread(target=get_stuck)
    stuck.start()
    begun.wait()
    errors: list[PartHung] = []
    looked.check()
    clock.now += 3.0

    Watchdog(looked, manager, errors.append).run(stop)

    repaired.set()
    stuck.join()
    assert manager.words == []
    assert str(errors[0]) == "dispatcher-0 is hung: it has shown no progress for 3 s"
    trace = "".join(traceback.format_exception(errors[0]))
    assert "in get_stuck" in trace
    assert trace.startswith("Traceback (most recent call last)")


@pytest.mark.parametrize(
    ("check", "condition", "failed"),
    [
        (Check(), Condition.OK, False),
        (Check.warn_if(""), Condition.OK, False),
        (Check.warn_if("look"), Condition.WARNING, False),
        (Check.fail_if(""), Condition.OK, False),
        (Check.fail_if("died"), Condition.ERROR, True),
    ],
)
def test_a_check_with_nothing_to_say_is_fine(check: Check, condition: Condition, failed: bool) -> None:
    """Only a failed check makes the service unhealthy."""
    assert (check.condition, check.failed) == (condition, failed)
