"""The rules: facts in, decision out. Nothing here reads a clock, rolls dice, logs or talks to anybody.

Two moments ask the policy. `triage` looks at one event alone, when it is heard: could this run matter, and if
not, why? `decide` looks at everything known once the CI was asked: what is to be done about this claim?
Refusals come in the order of `Refusal`, except that what a push asks for (rule 4) goes before `--no-retry` (rule 5).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from triggerbot.core.model import Cause, Claim, Decision, Event, Push, Refusal, Result, Run
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.try_syntax import EVERY, PushOptions


@dataclass(frozen=True, slots=True)
class Budget:
    """How many jobs of one push may be retriggered because they failed."""

    percent: float = 5
    floor: int = 4

    def allows(self, spent: int, total: int) -> bool:
        """Tell whether one more job may be, after `spent` of the push's `total` different jobs were."""
        return not (spent > self.floor and 100 * spent > self.percent * total)

    def most(self, total: int) -> int:
        """Tell how many jobs of a push with `total` different jobs that lets through in the end."""
        return max(self.floor, int(self.percent * total // 100)) + 1

    def words(self, jobs: str = "its jobs") -> str:
        """Say what it is, wherever it is told; `most` is the number that it comes to."""
        return f"{self.percent:g} % of {jobs} and one more, or {self.floor + 1} if that is more"


_EVERY = frozenset({EVERY})


@dataclass(frozen=True, slots=True)
class Rule:
    """What is watched, and how much may be done about it."""

    projects: Globs
    branches: Globs = Globs(["*"])
    jobs: Globs = Globs(["*"])
    exclude_jobs: Globs = Globs([])
    authors: Globs = Globs(["*"])
    exclude_authors: Globs = Globs([])
    kinds: frozenset[str] = frozenset({"test"})
    results: frozenset[str] = frozenset({"failure"})
    max_tier: int = 1
    pools: Globs = Globs(["*"])
    exclude_steps: Globs = Globs([])
    retries: int = 2
    opt_in: bool = False
    requested_max: int = 20
    groups: dict[str, Globs] = field(default_factory=dict)
    budget: Budget = Budget()
    lookup_attempts: int = 5
    lookup_delay: float = 90.0

    def groups_of(self, job: str) -> frozenset[str]:
        """Name the groups by which a push may ask for this job: `*`, and those of the config that match."""
        if not self.groups:
            return _EVERY
        return frozenset({EVERY, *(name for name, globs in self.groups.items() if globs.match(job))})


def rule_for(rules: Sequence[Rule], push: Push) -> Rule | None:
    """Find the first rule that matches the push's project and branch."""
    for rule in rules:
        if rule.projects.match(push.project) and rule.branches.match(push.branch):
            return rule
    return None


#: Refusals that only concern a failure: a push may still ask for such a job.
_OF_FAILURES = frozenset({Refusal.RESULT_EXCLUDED, Refusal.STEP_EXCLUDED})
#: Results of a run that was not wanted or not needed: asking for more of it would go against somebody.
UNWANTED = frozenset({Result.CANCELLED, Result.SKIPPED, Result.RETRY})


def refusals(rule: Rule | None, run: Event | Run, author: str | None) -> Iterator[Refusal]:
    """Yield every reason of rule 2 against this run, in order; an author who is not known is not excluded."""
    if rule is None:
        yield Refusal.NOT_WATCHED
        return
    if not rule.jobs.match(run.job) or rule.exclude_jobs.match(run.job):
        yield Refusal.JOB_EXCLUDED
    if run.kind not in rule.kinds:
        yield Refusal.KIND_EXCLUDED
    if run.result is not None and run.result not in rule.results:
        yield Refusal.RESULT_EXCLUDED
    if author is not None and (rule.exclude_authors.match(author) or not rule.authors.match(author)):
        yield Refusal.AUTHOR_EXCLUDED
    if run.pool is not None and not rule.pools.match(run.pool):
        yield Refusal.POOL_EXCLUDED
    if run.step is not None and rule.exclude_steps.match(run.step):
        yield Refusal.STEP_EXCLUDED
    if run.tier > rule.max_tier:
        yield Refusal.HIDDEN


def _only_of_failures(against: Collection[Refusal]) -> bool:
    return not against or _OF_FAILURES.issuperset(against)


@dataclass(frozen=True, slots=True)
class Triage:
    """What one event alone tells: whether it is a failure to act on, and whether a push may ask for its job."""

    #: The run failed and its rule covers that.
    failed: bool = False
    #: The run failed and its rule does not cover that, for this reason.
    refusal: Refusal | None = None
    #: The groups by which the push may ask for this job; empty where no request can.
    groups: frozenset[str] = frozenset()


def triage(rule: Rule | None, event: Event, author: str | None) -> Triage:
    """Judge one event before anybody is asked; cheap, for most events never matter."""
    against = list(refusals(rule, event, author))
    groups: frozenset[str] = frozenset()
    if rule is not None and event.result not in UNWANTED and _only_of_failures(against):
        groups = rule.groups_of(event.job)
    if not event.failed:
        return Triage(groups=groups)
    if against:
        return Triage(refusal=against[0], groups=groups)
    return Triage(failed=True, groups=groups)


def claims(seen: Triage, asked: Collection[str] | None) -> bool:
    """Tell whether an event makes a claim, given what its push asks for (`None`: not known yet)."""
    return seen.failed or bool(asked and seen.groups.intersection(asked))


def repeated(earlier: Claim, asks: PushOptions | None) -> Refusal:
    """Name the reason for a failure of a job that was dealt with before; one that holds for the whole push stays."""
    of_push = (Refusal.DONTBUILD, Refusal.NO_RETRY, Refusal.NOT_OPTED_IN, Refusal.REBUILD_REQUESTED)
    if earlier.refusal in of_push:
        return earlier.refusal
    if asks is not None and asks.rebuild and not earlier.manual:
        return Refusal.REBUILD_REQUESTED
    return Refusal.ALREADY_CLAIMED


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a decision about one claim rests on."""

    asks: PushOptions
    author: str | None
    fork: bool
    forks_allowed: bool
    #: Every run of the job that is known, whoever started it.
    runs: int
    #: The claimed run as the CI itself lists it, if it does: an event is a hint and may have said too little.
    listed: Event | None = None


def decide(claim: Claim, rule: Rule | None, facts: Facts) -> Decision | None:
    """Decide about a claim; `None` if, after all, there is nothing to say (a run that did not fail, not asked for).

    The budget is not looked at: the store does that when it records the decision, where nobody can come between.
    """
    if claim.manual:
        return Decision.trigger(Cause.MANUAL, claim.wanted, "asked for by a person")
    run, asks = claim.run, facts.asks
    against = list(refusals(rule, run, facts.author))
    if not against and facts.listed is not None:
        against = list(refusals(rule, facts.listed, facts.author))
    if facts.fork and not facts.forks_allowed:
        against.insert(0, Refusal.NOT_WATCHED)
    asked = most = 0
    if rule is not None and _only_of_failures(against) and run.result not in UNWANTED:
        asked, most = asks.wanted(rule.groups_of(claim.job)), rule.requested_max
    wanted = min(asked, most)
    if not run.failed and not wanted:
        return None
    if against and not wanted:
        detail = "the push comes from a fork" if facts.fork and against[0] is Refusal.NOT_WATCHED else ""
        return Decision.refuse(against[0], detail)
    if asks.dontbuild:
        return Decision.refuse(Refusal.DONTBUILD)
    if wanted:
        cut = f", and `requested.max` allows {most}" if asked > most else ""
        return _unless_enough(Cause.REQUESTED, wanted, facts.runs, f"the push asks for {asked} of it{cut}")
    if asks.rebuild:
        return Decision.refuse(Refusal.REBUILD_REQUESTED)
    return _decide_failure(rule, facts) if rule is not None else None


def _decide_failure(rule: Rule, facts: Facts) -> Decision:
    if facts.asks.no_retry:
        return Decision.refuse(Refusal.NO_RETRY)
    if rule.opt_in and not facts.asks.retry:
        return Decision.refuse(Refusal.NOT_OPTED_IN)
    return _unless_enough(Cause.FAILURE, rule.retries, facts.runs, "")


def _unless_enough(cause: Cause, wanted: int, runs: int, detail: str) -> Decision:
    left = wanted - max(0, runs - 1)
    if left <= 0:
        return Decision.refuse(Refusal.ENOUGH_RUNS, f"{runs} runs exist, {wanted} further than the first are wanted")
    return Decision(cause, None, left, detail, runs)


def with_runs(decision: Decision, runs: int) -> Decision:
    """Hold a decision against the runs there are when it is recorded: those that came meanwhile count, too."""
    if decision.cause not in (Cause.FAILURE, Cause.REQUESTED) or not 0 < decision.runs < runs:
        return decision
    left = decision.count - (runs - decision.runs)
    if left <= 0:
        return Decision.refuse(Refusal.ENOUGH_RUNS, f"{runs} runs exist: enough came while this was decided")
    return Decision(decision.cause, None, left, decision.detail, runs)


def telling_run(claim: Claim, runs: Sequence[Run]) -> Run:
    """Choose the run that a claim is judged by: its own, unless that was cancelled or the like and another was not."""
    if claim.run.result not in UNWANTED:
        return claim.run
    return next((run for run in reversed(runs) if run.result not in UNWANTED), claim.run)


def within_budget(decision: Decision, budget: Budget | None, spent: int, total: int, *, dry: bool) -> Decision:
    """Hold a decision about a failure against the budget, with the figures as they are when it is recorded."""
    if budget is None or decision.cause is not Cause.FAILURE:
        return decision
    most = str(budget.most(total))
    if not budget.allows(spent, total):
        return Decision.refuse(Refusal.OVER_BUDGET, spent_words(budget, str(spent), str(total), most, dry=dry))
    if not decision.runs:
        return decision
    return replace(decision, detail=based_on(first_wanted(decision), str(decision.runs), str(spent), most, dry=dry))


def first_wanted(decision: Decision) -> int:
    """Tell how many further runs were wanted before those were taken off that there are."""
    return decision.count + max(0, decision.runs - 1)


def based_on(wanted: int, runs: str, spent: str, most: str, *, dry: bool) -> str:
    """Say what a decision about a failure rests on; figures that are texts may be placeholders."""
    were = "that would have been" if dry else "that were"
    return (
        f"further runs wanted of a failed job: {wanted}; runs that there are: {runs}; jobs of the push {were} "
        f"retriggered for failures before: {spent} of at most {most}"
    )


def spent_words(budget: Budget, spent: str, total: str, most: str, *, dry: bool) -> str:
    """Say that a budget is spent; the figures may be placeholders."""
    were = "would have been" if dry else "were"
    share = budget.words(f"its {total} jobs")
    return f"{spent} jobs of the push {were} retriggered for failures; its budget is {most}: {share}"


def still_owed(claim: Claim, runs: Sequence[Run], *, one_at_a_time: bool) -> int:
    """Tell how many retriggers of a decided claim remain, given the runs there are now.

    Where runs come one after another, a pass has proved a failed job intermittent: the rest would prove nothing more.
    What a person or the push itself asked for is carried out whatever the results.
    """
    if claim.cause is Cause.MANUAL:
        return claim.owed
    if one_at_a_time and claim.cause is Cause.FAILURE and any(run.passed for run in runs):
        return 0
    since = len({run.key for run in runs}) - claim.known_runs
    return min(claim.owed, max(0, claim.wanted - max(0, since)))
