"""What the simulations share."""

from fakes.fixtures import quiet

__all__ = ["quiet"]
