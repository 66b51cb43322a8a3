"""The budget of a push: how many of its jobs may be retriggered because they failed. Pure."""

from dataclasses import dataclass, replace

from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.formatting import plural


@dataclass(frozen=True, slots=True)
class Budget:
    """The limit on jobs of one push that are retriggered because they failed."""

    percent: float = 5
    floor: int = 4

    def allows(self, spent: int, total: int) -> bool:
        """Whether one more job may be retriggered after `spent` of the push's `total` different jobs."""
        return not (spent > self.floor and 100 * spent > self.percent * total)

    def most(self, total: int) -> int:
        """Return the number of jobs that the budget allows in the end, of a push with `total` different jobs."""
        return max(self.floor, int(self.percent * total // 100)) + 1

    def words(self, jobs: str = "its jobs") -> str:
        """Render the budget in words; `most` returns the number that it comes to."""
        return f"{self.percent:g} % of {jobs} and one more, or {self.floor + 1} if that is more"


DEFAULT = Budget()
#: Causes that count against the budget.
SPENDING = frozenset({Cause.FAILURE, Cause.CONTROL, Cause.BACKFILL})


def within_budget(
    decision: Decision,
    budget: Budget | None,
    spent: int,
    total: int,
    *,
    dry: bool,
    causes: int | None = None,
    elsewhere: int = 0,
) -> Decision:
    """Apply the budget to a decision about a failure, with the figures at the time it is recorded.

    `causes`: how many different failures those jobs have; not given: as many as jobs. `elsewhere`: the jobs that
    count beside them; see `elsewhere.spent`.
    """
    if budget is None or decision.cause not in SPENDING:
        return decision
    causes = (spent if causes is None else causes) + elsewhere
    spent += elsewhere
    most = str(budget.most(total))
    listed = f"; of these, {elsewhere} by what the CI lists: further runs of which no request is known here"
    found = listed if elsewhere else ""
    if not budget.allows(spent, total):
        return Decision.refuse(Refusal.OVER_BUDGET, spent_words(budget, spent, causes, total, dry=dry) + found)
    if not decision.runs:
        return decision
    words = based_on(first_wanted(decision), str(decision.runs), str(spent), most, dry=dry)
    return replace(decision, detail="; ".join(filter(None, (words + found, decision.detail))))


def first_wanted(decision: Decision) -> int:
    """Return the number of further runs wanted before existing ones were deducted."""
    return decision.count + max(0, decision.runs - 1)


def based_on(wanted: int, runs: str, spent: str, most: str, *, dry: bool) -> str:
    """Render the basis of a decision about a failure; figures passed as texts may be placeholders."""
    were = "that would have been" if dry else "that were"
    return (
        f"further runs wanted of a failed job: {wanted}; runs that there are: {runs}; jobs of the push {were} "
        f"retriggered for failures before: {spent} of at most {most}"
    )


def spent_words(budget: Budget, spent: int, causes: int, total: int, *, dry: bool) -> str:
    """Render that a budget is spent, on so many jobs and causes."""
    were = "would have been" if dry else "was" if spent == 1 else "were"
    share = budget.words(f"its {plural(total, 'job')}")
    return (
        f"{plural(spent, 'job')} of the push ({plural(causes, 'cause')}) {were} retriggered for failures; its "
        f"budget is {budget.most(total)}: {share}"
    )
