"""What the tests of the core share."""

from tests.fakes.fixtures import ci, clock, make_world, quiet, rule, world

__all__ = ["ci", "clock", "make_world", "quiet", "rule", "world"]
