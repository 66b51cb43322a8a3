"""The command line of the chaos runs: mode, number and seed; prints a table and JSON of the results."""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.fakes.rabbit import Rabbit
from tests.service.chaos import accidents, forgot, kills, lag, network, points, race
from tests.service.chaos.checker import Verdict, bound

Made = tuple[Verdict, dict[str, Any]]


MODES = ("kills", "points", "outage", "replies", "redis", "broker", "sweep", "race", "lag", "network", "forgot")


def main() -> int:
    """Parse the command line, and run its mode."""
    parser = argparse.ArgumentParser(prog="python -m tests.service.chaos")
    parser.add_argument("mode", choices=list(MODES))
    parser.add_argument("--store", choices=["sqlite", "redis"], default="sqlite")
    parser.add_argument("--intake", choices=["webhook", "amqp"], default="webhook")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--apart", type=int, default=0, help="points: bytes between two within a request; 0: three")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    print(f"{chosen.mode} {chosen.store} {chosen.intake}: {chosen.runs} runs, seed {chosen.seed}", flush=True)
    with ExitStack() as stack:
        rabbit = None
        if chosen.intake == "amqp" or chosen.mode == "broker":
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="rabbit-"))
            rabbit = stack.enter_context(Rabbit(Path(place)))
        modes: dict[str, Callable[[], Made]] = {
            "kills": lambda: kills.kills(chosen.store, chosen.intake, chosen.runs, chosen.seed, rabbit),
            "points": lambda: points.points(chosen.store, chosen.intake, chosen.seed, rabbit, apart=chosen.apart),
            "outage": lambda: accidents.outage(chosen.runs, chosen.seed),
            "replies": lambda: accidents.replies(chosen.runs, chosen.seed),
            "redis": lambda: accidents.redis_lost(chosen.runs, chosen.seed),
            "broker": lambda: accidents.broker(chosen.runs, chosen.seed, _there(rabbit)),
            "sweep": lambda: accidents.sweep(chosen.runs, chosen.seed),
            "race": lambda: race.race(chosen.store, chosen.runs),
            "lag": lambda: lag.lag(chosen.runs, chosen.seed),
            "forgot": lambda: forgot.forgot(chosen.store, chosen.runs, chosen.seed),
            "network": lambda: network.network(chosen.store, chosen.intake, chosen.runs, chosen.seed, rabbit),
        }
        verdict, about = modes[chosen.mode]()
    summary = {
        "mode": chosen.mode, "store": chosen.store, "intake": chosen.intake, "runs": chosen.runs, "seed": chosen.seed,
        "date": time.strftime("%Y-%m-%d"), "commit": _commit(), **verdict.counts(), **about,
        "bound_95": bound(len(verdict.lost) + len(verdict.doubled), about.get("stopped", chosen.runs)),
    }  # fmt: skip
    for name, value in summary.items():
        print(f"  {name:14} {value}")
    for name in ("lost", "doubled", "unexpected"):
        for job in getattr(verdict, name)[:20]:
            print(f"  {name.upper()}: {job}")
    if chosen.json is not None:
        with chosen.json.open("a") as file:
            file.write(json.dumps(summary) + "\n")
    return 0 if verdict.good and summary.get("settled", True) else 1


def _there(rabbit: Rabbit | None) -> Rabbit:
    assert rabbit is not None
    return rabbit


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip()
