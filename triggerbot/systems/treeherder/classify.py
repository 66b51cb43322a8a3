"""Classifications at Treeherder, as a sheriff makes them: one failure and two further runs that passed: intermittent.

Treeherder accepts classifications only from a logged-in user (its API knows session cookies, but no tokens for
programs), so this needs the cookies `sessionid` and `csrftoken` of an account that may classify.
"""

from collections.abc import Sequence
from typing import Any

import httpx

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Push, Run
from triggerbot.systems import Unknown
from triggerbot.systems.http import Http, NotSent, segments, unacknowledged, usable
from triggerbot.systems.treeherder.jobs import TreeherderJobs

#: Runs that have to pass beside the one that failed.
_GREENS = 2
#: Treeherder's classification "intermittent" (model/fixtures/failure_classification.json there).
_INTERMITTENT = 4
_TEXT = "Classified by triggerbot: {passed} further runs of this job passed at the same push."


def intermittent_failures(runs: Sequence[Run]) -> list[Run]:
    """Choose, of all runs of one job at one push, the failure that the others prove intermittent; purely."""
    failed = [run for run in runs if run.failed]
    return failed if len(failed) == 1 and sum(run.passed for run in runs) >= _GREENS else []


class Classifier:
    """Writes classifications, each once: it looks before it writes, and never retries a write."""

    def __init__(
        self,
        jobs: TreeherderJobs,
        session: str,
        csrf: str,
        *,
        user_agent: str = "triggerbot",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._jobs = jobs
        headers = {
            "user-agent": user_agent, "accept": "application/json", "cookie": f"sessionid={session}; csrftoken={csrf}",
            "x-csrftoken": csrf, "referer": jobs.url,
        }  # fmt: skip
        self._http = Http(f"{jobs.url}/api", headers, transport=transport)

    def classify(self, push: Push, run: Run, runs: Sequence[Run]) -> bool:
        """Classify a failure as intermittent and return whether it did: not if somebody has classified it already.

        `runs`: all runs of its job at the push; the note says how many of them passed.

        Raises:
            NotKnown: Treeherder does not know the run (yet).
            CIDenied: the session is not valid (any more), or its account may not classify.
            CIUnavailable: no usable answer for now, or it is unknown whether the note was stored: the next call looks.
        """
        project = push.project
        number = self._jobs.job_of(project, run.run_id, run.attempt - 1)
        if number is None:
            raise NotKnown(f"Treeherder does not know run {run.run_id} (yet)")
        if self._notes(project, number):
            return False
        passed = sum(one.passed for one in runs)
        note = {
            "job_id": number, "failure_classification_id": _INTERMITTENT, "text": _TEXT.format(passed=passed),
        }  # fmt: skip
        answer = self._http.post(f"{segments('project', project, 'note')}/", note)
        if isinstance(answer, NotSent | Unknown):
            raise CIUnavailable(answer.why)
        if answer.status in (401, 403):
            raise CIDenied(f"Treeherder: HTTP {answer.status}: the session has ended, or its account may not classify")
        if usable(answer, "the classification").is_foreign:
            raise CIUnavailable(f"the classification: {unacknowledged(answer).why}")
        return True

    def _notes(self, project: str, number: int) -> Sequence[Any]:
        path = f"{segments('project', project, 'note')}/"
        notes = usable(self._http.get(path, {"job_id": str(number)}), "the notes of a job").json()
        if not isinstance(notes, list):
            raise CIUnavailable("the notes of a job: the answer is no list")
        return notes

    def close(self) -> None:
        """Close the connections, also those for reading."""
        self._http.close()
        self._jobs.close()
