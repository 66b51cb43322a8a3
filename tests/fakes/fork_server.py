"""Daemons that start at once: a process that has read all of triggerbot forks one for each life.

What a life does is `triggerbot run`, no more and no less; only the reading of its code is saved, which takes most of
the time between two kills otherwise. Whoever wants to stop at a certain point in the child names it for `points`.
"""

import contextlib
import faulthandler
import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import ROOT


class Template:
    """The process that is forked. It ends with everything that it started, even if this process is killed."""

    def __enter__(self) -> Self:
        # No terminal's Ctrl-C reaches the lives: the harness ends them when it has counted.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.fork_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", "the template did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def start(self, config: Path, environment: dict[str, str], points: dict[str, Any]) -> "Life":
        """Begin a life; `points` are the arguments of `points.install`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"config": str(config), "environment": environment, "points": points}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Life(int(self._process.stdout.readline()))


class Life:
    """One daemon, until it is killed."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return Path(f"/proc/{self.pid}").exists()

    def tell(self) -> None:
        """Let it write into its log where each of its threads is."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGUSR1)
            time.sleep(0.5)

    def kill(self) -> None:
        """End it as a power failure would, and wait until it is gone."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        assert self.wait(30), f"process {self.pid} outlived SIGKILL"

    def wait(self, patience: float) -> bool:
        """Wait so many seconds for its end; tells whether it came."""
        until = time.monotonic() + patience
        while self.alive and time.monotonic() < until:
            time.sleep(0.001)
        return not self.alive


def _read_all() -> None:
    """Import whatever a life would import, most of all what it imports late."""
    import httpcore  # noqa: F401
    import kombu.transport.pyamqp  # noqa: F401
    import uvicorn.lifespan.off
    import uvicorn.loops.auto
    import uvicorn.protocols.http.auto
    import uvicorn.protocols.websockets.auto  # noqa: F401

    import triggerbot.cli.run
    import triggerbot.store.redis
    import triggerbot.store.sqlite  # noqa: F401


def _serve() -> None:
    _read_all()
    # A life collects garbage at its start; there shall be little to look through.
    gc.collect()
    gc.freeze()
    # Nobody waits for those that end.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _live(json.loads(line))
        print(child, flush=True)
    os.killpg(0, signal.SIGKILL)


def _live(order: dict[str, Any]) -> None:
    """Be a daemon; never comes back."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        config = Path(order["config"])
        os.chdir(config.parent)
        log = os.open("daemon.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        for descriptor, number in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
            os.dup2(descriptor, number)
        os.environ.update(order["environment"])
        faulthandler.register(signal.SIGUSR1)
        if order["points"]:
            from tests.service.chaos import points

            points.install(**order["points"])
        from triggerbot.cli import main

        main(["run", "-c", str(config)])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
