"""What to make of a request whose answer was lost; decided purely, from what the CI lists.

A run that came of it settles it. That nothing shows proves something only after the time that this CI may take to list
a run, twice, on a list that is whole; only then may the same operation leave again, and after that ever longer silence.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from triggerbot.core.model import Claim, Event, Operation, Run
from triggerbot.core.policy.backoff import GRACE_LEAST

#: Look-backs in vain before a request may leave again, and how often it may.
MISSES, RESENDS = 2, 5
#: Seconds after which nobody waits for the answer any more.
GIVE_UP = 86_400.0


@dataclass(frozen=True, slots=True)
class Appeared:
    """The CI took it: these runs came of it."""

    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Nothing is proved yet. `missed`: this look counts as one in vain."""

    due: float
    why: str
    missed: bool = False


@dataclass(frozen=True, slots=True)
class SendAgain:
    """It is proved, as far as that goes, that the CI did not take it."""

    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It may have been taken or not; it will not be sent again."""

    why: str


Judgement = Appeared | LookAgain | SendAgain | GiveUp


@dataclass(frozen=True, slots=True)
class Findings:
    """What the CI lists now, with what is remembered besides."""

    #: The runs of each job concerned.
    runs: Mapping[str, Sequence[Run | Event]]
    #: Every operation of the push, whatever came of it.
    operations: Collection[str]
    #: The list was understood whole, and has every job concerned.
    whole: bool
    #: Seconds that this CI may take to list a run.
    grace: float
    #: Nothing forbids to send again.
    may_send: bool


def reconcile(operation: Operation, claims: Sequence[Claim], evidence: Findings, now: float) -> Judgement:
    """Judge a request in doubt."""
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


def came_of(operation: Operation, claim: Claim, evidence: Findings) -> list[str]:
    """Name the runs of a claim's job that came of a request: they say so, or they were not there before.

    Runs that name another operation of ours are that one's. Of those that name none, as many are left aside as were
    accepted earlier and had not shown yet.
    """
    before = operation.baseline.get(claim.job, ())
    runs = {run.key: run for run in _of(claim, evidence.runs)}
    named = [run.run_id for run in runs.values() if run.retrigger_of == operation.id]
    others = set(evidence.operations) - {operation.id}
    new = [key.run_id for key, run in runs.items() if key not in before and run.retrigger_of not in others]
    unseen = max(0, claim.asked - max(0, len(before) - claim.known_runs))
    return named or new[unseen:]


def _of(claim: Claim, runs: Mapping[str, Sequence[Run | Event]]) -> Iterable[Run | Event]:
    return runs.get(claim.job, ())
