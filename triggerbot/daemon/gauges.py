"""Prometheus gauges of the present state, read from the store at each scrape."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from triggerbot.core.errors import StoreRefused, StoreUnavailable
from triggerbot.core.policy import limits
from triggerbot.store import CRASHES_MAX, CrashClass, Store, crash_loops

#: Seconds that the statistics cover, and seconds for which they are cached, for they take long to compute.
_DAY, _CACHED = 86_400.0, 300.0
_ENDS = ("passed", "failed", "other", "unfinished")


class Gauges(Collector):
    """The gauges: what waits, what holds it back, dead letters, and the runs of the last day."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._begun = clock()
        self._lock = threading.Lock()
        #: When the gauges of the last day were computed, and those gauges.
        self._day: tuple[float, tuple[GaugeMetricFamily, ...]] = (-math.inf, ())

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read the gauges; if the store cannot be read, return only that."""
        try:
            gauges = list(self._read())
        except (StoreUnavailable, StoreRefused):
            return [_gauge("store_up", "Whether the store can be read.", 0)]
        return [_gauge("store_up", "Whether the store can be read.", 1), *gauges]

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return nothing: without this, registering the collector would read the store."""
        return ()

    def _read(self) -> Iterable[GaugeMetricFamily]:
        now = self._clock()
        due = self._store.due.next()
        late = 0.0 if due is None else max(0.0, now - due)
        yield _gauge("paused", "Whether all sending is paused.", self._store.limits.paused() is not None)
        yield _gauge("oldest_due_seconds", "How long what is due next has been due.", late)
        heard = self._store.pushes.last_heard()
        yield _gauge(
            "last_heard_seconds",
            "How long nothing was heard of any push; if nothing ever was, since this process began.",
            max(0.0, now - (self._begun if heard is None else heard)),
        )
        yield _gauge("dead_letters_kept", "Messages that could not be handled.", self._store.letters.count())
        crashes = self._store.crashes.read(CRASHES_MAX)
        yield _gauge(
            "crash_loops", "Workers in a crash loop: three crashes within ten minutes.", len(crash_loops(crashes, now))
        )
        day = [crash.kind for crash in crashes if now - crash.at < _DAY]
        yield _gauges("day_crashes", "Crashes of workers within a day, of the last 100, by their class.", "kind", {
            str(kind): day.count(kind) for kind in CrashClass
        })  # fmt: skip
        held = self._store.limits.held()
        yield _gauges("claims_held", "Claims that are held.", "behind", {
            "breaker": sum(held.values()) - sum(limits.waiting(held).values()),
            "cap": sum(limits.waiting(held).values()),
        })  # fmt: skip
        yield self._silent(now)
        opened = [str(one.place.scope) for one in self._store.limits.breakers() if one.open]
        yield _gauges(
            "breakers_open", "Breakers that are open.", "scope", {name: opened.count(name) for name in set(opened)}
        )
        with self._lock:
            at, sums = self._day
            if not 0 <= now - at < _CACHED:
                # The housekeeping counts what has changed, so that no scrape waits for that, but for the first.
                sums = tuple(self._last_day(now, exact=not sums))
                self._day = now, sums
        yield from sums

    def _silent(self, now: float) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "triggerbot_branch_silent_seconds",
            "How long nothing was heard of a branch, if that is longer than its rule expects; else 0.",
            labels=["project", "branch"],
        )
        for one in self._store.expectations.every():
            family.add_metric([one.project, one.branch], one.silent_for(now))
        return family

    def _last_day(self, now: float, *, exact: bool) -> Iterable[GaugeMetricFamily]:
        statistics = self._store.statistics.read(now - _DAY, exact=exact)
        ended, machine = statistics["ended"], statistics["machine"]
        yield _gauge("day_runs", "Runs of the pushes heard of within a day.", statistics["runs"])
        yield _gauges("day_retriggers", "Retriggers among those runs, by how they ended.", "ended", {
            name: ended[name] for name in _ENDS
        })  # fmt: skip
        family = GaugeMetricFamily(
            "triggerbot_day_samples", "Samples of `calibration` of those pushes, by what their further runs say.",
            labels=["measured", "answer"],
        )  # fmt: skip
        for one in statistics["accuracy"]:
            for name in ("right", "wrong", "open"):
                family.add_metric([one["measured"], name], float(one[name]))
        yield family
        yield _gauges("day_machine_seconds", "How long those runs took, as far as their CIs tell.", "runs", {
            "all": machine["seconds"], "retriggers": ended["seconds"],
        })  # fmt: skip


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"triggerbot_{name}", text, value=float(value))


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"triggerbot_{name}", text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], float(number))
    return family
