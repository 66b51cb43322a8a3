"""What hostile senders, names and answers come to; `python -m tests.service.hostile` tries a million webhooks."""
