"""The store, whatever its engine: observing, and rooms with the verbs about one thing each (see `room`)."""

import math
from collections.abc import Sequence
from concurrent.futures import Future

from triggerbot.store import observe, purge, set_back
from triggerbot.store.actions import Actions
from triggerbot.store.backfills import Backfills
from triggerbot.store.bases import Bases
from triggerbot.store.batches import Batches
from triggerbot.store.branches import Branches
from triggerbot.store.calibration import Calibrations
from triggerbot.store.claims import Claims
from triggerbot.store.commands import Commands
from triggerbot.store.due import Due
from triggerbot.store.engine import Engine
from triggerbot.store.expectations import Expectations
from triggerbot.store.facts import Facts
from triggerbot.store.jobs import Jobs
from triggerbot.store.leads import LeadGroups
from triggerbot.store.letters import Crashes, Letters
from triggerbot.store.limits import LimitsRoom
from triggerbot.store.marks import Marks
from triggerbot.store.pushes import Pushes
from triggerbot.store.records import Distrust, Item, Outcome
from triggerbot.store.reports import Reports
from triggerbot.store.sessions import Sessions
from triggerbot.store.statistics import Statistics


class Store:
    """What triggerbot remembers, on any engine. All methods are thread-safe; all raise `StoreUnavailable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: For the dispatcher: what is due, and what becomes of it.
        self.due = Due(engine)
        self.leads = LeadGroups(engine)
        self.claims = Claims(engine)
        self.limits = LimitsRoom(engine)
        self.facts = Facts(engine)
        self.bases = Bases(engine)
        #: For the publisher.
        self.reports = Reports(engine)
        self.commands = Commands(engine)
        self.backfills = Backfills(engine)
        self.branches = Branches(engine)
        self.expectations = Expectations(engine)
        self.calibration = Calibrations(engine)
        #: For pages, commands and operators.
        self.pushes = Pushes(engine)
        self.jobs = Jobs(engine)
        self.statistics = Statistics(engine)
        self.letters = Letters(engine)
        self.crashes = Crashes(engine)
        self.marks = Marks(engine)
        self.sessions = Sessions(engine)
        self.actions = Actions(engine)
        self._batches = Batches(engine.submit)

    def close(self) -> None:
        """Finish pending writes and close."""
        self._engine.close()

    def observe(
        self, items: Sequence[Item], now: float, *, dry: bool, cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:  # fmt: skip
        """Record a batch of items, make the claims that follow from it, and move a cursor, atomically."""
        return self.observe_soon(items, now, dry=dry, cursor=cursor, deliveries=deliveries, here=True).result()

    def observe_soon(
        self, items: Sequence[Item], now: float, *, dry: bool, cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (), here: bool = False,
    ) -> "Future[list[Outcome]]":  # fmt: skip
        """Observe like `observe`, but return a future, so that many callers can share one commit.

        `here`: the caller will wait for it, so it may be done in the caller's thread.
        """
        return self._batches.submit(items, now, dry=dry, cursor=cursor, deliveries=deliveries, here=here)

    def cursor(self, name: str) -> str | None:
        """Read the cursor of an intake."""
        return self._engine.read(lambda view: observe.cursor(view, name))

    def distrust(self) -> Distrust | None:
        """Return the latest reason to believe that the store lost data since it was opened, if any."""
        return self._engine.distrust()

    def set_back(self, by: float, now: float) -> int:
        """Make what is due later due earlier by some seconds, after the clock was set back; return how much."""
        return set_back.shift(self._engine.run, by, now)

    def purge(self, before: float, quiet: float = -math.inf) -> int:
        """Delete pushes without events since then, with all their claims; returns how many.

        `quiet`: pushes without events since then take less room from now on, until something comes of them again.
        """
        deleted = purge.purge(self._engine.run, before, quiet)
        self._engine.compact()
        return deleted
