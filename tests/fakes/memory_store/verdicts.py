"""Reports and wishes in the tables in memory, verb by verb."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace

from tests.fakes.memory_store.claims import Claiming
from tests.fakes.memory_store.tables import PushRow, Tables
from triggerbot.core import identity
from triggerbot.core.model import PROVING, CommentCommand, Push, Run, RunKey, State
from triggerbot.store import FAILURE_RECORDS_MAX, FailureRecord, PendingCommand, Ran, Search, Summary, TimelineEntry


class Reporting(Claiming):
    """The part of the store that reports are made from."""

    def take_report(self, now: float, seconds: float) -> Push | None:
        """Take the push that has been due longest to be judged and reported."""
        with self._open() as tables:
            due = [(at, row) for row in tables.pushes.values() if (at := _report_due(row, now)) is not None]
            if not due:
                return None
            _, row = min(due, key=lambda one: one[0])
            row.report_due, row.report_lease = None, now + seconds
            return row.push

    def end_report(self, push: Push, due: float | None) -> None:
        """Give a push back."""
        with self._open() as tables:
            row = tables.pushes.get(push)
            if row is not None:
                row.report_lease = None
                row.report_due = min((at for at in (row.report_due, due) if at is not None), default=None)

    def report_soon(self, push: Push, now: float) -> None:
        """Make a push due to be judged and reported, as news of it does."""
        with self._open() as tables:
            if push in tables.pushes:
                tables.pushes[push].mark(now)

    def judged(
        self, summary: Summary, sightings: Sequence[FailureRecord], changes: Sequence[tuple[str, str]], now: float
    ) -> None:
        """Keep how a push was judged, its jobs with failures, and for its story what changed."""
        with self._open() as tables:
            row = tables.pushes.get(summary.push)
            if row is None:
                return
            row.judged = replace(summary, judged=now)
            row.sightings.update({one.job: one for one in sightings if one.job in row.jobs})
            row.story += [TimelineEntry(now, "verdict", job, text) for job, text in changes if job in row.jobs]
            rows = [one for one in tables.pushes.values() if one.push.project == summary.push.project]
            kept = [
                (one.at, number, row, job) for row in rows for number, (job, one) in enumerate(row.sightings.items())
            ]
            for _, _, owner, job in sorted(kept, key=lambda one: one[0])[::-1][FAILURE_RECORDS_MAX:]:
                del owner.sightings[job]

    def metadata(self, push: Push) -> Mapping[str, str]:
        """Read what was kept beside a push, by name."""
        with self._open() as tables:
            row = tables.pushes.get(push)
            return {} if row is None else dict(row.kept)

    def set_metadata(self, push: Push, name: str, value: str) -> None:
        """Keep something beside a push."""
        with self._open() as tables:
            if push in tables.pushes:
                tables.pushes[push].kept[name] = value

    def add_failure_lines(self, push: Push, job: str, run: RunKey, lines: Sequence[str]) -> None:
        """Add to a run what the CI said of its failure when it was asked."""
        with self._open() as tables:
            row = tables.pushes.get(push)
            found = row.jobs.get(row.key(job)) if row is not None else None
            if found is not None and run in found.runs:
                known = found.runs[run]
                found.runs[run] = replace(known, failures=tuple(dict.fromkeys((*known.failures, *lines))))

    def failure_records(self, project: str) -> list[FailureRecord]:
        """Read the newest sightings of a project, newest first."""
        with self._open() as tables:
            return _sightings(tables, project)

    def ran(self, project: str, jobs: Sequence[str], since: float = 0.0) -> Ran:
        """Count the pushes of a project at which a run of these jobs passed or failed."""
        with self._open() as tables:
            rows = [row for row in tables.pushes.values() if row.push.project == project and row.last_heard >= since]
            counted = {
                job: sum(
                    any(
                        _proves(run)
                        for own in row.jobs.values()
                        if identity.base(own.name) == job
                        for run in own.runs.values()
                    )
                    for row in rows
                )
                for job in jobs
            }
            return Ran(counted, since)

    def search(self, wanted: Search, limit: int) -> list[Summary]:
        """List the pushes heard of last that are wanted."""
        with self._open() as tables:
            rows = [row for row in tables.pushes.values() if _fits(row, wanted)]
            newest = sorted(rows, key=lambda row: row.last_heard)[::-1]
            return [_summary(row) for row in newest[:limit]]

    def judged_since(self, since: float, limit: int = 100) -> list[tuple[float, Push]]:
        """List pushes that were judged after a time, and when, oldest first."""
        with self._open() as tables:
            found = [(row.judged.judged, row.push) for row in tables.pushes.values() if row.judged is not None]
            return sorted(one for one in found if one[0] > since)[:limit]

    def projects(self) -> list[str]:
        """List the projects of the pushes that are remembered, in order."""
        with self._open() as tables:
            return sorted({push.project for push in tables.pushes})

    def previous(self, push: Push) -> Push | None:
        """Find the push of the same branch that was heard of before this one was."""
        with self._open() as tables:
            row = tables.pushes.get(push)
            if row is None:
                return None
            same = [one for one in tables.pushes.values() if one.push[:3] == push[:3]]
            before = [one for one in same if one.first_heard < row.first_heard]
            return max(before, key=lambda one: one.first_heard).push if before else None

    def take_command(self, now: float, seconds: float) -> PendingCommand | None:
        """Take the wish that has been due longest."""
        with self._open() as tables:
            due = [(row.due, row) for row in tables.wishes.values() if row.due is not None and row.due <= now]
            if not due:
                return None
            _, row = min(due, key=lambda one: one[0])
            row.due = now + seconds
            return row.asked

    def end_command(self, wish: CommentCommand, due: float | None) -> None:
        """It is settled (`None`), or due again then."""
        with self._open() as tables:
            row = tables.wishes.get((wish.system, wish.id))
            if row is not None and row.due is not None:
                row.due = due
                row.asked = replace(row.asked, tries=row.asked.tries + 1)


def _report_due(row: PushRow, now: float) -> float | None:
    """Return since when a push that nobody reports is due; one that was not given back in time is due since then."""
    if row.report_lease is not None and row.report_lease > now:
        return None
    return min((at for at in (row.report_due, row.report_lease) if at is not None and at <= now), default=None)


def _sightings(tables: Tables, project: str) -> list[FailureRecord]:
    rows = [row for row in tables.pushes.values() if row.push.project == project]
    found = [replace(one, job=identity.base(one.job)) for row in rows for one in row.sightings.values()]
    return sorted(found, key=lambda one: one.at)[::-1]


def _proves(run: Run) -> bool:
    return run.state is State.FINISHED and run.result in PROVING


def _fits(row: PushRow, wanted: Search) -> bool:
    project, branch, author, text, health = (part.lower() for part in astuple(wanted))
    own = [part.lower() for part in row.push]
    who, message = (row.facts.author or "").lower(), (row.facts.message or "").lower()
    return (
        health in ("", row.judged.health.lower() if row.judged is not None else None)
        and project in ("", own[1])
        and branch in ("", own[2])
        and author in who
        and (any(text in one for one in (message, who, own[1], own[2])) or own[3].startswith(text))
    )


def _summary(row: PushRow) -> Summary:
    facts, known = row.facts, row.judged or Summary(row.push, "", "", None, "", None, 0.0, 0.0)
    title = (facts.message or "").partition("\n")[0][:200]
    return replace(known, author=facts.author, title=title, time=facts.time, last_heard=row.last_heard)
