"""Fixtures of the tests of pages in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.fakes.fixtures import clock, quiet
from tests.fakes.site_fixtures import front, house, make_house
from tests.service.browser.chromium import browser

__all__ = ["clock", "front", "house", "make_house", "quiet"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a module: while it is driven, nothing else can run an event loop in this thread."""
    with browser() as started:
        yield started
