"""Answers of Treeherder's REST API, checked for their form."""

from typing import Any

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.systems.http import Reply, usable


def object_of(reply: Reply, what: str) -> dict[str, Any]:
    """Return the object in an answer; raises `NotKnown`, `CIUnavailable` or `CIDenied`."""
    if reply.status == 404:
        raise NotKnown(f"{what} is not known to Treeherder")
    answer = usable(reply, what).json()
    if not isinstance(answer, dict):
        raise CIUnavailable(f"{what}: the answer is no JSON object")
    return answer


def listed(reply: Reply, what: str) -> list[dict[str, Any]]:
    """Return the list of objects in an answer; raises as `object_of` does."""
    if reply.status == 404:
        raise NotKnown(f"Treeherder does not know {what}")
    answer = usable(reply, what).json()
    if not isinstance(answer, list):
        raise CIUnavailable(f"{what}: the answer is no list")
    return [one for one in answer if isinstance(one, dict)]
