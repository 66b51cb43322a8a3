"""A push on a fake Treeherder, and clients that read it."""

import base64
import json
import uuid
from collections.abc import Sequence
from typing import Any

from tests.fakes.treeherder import FakeTreeherder
from triggerbot.core.model import Push
from triggerbot.systems.treeherder.classify import Classifier
from triggerbot.systems.treeherder.jobs import TreeherderJobs

REVISION = "9c6e4c31ad26efdad0b9af47a2b530bc414ce2c3"
PUSH = Push("th", "try", "try", REVISION)
TASK = uuid.UUID("1f2e3d4c-5b6a-4978-8899-aabbccddeeff")
SLUG = base64.urlsafe_b64encode(TASK.bytes).rstrip(b"=").decode()


#: Clients to be closed after a test.
OPENED: list[TreeherderJobs | Classifier] = []


def jobs_of(fake: FakeTreeherder, projects: Sequence[str] = ()) -> TreeherderJobs:
    """Make a client; it is closed after the test."""
    made = TreeherderJobs("th", fake.url, projects=projects)
    OPENED.append(made)
    return made


def message(**more: Any) -> bytes:
    """Return a job message."""
    job = {
        "taskId": f"{TASK}/0", "origin": {"project": "try", "revision": REVISION}, "buildSystem": "taskcluster",
        "display": {"jobName": "test-linux/opt-mochitest-1", "jobSymbol": "1", "groupSymbol": "M"},
        "state": "completed", "result": "success", "jobKind": "test", "tier": 1, "owner": "dev@example.org",
        "version": 1, "timeScheduled": "2025-02-26T22:45:17-08:00",
        "timeCompleted": "2025-02-26T23:06:42-08:00", **more,
    }  # fmt: skip
    return json.dumps(job).encode()
