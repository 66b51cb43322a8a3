"""What the tests of commands as processes begin with."""

from tests.fakes.command_bench import bench

__all__ = ["bench"]
