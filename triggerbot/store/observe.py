"""Observing: recording a batch of items, and making the claims that follow from it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from operator import attrgetter

from triggerbot.core import identity, proof
from triggerbot.core.branch import order
from triggerbot.core.claim import CONTROL, Claim
from triggerbot.core.model import Batch, CommentCommand, Event, Head, Lead, Push, PushFacts, Result, RunKey, State
from triggerbot.core.policy import planning, rules
from triggerbot.core.policy.owed import is_gone
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import commands, heads, leads, sampled
from triggerbot.store.documents import (
    RUN_FIELDS,
    StoredClaim,
    StoredJob,
    StoredPush,
    StoredRun,
    encode,
    load,
    run_of,
    stored_run,
)
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import join
from triggerbot.store.records import DELIVERY_KEPT, REPEATED, Item, Notice, Observation, Outcome

#: Seconds before a push's facts are fetched: often the next message contains them.
_FACTS_DELAY = 2.0
#: Characters of a message that are stored; its options were parsed from the whole.
_MESSAGE_MAX = 16_384
#: The fields of a run that a later message may add to; the others never change, or are merged by themselves.
_MERGED = tuple(
    name
    for name in RUN_FIELDS
    if name not in ("run_id", "attempt", "state", "result", "kind", "tier", "batch", "allowed_to_fail", "tests")
)
_read_merged = attrgetter(*_MERGED)
_RANKS = {state.value: state.rank for state in State}
#: The index of webhooks by when they came.
DELIVERIES = "deliveries"


def observe(
    transaction: Transaction,
    items: Sequence[Item],
    now: float,
    dry: bool,
    cursor: tuple[str, str] | None,
    deliveries: Sequence[str],
) -> list[Outcome]:
    """Record a batch, in order. Idempotent."""
    known = _known_deliveries(transaction, deliveries, now) if any(deliveries) else frozenset()
    names = deliveries or [""] * len(items)
    book = Book(transaction)
    fresh = [item for item, name in zip(items, names, strict=True) if name not in known] if known else items
    of_leads = _read_all(transaction, book, fresh, now)
    outcomes = [
        REPEATED if name in known else _item(transaction, book, item, of_leads, now, dry)
        for item, name in zip(items, names, strict=True)
    ]
    book.save(transaction)
    if cursor is not None:
        put_cursor(transaction, *cursor)
    return outcomes


def cursor(view: Reader, name: str) -> str | None:
    """Read the cursor of an intake."""
    found = view.get([Doc(join("cursor", name), "")])[0]
    return None if found is None else load(str, found)


def _read_all(transaction: Transaction, book: Book, items: Sequence[Item], now: float) -> Iterator[Outcome]:
    """Read what is known of all items at once; records the leads among them, and returns their outcomes."""
    pushes: dict[Push, dict[str, None]] = defaultdict(dict)
    unresolved: list[Lead] = []
    for item in items:
        match item:
            case Observation():
                pushes[item.event.push][identity.base(item.event.job)] = None
            case Notice():
                pushes[item.facts.push]
            case Lead():
                unresolved.append(item)
            case CommentCommand() | Head():
                pass
    book.load(pushes, pushes)
    return iter(leads.add(transaction, unresolved, now))


def put_cursor(transaction: Transaction, name: str, value: str) -> None:
    """Move the cursor of an intake."""
    transaction.put(Doc(join("cursor", name), ""), encode(value))


def _known_deliveries(transaction: Transaction, deliveries: Sequence[str], now: float) -> frozenset[str]:
    """Return the known deliveries. Stores the others, and deletes some old ones: up to twice as many as come in."""
    names = [name for name in dict.fromkeys(deliveries) if name]
    since = now - DELIVERY_KEPT
    transaction.trim(DELIVERIES, since, 2 * len(names))
    known = []
    for name, is_new in zip(names, transaction.absent(DELIVERIES, names, since), strict=True):
        if is_new:
            transaction.rank(DELIVERIES, name, now)
        else:
            known.append(name)
    return frozenset(known)


def restore_delivery(transaction: Transaction, name: str, at: float) -> None:
    """Write a known delivery, with when it came, as an earlier version stored it."""
    transaction.rank(DELIVERIES, name, at)


def _item(
    transaction: Transaction, book: Book, item: Item, of_leads: Iterator[Outcome], now: float, dry: bool
) -> Outcome:
    """Record one item; leads are recorded together before, `of_leads` yields their outcomes."""
    match item:
        case Observation():
            return _event(book.ledger(item.event.push), item, now, dry)
        case Notice():
            return _notice(book.ledger(item.facts.push), item, now, dry)
        case Lead():
            return next(of_leads)
        case CommentCommand():
            return commands.add(transaction, item, now)
        case Head():
            return heads.observe(transaction, book, item, now)


def _event(ledger: Ledger, item: Observation, now: float, dry: bool) -> Outcome:
    event, seen = item.event, item.seen
    head = ledger.create(now)
    due = _tells(item, head) and _learn(ledger, _facts(event), item.asks, now, dry)
    if head.asks is None and seen.groups and head.facts_due is None and not head.facts_tries:
        head.facts_due = now + _FACTS_DELAY
    key = identity.place(event, ledger.kept_runs(event.job)) if event.per_batch else event.job
    if event.follows_up and not _is_known(ledger.job(key), event.run_id):
        return Outcome(asks=head.asks, due=due)
    job = ledger.job(key) or ledger.change_job(key)
    if seen.groups and job.groups != (groups := sorted(seen.groups)):
        ledger.change_job(key).groups = groups
    if event.batch and event.batch not in head.batches:
        head.batches.append(event.batch)
    news = record_run(ledger, key, job, event)
    if news:
        ledger.mark(now)
    if event.state is State.FINISHED:
        due |= wake_awaiting(ledger, now, key) if event.batch else wake(ledger, now, key)
    asked = () if head.asks is None else head.asks.rebuild
    if not (event.failed or rules.claims(seen, asked)):
        return Outcome(asks=head.asks, due=due, news=news)
    if job.calibrates(event.key):
        return Outcome(asks=head.asks, due=due, news=news)
    earlier = _earlier(ledger, job, item, asked, now, news=news)
    if earlier is None and rules.claims(seen, asked):
        make_claim(ledger, key, event.key, "", dry, now)
        return Outcome(claimed=True, asks=head.asks, due=True, news=news)
    refusal = seen.refusal
    if refusal is None and earlier is not None and seen.failed:
        refusal = rules.told(rules.repeated(earlier, head.asks))
    if news and refusal is not None:
        ledger.record("refuse", now, job=key, run=event.key, reason=refusal, dry=dry)
    return Outcome(earlier=earlier, asks=head.asks, due=due, news=news)


def _tells(item: Observation, head: StoredPush) -> bool:
    """Whether an event tells something of its push that may not be known: most do not."""
    event = item.event
    is_known = head.author is not None and (item.asks is None or head.asks is not None)
    return not is_known or event.base is not None or bool(event.parents)


def _facts(event: Event) -> PushFacts:
    return PushFacts(event.push, event.message, event.author, base=event.base, parents=event.parents)


def _earlier(
    ledger: Ledger, job: StoredJob, item: Observation, asked: Collection[str], now: float, *, news: bool
) -> Claim | None:
    """Return the claim of an event's job; one that ended only because of other jobs makes room for a new one.

    What comes of a control run causes nothing at its own push: whoever asked for it judges by that one run.
    """
    control = next((number for origin, number in job.claims.items() if origin.startswith(CONTROL)), None)
    number = job.claims.get("", control)
    stored = None if number is None else ledger.claim(number)
    if stored is None:
        return None
    earlier = ledger.value(stored)
    if rules.claims(item.seen, asked) and earlier.reopened_by(item.event.key, news=news):
        ledger.record("note", now, job=stored.job, run=item.event.key, text="heard of again: it is decided about anew")
        ledger.drop_claim(stored)
        return None
    return earlier


def _is_known(job: StoredJob | None, run_id: str) -> bool:
    return job is not None and any(run["run_id"] == run_id for run in job.runs)


def _notice(ledger: Ledger, item: Notice, now: float, dry: bool) -> Outcome:
    head = ledger.create(now)
    due = _learn(ledger, item.facts, item.asks, now, dry)
    if item.facts.settled:
        head.settled = now
        due |= wake(ledger, now)
    return Outcome(asks=head.asks, due=due)


def _learn(ledger: Ledger, facts: PushFacts, asks: PushOptions | None, now: float, dry: bool) -> bool:
    """Record facts that are not known yet; when the message becomes known, claim the jobs that it asks for.

    An author that only a fork's runs told of yields to that of the first run of the project itself.
    """
    head, news = ledger.head, False
    if head.fork and facts.own and facts.author is not None and not _has_own(head):
        head.author = None
    if head.author is None and facts.author is not None:
        head.author, news = facts.author, True
    if head.time is None and facts.time is not None:
        head.time, news = facts.time, True
    # A base may be told by the beginning of its revision; no push is its own.
    if head.base is None and facts.base is not None and not head.push.revision.startswith(facts.base):
        head.base, news = facts.base, True
    if not head.parents and facts.parents:
        head.parents, news = facts.parents, True
    if facts.fork is not None and not head.fork and head.fork != facts.fork:
        # Once one of its runs is known to be a fork's, the push stays a fork's.
        head.fork, news = facts.fork, True
    for batch in facts.batches:
        told = merge(batch, head.told.get(batch.id, Batch(batch.id)))
        if told != head.told.get(batch.id):
            head.told[batch.id], news = told, True
    first = head.asks is None and asks is not None
    if news or first:
        ledger.mark(now)
    if asks is None or not first:
        return False
    head.asks, head.message, head.facts_due = asks, (facts.message or "")[:_MESSAGE_MAX], None
    for problem in asks.problems:
        ledger.record("note", now, text=problem)
    return _claim_requested(ledger, frozenset(asks.rebuild), now, dry) if asks.rebuild else False


def _has_own(head: StoredPush) -> bool:
    """Whether a batch of the project itself is known of a push."""
    return any(batch.fork is False for batch in head.told.values())


def merge(new: Batch, old: Batch) -> Batch:
    """Return what is new of a batch, and what was known where nothing is new."""
    known = {one.name: getattr(old, one.name) for one in fields(Batch)}
    return Batch(**known | {name: own for name in known if (own := getattr(new, name)) is not None})


def _claim_requested(ledger: Ledger, asked: frozenset[str], now: float, dry: bool) -> bool:
    claimed = False
    for key, job in sorted(ledger.jobs().items()):
        wanted = [run for run in job.all_runs(key) if run.result not in rules.UNWANTED]
        if wanted and "" not in job.claims and asked.intersection(job.groups):
            make_claim(ledger, key, wanted[-1].key, "", dry, now)
            claimed = True
    return claimed


def record_run(ledger: Ledger, key: str, job: StoredJob, event: Event) -> bool:
    """Record how far a run has come, never backwards; return whether that is news."""
    ledger.head.began = order.earlier(ledger.head.began, order.start(event))
    place = job.place(event.key)
    if place is None:
        runs = ledger.change_job(key).runs
        if is_gone(event, (RunKey(run["run_id"], run["attempt"]) for run in runs)):
            runs[:] = [_gone(run, event) for run in runs]
        run = stored_run(event)
        if job.claims and sampled.comes_of(ledger, job, event):
            run["calibrates"] = True
        runs.append(run)
        return True
    known = job.runs[place]
    if _RANKS[event.state] > _RANKS[known["state"]]:
        # What the new message leaves out keeps its value.
        own = zip(_MERGED, _read_merged(event), strict=True)
        merged = known | {name: value for name, value in own if value or (value is not None and value != ())}
        merged |= {"state": event.state, "result": event.result, "kind": event.kind, "tier": event.tier}
    elif known["state"] == State.FINISHED and proof.corrects(event.result, _result(known)):
        merged = known | {"result": event.result}
    else:
        merged = known
    if event.retrigger_of is not None and merged.get("retrigger_of") is None:
        merged = merged | {"retrigger_of": event.retrigger_of}
    if event.retrigger_of is not None and known.get("retrigger_of") is None:
        merged = sampled.told(ledger, job, event, merged)
    if event.needs and list(event.needs) != list(known.get("needs", ())):
        # A CI may say only when it is asked what a job needs.
        merged = merged | {"needs": event.needs}
    if event.tests is not None:
        merged = _with_tests(merged, key, event)
    if event.allowed_to_fail:
        merged = merged | {"allowed_to_fail": True}
    if merged == known:
        return False
    ledger.change_job(key).runs[place] = merged
    return True


def _with_tests(run: StoredRun, key: str, event: Event) -> StoredRun:
    """Return a run with the tests that an event tells of, and their lines where it has none.

    Who reads the reports of a run may say so before or after the CI does, of each part of it, and again.
    """
    was = run_of(run, key).tests
    if event.tests is None or event.tests == was:
        return run
    run = run | {"tests": event.tests} if was is None or event.tests.told_more(was) else run
    return run | {"failures": event.failures} if event.failures and not run.get("failures") else run


def _gone(run: StoredRun, event: Event) -> StoredRun:
    """Return a run as it is once the CI has its job no more: what was to come in that attempt never does."""
    waits = run["state"] != State.FINISHED and run["attempt"] <= event.attempt
    return run | {"state": State.FINISHED, "result": Result.SKIPPED} if waits else run


def _result(run: StoredRun) -> Result | None:
    found = run.get("result")
    return None if found is None else Result(found)


def make_claim(
    ledger: Ledger, job: str, run: RunKey, origin: str, dry: bool, now: float, wanted: int = 0
) -> StoredClaim:
    """Create a claim, due at once."""
    ledger.head.claims += 1
    claim = StoredClaim(ledger.head.claims, job, run, dry, now, now, origin, wanted=wanted)
    ledger.change_job(job).claims[origin] = claim.id
    ledger.put_claim(claim)
    ledger.mark(now)
    return claim


def wake(ledger: Ledger, now: float, job: str | None = None) -> bool:
    """Make the claims due that wait for something of the push, or of one job, to settle."""
    waiting = ledger.head.waiting
    if not waiting:
        return False
    return _wake(ledger, now, ledger.load_claims([one for one, own in waiting.items() if job in (None, own)]))


def wake_awaiting(ledger: Ledger, now: float, job: str) -> bool:
    """Make the claims due that weigh what comes of a job, their own or another; not those that wait for its batch."""
    waiting = ledger.head.waiting
    claims = ledger.load_claims([one for one, own in waiting.items() if own == job])
    weighing = [one for one in claims if (one.most or one.job != job) and one.note != planning.GOES_ON]
    return _wake(ledger, now, weighing)


def _wake(ledger: Ledger, now: float, claims: Collection[StoredClaim]) -> bool:
    for claim in claims:
        ledger.head.waiting.pop(claim.id, None)
        claim.due = now
        ledger.put_claim(claim)
    return bool(claims)
