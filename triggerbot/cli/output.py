"""Output for people and for programs; foreign text is escaped before it reaches a terminal.

Tables are in `tables`, so that a command which prints only lines does not import rich.
"""

import json
import os
import sys
from typing import Any

from triggerbot.core.formatting import duration, moment, plain, plural

__all__ = ["duration", "moment", "plain", "plural", "say", "say_json", "styled"]

#: The words of a style -> ANSI's codes.
_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36}
_COLOURS_FROM = 30


def say(line: str = "", style: str = "") -> None:
    """Print a line on stdout; styled only on a terminal."""
    sys.stdout.write(styled(line, style) + "\n")


def styled(part: str, style: str) -> str:
    """Style a part of a line, such as `bold red`, if stdout is a terminal; without colours with NO_COLOR."""
    if not style or not sys.stdout.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
        return part
    least = _COLOURS_FROM if os.environ.get("NO_COLOR") else 1000
    codes = [str(_CODES[word]) for word in style.split() if _CODES[word] < least]
    return f"\x1b[{';'.join(codes)}m{part}\x1b[0m" if codes else part


def say_json(value: Any) -> None:
    """Print a value as JSON on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")
