"""Foreign text made fit for a message: printable, short, and not at all where it may be a secret."""

from typing import Any

#: Characters; enough to recognise what was written.
_SHOWN_MAX = 60


def printable(text: str, most: int = 200) -> str:
    """Escape what could disturb a terminal or cannot be encoded, and cut what is too long."""
    cut = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in cut)


def shown(value: Any, *, secret: bool = False) -> str:
    """Say in words what was written, as in `got text 'x'`; the content of a secret is never part of it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number" if secret else f"the number {value}"
    if isinstance(value, str):
        return "text" if secret else f"text '{printable(value, _SHOWN_MAX)}'"
    return "a list" if isinstance(value, tuple | list) else "a mapping"
