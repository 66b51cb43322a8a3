"""The exported metrics: names by Prometheus' rules, bounded labels, and gauges read from the store."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.clock import Clock
from tests.fakes.sampled import sampled
from tests.fakes.world import World, event, failure, push
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Result
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.expectation import Expected
from triggerbot.core.policy.rules import Rule
from triggerbot.daemon.gauges import Gauges
from triggerbot.metrics import Metrics
from triggerbot.store import Crash, CrashClass, DeadLetter, Pause
from triggerbot.store.factory import open_file

#: Labels with a fixed set of values, from the config or from the code.
_BOUNDED = {
    "system", "outcome", "action", "reason", "mode", "answer", "found", "status", "scope", "change", "kind", "verdict",
    "behind", "le", "ended", "runs",
}  # fmt: skip


def read(gauges: Gauges) -> dict[str, float]:
    """Parse the metrics as Prometheus does."""
    registry = CollectorRegistry()
    registry.register(gauges)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {"".join([one.name, *one.labels.values()]): one.value for family in families for one in family.samples}


def test_names_follow_the_rules() -> None:
    """A prefix of ours, base units, `_total` for counters, a help text, labels that are bounded."""
    metrics = Metrics()
    for family in metrics.registry.collect():
        assert re.fullmatch(r"triggerbot_[a-z_]+", family.name)
        assert not family.name.endswith(("_ms", "_minutes", "_count", "_total"))
        assert family.documentation.endswith(".") or family.documentation
    labels = {name for metric in vars(metrics).values() for name in getattr(metric, "_labelnames", ())}
    assert labels <= _BOUNDED


def test_how_things_stand(tmp_path: Path) -> None:
    """Paused, due, held, open and given up."""
    clock = Clock()
    world = World(tmp_path / "other.db", {}, (Rule(Globs(["try"])),), clock)
    with world:
        world.hear(failure(push=push()))
        world.store.letters.add([DeadLetter(0, clock(), "ci", "webhook", "why", b"")])
        clock.move(90.0)

        found = read(Gauges(world.store, clock))
        world.hear(event("other", "2", push=push(), result="success", started=clock() - 30, time=clock()))
        world.store.limits.pause(Pause(clock(), "me"))

        assert found["triggerbot_oldest_due_seconds"] == pytest.approx(90.0)
        assert found["triggerbot_dead_letters_kept"] == 1
        assert found["triggerbot_paused"] == 0
        assert found["triggerbot_store_up"] == 1
        assert found["triggerbot_claims_heldbreaker"] == 0
        gauges = Gauges(world.store, clock)
        later = read(gauges)
        assert later["triggerbot_paused"] == 1
        assert (later["triggerbot_day_runs"], later["triggerbot_day_machine_secondsall"]) == (2, 30)
        assert [later[f"triggerbot_day_retriggers{name}"] for name in ("passed", "unfinished")] == [0, 0]
        world.hear(event("other", "3", push=push(), result="success"))
        assert read(gauges)["triggerbot_day_runs"] == 2
        clock.move(300.0)
        world.store.statistics.count()
        assert read(gauges)["triggerbot_day_runs"] == 3


def test_how_long_nothing_was_heard_at_all(tmp_path: Path) -> None:
    """Of any push; where nothing ever was, since the process began, for then the way to it may never have worked."""
    clock = Clock()
    with World(tmp_path / "other.db", {}, (Rule(Globs(["try"])),), clock) as world:
        gauges = Gauges(world.store, clock)
        clock.move(100.0)
        assert read(gauges)["triggerbot_last_heard_seconds"] == 100.0
        world.hear(event("job", push=push(), result="success"))
        clock.move(7.0)
        assert read(gauges)["triggerbot_last_heard_seconds"] == 7.0
        clock.move(-50.0)
        assert read(gauges)["triggerbot_last_heard_seconds"] == 0.0


def test_samples_of_a_day_are_counted_by_what_they_say(tmp_path: Path) -> None:
    """Without any there is no figure."""
    clock = Clock()
    with World(tmp_path / "other.db", {}, (Rule(Globs(["try"])),), clock) as world:
        assert not [name for name in read(Gauges(world.store, clock)) if name.startswith("triggerbot_day_samples")]
        sampled(world.store, event("job", push=push(), result="success"), Result.FAILURE, clock())

        found = read(Gauges(world.store, clock))

        answers = {name: found[f"triggerbot_day_samples{name}passed"] for name in ("right", "wrong", "open")}
        assert answers == {"right": 0, "wrong": 1, "open": 0}


def test_a_branch_that_is_silent_is_a_figure(tmp_path: Path) -> None:
    """As long as it is heard of in time that is 0; the labels are those that the config names."""
    clock = Clock()
    store = open_file(tmp_path / "state.db")
    store.expectations.follow([Expected("try", "main", 100.0)], {}, clock())
    assert read(Gauges(store, clock))["triggerbot_branch_silent_secondsmaintry"] == 0
    clock.move(150.0)
    assert read(Gauges(store, clock))["triggerbot_branch_silent_secondsmaintry"] == 150
    store.close()


def test_crashes_are_counted_by_their_class_and_loops_by_their_workers(tmp_path: Path) -> None:
    """Those of the last day; a loop is over after ten minutes without."""
    clock = Clock()
    store = open_file(tmp_path / "state.db")
    store.crashes.add([Crash(clock() - ago, "host/1", "SIGKILL", kind=CrashClass.KILLED) for ago in (90_000, 3, 2, 1)])
    found = read(Gauges(store, clock))
    assert (found["triggerbot_crash_loops"], found["triggerbot_day_crasheskilled"]) == (1, 3)
    assert found["triggerbot_day_crashesbug"] == 0
    clock.move(600.0)
    assert read(Gauges(store, clock))["triggerbot_crash_loops"] == 0
    store.close()


def test_a_store_that_is_down_is_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metrics can still be read."""
    store = open_file(tmp_path / "down.db")

    def fail() -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(store.due, "next", fail)
    try:
        assert read(Gauges(store, Clock())) == {"triggerbot_store_up": 0}
    finally:
        store.close()
