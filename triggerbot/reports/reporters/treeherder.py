"""Classifies failures at Treeherder, as sheriffs do, where configured.

Those that a pass proved intermittent are classified so; and retriggers that failed as their original did follow
the original's classification, whoever gave it and whenever, so that nobody has to classify one failure several times;
and so do the jobs that fail alike, for which one was retriggered.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Push, RunKey
from triggerbot.core.verdict.repeats import Judged, of_one_cause, repeats
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport
from triggerbot.systems.classification import Classifier, Copied
from triggerbot.systems.treeherder.classify import intermittent_failures

log = structlog.get_logger("triggerbot.classify")

#: Seconds until Treeherder may know a run that it did not know yet.
_UNKNOWN = 300.0
#: Seconds between two looks at how an original is classified: a share of the time since, within these bounds.
_SHARE, _SOONEST, _LATEST = 0.25, 600.0, 21_600.0
#: Seconds for which a retrigger follows its original.
_FOLLOWED = 7 * 86_400.0
#: Retriggers that failed as their original did, by that.
_Followers = Mapping[RunKey, list[RunKey]]


@dataclass(slots=True)
class _Done:
    """What was classified at a push: proved failures, and what retriggers have of their originals."""

    proved: list[list[object]] = field(default_factory=list)
    copied: dict[RunKey, Copied] = field(default_factory=dict)

    @staticmethod
    def of(stored: str) -> "_Done":
        value: Any = json.loads(stored or "{}")
        if isinstance(value, list):
            # As earlier versions stored it.
            return _Done(value)
        copied = {RunKey(*run): Copied(number, text, tuple(bugs), tuple(added))
                  for run, number, text, bugs, added in value.get("copied", [])}  # fmt: skip
        return _Done(value.get("proved", []), copied)

    def __str__(self) -> str:
        return json.dumps({"proved": self.proved, "copied": [[run, *one] for run, one in self.copied.items()]})


class TreeherderReporter:
    """Classifies the failures of one system at Treeherder (a `Reporter`)."""

    def __init__(self, system: str, classifier: Classifier, clock: Callable[[], float]) -> None:
        self.name = f"treeherder:{system}"
        self._system = system
        self._classifier = classifier
        self._clock = clock

    def wants(self, push: Push) -> bool:
        """Return whether it is a push of the system."""
        return push.system == self._system

    def report(self, report: PushReport, stored: str, save: Callable[[str], None]) -> float | None:
        """Classify what is not yet classified, by us or by others. Raises `CIError`.

        Returns when to look again whether an original is classified otherwise.
        """
        done = _Done.of(stored)
        followers = _followers(report)
        unknown = [*self._classify_proved(report, followers, done, save),
                   *self._follow_originals(report, followers, done, save)]  # fmt: skip
        if unknown:
            raise CIUnavailable(unknown[0], _UNKNOWN)
        made = (claim.created for job in report.record.jobs for claim in job.claims)
        sampled = (job.calibration.claim.created for job in report.record.jobs if job.calibration is not None)
        claimed = max((*made, *sampled), default=0.0)
        age = max(0.0, self._clock() - claimed)
        if not done.copied or age > _FOLLOWED:
            return None
        return self._clock() + min(max(age * _SHARE, _SOONEST), _LATEST)

    def _classify_proved(
        self, report: PushReport, followers: _Followers, done: _Done, save: Callable[[str], None]
    ) -> list[str]:
        """Classify what a pass proved intermittent; return why something could not be yet."""
        repeating = {run for runs in followers.values() for run in runs}
        unknown: list[str] = []
        proved = [(run, job.runs) for job in report.judged.jobs for run in intermittent_failures(job, repeating)]
        for run, runs in proved:
            key: list[object] = [run.run_id, run.attempt]
            if key in done.proved:
                continue
            try:
                classified = self._classifier.classify(report.push, run, runs)
            except NotKnown as error:
                unknown.append(str(error))
                continue
            if classified:
                log.info("classified", **push_fields(report.push), job=run.job, run_id=run.run_id, attempt=run.attempt,
                         classification="intermittent")  # fmt: skip
            done.proved.append(key)
            save(str(done))
        return unknown

    def _follow_originals(
        self, report: PushReport, followers: _Followers, done: _Done, save: Callable[[str], None]
    ) -> list[str]:
        """Let retriggers that failed alike follow their originals; return why something could not be yet."""
        unknown: list[str] = []
        for original, repeating in followers.items():
            given = {run: done.copied.get(run, Copied()) for run in repeating}
            try:
                copied = self._classifier.follow(report.push, original, given)
            except NotKnown as error:
                unknown.append(str(error))
                continue
            if copied != {run: done.copied.get(run) for run in repeating}:
                log.info("classified", **push_fields(report.push), run_id=original.run_id, attempt=original.attempt,
                         followed_by=[run.run_id for run in copied])  # fmt: skip
                done.copied |= copied
                save(str(done))
        return unknown

    def trouble(self) -> str:
        """Return what a person has to do about the login; empty: nothing now."""
        return self._classifier.trouble()

    def close(self) -> None:
        """Close the connections."""
        self._classifier.close()


def _followers(report: PushReport) -> _Followers:
    """Return the retriggers that failed alike, and the jobs that one was retriggered for, by their original."""
    found: dict[RunKey, list[RunKey]] = {}
    jobs = [Judged(job.key, job.runs, job.claims) for job in report.record.jobs]
    for original, run in of_one_cause(jobs, report.telling):
        found.setdefault(original.key, []).append(run.key)
    for job in report.record.jobs:
        runs, claims = (*job.runs, *job.measuring), job.claims
        if job.calibration is not None:
            # What only measures is one more failure to classify all the same.
            claims = (*claims, replace(job.calibration.claim, known_runs=len(job.runs)))
        for original, run in repeats(job.key, runs, claims, report.telling):
            found.setdefault(original.key, []).append(run.key)
    return found
