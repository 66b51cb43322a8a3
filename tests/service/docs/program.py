"""The command `triggerbot` for readers, quicker: a process that has read all of its code forks one for each command.

What a command does is `python -m triggerbot`, no more and no less. `run` is the real program all the same, for it gets
signals. On the other side is `client.py`, which passes on its arguments, environment and open files.
"""

import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import ROOT

_CLIENT = Path(__file__).with_name("client.py")
_SHIM = """\
#!/bin/sh
[ "$1" = run ] && exec "{python}" -m triggerbot "$@"
exec "{python}" -SE "{client}" "{address}" "$@"
"""


@contextmanager
def template(directory: Path) -> Iterator[Path]:
    """Start it; gives the program that readers use."""
    address = directory / "template"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.service.docs.program", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", "the template did not start"
    program = directory / "triggerbot"
    program.write_text(_SHIM.format(python=sys.executable, client=_CLIENT, address=address))
    program.chmod(0o755)
    try:
        yield program
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _serve(address: str) -> None:
    import triggerbot.cli

    for module in pkgutil.iter_modules(triggerbot.cli.__path__):
        importlib.import_module(f"triggerbot.cli.{module.name}")
    gc.freeze()
    # Nobody waits for those that end.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            link, _ = listening.accept()
            if not os.fork():
                _be(link)
            link.close()


def _be(link: socket.socket) -> None:
    """Be one command; never comes back."""
    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        order = _order(link)
        os.chdir(order["directory"])
        os.environ.clear()
        os.environ.update(order["environment"])
        from triggerbot.cli import main

        main(order["arguments"], prog_name="triggerbot")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001 - it is told
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        link.sendall(b"%d" % code)
        os._exit(code)


def _order(link: socket.socket) -> dict[str, Any]:
    """Take what is asked for, and the three files that come with it."""
    read, files, _, _ = socket.recv_fds(link, 65_536, 3)
    for file, number in zip(files, (0, 1, 2), strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", 1)
    while not read.endswith(b"\n"):
        read += link.recv(65_536)
    return dict(json.loads(read))


if __name__ == "__main__":
    _serve(sys.argv[1])
