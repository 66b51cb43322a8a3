"""The daemon's HTTP side: webhooks in; pages, the API, metrics and health out."""
