"""What may be retriggered, when, and in how many requests."""
