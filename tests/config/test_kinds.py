"""The kinds of systems and reports: one line each in a table; only what a config names is imported."""

import subprocess
import sys
from typing import get_args

import pytest

from triggerbot.cli.config import PLUGINS

#: What only a client needs; each takes a while to import.
CLIENTS = ["httpx", "jwt", "taskcluster", "jsone", "structlog", "rich"]


@pytest.mark.parametrize("name", PLUGINS.systems)
def test_a_system_is_what_its_line_says(name: str) -> None:
    """Its section takes its name for a type, and it can be built."""
    kind = PLUGINS.systems[name]

    assert get_args(kind.section().model_fields["type"].annotation) == (name,)
    assert callable(kind.builder())


@pytest.mark.parametrize("name", PLUGINS.reports)
def test_a_report_is_what_its_line_says(name: str) -> None:
    """Its section knows its name, and it can be built."""
    kind = PLUGINS.reports[name]

    assert kind.section().kind == name
    assert callable(kind.builder())


def test_sections_import_no_client() -> None:
    """Commands read the config, and most of them talk to no CI."""
    code = (
        "import sys; from triggerbot.cli.config import PLUGINS\n"
        "for kind in (*PLUGINS.systems.values(), *PLUGINS.reports.values()): kind.section()\n"
        f"print([name for name in {CLIENTS} if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout

    assert printed.strip() == "[]"
