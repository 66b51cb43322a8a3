"""What holds the documentation true: its generated pages, and a test of every command and config in it."""
