"""What fails just now: the runs of each pool, and the steps that they fail at, over the last minutes.

This is evidence and not memory, so it is kept by each process for itself and gone with it: a replica that sees half
of the runs sees the same shares.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from triggerbot.core.model import Event, State
from triggerbot.core.policy.circuit_breaker import BreakerCause, BreakerKey, BreakerScope, BreakerSettings, Evidence

#: Pools and steps that are followed, and pushes that are remembered of each piece of time: foreign text must not fill
#: the memory.
_PLACES, _EXAMPLES = 2000, 50
#: Seconds that a run may take.
_LONG_RUN = 3600.0
#: Seconds counted together.
_PIECE = 15.0


@dataclass(slots=True)
class _Piece:
    """What was heard in a piece of time."""

    number: int
    ended: int = 0
    failed: int = 0
    #: The first failure of each author or, where that is not known, of each branch: only those are unrelated.
    examples: dict[tuple[str, ...], Evidence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outage:
    """The same thing fails in so many unrelated pushes that it is hardly theirs."""

    why: str
    evidence: tuple[Evidence, ...]


class OutageDetector:
    """Follows what fails. All methods may be called from any thread."""

    def __init__(self, settings: BreakerSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._pieces: OrderedDict[BreakerKey, deque[_Piece]] = OrderedDict()

    def heard(self, events: Iterable[Event]) -> None:
        """Take note of runs that were heard of for the first time as finished."""
        now = self._clock()
        with self._lock:
            for event in events:
                if event.state is State.FINISHED and event.result is not None and not self._is_old(event, now):
                    self._note(event, now)

    def _is_old(self, event: Event, now: float) -> bool:
        """What a sweep brings after a long outage is history; a time may be that of a run's beginning."""
        return event.time is not None and now - event.time > self._settings.within + _LONG_RUN

    def _note(self, event: Event, now: float) -> None:
        system = event.push.system
        self._piece(BreakerKey(BreakerScope.SYSTEM, system), now).ended += 1
        if event.pool:
            self._count(self._piece(BreakerKey(BreakerScope.POOL, system, event.pool), now), event, now)
        if event.step and event.failed:
            self._count(self._piece(BreakerKey(BreakerScope.STEP, system, event.step), now), event, now)

    @staticmethod
    def _count(piece: _Piece, event: Event, now: float) -> None:
        piece.ended += 1
        if event.failed:
            piece.failed += 1
            push = event.push
            who = (event.author,) if event.author else (push.project, push.branch)
            if who not in piece.examples and len(piece.examples) < _EXAMPLES:
                why = "; ".join(event.failures[:1]) or f"{event.job} ended as {event.result}"
                piece.examples[who] = Evidence(now, BreakerCause.RUNS, push, event.job, why[:200])

    def _piece(self, place: BreakerKey, now: float) -> _Piece:
        pieces = self._pieces.get(place)
        if pieces is None:
            pieces = self._pieces[place] = deque()
            while len(self._pieces) > _PLACES:
                self._pieces.popitem(last=False)
        else:
            self._pieces.move_to_end(place)
        number = int(now // _PIECE)
        while pieces and pieces[0].number * _PIECE < now - self._settings.within:
            pieces.popleft()
        if not pieces or pieces[-1].number != number:
            pieces.append(_Piece(number))
        return pieces[-1]

    def outage(self, place: BreakerKey, after: float = 0.0) -> Outage | None:
        """Tell whether what fails there looks like the CI's own doing, from what was heard after that time."""
        with self._lock:
            failed, ended = self._count_of(place, after)
            examples = {who: one for piece in self._recent(place, after) for who, one in piece.examples.items()}
        if len(examples) < self._settings.pushes or 100 * failed < self._settings.share * ended:
            return None
        minutes = self._settings.within / 60
        runs = "its runs" if place.scope is BreakerScope.POOL else "all runs"
        why = f"{failed} of {ended} of {runs} in {minutes:g} min failed there, in {len(examples)} unrelated pushes"
        return Outage(why, tuple(examples.values())[-self._settings.pushes :])

    def recovered(self, place: BreakerKey, after: float) -> bool:
        """Tell whether enough was heard after that time to say that it is over."""
        with self._lock:
            failed, ended = self._count_of(place, after)
        return ended >= 2 * self._settings.pushes and 100 * failed < self._settings.share * ended

    def _count_of(self, place: BreakerKey, after: float) -> tuple[int, int]:
        """Count what failed there, and of how many runs."""
        pieces = self._recent(place, after)
        # Only failures name a step, so a step is held against everything that ended meanwhile.
        among = (
            pieces
            if place.scope is BreakerScope.POOL
            else self._recent(BreakerKey(BreakerScope.SYSTEM, place.system), after)
        )
        return sum(piece.failed for piece in pieces), sum(piece.ended for piece in among)

    def _recent(self, place: BreakerKey, after: float) -> list[_Piece]:
        since = self._clock() - self._settings.within
        # The piece in which `after` lies holds what was heard before it, too.
        pieces = self._pieces.get(place, ())
        return [piece for piece in pieces if piece.number * _PIECE >= since and piece.number > after // _PIECE]
