"""What the other jobs of its push mean for a claim: what its failure follows from, what a rerun would start. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from triggerbot.core import identity, proof
from triggerbot.core import needs as need
from triggerbot.core.claim import Claim
from triggerbot.core.model import Event, Kind, Result, Run
from triggerbot.core.needs import Needs
from triggerbot.core.policy import never_start
from triggerbot.core.policy.never_start import NeverStart

_NO_PLAN: Mapping[str, Mapping[str, bool]] = {}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a decision about a claim has to know of the other jobs; see `rules.Facts`."""

    follows: str = ""
    starts: tuple[str, ...] = ()


class Neighbours:
    """The jobs of a push as its CI lists them, by their keys.

    `planned`: of batches that list none, the jobs that are to run, and whether each has an environment.
    """

    def __init__(
        self, listed: Sequence[Event], claims: Iterable[Claim], planned: Mapping[str, Mapping[str, bool]] = _NO_PLAN
    ) -> None:
        self._planned = planned
        #: Those that a person asked for by name.
        self._needs = Needs(listed)
        self._named = {claim.job for claim in claims if claim.by_person}
        self._newest = {event.job: event for event in sorted(listed, key=lambda one: one.attempt)}
        self._labels = {job: identity.label(job, event.event) for job, event in self._newest.items()}

    def standing(self, claim: Claim, runs: Sequence[Run], never: NeverStart, *, asked: bool) -> Standing:
        """Return what the others mean for a claim; `runs`: those of its job, any of which may have failed by itself.

        `asked`: its push asks for runs of jobs.
        """
        failed = [run for run in runs if run.failed and run.result is not Result.INFRA]
        alone = not all(map(self._needs.follows_from, failed))
        causes = () if alone else self._needs.follows_from(claim.run)
        manual = claim.by_person
        starts = never_start.excluded(
            never,
            claim.run,
            self._needs,
            self._newest,
            self._named,
            manual=manual,
            asked=asked or claim.control or claim.backfills,
        )
        if claim.calibrates:
            # Runs of other jobs would decide something.
            starts = tuple(dict.fromkeys((*starts, *self._needs.starts(claim.run))))
        return Standing(
            need.words(causes, self._labels) if causes else "",
            tuple(self._labels.get(job, identity.label(job)) for job in (*starts, *self._unlisted(claim.run, never))),
        )

    def _unlisted(self, run: Run, never: NeverStart) -> list[str]:
        """Return the jobs that a rerun of a batch as a whole would start and must not, and that are not listed yet."""
        if run.kind is not Kind.WORKFLOW:
            return []
        listed = {identity.base(job) for job, event in self._newest.items() if event.batch == run.batch}
        plan = self._planned.get(run.batch, {})
        return sorted(name for name, deploys in plan.items() if name not in listed and never.covers(name, run, deploys))

    def derived(self, runs: Iterable[Run], proving: Collection[Result]) -> int:
        """Count the runs that would count, but failed because of other jobs."""
        return len({run.key for run in runs if proof.counts(run, proving) and self._needs.follows_from(run)})

    def own(self, runs: Sequence[Run]) -> tuple[Run, ...]:
        """Return runs of which those that failed because of other jobs, or only measure, prove nothing."""
        return tuple(
            replace(run, result=Result.UNKNOWN) if run.calibrates or self._needs.follows_from(run) else run
            for run in runs
        )
