"""Rows of a branch's grid from letters, newest first, as people write them down."""

from triggerbot.core.branch.cells import Cell, CellKind, failed
from triggerbot.core.branch.streaks import Row

KINDS = {kind.letter: kind for kind in CellKind}


def row(letters: str, *lines: str, job: str = "job") -> Row:
    """Make a row from letters; `lines`: what each of its failures says, in order, nothing if left out."""
    said = iter(lines)
    return Row(
        job,
        tuple(
            failed([next(said, "")]) if letter == "F" else Cell(KINDS[letter]) for letter in letters.replace(" ", "")
        ),
    )


def revisions(letters: str) -> list[str]:
    """Return the revisions of a row: `r0` is the newest."""
    return [f"r{number}" for number, _ in enumerate(letters.replace(" ", ""))]
