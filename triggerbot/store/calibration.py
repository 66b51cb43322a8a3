"""Claiming samples, to measure verdicts; see `core.policy.calibration`."""

from collections.abc import Sequence

from triggerbot.core.claim import CALIBRATION
from triggerbot.core.model import Push
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.calibration import Sample
from triggerbot.store import observe
from triggerbot.store.documents import StoredJob, run_of
from triggerbot.store.engine import Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.room import Room, Writes


def ask(
    transaction: Transaction, push: Push, samples: Sequence[Sample], budget: Budget, *, dry: bool, now: float
) -> int:
    """Claim samples of a push, each job once for ever, as far as the budget goes; return how many were claimed.

    They have the budget of the push once more, for themselves: a measurement must not have a failure refused, and a
    refusal for the budget could never be measured otherwise.
    """
    book = Book(transaction)
    ledger = book.ledger(push)
    if ledger.stored is None:
        return 0
    used, made = sum(_is_sampled(job) for job in ledger.jobs().values()), 0
    for sample in samples:
        job = ledger.job(sample.job)
        if job is None or not job.runs or _is_sampled(job) or not budget.allows(used + made, ledger.head.jobs):
            continue
        run = run_of(job.runs[-1], sample.job).key
        observe.make_claim(ledger, sample.job, run, sample.origin, dry, now, sample.measured.runs)
        made += 1
    book.save(transaction)
    return made


def _is_sampled(job: StoredJob) -> bool:
    return any(origin.startswith(CALIBRATION) for origin in job.claims)


class Calibrations(Room):
    """Measuring verdicts."""

    ask = Writes(ask)
