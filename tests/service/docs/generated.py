"""The pages that are made from the code, and their paths."""

from collections.abc import Callable
from pathlib import Path

from tests import ROOT

from .commands_page import commands_page
from .config_page import config_page
from .glossary_page import glossary_page
from .metrics_page import metrics_page
from .reasons_page import reasons_page

DOCS = ROOT / "docs"
PAGES: dict[Path, Callable[[], str]] = {
    DOCS / "reference/config.md": config_page,
    DOCS / "reference/commands.md": commands_page,
    DOCS / "reference/reasons.md": reasons_page,
    DOCS / "reference/metrics.md": metrics_page,
    DOCS / "reference/glossary.md": glossary_page,
}


def write() -> None:
    """Write all of them."""
    for path, make in PAGES.items():
        path.write_text(make())
