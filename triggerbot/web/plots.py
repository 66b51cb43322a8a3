"""The geometry of plots: figures in, numbers for SVG out; no script draws anything. Purely."""

from collections.abc import Sequence
from typing import NamedTuple

#: Units of the coordinates; browsers stretch them to whatever room there is.
WIDTH, HEIGHT = 1000.0, 100.0
#: Share of a column's room that stays empty between two.
_GAP = 0.2


class Box(NamedTuple):
    """A part of a column, or of a bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float


class Columns(NamedTuple):
    """Columns side by side, each stacked from several kinds."""

    boxes: list[Box]
    #: The value that the highest of them all stands for.
    top: int


def columns(rows: Sequence[Sequence[int]], kinds: Sequence[str]) -> Columns:
    """Stack the values of each row, in the order of their kinds, from the bottom."""
    top = max((sum(row) for row in rows), default=0)
    boxes: list[Box] = []
    room = WIDTH / max(1, len(rows))
    for number, row in enumerate(rows):
        bottom = HEIGHT
        for kind, value in zip(kinds, row, strict=True):
            height = HEIGHT * value / top if top else 0.0
            bottom -= height
            if height:
                boxes.append(
                    Box(
                        kind, round(room * (number + _GAP / 2), 2), round(bottom, 2), round(room * (1 - _GAP), 2),
                        round(height, 2),
                    )
                )  # fmt: skip
    return Columns(boxes, top)


def parts(values: Sequence[tuple[str, int]]) -> list[Box]:
    """Part one bar between several kinds."""
    total, x, boxes = sum(value for _, value in values), 0.0, []
    for kind, value in values:
        width = WIDTH * value / total if total else 0.0
        if width:
            boxes.append(Box(kind, round(x, 2), 0.0, round(width, 2), HEIGHT))
        x += width
    return boxes


def percent(value: float, of: float) -> str:
    """Write a share as a length of SVG."""
    return f"{100 * value / of:.1f}%" if of else "0%"
