"""The retrigger policy: facts in, decision out. Pure.

`triage` judges one event alone, on arrival: can this run matter, and if not, why? `decide` judges a claim by everything
known once the CI was asked. Refusals come in the order of `Refusal`, but what a push asks for precedes `--no-retry`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from triggerbot.core import identity, proof
from triggerbot.core.branch.alerts import Alerts
from triggerbot.core.claim import CONTROL, Claim
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.formatting import plural
from triggerbot.core.model import Event, Kind, Push, Result, Run
from triggerbot.core.patterns import Globs
from triggerbot.core.policy import classified
from triggerbot.core.policy.budget import DEFAULT, Budget
from triggerbot.core.policy.classified import Classification, FailureClass
from triggerbot.core.policy.evidence import NO_HISTORY, Background, UntilProved, percent
from triggerbot.core.policy.never_start import BY_DEFAULT, NeverStart
from triggerbot.core.policy.superseded import Superseded
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.core.verdict.base import NOTHING_KNOWN, Relation, Standing

_EVERY = frozenset({EVERY})
#: What a CI runs for the change itself. What a person or another run started, with input of its own, is none of that.
EVENTS = ("push", "pull_request", "pull_request_target", "schedule", "merge_group")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the config: which failures it covers, and how many retriggers they get."""

    projects: Globs
    branches: Globs = Globs(["*"])
    jobs: Globs = Globs(["*"])
    exclude_jobs: Globs = Globs([])
    events: Globs = Globs(EVENTS)
    authors: Globs = Globs(["*"])
    exclude_authors: Globs = Globs([])
    kinds: frozenset[str] = frozenset({"test"})
    results: frozenset[str] = frozenset({"failure"})
    max_tier: int = 1
    pools: Globs = Globs(["*"])
    exclude_steps: Globs = Globs([])
    never_start: NeverStart = BY_DEFAULT
    classified: frozenset[FailureClass] = classified.BY_DEFAULT
    #: So many further runs; if it goes by what they prove, at most.
    retries: int = 2
    until_proved: UntilProved | None = None
    #: Of jobs of a push that fail alike, only the first is retriggered, unless it passes.
    first_of_cause: bool = False
    opt_in: bool = False
    requested_max: int = 20
    #: Further runs that a message may ask for in all, and whether one on the default branch may ask for any.
    requested_total: int = 2000
    requested_default: bool = False
    groups: dict[str, Globs] = field(default_factory=dict)
    budget: Budget = DEFAULT
    superseded: Superseded = field(default_factory=Superseded)
    #: Of what branch the base of a push is where the CI does not tell it; empty for none.
    base_branch: str = ""
    #: Whether a job that fails alike every time is run once at the base, if nothing is known of it there.
    control: bool = False
    #: At how many pushes a job is run, without being asked, to find who broke it.
    backfill_max: int = 0
    lookup_attempts: int = 5
    lookup_delay: float = 90.0
    #: The share of jobs that get further runs to measure what was said of them; see `calibration`.
    calibration: float = 0.0
    #: Which jobs are looked at for streaks along a branch.
    alerts: Alerts = field(default_factory=Alerts)
    #: Seconds within which something should be heard of each branch that it names; see `expectation`.
    expect: float | None = None

    @property
    def proving(self) -> frozenset[Result]:
        """The results that prove something about a job: only such runs count."""
        return proof.proving(self.results)

    def watches(self, project: str) -> bool:
        """Return whether the rule is for a project, on any branch."""
        return self.projects.match_project(project)

    def groups_of(self, run: Event | Run) -> frozenset[str]:
        """Return the groups by which a push may ask for this job: `*`, and the config's groups that match."""
        if not self.groups:
            return _EVERY
        names = self._possible_names(run)
        return frozenset({EVERY, *(name for name, globs in self.groups.items() if any(map(globs.match, names)))})

    def covers_job(self, run: Event | Run) -> bool:
        """Return whether a job's name is one of `jobs`, and not of `exclude_jobs`; with its event or without."""
        names = identity.of_event(run.job, run.event)
        if self.exclude_jobs.match_any(names):
            return False
        return self.jobs.match_any(names) or self.jobs.match_any(self._possible_names(run))

    def _possible_names(self, run: Event | Run) -> tuple[str, ...]:
        """Return the names that a job may have: its event may have to be learned yet, before it is decided."""
        if run.event is not None or not (identity.is_per_batch(run.job) or (isinstance(run, Event) and run.per_batch)):
            return identity.of_event(run.job, run.event)
        name = identity.base(run.job)
        return (name, *(f"{name} ({event})" for event in self.events.patterns))


def rule_for(rules: Sequence[Rule], push: Push) -> Rule | None:
    """Return the first rule that matches the push's project and branch."""
    for rule in rules:
        if rule.watches(push.project) and rule.branches.match(push.branch):
            return rule
    return None


#: Refusals that only concern failures: a push may still ask for the job.
_OF_FAILURES = frozenset({Refusal.RESULT_EXCLUDED, Refusal.STEP_EXCLUDED})
#: Results of a run that was not wanted or not needed, so more runs of it would go against somebody's decision.
UNWANTED = frozenset({Result.CANCELLED, Result.SKIPPED, Result.RETRY})


def refusals(rule: Rule | None, run: Event | Run, author: str | None) -> Iterator[Refusal]:
    """Yield each refusal of rule 2 that applies to a run, in order; an unknown author is not excluded."""
    if rule is None:
        yield Refusal.NOT_WATCHED
        return
    if not rule.covers_job(run):
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
    if run.tier > rule.max_tier or run.allowed_to_fail:
        yield Refusal.HIDDEN
    if run.event is not None and not rule.events.match(run.event):
        yield Refusal.EVENT_EXCLUDED


def only_of_failures(against: Collection[Refusal]) -> bool:
    """Whether refusals only concern how a run ended, if there are any."""
    return not against or _OF_FAILURES.issuperset(against)


@dataclass(frozen=True, slots=True)
class Triage:
    """What follows from one event alone: whether to act on it as a failure, and how a push may ask for its job."""

    #: The run failed and its rule covers the failure.
    failed: bool = False
    #: The run failed and its rule does not cover the failure, for this reason.
    refusal: Refusal | None = None
    #: The groups by which the push may ask for this job; empty if it may not.
    groups: frozenset[str] = frozenset()


def triage(rule: Rule | None, event: Event, author: str | None) -> Triage:
    """Judge one event without asking the CI; cheap, for most events never matter."""
    against = list(refusals(rule, event, author))
    groups: frozenset[str] = frozenset()
    if rule is not None and event.result not in UNWANTED and only_of_failures(against):
        groups = rule.groups_of(event)
    if not event.failed:
        return Triage(groups=groups)
    if against:
        return Triage(refusal=against[0], groups=groups)
    return Triage(failed=True, groups=groups)


def claims(seen: Triage, asked: Collection[str] | None) -> bool:
    """Whether an event makes a claim; `asked`: the groups that its push asks for (`None`: not known yet)."""
    return seen.failed or bool(asked and seen.groups.intersection(asked))


#: Refusals that hold for the whole push.
OF_PUSH = (
    Refusal.SUPERSEDED, Refusal.DONTBUILD, Refusal.NO_RETRY, Refusal.NOT_OPTED_IN,
    Refusal.REBUILD_REQUESTED,
)  # fmt: skip


def repeated(earlier: Claim, asks: PushOptions | None) -> Refusal:
    """Return the refusal of a further failure of a claimed job; one that holds for the whole push is repeated."""
    if earlier.refusal in OF_PUSH:
        return earlier.refusal
    # What the push of a claim decided as a failure asks for does not count.
    if asks is not None and asks.rebuild and not earlier.manual and earlier.cause is not Cause.FAILURE:
        return Refusal.REBUILD_REQUESTED
    return Refusal.ALREADY_CLAIMED


def told(repeated: Refusal) -> Refusal | None:
    """Return the refusal of a further failure as the story of its job has it.

    That a job was dealt with before is told there already: its retriggers are ours, and may fail, too.
    """
    return None if repeated is Refusal.ALREADY_CLAIMED else repeated


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a decision about a claim depends on, apart from claim and rule."""

    asks: PushOptions
    author: str | None
    fork: bool
    forks_allowed: bool
    #: The runs of the job that count, including those that others started.
    runs: int
    #: Why nobody waits for the job any more; see `superseded.ending`.
    ending: Decision | None = None
    #: The claimed run as the CI lists it, if it does: the event that made the claim may have been incomplete.
    listed: Event | None = None
    #: Those of the runs that failed because of other jobs, and so prove nothing.
    derived: int = 0
    #: Further runs that may have come of forgotten requests, and are not among those counted; see
    #: `elsewhere.beyond_counted`.
    forgotten: int = 0
    #: In words, what the claimed run's failure follows from; empty if it is its own.
    follows: str = ""
    #: The jobs that a rerun would start and must not.
    starts: tuple[str, ...] = ()
    #: How the failure is classified, if somebody else has done that.
    classified: Classification | None = None
    #: Those of the runs that failed by themselves, and whether one passed.
    failed: int = 1
    passed: bool = False
    #: What is known of the job, and whether its CI takes a number of runs at once.
    background: Background = NO_HISTORY
    several: bool = False
    #: How the failure stands to what the push is based on.
    base: Standing = NOTHING_KNOWN


def decide(claim: Claim, rule: Rule | None, facts: Facts) -> Decision | None:
    """Decide about a claim; `None` drops it: its run did not fail after all, and the push does not ask for it.

    The budget is not applied here: the store does that atomically when it records the decision.
    """
    if claim.manual:
        return starts_excluded(facts.starts) if facts.starts else _asked_for(claim, facts.runs)
    run, asks = claim.run, facts.asks
    against = list(refusals(rule, run, facts.author))
    if not against and facts.listed is not None:
        against = list(refusals(rule, facts.listed, facts.author))
    if facts.fork and not facts.forks_allowed:
        against.insert(0, Refusal.NOT_WATCHED)
    asked = most = 0
    if rule is not None and only_of_failures(against) and run.result not in UNWANTED:
        asked, most = asks.wanted(rule.groups_of(facts.listed or run)), rule.requested_max
    wanted = min(asked, most)
    if not run.failed and not wanted:
        return None
    if against and not wanted:
        detail = "the push comes from a fork" if facts.fork and against[0] is Refusal.NOT_WATCHED else ""
        return Decision.refuse(against[0], detail)
    if facts.ending is not None:
        return facts.ending
    not_now = _explained(rule, facts) if not wanted else _starts(facts)
    if not_now is not None or asks.dontbuild:
        return not_now or Decision.refuse(Refusal.DONTBUILD)
    if wanted and rule is not None:
        cut = f", and `requested.max` allows {most}" if asked > most else ""
        decided = _unless_enough(rule, Cause.REQUESTED, wanted, facts, f"the push asks for {asked} of it{cut}")
        return replace(decided, total=rule.requested_total)
    if asks.rebuild:
        return Decision.refuse(Refusal.REBUILD_REQUESTED)
    return _decide_failure(rule, facts, run.kind) if rule is not None else None


def _asked_for(claim: Claim, runs: int) -> Decision:
    if claim.backfills and runs:
        return Decision.refuse(Refusal.ENOUGH_RUNS, "the job has run at this push, or is about to")
    if claim.backfills:
        return Decision.trigger(Cause.BACKFILL, claim.wanted, "the job did not run at this push")
    if claim.control:
        of = claim.origin.removeprefix(CONTROL)[:12]
        return Decision.trigger(Cause.CONTROL, claim.wanted, f"{of} is based on this, and the job fails there")
    return Decision.trigger(Cause.MANUAL, claim.wanted, "asked for by a person")


def _decide_failure(rule: Rule, facts: Facts, kind: Kind) -> Decision:
    if facts.asks.no_retry:
        return Decision.refuse(Refusal.NO_RETRY)
    if rule.opt_in and not facts.asks.retry:
        return Decision.refuse(Refusal.NOT_OPTED_IN)
    if facts.base.relation is Relation.INHERITED:
        return Decision.refuse(Refusal.INHERITED, facts.base.words)
    if rule.until_proved is None:
        return _unless_enough(rule, Cause.FAILURE, rule.retries, facts, "")
    return _until_proved(rule, rule.until_proved, facts, kind)


def _until_proved(rule: Rule, until: UntilProved, facts: Facts, kind: Kind) -> Decision:
    """Decide about the first wave of further runs; `waves.step` decides on those after it."""
    cap = _unless_enough(rule, Cause.FAILURE, until.most_of(kind), facts, "")
    if cap.cause is None:
        return cap
    if facts.passed:
        return Decision.refuse(Refusal.ENOUGH_RUNS, "it passed at this revision, too: it is intermittent")
    further = max(0, facts.failed - 1)
    weight = until.weigh(facts.background, further)
    count = until.wave(facts.background, further, cap.count, several=facts.several)
    if not count:
        return Decision.refuse(Refusal.ENOUGH_RUNS, weight.words(facts.failed, facts.failed))
    at_most = f"{percent(weight.chance)} that it is intermittent; at most {plural(cap.count, 'further run')}"
    return replace(cap, count=count, most=cap.count, detail=at_most)


def _explained(rule: Rule | None, facts: Facts) -> Decision | None:
    """Return the refusal of a failure for the sake of other jobs of the push, or because somebody has explained it."""
    if facts.follows:
        return Decision.refuse(Refusal.DERIVED, facts.follows)
    return _starts(facts) or classified.refusal(facts.classified, rule.classified if rule is not None else ())


def _starts(facts: Facts) -> Decision | None:
    return starts_excluded(facts.starts) if facts.starts else None


def starts_excluded(jobs: Sequence[str]) -> Decision:
    """Return the refusal of a retrigger that would start these jobs."""
    named = ", ".join(f"`{job}`" for job in jobs[:3]) + (f" and {len(jobs) - 3} more" if len(jobs) > 3 else "")
    return Decision.refuse(Refusal.STARTS_EXCLUDED, f"it would start {named}, which `never_start` forbids")


def _unless_enough(rule: Rule, cause: Cause, wanted: int, facts: Facts, detail: str) -> Decision:
    runs = facts.runs
    left = wanted - max(0, runs - facts.derived - 1) - facts.forgotten
    if left <= 0:
        exist = "1 run exists" if runs == 1 else f"{runs} runs exist"
        why = f"{exist}, {wanted} further than the first {'is' if wanted == 1 else 'are'} wanted"
        if facts.forgotten:
            why += f"; {facts.forgotten} more may have come of requests that the store has forgotten"
        return Decision.refuse(Refusal.ENOUGH_RUNS, why)
    return Decision(cause, None, left, detail, runs, rule.proving)


def with_runs(decision: Decision, runs: int) -> Decision:
    """Reduce a decision by the runs that appeared before it is recorded; `runs`: how many count by then."""
    if decision.cause not in (Cause.FAILURE, Cause.REQUESTED) or not 0 < decision.runs < runs:
        return decision
    came = runs - decision.runs
    # Where it goes by what runs prove, those that came are weighed before anything is asked for.
    left = decision.most - came if decision.most else decision.count - came
    if left <= 0:
        return Decision.refuse(Refusal.ENOUGH_RUNS, f"{runs} runs exist: enough came while this was decided")
    if decision.most:
        return replace(decision, count=min(decision.count, left), most=left, runs=runs)
    return replace(decision, count=left, runs=runs)


def decisive_run(claim: Claim, runs: Sequence[Run]) -> Run:
    """Return the run that a claim is judged by: its own, or, if that was unwanted, the newest that was not."""
    if claim.run.result not in UNWANTED:
        return claim.run
    return next((run for run in reversed(runs) if run.result not in UNWANTED), claim.run)


def withdrawn(
    claim: Claim,
    rule: Rule | None,
    follows: str = "",
    starts: Sequence[str] = (),
    base: Standing = NOTHING_KNOWN,
) -> Decision | None:
    """Return the refusal of a decided claim whose run turned out to be none that its rule covers.

    Some CIs tell only after the end of a run that it met an error of theirs, or that its failure does not count.
    `follows`, `starts` and `base`: as in `Facts`.
    """
    if starts:
        return starts_excluded(starts)
    if claim.cause is not Cause.FAILURE or rule is None:
        return None
    if follows:
        return Decision.refuse(Refusal.DERIVED, follows)
    if claim.run.allowed_to_fail:
        return Decision.refuse(Refusal.HIDDEN, "the CI does not count its failures")
    if claim.run.result is Result.INFRA and Result.INFRA not in rule.results:
        return Decision.refuse(Refusal.RESULT_EXCLUDED, "it turned out to be an error of the CI itself")
    if base.relation is Relation.INHERITED:
        return Decision.refuse(Refusal.INHERITED, base.words)
    return None
