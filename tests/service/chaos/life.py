"""One life of the daemon in a chaos run, forked from a process that has imported everything."""

import faulthandler
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fakes.fork_server import fork_server


class Life:
    """One daemon, until it is killed; `points`: the arguments of `points.install`."""

    def __init__(self, config: Path, environment: Mapping[str, str], points: Mapping[str, Any]) -> None:
        log = os.open(config.parent / "daemon.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        nothing = os.open(os.devnull, os.O_RDONLY)
        self._process = fork_server().start(
            ["run", "-c", str(config)],
            directory=config.parent,
            environment={**os.environ, **environment},
            files=(nothing, log, log),
            before=(f"{__name__}:prepare", {"points": dict(points)}),
        )
        os.close(nothing)
        os.close(log)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def dump_stacks(self) -> None:
        """Make it write the stacks of its threads into its log."""
        self._process.send_signal(signal.SIGUSR1)
        time.sleep(0.5)

    def kill(self) -> None:
        """End it as a power failure would, and wait until it is gone."""
        self._process.kill()
        self._process.wait(30)


def prepare(points: dict[str, Any]) -> None:
    """Prepare the child: dump stacks on a signal, and stop at a point if requested."""
    faulthandler.register(signal.SIGUSR1)
    if points:
        from tests.service.chaos.points import install

        install(**points)
