"""The benchmarks run, so that nothing that they use is renamed unnoticed. How fast anything is, no test asserts."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHES
from tests.fakes import servers

#: What a benchmark starts besides triggerbot.
NEEDS = {"queues": ("redis-server", "rabbitmq-server"), "replicas": ("redis-server",), "redis": ("redis-server",)}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BENCHES)
def test_each_gives_its_rows(name: str, tmp_path: Path) -> None:
    """With a tenth of the work, as `make bench` runs it: a name, a figure and its unit in each row, none twice."""
    for program in NEEDS.get(name, ()):
        servers.find(program)
    found = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--only", name, "--json", str(found)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    rows = json.loads(found.read_text())["figures"]
    assert rows
    assert len({row["what"] for row in rows}) == len(rows)
    assert all(math.isfinite(row["value"]) and isinstance(row["unit"], str) for row in rows)
