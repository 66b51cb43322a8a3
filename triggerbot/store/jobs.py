"""One job at the newest pushes of its project, without reading what else ran there."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from triggerbot.core import identity
from triggerbot.core.branch.cells import Shown
from triggerbot.core.model import Push
from triggerbot.store import grid, ran, sampled
from triggerbot.store.documents import NO_PLACE
from triggerbot.store.engine import Doc, Reader
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import GRID, RECENT, join, part_of, push_of
from triggerbot.store.pushes import summary
from triggerbot.store.records import JobRecord, Summary, job_records
from triggerbot.store.room import Reads, Room

#: Pushes of a project among which those of one branch are looked for; their names alone are read.
_AMONG_MAX = 5000
#: Names of jobs that are searched, and days whose jobs are.
_FOUND_MAX, _DAYS = 20, 2 * 86_400.0


@dataclass(frozen=True, slots=True)
class JobAtPush:
    """A job at one push: its records, several where several batches ran it, and what the push shows of it."""

    summary: Summary
    records: tuple[JobRecord, ...] = ()
    #: As the push was judged last; empty if it was not yet, or if the job decides nothing there.
    shown: tuple[Shown, ...] = ()


def latest(view: Reader, project: str, job: str, limit: int, branch: str = "") -> list[JobAtPush]:
    """Read a job at the newest pushes of a project, or of one branch of it, newest first; also where it did not run."""
    index = join(RECENT, project.lower())
    listed = view.first(index, _AMONG_MAX if branch else limit, descending=True)
    pushes = (push_of(part) for _, part in listed)
    wanted = list(islice((push for push in pushes if branch in ("", push.branch)), limit))
    book = Book(view)
    book.load(wanted, {push: [job] for push in wanted})
    ledgers = [ledger for push in wanted if (ledger := book.ledger(push)).stored is not None]
    records = [_records(ledger, job) for ledger in ledgers]
    ran_it = [ledger for ledger, found in zip(ledgers, records, strict=True) if found]
    docs = view.get([Doc(part_of(ledger.push), GRID) for ledger in ran_it]) if ran_it else []
    shown = {
        ledger.push: tuple(one for one in grid.load(data) if one.name == job)
        for ledger, data in zip(ran_it, docs, strict=True)
        if data is not None
    }
    found = [
        JobAtPush(summary(ledger.head), own, shown.get(ledger.push, ()))
        for ledger, own in zip(ledgers, records, strict=True)
    ]
    return sorted(found, key=_newest_first)


def _newest_first(one: JobAtPush) -> tuple[float, Push]:
    at = one.summary.pushed_at
    return -(one.summary.last_heard if at is None or at <= NO_PLACE else at), one.summary.push


def _records(ledger: Ledger, job: str) -> tuple[JobRecord, ...]:
    listed = []
    for key, stored in sorted(ledger.family(job).items()):
        claims = ledger.values(ledger.load_claims(sorted(stored.claims.values())))
        runs, claims, _ = sampled.apart(key, stored, claims)
        listed.append((key, runs, claims))
    return job_records(listed, ledger.head.told)


def of_push(view: Reader, push: Push, job: str) -> tuple[JobRecord, ...]:
    """Read one job of a push, by the name that it has at every push."""
    ledger = Book(view).ledger(push)
    return () if ledger.stored is None else _records(ledger, job)


def named_like(view: Reader, project: str, text: str, since: float) -> Sequence[str]:
    """List jobs that ran lately whose names have a text in them, in whatever case, by name."""
    lowered = text.lower()
    names = ran.read(view, project, None, since - _DAYS).at
    return sorted(name for name in names if lowered in name.lower() and not identity.is_per_batch(name))[:_FOUND_MAX]


class Jobs(Room):
    """One job over many pushes."""

    latest = Reads(latest)
    of_push = Reads(of_push)
    named_like = Reads(named_like)
