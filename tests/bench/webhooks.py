"""Signed webhooks a second, answered after the commit, beside an app that only checks the signature; in one run."""

import json
import statistics
import subprocess
from pathlib import Path
from typing import Any

from tests.bench.process import daemon, python

#: How often both are measured in turn; the medians are reported.
_ROUNDS = 5


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Measure both in turn: A B A B ..."""
    number = 600 if quick else 6_000
    real: list[dict[str, float]] = []
    bare: list[dict[str, float]] = []
    with (
        daemon(directory) as (_, address),
        python(directory, "tests.bench.signature_only_app", stdout=subprocess.PIPE) as other,
    ):
        assert other.stdout is not None
        port = int(other.stdout.readline())
        for number_of_round in range(_ROUNDS):
            first = number_of_round * number
            real.append(_load(directory, address.removeprefix("http://"), number, first))
            bare.append(_load(directory, f"127.0.0.1:{port}", number, first))
    rate, bare_rate = _median(real, "rate"), _median(bare, "rate")
    return [
        {"what": "webhooks answered after the commit", "value": rate, "unit": "/s"},
        {"what": "bare app, signature only", "value": bare_rate, "unit": "/s"},
        {"what": "webhooks, ratio to the bare app", "value": rate / bare_rate, "unit": "", "aim": ">= 0.4"},
        {"what": "webhooks, p50", "value": _median(real, "p50"), "unit": "ms"},
        {"what": "webhooks, p99", "value": _median(real, "p99"), "unit": "ms", "aim": "< 30 ms"},
    ]


def _median(rounds: list[dict[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in rounds)


def _load(directory: Path, host: str, number: int, first: int) -> dict[str, float]:
    with python(directory, "tests.bench.load", host, str(number), str(first), stdout=subprocess.PIPE) as load:
        output, _ = load.communicate()
    return dict(json.loads(output))
