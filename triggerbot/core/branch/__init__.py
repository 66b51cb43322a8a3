"""What the pushes of a branch show together: their order, and the jobs that keep failing. Pure."""
