"""The store of several replicas: one Redis, and one script that makes every change there (`script/`)."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import redis

from triggerbot import policy
from triggerbot.breaker import Breaker, Place
from triggerbot.caps import PIECES, Capped, piece
from triggerbot.errors import StoreUnavailable, StoreUnusable
from triggerbot.model import Cause, Claim, Decision, Group, Lead, Operation, Push, Refusal, State
from triggerbot.policy import Budget
from triggerbot.store import (
    CRASHES_MAX,
    LEASES_PER_SYSTEM,
    NO_CAPS,
    NO_PASSES,
    Crash,
    DeadLetter,
    Distrust,
    Entry,
    Item,
    Leads,
    Outcome,
    Pause,
    PushRecord,
    Work,
)
from triggerbot.store.redis import packing, views
from triggerbot.store.redis.link import Link, connect
from triggerbot.store.redis.packing import moment
from triggerbot.store.redis.writer import Writer

T = TypeVar("T")

#: Seconds for which a push is remembered after the last that was heard of it, unless told otherwise.
_RETENTION = 14 * 86_400.0
#: Pushes that one call of a purge looks at, so that it never holds up others for long.
_PURGE_BATCH = 50
#: Seconds between looks whether it is still the same server, and between signs of life.
_WATCH_EVERY = 5.0
#: Seconds without a sign of life after which a process is taken for dead.
_ALIVE = 20


class RedisStore:
    """A `Store` in Redis. Any number of processes work on it."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        retention: float = _RETENTION,
        must_exist: bool = False,
        watch: bool = False,
    ) -> None:
        self._link = Link(client, retention)
        if must_exist and not _holds_ours(self._link):
            raise StoreUnusable("there is nothing of triggerbot in this Redis yet: it has not run with this config")
        self._link.open()
        self._writer = Writer(self._link)
        self._owner = ""
        self._closing = threading.Event()
        self._beats = watch
        if watch:
            self._link.warn()
            threading.Thread(target=self._watch, name="store-watch", daemon=True).start()

    @classmethod
    def at(
        cls, address: str, *, retention: float = _RETENTION, must_exist: bool = False, watch: bool = False
    ) -> "RedisStore":
        """Open the store at an address such as `redis://host:6379/0`; raises `StoreUnusable`."""
        return cls(connect(address), retention=retention, must_exist=must_exist, watch=watch)

    def _watch(self) -> None:
        """Notice that another server took the place of this one, and let others notice that this process lives."""
        while not self._closing.wait(_WATCH_EVERY):
            try:
                self._link.watch()
                self._beat()
            except StoreUnavailable:
                continue

    def _beat(self) -> None:
        """Keep what we lease: when this stops, others take it over without waiting for the leases' end."""
        if self._beats and self._owner:
            self._link.read(lambda client: client.set(views.key("alive", self._owner), "1", ex=_ALIVE))

    def close(self) -> None:
        """Finish what is being written and let go."""
        self._closing.set()
        self._writer.close()
        self._link.close()

    def _read(self, view: Callable[..., T], *arguments: Any) -> T:
        result: T = self._link.read(lambda client: view(client, *arguments))
        return result

    # -- hearing ------------------------------------------------------------------------------------------------

    def observe(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:
        """Record what was heard, claim what is to be claimed, and move a cursor, all at once."""
        return self.observe_soon(items, now, dry=dry, cursor=cursor, deliveries=deliveries).result()

    def observe_soon(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> "Future[list[Outcome]]":
        """Like `observe`, but answers by a future: what waits meanwhile shares the next round trip."""
        return self._writer.submit(items, now, dry=dry, cursor=cursor, deliveries=deliveries)

    # -- the dispatcher -----------------------------------------------------------------------------------------

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Take what has been due longest; a lease that has expired is taken over."""
        if owner != self._owner:
            self._owner = owner
            self._beat()
        found = self._link.call(
            "lease",
            now=moment(now),
            owner=owner,
            until=moment(now + seconds),
            most=LEASES_PER_SYSTEM,
            beats=str(int(self._beats)),
        )
        if not found:
            return None
        kind, name = found
        return packing.group_of(name) if kind == "g" else packing.push_of(name)

    def release(self, leased: Push | Group, owner: str) -> None:
        """Give back what was leased."""
        self._link.call("release", owner=owner, **_named(leased))

    def next_due(self) -> float | None:
        """Tell when the next that is not leased falls due; no push does while paused."""
        found = self._link.call("next_due", owner=self._owner, most=LEASES_PER_SYSTEM)
        return float(found) if found else None

    def leads(self, group: Group) -> Leads:
        """Read what was heard of a group and not asked about yet, failures first."""
        return self._read(views.leads, group)

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Forget leads that were asked about, unless more was heard of their runs meanwhile."""
        leads = [packing.lead(lead)[:2] for lead in settled]
        self._link.call("settle_leads", group=packing.group_name(group), leads=leads)

    def put_off_leads(self, group: Group, due: float) -> None:
        """Ask about a group again when due; counts as a try in vain."""
        self._link.call("put_off_leads", group=packing.group_name(group), due=moment(due))

    def distrust(self) -> Distrust | None:
        """Tell whether the store may have forgotten something; the latest such case."""
        return self._link.distrust()

    def work(self, push: Push) -> Work:
        """Read what is open about a push."""
        return self._read(views.work, push)

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read how far each run (job, run id, attempt) of a push is known to have come."""
        return self._read(views.known, push)

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget."""
        limit = None if budget is None else {"percent": budget.percent, "floor": budget.floor}
        over = "" if budget is None else policy.budget_words(budget, "@spent@", "@total@")
        decided = self._link.call(
            "decide",
            claim=claim.id,
            state=claim.state,
            decision=False if decision is None else _decision(decision),
            budget=limit or False,
            over=over,
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
        passes: Mapping[Place, int] = NO_PASSES,
        caps: Mapping[str, int | None] = NO_CAPS,
    ) -> bool | Capped:
        """Write down that a request is about to leave; see `Store.begin`."""
        limits = [[packing.bare(name), -1 if limit is None else limit] for name, limit in caps.items()]
        begun = self._link.call(
            "begin",
            push=packing.push_name(push),
            started=moment(operation.started),
            baseline=packing.encode(operation.baseline),
            sends=operation.sends,
            misses=operation.misses,
            passes={packing.bare(place.key): version for place, version in passes.items()},
            caps={"names": limits, "piece": piece(now), "pieces": PIECES},
            **_about(operation, note, now),
        )
        if isinstance(begun, bool):
            return begun
        name = packing.plain(begun[0])
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
        return self._read(views.breakers)

    def keep_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker, in place of the version that it names; one that is closed lets go of all behind it."""
        place, value = packing.bare(breaker.place.key), packing.encode(breaker.next())
        return bool(
            self._link.call(
                "keep_breaker", place=place, version=breaker.version, open=breaker.open, value=value, now=moment(now)
            )
        )

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Put a claim off until what it is held behind lets it go; in any case until then."""
        self._link.call(
            "hold", claim=claim.id, behind=packing.bare(behind), until=moment(until), note=note, now=moment(now)
        )

    def let_go(self, behind: str, most: int, now: float) -> int:
        """Make so many of the claims that are held behind something due, the oldest first; tells how many."""
        return int(self._link.call("let_go", behind=packing.bare(behind), most=most, now=moment(now)))

    def held(self) -> Mapping[str, int]:
        """Count the claims that are held, by what they are held behind."""
        return self._read(views.held)

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers that left within the last hour, by the names of caps."""
        return self._read(views.sent, now)

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Ask for a push's facts again when due, or never."""
        self._link.call("put_off_facts", push=packing.push_name(push), due=moment(due))

    # -- what people ask ----------------------------------------------------------------------------------------

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record what a person asks for, as a claim of its own; `None` if no run of the job is known."""
        made = self._link.call(
            "ask", push=packing.push_name(push), job=packing.bare(job), count=count, origin=packing.bare(origin),
            dry=dry, now=moment(now),
        )  # fmt: skip
        if not made:
            return None
        wire = packing.claim_decoder.decode(made[0])
        return packing.claim_of(wire, push, packing.run_of(job, made[1]), None)

    def pause(self, pause: Pause | None) -> None:
        """Stop all sending on every replica, or (`None`) go on."""
        kept = pause is not None and packing.encode({"at": pause.at, "by": pause.by, "note": pause.note})
        self._link.call("pause", pause=kept)

    def paused(self) -> Pause | None:
        """Tell whether sending is stopped."""
        return self._read(views.paused)

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep messages that could not be handled."""
        self._link.call("bury", letters=[views.letter(letter) for letter in letters])

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List them, oldest first."""
        return self._read(views.dead_letters, limit)

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Forget some of them; tells how many there were."""
        return int(self._link.call("drop_letters", ids=list(ids)))

    def keep_crashes(self, crashes: Sequence[Crash]) -> None:
        """Keep how workers ended; the oldest make room for new ones."""
        self._link.call("keep_crashes", crashes=[packing.encode(crash) for crash in crashes], most=CRASHES_MAX)

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List how workers ended, newest first; those that died together in the order in which they did."""
        return self._read(views.crashes, limit)

    def cursor(self, name: str) -> str | None:
        """Read how far an intake has come."""
        return self._read(views.cursor, name)

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and the beginning of a revision, newest first."""
        return self._read(views.find, project, revision)

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known of a push."""
        return self._read(views.record, push)

    def story(self, push: Push, job: str | None = None) -> list[Entry]:
        """Read what happened to a push, or to one job of it, in order."""
        return self._read(views.story, push, job)

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes heard of last."""
        return self._read(views.recent, limit, project)

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since then."""
        return self._read(views.statistics, since)

    def purge(self, before: float) -> int:
        """Forget pushes that nothing was heard of since then, with all their claims; tells how many."""
        self._link.call("purge_groups", before=moment(before))
        gone, start = 0, 0
        while True:
            forgotten, looked, removed = self._link.call(
                "purge", before=moment(before), **{"from": start}, most=_PURGE_BATCH
            )
            gone += int(forgotten)
            start += int(looked) - int(removed)
            if looked < _PURGE_BATCH:
                return gone


def _holds_ours(link: Link) -> bool:
    try:
        return link.holds_ours()
    except (redis.RedisError, OSError):
        # Opening it says what is wrong.
        return True


def _named(leased: Push | Group) -> dict[str, str]:
    match leased:
        case Push():
            return {"push": packing.push_name(leased)}
        case Group():
            return {"group": packing.group_name(leased)}


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
