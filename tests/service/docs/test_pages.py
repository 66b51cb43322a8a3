"""Every command, config and JSON of the documentation is executed, in the order in which one reads it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .blocks import Block, read
from .generated import DOCS
from .program import write_program
from .reader import Reader
from .worlds import stage

PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def _tier(page: str) -> Any:
    """Mark all pages but the tutorial as slow."""
    return pytest.param(page, marks=[] if page.startswith("tutorial/") else [pytest.mark.slow])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `triggerbot`."""
    return write_program(tmp_path_factory.mktemp("program"))


@pytest.mark.parametrize("page", [_tier(page) for page in PAGES if any(True for _ in read(DOCS / page))])
def test_what_a_page_says_comes_true(page: str, tmp_path: Path, program: Path) -> None:
    """A page is read from its first block to its last."""
    with stage(page, tmp_path) as made, Reader(made, program) as reader:
        for part in read(DOCS / page):
            try:
                reader.do(part)
            except Exception as error:
                raise AssertionError(f"docs/{page}:{part.line}: {error}") from error
        for check in made.checks:
            check()


def _not_run() -> Iterator[tuple[str, Block]]:
    for page in PAGES:
        yield from ((page, part) for part in read(DOCS / page) if isinstance(part, Block) and "not run" in part.notes)


def test_little_is_left_alone() -> None:
    """Blocks that cannot be executed are few, and each says why."""
    left = list(_not_run())

    assert all(part.notes["not run"] for _, part in left)
    assert len(left) <= 4, [(page, part.line) for page, part in left]
