"""Failure records: the failures of a push's jobs, kept by project for what is generic, and by job for its history.

Each is listed twice: among the newest of its project, and among those of its job, so that what breaks many jobs at once
never displaces the history of another.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from triggerbot.core import identity
from triggerbot.core.model import Push
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.names import FAILURES, UNSETTLED, apart, join, push_of, within
from triggerbot.store.records import FAILURE_RECORDS_MAX, FailureRecord, Window

#: Records kept of one job, and how many more until some are deleted; pushes that one new record has judged again.
_JOB_MAX, _JOB_MORE, _AGAIN_MAX = 100, 20, 20


def _of_job(project: str, key: str) -> str:
    return join(FAILURES, project, identity.base(key))


def _unsettled(project: str, key: str) -> str:
    return join(UNSETTLED, project, identity.base(key))


def put(transaction: Transaction, part: str, records: Sequence[FailureRecord], unsettled: Collection[str]) -> set[Push]:
    """Write the records of one push; returns the other pushes about whose failures they may tell something.

    `unsettled`: the keys of the jobs whose intermittent failure is not known from other pushes.
    """
    told = set[Push]()
    old = transaction.get([Doc(part, FAILURES, one.job) for one in records])
    for one, data in zip(records, old, strict=True):
        before = None if data is None else load(FailureRecord, data)
        # What was ill when it failed may be well by now.
        record = replace(one, ill=one.ill or (before is not None and before.ill))
        project, member = record.push.project, within(part, record.job)
        mine = _of_job(project, record.job)
        transaction.put(Doc(part, FAILURES, record.job), dump(record))
        transaction.rank(join(FAILURES, project), member, record.at)
        transaction.rank(mine, member, record.at)
        if record.intermittent:
            others = _unsettled(project, record.job)
            transaction.rank(others, part, record.at if record.job in unsettled else None)
            if before is None or not before.intermittent:
                again = transaction.first(others, _AGAIN_MAX, least=record.began, descending=True)
                told |= {push_of(other) for _, other in again if other != part}
        if before is None:
            _bound_job(transaction, project, mine)
    for project in {one.push.project for one in records}:
        _bound(transaction, project)
    return told


def _bound(transaction: Transaction, project: str) -> None:
    """Take the oldest records of a project out of its list; those that no job lists (of older versions) are deleted."""
    index = join(FAILURES, project)
    over = transaction.size(index) - FAILURE_RECORDS_MAX
    for _, member in transaction.first(index, over) if over > 0 else ():
        part, job = apart(member)
        transaction.rank(index, member, None)
        if transaction.ranks(_of_job(project, job), [member]) == [None]:
            transaction.put(Doc(part, FAILURES, job), None)


def _bound_job(transaction: Transaction, project: str, index: str) -> None:
    """Delete the oldest records of the failure of which a job has most: a rarer one is to stay known."""
    if transaction.size(index) <= _JOB_MAX + _JOB_MORE:
        return
    listed = [member for _, member in transaction.first(index, 2 * (_JOB_MAX + _JOB_MORE))]
    found = transaction.get([Doc(part, FAILURES, job) for part, job in map(apart, listed)])
    kinds: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for member, data in zip(listed, found, strict=True):
        kinds[() if data is None else load(FailureRecord, data).shapes[:1]].append(member)
    for _ in range(len(listed) - _JOB_MAX):
        member = max(kinds.values(), key=len).pop(0)
        part, job = apart(member)
        transaction.put(Doc(part, FAILURES, job), None)
        transaction.rank(index, member, None)
        transaction.rank(join(FAILURES, project), member, None)


def forget(transaction: Transaction, push: Push, part: str) -> None:
    """Take the records of a push that is deleted out of all lists."""
    for job in transaction.all(part, FAILURES):
        member = within(part, job)
        transaction.rank(join(FAILURES, push.project), member, None)
        transaction.rank(_of_job(push.project, job), member, None)
        transaction.rank(_unsettled(push.project, job), part, None)


def restore(transaction: Transaction, part: str, record: FailureRecord) -> None:
    """Write a record that an earlier version kept."""
    member = within(part, record.job)
    transaction.put(Doc(part, FAILURES, record.job), dump(record))
    transaction.rank(join(FAILURES, record.push.project), member, record.at)
    transaction.rank(_of_job(record.push.project, record.job), member, record.at)


def newest(view: Reader, project: str, limit: int = FAILURE_RECORDS_MAX) -> list[FailureRecord]:
    """Read the newest failure records of a project, newest first."""
    members = [member for _, member in view.first(join(FAILURES, project), limit, descending=True)]
    return _read(view, members)


def windows(view: Reader, project: str, jobs: Iterable[str]) -> dict[str, Window]:
    """Read what is kept of the failures of jobs, by their names."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        listed = view.first(_of_job(project, job), 2 * (_JOB_MAX + _JOB_MORE), descending=True)
        found[job] = [member for _, member in listed]
    records = defaultdict[str, list[FailureRecord]](list)
    for one in _read(view, [member for members in found.values() for member in members]):
        records[one.job].append(one)
    return {job: Window(tuple(records[job]), _since(records[job])) for job in found}


def _since(records: Sequence[FailureRecord]) -> float:
    """Return since when records of a job are complete; they are sorted, newest first."""
    if len(records) < _JOB_MAX:
        return 0.0
    ((most, _),) = Counter(one.shapes[:1] for one in records).most_common(1)
    return next(one.at for one in reversed(records) if one.shapes[:1] == most)


def _read(view: Reader, members: Sequence[str]) -> list[FailureRecord]:
    docs = [Doc(part, FAILURES, job) for part, job in map(apart, members)]
    found = [load(FailureRecord, data) for data in view.get(docs) if data is not None] if docs else []
    return [replace(one, job=identity.base(one.job)) if identity.is_per_batch(one.job) else one for one in found]
