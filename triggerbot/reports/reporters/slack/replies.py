"""The replies in the thread of a push that list failing tests: one for each job of which they are known."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from triggerbot.core.branch.novelty import Change
from triggerbot.core.model import Push
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import PushReport
from triggerbot.reports.novelty import JobReport, NoveltyReport
from triggerbot.reports.reporters.slack import tests_blocks
from triggerbot.reports.reporters.slack.markup import Message
from triggerbot.reports.reporters.slack.messages import Messages, Wanted, digest, says

#: Replies of a push, for a job each; one more names the other jobs.
_MOST = 20
#: The parts of a push's messages: replies to jobs, by a digest of the name, and the one about the others.
_JOB, _REST = "tests:", "further jobs"


def wanted(report: PushReport, novelty: NoveltyReport | None, messages: Messages, thread: str) -> list[Wanted]:
    """Return the replies as they should be: those that are there, and as many more as a push may have.

    A job keeps its reply whatever becomes of others; jobs with new failures come first.
    """
    judged = {job.job: job for job in report.judged.jobs}
    failing = [] if novelty is None else [job for job in novelty.jobs if _fails(job, judged.get(job.job))]
    failing.sort(key=lambda job: (-job.count(Change.NEW), job.job))
    there = set(messages.parts(_JOB))
    begun = [job for job in failing if _part(job.job) in there]
    others = [job for job in failing if _part(job.job) not in there]
    room = max(0, _MOST - len(there))
    shown = {
        _part(job.job): tests_blocks.of_job(report.push, job, _page_of(report.link, job.job))
        for job in (*begun, *others[:room])
    }
    for job in judged.values():
        if (part := _part(job.job)) in there and part not in shown:
            shown[part] = tests_blocks.ended(report.push, job)
    if others[room:] or messages.parts(_REST):
        shown[_REST] = tests_blocks.rest(report.push, others[room:], report.link)
    return [_reply(report.push, part, content, thread) for part, content in shown.items()]


def _fails(job: JobReport, judged: JobVerdict | None) -> bool:
    return judged is not None and judged.verdict is Verdict.FAILED and not judged.hidden and bool(job.failing)


def _page_of(link: str, job: str) -> str:
    """Return the URL of a job's own page, which lists all its tests."""
    return f"{link}&{urlencode({'job': job}, errors='replace')}" if link else ""


def _part(job: str) -> str:
    return _JOB + digest(job)


def _reply(push: Push, part: str, content: Message, thread: str) -> Wanted:
    return Wanted(part, content, says(content), begins=True, metadata=metadata(push, part=part), thread=thread)


def metadata(push: Push, **more: str) -> Mapping[str, Any]:
    """Build the metadata by which a message is found. Every app in the workspace can read it, so the push is hashed."""
    return {"event_type": "triggerbot_push", "event_payload": {"push": digest(*push), **more}}
