"""Holds failures against what their push is based on, before anything is spent on them.

The store is asked first. Only for what it does not know the CI is: once for which revision the base is, and once for
what ran there; both are remembered with the push, as is that there was no answer. What is looked up at a base becomes
no push of its own: nobody waits for a report of it, and its failures are not ours to retrigger.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import structlog

from triggerbot.core import identity
from triggerbot.core.claim import Claim
from triggerbot.core.errors import CIError, CIUnavailable
from triggerbot.core.identity import Kept
from triggerbot.core.model import Event, Push, Run, RunKey
from triggerbot.core.needs import Needs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import base, fingerprint
from triggerbot.core.verdict.base import NOTHING_KNOWN, AtBase, Relation, Standing
from triggerbot.core.verdict.same_failure import TellingOf
from triggerbot.logs import push_fields
from triggerbot.pipeline import generic_lines
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Found, Store, Work, looks
from triggerbot.store.documents import run_of, stored_run
from triggerbot.store.looks import LOOKED
from triggerbot.systems import FAILURES_MAX, Known, KnowsBase, KnowsHeads, ListsFailures, ListsManyFailures, System

log = structlog.get_logger("triggerbot.base")

#: Metadata of a push: that its CI was asked for its base.
ASKED = "base asked"
#: Runs whose failure lines are asked for one by one, so as to compare them.
_LINES_ASKED_MAX = 20


class Bases:
    """Looks at the bases of pushes. Any number of threads may use it."""

    def __init__(self, store: Store, observer: Observer, clock: Callable[[], float], telling: TellingOf) -> None:
        self._store = store
        self._observer = observer
        self._clock = clock
        self._telling = telling

    def standing(self, system: System, work: Work, claims: Iterable[Claim], rule: Rule) -> Mapping[str, Standing]:
        """Return how the failures of claims stand to the base, by the keys of their jobs; asks the CI if it has to."""
        failed = [claim for claim in claims if not claim.manual and claim.run.failed]
        if not failed:
            return {}
        names = {identity.base(claim.job) for claim in failed}
        found = self._found(work.push, names, rule)
        if found.revision is None and self._learn(system, work):
            found = self._found(work.push, names, rule)
        if found.revision is not None and not all(looks.is_telling(found.jobs.get(name)) for name in names):
            self._look(system, work, found.revision, rule)
            found = self._found(work.push, names, rule)
        runs = self._with_lines(system, work, failed, found.jobs)
        return {claim.job: self._compare(claim, runs[claim.job], found, rule) for claim in failed}

    def known(self, work: Work, claim: Claim, rule: Rule) -> Standing:
        """Return how the failure of a claim stands to the base, as far as it is known."""
        if claim.manual or not claim.run.failed:
            return NOTHING_KNOWN
        name = identity.base(claim.job)
        return self._compare(claim, _runs_of(work, claim), self._found(work.push, [name], rule), rule)

    def _compare(self, claim: Claim, runs: Sequence[Run], found: Found, rule: Rule) -> Standing:
        """Compare a job's failures with the base by what the verdict goes by: lines that prove nothing are left out."""
        proving, there = looks.proving(runs, rule), found.jobs.get(identity.base(claim.job))
        standing = base.compare([fingerprint.shapes(run.evidence) for run in proving], there)
        if standing.relation is not Relation.INHERITED:
            return standing
        record = self._store.pushes.record(claim.push)
        here = frozenset[str]() if record is None else generic_lines.passing(record)
        told = (self._telling(claim.push, claim.job, run.evidence) for run in proving)
        return base.compare([[shape for shape in shapes if shape not in here] for shapes in told], there)

    def _found(self, push: Push, names: Collection[str], rule: Rule) -> Found:
        return looks.found(self._store, push, names, self._clock(), rule)

    def _learn(self, system: System, work: Work) -> bool:
        """Ask the CI once what a push is based on; return whether it says so."""
        push = work.push
        if not isinstance(system, KnowsBase) or ASKED in self._store.facts.metadata(push):
            return False
        try:
            facts = system.base(push)
        except CIError as error:
            log.info("base.not_told", **push_fields(push), error=str(error))
            if not isinstance(error, CIUnavailable):
                self._store.facts.set_metadata(push, ASKED, str(error))
            return False
        self._store.facts.set_metadata(push, ASKED, facts.base or "")
        self._observer.observe([facts])
        return facts.base is not None

    def _look(self, system: System, work: Work, revision: str, rule: Rule) -> None:
        """Look once at what the CI lists of the base, and remember it."""
        push = work.push
        if LOOKED in self._store.facts.metadata(push):
            return
        where = Push(push.system, push.project, _branch(system, push, rule), revision)
        try:
            view = system.look_back(where, Known(spare=True))
        except CIError as error:
            log.info("base.no_look", **push_fields(push), base=revision, error=str(error))
            if isinstance(error, CIUnavailable) and error.healthy:
                # Nothing was asked: a rate limit is in force.
                return
            self._store.facts.set_metadata(push, LOOKED, "{}")
            return
        forks = set() if view.facts is None else {batch.id for batch in view.facts.batches if batch.fork}
        all_of_fork = view.facts is not None and bool(view.facts.fork) and not view.facts.batches
        runs = _runs(() if all_of_fork else [event for event in view.events if event.batch not in forks])
        mine = {identity.base(claim.job) for claim in work.claims}
        self._add_lines(system, where, [run for name in mine for run in runs.get(name, ()) if run.failed], runs)
        self._store.facts.set_metadata(push, LOOKED, looks.dump(revision, where.branch, runs, rule))

    def _add_lines(self, system: System, where: Push, asked: Sequence[Run], runs: dict[str, list[Run]]) -> None:
        """Add to the failed runs of a base what failed there, which the comparison goes by."""
        missing = [run for run in asked if not run.evidence][:_LINES_ASKED_MAX]
        for run, lines in self._ask_lines(system, where, missing):
            own = runs[identity.base(run.job)]
            own[own.index(run)] = replace(run, failures=tuple(lines))

    def _with_lines(
        self, system: System, work: Work, claims: Sequence[Claim], there: Mapping[str, AtBase]
    ) -> Mapping[str, Sequence[Run]]:
        """Return the runs of jobs; the CI is asked for lines that are missing where the base failed, too."""
        runs = {claim.job: _runs_of(work, claim) for claim in claims}
        missing = [
            claim for claim in claims
            if not any(run.failed and run.evidence for run in runs[claim.job])
            and (at := there.get(identity.base(claim.job))) is not None and at.failures
        ][:_LINES_ASKED_MAX]  # fmt: skip
        asked = self._ask_lines(system, work.push, [claim.run for claim in missing])
        for claim, (_, found) in zip(missing, asked, strict=True):
            if found:
                self._store.facts.add_failure_lines(work.push, claim.job, claim.run.key, found)
                runs[claim.job] = [replace(claim.run, failures=tuple(found))]
        return runs

    def _ask_lines(self, system: System, push: Push, runs: Sequence[Run]) -> Iterator[tuple[Run, Sequence[str]]]:
        """Ask the CI for the failure lines of runs, all at once where it can; yield each run with its lines."""
        told: Mapping[RunKey, Sequence[str]] = {}
        if isinstance(system, ListsManyFailures) and len(runs) > 1:
            told = system.failures_of(push, runs)
        for run in runs:
            yield run, told.get(run.key) or self._lines_of_run(system, push, run)

    def _lines_of_run(self, system: System, push: Push, run: Run) -> Sequence[str]:
        if not isinstance(system, ListsFailures):
            return ()
        try:
            return list(system.failures(push, run))[:FAILURES_MAX]
        except CIError as error:
            log.info("lines.no_answer", system=push.system, error=str(error))
            return ()


def _branch(system: System, push: Push, rule: Rule) -> str:
    """Return the branch on which the base of a push most likely ran."""
    default = system.default_branch(push.project) if isinstance(system, KnowsHeads) else None
    return rule.base_branch or default or push.branch


def _runs_of(work: Work, claim: Claim) -> Sequence[Run]:
    """Return the runs of a job."""
    return work.runs.get(claim.job, ()) or (claim.run,)


def _runs(events: Sequence[Event]) -> dict[str, list[Run]]:
    """Return the runs that a CI lists, by the name of their job, without those that failed because of others."""
    kept: dict[str, list[Kept]] = defaultdict(list)
    placed = []
    for event in sorted(events, key=lambda one: one.attempt):
        name = identity.base(event.job)
        job = identity.place(event, kept[name])
        kept[name].append(Kept(job, event.key, event.batch, event.failed))
        placed.append(run_of(stored_run(event), job))
    needs = Needs(placed)
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in placed:
        if not needs.follows_from(run):
            runs[identity.base(run.job)].append(run)
    return runs
