"""Starts processes of triggerbot fast: a server that has imported all of it forks a child for each.

A child runs `python -m triggerbot ARGUMENTS`, with its own directory, environment, open files and exit code;
only the imports are saved, which are most of a start otherwise. A test that is about the program itself, the start of
the interpreter, or what the environment does before `main` starts a real process.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests import ROOT

#: Seconds for the server to import everything, and for it to answer.
_PATIENCE = 60.0


class Forked:
    """A child of the fork server, as `subprocess.Popen` has it."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._read = b""
        #: The exit code, negative for a signal; `None` while it runs.
        self.returncode: int | None = None
        link.settimeout(_PATIENCE)
        while b"\n" not in self._read:
            data = link.recv(64)
            assert data, "the fork server is gone"
            self._read += data
        self.pid = int(self._read.partition(b"\n")[0])

    def poll(self) -> int | None:
        """Return the exit code, or `None` while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when it has ended; raise `subprocess.TimeoutExpired` if that takes too long."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the child has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power failure would."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        until = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([self._link], [], [], left)[0]:
                return None
            data = self._link.recv(64)
            self._read += data
            if not data:
                # The server sends the exit code, and then hangs up; if it is gone, so are its children.
                self.returncode = int(self._read.split(b"\n")[1] or -signal.SIGKILL)
                self._link.close()
        return self.returncode


class ForkServer:
    """The process that is forked. It ends with everything that it started, even if this process is killed."""

    def __init__(self) -> None:
        self._directory = tempfile.mkdtemp(prefix="fork-")
        #: Where programs that speak its protocol connect: see `_take` and tests/service/docs/client.py.
        self.address = f"{self._directory}/socket"
        # Ctrl-C of a terminal does not reach the children: tests end them.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.fork_server", self.address], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the fork server did not start"

    def close(self) -> None:
        """End it, and all its children."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        shutil.rmtree(self._directory)

    def start(
        self,
        arguments: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        files: tuple[int, int, int],
        before: tuple[str, Mapping[str, Any]] | None = None,
    ) -> Forked:
        """Start `triggerbot ARGUMENTS`, with descriptors for stdin, stdout and stderr.

        `before` names a function as `module:function`, and its arguments: the child calls it before `main`.
        """
        link = socket.socket(socket.AF_UNIX)
        link.connect(self.address)
        order = {
            "arguments": [*arguments],
            "directory": str(directory),
            "environment": dict(environment),
            "before": before,
        }
        socket.send_fds(link, [b" "], files)
        link.sendall(json.dumps(order).encode() + b"\n")
        return Forked(link)


@functools.cache
def fork_server() -> ForkServer:
    """Return this process' fork server, started at the first call."""
    server = ForkServer()
    atexit.register(server.close)
    return server


# -- the server's side ------------------------------------------------------------------------------------------------


def _import_all() -> None:
    """Import everything that a child would import, including late imports."""
    import httpcore  # noqa: F401
    import kombu.transport.pyamqp  # noqa: F401
    import uvicorn.lifespan.off
    import uvicorn.loops.auto
    import uvicorn.protocols.http.auto
    import uvicorn.protocols.websockets.auto  # noqa: F401

    import triggerbot

    for module in pkgutil.walk_packages(triggerbot.__path__, "triggerbot."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _serve(address: str) -> dict[str, Any]:
    """Fork a child for each connection, and send its exit code; return in the child, with its task."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)
        #: By the descriptors that become readable when children end.
        children: dict[int, tuple[int, socket.socket]] = {}
        while True:
            readable, _, _ = select.select([0, listening, *children], [], [])
            if 0 in readable:
                os.killpg(0, signal.SIGKILL)
            for ended in readable:
                if ended in children:
                    _bury(ended, *children.pop(ended))
            if listening not in readable:
                continue
            link, _ = listening.accept()
            child = os.fork()
            if not child:
                break
            children[os.pidfd_open(child)] = (child, link)
            with contextlib.suppress(OSError):
                link.sendall(b"%d\n" % child)
    for _, other in children.values():
        other.detach()
    return _take(link)


def _bury(descriptor: int, child: int, link: socket.socket) -> None:
    os.close(descriptor)
    _, status = os.waitpid(child, 0)
    with link, contextlib.suppress(OSError):
        link.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
        # Unread data of a child that was killed early would turn the end into a connection reset.
        link.setblocking(False)
        while link.recv(65_536):
            pass


def _take(link: socket.socket) -> dict[str, Any]:
    """Receive the task with its three files, and set up the environment of a new process."""
    read, files, _, _ = socket.recv_fds(link, 65_536, 3)
    while not read.endswith(b"\n"):
        read += link.recv(65_536)
    link.close()
    for file, number in zip(files, (0, 1, 2), strict=True):
        os.dup2(file, number)
    os.closerange(3, 4096)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", 1)
    order: dict[str, Any] = json.loads(read)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    return order


def main() -> None:
    """Run the server, and in each child the requested command."""
    _import_all()
    # A child collects garbage at its start; freezing leaves it little to search.
    gc.collect()
    gc.freeze()
    order = _serve(sys.argv[1])
    if before := order.get("before"):
        name, arguments = before
        module, _, function = name.partition(":")
        getattr(importlib.import_module(module), function)(**arguments)
    from triggerbot.cli import main as triggerbot

    sys.argv = ["triggerbot", *order["arguments"]]
    triggerbot(order["arguments"], prog_name="triggerbot")


if __name__ == "__main__":
    main()
