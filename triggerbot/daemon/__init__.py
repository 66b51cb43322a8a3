"""The running service: one process, or several under a supervisor."""
