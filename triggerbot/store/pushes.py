"""Finding and listing pushes, one line each, without reading their jobs and runs; and reading one push as a whole."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace

from triggerbot.core import identity
from triggerbot.core.branch.cells import Shown
from triggerbot.core.model import Branch, HeadKind, Push, PushFacts, State
from triggerbot.store import grid, heads, order, sampled
from triggerbot.store.documents import StoredEntry, StoredPush, load
from triggerbot.store.engine import Doc, Reader
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import (
    GRID,
    JUDGED,
    PROJECTS,
    RECENT,
    REVISIONS,
    join,
    part_of,
    part_of_revision,
    push_of,
)
from triggerbot.store.records import JobRecord, PushRecord, Search, Summary, TimelineEntry, Work, job_records
from triggerbot.store.reports import headers
from triggerbot.store.room import Reads, Room

_TITLE_MAX = 200
#: Pushes that are read at once while searching, and found by one revision.
_PAGE, _FOUND_MAX = 500, 50
#: Branches, those with most pushes, of which it is looked up whether they are the default.
_BRANCHES_MAX = 5
#: Criteria that match everything.
_ALL = Search()


def _ledger(view: Reader, push: Push) -> Ledger:
    return Book(view).ledger(push)


def work(view: Reader, push: Push) -> Work:
    """Read a push with its open claims."""
    ledger = _ledger(view, push)
    head = ledger.stored
    if head is None:
        return Work(push, PushFacts(push), None, (), {}, 0, 0, 0)
    claims = ledger.values(ledger.load_claims(sorted(head.open)))
    jobs = {one.job: job for one in claims if (job := ledger.job(one.job)) is not None}
    runs = {name: job.oldest_first(name) for name, job in jobs.items()}
    return Work(
        push, head.facts, head.asks, claims, runs, head.jobs, head.spent, head.spent_dry, head.facts_tries,
        frozenset(head.operations), frozenset(head.batches), head.told, heads.of_push(view, push),
        {name: tuple(job.all_runs(name)) for name, job in jobs.items()},
        ledger.requests() if claims else (),
    )  # fmt: skip


def known(view: Reader, push: Push) -> Mapping[tuple[str, str, int], State]:
    """Read the known state of each run (job, run id, attempt) of a push."""
    jobs = _ledger(view, push).jobs()
    return {(key, run["run_id"], run["attempt"]): State(run["state"]) for key, job in jobs.items() for run in job.runs}


def record(view: Reader, push: Push) -> PushRecord | None:
    """Read everything known about a push."""
    ledger = _ledger(view, push)
    head = ledger.stored
    if head is None:
        return None
    jobs = ledger.jobs()
    ledger.all_claims()
    listed, measured = [], {}
    for key, job in sorted(jobs.items()):
        claims = ledger.values(ledger.load_claims(sorted(job.claims.values())))
        runs, claims, calibration = sampled.apart(key, job, claims)
        listed.append((key, runs, claims))
        if calibration is not None:
            measured[key] = calibration
    named = job_records([one for one in listed if one[1]], head.told)
    unrun = tuple(JobRecord(key, (), claims) for key, runs, claims in listed if not runs and claims)
    if measured:
        named = tuple(replace(one, calibration=measured.get(one.key)) for one in named)
    return PushRecord(
        push, head.facts, head.asks, named, head.spent, head.spent_dry, head.last, head.told,
        heads.of_push(view, push), unrun,
    )  # fmt: skip


def timeline(view: Reader, push: Push, job: str | None = None) -> list[TimelineEntry]:
    """Read the timeline of a push, or of one of its jobs, in order."""
    ledger = _ledger(view, push)
    if ledger.stored is None:
        return []
    key = None if job is None else ledger.key(job)
    names = identity.names(ledger.jobs(), ledger.stored.told)
    found = (load(StoredEntry, data) for data in view.log(part_of(push)))
    return [_entry(one, names.get(one.job, one.job)) for one in found if key is None or one.job in (key, "")]


def _entry(one: StoredEntry, job: str) -> TimelineEntry:
    run = (one.run_id, one.attempt) if one.run_id else (None, None)
    return TimelineEntry(one.at, one.what, job or None, one.text, one.reason, one.count, one.dry, *run)


def find(view: Reader, project: str, revision: str) -> list[Push]:
    """Find pushes by project and revision prefix, newest first."""
    prefix = join(project.lower(), revision.lower())
    parts = [part_of_revision(member) for member in view.starting(REVISIONS, prefix, 4 * _FOUND_MAX)]
    last = view.ranks(RECENT, parts)
    found = sorted(zip(last, parts, strict=True), key=lambda one: one[0] or 0.0, reverse=True)
    return [push_of(part) for _, part in found[:_FOUND_MAX]]


def recent(view: Reader, limit: int, project: str | None = None) -> list[Push]:
    """List the pushes with the latest events."""
    index = join(RECENT, project.lower()) if project else RECENT
    return [push_of(part) for _, part in view.first(index, limit, descending=True)]


def last_heard(view: Reader) -> float | None:
    """Return the time of the latest event of any push."""
    found = view.first(RECENT, 1, descending=True)
    return found[0][0] if found else None


def search(view: Reader, wanted: Search, limit: int) -> list[Summary]:
    """List the pushes with the latest events that match, judged or not."""
    found: list[Summary] = []
    lowered = Search(*(part.lower() for part in astuple(wanted)))
    for head in _newest(view, wanted.project):
        if lowered == _ALL or _fits(head, lowered):
            found.append(summary(head))
        if len(found) >= limit:
            break
    return found


def _newest(view: Reader, project: str) -> Iterator[StoredPush]:
    index = join(RECENT, project.lower()) if project else RECENT
    number = _PAGE
    done = 0
    while True:
        parts = [part for _, part in view.first(index, number, descending=True)]
        for start in range(done, len(parts), _PAGE):
            yield from headers(view, parts[start : start + _PAGE])
        if len(parts) < number:
            return
        done, number = len(parts), 4 * number


def _fits(head: StoredPush, wanted: Search) -> bool:
    """Return whether a push matches criteria in lower case."""
    own = [part.lower() for part in head.push]
    who, message = (head.author or "").lower(), (head.message or "").lower()
    return (
        wanted.health in ("", head.health.lower())
        and wanted.project in ("", own[1])
        and wanted.branch in ("", own[2])
        and wanted.author in who
        and (any(wanted.text in one for one in (message, who, own[1], own[2])) or own[3].startswith(wanted.text))
    )


def summary(head: StoredPush) -> Summary:
    """Return a push in one line, with its last verdict."""
    title = (head.message or "")[:_TITLE_MAX].partition("\n")[0]
    return Summary(
        head.push,
        head.health,
        head.sentence,
        head.author,
        title,
        head.time,
        head.last,
        head.judged,
        head.counts,
        pushed_at=head.place or None,
        to_look_at=head.to_look_at,
    )


def of_pull(view: Reader, project: str, number: str) -> list[Branch]:
    """List the branches of a pull request, by its number, among those that were pushed to last."""
    newest = view.first(join(RECENT, project.lower()), _PAGE, descending=True)
    pushes = {push.along: push for _, part in newest for push in [push_of(part)]}
    opened = (HeadKind.OPENED, HeadKind.CLOSED)
    told = zip(pushes, heads.of_branches(view, list(pushes)), strict=True)
    return [
        branch for branch, marks in told if any(one.kind in opened and one.detail == number for one in marks)
    ]  # fmt: skip


def judged_since(view: Reader, since: float, limit: int = 100) -> list[tuple[float, Push]]:
    """List the pushes judged after a time, and when, oldest first."""
    found = view.first(JUDGED, limit + 1, least=since)
    return [(at, push_of(part)) for at, part in found if at > since][:limit]


def projects(view: Reader) -> list[str]:
    """List the projects of all pushes, sorted."""
    return view.starting(PROJECTS, "", 100_000)


def branches(view: Reader, project: str) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Count the newest pushes of a project by branch; also returns the branches that a CI told to be the default."""
    recent = view.first(join(RECENT, project.lower()), _PAGE, descending=True)
    pushes = [push_of(part) for _, part in recent]
    count = Counter(push.branch for push in pushes)
    often = {branch for branch, _ in count.most_common(_BRANCHES_MAX)}
    newest = {push.branch: push for push in pushes if push.branch in often}
    told = [
        branch for branch, push in newest.items()
        if any(one.kind is HeadKind.DEFAULT for one in heads.of_push(view, push))
    ]  # fmt: skip
    return count, tuple(told)


def of_branch(view: Reader, system: str, project: str, branch: str, limit: int) -> list[Summary]:
    """List the newest pushes of a branch, in push order, without those of forks and those of which no time is known."""
    return [summary(stored) for stored in order.newest(view, Push(system, project, branch, ""), limit)]


def shown(view: Reader, pushes: Sequence[Push]) -> list[Sequence[Shown] | None]:
    """Read what pushes show along their branch, as they were judged last; `None` for one that was not judged yet."""
    found = view.get([Doc(part_of(push), GRID) for push in pushes])
    return [None if data is None else grid.load(data) for data in found]


class Pushes(Room):
    """Pushes: found, listed, and read as a whole."""

    work = Reads(work)
    known = Reads(known)
    record = Reads(record)
    timeline = Reads(timeline)
    find = Reads(find)
    recent = Reads(recent)
    last_heard = Reads(last_heard)
    search = Reads(search)
    of_pull = Reads(of_pull)
    judged_since = Reads(judged_since)
    projects = Reads(projects)
    previous = Reads(order.previous)
    earlier = Reads(order.earlier)
    of_branch = Reads(of_branch)
    shown = Reads(shown)
    branches = Reads(branches)
