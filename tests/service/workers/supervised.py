"""Runs a daemon of several processes that fails on request (see faults/sitecustomize.py)."""

import json
import os
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.daemon import PATIENCE, Daemon, eventually

CONFIG = """
dry_run: false
store: {store}
listen: 127.0.0.1:0
systems:
  ci: {{type: generic, url: "{url}", token: "env:CI_TOKEN", webhook_secret: "env:WEBHOOK_SECRET", sweep: "off",
        grace: 1s}}
intakes: {intakes}
rules:
  - projects: [try]
"""
_FAULTS = Path(__file__).parent / "faults"


class Supervised(Daemon):
    """A supervisor with its workers, or a single process."""

    def __init__(
        self, directory: Path, url: str, *, store: str = "sqlite:state.db", intakes: str = "[]", **environment: str
    ) -> None:
        path = os.pathsep.join(filter(None, (str(_FAULTS), os.environ.get("PYTHONPATH"))))
        config = CONFIG.format(store=store, url=url, intakes=intakes)
        super().__init__(directory, config, {"PYTHONPATH": path, **environment})

    def needs_interpreter(self, *arguments: str) -> bool:
        """Start what faults/ changes as a new interpreter: a single process, or a supervisor with shorter timeouts.

        Workers are new interpreters in any case.
        """
        changed = "--workers" not in arguments or "FAULTS_LIMIT" in self._environment
        return (arguments[0] == "run" and changed) or super().needs_interpreter(*arguments)

    def fault(self, what: str, worker: int = 1) -> None:
        """Let a worker fail."""
        written = self.directory / f"writing-{worker}"
        written.write_text(what)
        written.rename(self.directory / f"fault-{worker}")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return all log lines of an event."""
        return [line for line in self.lines() if line.get("event") == event]

    def pids(self, worker: int = 1) -> list[int]:
        """Return the process ids that a worker has had."""
        return [line["pid"] for line in self.logged("worker.started") if line["worker"] == worker]

    def started(self, number: int) -> None:
        """Wait until `number` daemons have started in all."""
        eventually(lambda: len(self.logged("daemon.started")) >= number, f"{number} starts")

    def wait(self) -> int:
        """Wait until it has ended by itself, and return its exit code."""
        assert self._process is not None
        code = self._process.wait(timeout=PATIENCE)
        self._process = None
        return code

    def gone(self) -> bool:
        """Return whether nothing listens any more."""
        try:
            httpx.get(f"{self.url}/__lbheartbeat__")
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            pass  # the listener ends during the request
        return False

    def errors(self) -> list[dict[str, Any]]:
        """Return the crashes that `stats --errors --json` lists."""
        done = self.command("stats", "--errors", "--json")
        assert done.returncode == 0, done.stderr
        crashes: list[dict[str, Any]] = json.loads(done.stdout)["crashes"]
        return crashes

    def crashed(self, number: int = 1) -> list[dict[str, Any]]:
        """Wait until `number` crashes are stored."""
        return eventually(lambda: len(found := self.errors()) >= number and found, f"{number} crashes are kept")
