"""The demo for newcomers: a simulated CI in a process of its own, and the real daemon beside it."""
