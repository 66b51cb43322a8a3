"""The newcomer's first minute: a made-up CI in a process of its own, and the real daemon beside it."""
