"""Values and decisions. Pure: no I/O, no clock, no randomness, nothing of the packages above."""
