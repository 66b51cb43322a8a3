"""From events to claims: triage each event, then record and claim the batch in one atomic call to the store.

This is the hot path. It calls nothing but the store, and an intake may acknowledge its events once it returns.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache

import structlog

from triggerbot.core.decision import Refusal
from triggerbot.core.model import CommentCommand, Event, Head, Heard, Lead, PushFacts, State
from triggerbot.core.policy import rules, superseded, try_syntax
from triggerbot.core.policy.circuit_breaker import BreakerSettings
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline.outages import OutageDetector
from triggerbot.store import Item, Notice, Observation, Outcome, Store

log = structlog.get_logger("triggerbot.observe")

#: Characters of the longest message whose parsed options are cached.
_CACHED_MAX = 4096

_NOTHING = Outcome()


@dataclass(frozen=True, slots=True)
class Triaged:
    """The result of triage: the item for the store, or `None` if no rule watches it."""

    heard: Heard
    item: Item | None


class Observer:
    """Observes batches of events from intakes and look-backs."""

    def __init__(
        self,
        store: Store,
        rules: Sequence[Rule],
        *,
        dry: bool,
        clock: Callable[[], float],
        metrics: Metrics,
        on_due: Callable[[], None] = lambda: None,
        outages: OutageDetector | None = None,
    ) -> None:
        self._store = store
        self._rules = rules
        self._dry = dry
        self._clock = clock
        self._metrics = metrics
        self._on_due = on_due
        #: Whether any rule leaves superseded pushes alone by its own words.
        self._asks_heads = any(rule.superseded.skip.patterns for rule in rules)
        self.outages = outages or OutageDetector(BreakerSettings(), clock)

    def observe(self, heard: Sequence[Heard], *, cursor: tuple[str, str] | None = None) -> list[Outcome]:
        """Record a batch durably, with the intake's cursor, and return an outcome for each in order. Idempotent."""
        triaged, stored = self._begin(heard, cursor, (), here=True)
        return self._finish(triaged, [] if stored is None else stored.result())[: len(heard)]

    def record(self, events: Sequence[Event]) -> None:
        """Record events of a push that nobody waits for: none of them makes a claim."""
        if events:
            items = [Observation(event, rules.Triage()) for event in events]
            self._store.observe(items, self._clock(), dry=self._dry)

    def observe_soon(
        self, heard: Sequence[Heard], *, cursor: tuple[str, str] | None = None, deliveries: Sequence[str] = ()
    ) -> "Future[list[Outcome]]":
        """Record a batch like `observe`; return a future that is done once the batch is on disk.

        `deliveries`: the delivery id of each, see `Store.observe`. One of which nothing is stored is not recognised
        when it is repeated.
        """
        triaged, stored = self._begin(heard, cursor, deliveries)
        answer: Future[list[Outcome]] = Future()
        # A write that has begun cannot be cancelled.
        answer.set_running_or_notify_cancel()
        if stored is None:
            answer.set_result(self._finish(triaged, [])[: len(heard)])
        else:
            stored.add_done_callback(lambda future: self._answer(answer, triaged, len(heard), future))
        return answer

    def _begin(
        self, heard: Sequence[Heard], cursor: tuple[str, str] | None, deliveries: Sequence[str], *, here: bool = False
    ) -> "tuple[list[Triaged], Future[list[Outcome]] | None]":
        """Triage a batch, and begin to store what matters of it; `None`: there is nothing."""
        triaged = [self.triage(one) for one in [*heard, *self._heads(heard)]]
        items = [one.item for one in triaged if one.item is not None]
        if not items and cursor is None:
            return triaged, None
        if deliveries:
            names = [*deliveries, *[""] * (len(triaged) - len(deliveries))]
            deliveries = [name for one, name in zip(triaged, names, strict=True) if one.item is not None]
        return triaged, self._store.observe_soon(
            items, self._clock(), dry=self._dry, cursor=cursor, deliveries=deliveries, here=here
        )

    def _heads(self, heard: Sequence[Heard]) -> list[Head]:
        """Return what is told of branches where the CI itself does not, but the rule wants to know it."""
        found: dict[Head, None] = {}
        for one in heard if self._asks_heads else ():
            rule = rules.rule_for(self._rules, one.push) if isinstance(one, Event | PushFacts) else None
            if rule is not None and isinstance(one, Event | PushFacts):
                head = superseded.of_heard(rule.superseded, one)
                found |= {} if head is None else {head: None}
        return list(found)

    def _answer(
        self, answer: "Future[list[Outcome]]", triaged: Sequence[Triaged], count: int, stored: "Future[list[Outcome]]"
    ) -> None:
        error = stored.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(self._finish(triaged, stored.result())[:count])

    def triage(self, heard: Heard) -> Triaged:
        """Decide from the rules alone what of it the store has to record; pure."""
        if isinstance(heard, Lead):
            # Where it does not name its push any rule might watch it.
            watched = bool(self._rules) if heard.push is None else rules.rule_for(self._rules, heard.push) is not None
            return Triaged(heard, heard if watched else None)
        if isinstance(heard, CommentCommand):
            watched = any(rule.watches(heard.project) for rule in self._rules)
            return Triaged(heard, heard if watched else None)
        rule = rules.rule_for(self._rules, heard.push)
        if rule is None:
            return Triaged(heard, None)
        if isinstance(heard, Head):
            matters = rule.superseded.skips(heard.branch) is not False
            return Triaged(heard, heard if matters else None)
        asks = read_options(rule, heard.message)
        if not isinstance(heard, Event):
            return Triaged(heard, Notice(heard, asks))
        return Triaged(heard, Observation(heard, rules.triage(rule, heard, heard.author), asks))

    def _finish(self, triaged: Sequence[Triaged], stored: list[Outcome]) -> list[Outcome]:
        """Return an outcome for each of a batch; count them, log refusals, and wake the dispatcher."""
        remaining = iter(stored)
        outcomes = []
        counts: Counter[tuple[str, str]] = Counter()
        finished: list[Event] = []
        for one in triaged:
            outcome = next(remaining) if one.item is not None else _NOTHING
            if isinstance(one.heard, Event):
                counts[one.heard.push.system, self._log_refusal(one.heard, one.item, outcome)] += 1
                if outcome.news and one.heard.state is State.FINISHED:
                    finished.append(one.heard)
            elif isinstance(one.heard, Lead):
                counts[one.heard.group.system, "lead"] += 1
            elif isinstance(one.heard, CommentCommand):
                counts[one.heard.system, "wish"] += 1
            outcomes.append(outcome)
        for labels, number in counts.items():
            self._metrics.events.labels(*labels).inc(number)
        if finished:
            self.outages.record(finished)
        if any(outcome.due for outcome in outcomes):
            self._on_due()
        return outcomes

    def _log_refusal(self, event: Event, item: Item | None, outcome: Outcome) -> str:
        """Log the refusal of an event that is new; return the outcome's name for the metric of events."""
        refusal = refusal_of(event, item, outcome)
        if refusal is not None and item is not None and outcome.news:
            self._metrics.decisions.labels("refuse", refusal, "dry" if self._dry else "real").inc()
            # That a retrigger failed, too, is no news to whoever reads the log.
            log_line = log.info if rules.told(refusal) else log.debug
            log_line("decision", action="refuse", reason=str(refusal), **push_fields(event.push), job=event.job,
                     run_id=event.run_id, attempt=event.attempt)  # fmt: skip
        if outcome.repeated:
            return "repeated"
        return "not_watched" if item is None else "claimed" if outcome.claimed else "refused" if refusal else "recorded"


def read_options(rule: Rule, message: str | None) -> PushOptions | None:
    """Parse the options in a push's message; `None` if the message is unknown."""
    if message is None:
        return None
    groups = frozenset(rule.groups)
    return _read_cached(message, groups) if len(message) < _CACHED_MAX else try_syntax.read(message, groups)


@lru_cache(maxsize=512)
def _read_cached(message: str, groups: frozenset[str]) -> PushOptions:
    """Parse a message once for all events of its push; only for short ones, for a hostile message may be huge."""
    return try_syntax.read(message, groups)


def refusal_of(event: Event, item: Item | None, outcome: Outcome) -> Refusal | None:
    """Return why an event of a failed run led to no claim: by triage, by an earlier claim, or as not watched."""
    if not event.failed or outcome.claimed:
        return None
    if not isinstance(item, Observation):
        return Refusal.NOT_WATCHED
    if item.seen.refusal is not None:
        return item.seen.refusal
    return None if outcome.earlier is None else rules.repeated(outcome.earlier, outcome.asks)
