"""At how many pushes each job passed or failed: sums by project, day and job, kept whenever a job is written.

The pushes of each branch are counted apart, too. Those of an outage count for nothing.

A push belongs to the day of its first event, which never changes; so each job of it adds 1, once, to one sum.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from triggerbot.core import identity
from triggerbot.core.model import PROVING, State
from triggerbot.store.documents import StoredJob, StoredPush
from triggerbot.store.engine import Reader, Transaction
from triggerbot.store.names import RAN, join
from triggerbot.store.records import Ran

if TYPE_CHECKING:
    from triggerbot.store.ledger import Ledger

_DAY = 86_400
_FINISHED, _PROVING = State.FINISHED.value, frozenset(result.value for result in PROVING)
#: Days that are read, at most.
_DAYS_MAX = 10_000


def has_run(jobs: Iterable[StoredJob]) -> bool:
    """Return whether a run of any of these jobs passed or failed."""
    # Loops, for this is done for every job that is read: `any` takes twice as long.
    for job in jobs:
        for run in job.runs:
            if run.get("result") in _PROVING and run["state"] == _FINISHED:
                return True
    return False


def _day(at: float) -> int:
    return math.floor(at / _DAY) * _DAY


@lru_cache(maxsize=256)
def _key(project: str, day: int) -> str:
    return join(RAN, project, str(day))


@lru_cache(maxsize=256)
def _branch_key(project: str, day: int, branch: str) -> str:
    return join(RAN, project, str(day), branch)


def begin(transaction: Transaction, push: StoredPush) -> None:
    """List the day of a new push."""
    day = _day(push.first)
    transaction.rank(join(RAN, push.push.project), _key(push.push.project, day), float(day))


def add(transaction: Transaction, push: StoredPush, names: Mapping[str, int]) -> None:
    """Count jobs of a push (1), or no longer (-1)."""
    if push.outage:
        return
    project, day = push.push.project, _day(push.first)
    transaction.add(_key(project, day), names)
    if push.by_branch:
        transaction.add(_branch_key(project, day, push.push.branch), names)


def weigh(transaction: Transaction, ledger: "Ledger", *, outage: bool) -> None:
    """Record whether a push was part of an outage, and count its jobs accordingly.

    A push that turned out to be a fork's does not count for the branch of that name.
    """
    head = ledger.head
    of_fork = bool(head.fork) and head.by_branch
    if head.outage is outage and not of_fork:
        return
    ran = _that_ran(ledger)
    add(transaction, head, dict.fromkeys(ran, -1))
    head.outage, head.by_branch = outage, head.by_branch and not of_fork
    add(transaction, head, dict.fromkeys(ran, 1))


def forget(transaction: Transaction, ledger: "Ledger") -> None:
    """Count the jobs of a push no longer, for it is deleted."""
    add(transaction, ledger.head, dict.fromkeys(_that_ran(ledger), -1))


def _that_ran(ledger: "Ledger") -> set[str]:
    """Return the names of the jobs of a push of which a run passed or failed."""
    return {identity.base(key) for key, job in ledger.jobs().items() if has_run([job])}


def purge(transaction: Transaction, projects: Collection[str], before: float) -> None:
    """Take out the days of which no push is left."""
    for project in projects:
        index = join(RAN, project)
        for _, key in transaction.first(index, 1, most=float(_day(before) - _DAY)):
            if not transaction.sums([key])[0]:
                transaction.rank(index, key, None)


def read(view: Reader, project: str, jobs: Sequence[str] | None, since: float = 0.0, branch: str | None = None) -> Ran:
    """Count, by job, the pushes of a project at which a run of the job passed or failed; `jobs`: `None` for all.

    `since`: those whose first event came since then, in whole days, but at least the newest day. `branch`: only those
    of this branch.
    """
    index = join(RAN, project)
    days = view.first(index, _DAYS_MAX, least=since) or view.first(index, 1, descending=True)
    counted = Counter[str](dict.fromkeys(jobs or (), 0))
    keys = [key if branch is None else _branch_key(project, int(day), branch) for day, key in days]
    for found in view.sums(keys, None if jobs is None else list(counted)):
        for job, number in found.items():
            counted[job] += int(number)
    return Ran(dict(counted), since and max(since, days[0][0]) if days else since)
