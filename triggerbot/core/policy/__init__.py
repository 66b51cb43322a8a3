"""Policy: what may be retriggered, when, and in how many requests."""
