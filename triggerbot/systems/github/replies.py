"""What GitHub answers to reads and writes of reports: what is usable, and which error each other answer is."""

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.systems.answers import Unknown
from triggerbot.systems.github import rerun
from triggerbot.systems.github.client import RENEWED_AFTER, Client
from triggerbot.systems.github.limits import is_limited
from triggerbot.systems.http import NotSent, Reply, unacknowledged, usable

#: Permissions needed, in words; where two are named, either will do.
READ_CHECKS = "the permission `checks: read`"
READ_CONTENTS = "the permission `contents: read`"
READ_PULLS = "the permission `pull_requests: read`"
READ_METADATA = "the permission `metadata: read` (for a classic token the scope `repo`)"
WRITE_CHECKS = "the permission `checks: write`, which only an App can have"
WRITE_STATUSES = "the permission `statuses: write` (for a classic token the scope `repo:status`)"
WRITE_ISSUES = "the permission `issues: write` (for a classic token the scope `repo`)"
WRITE_COMMENTS = "the permission `pull_requests: write` or `issues: write` (for a classic token the scope `repo`)"
#: Of a 422: the commit is not there (any more).
_GONE = "no commit found"
#: "Unable to create comment because issue is locked."
_LOCKED = "is locked"


class Unsent(CIUnavailable):
    """The write certainly had no effect: it can be retried without a look."""


class Locked(CIDenied):
    """The conversation is locked to all but collaborators: nothing can be fixed about that."""


def readable(reply: Reply, what: str, needed: str) -> Reply:
    """Return a 2xx answer to a read; raises `NotKnown` at a 404 or 422, otherwise as `usable` does, naming `needed`.

    GitHub also answers 404 for what a token may not see.
    """
    if reply.status in (404, 422):
        raise NotKnown(f"{what}: not found, or {needed} is missing: HTTP {reply.status} {rerun.message(reply)}")
    if reply.status in (401, 403):
        raise CIDenied(f"{what}: {needed} is missing: HTTP {reply.status} {rerun.message(reply)}")
    return usable(reply, what)


def written(client: Client, method: str, project: str, path: str, body: object, *, needed: str) -> Reply:
    """Send one write and return a 2xx answer.

    Raises:
        Unsent: not now; GitHub did not act.
        CIUnavailable: it is unknown whether GitHub acted.
        Locked: the conversation is locked.
        CIDenied: `needed` is missing, or the repository has moved.
        NotKnown: the commit is not there (any more).
    """
    what = f"{method} {path}"
    try:
        reply = client.write(method, project, path, body)
    except CIUnavailable as error:
        raise Unsent(str(error), error.after, healthy=error.healthy) from None
    if isinstance(reply, NotSent):
        raise Unsent(reply.why)
    if isinstance(reply, Unknown):
        raise CIUnavailable(reply.why)
    if 200 <= reply.status < 300 and reply.is_foreign:
        raise CIUnavailable(f"{what}: {unacknowledged(reply).why}")
    if 200 <= reply.status < 300:
        return reply
    why = rerun.message(reply)
    if is_limited(reply):
        raise Unsent(f"GitHub limits us: {why}", client.wait(project) or None, healthy=True)
    if reply.status == 401 and client.renew(project):
        raise Unsent(f"GitHub does not accept the token: {why}", RENEWED_AFTER)
    if reply.status >= 500 or reply.status == 408:
        raise CIUnavailable(f"{what}: HTTP {reply.status} {why}", reply.retry_after)
    if reply.status == 422 and _GONE in why.lower():
        raise NotKnown(f"{what}: {why}")
    if reply.status == 403 and _LOCKED in why.lower():
        raise Locked(f"{what}: {why}")
    if 300 <= reply.status < 400:
        raise CIDenied(f"{project} was renamed or moved (HTTP {reply.status}): use its new name in the config")
    raise CIDenied(f"{what}: {needed} is missing, or GitHub has another reason: HTTP {reply.status} {why}")
