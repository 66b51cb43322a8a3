"""How much memory the daemon holds after 200,000 events, and what it costs while it has nothing to do."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

from tests.bench.events import events
from tests.bench.process import cpu, daemon, resident
from triggerbot.store.documents import load

_INTAKES = "intakes: [{file: {system: ci, path: events.jsonl}}]"


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Feed a file of events to the daemon, wait until all are in the store, and measure."""
    number = 20_000 if quick else 200_000
    idle_seconds = 2 if quick else 10
    path = directory / "events.jsonl"
    path.touch()
    with daemon(directory, intakes=_INTAKES) as (process, _):
        time.sleep(1)
        before = resident(process)
        used = cpu(process)
        time.sleep(idle_seconds)
        idle = (cpu(process) - used) / idle_seconds * 100
        began = time.perf_counter()
        with path.open("w") as file:
            file.writelines(json.dumps(event) + "\n" for event in events(number))
        _await(directory / "state.db", f"{path.name}", path.stat().st_size)
        taken = time.perf_counter() - began
        after = resident(process)
    return [
        {"what": "resident memory, idle", "value": before, "unit": "MB"},
        {"what": f"resident memory after {number:,} events", "value": after, "unit": "MB", "aim": "< 120 MB"},
        {"what": "events from a file, into the running daemon", "value": number / taken, "unit": "events/s"},
        {"what": "processor time while idle", "value": idle, "unit": "% of a core"},
    ]


def _await(store: Path, name: str, size: int) -> None:
    connection = sqlite3.connect(store)
    try:
        while True:
            row = connection.execute(
                "SELECT value FROM documents JOIN parts ON parts.id = part WHERE parts.name LIKE ?", (f"cursor%{name}",)
            ).fetchone()
            if row is not None and int(load(str, row[0]).partition(":")[2]) == size:
                return
            time.sleep(0.1)
    finally:
        connection.close()
