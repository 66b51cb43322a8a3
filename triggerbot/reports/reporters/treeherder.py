"""Taking work off sheriffs: failures that further runs proved intermittent are classified as such, where configured."""

import json
from collections.abc import Callable

import structlog

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Push
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport
from triggerbot.systems.treeherder import Notes, stars

log = structlog.get_logger("triggerbot.classify")

#: Seconds until Treeherder may know a run that it did not.
_UNKNOWN = 300.0


class TreeherderReporter:
    """Classifies the failures of one system at Treeherder (a `Reporter`)."""

    def __init__(self, system: str, notes: Notes) -> None:
        self.name = f"treeherder:{system}"
        self._system = system
        self._notes = notes

    def wants(self, push: Push) -> bool:
        """Tell whether it is a push of the system."""
        return push.system == self._system

    def report(self, told: PushReport, kept: str, keep: Callable[[str], None]) -> None:
        """Classify what was not classified yet; what somebody else classified is left alone. Raises `CIError`.

        An intermittent that is suspected to have come with the push is left to people: it must not slip in.
        """
        done: list[list[object]] = json.loads(kept or "[]")
        suspected = {job.job for job in told.judged.jobs if job.suspected}
        unknown: list[str] = []
        starred = [(run, job.runs) for job in told.record.jobs for run in stars(job.runs)]
        for run, runs in starred:
            key: list[object] = [run.run_id, run.attempt]
            if key in done or run.job in suspected:
                continue
            try:
                classified = self._notes.classify(told.push, run, runs)
            except NotKnown as error:
                unknown.append(str(error))
                continue
            if classified:
                log.info("classified", **push_fields(told.push), job=run.job, run_id=run.run_id, attempt=run.attempt,
                         classification="intermittent")  # fmt: skip
            done.append(key)
            keep(json.dumps(done))
        if unknown:
            raise CIUnavailable(unknown[0], _UNKNOWN)

    def close(self) -> None:
        """Let go of connections."""
        self._notes.close()
