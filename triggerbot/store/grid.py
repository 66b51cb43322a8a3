"""What a push shows along its branch, kept as it was judged: a branch is read at once, without its jobs and runs."""

import zlib
from collections.abc import Sequence

import msgspec

from triggerbot.core.branch.cells import Cell, CellKind, Shown
from triggerbot.store.documents import encode
from triggerbot.store.engine import Doc, Transaction
from triggerbot.store.names import GRID

#: Characters of a failure line, which is there to be read only.
_LINE_MAX = 500
_KINDS = {kind.letter: kind for kind in CellKind}


class _Failed(msgspec.Struct, array_like=True, omit_defaults=True):
    """A failure at a push; `name` is empty if it is the job's."""

    job: str
    name: str
    shapes: tuple[str, ...] = ()
    line: str = ""
    tests: tuple[str, ...] = ()
    tests_known: bool = False


class _Stored(msgspec.Struct, omit_defaults=True):
    #: By letter: the jobs, and their names where those are others.
    plain: dict[str, list[str]] = msgspec.field(default_factory=dict)
    names: dict[str, str] = msgspec.field(default_factory=dict)
    failed: list[_Failed] = msgspec.field(default_factory=list)


_decoder = msgspec.msgpack.Decoder(_Stored)


def put(transaction: Transaction, part: str, shown: Sequence[Shown]) -> None:
    """Write what a push shows."""
    transaction.put(Doc(part, GRID), _dump(shown))


def _dump(shown: Sequence[Shown]) -> bytes:
    stored = _Stored()
    for job, name, cell in shown:
        own = "" if name == job else name
        if cell.kind is CellKind.FAILED:
            stored.failed.append(
                _Failed(job, own, cell.shapes, cell.line[:_LINE_MAX], tuple(sorted(cell.tests)), cell.tests_known)
            )
            continue
        stored.plain.setdefault(cell.kind.letter, []).append(job)
        if own:
            stored.names[job] = own
    return zlib.compress(encode(stored))


def load(data: bytes) -> list[Shown]:
    """Read what a push shows."""
    stored = _decoder.decode(zlib.decompress(data))
    found = [
        Shown(one.job, one.name or one.job, Cell(CellKind.FAILED, one.shapes, one.line, frozenset(one.tests),
                                                tests_known=one.tests_known))
        for one in stored.failed
    ]  # fmt: skip
    for letter, jobs in stored.plain.items():
        # A letter of a newer version proves nothing to this one.
        cell = Cell(_KINDS.get(letter, CellKind.UNPROVED))
        found += [Shown(job, stored.names.get(job, job), cell) for job in jobs]
    return found
