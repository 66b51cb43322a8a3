"""The store of several replicas: one Redis, and one script that makes every change there (`scripts/`)."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

import redis

from triggerbot.core.errors import StoreUnavailable, StoreUnusable
from triggerbot.core.model import Claim, Group, Lead, Push, State
from triggerbot.store import (
    CRASHES_MAX,
    DELIVERY_KEPT,
    LEASES_PER_SYSTEM,
    LETTERS_MAX,
    Crash,
    DeadLetter,
    Distrust,
    Item,
    Leads,
    Outcome,
    Pause,
    PushRecord,
    TimelineEntry,
    Work,
)
from triggerbot.store.redis import codec, queries, search
from triggerbot.store.redis.claims import Claiming
from triggerbot.store.redis.codec import moment
from triggerbot.store.redis.connection import PREFIX, RedisConnection, connect, key
from triggerbot.store.redis.verdicts import Reporting
from triggerbot.store.redis.writer import Writer

#: Seconds for which a push is remembered after the last that was heard of it, unless told otherwise.
_RETENTION = 14 * 86_400.0
#: Pushes that one call of a purge looks at, so that it never holds up others for long.
_PURGE_BATCH = 50
#: Seconds between looks whether it is still the same server, and between signs of life.
_WATCH_EVERY = 5.0
#: Seconds without a sign of life after which a process is taken for dead.
_ALIVE = 20


class RedisStore(Claiming, Reporting):
    """A `Store` in Redis. Any number of processes work on it."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        retention: float = _RETENTION,
        must_exist: bool = False,
        watch: bool = False,
    ) -> None:
        super().__init__(RedisConnection(client, retention))
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
            self._link.read(lambda client: client.set(key("alive", self._owner), "1", ex=_ALIVE))

    def close(self) -> None:
        """Finish what is being written and let go."""
        self._closing.set()
        self._writer.close()
        self._link.close()

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
        return codec.group_of(name) if kind == "g" else codec.push_of(name)

    def release(self, leased: Push | Group, owner: str) -> None:
        """Give back what was leased."""
        self._link.call("release", owner=owner, **_named(leased))

    def next_due(self) -> float | None:
        """Tell when the next that is not leased falls due; no push does while paused."""
        found = self._link.call("next_due", owner=self._owner, most=LEASES_PER_SYSTEM)
        return float(found) if found else None

    def leads(self, group: Group) -> Leads:
        """Read what was heard of a group and not asked about yet, failures first."""
        return self._read(queries.leads, group)

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Forget leads that were asked about, unless more was heard of their runs meanwhile."""
        leads = [codec.lead(lead)[:2] for lead in settled]
        self._link.call("settle_leads", group=codec.group_name(group), leads=leads)

    def put_off_leads(self, group: Group, due: float) -> None:
        """Ask about a group again when due; counts as a try in vain."""
        self._link.call("put_off_leads", group=codec.group_name(group), due=moment(due))

    def distrust(self) -> Distrust | None:
        """Tell whether the store may have forgotten something; the latest such case."""
        return self._link.distrust()

    def work(self, push: Push) -> Work:
        """Read what is open about a push."""
        return self._read(queries.work, push)

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read how far each run (job, run id, attempt) of a push is known to have come."""
        return self._read(queries.known, push)

    # -- what people ask ----------------------------------------------------------------------------------------

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record what a person asks for, as a claim of its own; `None` if no run of the job is known."""
        made = self._link.call(
            "ask", push=codec.push_name(push), job=codec.bare(job), count=count, origin=codec.bare(origin),
            dry=dry, now=moment(now),
        )  # fmt: skip
        if not made:
            return None
        wire = codec.claim_decoder.decode(made[0])
        return codec.claim_of(wire, push, codec.run_of(job, made[1]), None)

    def pause(self, pause: Pause | None) -> None:
        """Stop all sending on every replica, or (`None`) go on."""
        kept = pause is not None and codec.encode({"at": pause.at, "by": pause.by, "note": pause.note})
        self._link.call("pause", pause=kept)

    def paused(self) -> Pause | None:
        """Tell whether sending is stopped."""
        return self._read(queries.paused)

    def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep messages that could not be handled."""
        self._link.call("add_dead_letters", letters=[queries.letter(letter) for letter in letters], most=LETTERS_MAX)

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List them, oldest first."""
        return self._read(queries.dead_letters, limit)

    def count_dead_letters(self) -> int:
        """Count them."""
        return int(self._link.read(lambda client: client.hlen(f"{PREFIX}letters")))

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Forget some of them; tells how many there were."""
        return int(self._link.call("drop_letters", ids=list(ids)))

    def add_crashes(self, crashes: Sequence[Crash]) -> None:
        """Keep how workers ended; the oldest make room for new ones."""
        self._link.call("add_crashes", crashes=[codec.encode(crash) for crash in crashes], most=CRASHES_MAX)

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List how workers ended, newest first; those that died together in the order in which they did."""
        return self._read(queries.crashes, limit)

    def cursor(self, name: str) -> str | None:
        """Read how far an intake has come."""
        return self._read(queries.cursor, name)

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and the beginning of a revision, newest first."""
        return self._read(search.find, project, revision)

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known of a push."""
        return self._read(queries.record, push)

    def timeline(self, push: Push, job: str | None = None) -> list[TimelineEntry]:
        """Read what happened to a push, or to one job of it, in order."""
        return self._read(queries.story, push, job)

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes heard of last."""
        return self._read(search.recent, limit, project)

    def purge(self, before: float) -> int:
        """Forget pushes that nothing was heard of since then, with all their claims; tells how many."""
        self._link.call("purge_groups", before=moment(before), forgotten=moment(before - DELIVERY_KEPT))
        gone = self._purge("purge", before=moment(before))
        self._purge("purge_names")
        return gone

    def _purge(self, command: str, **arguments: str) -> int:
        """Go through a list of pushes, some of them a call; tells how many were forgotten."""
        gone, start = 0, 0
        while True:
            forgotten, looked, removed = self._link.call(command, **arguments, **{"from": start}, most=_PURGE_BATCH)
            gone += int(forgotten)
            start += int(looked) - int(removed)
            if looked < _PURGE_BATCH:
                return gone


def _holds_ours(link: RedisConnection) -> bool:
    try:
        return link.holds_ours()
    except (redis.RedisError, OSError):
        # Opening it says what is wrong.
        return True


def _named(leased: Push | Group) -> dict[str, str]:
    match leased:
        case Push():
            return {"push": codec.push_name(leased)}
        case Group():
            return {"group": codec.group_name(leased)}
