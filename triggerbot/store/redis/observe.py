"""Encoding a batch of items as arguments of the script, and decoding its answer."""

from collections.abc import Sequence
from typing import Any

from triggerbot.core import heads
from triggerbot.core.claim import Claim
from triggerbot.core.model import CommentCommand, Head, Lead, Push, PushFacts, State
from triggerbot.core.policy import rules
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import DELIVERY_KEPT, LEAD_DELAY, REPEATED, Item, Notice, Observation, Outcome
from triggerbot.store.redis import codec
from triggerbot.store.redis.codec import US, bare, moment

#: Seconds before a push's facts are fetched: often the next message contains them.
_FACTS_DELAY = 2.0
#: Characters of a message that are stored; its options were parsed from the whole.
_MESSAGE_MAX = 16_384
#: The refusal of a repeated failure, by the earlier refusal: one that holds for the whole push is repeated.
_REPEATED = {str(refusal): str(refusal) for refusal in rules.OF_PUSH}
_CLAIMED, _DUE, _NEWS, _KNOWN = 1, 2, 4, 8


def arguments(
    items: Sequence[Item], deliveries: Sequence[str], now: float, *, dry: bool, cursor: tuple[str, str] | None
) -> dict[str, Any]:
    """Encode a batch."""
    batch = _Batch(now)
    return {
        "items": [batch.item(item) for item in items],
        "pushes": list(batch.pushes),
        "now": moment(now),
        "dry": dry,
        "facts_due": moment(now + _FACTS_DELAY),
        "repeated": _REPEATED,
        "cursor": cursor or False,
        "deliveries": [bare(name) for name in deliveries] if any(deliveries) else False,
        "forgotten": moment(now - DELIVERY_KEPT),
    }


class _Batch:
    """Encodes the items of a batch; what many of them share is encoded once."""

    def __init__(self, now: float) -> None:
        self._now, self._later = moment(now), moment(now + LEAD_DELAY)
        self.pushes: dict[str, int] = {}
        self._names: dict[Push, int] = {}
        self._with_facts: set[tuple[int, str | None, int]] = set()
        self._groups: dict[frozenset[str], str] = {}

    def item(self, item: Item) -> list[Any]:
        match item:
            case Observation():
                return self._event(item)
            case Notice():
                facts = self._facts(item.facts, item.asks)
                return [2, self._push(item.facts.push), facts, item.facts.settled]
            case Lead():
                run, rank, rest = codec.lead(item)
                return [3, codec.group_name(item.group), run, rank, rest, item.failed, self._later]
            case CommentCommand():
                return [4, codec.command_name(item), codec.new_command(item, self._now)]
            case Head():
                kept = [[one.text, moment(one.at), one.least] for one in heads.marks(item, float(self._now))]
                names = [codec.place_name(item.push), kept, codec.branch_name(item.push), codec.push_name(item.push)]
                return [5, *names, heads.DEFAULT, heads.MARKS_MAX]

    def _push(self, push: Push) -> int:
        number = self._names.get(push)
        if number is None:
            number = self._names[push] = self.pushes.setdefault(codec.push_name(push), len(self.pushes) + 1)
        return number

    def _event(self, item: Observation) -> list[Any]:
        event, seen = item.event, item.seen
        push = self._push(event.push)
        facts: Any = False
        source = (push, event.author, id(item.asks))
        if (event.author is not None or item.asks is not None) and source not in self._with_facts:
            self._with_facts.add(source)
            facts = self._facts(PushFacts(event.push, event.message, event.author), item.asks)
        groups = self._groups.get(seen.groups)
        if groups is None:
            groups = self._groups[seen.groups] = " ".join(sorted(seen.groups))
        return [
            1, push, bare(event.job), groups, codec.run(event), bare(event.run_id), event.attempt, event.state.rank,
            event.state is State.FINISHED and not event.batch, event.failed, seen.failed, str(seen.refusal or ""),
            bare(event.batch), facts, event.per_batch, event.follows_up,
        ]  # fmt: skip

    def _facts(self, facts: PushFacts, asks: PushOptions | None) -> list[Any]:
        return [
            False if facts.author is None else facts.author,
            moment(facts.time),
            "" if facts.fork is None else str(int(facts.fork)),
            "" if asks is None else codec.encode(asks),
            f"{US}{US.join(asks.rebuild)}{US}" if asks is not None and asks.rebuild else "",
            (facts.message or "")[:_MESSAGE_MAX],
            [] if asks is None else list(asks.problems),
            [codec.batch(one) for one in facts.batches],
            facts.own,
        ]


def outcomes(items: Sequence[Item], answer: Any) -> list[Outcome]:
    """Decode the outcome of each item."""
    asks = [codec.asks_decoder.decode(text) for text in answer["asks"]]
    return [_outcome(item, one, asks) for item, one in zip(items, answer["answers"], strict=True)]


def _outcome(item: Item, answer: list[Any], asks: Sequence[PushOptions]) -> Outcome:
    flags = answer[0]
    if flags & _KNOWN:
        return REPEATED
    known = asks[answer[1] - 1] if len(answer) > 1 and answer[1] else None
    return Outcome(
        claimed=bool(flags & _CLAIMED),
        earlier=_earlier(item, answer) if len(answer) > 2 else None,
        asks=known,
        due=bool(flags & _DUE),
        news=bool(flags & _NEWS),
    )


def _earlier(item: Item, answer: list[Any]) -> Claim | None:
    if not isinstance(item, Observation) or not answer[3]:
        return None
    wire = codec.claim_decoder.decode(answer[2])
    return codec.claim_of(wire, item.event.push, codec.run_of(codec.plain(wire.job), answer[3]), None)
