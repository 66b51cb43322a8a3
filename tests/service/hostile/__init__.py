"""Tests of hostile senders, names and answers; `python -m tests.service.hostile` tries a million webhooks."""
