"""What the answers to reads and writes for people mean, and which permission is missing. Pure but for rate limits.

A report is no rerun: to edit it twice does no harm, and what was made is looked for before it is made again. So an
answer in doubt is simply no answer.
"""

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.systems import Unknown
from triggerbot.systems.github import answers
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.limits import is_limited
from triggerbot.systems.http import NotSent, Reply, usable

#: Permissions that are needed, in words; where two are named, either will do.
READ_CHECKS = "the permission `checks: read`"
READ_CONTENTS = "the permission `contents: read`"
READ_PULLS = "the permission `pull_requests: read`"
READ_METADATA = "the permission `metadata: read` (for a classic token the scope `repo`)"
WRITE_CHECKS = "the permission `checks: write`, which only an App can have"
WRITE_STATUSES = "the permission `statuses: write` (for a classic token the scope `repo:status`)"
WRITE_COMMENTS = "the permission `pull_requests: write` or `issues: write` (for a classic token the scope `repo`)"

#: Seconds; after a token that was withdrawn early, a new one is fetched.
_RENEWED_AFTER = 5.0
_GONE = "no commit found"
#: "Unable to create comment because issue is locked."
_LOCKED = "is locked"


class Unsent(CIUnavailable):
    """What was to be written is surely not there: it can be tried again without looking for it."""


class Locked(CIDenied):
    """The conversation is closed to whoever is no collaborator: there is nothing to be mended."""


def readable(reply: Reply, what: str, needed: str) -> Reply:
    """Let a 2xx answer to a read through; raises `NotKnown` at a 404, and else as `usable` does, naming what it needs.

    GitHub says 404 of what a token may not see, too.
    """
    if reply.status in (404, 422):
        raise NotKnown(f"{what}: not found, or {needed} is missing: HTTP {reply.status} {answers.message(reply)}")
    if reply.status in (401, 403):
        raise CIDenied(f"{what}: {needed} is missing: HTTP {reply.status} {answers.message(reply)}")
    return usable(reply, what)


def written(client: Client, method: str, project: str, path: str, body: object, *, needed: str) -> Reply:
    """Make one write and let a 2xx answer through.

    Raises:
        Unsent: not now; GitHub did not act.
        CIUnavailable: nobody knows whether GitHub acted.
        Locked: nobody may write there any more.
        CIDenied: `needed` is missing.
        NotKnown: the commit is not there (any more).
    """
    what = f"{method} {path}"
    try:
        reply = client.write(method, project, path, body)
    except CIUnavailable as error:
        raise Unsent(str(error), error.after, well=error.well) from None
    if isinstance(reply, NotSent):
        raise Unsent(reply.why)
    if isinstance(reply, Unknown):
        raise CIUnavailable(reply.why)
    if 200 <= reply.status < 300:
        return reply
    why = answers.message(reply)
    if is_limited(reply):
        raise Unsent(f"GitHub limits us: {why}", client.wait(project) or None, well=True)
    if reply.status == 401 and client.renew(project):
        raise Unsent(f"GitHub does not accept the token: {why}", _RENEWED_AFTER)
    if reply.status >= 500 or reply.status == 408:
        raise CIUnavailable(f"{what}: HTTP {reply.status} {why}", reply.retry_after)
    if reply.status == 422 and _GONE in why.lower():
        raise NotKnown(f"{what}: {why}")
    if reply.status == 403 and _LOCKED in why.lower():
        raise Locked(f"{what}: {why}")
    if 300 <= reply.status < 400:
        raise CIDenied(f"{project} was renamed or moved (HTTP {reply.status}): use its new name in the config")
    raise CIDenied(f"{what}: {needed} is missing, or GitHub has another reason: HTTP {reply.status} {why}")
