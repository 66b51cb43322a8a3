"""The facts that a decision about a claim depends on: what is stored, what the CI lists, and how it is classified."""

from triggerbot.core import proof
from triggerbot.core.claim import Claim
from triggerbot.core.patterns import Globs
from triggerbot.core.policy import elsewhere, waves
from triggerbot.core.policy.classified import Classification
from triggerbot.core.policy.neighbours import Neighbours
from triggerbot.core.policy.planning import Capacity
from triggerbot.core.policy.rules import Facts, Rule
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Work
from triggerbot.systems import LookBack, ShowsClassifications, System

#: The rule of a push that no rule matches any more.
ANY_RULE = Rule(Globs(["*"]))


def facts_of(
    system: System, work: Work, view: LookBack, claim: Claim, rule: Rule, others: Neighbours, lost: float | None = None
) -> Facts:  # fmt: skip
    """Return the facts for a claim; raises `CIError` if the CI has to be asked for one and gives no answer.

    `lost`: the last time that the store lost something, if it ever did.
    """
    batch = work.told.get(claim.run.batch)
    runs = work.runs.get(claim.job, ())
    own = others.own(runs)
    counted = [run for run in own if proof.counts(run, rule.proving)]
    ours = elsewhere.forgotten(claim.job, work.arrived.get(claim.job, ()), work.requests, lost)
    standing = others.standing(claim, runs, rule.never_start, asked=bool(work.asks and work.asks.rebuild))
    return Facts(
        asks=work.asks or PushOptions(),
        author=work.facts.author,
        fork=bool(work.facts.fork if batch is None or batch.fork is None else batch.fork),
        forks_allowed=system.forks_allowed,
        runs=proof.count(runs, rule.proving),
        listed=next((one for one in view.events if one.job == claim.job and one.key == claim.run.key), None),
        derived=others.derived(runs, rule.proving),
        forgotten=len(ours) if claim.calibrates else elsewhere.beyond_counted(ours, counted),
        follows=standing.follows,
        starts=standing.starts,
        failed=waves.failures(own, rule.proving),
        passed=any(run.passed for run in own),
        several=system.capacity is Capacity.BATCH,
        classified=classification_of(system, work, view, claim, rule),
    )


def classification_of(system: System, work: Work, view: LookBack, claim: Claim, rule: Rule) -> Classification | None:
    """Ask who classified a failure of the job, where that may settle it; raises `CIError` as `facts_of` does."""
    if claim.origin or not isinstance(system, ShowsClassifications):
        return None
    keys = dict.fromkeys([claim.run.key, *(run.key for run in work.runs.get(claim.job, ()))])
    for run in (key for key in keys if view.classified.get(key) in rule.classified):
        known = system.classification(work.push, run)
        if known is not None and known.settles:
            return known
    return None
