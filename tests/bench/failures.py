"""The comparison of failures: its time for each line of a log, and its precision and recall on labelled pairs."""

import time
from pathlib import Path
from typing import Any

from tests.core.verdict.labelled import pairs
from tests.core.verdict.measure import score
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict.lines import generic, roles, shape, words

_CACHES = (roles._read, shape._shape, words.words, generic.is_generic)


def measure(_directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Measure the time of lines not seen before, and count how pairs are judged."""
    given = pairs()
    lines = list(dict.fromkeys(line for pair in given for line in (*pair.one, *pair.other)))
    rounds = 1 if quick else 5
    took = 0.0
    for _ in range(rounds):
        for cache in _CACHES:
            cache.cache_clear()
        began = time.process_time()
        fingerprint.shapes(iter(lines))
        took += time.process_time() - began
    found: list[dict[str, Any]] = [
        {
            "what": "failures: a line not seen before",
            "value": took / rounds / len(lines) * 1e6,
            "unit": "us",
            "aim": "<= 100",
        }
    ]
    for minimal, aims in ((False, (">= 99", ">= 80")), (True, (">= 97", ">= 85"))):
        for aside in (False, True):
            some = [pair for pair in given if pair.minimal is minimal and pair.aside is aside]
            counted = score(some)
            name = f"failures: {len(some)} {'minimal' if minimal else 'natural'} pairs{', put aside' if aside else ''}"
            for what, share, aim in zip(
                ("precision", "recall"), (counted.precision, counted.recall), aims, strict=True
            ):
                found.append({"what": f"{name}: {what}", "value": 100 * share, "unit": "%", "aim": aim})
    return found
