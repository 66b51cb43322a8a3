"""A CI whose runs take their time, and a store that is replaced by an older copy of it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, failure
from tests.pipeline.heard import PUSH
from triggerbot.core.model import Push, State
from triggerbot.core.policy.planning import Call, Capacity
from triggerbot.store.factory import open_file
from triggerbot.store.sqlite.backup import backup
from triggerbot.systems import NOTHING_KNOWN, Known, LookBack


class CI(MemoryCI):
    """Makes runs that take two minutes, and names their requests or not."""

    def __init__(
        self, clock: Clock, capacity: Capacity = Capacity.BATCH, *, parallel: bool = False, names: bool = True
    ):
        super().__init__(capacity=capacity, parallel=parallel)
        self.clock, self.names = clock, names
        #: The runs that it leaves out of its lists, by job and id.
        self.hidden: set[tuple[str, str]] = set()
        self.known: list[Known] = []
        self.say(PUSH)

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List all runs but those that are hidden, and say whether these are all."""
        self.known.append(known)
        view = super().look_back(push, known)
        shown = tuple(one for one in view.events if (one.job, one.run_id) not in self.hidden)
        return replace(view, events=shown, complete=len(shown) == len(view.events))

    def make(self, operation: str, push: object, call: Call) -> None:
        """Make the runs that a request asks for."""
        for _ in range(call.count):
            self.further(call.target.job, operation if self.names else None)

    def further(self, job: str, operation: str | None = None) -> None:
        """Run a job again."""
        number = f"re-{len(self.runs[PUSH])}"
        started = failure(job, number, time=self.clock(), started=self.clock(), retrigger_of=operation)
        self.put(replace(started, state=State.RUNNING, result=None))

    def end(self) -> None:
        """Let what runs end."""
        running = [one for one in self.runs[PUSH].values() if one.state is State.RUNNING]
        self.put(*(failure(one.job, one.run_id, time=self.clock(), started=one.started) for one in running))

    def further_runs(self, job: str) -> int:
        """Count the further runs of a job."""
        return sum(one.job == job for one in self.runs[PUSH].values()) - 1


class Copies:
    """A world whose store is copied, and brought back."""

    def __init__(self, make_world: Callable[..., World], path: Path, ci: CI) -> None:
        self._make, self._path, self._ci = make_world, path, ci
        self.world = make_world(ci)

    def copy(self) -> None:
        """Copy the store."""
        backup(self._path / "state.db", self._path / "copy.db")

    def go_back(self) -> None:
        """Go back to the copy, when the CI must list everything; after it all may go on for a while."""
        self.world.close()
        self.live(5)
        for end in ("", "-wal", "-shm"):
            Path(f"{self._path / 'state.db'}{end}").unlink(missing_ok=True)
        shutil.copy(self._path / "copy.db", self._path / "state.db")
        open_file(self._path / "state.db", daemon=True, clock=self._ci.clock).close()
        self.world = self._make(self._ci)

    def live(self, minutes: int) -> None:
        """Let time pass; what runs ends every two minutes."""
        for minute in range(minutes):
            self._ci.clock.move(60)
            if minute % 2:
                self._ci.end()

    def work(self, minutes: int) -> None:
        """Let time pass, and work."""
        for minute in range(minutes):
            self.world.pass_time(60)
            if minute % 2:
                self._ci.end()
