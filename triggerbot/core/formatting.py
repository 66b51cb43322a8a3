"""Formatting of times, durations, counts, lists and foreign text for people: the same wherever they read it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

_DAY = 86_400
_UNITS = (("d", _DAY), ("h", 3600), ("min", 60))
#: Names shown of a list that may be long.
_SOME = 5


def moment(seconds: float | None) -> str:
    """Format a time as `2026-11-20 19:31:02Z`, always in UTC."""
    if seconds is None:
        return "at an unknown time"
    day, second = divmod(int(seconds), _DAY)
    minute, second = divmod(second, 60)
    return f"{_date(day)} {minute // 60:02}:{minute % 60:02}:{second:02}Z"


@lru_cache(maxsize=256)
def _date(day: int) -> str:
    """Format a day (days since the epoch); cached, for thousands of times on a page share a few days."""
    return datetime.fromtimestamp(day * _DAY, UTC).strftime("%Y-%m-%d")


def duration(seconds: float) -> str:
    """Format a duration in seconds roughly: `40 s`, `5 min`, `2.5 h`."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def hours(seconds: float) -> str:
    """Format a period of hours as people say it, also beyond a day: `26 h`; a shorter one as a duration."""
    return f"{round(seconds / 3600, 1):,g} h" if seconds >= 3600 else duration(seconds)


def plural(number: int, one: str, many: str = "") -> str:
    """Format a count with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def capital(words: str) -> str:
    """Capitalise the first letter only: the rest may be a person's own words."""
    return words[:1].upper() + words[1:]


def some(names: Sequence[str]) -> str:
    """Format the first names of a list: `a, b, c, d, e and 15 more`."""
    more = len(names) - _SOME
    return ", ".join(names[:_SOME]) + (f" and {more} more" if more > 0 else "")


def plain(text: str) -> str:
    """Escape what cannot be printed in foreign text, which a terminal could take for a command."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def plain_lines(text: str) -> str:
    """Escape foreign text of several lines, line by line."""
    return "\n".join(map(plain, text.split("\n")))
