"""Runs the real daemon as a process, with its own config and directory."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tests.fakes.fork_server import Forked, fork_server
from triggerbot.systems.webhook_signatures import sign_standard

T = TypeVar("T")

#: Seconds until something that must happen counts as failed; only a broken daemon takes that long.
PATIENCE = 60.0
#: The webhook secret of every daemon in the tests, and its token; neither may show up anywhere.
SECRET = "whsec_Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LWZvci10ZXN0cw=="
TOKEN = "canary-token-for-tests"


def eventually(look: Callable[[], T], what: str, *, patience: float = PATIENCE) -> T:
    """Poll until the condition holds; return its value."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {patience:g} s: {what}")


class Daemon:
    """One daemon that can be killed and restarted on the same store (`fakes.fork_server` starts it)."""

    def __init__(self, directory: Path, config: str, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.config = directory / "triggerbot.yml"
        self.config.write_text(config)
        self.log = directory / "daemon.log"
        self._environment = {**os.environ, "WEBHOOK_SECRET": SECRET, "CI_TOKEN": TOKEN, **(environment or {})}
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._number = 0
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def start(self, *arguments: str) -> None:
        """Start it and wait until it listens."""
        begun = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log, Path(os.devnull).open() as nothing:
            files = (nothing.fileno(), log.fileno(), log.fileno())
            self._process = self._launch("run", *arguments, files=files)
        started = eventually(lambda: self._started(begun), f"the daemon starts: {self.log.read_text()[begun:]}")
        self.url = f"http://{started['listen']}"
        eventually(self._answers, "the daemon answers")

    def needs_interpreter(self, *arguments: str) -> bool:
        """Return whether a command has to be a new interpreter rather than a fork: coverage does not follow forks."""
        return "COVERAGE_PROCESS_CONFIG" in os.environ

    def _launch(self, *arguments: str, files: tuple[int, int, int]) -> "subprocess.Popen[bytes] | Forked":
        if not self.needs_interpreter(*arguments):
            return fork_server().start(arguments, directory=self.directory, environment=self._environment, files=files)
        stdin, stdout, stderr = files
        command = [sys.executable, "-m", "triggerbot", *arguments]
        return subprocess.Popen(
            command, cwd=self.directory, env=self._environment, stdin=stdin, stdout=stdout, stderr=stderr
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def _started(self, begun: int) -> dict[str, Any] | None:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[begun:]
        return next((line for line in self.lines(begun) if line.get("event") == "daemon.started"), None)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/__lbheartbeat__").status_code == 200
        except httpx.TransportError:
            return False

    def lines(self, begun: int = 0) -> list[dict[str, Any]]:
        """Return the entries of its log."""
        text = self.log.read_bytes()[begun:].decode()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def kill(self) -> None:
        """End it as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """Save its pages beside its log, for the search for secrets (see `fakes.canary`), and kill it."""
        if self._process is not None and self._process.poll() is None and self.url:
            with contextlib.suppress(httpx.HTTPError), httpx.Client(base_url=self.url, timeout=2) as client:
                listed = client.get("/api/v1/pushes", params={"limit": 50}).json().get("pushes", [])
                pages = [f"/api/v1/pushes/{push['project']}/{push['revision']}" for push in listed]
                texts = [client.get(page).text for page in ("/", "/metrics", "/__heartbeat__", "/api/v1/stats", *pages)]
                (self.directory / "pages.txt").write_text("\n".join(texts))
        self.kill()

    def stop(self, *, within: float = PATIENCE) -> int:
        """Stop it with SIGTERM, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=within)
        self._process = None
        return code

    def hook(self, body: Any, *, system: str = "ci", secret: str = SECRET) -> httpx.Response:
        """Send a signed webhook of the generic system."""
        self._number += 1
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        now = int(time.time())
        message = f"msg_{self._number}"
        headers = {
            "webhook-id": message,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_standard(message, now, content, secret),
        }
        return httpx.post(f"{self.url}/hooks/{system}", content=content, headers=headers)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of triggerbot's commands beside it."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
            files = (nothing.fileno(), out.fileno(), err.fileno())
            process = self._launch(*arguments, files=files)
            try:
                code = process.wait(PATIENCE)
            finally:
                process.kill()
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())

    def metric(self, name: str) -> float:
        """Return the value of a metric, named with its labels."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))

    def health(self) -> dict[str, Any]:
        """Return its heartbeat."""
        return dict(httpx.get(f"{self.url}/__heartbeat__").json())

    def push(self, revision: str, project: str = "try") -> dict[str, Any]:
        """Return a push from its API."""
        answer = httpx.get(f"{self.url}/api/v1/pushes/{project}/{revision}")
        return dict(answer.json()["pushes"][0]) if answer.status_code == 200 else {}

    def job(self, revision: str, job: str, project: str = "try") -> dict[str, Any]:
        """Return a job from its API."""
        return next((one for one in self.push(revision, project).get("jobs", []) if one["job"] == job), {})
