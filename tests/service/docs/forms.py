"""Compares the form of two pieces of JSON, so that examples in pages match real answers."""

from collections.abc import Iterator
from typing import Any

#: A key that stands for further ones.
MORE = "…"


def differences(documented: Any, real: Any, where: str = "$") -> Iterator[str]:
    """Yield where they differ in keys or in types of values; null and empty values match anything."""
    match documented, real:
        case (None, _) | (_, None):
            return
        case dict(), dict():
            keys = set(documented) - {MORE}
            if documented and real and (keys - set(real) or (MORE not in documented and set(real) - keys)):
                yield f"{where}: told {sorted(keys)}, real {sorted(real)}"
            for key in set(documented) & set(real):
                yield from differences(documented[key], real[key], f"{where}.{key}")
        case list(), list():
            if documented and real:
                yield from differences(documented[0], real[0], f"{where}[0]")
        case _:
            if _sort(documented) != _sort(real):
                yield f"{where}: told {documented!r}, real {real!r}"


def _sort(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
