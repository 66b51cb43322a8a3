"""Fixtures: a house with a clock that the test moves."""

from tests.fakes.fixtures import clock, quiet
from tests.fakes.site_fixtures import ada, front, house, make_house, visitor

__all__ = ["ada", "clock", "front", "house", "make_house", "quiet", "visitor"]
