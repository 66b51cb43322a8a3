"""What the retriggers of a push cost, and how much of its budget that is, for its page; pure."""

from typing import NamedTuple

from triggerbot.core.formatting import plural
from triggerbot.core.model import Run
from triggerbot.core.policy.rules import Rule
from triggerbot.store import JobRecord, PushRecord, outcomes
from triggerbot.web.statistics_view import percent


class BudgetUse(NamedTuple):
    """How much of its budget a push has used, in jobs."""

    spent: int
    most: int
    dry: bool
    rule: str
    #: The share used, as a length of SVG.
    used: str


class Cost(NamedTuple):
    """What the retriggers of a push cost."""

    #: The number of runs that are retriggers, and of all runs.
    runs: int
    of: int
    #: Machine time of the retriggers with a known duration, and the number of these.
    seconds: float
    timed: int


def cost(record: PushRecord) -> Cost:
    """Sum up the retriggers of a push and their machine time."""
    again = [run for job in record.jobs for run in retriggers(job)]
    timed = [run.seconds for run in again if run.seconds is not None]
    return Cost(len(again), sum(len(job.runs) for job in record.jobs), sum(timed), len(timed))


def spent(record: PushRecord, rule: Rule | None, *, dry: bool) -> BudgetUse | None:
    """Return how many jobs of a push were, and may be, retriggered for failures; `None` if no rule watches it."""
    if rule is None:
        return None
    budget, jobs = rule.budget, len(record.jobs)
    most = budget.most(jobs)
    words = budget.words(f"its {plural(jobs, 'job')}")
    number = record.spent_dry if dry else record.spent
    return BudgetUse(number, most, dry, words, percent(number, most))


def retriggers(job: JobRecord) -> list[Run]:
    """Return the runs that came from our requests, not those that others started."""
    bought = [outcomes.Bought(claim.known_runs, claim.asked, claim.cause) for claim in job.claims if claim.asked]
    return outcomes.retriggers(job.runs, bought) if bought else []
