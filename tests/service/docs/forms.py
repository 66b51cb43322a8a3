"""Whether two pieces of JSON are of the same form, so that an example in a page is what one really gets."""

from collections.abc import Iterator
from typing import Any

#: A key that stands for further ones.
MORE = "…"


def differences(told: Any, real: Any, where: str = "$") -> Iterator[str]:
    """Name where they differ: in their keys, or in the types of values. Nothing is known of what is null or empty."""
    match told, real:
        case (None, _) | (_, None):
            return
        case dict(), dict():
            keys = set(told) - {MORE}
            if told and real and (keys - set(real) or (MORE not in told and set(real) - keys)):
                yield f"{where}: told {sorted(keys)}, real {sorted(real)}"
            for key in set(told) & set(real):
                yield from differences(told[key], real[key], f"{where}.{key}")
        case list(), list():
            if told and real:
                yield from differences(told[0], real[0], f"{where}[0]")
        case _:
            if _sort(told) != _sort(real):
                yield f"{where}: told {told!r}, real {real!r}"


def _sort(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
