"""Verdicts, reports, failure records, metadata and comment commands in Redis."""

from collections.abc import Mapping, Sequence
from typing import Any

from triggerbot.core.model import CommentCommand, Push, RunKey
from triggerbot.store import FAILURE_RECORDS_MAX, FailureRecord, PendingCommand, Ran, Search, Summary
from triggerbot.store.redis import codec, queries, search, statistics
from triggerbot.store.redis.codec import moment
from triggerbot.store.redis.connection import Connected


class Reporting(Connected):
    """The part of the store that judging and reporting use."""

    def take_report(self, now: float, seconds: float) -> Push | None:
        """Take the push that has been due longest to be judged and reported; see `Store.take_report`."""
        name = self._link.call("take_report", now=moment(now), until=moment(now + seconds))
        return codec.push_of(name) if name else None

    def end_report(self, push: Push, due: float | None) -> None:
        """Give a push back; it is due again then (`None`: never), or with its next change, if that comes earlier."""
        self._link.call("end_report", push=codec.push_name(push), due=moment(due))

    def report_soon(self, push: Push, now: float) -> None:
        """Make a push due to be judged and reported, as a change of it does."""
        self._link.call("report_soon", push=codec.push_name(push), now=moment(now))

    def judged(
        self, summary: Summary, records: Sequence[FailureRecord], changes: Sequence[tuple[str, str]], now: float
    ) -> None:
        """Record the verdict on a push: its summary, its failure records, and the changes for its timeline."""
        self._link.call(
            "judged",
            push=codec.push_name(summary.push),
            health=summary.health,
            sentence=summary.sentence,
            counts=codec.encode(summary.counts),
            sightings=[[codec.bare(one.job), moment(one.at), codec.failure_record(one)] for one in records],
            most=FAILURE_RECORDS_MAX,
            changes=[[codec.bare(job), text] for job, text in changes],
            now=moment(now),
        )

    def metadata(self, push: Push) -> Mapping[str, str]:
        """Read the metadata of a push, by name."""
        return self._read(queries.metadata, push)

    def set_metadata(self, push: Push, name: str, value: str) -> None:
        """Set one entry of a push's metadata."""
        self._link.call("keep", push=codec.push_name(push), name=name, value=value)

    def add_failure_lines(self, push: Push, job: str, run: RunKey, lines: Sequence[str]) -> None:
        """Add failure lines that were fetched from the CI to a run; an unknown run is ignored."""
        own = codec.bare(self._read(queries.job_key, push, job))
        self._link.call("add_failure_lines", push=codec.push_name(push), job=own, run=codec.key(run), lines=lines)

    def failure_records(self, project: str) -> list[FailureRecord]:
        """Read the newest failure records of a project, newest first."""
        return self._read(search.failure_records, project)

    def ran(self, project: str, jobs: Sequence[str], since: float = 0.0) -> Ran:
        """Count, by job, the newest pushes of a project at which a run of the job passed or failed."""
        return self._read(search.ran, project, jobs, since)

    def search(self, wanted: Search, limit: int) -> list[Summary]:
        """List the pushes with the latest events that match, judged or not."""
        return self._read(search.search, wanted, limit)

    def judged_since(self, since: float, limit: int = 100) -> list[tuple[float, Push]]:
        """List the pushes judged after a time, and when, oldest first."""
        return self._read(search.judged_since, since, limit)

    def projects(self) -> list[str]:
        """List the projects of the newest pushes, sorted."""
        return self._read(search.projects)

    def previous(self, push: Push) -> Push | None:
        """Find the previous push of the same branch, by when their first events came."""
        return self._read(search.previous, push)

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since a time, and how retriggers ended; see `Store.statistics`."""
        return self._read(statistics.statistics, since)

    def take_command(self, now: float, seconds: float) -> PendingCommand | None:
        """Take the comment command that has been due longest, for a number of seconds, as with `take_report`."""
        found = self._link.call("take_command", now=moment(now), until=moment(now + seconds))
        return codec.pending_command_of(found) if found else None

    def end_command(self, command: CommentCommand, due: float | None) -> None:
        """Settle a comment command (`None`; it is not accepted again for `DELIVERY_KEPT`), or make it due again."""
        self._link.call("end_command", wish=codec.command_name(command), due=moment(due))
