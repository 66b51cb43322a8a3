"""Dead letters, which are messages that could not be handled, and crashes of workers."""

from collections.abc import Sequence
from dataclasses import replace

from triggerbot.store.documents import dump, encode, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.names import LETTERS, join
from triggerbot.store.room import Reads, Room, Writes
from triggerbot.store.troubles import CRASHES_MAX, LETTERS_MAX, Crash, DeadLetter, in_order

#: The document with the number of the last dead letter; they are indexed by their numbers.
_LAST = Doc("letters", "")
_CRASHES = Doc("crashes", "")
_EVERYTHING = 1_000_000


def _letter(number: int) -> Doc:
    return Doc(join("letter", str(number)), "")


def add(transaction: Transaction, letters: Sequence[DeadLetter]) -> None:
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


def read(view: Reader, limit: int = 100) -> list[DeadLetter]:
    """List the dead letters, oldest first."""
    docs = [_letter(int(name)) for _, name in view.first(LETTERS, limit)]
    return [load(DeadLetter, data) for data in view.get(docs) if data is not None]


def count(view: Reader) -> int:
    """Count the dead letters."""
    return view.size(LETTERS)


def drop(transaction: Transaction, ids: Sequence[int]) -> int:
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


def crashes(view: Reader, limit: int = 20) -> list[Crash]:
    """List the crashes of workers, newest first; those that died together in the order of their deaths."""
    found = view.get([_CRASHES])[0]
    known = [] if found is None else load(list[Crash], found)
    return in_order(known[::-1][:limit])


class Letters(Room):
    """Dead letters."""

    add = Writes(add)
    read = Reads(read)
    count = Reads(count)
    drop = Writes(drop)


class Crashes(Room):
    """Crashes of workers."""

    add = Writes(add_crashes)
    read = Reads(crashes)
