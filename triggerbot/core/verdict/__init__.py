"""Verdicts: what the runs of a push prove, and which failures are the same."""
