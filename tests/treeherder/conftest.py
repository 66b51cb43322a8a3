"""A Treeherder for each test."""

from collections.abc import Iterator

import pytest
from fake_treeherder import FakeTreeherder
from fakes.fixtures import clock, make_world, quiet, rule

__all__ = ["clock", "make_world", "quiet", "rule"]


@pytest.fixture
def treeherder() -> Iterator[FakeTreeherder]:
    """Serve a Treeherder that knows nothing yet."""
    with FakeTreeherder() as fake:
        yield fake
