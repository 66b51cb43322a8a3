"""Reports in a channel of Slack: one message a push, details in its thread."""
