"""Daemons that start at once: a process that has read all of triggerbot forks one for each life.

What a life does is `triggerbot run`, no more and no less; only the reading of its code is saved, which takes most of
the time between two kills otherwise. Whoever wants a wrapper around something in the child names a function of
`chaos.points` for it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Template:
    """The process that is forked."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.launch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def start(self, config: Path, environment: dict[str, str] | None = None, **points: Any) -> "Life":
        """Begin a life."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"config": str(config), "environment": environment or {}, "points": points}
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

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it, and wait until it is gone."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return
        self.wait(30)

    def wait(self, patience: float) -> bool:
        """Wait for its end."""
        until = time.monotonic() + patience
        while self.alive and time.monotonic() < until:
            time.sleep(0.001)
        return not self.alive


def _serve() -> None:
    from triggerbot.cli import main

    # Whoever ends is nobody's zombie.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child:
            print(child, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        config = Path(order["config"])
        os.chdir(config.parent)
        log = os.open("daemon.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(order["environment"])
        code = 1
        try:
            if order["points"]:
                from chaos import points

                points.install(**order["points"])
            main(["run", "-c", str(config)], standalone_mode=False)
            code = 0
        finally:
            # Not back into the loop of the parent, whatever happens.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


if __name__ == "__main__":
    _serve()
