"""`python -m tests.bench [--quick] [--only NAME] [--json FILE]`: a table for people, JSON for comparing."""

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import (
    accuracy,
    evidence,
    failures,
    github,
    long_life,
    memory,
    memory_redis,
    observe,
    pages,
    queues,
    reaction,
    replicas,
    startup,
    webhooks,
    work,
)

Bench = Callable[[Path, bool], list[dict[str, Any]]]

BENCHES: dict[str, Bench] = {
    "observe": observe.measure,
    "webhooks": webhooks.measure,
    "reaction": reaction.measure,
    "github": github.measure,
    "memory": memory.measure,
    "queues": queues.measure,
    "replicas": replicas.measure,
    "redis": memory_redis.measure,
    "pages": pages.measure,
    "life": long_life.measure,
    "startup": startup.measure,
    "accuracy": accuracy.measure,
    "evidence": evidence.measure,
    "work": work.measure,
    "failures": failures.measure,
}


def machine(directory: Path) -> dict[str, Any]:
    """Describe the machine; a commit costs at least one fsync of its disk."""
    times = []
    with (directory / "fsync").open("wb") as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
        "fsync_ms_median": round(sorted(times)[25] * 1000, 3),
    }


def main() -> int:
    """Measure, print the table, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to see that it runs")
    parser.add_argument("--only", choices=BENCHES, help="one of them")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="triggerbot-bench-") as name:
        report: dict[str, Any] = {"machine": machine(Path(name)), "figures": []}
        for title, bench in BENCHES.items():
            if options.only in (None, title):
                console.print(f"measuring {title} ...", style="dim")
                place = Path(name) / title
                place.mkdir()
                report["figures"] += bench(place, options.quick)
    table = Table(
        "what", "figure", "aim", title=" · ".join(f"{key} {value}" for key, value in report["machine"].items())
    )
    for row in report["figures"]:
        table.add_row(row["what"], f"{row['value']:,.4g} {row['unit']}", row.get("aim", ""))
    console.print(table)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
