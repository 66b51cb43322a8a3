"""What the simulations share."""

from tests.fakes.fixtures import quiet

__all__ = ["quiet"]
