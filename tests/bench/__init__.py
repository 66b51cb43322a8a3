"""How fast triggerbot is, and how much memory it takes: `make bench`. No benchmark asserts a time."""
