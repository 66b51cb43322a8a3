"""What people ask for: claims of their own, recorded at once."""

from collections.abc import Sequence

from triggerbot.core.claim import Claim
from triggerbot.core.model import Push
from triggerbot.store import actions, observe
from triggerbot.store.actions import Action
from triggerbot.store.documents import run_of
from triggerbot.store.engine import Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.records import Cap


def ask(
    transaction: Transaction, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float,
    action: Action | None = None,
) -> Claim | None:  # fmt: skip
    """Record a person's request as a claim of its own, with the action; `None` if no run of the job is known."""
    book = Book(transaction)
    ledger = book.ledger(push)
    key = ledger.key(job)
    found = None if ledger.stored is None else ledger.job(key)
    if found is None or not found.runs:
        return None
    if origin not in found.claims:
        observe.make_claim(ledger, key, run_of(found.runs[-1], key).key, origin, dry, now, count)
    claim = ledger.claim(found.claims[origin])
    value = None if claim is None else ledger.value(claim)
    actions.add(transaction, action)
    book.save(transaction)
    return value


def ask_within(
    transaction: Transaction, push: Push, jobs: Sequence[str], count: int, origin: str, *, dry: bool, now: float,
    cap: Cap | None, action: Action | None = None,
) -> int | None:  # fmt: skip
    """Record requests for several jobs, all or none: if they would exceed a cap, return what it leaves."""
    book = Book(transaction)
    ledger = book.ledger(push)
    if cap is not None:
        book.load(cap.pushes)
        used = sum(
            claim.wanted
            for one in map(book.ledger, cap.pushes)
            if one.stored is not None
            for claim in one.all_claims()
            # What the same request recorded before counts once.
            if claim.origin.startswith(cap.origins) and not (claim.origin == origin and one.push == push)
        )
        if used + count * len(jobs) > cap.most:
            return max(0, cap.most - used)
    for job in jobs:
        key = ledger.key(job)
        found = None if ledger.stored is None else ledger.job(key)
        if found is not None and found.runs and origin not in found.claims:
            observe.make_claim(ledger, key, run_of(found.runs[-1], key).key, origin, dry, now, count)
    actions.add(transaction, action)
    book.save(transaction)
    return None
