"""Answers of Taskcluster to what we write: accepted, refused, later or unknown."""

from triggerbot.systems.answers import Accepted, Answer, Later, Refused, Unknown
from triggerbot.systems.http import NotSent, Reply, unacknowledged

#: Seconds until the credentials may have been fixed.
DENIED = 600.0


def of_write(reply: Reply | NotSent | Unknown, needed: str) -> Answer:
    """Classify an answer to a write: accepted, refused, later or unknown; `needed`: the scopes it takes."""
    match reply:
        case NotSent(why):
            return Later(why)
        case Unknown():
            return reply
    why = f"HTTP {reply.status} {reply.excerpt}".strip()
    match reply.status:
        case status if 200 <= status < 300:
            return unacknowledged(reply) if reply.is_foreign else Accepted()
        case 401 | 403:
            return Later(f"{why}: the client needs {needed}", DENIED)
        case 429:
            return Later(why, reply.retry_after, healthy=True)
        case 503 if reply.retry_after is not None:
            return Later(why, reply.retry_after)
        case status if 300 <= status < 400:
            return Later(f"{why}: a redirect, which is not followed: check the url in the config", DENIED)
        case 408:
            return Unknown(why)
        case status if 400 <= status < 500:
            return Refused(why)
        case _:
            return Unknown(why)
