"""`python -m tests.service.simulation --runs 100000 --seed 0 --jobs 2`: simulate histories.

A history is known by its seed alone; `--runs 1 --seed N --trace` tells all that happens in it. Exits 1 if one goes
wrong.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.service.simulation.history import Told, portion, quietly

#: Histories that a process simulates before it tells of them.
_PORTION = 200


def main() -> int:
    """Simulate, count, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.service.simulation", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="how many histories")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; the others follow")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--store", choices=["memory", "sqlite", "redis"], default="memory")
    parser.add_argument("--trace", action="store_true", help="tell all that happens, also where nothing goes wrong")
    parser.add_argument("--go-on", action="store_true", help="go on after a history that went wrong")
    options = parser.parse_args()
    began, counts, wrong = time.monotonic(), Counter[str](), 0
    print(f"seeds {options.seed} to {options.seed + options.runs - 1} on {options.store}, at {_commit()}", flush=True)
    for told in _simulate(options.seed, options.runs, options.jobs, options.store):
        counts.update(told.counts)
        if told.why or options.trace:
            print(*told.trace, told.why and f"seed {told.seed} went wrong: {told.why}", sep="\n", flush=True)
        wrong += bool(told.why)
        if wrong and not options.go_on:
            break
    seconds = time.monotonic() - began
    figures = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    print(f"{figures}; {wrong} went wrong; {seconds:.0f} s, {counts['histories'] / seconds:.0f} a second")
    return 1 if wrong else 0


def _simulate(seed: int, runs: int, jobs: int, store: str) -> Iterator[Told]:
    portions = [
        (first, min(_PORTION, seed + runs - first), store) for first in range(seed, seed + runs, _PORTION)
    ]  # fmt: skip
    with multiprocessing.get_context("spawn").Pool(jobs, initializer=quietly) as pool:
        for told in pool.imap(portion, portions):
            yield from told


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "no commit"


if __name__ == "__main__":
    sys.exit(main())
