"""How fast triggerbot is, and how much memory it takes: `make bench`. Nothing here asserts a time."""
