"""Fixtures of the tests of commands as processes."""

from tests.fakes.command_bench import bench

__all__ = ["bench"]
