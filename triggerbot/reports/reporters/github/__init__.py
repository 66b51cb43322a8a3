"""Reports at GitHub: check runs, commit statuses and comments."""
