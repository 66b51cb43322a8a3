"""Dead letters, crashes, cursors, and purging of what is older than the retention."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from triggerbot.core.model import Push
from triggerbot.store import heads, limits, queues, ran, sessions, statistics
from triggerbot.store.documents import dump, encode, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.names import LETTERS, PROJECTS, RECENT, UNPACKED, join, push_of
from triggerbot.store.records import CRASHES_MAX, DELIVERY_KEPT, LETTERS_MAX, Crash, DeadLetter, in_order

#: The document with the number of the last dead letter; they are indexed by their numbers.
_LAST = Doc("letters", "")
_CRASHES = Doc("crashes", "")
#: Pushes that one transaction deletes, or packs, so that it never holds others up for long.
_PURGED, _PACKED = 2, 2
_EVERYTHING = 1_000_000


def cursor(view: Reader, name: str) -> str | None:
    """Read the cursor of an intake."""
    found = view.get([Doc(join("cursor", name), "")])[0]
    return None if found is None else load(str, found)


def _letter(number: int) -> Doc:
    return Doc(join("letter", str(number)), "")


def add_dead_letters(transaction: Transaction, letters: Sequence[DeadLetter]) -> None:
    """Store messages that could not be handled; the oldest make room."""
    found = transaction.get([_LAST])[0]
    last = 0 if found is None else load(int, found)
    for letter in letters:
        last += 1
        transaction.put(_letter(last), dump(replace(letter, id=last)))
        transaction.rank(LETTERS, str(last), float(last))
    transaction.put(_LAST, encode(last))
    for _, old in transaction.first(LETTERS, _EVERYTHING, most=float(last - LETTERS_MAX)):
        _drop(transaction, int(old))


def restore_letter(transaction: Transaction, letter: DeadLetter) -> None:
    """Write a dead letter as an earlier version stored it."""
    transaction.put(_letter(letter.id), dump(letter))
    transaction.rank(LETTERS, str(letter.id), float(letter.id))


def restore_last_letter(transaction: Transaction, number: int) -> None:
    """Write the number of the last dead letter ever."""
    transaction.put(_LAST, encode(number))


def _drop(transaction: Transaction, number: int) -> None:
    transaction.drop(_letter(number).part)
    transaction.rank(LETTERS, str(number), None)


def dead_letters(view: Reader, limit: int) -> list[DeadLetter]:
    """List the oldest dead letters."""
    docs = [_letter(int(name)) for _, name in view.first(LETTERS, limit)]
    return [load(DeadLetter, data) for data in view.get(docs) if data is not None]


def count_dead_letters(view: Reader) -> int:
    """Count the dead letters."""
    return view.size(LETTERS)


def drop_dead_letters(transaction: Transaction, ids: Sequence[int]) -> int:
    """Delete dead letters; returns how many existed."""
    transaction.get([_LAST])
    wanted = dict.fromkeys(ids)
    found = [one for one, data in zip(wanted, transaction.get([_letter(one) for one in wanted]), strict=True) if data]
    for one in found:
        _drop(transaction, one)
    return len(found)


def add_crashes(transaction: Transaction, crashes: Sequence[Crash]) -> None:
    """Store crashes of workers; the oldest make room."""
    found = transaction.get([_CRASHES])[0]
    known = [] if found is None else load(list[Crash], found)
    transaction.put(_CRASHES, encode([*known, *crashes][-CRASHES_MAX:]))


def restore_crashes(transaction: Transaction, crashes: Sequence[Crash]) -> None:
    """Write crashes as an earlier version stored them, oldest first."""
    transaction.put(_CRASHES, encode(list(crashes)))


def crashes(view: Reader, limit: int) -> list[Crash]:
    """List the crashes of workers, newest first; those that died together in the order of their deaths."""
    found = view.get([_CRASHES])[0]
    known = [] if found is None else load(list[Crash], found)
    return in_order(known[::-1][:limit])


def purge(run: Callable[[Callable[[Transaction], int]], int], before: float, quiet: float) -> int:
    """Delete pushes without events since then, and whatever else is old; returns how many pushes.

    `quiet`: pushes without events since then are packed.
    """
    statistics.count(run)
    run(lambda transaction: _purge_others(transaction, before))
    while run(lambda transaction: queues.purge_groups(transaction, before, _PURGED)) == _PURGED:
        pass
    deleted = 0
    while (some := run(lambda transaction: _purge_pushes(transaction, before))) > 0:
        deleted += some
    while run(lambda transaction: _pack_pushes(transaction, quiet)) == _PACKED:
        pass
    return deleted


def _pack_pushes(transaction: Transaction, quiet: float) -> int:
    parts = [part for _, part in transaction.first(UNPACKED, _PACKED, most=quiet)]
    book = Book(transaction)
    book.load(map(push_of, parts))
    for part in parts:
        ledger = book.ledger(push_of(part))
        transaction.rank(UNPACKED, part, None)
        if ledger.stored is not None and not ledger.stored.packed:
            ledger.pack(transaction)
    return len(parts)


def _purge_others(transaction: Transaction, before: float) -> int:
    limits.purge_breakers(transaction, before)
    limits.purge_sent(transaction, before)
    heads.purge(transaction, before)
    sessions.purge(transaction, before)
    statistics.purge(transaction, before)
    ran.purge(transaction, [project for _, project in transaction.first(PROJECTS, _EVERYTHING)], before)
    for index in ("commands", "settled"):
        # Including commands that were never settled.
        queues.purge_commands(transaction, index, before - DELIVERY_KEPT, _EVERYTHING)
    return 0


def _purge_pushes(transaction: Transaction, before: float) -> int:
    # More than are deleted, for those that are still due stay, and are the first each time.
    found = transaction.first(RECENT, 500, most=before)
    book, gone = Book(transaction), list[Push]()
    pushes = [push_of(part) for at, part in found if at < before]
    for number, push in enumerate(pushes):
        if number % _PURGED == 0:
            book.load(pushes[number : number + _PURGED])
        ledger = book.ledger(push)
        if ledger.stored is None or ledger.stored.due is not None:
            continue
        statistics.forget(transaction, ledger)
        ledger.delete(transaction)
        gone.append(push)
        if len(gone) >= _PURGED:
            break
    for project in {push.project for push in gone}:
        if not transaction.first(join(RECENT, project.lower()), 1):
            transaction.rank(PROJECTS, project, None)
    return len(gone)
