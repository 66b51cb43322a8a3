"""A job along its branch: what is known of it at each push, in push order."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from triggerbot.core import identity
from triggerbot.core.branch import cells
from triggerbot.core.branch.cells import CellKind
from triggerbot.core.branch.order import Position
from triggerbot.core.claim import Claim
from triggerbot.core.model import PROVING, Push, Result, RunKey
from triggerbot.core.needs import Needs
from triggerbot.core.verdict import verdict
from triggerbot.store import order
from triggerbot.store.documents import NO_PLACE
from triggerbot.store.engine import Reader
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import branch_index, push_of

#: Pushes of a branch that are looked at, the newest.
_PUSHES_MAX = 100
_NOWHERE = Position(NO_PLACE, "")
NOWHERE_ASKED: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class AtPush:
    """A job at one push of a branch."""

    push: Push
    cell: CellKind
    #: The author of the push.
    author: str | None
    #: The claims of the job there, oldest first.
    claims: tuple[Claim, ...]


def of_job(
    view: Reader, place: tuple[str, str, str], name: str, now: float, proving: frozenset[Result] = PROVING,
    asked: Mapping[str, int] = NOWHERE_ASKED,
) -> tuple[AtPush, ...]:  # fmt: skip
    """Read what is known of a job at the pushes of a branch, in push order, without those of forks or without a time.

    `place`: system, project and branch; `name`: the name that the job has at every push. `asked`: the claims of a
    search, by revision: where the job had no run, that may be one of its workflow.
    """
    index = branch_index(Push(*place, ""))
    listed = view.first(index, _PUSHES_MAX, least=math.nextafter(NO_PLACE, math.inf), descending=True)
    pushes = [push_of(part) for _, part in listed]
    book = Book(view)
    book.load(pushes)
    known = [one for one in map(book.ledger, pushes) if one.stored is not None and not one.head.fork]
    book.load((), {one.push: [name] for one in known if not one.head.packed})
    known.sort(key=lambda one: order.place(one.head) or _NOWHERE)
    return tuple(_with_workflow(_at(one, name, now, proving), one, asked.get(one.push.revision), now) for one in known)


def _with_workflow(at: AtPush, ledger: Ledger, number: int | None, now: float) -> AtPush:
    """Add a claim of the job's workflow to what is known of the job: it may still come to run."""
    stored = None if number is None or any(one.id == number for one in at.claims) else ledger.claim(number)
    job = None if stored is None else ledger.job(stored.job)
    if stored is None or job is None:
        return at
    claim, runs = ledger.value(stored), job.oldest_first(stored.job)
    waits = at.cell is CellKind.NOT_RUN and verdict.awaits(runs, [claim], now)
    return replace(at, cell=CellKind.PENDING if waits else at.cell, claims=(*at.claims, claim))


def _at(ledger: Ledger, name: str, now: float, proving: frozenset[Result]) -> AtPush:
    head = ledger.head
    family = {
        key: job for key, job in ledger.family(name).items()
        if not ((batch := head.told.get(identity.batch_of(key))) is not None and batch.fork)
    }  # fmt: skip
    runs = {key: job.oldest_first(key) for key, job in family.items()}
    ids = {key: sorted(job.claims.values()) for key, job in family.items()}
    claims = {key: ledger.values(ledger.load_claims(own)) for key, own in ids.items()}
    listed = tuple(claim for own in claims.values() for claim in own)
    if not family:
        return AtPush(ledger.push, CellKind.NOT_RUN, head.author, ())
    # Of several of one name the newest counts, and none that others may be mixed into.
    key = max(runs, key=lambda job: (runs[job][-1].time or 0.0 if runs[job] else -1.0, job))
    own = tuple(run for run in runs[key] if not run.calibrates)
    if identity.mixed(runs) or identity.differ(own):
        return AtPush(ledger.push, CellKind.UNPROVED, head.author, listed)
    derived: Collection[RunKey] = ()
    if any(run.needs and run.failed for run in own):
        derived = Needs(run for one, job in ledger.jobs().items() for run in job.all_runs(one)).derived(key)
    counted = [claim for claim in claims[key] if not claim.calibrates]
    judged = verdict.of_job(name, own, counted, now=now, proving=proving, derived=derived)
    return AtPush(ledger.push, cells.of_verdict(judged).kind, head.author, listed)
