"""Decisions of the policy: to retrigger, and why, or not to, and why not."""

from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core.model import PROVING, Result


class Cause(StrEnum):
    """Why a job is retriggered."""

    FAILURE = "failure"
    REQUESTED = "requested"
    MANUAL = "manual"
    CONTROL = "control"
    #: To find at which push of a branch the job broke; see `branch.backfill`.
    BACKFILL = "backfill"
    #: To measure a verdict; see `policy.calibration`.
    CALIBRATION = "calibration"


class Refusal(StrEnum):
    """Why a job is not retriggered; if several apply, the first in this order is given."""

    NOT_WATCHED = "not_watched"
    JOB_EXCLUDED = "job_excluded"
    KIND_EXCLUDED = "kind_excluded"
    RESULT_EXCLUDED = "result_excluded"
    AUTHOR_EXCLUDED = "author_excluded"
    POOL_EXCLUDED = "pool_excluded"
    STEP_EXCLUDED = "step_excluded"
    HIDDEN = "hidden"
    EVENT_EXCLUDED = "event_excluded"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    DERIVED = "derived"
    STARTS_EXCLUDED = "starts_excluded"
    CLASSIFIED = "classified"
    DONTBUILD = "dontbuild"
    NO_RETRY = "no_retry"
    NOT_OPTED_IN = "not_opted_in"
    REBUILD_REQUESTED = "rebuild_requested"
    INHERITED = "inherited"
    ALREADY_CLAIMED = "already_claimed"
    ENOUGH_RUNS = "enough_runs"
    SAME_CAUSE = "same_cause"
    OVER_BUDGET = "over_budget"
    OVER_TOTAL = "over_total"
    NOT_FOUND = "not_found"
    REFUSED_BY_CI = "refused_by_ci"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a job; every decision has a reason."""

    cause: Cause | None
    refusal: Refusal | None
    count: int = 0
    detail: str = ""
    #: Runs of the job that counted at the decision, and the results with which a run counts.
    runs: int = 0
    proving: frozenset[Result] = PROVING
    #: Further runs that the message of the push may ask for in all, if that is what it is about.
    total: int | None = None
    #: Where further runs go by what they prove, how many there may be in all; 0: where they do not.
    most: int = 0

    @property
    def action(self) -> str:
        """`trigger` or `refuse`."""
        return "trigger" if self.cause is not None else "refuse"

    @property
    def reason(self) -> str:
        """The reason, as it is named in logs, metrics, the store and pages."""
        if self.cause is not None:
            return str(self.cause)
        return str(self.refusal) if self.refusal is not None else ""

    @staticmethod
    def trigger(cause: Cause, count: int, detail: str = "") -> "Decision":
        """Return a decision to request `count` further runs."""
        return Decision(cause, None, count, detail)

    @staticmethod
    def refuse(refusal: Refusal, detail: str = "") -> "Decision":
        """Return a decision not to retrigger."""
        return Decision(None, refusal, 0, detail)
