"""Events as a busy project has them: 400 jobs a push, each pending, running and finished, one failure in twenty."""

from collections.abc import Iterator
from typing import Any

JOBS = 400


def events(number: int) -> Iterator[dict[str, Any]]:
    """Make `number` canonical events."""
    made = 0
    push = 0
    while True:
        for state in ("pending", "running", "finished"):
            for job in range(JOBS):
                if made == number:
                    return
                yield event(push, job, state)
                made += 1
        push += 1


def event(push: int, job: int, state: str, result: str | None = None) -> dict[str, Any]:
    """Make one event."""
    return {
        "project": "try",
        "branch": "try",
        "revision": f"{push:016x}",
        "job": f"linux-opt-mochitest-browser-chrome-{job}",
        "run_id": f"{push}-{job}",
        "state": state,
        "result": (result or ("failure" if job % 20 == 0 else "success")) if state == "finished" else None,
        "author": "dev@example.org",
        "message": "Bug 1: a change\n\nwith a body",
        "time": 1_795_000_000 + push * 60 + job,
        "url": f"https://ci.example/runs/{push}-{job}",
        "pool": "t-linux-large",
    }
