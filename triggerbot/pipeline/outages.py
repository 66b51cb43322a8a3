"""Outage detection: the share of failing runs per pool and per failing step over the last minutes.

The counts live in the memory of each process only: a replica that sees half of the runs sees the same shares.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from triggerbot.core.model import Event, State
from triggerbot.core.policy.circuit_breaker import BreakerCause, BreakerKey, BreakerScope, BreakerSettings, Evidence

#: Pools and steps that are counted, and example failures of each time slice: foreign text must not fill the memory.
_KEYS_MAX, _EXAMPLES_MAX = 2000, 50
#: Seconds that a run may take.
_LONG_RUN = 3600.0
#: Seconds of a time slice, whose runs are counted together.
_SLICE = 15.0


@dataclass(slots=True)
class _Slice:
    """The finished runs of one time slice."""

    number: int
    ended: int = 0
    failed: int = 0
    #: The first failure of each author or, where the author is unknown, of each branch: only those are unrelated.
    examples: dict[tuple[str, ...], Evidence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outage:
    """Failures in several unrelated pushes at the same pool or step, which are therefore hardly the pushes' own."""

    why: str
    evidence: tuple[Evidence, ...]


class OutageDetector:
    """Counts finished and failed runs per pool and step. All methods may be called from any thread."""

    def __init__(self, settings: BreakerSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._slices: OrderedDict[BreakerKey, deque[_Slice]] = OrderedDict()

    def record(self, events: Iterable[Event]) -> None:
        """Count runs; each has to be passed once, when it is first known to be finished."""
        now = self._clock()
        with self._lock:
            for event in events:
                if event.state is State.FINISHED and event.result is not None and not self._is_old(event, now):
                    self._record(event, now)

    def _is_old(self, event: Event, now: float) -> bool:
        """Return whether it is history, as a sweep finds after a long outage; its time may be the start of the run."""
        return event.time is not None and now - event.time > self._settings.within + _LONG_RUN

    def _record(self, event: Event, now: float) -> None:
        system = event.push.system
        self._current_slice(BreakerKey(BreakerScope.SYSTEM, system), now).ended += 1
        if event.pool:
            self._count(self._current_slice(BreakerKey(BreakerScope.POOL, system, event.pool), now), event, now)
        if event.step and event.failed:
            self._count(self._current_slice(BreakerKey(BreakerScope.STEP, system, event.step), now), event, now)

    @staticmethod
    def _count(current: _Slice, event: Event, now: float) -> None:
        current.ended += 1
        if event.failed:
            current.failed += 1
            push = event.push
            origin = (event.author,) if event.author else (push.project, push.branch)
            if origin not in current.examples and len(current.examples) < _EXAMPLES_MAX:
                why = "; ".join(event.failures[:1]) or f"{event.job} ended as {event.result}"
                current.examples[origin] = Evidence(now, BreakerCause.RUNS, push, event.job, why[:200])

    def _current_slice(self, key: BreakerKey, now: float) -> _Slice:
        """Return the slice of now, and drop those that are too old; drop the longest unused key beyond the maximum."""
        slices = self._slices.get(key)
        if slices is None:
            slices = self._slices[key] = deque()
            while len(self._slices) > _KEYS_MAX:
                self._slices.popitem(last=False)
        else:
            self._slices.move_to_end(key)
        number = int(now // _SLICE)
        while slices and slices[0].number * _SLICE < now - self._settings.within:
            slices.popleft()
        if not slices or slices[-1].number != number:
            slices.append(_Slice(number))
        return slices[-1]

    def outage(self, key: BreakerKey, after: float = 0.0) -> Outage | None:
        """Return the outage of a pool or step, if the runs recorded after a time (Unix, s) show one."""
        with self._lock:
            failed, ended = self._count_of(key, after)
            examples = {who: one for part in self._recent(key, after) for who, one in part.examples.items()}
        if len(examples) < self._settings.pushes or 100 * failed < self._settings.share * ended:
            return None
        minutes = self._settings.within / 60
        runs = "its runs" if key.scope is BreakerScope.POOL else "all runs"
        why = f"{failed} of {ended} of {runs} in {minutes:g} min failed there, in {len(examples)} unrelated pushes"
        return Outage(why, tuple(examples.values())[-self._settings.pushes :])

    def recovered(self, key: BreakerKey, after: float) -> bool:
        """Return whether enough runs recorded after a time (Unix, s) show that the outage is over."""
        with self._lock:
            failed, ended = self._count_of(key, after)
        return ended >= 2 * self._settings.pushes and 100 * failed < self._settings.share * ended

    def _count_of(self, key: BreakerKey, after: float) -> tuple[int, int]:
        """Return the number of failed runs, and of how many."""
        slices = self._recent(key, after)
        # Only failures name a step, so its share is of all runs of the system.
        among = (
            slices
            if key.scope is BreakerScope.POOL
            else self._recent(BreakerKey(BreakerScope.SYSTEM, key.system), after)
        )
        return sum(one.failed for one in slices), sum(one.ended for one in among)

    def _recent(self, key: BreakerKey, after: float) -> list[_Slice]:
        since = self._clock() - self._settings.within
        # Without the slice in which `after` lies: it also counts runs from before that time.
        slices = self._slices.get(key, ())
        return [one for one in slices if one.number * _SLICE >= since and one.number > after // _SLICE]
