"""Treeherder's words for how jobs are and what they came to, in ours."""

import re

from triggerbot.core.model import Kind, Result, State

STATES = {
    "unscheduled": State.PENDING,
    "pending": State.PENDING,
    "running": State.RUNNING,
    "completed": State.FINISHED,
}

#: Of stored jobs (REST) and of job messages (pulse-job), which say less: `fail` is a test's or a build's.
RESULTS = {
    "success": Result.SUCCESS,
    "testfailed": Result.FAILURE,
    "busted": Result.BUSTED,
    "fail": Result.FAILURE,
    "exception": Result.INFRA,
    "retry": Result.RETRY,
    "usercancel": Result.CANCELLED,
    "canceled": Result.CANCELLED,
    "superseded": Result.SKIPPED,
    "unknown": Result.UNKNOWN,
}

_BUILD = re.compile(r"build[-/]|.*[-/]build$")
_TEST = re.compile(
    r"(desktop-|)test[-/]|.*-(mochitest|reftest|xpcshell|talos|raptor|awsy|gtest|wpt|web-platform-tests)\b"
)


def kind_of(job: str) -> Kind:
    """Guess from a job's name what sort of job it is, for Treeherder's jobs do not say."""
    if _BUILD.match(job):
        return Kind.BUILD
    return Kind.TEST if _TEST.match(job) else Kind.OTHER
