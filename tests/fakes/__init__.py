"""Fakes with state, for tests of everything."""
