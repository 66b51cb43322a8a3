"""What people did and asked for, in words and as JSON."""

from typing import Any

from triggerbot.core import event_json
from triggerbot.core.formatting import plural
from triggerbot.store.actions import Act, Action, Via

_VIA = {Via.COMMAND: "by command", Via.PAGE: "on the page", Via.COMMENT: "in a comment"}


def words(action: Action) -> str:
    """Describe an action after the name of whoever did it; foreign text in it is as it came."""
    push, what = action.push, action.what
    match action.act:
        case Act.PAUSE:
            done = f"paused all sending{f': {action.note}' if action.note else ''}"
        case Act.RESUME:
            done = "resumed sending"
        case Act.RETRIGGER:
            jobs = what or plural(action.jobs, "job")
            done = f"asked for {plural(action.count, 'further run')} of {jobs} at {push.project} {push.revision[:12]}"
        case Act.SILENCE:
            done = f"silenced {what} on {push.project} {push.branch}"
        case Act.HEAR:
            done = f"ended the silence of {what} on {push.project} {push.branch}"
        case Act.CLOSE_BREAKER:
            done = f"closed the breaker {what}"
    return f"{done} ({_VIA[action.via]})"


def as_json(action: Action) -> dict[str, Any]:
    """Return an action as the API and `triggerbot actions --json` have it; null is what does not apply."""
    push = action.push
    return {
        "at": event_json.format_time(action.at),
        "by": action.by,
        "action": str(action.act),
        "via": str(action.via),
        "system": push.system or None,
        "project": push.project or None,
        "branch": push.branch or None,
        "revision": push.revision or None,
        "what": action.what or None,
        "jobs": action.jobs or None,
        "count": action.count or None,
        "note": action.note or None,
        "text": words(action),
    }
