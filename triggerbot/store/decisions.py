"""Deciding about claims, and what a decision spends; each step is one transaction."""

from triggerbot.core import identity, proof
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause, Decision
from triggerbot.core.model import Push
from triggerbot.core.policy import elsewhere, rules, totals
from triggerbot.core.policy.budget import SPENDING, Budget, within_budget
from triggerbot.core.policy.elsewhere import NO_RUNS, Further
from triggerbot.core.policy.evidence import Weight
from triggerbot.store import observe, sampled
from triggerbot.store.documents import StoredClaim
from triggerbot.store.engine import Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import held_index, within

UNDECIDED = (ClaimState.OPEN, ClaimState.OWED)


def opened(transaction: Transaction, push: Push) -> tuple[Book, Ledger]:
    """Return the ledger of a push, and the book that saves it."""
    book = Book(transaction)
    return book, book.ledger(push)


def decide(
    transaction: Transaction,
    claim: Claim,
    decision: Decision | None,
    budget: Budget | None,
    now: float,
    *,
    further: Further = NO_RUNS,
    like: int = 0,
    lost: float | None = None,
) -> Decision | None:
    """Record a decision and, for a failure, spend budget.

    `further`: the further runs that the CI lists, by job. `like`: the claim of a job that was retriggered for the same
    failure. `lost`: the last time that the store lost something, if it ever did.
    """
    book, ledger = opened(transaction, claim.push)
    stored = None if ledger.stored is None else ledger.claim(claim.id)
    if stored is None or stored.state is not claim.state or stored.state not in UNDECIDED:
        # Another process came first: a claim never leaves a final state.
        return None
    if decision is None:
        release(transaction, ledger, stored)
        ledger.drop_claim(stored)
        ledger.mark(now)
        book.save(transaction)
        return None
    job = ledger.change_job(stored.job)
    head = ledger.head
    decision = rules.with_runs(decision, proof.count(job.all_runs(stored.job), decision.proving))
    spent = head.spent_dry if stored.dry else head.spent
    more = _spent_elsewhere(book, ledger, stored, further, lost) if decision.cause in SPENDING else 0
    # What an earlier version has spent counts as one cause each.
    causes = (head.causes_dry if stored.dry else head.causes) or spent
    decision = within_budget(decision, budget, spent, head.jobs, dry=stored.dry, causes=causes, elsewhere=more)
    decision = totals.within_total(decision, head.requested_dry if stored.dry else head.requested)
    stored.due, stored.note, stored.tries = now, decision.detail, 0
    if decision.cause is None and stored.asked:
        # What was asked for so far keeps its decision and its budget.
        stored.state = ClaimState.DONE
    else:
        stored.state = ClaimState.WOULD if stored.dry else ClaimState.OWED
        stored.state = ClaimState.REFUSED if decision.cause is None else stored.state
        stored.cause, stored.refusal, stored.wanted = decision.cause, decision.refusal, decision.count
        stored.most, stored.like = decision.most, like
        stored.known_runs = len(job.runs)
        spend(ledger, stored, spent=decision.cause in SPENDING)
        if decision.cause is Cause.REQUESTED and stored.dry:
            head.requested_dry += decision.count
        elif decision.cause is Cause.REQUESTED:
            head.requested += decision.count
    release(transaction, ledger, stored)
    ledger.put_claim(stored)
    wake_followers(ledger, stored, now)
    what = "trigger" if decision.cause is not None else sampled.refusal(stored)
    ledger.record(
        what, now, job=stored.job, run=stored.run, reason=decision.reason, text=decision.detail, count=decision.count,
        dry=stored.dry, origin=stored.origin,
    )  # fmt: skip
    book.save(transaction)
    return decision


def _spent_elsewhere(book: Book, ledger: Ledger, claim: StoredClaim, further: Further, lost: float | None) -> int:
    """Count the jobs that the CI lists with further runs, and of which the store knows nothing that explains them."""
    book.load((), {ledger.push: {identity.base(job) for job in further}})
    asked, counted = set[str](), {claim.job}
    for name in further:
        job = ledger.job(name)
        for one in () if job is None else ledger.load_claims(list(job.claims.values())):
            if one.spent and one.dry is claim.dry:
                counted.add(name)
            if one.asked or one.operation:
                asked.add(name)
    others = 0
    if lost is not None and not asked <= counted:
        # What is known of these was asked for by people, and need not be all that was asked for.
        requests = ledger.requests()
        jobs = ((name, ledger.job(name)) for name in asked - counted)
        runs = ((name, job.all_runs(name)) for name, job in jobs if job is not None)
        others = sum(bool(elsewhere.forgotten(name, found, requests, lost)) for name, found in runs)
    return elsewhere.spent(further, asked, counted) + others


def further(transaction: Transaction, claim: Claim, count: int, weight: Weight, why: str, now: float) -> Claim | None:
    """Record that more runs are wanted, beyond those asked for; `None` if another process came first."""
    book, ledger = opened(transaction, claim.push)
    stored = None if ledger.stored is None else ledger.claim(claim.id)
    if stored is None or stored.state is not ClaimState.OWED or stored.operation:
        return None
    if stored.asked != claim.asked or stored.wanted != claim.wanted or stored.asked + count > stored.most:
        return None
    stored.wanted, stored.weight, stored.note = stored.asked + count, weight, why
    ledger.put_claim(stored)
    ledger.record("trigger", now, job=stored.job, run=stored.run, reason=Cause.FAILURE, text=why, count=count)
    value = ledger.value(stored)
    book.save(transaction)
    return value


def spend(ledger: Ledger, claim: StoredClaim, *, spent: bool) -> None:
    """Count a claim against its push's budget, or no longer."""
    if claim.spent is spent:
        return
    claim.spent = spent
    head, more = ledger.head, 1 if spent else -1
    cause = 0 if claim.like else more
    if claim.dry:
        head.spent_dry, head.causes_dry = head.spent_dry + more, head.causes_dry + cause
    else:
        head.spent, head.causes = head.spent + more, head.causes + cause


def wake_followers(ledger: Ledger, claim: StoredClaim, now: float) -> None:
    """Make the claims due that wait for what becomes of one that has ended."""
    if claim.state.final:
        observe.wake(ledger, now, claim.job)


def release(transaction: Transaction, ledger: Ledger, claim: StoredClaim) -> None:
    """Take a claim out from behind what it is held behind."""
    if claim.behind:
        transaction.rank(held_index(claim.behind), within(ledger.part, str(claim.id)), None)
        claim.behind = ""
