"""The daemon's HTTP side: webhooks in, the API, metrics and health out."""
