"""The life of a claim in Redis, step by step, and the limits that hold claims back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from triggerbot.core.claim import Claim, Operation
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.core.policy import rules, slots
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.limits import PIECES, Capped, piece
from triggerbot.core.policy.rules import Budget
from triggerbot.core.policy.slots import Rank, SlotQueue
from triggerbot.store import NO_CAPS, NO_PASSES
from triggerbot.store.redis import codec, queries
from triggerbot.store.redis.codec import moment
from triggerbot.store.redis.connection import Connected

#: Attempts to change a queue of writes that other processes change at the same time.
_SWAPS = 200


class Claiming(Connected):
    """The part of the store that changes claims and breakers."""

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget; see `Store.decide`."""
        limit = None if budget is None else {"percent": budget.percent, "floor": budget.floor}
        # The script fills in the figures: only there are they known at the moment of the decision.
        over = based = ""
        if budget is not None and decision is not None:
            wanted, figures = rules.first_wanted(decision), ("@runs@", "@spent@", "@most@")
            based = rules.based_on(wanted, *figures, dry=claim.dry)
            over = rules.spent_words(budget, "@spent@", "@total@", "@most@", dry=claim.dry)
        decided = self._link.call(
            "decide",
            claim=claim.id,
            state=claim.state,
            decision=False if decision is None else _decision(decision),
            budget=limit or False,
            over=over,
            based=based,
            proving="" if decision is None else codec.letters(decision.proving),
            now=moment(now),
        )
        return _decision_of(decided) if decided else None

    def begin(
        self,
        operation: Operation,
        push: Push,
        note: str,
        now: float,
        *,
        passes: Mapping[BreakerKey, int] = NO_PASSES,
        caps: Mapping[str, int | None] = NO_CAPS,
    ) -> bool | Capped:
        """Record that a request is about to be sent; see `Store.begin`."""
        limits = [[codec.bare(name), -1 if limit is None else limit] for name, limit in caps.items()]
        begun = self._link.call(
            "begin",
            push=codec.push_name(push),
            started=moment(operation.started),
            baseline=codec.encode(operation.baseline),
            sends=operation.sends,
            misses=operation.misses,
            passes={codec.bare(place.key): version for place, version in passes.items()},
            caps={"names": limits, "piece": piece(now), "pieces": PIECES},
            **_about(operation, note, now),
        )
        if isinstance(begun, bool):
            return begun
        name = codec.plain(begun[0])
        return Capped(name, caps[name] or 0, int(begun[1]))

    def resend(self, operation: Operation, note: str, now: float) -> bool:
        """Record that the same operation is about to be sent again; false while paused."""
        return bool(self._link.call("resend", sends=operation.sends, **_about(operation, note, now)))

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """Record that the CI accepted it: its claims are done, or the rest is owed when due (`since`: see `wait`)."""
        later = moment(now if due is None else due)
        self._link.call("accepted", due=later, since=moment(since), **_about(operation, note, now))

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """Record that the CI will never accept it: its claims end, and budget that bought nothing is refunded."""
        about = _about(operation, "", now)
        self._link.call("refused", refusal=str(decision.refusal or ""), detail=decision.detail, **about)

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """Record that the CI did not accept it now: its claims are owed again later."""
        self._link.call("postponed", due=moment(due), **_about(operation, note, now))

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Record that it is unknown whether the CI accepted it: look back when due; see `Store.doubted`."""
        self._link.call("doubted", due=moment(due), missed=missed, **_about(operation, note, now))

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Postpone a claim; see `Store.wait`."""
        self._link.call(
            "wait", claim=claim.id, due=moment(due), note=note, now=moment(now), since=moment(since),
            lookup=int(lookup), tries=0 if since is not None or lookup else 1,
        )  # fmt: skip

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim that needs nothing more."""
        self._link.call("finish", claim=claim.id, note=note, now=moment(now))

    def breakers(self) -> list[Breaker]:
        """Read all breakers."""
        return self._read(queries.breakers)

    def save_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker if the stored version is the one that it is based on; see `Store.save_breaker`."""
        place, value = codec.bare(breaker.place.key), codec.encode(breaker.next())
        return bool(
            self._link.call(
                "save_breaker", place=place, version=breaker.version, open=breaker.open, value=value, now=moment(now)
            )
        )

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Hold a claim behind a breaker or cap (its key) until released, at the latest until a time."""
        self._link.call(
            "hold", claim=claim.id, behind=codec.bare(behind), until=moment(until), note=note, now=moment(now)
        )

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Release up to `most` (-1: all) of the claims held behind a key, oldest first; returns how many."""
        return int(self._link.call("release_held", behind=codec.bare(behind), most=most, now=moment(now)))

    def held(self) -> Mapping[str, int]:
        """Count the held claims, by the key of what they are held behind."""
        return self._read(queries.held)

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers sent within the last hour, by the names of caps."""
        return self._read(queries.sent, now)

    def ask_slot(self, queue: str, caller: str, rank: Rank, now: float) -> float:
        """Return when a writer may write; asking again changes nothing."""
        return self._change_slots(queue, lambda before: slots.ask(before, caller, rank, now))

    def leave_slot(self, queue: str, caller: str, now: float, *, used: bool, closed: float = 0.0) -> None:
        """Take a writer out of its queue; `used`: it may have written. `closed`: until when nobody may write."""
        self._change_slots(queue, lambda before: (slots.leave(before, caller, now, used=used, closed=closed), 0.0))

    def _change_slots(self, queue: str, change: Callable[[SlotQueue], tuple[SlotQueue, float]]) -> float:
        """Change a queue by compare-and-set, again if another process came first."""
        for _ in range(_SWAPS):
            text = self._read(queries.slots, queue)
            before = codec.slots_decoder.decode(text) if text else SlotQueue()
            after, time = change(before)
            if after == before or self._link.call(
                "swap_slots", queue=codec.bare(queue), before=text, after=codec.encode(after)
            ):
                return time
        raise StoreUnavailable("too many processes change the queue of writes at once")

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Postpone fetching a push's facts (`None`: for good)."""
        self._link.call("put_off_facts", push=codec.push_name(push), due=moment(due))


def _about(operation: Operation, note: str, now: float) -> dict[str, Any]:
    return {
        "id": operation.id, "claims": operation.claims, "count": operation.count, "note": note, "now": moment(now),
    }  # fmt: skip


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "cause": str(decision.cause or ""), "refusal": str(decision.refusal or ""), "count": decision.count,
        "detail": decision.detail, "runs": decision.runs,
    }  # fmt: skip


def _decision_of(answer: Sequence[Any]) -> Decision:
    cause, refusal, count, detail, runs = answer
    return Decision(Cause(cause) if cause else None, Refusal(refusal) if refusal else None, count, detail, runs)
