"""What hostile senders, names and answers come to; `python -m tests.hostile` tries a million webhooks."""
