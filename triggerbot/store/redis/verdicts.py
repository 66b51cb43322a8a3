"""What is told of pushes and what people wish for, in Redis."""

from collections.abc import Mapping, Sequence
from typing import Any

from triggerbot.core.model import CommentCommand, Push, RunKey
from triggerbot.store import SIGHTINGS_MAX, FailureRecord, PendingCommand, Ran, Search, Summary
from triggerbot.store.redis import codec, queries, search, statistics
from triggerbot.store.redis.codec import moment
from triggerbot.store.redis.connection import Connected


class Reporting(Connected):
    """The part of the store that reports are made from."""

    def take_report(self, now: float, seconds: float) -> Push | None:
        """Take the push that has been due longest to be judged and reported; whoever takes it has so many seconds."""
        name = self._link.call("take_report", now=moment(now), until=moment(now + seconds))
        return codec.push_of(name) if name else None

    def end_report(self, push: Push, due: float | None) -> None:
        """Give a push back: it is due again then (`None`: with the next news), or at once if there was news."""
        self._link.call("end_report", push=codec.push_name(push), due=moment(due))

    def report_soon(self, push: Push, now: float) -> None:
        """Make a push due to be judged and reported, as news of it does."""
        self._link.call("report_soon", push=codec.push_name(push), now=moment(now))

    def judged(
        self, summary: Summary, sightings: Sequence[FailureRecord], changes: Sequence[tuple[str, str]], now: float
    ) -> None:
        """Keep how a push was judged: its line in lists, its jobs with failures, and for its story what changed."""
        self._link.call(
            "judged",
            push=codec.push_name(summary.push),
            health=summary.health,
            sentence=summary.sentence,
            counts=codec.encode(summary.counts),
            sightings=[[codec.bare(one.job), moment(one.at), codec.sighting(one)] for one in sightings],
            most=SIGHTINGS_MAX,
            changes=[[codec.bare(job), text] for job, text in changes],
            now=moment(now),
        )

    def metadata(self, push: Push) -> Mapping[str, str]:
        """Read what was kept beside a push, by name."""
        return self._read(queries.kept, push)

    def set_metadata(self, push: Push, name: str, value: str) -> None:
        """Keep something beside a push."""
        self._link.call("keep", push=codec.push_name(push), name=name, value=value)

    def add_failure_lines(self, push: Push, job: str, run: RunKey, lines: Sequence[str]) -> None:
        """Add to a run what the CI said of its failure when it was asked; an unknown run is passed over."""
        self._link.call(
            "add_failure_lines", push=codec.push_name(push), job=codec.bare(job), run=codec.key(run), lines=lines
        )

    def failure_records(self, project: str) -> list[FailureRecord]:
        """Read the newest sightings of a project, newest first."""
        return self._read(search.failure_records, project)

    def ran(self, project: str, jobs: Sequence[str], since: float = 0.0) -> Ran:
        """Count the pushes of a project, those heard of last, at which a run of these jobs passed or failed."""
        return self._read(search.ran, project, jobs, since)

    def search(self, wanted: Search, limit: int) -> list[Summary]:
        """List the pushes heard of last, with how they were judged, whether they were yet or not."""
        return self._read(search.search, wanted, limit)

    def judged_since(self, since: float, limit: int = 100) -> list[tuple[float, Push]]:
        """List pushes that were judged after a time, and when, oldest first."""
        return self._read(search.judged_since, since, limit)

    def projects(self) -> list[str]:
        """List the projects of the newest pushes that are remembered, in order."""
        return self._read(search.projects)

    def previous(self, push: Push) -> Push | None:
        """Find the push of the same branch that was heard of before this one was."""
        return self._read(search.previous, push)

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since then, and how retriggers ended."""
        return self._read(statistics.statistics, since)

    def take_command(self, now: float, seconds: float) -> PendingCommand | None:
        """Take the wish that has been due longest; as with `take_report`, for so many seconds."""
        found = self._link.call("take_command", now=moment(now), until=moment(now + seconds))
        return codec.asked_of(found) if found else None

    def end_command(self, wish: CommentCommand, due: float | None) -> None:
        """It is settled (`None`; for `DELIVERY_KEPT` it is not heard again), or due again then."""
        self._link.call("end_command", wish=codec.wish_name(wish), due=moment(due))
