"""Classifications at Treeherder, as a sheriff makes them: one failure and two further runs that passed: intermittent.

Treeherder accepts classifications only from a logged-in user (its API knows session cookies, but no tokens for
programs), so this needs the cookies `sessionid` and `csrftoken` of an account that may classify.
"""

from collections.abc import Sequence

import httpx

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Push, Run
from triggerbot.systems import Unknown
from triggerbot.systems.http import Http, NotSent, usable
from triggerbot.systems.treeherder.jobs import OURS, TreeherderJobs, is_classified, path
from triggerbot.systems.treeherder.session import Session

#: Runs that have to pass beside the one that failed.
_GREENS = 2
#: Treeherder's classification "intermittent" (model/fixtures/failure_classification.json there).
_INTERMITTENT = 4
_TEXT = OURS + ": {passed} further runs of this job passed at the same push."


def intermittent_failures(runs: Sequence[Run]) -> list[Run]:
    """Choose, of all runs of one job at one push, the failure that the others prove intermittent; purely."""
    failed = [run for run in runs if run.failed]
    return failed if len(failed) == 1 and sum(run.passed for run in runs) >= _GREENS else []


class Classifier:
    """Writes classifications, each once: it looks before it writes, and never retries a write."""

    def __init__(
        self,
        jobs: TreeherderJobs,
        session: Session,
        *,
        user_agent: str = "triggerbot",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._jobs = jobs
        self._session = session
        headers = {"user-agent": user_agent, "accept": "application/json", "referer": jobs.url}
        self._http = Http(f"{jobs.url}/api", headers, transport=transport)

    def classify(self, push: Push, run: Run, runs: Sequence[Run]) -> bool:
        """Classify a failure as intermittent and return whether it did: not if it is classified already, by whomever.

        `runs`: all runs of its job at the push; the note says how many of them passed.

        Raises:
            NotKnown: Treeherder does not know the run (yet).
            CIDenied: the session is not valid (any more), or its account may not classify.
            CIUnavailable: no usable answer for now, or it is unknown whether the note was stored: the next call looks.
        """
        job = self._jobs.job_of(push.project, run.key)
        if job is None:
            raise NotKnown(f"Treeherder does not know the run {run.run_id} (yet)")
        # Treeherder classifies, too, without a note: as a new failure, or as one that needs a bug.
        if is_classified(job) or self._jobs.notes(push.project, int(job["id"])):
            return False
        passed = sum(one.passed for one in runs)
        note = {"job_id": job["id"], "failure_classification_id": _INTERMITTENT, "text": _TEXT.format(passed=passed)}
        headers = self._session.headers()
        answer = self._http.post(f"{path(push.project)}/note/", note, headers)
        if isinstance(answer, NotSent | Unknown):
            raise CIUnavailable(answer.why)
        if answer.status in (401, 403):
            self._session.end(headers)
            raise CIDenied(f"Treeherder: HTTP {answer.status}: the session has ended, or its account may not classify")
        usable(answer, "the classification")
        return True

    def trouble(self) -> str:
        """Return what a person has to do about its login; empty: nothing now."""
        return self._session.trouble()

    def close(self) -> None:
        """Close the connections, also those for reading."""
        self._http.close()
        self._jobs.close()
