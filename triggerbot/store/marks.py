"""Marks of running processes: a process that ends in good order takes its mark away, one that is killed cannot.

Whoever finds the mark of a process that is gone records its crash in the same transaction in which the mark goes, so
that of several replicas one does.
"""

from dataclasses import dataclass

from triggerbot.store import letters
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.room import Reads, Room, Writes
from triggerbot.store.troubles import Crash

_PART = "running"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a running process says of itself. Times are Unix times (s) unless they say otherwise."""

    id: str
    #: Its name in crashes, host/number.
    worker: str
    pid: int
    #: When the process began, by the kernel's count (proc(5)): another process with its id began at another time.
    began: int
    #: Its PID namespace, without which an id says nothing; its machine's boot (boot_id).
    namespace: str
    boot: str
    started: float
    #: Its last sign of life, also in seconds since that boot.
    seen: float
    seen_up: float
    #: Where the interpreter writes what it dies of, and the number of that file (inode): a copy has another one.
    file: str = ""
    inode: int = 0


def put(transaction: Transaction, mark: Mark) -> None:
    """Write the mark of a process, or its sign of life."""
    transaction.put(Doc(_PART, "", mark.id), dump(mark))


def every(view: Reader) -> list[Mark]:
    """Read all marks."""
    return [load(Mark, data) for _, data in sorted(view.all(_PART, "").items())]


def settle(transaction: Transaction, mark: str, crash: Crash | None) -> bool:
    """Take a mark away, and record the crash of its process, if it was one; return false if it is gone already."""
    doc = Doc(_PART, "", mark)
    if transaction.get([doc])[0] is None:
        return False
    transaction.put(doc, None)
    if crash is not None:
        letters.add_crashes(transaction, [crash])
    return True


def forget(transaction: Transaction) -> None:
    """Take all marks away: a copy is not what those processes worked on."""
    transaction.drop(_PART)


class Marks(Room):
    """Marks of running processes."""

    put = Writes(put)
    every = Reads(every)
    settle = Writes(settle)
