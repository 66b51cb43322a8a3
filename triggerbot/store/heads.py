"""Marks of branches: what was told of their newest commits (see `core.heads`)."""

from collections.abc import Sequence

from triggerbot.core import heads
from triggerbot.core.claim import ClaimState
from triggerbot.core.heads import DEFAULT, MARKS_MAX, Told
from triggerbot.core.model import Branch, Head, Push
from triggerbot.store.documents import encode, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.names import Queue, branch_index, join, push_of
from triggerbot.store.records import Outcome

#: The index of branches with marks, by when the last came; pushes of a branch that are looked at, the newest.
_HEADS, _PUSHES_MAX = "heads", 1000
_UNDECIDED = (ClaimState.OPEN, ClaimState.OWED)


def _doc(place: heads.Place) -> Doc:
    return Doc(join("heads", *place), "")


def _marks(view: Reader, doc: Doc) -> dict[str, float]:
    found = view.get([doc])[0]
    return {} if found is None else load(dict[str, float], found)


def observe(transaction: Transaction, book: Book, head: Head, now: float) -> Outcome:
    """Record what is told of a branch; if that is new, the other pushes of the branch with something owed are due."""
    doc = _doc(heads.place(head.system, head.project, head.branch))
    known = _marks(transaction, doc)
    first, *more = heads.marks(head, now)
    old = known.get(first.text)
    news = old is None or (not first.least and first.at > old)
    marks = dict(known)
    for mark in (first, *more):
        at = marks.get(mark.text, mark.at)
        marks[mark.text] = min(at, mark.at) if mark.least else max(at, mark.at)
    if marks != known:
        newest = sorted(marks.items(), key=lambda one: (-one[1], one[0]))[:MARKS_MAX]
        marks = dict(newest)
        transaction.put(doc, encode(marks))
        transaction.rank(_HEADS, doc.part, newest[0][1])
    return Outcome(due=news and DEFAULT not in marks and _wake(transaction, book, head, now), news=news)


def _wake(transaction: Transaction, book: Book, head: Head, now: float) -> bool:
    """Make due what is owed at the branch's other pushes; on a default branch nothing ends by the news alone."""
    parts = [part for _, part in transaction.first(branch_index(head.push), _PUSHES_MAX, descending=True)]
    pushes = [
        push_of(part)
        for part, due in zip(parts, transaction.ranks(Queue.PUSHES, parts), strict=True)
        if due is not None
    ]
    book.load(push for push in pushes if push.revision != head.revision)
    woken = False
    for push in pushes:
        ledger = book.ledger(push)
        if push.revision == head.revision or ledger.stored is None:
            continue
        for claim in ledger.load_claims(list(ledger.stored.open)):
            if claim.state in _UNDECIDED and not claim.origin and claim.due > now:
                claim.due, woken = now, True
                ledger.put_claim(claim)
    return woken


def of_push(view: Reader, push: Push) -> tuple[Told, ...]:
    """Read what was told of a push's branch."""
    marks = _marks(view, _doc(heads.place(push.system, push.project, push.branch)))
    found = (heads.told(text, at) for text, at in marks.items())
    return tuple(one for one in found if one is not None)


def of_branches(view: Reader, branches: Sequence[Branch]) -> list[tuple[Told, ...]]:
    """Read what was told of branches, with one read."""
    docs = [_doc(heads.place(*branch)) for branch in branches]
    found = view.get(docs) if docs else []
    marks = ({} if data is None else load(dict[str, float], data) for data in found)
    return [tuple(one for text, at in own.items() if (one := heads.told(text, at)) is not None) for own in marks]


def purge(transaction: Transaction, before: float) -> None:
    """Forget the branches of which nothing was told since then."""
    for at, part in transaction.first(_HEADS, _PUSHES_MAX, most=before):
        if at < before:
            transaction.drop(part)
            transaction.rank(_HEADS, part, None)
