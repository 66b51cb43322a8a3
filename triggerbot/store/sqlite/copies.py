"""Copies of a file: one that `triggerbot backup` made is recognised when it is opened in the store's place."""

from dataclasses import dataclass

from triggerbot.core.event_json import format_time
from triggerbot.store import marks
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.records import Distrust

_COPIED = Doc("copied", "")
_DISTRUST = Doc("distrust", "")


@dataclass(frozen=True, slots=True)
class _Copy:
    """What a copy says of itself."""

    made: float


def mark(transaction: Transaction, now: float) -> None:
    """Mark a file as a copy, of which no process that runs now will take its own mark away."""
    marks.forget(transaction)
    transaction.put(_COPIED, dump(_Copy(now)))


def made(view: Reader) -> float | None:
    """Return when a file was made as a copy; `None` if it is none, or a daemon works on it since."""
    found = view.get([_COPIED])[0]
    return None if found is None else load(_Copy, found).made


def distrust(view: Reader) -> Distrust | None:
    """Return since when and why the file is distrusted, if it is."""
    found = view.get([_DISTRUST])[0]
    return None if found is None else load(Distrust, found)


def recognise(transaction: Transaction, now: float) -> None:
    """Distrust a copy from now on: what was asked for since it was made is missing in it."""
    made = transaction.get([_COPIED])[0]
    if made is not None:
        why = f"it is a copy made at {format_time(load(_Copy, made).made)}"
        transaction.put(_DISTRUST, dump(Distrust(now, why)))
        transaction.put(_COPIED, None)
