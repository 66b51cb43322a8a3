"""Keeps the documentation correct: generated pages, and a test of every command and config in it."""
