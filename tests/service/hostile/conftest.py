"""A target for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.fixtures import quiet
from tests.service.hostile.target import Target

__all__ = ["quiet"]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """Provide a target without a network."""
    made = Target(tmp_path)
    yield made
    made.close()


@pytest.fixture
def port(target: Target) -> Iterator[int]:
    """Serve the target; yield the port."""
    with target.served() as port:
        yield port
