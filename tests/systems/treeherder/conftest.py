"""A Treeherder for each test."""

from collections.abc import Iterator

import pytest

from tests.fakes.fixtures import clock, make_world, quiet, rule
from tests.fakes.treeherder import FakeTreeherder
from tests.systems.treeherder.jobs import OPENED

__all__ = ["clock", "make_world", "quiet", "rule"]


@pytest.fixture
def treeherder() -> Iterator[FakeTreeherder]:
    """Serve an empty Treeherder."""
    with FakeTreeherder() as fake:
        yield fake
    assert fake.unknown == []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close all clients after a test."""
    yield
    while OPENED:
        OPENED.pop().close()
