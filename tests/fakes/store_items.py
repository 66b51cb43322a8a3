"""Shorthand for the values that a store takes and returns."""

from typing import Any

from tests.fakes.world import push
from triggerbot.core.claim import Claim, Operation
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import Event, Push, PushFacts
from triggerbot.core.policy.rules import Triage
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.store import Notice, Observation, Store

EVERY_JOB = frozenset({EVERY})


def seen(event: Event, *, refusal: Refusal | None = None, asks: PushOptions | None = None) -> Observation:
    """Return an event as triage passes it on, under a rule that covers every failure."""
    failed = event.failed and refusal is None
    return Observation(event, Triage(failed, refusal, EVERY_JOB), asks)


def said(asks: PushOptions | None = None, where: Push | None = None, **facts: Any) -> Notice:
    """Return the facts that a CI lists of a push."""
    return Notice(PushFacts(where or push(), **facts), asks)


def own(store: Store, job: str = "job", where: Push | None = None) -> Claim:
    """Return the bot's own claim of a job."""
    record = store.pushes.record(where or push())
    assert record is not None
    return next(claim for one in record.jobs if one.job == job for claim in one.claims if not claim.manual)


def every(store: Store, where: Push | None = None) -> list[Claim]:
    """Return every claim of a push, by its number."""
    record = store.pushes.record(where or push())
    claims = [] if record is None else [claim for one in record.jobs for claim in one.claims]
    return sorted(claims, key=lambda claim: claim.id)


def operation(claim: Claim, name: str = "op", count: int = 2, started: float = 10.0) -> Operation:
    """Return a request for one claim."""
    return Operation(name, claim.push, (claim.id,), count, started, {claim.job: (claim.run.key,)})


FAILURE = Decision.trigger(Cause.FAILURE, 2)
