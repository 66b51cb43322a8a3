"""Classifies failures at Treeherder that further runs proved intermittent, as sheriffs do, where configured."""

import json
from collections.abc import Callable

import structlog

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Push
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport
from triggerbot.systems.classification import Classifier
from triggerbot.systems.treeherder.classify import intermittent_failures

log = structlog.get_logger("triggerbot.classify")

#: Seconds until Treeherder may know a run that it did not know yet.
_UNKNOWN = 300.0


class TreeherderReporter:
    """Classifies the failures of one system at Treeherder (a `Reporter`)."""

    def __init__(self, system: str, classifier: Classifier) -> None:
        self.name = f"treeherder:{system}"
        self._system = system
        self._classifier = classifier

    def wants(self, push: Push) -> bool:
        """Return whether it is a push of the system."""
        return push.system == self._system

    def report(self, report: PushReport, stored: str, save: Callable[[str], None]) -> None:
        """Classify what is not yet classified, by us or by others. Raises `CIError`.

        An intermittent failure that the push is suspected to have introduced is left to people: it must not slip in.
        """
        done: list[list[object]] = json.loads(stored or "[]")
        suspected = {job.job for job in report.judged.jobs if job.suspected}
        unknown: list[str] = []
        proved = [(run, job.runs) for job in report.record.jobs for run in intermittent_failures(job.runs)]
        for run, runs in proved:
            key: list[object] = [run.run_id, run.attempt]
            if key in done or run.job in suspected:
                continue
            try:
                classified = self._classifier.classify(report.push, run, runs)
            except NotKnown as error:
                unknown.append(str(error))
                continue
            if classified:
                log.info("classified", **push_fields(report.push), job=run.job, run_id=run.run_id, attempt=run.attempt,
                         classification="intermittent")  # fmt: skip
            done.append(key)
            save(json.dumps(done))
        if unknown:
            raise CIUnavailable(unknown[0], _UNKNOWN)

    def trouble(self) -> str:
        """Return what a person has to do about the login; empty: nothing now."""
        return self._classifier.trouble()

    def close(self) -> None:
        """Close the connections."""
        self._classifier.close()
