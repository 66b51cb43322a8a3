"""The time from a failed run's webhook to the request at the CI, while nothing else happens."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx

from tests.bench.events import event
from tests.bench.process import SECRET, daemon, python
from triggerbot.systems.webhook_signatures import sign_standard


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Ten failures a second, each of a push of its own."""
    number = 30 if quick else 300
    sent: dict[int, float] = {}
    took = []
    with python(directory, "tests.fakes.instant_ci", stdout=subprocess.PIPE) as ci:
        assert ci.stdout is not None
        port = int(ci.stdout.readline())
        with daemon(directory, f"http://127.0.0.1:{port}") as (_, address), httpx.Client() as client:
            for push in range(1, number + 1):
                sent[push] = _send(client, address, push)
                revision, arrived = json.loads(ci.stdout.readline())
                took.append((arrived - sent[revision]) * 1000)
                time.sleep(0.1)
    took.sort()
    return [
        {"what": "event to POST while idle, p50", "value": took[len(took) // 2], "unit": "ms"},
        {"what": "event to POST while idle, p99", "value": took[int(len(took) * 0.99)], "unit": "ms", "aim": "< 60 ms"},
    ]


def _send(client: httpx.Client, address: str, push: int) -> float:
    body = json.dumps(event(push, 0, "finished", "failure")).encode()
    now = int(time.time())
    headers = {
        "webhook-id": f"msg_{push}",
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(f"msg_{push}", now, body, SECRET),
    }
    began = time.time()
    assert client.post(f"{address}/hooks/ci", content=body, headers=headers).status_code == 202
    return began
