"""Real servers for tests, each on a free port and in a directory of its own, ended with the tests."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

#: Where Debian installs servers outside the usual PATH.
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/lib/rabbitmq/bin")
#: Seconds for a server to start.
PATIENCE = 60.0


def is_installed(program: str) -> bool:
    """Return whether a server's program is installed."""
    return _path_of(program) is not None


def _path_of(program: str) -> str | None:
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *_PLACES]))


def find(program: str) -> str:
    """Find a server's program; without it the test is skipped, or fails where TRIGGERBOT_STRICT=1 (as in CI)."""
    found = _path_of(program)
    if found is not None:
        return found
    words = f"{program.upper()} IS NOT INSTALLED: this test needs a real one (sudo apt-get install {program})"
    if os.environ.get("TRIGGERBOT_STRICT") == "1":
        pytest.fail(words)
    pytest.skip(words)


def free_ports(number: int) -> list[int]:
    """Find unused ports."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Server:
    """One server process with its children, in its own process group."""

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        answers: Callable[[], bool],
    ) -> None:
        self._command = command
        self._directory = directory
        self._environment = {**os.environ, **environment}
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None
        self.log = directory / "server.log"

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._directory, env=self._environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"{self._command[0]} did not start: {self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """Kill it at once, with its children."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def listens(port: int) -> bool:
    """Return whether the port accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
