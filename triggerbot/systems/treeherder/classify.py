"""Classifications at Treeherder: what failed, and passed in another run of its push, is intermittent.

And a retrigger that fails as its original did is classified as that is, so that nobody has to do so again; so is a
failure of another job for which that was retriggered.
Treeherder accepts classifications only from a logged-in user (its API knows session cookies, but no tokens for
programs), so this needs the cookies `sessionid` and `csrftoken` of an account that may classify.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import httpx

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.formatting import plural
from triggerbot.core.model import Push, Run, RunKey
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.systems.answers import Unknown
from triggerbot.systems.classification import Copied
from triggerbot.systems.http import Http, NotSent, unacknowledged, usable
from triggerbot.systems.treeherder.jobs import OURS, TreeherderJobs, is_classified, path
from triggerbot.systems.treeherder.session import Session

#: Treeherder's classification "intermittent" (model/fixtures/failure_classification.json there).
_INTERMITTENT = 4
_COPY = f"{OURS} as the run that failed alike"
#: As earlier versions wrote it.
_COPIES = (_COPY, f"{OURS} as the run that this one repeats")
_TEXT = OURS + ": {passed} of this job passed at the same push."


def intermittent_failures(job: JobVerdict, repeating: Collection[RunKey] = ()) -> list[Run]:
    """Return the failed runs of a job that any pass proves intermittent; purely.

    `repeating`: retriggers that failed as their original did: they follow its classification. An intermittent failure
    that the push is suspected to have introduced is left to people: it must not slip in.
    """
    passed = any(run.passed for run in job.runs) and job.verdict in (Verdict.INTERMITTENT, Verdict.PASSED)
    # Where the runs of jobs of one name cannot be told apart, the pass may be another one's.
    proved = passed and not job.mixed and not job.suspected
    other = {*repeating, *job.derived}
    return [run for run in job.runs if run.failed and run.key not in other] if proved else []


def _is_copy(note: Mapping[str, Any]) -> bool:
    """Return whether a note is one that a retrigger took from its original."""
    return str(note.get("text", "")).startswith(_COPIES)


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
        text = _TEXT.format(passed=plural(passed, "further run"))
        note = {"job_id": job["id"], "failure_classification_id": _INTERMITTENT, "text": text}
        self._write("POST", f"{path(push.project)}/note/", note)
        return True

    def follow(self, push: Push, original: RunKey, repeats: Mapping[RunKey, Copied]) -> Mapping[RunKey, Copied]:
        """Classify retriggers as their original is, with its bugs, and return what each has now.

        What an earlier call gave is changed or taken back; what somebody else classified or annotated is left alone.
        Raises as `classify` does.
        """
        project = push.project
        number = self._jobs.id_of(project, original)
        notes, bugs = self._jobs.notes(project, number), self._jobs.bugs(project, number)
        last = notes[-1] if notes else {}
        wanted = Copied(last.get("failure_classification_id"), str(last.get("text", "")), tuple(bugs))
        copied = {}
        for run, given in repeats.items():
            copied[run] = given
            if given._replace(added=()) != wanted:
                repeat = self._jobs.id_of(project, run)
                own = self._jobs.notes(project, repeat)
                added: tuple[int, ...] = ()
                if all(_is_copy(note) for note in own):
                    self._copy_note(project, repeat, own, wanted)
                    added = self._copy_bugs(project, repeat, set(given.added), set(bugs))
                copied[run] = wanted._replace(added=added)
        return copied

    def _copy_note(self, project: str, job: int, own: Sequence[Mapping[str, Any]], wanted: Copied) -> None:
        text = f"{_COPY}: {wanted.text}" if wanted.text else _COPY
        if wanted.number is None:
            for number in (note.get("id") for note in own):
                if isinstance(number, int):
                    self._write("DELETE", f"{path(project)}/note/{number}/", None)
        elif not own or (own[-1].get("failure_classification_id"), own[-1].get("text")) != (wanted.number, text):
            note = {"job_id": job, "failure_classification_id": wanted.number, "text": text}
            self._write("POST", f"{path(project)}/note/", note)

    def _copy_bugs(self, project: str, job: int, added: set[int], wanted: set[int]) -> tuple[int, ...]:
        """Annotate a job with bugs; return those that it has from us."""
        known = set(self._jobs.bugs(project, job))
        for bug in sorted(wanted - known):
            body = {"job_id": job, "bug_id": bug, "type": "annotation", "bug_open": True}
            self._write("POST", f"{path(project)}/bug-job-map/", body)
        for bug in sorted(added - wanted):
            self._write("DELETE", f"{path(project)}/bug-job-map/{job}-{bug}/", None)
        return tuple(sorted(wanted & added | wanted - known))

    def _write(self, method: str, where: str, body: Any) -> None:
        """Write once, as the one who is logged in."""
        headers = self._session.headers()
        answer = self._http.write(method, where, body, headers)
        if isinstance(answer, NotSent | Unknown):
            raise CIUnavailable(answer.why)
        if answer.status in (401, 403):
            self._session.end(headers)
            raise CIDenied(f"Treeherder: HTTP {answer.status}: the session has ended, or its account may not classify")
        if method == "DELETE" and answer.status == 404:
            return
        if usable(answer, "the classification").is_foreign:
            raise CIUnavailable(f"the classification: {unacknowledged(answer).why}")

    def trouble(self) -> str:
        """Return what a person has to do about its login; empty: nothing now."""
        return self._session.trouble()

    def close(self) -> None:
        """Close the connections, also those for reading."""
        self._http.close()
        self._jobs.close()
