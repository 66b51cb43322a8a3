"""The life of a claim in Redis, verb by verb, and what holds claims back."""

from collections.abc import Mapping, Sequence
from typing import Any

from triggerbot.core.model import Cause, Claim, Decision, Operation, Push, Refusal
from triggerbot.core.policy import rules
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.limits import PIECES, Capped, piece
from triggerbot.core.policy.rules import Budget
from triggerbot.store import NO_CAPS, NO_PASSES
from triggerbot.store.redis import codec, queries
from triggerbot.store.redis.codec import moment
from triggerbot.store.redis.connection import Connected


class Claiming(Connected):
    """The part of the store that changes claims."""

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget."""
        limit = None if budget is None else {"percent": budget.percent, "floor": budget.floor}
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
        """Write down that a request is about to leave; see `Store.begin`."""
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
        """Write down that the same operation is about to leave once more; false while paused."""
        return bool(self._link.call("resend", sends=operation.sends, **_about(operation, note, now)))

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """The CI took it: what remains of its claims is owed when due (`since`: as with `wait`), or they are done."""
        later = moment(now if due is None else due)
        self._link.call("accepted", due=later, since=moment(since), **_about(operation, note, now))

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """The CI will never take it: its claims end; budget that bought nothing is given back."""
        about = _about(operation, "", now)
        self._link.call("refused", refusal=str(decision.refusal or ""), detail=decision.detail, **about)

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """The CI did not take it now: its claims are owed again later."""
        self._link.call("postponed", due=moment(due), **_about(operation, note, now))

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Nobody knows whether the CI took it: look again when due."""
        self._link.call("doubted", due=moment(due), missed=missed, **_about(operation, note, now))

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Put a claim off."""
        self._link.call(
            "wait", claim=claim.id, due=moment(due), note=note, now=moment(now), since=moment(since),
            lookup=int(lookup), tries=0 if since is not None or lookup else 1,
        )  # fmt: skip

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim: nothing more is needed."""
        self._link.call("finish", claim=claim.id, note=note, now=moment(now))

    def breakers(self) -> list[Breaker]:
        """Read every breaker that anything is known of."""
        return self._read(queries.breakers)

    def save_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker, in place of the version that it names; one that is closed lets go of all behind it."""
        place, value = codec.bare(breaker.place.key), codec.encode(breaker.next())
        return bool(
            self._link.call(
                "save_breaker", place=place, version=breaker.version, open=breaker.open, value=value, now=moment(now)
            )
        )

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Put a claim off until what it is held behind lets it go; in any case until then."""
        self._link.call(
            "hold", claim=claim.id, behind=codec.bare(behind), until=moment(until), note=note, now=moment(now)
        )

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Make so many of the claims that are held behind something due, the oldest first; tells how many."""
        return int(self._link.call("release_held", behind=codec.bare(behind), most=most, now=moment(now)))

    def held(self) -> Mapping[str, int]:
        """Count the claims that are held, by what they are held behind."""
        return self._read(queries.held)

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers that left within the last hour, by the names of caps."""
        return self._read(queries.sent, now)

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Ask for a push's facts again when due, or never."""
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


def _decision_of(told: Sequence[Any]) -> Decision:
    cause, refusal, count, detail, runs = told
    return Decision(Cause(cause) if cause else None, Refusal(refusal) if refusal else None, count, detail, runs)
