"""Copies of tasks, for pushes that have no action for that; made so that to make one again makes none twice."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.event_json import parse_time
from triggerbot.systems.taskcluster.definitions import MARK

#: The least time that a copy gets.
_LEAST = timedelta(hours=2)


def own_id(operation: str, number: int) -> str:
    """Make a slugid (a version 4 UUID in base64url) that follows from an operation, and begins with no dash."""
    raw = bytearray(hashlib.sha256(f"triggerbot/{operation}/{number}".encode()).digest()[:16])
    raw[0] &= 0x7F
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()


def copy(task: Mapping[str, Any], operation: str, created: float) -> dict[str, Any]:
    """Copy a definition: the same work with as much time as it had, from `created` on (seconds since the epoch).

    The queue takes the same id again only with the same definition, so nothing here depends on when it is called.
    """
    made = dict(task)
    now = datetime.fromtimestamp(int(created), UTC)
    before = _moment(task.get("created"))
    for key in ("deadline", "expires"):
        end = _moment(task.get(key))
        if end is not None and before is not None:
            made[key] = _text(now + max(end - before, _LEAST))
    made["created"] = _text(now)
    extra = task.get("extra")
    made["extra"] = {**(extra if isinstance(extra, dict) else {}), MARK: {"operation": operation}}
    return made


def _moment(value: Any) -> datetime | None:
    try:
        seconds = parse_time(value) if isinstance(value, str) else None
    except NotUnderstood:
        return None
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
