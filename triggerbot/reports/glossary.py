"""Explanations of our words in plain English; for each refusal also what a developer can do about it."""

from dataclasses import dataclass

from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Result, Run, State
from triggerbot.core.verdict.base import Relation
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.history import Novelty
from triggerbot.core.verdict.verdict import JobVerdict, Verdict


@dataclass(frozen=True, slots=True)
class Advice:
    """The meaning of a refusal, and a remedy for the developer."""

    means: str
    remedy: str

    def __str__(self) -> str:
        """Return both sentences."""
        return f"{self.means} {self.remedy}"


_BY_HAND = "`triggerbot retrigger` asks for it by hand"

REFUSALS: dict[Refusal, Advice] = {
    Refusal.NOT_WATCHED: Advice(
        "No rule of the config watches this project and branch, or the push comes from a fork.",
        "Retrigger it in the CI itself, or ask the operator for a rule.",
    ),
    Refusal.JOB_EXCLUDED: Advice(
        "The rule leaves jobs of this name alone, often since they are known to be unreliable.",
        f"If you need to know, {_BY_HAND}.",
    ),
    Refusal.KIND_EXCLUDED: Advice(
        "The rule leaves jobs of this kind alone; usually only tests are retriggered.",
        f"A build that fails mostly fails again: read its log first; else {_BY_HAND}.",
    ),
    Refusal.RESULT_EXCLUDED: Advice(
        "The rule does not retrigger for this result; usually only test failures are.",
        f"Read the log; if it was not your change, {_BY_HAND}.",
    ),
    Refusal.AUTHOR_EXCLUDED: Advice(
        "The rule leaves pushes of this author alone, often since it is a bot or is looked after by other people.",
        f"If somebody waits for it, {_BY_HAND}.",
    ),
    Refusal.POOL_EXCLUDED: Advice(
        "The job runs on machines that are too scarce to be used for retriggers.",
        f"If it is worth one of them, {_BY_HAND}.",
    ),
    Refusal.STEP_EXCLUDED: Advice(
        "The run failed in a step that only the change itself can break, such as the build.",
        "Read the log and push a fix; another run would fail in the same way.",
    ),
    Refusal.HIDDEN: Advice(
        "The job is of a higher tier than the rule allows, or the CI allows it to fail: its failures do not count "
        "against your push.",
        f"You need do nothing; if you care about it, {_BY_HAND}.",
    ),
    Refusal.EVENT_EXCLUDED: Advice(
        "The rule does not cover what made the CI run this: a person by hand, another run, or the like.",
        f"Whoever started it may start it again; or {_BY_HAND}. The rule's `events` says what is covered.",
    ),
    Refusal.SUPERSEDED: Advice(
        "Nobody waits for it any more: its branch or pull request has a newer commit, or is gone, or a newer workflow "
        "run of the same commit counts. A rerun could cancel the CI of the newest commit.",
        f"Look at the newest commit; if you need this one, {_BY_HAND}. The rule's `superseded` says where that holds.",
    ),
    Refusal.CANCELLED: Advice(
        "A person or the CI has cancelled its workflow run, so it is not started again.",
        f"If it should run after all, rerun it at the CI; or {_BY_HAND}.",
    ),
    Refusal.DERIVED: Advice(
        "The job failed because a job that it needs failed, so its failure proves nothing of its own.",
        "Look at the job that it follows from; when that runs again, this one does by itself.",
    ),
    Refusal.STARTS_EXCLUDED: Advice(
        "Running the job again would also start a job that the rule never starts, such as a deployment that needs it.",
        "Run it again in the CI itself if that job may start; or ask the operator to change the rule's `never_start`. "
        "A request that names that job, too, is carried out.",
    ),
    Refusal.CLASSIFIED: Advice(
        "Somebody has classified the failure, so it is explained: a further one would only have to be classified, too.",
        f"If you doubt it, {_BY_HAND}. The rule's `classified` says for which classes that holds.",
    ),
    Refusal.DONTBUILD: Advice(
        "The push says DONTBUILD, so nothing is spent on it.",
        "Leave the word out of the message of your next push if you do want its jobs looked after.",
    ),
    Refusal.NO_RETRY: Advice(
        "The push says --no-retry.",
        f"Leave it out next time; for this push, {_BY_HAND}.",
    ),
    Refusal.NOT_OPTED_IN: Advice(
        "Here, only the failures of pushes that ask for it are retriggered, and this one did not ask.",
        f"Write a line `triggerbot: --retry` into the message next time; for this push, {_BY_HAND}.",
    ),
    Refusal.REBUILD_REQUESTED: Advice(
        "The push asked for a number of runs with --rebuild, so its failures cause no further ones.",
        f"Compare the runs that it asked for; if they are too few, {_BY_HAND}.",
    ),
    Refusal.INHERITED: Advice(
        "The job fails in the same way on the revision that the push is based on, so its failure came before the push.",
        f"Nothing is to be done in this push; once the base is mended, base it on that. If you doubt it, {_BY_HAND}.",
    ),
    Refusal.ALREADY_CLAIMED: Advice(
        "This job of this push was dealt with before: a job is retriggered automatically at most once for each push.",
        f"Look at the runs that there are; if they leave a doubt, {_BY_HAND}.",
    ),
    Refusal.ENOUGH_RUNS: Advice(
        "The job has as many runs as are wanted already, whoever started them.",
        f"Look at the runs that there are; if they leave a doubt, {_BY_HAND}.",
    ),
    Refusal.SAME_CAUSE: Advice(
        "Another job of this push failed in the same way and comes first: what becomes of that one holds for this one, "
        "too, unless it passes.",
        f"Look at that job; if you think that this one fails for another reason, {_BY_HAND}.",
    ),
    Refusal.OVER_BUDGET: Advice(
        "So many jobs of this push failed that its budget is used up.",
        f"Look at what the failures have in common; for a job that you suspect to be intermittent, {_BY_HAND}.",
    ),
    Refusal.OVER_TOTAL: Advice(
        "The message of this push asks for more further runs in all than its rule allows.",
        f"See whether all of them are needed; if some are left over that are, {_BY_HAND}.",
    ),
    Refusal.NOT_FOUND: Advice(
        "What lists the jobs of a push was asked several times, and did not list this one: it is behind, or the job is "
        "gone.",
        "You need do nothing if it is only behind: once a sweep finds the job, it is decided about anew. Else "
        "retrigger it in the CI itself.",
    ),
    Refusal.REFUSED_BY_CI: Advice(
        "The CI will not run this job again.",
        "See the CI's answer for the reason: the run may be too old, or triggerbot may lack a permission there.",
    ),
}

CAUSES: dict[Cause, str] = {
    Cause.FAILURE: "a run of it failed",
    Cause.REQUESTED: "the push asks for it",
    Cause.MANUAL: "a person asked for it",
    Cause.BACKFILL: "it tells at which push of the branch the job broke",
    Cause.CONTROL: "it tells whether what fails at a push fails at its base, too",
    Cause.CALIBRATION: "it was sampled to measure triggerbot's own accuracy, which decides nothing",
}

RESULTS: dict[Result, str] = {
    Result.SUCCESS: "passed",
    Result.FAILURE: "failed",
    Result.BUSTED: "broke before it could test anything (busted)",
    Result.INFRA: "met an error of the CI itself (infra)",
    Result.TIMED_OUT: "took too long (timed_out)",
    Result.CANCELLED: "was cancelled",
    Result.SKIPPED: "was skipped",
    Result.RETRY: "is retried by the CI itself (retry)",
    Result.UNKNOWN: "ended in a way that triggerbot does not know (unknown)",
}

STATES: dict[State, str] = {
    State.PENDING: "has not started yet",
    State.RUNNING: "is running",
    State.FINISHED: "finished",
}

VERDICTS: dict[Verdict, str] = {
    Verdict.PASSED: "Every run that proves something passed.",
    Verdict.FAILED: "It failed every time.",
    Verdict.INTERMITTENT: "It failed and passed with the same code, so it is intermittent.",
    Verdict.PENDING: "It is too early to tell.",
    Verdict.INFRA: "Only the CI itself failed, which proves nothing about the change.",
}

HEALTHS: dict[Health, str] = {
    Health.GOOD: "good",
    Health.FAILING: "failing",
    Health.PENDING: "pending",
    Health.INCOMPLETE: "incomplete",
}

CLAIMS: dict[ClaimState, str] = {
    ClaimState.OPEN: "not decided yet",
    ClaimState.OWED: "decided, and not all asked for yet",
    ClaimState.SENDING: "a request is under way; should triggerbot be killed now, it looks whether the CI took it",
    ClaimState.UNKNOWN: "nobody knows whether the CI took the request, so triggerbot looks before it does anything",
    ClaimState.DONE: "all that was decided has been asked for",
    ClaimState.REFUSED: "refused",
    ClaimState.WOULD: "dry run: recorded, and never sent",
}

#: Where no line of a failure is evidence, and what would give one.
NOT_TOLD = "No line tells what failed: a problem matcher, a JUnit report or the tests of a run would."

#: One letter per result, to show a job's runs in a row.
_LETTERS: dict[Result, str] = {
    Result.SUCCESS: "G",
    Result.FAILURE: "O",
    Result.BUSTED: "R",
    Result.TIMED_OUT: "R",
    Result.INFRA: "X",
    Result.CANCELLED: "-",
    Result.SKIPPED: "-",
    Result.RETRY: "-",
    Result.UNKNOWN: "?",
}
LEGEND = "G passed  O failed  R busted or timed out  X infra  . unfinished  - cancelled, skipped, retried  ? unknown"


def letter(run: Run) -> str:
    """Return the letter of a run's state or result."""
    return "." if run.state is not State.FINISHED else _LETTERS[run.result or Result.UNKNOWN]


def standing(run: Run) -> str:
    """Describe a run's state or result."""
    return STATES[run.state] if run.state is not State.FINISHED else RESULTS[run.result or Result.UNKNOWN]


def proof(job: JobVerdict) -> str:
    """Explain what the runs of a job prove."""
    if job.follows:
        return "It failed because a job that it needs failed, so it proves nothing of its own."
    if job.verdict is None:
        return (
            "The CI skipped it, so it was not to run." if job.skipped else "It did not finish: no run proves anything."
        )
    if job.verdict is Verdict.INTERMITTENT and job.novelty is not None:
        return f"{VERDICTS[Verdict.INTERMITTENT][:-1]}; {_NOVELTIES[job.novelty]}."
    if job.verdict is Verdict.FAILED and job.mixed:
        return "It is not certain that its runs are of one job, so together they prove little."
    if job.inherited:
        return "It fails in the same way at the revision that the push is based on, so it is not the change."
    if job.inherits:
        return "It failed as another job did, which was run again for both and failed on: see there what that proves."
    at_base = _AT_BASE[job.base.relation]
    text = f"It failed every time{at_base}." if job.verdict is Verdict.FAILED else VERDICTS[job.verdict]
    same = None if job.failing is None else job.failing.sameness
    if job.verdict is Verdict.FAILED and job.failing_runs == 1:
        text = f"One failure alone does not tell whether it is the change{_ONCE_AT_BASE[job.base.relation]}."
    elif job.verdict is Verdict.FAILED and same is not None and same.different:
        text = "It failed every time, each time in another way: most likely it is the machine, not the change."
    elif job.verdict is Verdict.FAILED and same is not None and same.other_tests:
        text = "It failed every time, each time in another test: most likely those are intermittent, not the change."
    elif job.unsure:
        text = "It failed every time, which does not prove yet that it is not intermittent."
    return f"{text} {NOT_TOLD}" if job.verdict is Verdict.FAILED and same and same.silent == same.of else text


#: What follows for the change from what other pushes show about an intermittent failure.
_NOVELTIES: dict[Novelty, str] = {
    Novelty.KNOWN: "it was so before this change",
    Novelty.UNKNOWN: "whether it was so before this change is not known",
    Novelty.NEW: "it may be so since this change",
    Novelty.TOUCHED: "it may be so since this change",
}


#: What a failure's standing to the base adds to what its runs prove.
_AT_BASE: dict[Relation, str] = {
    Relation.UNKNOWN: "; nothing is known of the base, so it may have failed before",
    Relation.UNSETTLED: ", and on the base it is not settled yet",
    Relation.INHERITED: ", and on the base, too",
    Relation.DIFFERENT: ", and on the base it fails otherwise: most likely it is the change",
    Relation.UNTOLD: ", and on the base, too; no line tells whether that is the same failure",
    Relation.INTERMITTENT: ", and on the base it is intermittent: it may be the change or not",
    Relation.PASSES: ", and it passes on the base: most likely it is the change",
}
#: The same where it failed only once, which leaves open whether it is the change.
_ONCE_AT_BASE: dict[Relation, str] = _AT_BASE | {
    Relation.UNSETTLED: "; on the base it is not settled yet",
    Relation.INHERITED: "; it fails on the base, too",
    Relation.DIFFERENT: ", though on the base it fails otherwise",
    Relation.UNTOLD: "; it fails on the base, too, and no line tells whether that is the same failure",
    Relation.INTERMITTENT: "; on the base it is intermittent",
    Relation.PASSES: ", though it passes on the base",
}
RELATIONS: dict[Relation, str] = {
    Relation.UNKNOWN: "Nothing is known of the base: no run of the job there, or not what the base is.",
    Relation.UNSETTLED: "It failed there so far, and more runs of it are to come.",
    Relation.INHERITED: "It fails there every time, in the same way: no retriggers, and the push is judged without it.",
    Relation.DIFFERENT: "It fails there, too, but otherwise: this failure came with the push.",
    Relation.UNTOLD: "It fails there, too, and no failure line tells whether that is the same failure.",
    Relation.INTERMITTENT: "It failed there with this failure, and passed.",
    Relation.PASSES: "It passes there: if it fails here every time, nothing speaks more for the change.",
}


def nothing_to_decide(run: Run) -> str:
    """Explain why nothing was decided about a job whose newest run is this one."""
    if run.state is not State.FINISHED:
        return "Nothing is decided before it has finished."
    match run.result:
        case Result.SUCCESS:
            return "It passed, so there was nothing to decide."
        case Result.CANCELLED | Result.SKIPPED:
            return "What was cancelled or skipped is never retriggered."
        case Result.RETRY:
            return "The CI retries it itself, so triggerbot leaves it alone."
        case _:
            return "No decision is recorded."
