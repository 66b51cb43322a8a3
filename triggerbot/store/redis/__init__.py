"""The store for several replicas: one Redis, where one Lua script makes every change (`scripts/`)."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

import redis

from triggerbot.core.claim import Claim
from triggerbot.core.errors import StoreUnavailable, StoreUnusable
from triggerbot.core.model import Group, Lead, Push, State
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

#: Default seconds for which a push is stored after its last event.
_RETENTION = 14 * 86_400.0
#: Pushes that one call of a purge examines, so that it never blocks other calls for long.
_PURGE_BATCH = 50
#: Seconds between checks that it is still the same server, and between heartbeats.
_WATCH_EVERY = 5.0
#: Seconds without a heartbeat after which a process is taken for dead.
_ALIVE = 20


class RedisStore(Claiming, Reporting):
    """A `Store` in Redis, for any number of processes."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        retention: float = _RETENTION,
        must_exist: bool = False,
        watch: bool = False,
    ) -> None:
        super().__init__(RedisConnection(client, retention))
        if must_exist and not _is_ours(self._link):
            raise StoreUnusable("there is nothing of triggerbot in this Redis yet: it has not run with this config")
        self._link.open()
        self._writer = Writer(self._link)
        self._owner = ""
        self._closing = threading.Event()
        self._has_heartbeat = watch
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
        """Check that the server is still the same one, and send heartbeats."""
        while not self._closing.wait(_WATCH_EVERY):
            try:
                self._link.watch()
                self._send_heartbeat()
            except StoreUnavailable:
                continue

    def _send_heartbeat(self) -> None:
        """Renew this process's heartbeat: once it stops, others take its leases over before they expire."""
        if self._has_heartbeat and self._owner:
            self._link.read(lambda client: client.set(key("alive", self._owner), "1", ex=_ALIVE))

    def close(self) -> None:
        """Finish pending writes and close."""
        self._closing.set()
        self._writer.close()
        self._link.close()

    # -- observing ----------------------------------------------------------------------------------------------

    def observe(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:
        """Record a batch of items, make the claims that follow from it, and move a cursor, atomically."""
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
        """Observe like `observe`, but return a future: batches that wait share the next round trip."""
        return self._writer.submit(items, now, dry=dry, cursor=cursor, deliveries=deliveries)

    # -- the dispatcher -----------------------------------------------------------------------------------------

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Lease what has been due longest; an expired lease is taken over."""
        if owner != self._owner:
            self._owner = owner
            self._send_heartbeat()
        found = self._link.call(
            "lease",
            now=moment(now),
            owner=owner,
            until=moment(now + seconds),
            most=LEASES_PER_SYSTEM,
            beats=str(int(self._has_heartbeat)),
        )
        if not found:
            return None
        kind, name = found
        return codec.group_of(name) if kind == "g" else codec.push_of(name)

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""
        self._link.call("release", owner=owner, **_target(leased))

    def next_due(self) -> float | None:
        """Return when the next unleased push or group falls due; pushes do not count while paused."""
        found = self._link.call("next_due", owner=self._owner, most=LEASES_PER_SYSTEM)
        return float(found) if found else None

    def leads(self, group: Group) -> Leads:
        """Read the unresolved leads of a group, failures first."""
        return self._read(queries.leads, group)

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Delete resolved leads, except those whose runs have got further since."""
        leads = [codec.lead(lead)[:2] for lead in settled]
        self._link.call("settle_leads", group=codec.group_name(group), leads=leads)

    def put_off_leads(self, group: Group, due: float) -> None:
        """Postpone a group; counts as a failed attempt to resolve it."""
        self._link.call("put_off_leads", group=codec.group_name(group), due=moment(due))

    def distrust(self) -> Distrust | None:
        """Return the latest reason to believe that the store lost data, if any."""
        return self._link.distrust()

    def work(self, push: Push) -> Work:
        """Read a push with its open claims."""
        return self._read(queries.work, push)

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read the known state of each run (job, run id, attempt) of a push."""
        return self._read(queries.known, push)

    # -- people and operators ------------------------------------------------------------------------------------

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record a person's request as a claim of its own; `None` if no run of the job is known."""
        job = self._read(queries.job_key, push, job)
        made = self._link.call(
            "ask", push=codec.push_name(push), job=codec.bare(job), count=count, origin=codec.bare(origin),
            dry=dry, now=moment(now),
        )  # fmt: skip
        if not made:
            return None
        wire = codec.claim_decoder.decode(made[0])
        return codec.claim_of(wire, push, codec.run_of(job, made[1]), None)

    def pause(self, pause: Pause | None) -> None:
        """Pause sending on all replicas, or (`None`) resume."""
        value = pause is not None and codec.encode({"at": pause.at, "by": pause.by, "note": pause.note})
        self._link.call("pause", pause=value)

    def paused(self) -> Pause | None:
        """Return the current pause, if any."""
        return self._read(queries.paused)

    def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Store messages that could not be handled; the oldest dead letters make room."""
        self._link.call("add_dead_letters", letters=[queries.letter(letter) for letter in letters], most=LETTERS_MAX)

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List the dead letters, oldest first."""
        return self._read(queries.dead_letters, limit)

    def count_dead_letters(self) -> int:
        """Count the dead letters."""
        return int(self._link.read(lambda client: client.hlen(f"{PREFIX}letters")))

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Delete dead letters; returns how many existed."""
        return int(self._link.call("drop_letters", ids=list(ids)))

    def add_crashes(self, crashes: Sequence[Crash]) -> None:
        """Store crashes of workers; the oldest make room."""
        self._link.call("add_crashes", crashes=[codec.encode(crash) for crash in crashes], most=CRASHES_MAX)

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List the crashes of workers, newest first; those that died together in the order of their deaths."""
        return self._read(queries.crashes, limit)

    def cursor(self, name: str) -> str | None:
        """Read the cursor of an intake."""
        return self._read(queries.cursor, name)

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and revision prefix, newest first."""
        return self._read(search.find, project, revision)

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known about a push."""
        return self._read(queries.record, push)

    def timeline(self, push: Push, job: str | None = None) -> list[TimelineEntry]:
        """Read the timeline of a push, or of one of its jobs, in order."""
        return self._read(queries.timeline, push, job)

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes with the latest events."""
        return self._read(search.recent, limit, project)

    def purge(self, before: float) -> int:
        """Delete pushes without events since then, with all their claims; returns how many."""
        self._link.call("purge_groups", before=moment(before), forgotten=moment(before - DELIVERY_KEPT))
        deleted = self._purge("purge", before=moment(before))
        self._purge("purge_names")
        return deleted

    def _purge(self, command: str, **arguments: str) -> int:
        """Go through a list of pushes, a batch per call; returns how many were deleted."""
        deleted, start = 0, 0
        while True:
            gone, examined, removed = self._link.call(command, **arguments, **{"from": start}, most=_PURGE_BATCH)
            deleted += int(gone)
            start += int(examined) - int(removed)
            if examined < _PURGE_BATCH:
                return deleted


def _is_ours(link: RedisConnection) -> bool:
    try:
        return link.is_ours()
    except (redis.RedisError, OSError):
        # Opening the store fails next, with the reason.
        return True


def _target(leased: Push | Group) -> dict[str, str]:
    match leased:
        case Push():
            return {"push": codec.push_name(leased)}
        case Group():
            return {"group": codec.group_name(leased)}
