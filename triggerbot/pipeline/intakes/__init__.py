"""Intakes, the sources of events: each receives a batch, has it observed, and only then acknowledges or moves on."""
