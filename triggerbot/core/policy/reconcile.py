"""Reconciliation: what became of a request whose answer was lost, judged from what the CI lists. Pure.

A run that came of the request settles it. A missing run proves something only after the CI's grace time to list it, in
two look-backs, on a complete list; only then may the same operation be sent again, each time after twice the wait.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from triggerbot.core.claim import Claim, Operation
from triggerbot.core.model import Event, Run
from triggerbot.core.policy.backoff import GRACE_LEAST

#: Unsuccessful look-backs before a request may be sent again, and how often it may be.
MISSES, RESENDS = 2, 5
#: Seconds after which a request in doubt is given up.
GIVE_UP = 86_400.0
#: The share of the grace time within which a request has to leave after it was recorded; see `leaves_in_time`.
_LEAVES = 0.25


@dataclass(frozen=True, slots=True)
class Appeared:
    """The CI accepted the request: these runs came of it."""

    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Nothing is proved yet; look back again when due. `missed`: this look-back counts as an unsuccessful one."""

    due: float
    why: str
    missed: bool = False


@dataclass(frozen=True, slots=True)
class SendAgain:
    """As far as can be proved, the CI did not accept the request."""

    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Whether the CI accepted the request stays unknown; it is not sent again."""

    why: str


Judgement = Appeared | LookAgain | SendAgain | GiveUp


@dataclass(frozen=True, slots=True)
class Findings:
    """What the CI lists now, and what is known apart from that."""

    #: The runs of each job concerned, by job.
    runs: Mapping[str, Sequence[Run | Event]]
    #: The ids of all operations of the push.
    operations: Collection[str]
    #: Whether the list was understood completely and contains every job concerned.
    whole: bool
    #: The CI's grace time: seconds that it may take to list a run.
    grace: float
    #: Whether sending again is allowed.
    may_send: bool


def reconcile(operation: Operation, claims: Sequence[Claim], evidence: Findings, now: float) -> Judgement:
    """Judge a request in doubt; `claims`: those that it covers."""
    appeared = [one for claim in claims for one in came_of(operation, claim, evidence)]
    if appeared:
        return Appeared(tuple(appeared))
    quiet = max(evidence.grace, GRACE_LEAST) * 2 ** (operation.sends - 1)
    if now < operation.started + quiet:
        return LookAgain(operation.started + quiet, "waits until the CI must list what came of it")
    if now - claims[0].created > GIVE_UP:
        return GiveUp("nobody knows whether the CI took it, after a day")
    if not evidence.whole:
        return LookAgain(now + quiet, "the CI's list is not whole, so it proves nothing")
    if operation.misses + 1 < MISSES:
        return LookAgain(now + quiet, "the CI does not list it", missed=True)
    if operation.sends > RESENDS or not evidence.may_send:
        return GiveUp(f"sent {operation.sends} times, and the CI lists nothing that came of it")
    return SendAgain(f"the CI did not list it in {MISSES} look-backs: the same operation once more")


def leaves_in_time(recorded: float, grace: float, now: float) -> bool:
    """Return whether a request may still leave that was recorded at a time.

    Two grace times after that another replica may find that nothing came of it, and send it again. So it has to leave
    soon enough to be listed by then, clocks that differ included.
    """
    return now - recorded <= _LEAVES * max(grace, GRACE_LEAST)


def came_of(operation: Operation, claim: Claim, evidence: Findings) -> list[str]:
    """Return the ids of the runs of a claim's job that came of a request: they name it, or are new since.

    Runs that name another operation of ours belong to that one. Of new runs that name none, the first are left out: as
    many as were accepted earlier and were not listed yet.
    """
    before = operation.baseline.get(claim.job, ())
    runs = {run.key: run for run in _runs_of(claim, evidence.runs)}
    named = [run.run_id for run in runs.values() if run.retrigger_of == operation.id]
    others = set(evidence.operations) - {operation.id}
    new = [key.run_id for key, run in runs.items() if key not in before and run.retrigger_of not in others]
    unseen = max(0, claim.asked - max(0, len(before) - claim.known_runs))
    return named or new[unseen:]


def _runs_of(claim: Claim, runs: Mapping[str, Sequence[Run | Event]]) -> Iterable[Run | Event]:
    return runs.get(claim.job, ())
