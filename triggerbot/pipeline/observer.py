"""From what is heard to what is promised: triage each event, then record and claim the batch in one atomic call.

This is the hot path. It talks to nobody but the store; whoever heard the events may acknowledge them once it returns.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache

import structlog

from triggerbot.core.model import CommentCommand, Event, Heard, Lead, Refusal, State
from triggerbot.core.policy import rules, try_syntax
from triggerbot.core.policy.circuit_breaker import BreakerSettings
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline.outages import OutageDetector
from triggerbot.store import Item, Notice, Observation, Outcome, Store

log = structlog.get_logger("triggerbot.observe")

#: Characters of a message whose reading is worth remembering.
_SHORT = 4096


_NOTHING = Outcome()


@dataclass(frozen=True, slots=True)
class Triaged:
    """One thing heard, and what triage says: an item for the store, or nothing that any rule watches."""

    heard: Heard
    item: Item | None


class Observer:
    """Takes batches of what intakes and look-backs hear."""

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
        self.outages = outages or OutageDetector(BreakerSettings(), clock)

    def observe(self, heard: Sequence[Heard], *, cursor: tuple[str, str] | None = None) -> list[Outcome]:
        """Record a batch durably, with the intake's cursor; an outcome for each, in order. Repeatable."""
        return self.observe_soon(heard, cursor=cursor).result()

    def observe_soon(
        self, heard: Sequence[Heard], *, cursor: tuple[str, str] | None = None, deliveries: Sequence[str] = ()
    ) -> "Future[list[Outcome]]":
        """Like `observe`, answered by a future once the batch is on the disk.

        `deliveries`: see `Store.observe`, for each thing heard. One of which nothing is stored is not known later.
        """
        triaged = [self.triage(one) for one in heard]
        items = [one.item for one in triaged if one.item is not None]
        answer: Future[list[Outcome]] = Future()
        # From here on nobody can cancel it: what is being written is written.
        answer.set_running_or_notify_cancel()
        if not items and cursor is None:
            answer.set_result(self._told(triaged, []))
            return answer
        brought = [name for one, name in zip(triaged, deliveries, strict=True) if one.item] if deliveries else ()
        stored = self._store.observe_soon(items, self._clock(), dry=self._dry, cursor=cursor, deliveries=brought)
        stored.add_done_callback(lambda future: self._answer(answer, triaged, future))
        return answer

    def _answer(
        self, answer: "Future[list[Outcome]]", triaged: Sequence[Triaged], stored: "Future[list[Outcome]]"
    ) -> None:
        error = stored.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(self._told(triaged, stored.result()))

    def triage(self, heard: Heard) -> Triaged:
        """Judge one thing heard on its own; purely."""
        if isinstance(heard, Lead):
            # It does not say which push it belongs to, so it may matter as long as anything does.
            return Triaged(heard, heard if self._rules else None)
        if isinstance(heard, CommentCommand):
            watched = any(rule.projects.match(heard.project) for rule in self._rules)
            return Triaged(heard, heard if watched else None)
        rule = rules.rule_for(self._rules, heard.push)
        if rule is None:
            return Triaged(heard, None)
        asks = read_options(rule, heard.message)
        if not isinstance(heard, Event):
            return Triaged(heard, Notice(heard, asks))
        return Triaged(heard, Observation(heard, rules.triage(rule, heard, heard.author), asks))

    def _told(self, triaged: Sequence[Triaged], outcomes: list[Outcome]) -> list[Outcome]:
        """Put the outcomes back beside what was heard, count them, log refusals, and wake the dispatcher."""
        answers = iter(outcomes)
        told = []
        counted: Counter[tuple[str, str]] = Counter()
        ended: list[Event] = []
        for one in triaged:
            outcome = next(answers) if one.item is not None else _NOTHING
            if isinstance(one.heard, Event):
                counted[one.heard.push.system, self._tell(one.heard, one.item, outcome)] += 1
                if outcome.news and one.heard.state is State.FINISHED:
                    ended.append(one.heard)
            elif isinstance(one.heard, Lead):
                counted[one.heard.group.system, "lead"] += 1
            elif isinstance(one.heard, CommentCommand):
                counted[one.heard.system, "wish"] += 1
            told.append(outcome)
        for labels, number in counted.items():
            self._metrics.events.labels(*labels).inc(number)
        if ended:
            self.outages.heard(ended)
        if any(outcome.due for outcome in told):
            self._on_due()
        return told

    def _tell(self, event: Event, item: Item | None, outcome: Outcome) -> str:
        """Log a refusal that is news; names what observing the event came to."""
        refusal = refusal_of(event, item, outcome)
        if refusal is not None and item is not None and outcome.news:
            self._metrics.decisions.labels("refuse", refusal, "dry" if self._dry else "real").inc()
            log.info("decision", action="refuse", reason=str(refusal), **push_fields(event.push), job=event.job,
                     run_id=event.run_id, attempt=event.attempt)  # fmt: skip
        if outcome.repeated:
            return "repeated"
        return "not_watched" if item is None else "claimed" if outcome.claimed else "refused" if refusal else "recorded"


def read_options(rule: Rule, message: str | None) -> PushOptions | None:
    """Read what a push asks for, if its message is known."""
    if message is None:
        return None
    groups = frozenset(rule.groups)
    return _read_again(message, groups) if len(message) < _SHORT else try_syntax.read(message, groups)


@lru_cache(maxsize=512)
def _read_again(message: str, groups: frozenset[str]) -> PushOptions:
    """All events of a push carry the same message; only short ones are kept, for a hostile one may be huge."""
    return try_syntax.read(message, groups)


def refusal_of(event: Event, item: Item | None, outcome: Outcome) -> Refusal | None:
    """Name the reason for which an event led to nothing when it was heard, if it could have led to something."""
    if not event.failed or outcome.claimed:
        return None
    if not isinstance(item, Observation):
        return Refusal.NOT_WATCHED
    if item.seen.refusal is not None:
        return item.seen.refusal
    return None if outcome.earlier is None else rules.repeated(outcome.earlier, outcome.asks)
