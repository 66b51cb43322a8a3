"""The reference of reasons, verdicts and states, in the very sentences that `explain` uses."""

from triggerbot.core.verdict.base import Relation
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.reports import glossary

from .markdown import page, table

_HEALTHS = {
    Health.GOOD: "Every job that was to run passed or proved intermittent; what the CI skipped was not to run, "
    "so a push of which it skipped everything is good. What fails as on the base is told apart, and decides only that "
    "something else has to pass.",
    Health.FAILING: "A job failed and never passed, once or every time.",
    Health.PENDING: "Nothing failed, and something is to come: runs are running or owed, or a decision is due.",
    Health.INCOMPLETE: "Nothing failed and nothing is to come, but a job did not finish: it was cancelled, met only "
    "errors of the CI itself, or ended in another way that proves nothing.",
}


def reasons_page() -> str:
    """Write the page."""
    return page(
        "Reasons and verdicts",
        "The words of `explain`, `status`, the page, the API and the metrics.",
        "## Why a job is not retriggered",
        "In this order: the first that applies is the one told.",
        table(
            ["reason", "what it means", "what you can do"],
            [(f"`{reason}`", advice.means, advice.remedy) for reason, advice in glossary.REFUSALS.items()],
        ),
        "## Why a job is retriggered",
        table(["reason", "what it means"], [(f"`{cause}`", text) for cause, text in glossary.CAUSES.items()]),
        "## Verdicts of a job",
        table(["verdict", "what it means"], [(f"`{one}`", glossary.VERDICTS[one]) for one in Verdict]),
        "## A failure and the base",
        "What the runs of the job at the revision that the push is based on say: [the base](../explanation/base.md).",
        table(["relation", "what it means"], [(f"`{one}`", glossary.RELATIONS[one]) for one in Relation]),
        "## Health of a push",
        "The exit code of `triggerbot status`: 0 for good, 1 for failing, 2 for pending and incomplete. Hidden jobs, "
        "of a higher tier than the rule looks after, decide nothing.",
        table(["health", "what it means"], [(f"`{one}`", _HEALTHS[one]) for one in Health]),
        "## States of a claim",
        "A claim is the promise to deal with one job of one push.",
        table(["state", "what it means"], [(f"`{state}`", text) for state, text in glossary.CLAIMS.items()]),
        "## Results of a run",
        table(["result", "the run ..."], [(f"`{result}`", text) for result, text in glossary.RESULTS.items()]),
        "Only `success`, `failure` and `busted` prove something, and `timed_out` where the rule lists it in `results`. "
        "Only such runs count: for how many are wanted, for verdicts and for how often a job is intermittent. `infra` "
        "counts for nothing, even where a rule retriggers it.",
        f"One letter for each run of a job, the oldest first: {_legend()}.",
    )


def _legend() -> str:
    return ", ".join(f"`{part[0]}` {part[2:]}" for part in glossary.LEGEND.split("  "))
