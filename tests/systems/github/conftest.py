"""What the tests of GitHub share, and a warning where nobody compared us with GitHub's description."""

import pytest

from tests.fakes.github.fixtures import app, clock, connect, gh, github, key
from tests.systems.github.desk import desk, make_desk
from tests.systems.github.ends import bench, make_bench

__all__ = ["app", "bench", "clock", "connect", "desk", "gh", "github", "key", "make_bench", "make_desk"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that nobody compared us with GitHub's description."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("GitHub's OpenAPI description" in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(
            "WARNING: GitHub's OpenAPI description could not be had: client and fake were NOT checked against it",
            yellow=True,
            bold=True,
        )
