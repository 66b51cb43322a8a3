"""A Treeherder for each test."""

from collections.abc import Iterator

import pytest

from tests.fakes.fixtures import clock, make_world, quiet, rule
from tests.fakes.treeherder import FakeTreeherder

__all__ = ["clock", "make_world", "quiet", "rule"]


@pytest.fixture
def treeherder() -> Iterator[FakeTreeherder]:
    """Serve a Treeherder that knows nothing yet."""
    with FakeTreeherder() as fake:
        yield fake
