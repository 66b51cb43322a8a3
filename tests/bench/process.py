"""Starts the daemon, and what it is compared with, as processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import ROOT

SECRET = "whsec_YmVuY2htYXJrLXNlY3JldC1vZi0zMi1ieXRlcyEh"
CONFIG = """
dry_run: false
store: sqlite:state.db
listen: 127.0.0.1:0
systems:
  ci: {{type: generic, url: "{ci}", webhook_secret: env:BENCH_SECRET, sweep: off}}
{intakes}
rules:
  - projects: [try]
"""


@contextmanager
def daemon(directory: Path, ci: str = "http://127.0.0.1:9", intakes: str = "") -> Iterator[tuple[int, str]]:
    """Run the real daemon; yields its process id and address."""
    with daemon_of(directory, CONFIG.format(ci=ci, intakes=intakes)) as running:
        yield running


@contextmanager
def daemon_of(directory: Path, config: str, *arguments: str) -> Iterator[tuple[int, str]]:
    """Run the daemon with a config; yields its process id and address."""
    (directory / "triggerbot.yml").write_text(config)
    with (
        (directory / "log").open("wb") as log,
        python(directory, "triggerbot", "run", *arguments, stderr=log) as process,
    ):
        yield process.pid, f"http://{_address(directory / 'log', process)}"


@contextmanager
def python(directory: Path, module: str, *arguments: str, **pipes: object) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a module as a process, and end it."""
    environment = {**os.environ, "BENCH_SECRET": SECRET, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, cwd=directory, env=environment, **pipes)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _address(log: Path, process: "subprocess.Popen[bytes]") -> str:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if '"daemon.started"' in line and line.endswith("}"):
                return str(json.loads(line)["listen"])
        time.sleep(0.02)
    raise SystemExit(log.read_text())


def resident(process: int) -> float:
    """Return the resident memory of a process, in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def cpu(process: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
