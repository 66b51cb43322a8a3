"""Fixtures around the site: a house to visit, with a clock that the test moves."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.site import Front, House, Person


@pytest.fixture(scope="session")
def front() -> Iterator[Front]:
    """Run the server from the first test to the last."""
    with Front() as made:
        yield made


@pytest.fixture
def make_house(tmp_path: Path, front: Front) -> Iterator[Callable[..., House]]:
    """Return a function that makes houses, all closed at the end."""
    with ExitStack() as stack:

        def make(**more: Any) -> House:
            directory = more.pop("directory", None) or tmp_path / f"house-{len(list(tmp_path.iterdir()))}"
            directory.mkdir(exist_ok=True)
            return stack.enter_context(House(directory, front, **more))

        yield make


@pytest.fixture
def house(make_house: Callable[..., House], clock: Callable[[], float]) -> House:
    """A house that takes a token."""
    return make_house(clock=clock)


@pytest.fixture
def visitor(house: House) -> Iterator[Person]:
    """A person who has not logged in."""
    with Person(house) as person:
        yield person


@pytest.fixture
def ada(house: House) -> Iterator[Person]:
    """A person who has logged in."""
    with Person(house) as person:
        person.log_in("ada")
        yield person
