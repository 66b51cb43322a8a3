"""The demo: its CI keeps the contract, and every verdict comes out as planned."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.daemon import eventually
from triggerbot.cli.demo.scenario import PUSHES
from triggerbot.systems.webhook_signatures import verify_standard

SECRET = "whsec_" + "5eed" * 8
FIRST = PUSHES[0]


class Sink:
    """Takes the CI's webhooks, and checks each signature as triggerbot would."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the parent's name
                """Log nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                verify_standard(headers, body, [SECRET], float(headers["webhook-timestamp"]))
                sink.received.append(json.loads(body))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/ci"

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver of webhooks."""
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def ci(sink: Sink) -> Iterator[str]:
    """The made-up CI, playing fast."""
    process = subprocess.Popen(
        [sys.executable, "-m", "triggerbot.cli.demo.simulated_ci", "--hook", sink.url, "--seconds", "2"],
        env={**os.environ, "DEMO_WEBHOOK_SECRET": SECRET},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = json.loads(process.stdout.readline())["port"]
        process.stdin.write("go\n")
        process.stdin.flush()
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        assert process.wait(timeout=10) == 0
        process.stdout.close()


def test_the_made_up_ci_keeps_the_generic_contract(ci: str, sink: Sink) -> None:
    """Signed webhooks, the look-back with every run, a retrigger whose runs name it, the sweep, and honest refusals."""
    where = f"{ci}/pushes/try/try/{FIRST.revision}"
    eventually(lambda: httpx.get(f"{ci}/truth").json()["done"], "it has played everything")
    found = httpx.get(where).json()
    assert found["author"] == FIRST.author
    assert {run["job"] for run in found["runs"]} == {job.name for job in FIRST.jobs}
    assert {event["state"] for event in sink.received} == {"pending", "running", "finished"}

    body = {"operation": "op-1", "project": "try", "branch": "try", "revision": FIRST.revision, "run_id": "1000"}
    answer = httpx.post(f"{ci}/retrigger", json={**body, "job": FIRST.jobs[0].name, "count": 2})

    assert answer.status_code == 201
    made = [run for run in httpx.get(where).json()["runs"] if run["retrigger_of"] == "op-1"]
    assert [run["run_id"] for run in made] == answer.json()["runs"]
    assert httpx.post(f"{ci}/retrigger", json={**body, "job": "nothing", "count": 1}).status_code == 409
    assert httpx.get(f"{ci}/pushes/try/try/{'0' * 16}").status_code == 404
    assert httpx.get(f"{ci}/runs", params={"since": "2100-01-01T00:00:00Z"}).json() == {"runs": []}
    assert len(httpx.get(f"{ci}/runs", params={"since": "2020-01-01T00:00:00Z"}).json()["runs"]) >= len(made)


def test_a_retrigger_of_the_failing_job_is_carried_out_though_it_answers_500(ci: str) -> None:
    """The CI answers 500 once, though it records the run."""
    push, job = next((push, job) for push in PUSHES for job in push.jobs if job.answers_500)
    eventually(lambda: httpx.get(f"{ci}/truth").json()["done"], "it has played everything")
    body = {"operation": "op-1", "project": "try", "branch": "try", "revision": push.revision, "run_id": "1"}

    answer = httpx.post(f"{ci}/retrigger", json={**body, "job": job.name, "count": 2})

    assert answer.status_code == 500
    truth = httpx.get(f"{ci}/truth").json()
    assert (truth["retriggers"], truth["doubled"]) == (2, [])


@pytest.mark.slow
def test_the_demo_plays_and_everything_comes_out_as_planned() -> None:
    """Without a terminal: plain lines, every verdict as planned, nothing doubled."""
    ended = subprocess.run(
        [sys.executable, "-m", "triggerbot", "demo", "--seconds", "6"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "\x1b" not in ended.stdout
    assert ended.stdout.count("A made-up CI, and the real triggerbot beside it") == 1
    assert "doubled: 0." in ended.stdout
    assert "over_budget" in ended.stdout
    assert re.search(r"retriggers linux-debug-jit-2 1 time: it failed, \d+ % that it is intermittent", ended.stdout)
    assert re.search(r"fails every time; \d % that it is intermittent", ended.stdout)
    assert re.search(r"By evidence 2 jobs got \d retriggers of at most 8: \d saved", ended.stdout)
    assert "2 jobs failed as another one did (same_cause)" in ended.stdout
    assert "looks back rather than ask again on a guess" in ended.stdout
    for push in PUSHES:
        for job in push.jobs:
            if job.expected in ("intermittent", "failed"):
                assert f"{job.name} is {job.expected}" in ended.stdout


def test_nobody_outlives_a_demo_that_is_killed() -> None:
    """The demo's CI and daemon end when the demo is killed, even with SIGKILL."""
    demo = subprocess.Popen([sys.executable, "-m", "triggerbot", "demo", "--seconds", "30"], stdout=subprocess.DEVNULL)
    try:
        children = eventually(lambda: len(found := _children(demo.pid)) == 2 and found, "both are started")
    finally:
        demo.kill()
        demo.wait()

    eventually(lambda: not any(_alive(child) for child in children), "both are gone")


def _children(parent: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
