"""How things stand, for Prometheus: read from the store whenever it asks."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from triggerbot.core.errors import StoreRefused, StoreUnavailable
from triggerbot.core.policy import limits
from triggerbot.store import Store

#: Seconds that are summed up, and for which such sums are good enough: they take a while.
_DAY, _FRESH = 86_400.0, 300.0
_ENDS = ("passed", "failed", "other", "unfinished")


class Gauges(Collector):
    """What waits, what holds it up, what was given up, and what the last day cost."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        #: When the last day was summed up, and to what.
        self._summed: tuple[float, tuple[GaugeMetricFamily, ...]] = (-math.inf, ())

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read it; a store that cannot be read is a figure, too."""
        try:
            found = list(self._read())
        except (StoreUnavailable, StoreRefused):
            return [_one("store_up", "Whether the store can be read.", 0)]
        return [_one("store_up", "Whether the store can be read.", 1), *found]

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing beforehand: that would read the store."""
        return ()

    def _read(self) -> Iterable[GaugeMetricFamily]:
        now = self._clock()
        due = self._store.next_due()
        late = 0.0 if due is None else max(0.0, now - due)
        yield _one("paused", "Whether all sending is paused.", self._store.paused() is not None)
        yield _one("oldest_due_seconds", "How long what is due next has been due.", late)
        yield _one("dead_letters_kept", "Messages that could not be handled.", self._store.count_dead_letters())
        held = self._store.held()
        yield _by("claims_held", "Claims that are held.", "behind", {
            "breaker": sum(held.values()) - sum(limits.waiting(held).values()),
            "cap": sum(limits.waiting(held).values()),
        })  # fmt: skip
        opened = [str(one.place.scope) for one in self._store.breakers() if one.open]
        yield _by(
            "breakers_open", "Breakers that are open.", "scope", {name: opened.count(name) for name in set(opened)}
        )
        with self._lock:
            at, known = self._summed
            if not 0 <= now - at < _FRESH:
                known = tuple(self._last_day(now))
                self._summed = now, known
        yield from known

    def _last_day(self, now: float) -> Iterable[GaugeMetricFamily]:
        found = self._store.statistics(now - _DAY)
        ended, machine = found["ended"], found["machine"]
        yield _one("day_runs", "Runs of the pushes heard of within a day.", found["runs"])
        yield _by("day_retriggers", "Retriggers among those runs, by how they ended.", "ended", {
            name: ended[name] for name in _ENDS
        })  # fmt: skip
        yield _by("day_machine_seconds", "How long those runs took, as far as their CIs tell.", "runs", {
            "all": machine["seconds"], "retriggers": ended["seconds"],
        })  # fmt: skip


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"triggerbot_{name}", text, value=float(value))


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"triggerbot_{name}", text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], float(number))
    return family
