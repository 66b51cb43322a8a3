"""What lies in the file of a store, counted without the code that reads it for people."""

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path

from triggerbot.store.documents import load_jobs
from triggerbot.store.names import JOBS, US
from triggerbot.store.observe import DELIVERIES


def stored(path: Path) -> dict[str, int]:
    """Count the runs, the webhooks, and the documents of each kind of part: pushes, dead letters and the like."""
    counted: Counter[str] = Counter()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT parts.name, kind, value FROM documents JOIN parts ON parts.id = documents.part"
        for part, kind, value in connection.execute(query):
            counted[part.partition(US)[0]] += 1
            if kind == JOBS:
                counted["runs"] += sum(len(job.runs) for job in load_jobs(value).values())
        query = "SELECT count(*) FROM ranks JOIN indexes ON indexes.id = ranks.list WHERE indexes.name = ?"
        counted[DELIVERIES] += connection.execute(query, (DELIVERIES,)).fetchone()[0]
    return dict(+counted)
