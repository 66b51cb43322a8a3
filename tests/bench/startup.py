"""Processor time (user and system) of a whole command, which people and scripts wait for at each call."""

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.events import event
from tests.bench.process import CONFIG
from triggerbot.core import event_json
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store.factory import open_file

#: Jobs of the push that is asked about.
_JOBS = 50


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Measure `status` and `explain` of one push, whose store and config are small."""
    project, revision = _fill(directory)
    runs = 3 if quick else 20
    # What is compiled once only is no part of it.
    _seconds(directory, "status", project, revision)
    return [
        {
            "what": f"{command}: processor time to start",
            "value": statistics.median(_seconds(directory, command, project, revision) for _ in range(runs)) * 1000,
            "unit": "ms",
        }
        for command in ("status", "explain")
    ]


def _fill(directory: Path) -> tuple[str, str]:
    """Write a config and a store; return the push that is in it."""
    (directory / "triggerbot.yml").write_text(CONFIG.format(ci="http://127.0.0.1:9", intakes=""))
    observed = [event_json.from_json(event(0, job, "finished"), "ci") for job in range(_JOBS)]
    store = open_file(directory / "state.db")
    rule = Rule(Globs(["*"]))
    Observer(store, [rule], dry=True, clock=lambda: observed[0].time or 0.0, metrics=Metrics()).observe(observed)
    store.close()
    return observed[0].push.project, observed[0].push.revision


def _seconds(directory: Path, *arguments: str) -> float:
    """Run a command to its end; return the processor time that it took, in seconds."""
    before = _spent()
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    answer = subprocess.run(
        [sys.executable, "-m", "triggerbot", *arguments],
        cwd=directory,
        env={**inherited, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        check=False,
    )
    if not answer.stdout:
        raise RuntimeError(f"{arguments[0]} printed nothing")
    return _spent() - before


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
