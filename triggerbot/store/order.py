"""Pushes of a branch in push order (see `core.branch.order`), and what follows when one takes its place late.

A push of which no time is known is listed, but comes before none and after none: nothing is held against it.
"""

from collections.abc import Iterator

from triggerbot.core.branch.order import Position
from triggerbot.core.model import Push
from triggerbot.store.documents import NO_PLACE, StoredPush, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import PUSH, based_index, branch_index, part_of, push_of

#: Pushes of a branch that are looked at for the one before or after; pushes that are told of one that came late.
_NEAR_MAX, _FOLLOWERS_MAX = 20, 200


def nowhere(branch: str) -> str:
    """Return what pushes rest on, in place of a revision, that no known push of a branch comes before."""
    return f"before {branch}"


def place(stored: StoredPush) -> Position | None:
    """Return where a push stands; `None` if no time is known of it."""
    return None if stored.place <= NO_PLACE else Position(stored.place, stored.push.revision)


def before(view: Reader, push: Push, position: Position, most: int = _NEAR_MAX) -> Iterator[Push]:
    """Yield pushes of a push's branch that were made before a position, newest first."""
    index = branch_index(push)
    for at, part in view.first(index, most, least=NO_PLACE, most=position.at, descending=True):
        other = push_of(part)
        if at > NO_PLACE and Position(at, other.revision) < position:
            yield other


def after(view: Reader, push: Push, position: Position) -> Iterator[Push]:
    """Yield pushes of a push's branch that were made after a position, oldest first."""
    for at, part in view.first(branch_index(push), _NEAR_MAX, least=position.at):
        other = push_of(part)
        if at > NO_PLACE and Position(at, other.revision) > position:
            yield other


def previous(view: Reader, push: Push) -> Push | None:
    """Find the previous push of the same branch, in push order."""
    own = view.get([Doc(part_of(push), PUSH)])[0]
    position = None if own is None else place(load(StoredPush, own))
    return None if position is None else next(before(view, push, position), None)


def earlier(view: Reader, push: Push, limit: int) -> list[Push]:
    """List pushes of the same branch that were made before a push, newest first: so many at most.

    A fork's branch of that name is another: of a push of a fork none is listed.
    """
    own = view.get([Doc(part_of(push), PUSH)])[0]
    stored = None if own is None else load(StoredPush, own)
    position = None if stored is None or stored.fork else place(stored)
    if position is None:
        return []
    pushes = list(before(view, push, position, 2 * limit))
    heads = view.get([Doc(part_of(one), PUSH) for one in pushes])
    found = ((one, load(StoredPush, data)) for one, data in zip(pushes, heads, strict=True) if data is not None)
    return [one for one, head in found if not head.fork][:limit]


def newest(view: Reader, push: Push, limit: int) -> list[StoredPush]:
    """Read the newest pushes of a push's branch, in push order; a fork's branch of that name is another."""
    parts = [part for _, part in view.first(branch_index(push), 2 * limit, least=NO_PLACE, descending=True)]
    found = (load(StoredPush, data) for data in view.get([Doc(part, PUSH) for part in parts]) if data is not None)
    return [stored for stored in found if not stored.fork and place(stored) is not None][:limit]


def settle(transaction: Transaction, book: Book, ledger: Ledger, now: float) -> None:
    """Have those pushes judged again that a push stands before, now that it has its place.

    That is the next push of its branch, and those later ones whose verdicts rest on what came before it; of a push
    that was elsewhere before also those that it stood before there.
    """
    position = place(ledger.head)
    if position is None or ledger.head.placed == position.at:
        return
    was = [] if ledger.head.placed is None else [position._replace(at=ledger.head.placed)]
    ledger.head.placed = position.at
    followers = list(dict.fromkeys(_after(transaction, ledger.push, [position, *was])))
    book.load(followers)
    for push in followers:
        stored = book.ledger(push).stored
        other = None if stored is None else place(stored)
        if stored is not None and stored.judged and other is not None and other > min([position, *was]):
            book.ledger(push).mark(now)


def _after(view: Reader, push: Push, positions: list[Position]) -> Iterator[Push]:
    """Yield the pushes that may have to be judged again because of a push that is, or was, at these positions."""
    # What rests on the push itself does so still, or did when it stood elsewhere.
    beside = {push.revision} if positions[1:] else set()
    for position in positions:
        earlier = next((one for one in before(view, push, position) if one != push), None)
        later = next((one for one in after(view, push, position) if one != push), None)
        beside.add(nowhere(push.branch) if earlier is None else earlier.revision)
        if later is not None:
            beside.add(later.revision)
            yield later
    for revision in sorted(beside):
        for _, part in view.first(based_index(push, revision), _FOLLOWERS_MAX, descending=True):
            if push_of(part) != push:
                yield push_of(part)
