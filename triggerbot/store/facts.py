"""What is learned of a push besides its events: its facts, failure lines, and metadata of reports."""

from collections.abc import Iterable

from triggerbot.core.model import Push, RunKey
from triggerbot.store.documents import encode, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.names import METADATA, PUSH, part_of
from triggerbot.store.room import Reads, Room, Writes


def put_off(transaction: Transaction, push: Push, due: float | None) -> None:
    """Postpone fetching a push's facts (`None`: for good)."""
    book = Book(transaction)
    ledger = book.ledger(push)
    if ledger.stored is not None:
        # Another process may have learned them meanwhile.
        ledger.head.facts_due = due if ledger.head.asks is None else None
        ledger.head.facts_tries += 1
        book.save(transaction)


def add_failure_lines(
    transaction: Transaction, push: Push, job: str, run: tuple[str, int], lines: Iterable[str]
) -> None:
    """Append failure lines to a run, without duplicates; an unknown run is ignored."""
    book = Book(transaction)
    ledger = book.ledger(push)
    key = ledger.key(job)
    found = None if ledger.stored is None else ledger.job(key)
    place = None if found is None else found.place(RunKey(*run))
    if place is not None:
        changed = ledger.change_job(key)
        known = changed.runs[place]
        changed.runs[place] = known | {"failures": list(dict.fromkeys((*known.get("failures", ()), *lines)))}
        book.save(transaction)


def metadata(view: Reader, push: Push) -> dict[str, str]:
    """Read the metadata of a push."""
    return {name: load(str, data) for name, data in view.all(part_of(push), METADATA).items()}


def set_metadata(transaction: Transaction, push: Push, name: str, value: str) -> None:
    """Set one entry of a push's metadata, unless the push was deleted."""
    part = part_of(push)
    if transaction.get([Doc(part, PUSH)])[0] is not None:
        transaction.put(Doc(part, METADATA, name), encode(value))


class Facts(Room):
    """What is learned of a push besides its events."""

    put_off = Writes(put_off)
    add_failure_lines = Writes(add_failure_lines)
    metadata = Reads(metadata)
    set_metadata = Writes(set_metadata)
