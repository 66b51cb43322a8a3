"""A store that forgot: from when on what a CI lists makes up for it, and so when requests may be sent again."""

from collections.abc import Callable
from dataclasses import dataclass

from triggerbot.core.model import Run
from triggerbot.core.policy import backoff, elsewhere
from triggerbot.store import Distrust, Store, Work
from triggerbot.systems import LookBack, System


@dataclass(frozen=True, slots=True)
class Missing:
    """Why nothing may be requested for a push yet, and the time until which that is certain, if it is known."""

    why: str
    until: float | None = None


class Losses:
    """What the store may have lost, and whether a look-back replaces it."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def last(self) -> float | None:
        """Return the last time that the store lost something, as far as is known; `None` if it never did."""
        distrust = self._store.distrust()
        return None if distrust is None else distrust.since

    def listed_from(self, system: System) -> float:
        """Return when the CI must list every request that the store may have lost; 0 if it has lost none."""
        return _listed_from(system, self._store.distrust())

    def concern(self, work: Work) -> bool:
        """Return whether requests for a push may be missing in the store, before it is looked for them."""
        last = self.last()
        return last is not None and elsewhere.may_predate(work.facts, _runs(work), last)

    def missing(self, system: System, work: Work, view: LookBack, *, whole: bool) -> Missing | None:
        """Return why a look-back does not replace what the store may have lost; `None` if it does, or nothing is lost.

        `whole`: all of the push was asked for. What a part of the list does not show may have been requested.
        """
        distrust = self._store.distrust()
        if distrust is None:
            return None
        why = f"the store may have forgotten something ({distrust.why})"
        until = _listed_from(system, distrust)
        if self._clock() < until:
            return Missing(f"{why}: waits until the CI lists what was asked before", until)
        if whole and view.complete:
            return None
        if elsewhere.may_predate(work.facts, [*_runs(work), *view.events], distrust.since):
            return Missing(f"{why}, and the CI's list is not whole: waits for one that is")
        return None


def _runs(work: Work) -> list[Run]:
    return [run for runs in work.runs.values() for run in runs]


def _listed_from(system: System, distrust: Distrust | None) -> float:
    return 0.0 if distrust is None else distrust.since + max(system.grace, backoff.GRACE_LEAST)
