"""One for all: of the jobs of a push that fail alike the first is retriggered, and decides for the others. Pure.

Failures of which nothing telling is known are not known to be the same: each of these jobs stands for itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from triggerbot.core import identity
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import Result, Run, State
from triggerbot.core.policy import waves
from triggerbot.core.policy.reconcile import GIVE_UP
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict.same_failure import TellingOf, told_alone

#: Comparisons of different failures, for one failure; beyond that, only equal ones are found.
_COMPARED_MAX = 50
#: How the note of a claim begins that waits for another one, and ends.
_WAITS, _AS, _ALIKE = "waits for ", "as ", ", same failure"


@dataclass(frozen=True, slots=True)
class Decided:
    """A claim that was decided because of a failure, and all runs of its job, oldest first."""

    claim: Claim
    runs: tuple[Run, ...]


class Outcome(Enum):
    """What has become of a claim, as far as jobs that fail alike are concerned."""

    PASSED = auto()
    FAILED_ON = auto()
    UNDER_WAY = auto()
    #: Its further runs proved nothing, or there are none.
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Inherits:
    """A job that fails as another one, which decides for it."""

    first: Claim
    outcome: Outcome

    @property
    def words(self) -> str:
        """Render that it does; `inherits_from` reads it."""
        return f"{_AS}{identity.label(self.first.job, self.first.run.event)}{_ALIKE}"

    @property
    def note(self) -> str:
        """Render what its claim waits for."""
        return f"{_WAITS}{identity.label(self.first.job, self.first.run.event)} to go first: {self.words}"

    @property
    def decision(self) -> Decision:
        """Return the refusal that it comes to; what would become of the first in a dry run nobody knows."""
        return Decision.refuse(Refusal.SAME_CAUSE, self.words)


def follows(claim: Claim) -> bool:
    """Whether a claim waits for what becomes of one that fails alike."""
    return claim.state is ClaimState.OPEN and claim.note.startswith(_WAITS) and claim.note.endswith(_ALIKE)


def inherits_from(claim: Claim) -> str | None:
    """Return the label of the job as which a claim's job failed, that was retriggered for both; `None` if none was."""
    if claim.refusal is not Refusal.SAME_CAUSE or claim.dry:
        return None
    return claim.note.removeprefix(_AS).removesuffix(_ALIKE)


def left_alone(claim: Claim) -> Decision:
    """Return the refusal of a claim that waits for another one, of which nothing more will be known."""
    return Decision.refuse(Refusal.SAME_CAUSE, claim.note.rpartition(": ")[2])


class Causes:
    """The failures of a push for which jobs were retriggered; `telling`: what of their lines proves something."""

    def __init__(
        self, decided: Iterable[Decided], proving: Collection[Result], now: float, telling: TellingOf = told_alone
    ) -> None:
        self._proving = proving
        self._telling = telling
        self._now = now
        self._alike: dict[tuple[str, ...], list[Decided]] = defaultdict(list)
        #: How many were added since.
        self.added = 0
        for one in sorted(decided, key=lambda one: one.claim.id):
            self._add(one)

    def _add(self, one: Decided) -> None:
        if shapes := self._shapes(one.claim, one.runs):
            self._alike[shapes].append(one)

    def add(self, claim: Claim, runs: Sequence[Run], decision: Decision) -> None:
        """Add a claim that was decided just now."""
        if decision.cause is Cause.FAILURE:
            state = ClaimState.WOULD if claim.dry else ClaimState.OWED
            changed = replace(claim, state=state, cause=decision.cause, wanted=decision.count, known_runs=len(runs))
            self._add(Decided(changed, tuple(runs)))
            self.added += 1

    def like(self, claim: Claim, runs: Sequence[Run]) -> int:
        """Return the id of the first other claim whose job was retriggered for the same failure; 0 if there is none."""
        found = self._like(claim, self._shapes(claim, runs))
        return found[0].claim.id if found else 0

    def inherits(self, claim: Claim, runs: Sequence[Run]) -> Inherits | None:
        """Return the job that decides for that of a claim; `None`: it is decided by itself.

        That is so if nothing fails alike, if one that did has passed, or if none of them has proved anything.
        """
        shapes = self._shapes(claim, runs)
        # What fails in a further test besides is not explained by the other.
        found = [
            one for one in self._like(claim, shapes)
            if fingerprint.shown(shapes, [self._shapes(one.claim, one.runs)])
        ]  # fmt: skip
        outcomes = {one.claim.id: self._outcome(one, shapes) for one in found}
        if Outcome.PASSED in outcomes.values():
            return None
        for wanted in (Outcome.FAILED_ON, Outcome.UNDER_WAY):
            for one in found:
                if outcomes[one.claim.id] is wanted:
                    return Inherits(one.claim, wanted)
        return None

    def _like(self, claim: Claim, shapes: tuple[str, ...]) -> list[Decided]:
        """Return what fails like this, oldest first."""
        if not shapes:
            return []
        found = list(self._alike.get(shapes, ()))
        for compared, (other, ones) in enumerate(self._alike.items()):
            if compared >= _COMPARED_MAX:
                break
            if other != shapes and fingerprint.same(shapes, other):
                found += ones
        mine = [one for one in found if one.claim.dry is claim.dry and one.claim.job != claim.job]
        return sorted(mine, key=lambda one: one.claim.id)

    def _outcome(self, one: Decided, shapes: tuple[str, ...]) -> Outcome:
        claim, runs = one.claim, one.runs
        if any(run.passed for run in runs):
            return Outcome.PASSED
        if claim.state is ClaimState.WOULD:
            return Outcome.FAILED_ON
        missing = len(runs) - claim.known_runs < claim.asked or any(run.state is not State.FINISHED for run in runs)
        if not claim.state.final or (missing and self._now - claim.created < GIVE_UP):
            return Outcome.UNDER_WAY
        further = [run for run in runs if run.failed and run.key != claim.run.key]
        told = [found for run in further if (found := self._told(claim, run))]
        like = not told or any(fingerprint.same(shapes, other) for other in told)
        return Outcome.FAILED_ON if like and waves.failures(further, self._proving) else Outcome.NOTHING

    def _shapes(self, claim: Claim, runs: Sequence[Run]) -> tuple[str, ...]:
        """Return the shapes of a job's failure: of the claimed run, or of the first failed one of which any tell."""
        failed = [claim.run, *(run for run in runs if run.failed)]
        return next((shapes for run in failed if (shapes := self._told(claim, run))), ())

    def _told(self, claim: Claim, run: Run) -> tuple[str, ...]:
        return self._telling(claim.push, claim.job, run.evidence)
