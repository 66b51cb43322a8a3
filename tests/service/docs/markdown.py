"""The little Markdown that generated pages are made of."""

import re
from collections.abc import Iterable, Sequence

GENERATED = "<!-- Made from the code by `make docs`: change it there. -->"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table, with `|` in cells escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def slug(heading: str) -> str:
    """Return the anchor of a heading, as both MkDocs and GitHub make it."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def page(title: str, *parts: str) -> str:
    """Put a page together."""
    return "\n\n".join([f"# {title}", GENERATED, *parts]) + "\n"
