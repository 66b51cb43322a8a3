"""What GitHub's answer to a rerun means. Pure.

GitHub says nearly everything with 403, so only the text tells 'already running' from 'too old', from a missing
permission, from a rate limit. Texts seen (2024 to 2026): "The workflow run containing this job is already running",
"This workflow is already running", "This workflow run cannot be retried", "Unable to retry this workflow run because
it was created over a month ago", "Resource not accessible by integration" (or "by personal access token"), "Must have
admin rights to Repository.". How the limit of 50 reruns is worded is not documented: any text about a limit of reruns
counts.
"""

import re

import msgspec

from triggerbot.systems import Accepted, Answer, Later, Refused, Unknown
from triggerbot.systems.github.auth import NEEDED
from triggerbot.systems.github.client import DENIED_AFTER
from triggerbot.systems.github.limits import is_limited
from triggerbot.systems.http import Reply

#: Seconds; a workflow run that runs is asked again then, should the message about its end get lost.
_RUNNING_AFTER = 60.0
#: Seconds; after a token that was withdrawn early, a new one is fetched.
_RENEWED_AFTER = 5.0
_RUNNING = re.compile(r"already running", re.IGNORECASE)
_NEVER = re.compile(
    r"cannot be (retried|re-?run)|unable to (retry|re-?run)|over a month ago|archived"
    r"|(maximum|limit|exceed|too many|more than).*(re-?run|retr|attempt)"
    r"|(re-?run|retr|attempt).*(maximum|limit|exceed|too many|more than)",
    re.IGNORECASE | re.DOTALL,
)


class _Error(msgspec.Struct, frozen=True):
    """The body of GitHub's errors."""

    message: str = ""


def answer(reply: Reply, project: str, *, limited: float, renewed: bool) -> Answer:
    """Judge the answer to one rerun.

    `limited`: seconds that a rate limit makes us wait now. `renewed`: after a 401, whether the token was dropped
    and another may be better.
    """
    why = message(reply)
    if 200 <= reply.status < 300:
        return Accepted()
    if is_limited(reply):
        return Later(f"GitHub limits us: {why}", limited or None, well=True)
    if reply.status == 401:
        return Later(f"GitHub does not accept the token: {why}", _RENEWED_AFTER if renewed else DENIED_AFTER)
    if reply.status == 403:
        return _forbidden(why, project)
    if reply.status == 404:
        # GitHub also says 404 where a token may not see the repository, and an operator can mend that.
        return Later(f"{project}: the job is gone or the token may not see the repository: {why}", DENIED_AFTER)
    if 300 <= reply.status < 400:
        return Later(f"{project} was renamed or moved (HTTP {reply.status}): use its new name", DENIED_AFTER)
    if reply.status >= 500 or reply.status == 408:
        return Unknown(f"HTTP {reply.status} {why}")
    return Refused(f"HTTP {reply.status} {why}")


def _forbidden(why: str, project: str) -> Answer:
    if _RUNNING.search(why):
        return Later(why, _RUNNING_AFTER, well=True)
    if _NEVER.search(why):
        return Refused(why, well=True)
    return Later(f"the token may not rerun jobs in {project}: {NEEDED}. GitHub says: {why}", DENIED_AFTER)


def message(reply: Reply) -> str:
    """Quote the `message` of an error of GitHub's, or else the beginning of its body."""
    try:
        return msgspec.json.decode(reply.body, type=_Error).message[:300] or reply.excerpt
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return reply.excerpt
