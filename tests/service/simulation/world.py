"""One history: replicas on one store before one CI, a clock that only the scheduler moves, and dice for all the rest.

Everything happens in one thread. Where threads and processes would come between one another, a call to the store or
the CI lets somebody else act first (`meanwhile`); so every order in which real ones could act can come up here.
"""

import hashlib
import heapq
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from random import Random
from typing import Any

from tests.fakes.simulated_ci import SimCI
from tests.service.simulation.checks import SWEPT, Broken, Checks, must
from tests.service.simulation.replica import Killed, Replica
from tests.service.simulation.scenario import Faults, Scenario
from tests.service.simulation.stores import Ground, InMemory
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Event, Head, HeadKind, Heard, Push
from triggerbot.core.policy import limits
from triggerbot.core.policy.circuit_breaker import NEVER
from triggerbot.store import Pause

#: The first moment; any would do.
START = 1_795_203_000.0
#: Steps that no honest history needs, seconds after which everything must have settled, and the longest pause
#: between looks: as long as a lease lasts, for what a dead replica has leased is not listed as due.
STEPS_MAX, SETTLED_AFTER, LOOK = 6000, 400_000.0, 95.0


class History(Exception):
    """A history that went wrong: what is broken, and everything that happened."""

    def __init__(self, seed: int, why: str, trace: list[str]) -> None:
        self.seed, self.why, self.trace = seed, why, trace
        super().__init__(f"seed {seed}: {why}")


class World:
    """One history, from its seed to its end."""

    def __init__(self, scenario: Scenario, ground: Ground | None = None) -> None:
        self.ground = ground or InMemory()
        self.scenario = scenario
        self.dice = Random(scenario.seed + 1_000_003)
        self.now = START
        self.faults = scenario.faults
        self.fuse = self._fuse()
        self.checks = Checks(self)
        self.watches = self.checks.watches()
        self.trace: list[tuple[float, str, str, dict[str, Any]]] = []
        #: What the CI took: when, for which operation, push and job.
        self.taken: list[tuple[float, str, Push, str]] = []
        self.ci = SimCI(self)
        #: What people, and the checks, see the store through.
        self.store = self.ground.open()
        self._later: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._number = self._born = self._depth = 0
        #: No time passes between the last look at the clock before a request and its first byte: nothing can act there.
        self._still = False
        self._held: Mapping[str, int] = {}
        #: The very first sweep went by a clock that was ahead, and so reached back less far.
        self.misled = False
        #: When the last commit came that is none of the pushes.
        self.newest = 0.0
        #: The store is being replaced: nobody works on it.
        self._stopped = False
        self.calm = False
        self.steps = 0
        self.replicas = [self._bear() for _ in range(scenario.replicas)]

    # -- the course of things -----------------------------------------------------------------------------------

    def run(self) -> "World":
        """Let everything happen, and check what came of it; raises `History`."""
        try:
            self._prepare()
            self._storm()
            self._calm()
            self.checks.at_the_end()
        except Broken as error:
            raise History(self.scenario.seed, str(error), self.told()) from error
        finally:
            self.ground.close()
        return self

    def _prepare(self) -> None:
        """Plan what happens from outside."""
        dice, scenario = self.dice, self.scenario
        for number, (message, jobs, failing) in enumerate(scenario.pushes):
            push = Push("ci", "try", "try", f"{number:07x}")
            hidden = scenario.behind or dice.choice((0.0, 0.0, 0.0, dice.uniform(1, 400)))
            self.later(dice.uniform(0, 60), self.ci.begin, push, message, jobs, failing, hidden)
            for _ in range(scenario.wishes):
                self.later(
                    dice.uniform(60, scenario.storm), self._wish, push, dice.choice(jobs), dice.choice((1, 2, 5))
                )
            for _ in range(scenario.strangers):
                self.later(dice.uniform(60, scenario.storm + 200), self.ci.strange, push)
        for _ in range(scenario.pauses):
            self.later(dice.uniform(0, scenario.storm), self._pause, dice.uniform(1, scenario.storm))
        for _ in range(scenario.jumps):
            self.later(dice.uniform(0, scenario.storm), self._jump, dice.choice((-3600.0, 3600.0)))
        self.later(dice.uniform(0, scenario.sweep), self._sweep)
        for number in range(scenario.newer):
            self.later(dice.uniform(0, scenario.storm), self._push_newer, f"f{number:06x}")
        for _ in range(scenario.stops):
            self.later(dice.uniform(60, scenario.storm + 1), self.ci.stop, dice.choice(scenario.pushes)[0])
        if scenario.forgets:
            own = Random(scenario.seed + 3_000_017)
            copied = own.uniform(0, scenario.storm)
            self.later(copied, self._copy)
            self.later(copied + own.choice((5, 60, 300, 900)) * own.random(), self._forget)

    def _storm(self) -> None:
        until = START + self.scenario.storm
        while self.now < until:
            self._do_what_is_due()
            self._move(until)
        self.now = max(self.now, until)

    def _calm(self) -> None:
        """Nothing goes wrong any more: all has to come to rest."""
        self.faults, self.fuse, self.calm = Faults(), NEVER, True
        self.store.limits.pause(None)
        self.note("calm")
        self._come_to_rest()
        self.checks.before_the_sweep()
        self.now += 400
        self._before_a_sweep(self.replicas[0])
        must(self.replicas[0].sweep(), "a sweep fails although nothing goes wrong")
        self._come_to_rest()

    def _before_a_sweep(self, replica: Replica) -> None:
        known = self.store.cursor("poll:ci") or self.store.cursor("began:ci")
        late = self.now > START + SWEPT
        self.misled |= (replica.skew > 0 or late) if known is None else late and float(known) > self.now

    def _come_to_rest(self) -> None:
        self._do_what_is_due()
        while self._later or not self._settled():
            must(self.now < START + SETTLED_AFTER, "it never settles")
            self._move(START + 2 * SETTLED_AFTER)
            self._do_what_is_due()

    def _do_what_is_due(self) -> None:
        while self._later and self._later[0][0] <= self.now:
            self._next()
        self._work()
        self._held = self.store.limits.held()
        # A daemon looks each second; here only where that may tell something, for the sake of time.
        if self._held or (self.calm and any(one.open for one in self.store.limits.breakers())):
            self._any().tick()
            self._work()

    def _next(self) -> None:
        _, _, act, arguments = heapq.heappop(self._later)
        act(*arguments)

    def _work(self) -> None:
        """Let the replicas work until none finds anything."""
        # Looking once in any case is what takes over from the dead.
        busy = self._step(self._any()) or self._may_work()
        while busy:
            self.dice.shuffle(self.replicas)
            worked = [self._step(replica) for replica in self.replicas]
            busy = any(worked) and self._may_work()

    def _may_work(self) -> bool:
        due = self.store.due.next()
        return due is not None and due <= self.now + max(replica.skew for replica in self.replicas)

    def _step(self, replica: Replica) -> bool:
        worked = not replica.dead and replica.step()
        self.steps += worked
        must(self.steps < STEPS_MAX, "an endless loop")
        return worked

    def _move(self, until: float) -> None:
        """Go on to the next moment at which something may happen."""
        times = [self.now + (300.0 if limits.waiting(self._held) else 30.0 if self._held else LOOK), until]
        if self._later:
            times.append(self._later[0][0])
        alive = [replica.skew for replica in self.replicas if not replica.dead]
        due = self.store.due.next() if alive else None
        if due is not None:
            # What is due and left is leased.
            moment = due + 0.01 - max(alive)
            times.append(moment if moment > self.now else self.now + 1.0)
        self.now = max(self.now + 0.01, min(times))

    def _settled(self) -> bool:
        """Tell whether nothing is left to be done; what is leased is not listed as due."""
        return self.store.due.next() is None and all(self._at_rest(push) for push in self.ci.pushes)

    def _at_rest(self, push: Push) -> bool:
        record = self.store.pushes.record(push)
        claims = [claim for job in record.jobs for claim in job.claims] if record is not None else []
        return all(claim.state.final for claim in claims) and not self.store.leads.read(self.ci.group(push)).leads

    # -- what happens -------------------------------------------------------------------------------------------

    def later(self, delay: float, act: Callable[..., object], *arguments: Any) -> None:
        """Let something happen after so many seconds."""
        self._number += 1
        heapq.heappush(self._later, (self.now + max(0.0, delay), self._number, act, arguments))

    def pass_time(self, seconds: float) -> None:
        """Let a call take its time; others act meanwhile."""
        if not self._still:
            self.now += seconds
            self.meanwhile()

    def tell(self, heard: Heard) -> None:
        """Let the CI send a message, as reliably as the scenario has it."""
        dice, faults = self.dice, self.faults
        if self.scenario.leads and isinstance(heard, Event):
            heard = self.ci.lead(heard)
        if dice.random() < faults.unheard:
            self.note("unheard")
            return
        for _ in range(2 if dice.random() < faults.doubled else 1):
            self.later(
                dice.uniform(0, 120) if dice.random() < faults.late else dice.uniform(0, 2), self._deliver, heard
            )

    def _deliver(self, heard: Heard) -> None:
        replica = self._any()
        if not replica.dead and replica.hear(heard):
            return
        if self.dice.random() < 0.7:
            self.later(self.dice.uniform(1, 60), self._deliver, heard)

    def _sweep(self) -> None:
        replica = self.replicas[0]
        self._before_a_sweep(replica)
        went_well = not replica.dead and replica.sweep()
        if self.now < START + self.scenario.storm:
            self.later(self.scenario.sweep if went_well else min(self.scenario.sweep, 300.0), self._sweep)

    def _push_newer(self, revision: str) -> None:
        """Let a newer commit come of the branch that all pushes are on."""
        self.newest = self.now
        self.note("newer", push=revision)
        self.tell(Head("ci", "try", "try", HeadKind.PUSHED, revision, self.now))

    def _pause(self, seconds: float) -> None:
        self.note("paused")
        self.store.limits.pause(Pause(self.now, "somebody"))
        self.later(seconds, self._go_on)

    def _go_on(self) -> None:
        self.note("goes on")
        self.store.limits.pause(None)

    def _wish(self, push: Push, job: str, count: int) -> None:
        self._number += 1
        made = self.store.claims.ask(push, job, count, f"wish-{self._number}", dry=False, now=self.now)
        self.note("wish", job=job, count=count, known=made is not None)
        if made is None and self.now < START + self.scenario.storm:
            self.later(30.0, self._wish, push, job, count)

    def _jump(self, seconds: float) -> None:
        """Let the clock of one replica jump, as after a resumed virtual machine or a wrong time server."""
        replica = self._any()
        replica.jump(seconds)
        self.note("jumped", replica, seconds=seconds)
        self.later(self.dice.uniform(1, self.scenario.storm), replica.jump, -seconds)

    def _copy(self) -> None:
        self.note("copied")
        self.ground.copy()
        self.checks.copied()

    def _forget(self) -> None:
        """All stop, and start anew on the copy when the CI must list what was asked for before."""
        self.note("forgot")
        self._stopped = True
        for replica in self.replicas:
            replica.dead = True
        paused = self.store.limits.paused()
        self.ground.forget(self.now)
        self.store = self.ground.open()
        # Whoever puts a copy back pauses and resumes as it was.
        self.store.limits.pause(paused)
        self.checks.forgot()
        # A call that took long may have ended later than the time that it is now.
        sent = max((at for at, *_ in self.taken), default=self.now)
        self.later(max(0.0, sent - self.now) + self.scenario.grace, self._start_anew)

    def _start_anew(self) -> None:
        self._stopped = False
        for replica in self.replicas:
            self._replace(replica)

    # -- what goes wrong ----------------------------------------------------------------------------------------

    def _fuse(self) -> int:
        between = self.faults.between
        return self.dice.randint(1, 2 * between) if between else NEVER

    def goes_wrong(self, replica: Replica, name: str, act: Callable[[], Any], *, of_store: bool) -> Any:
        """Let one call go wrong, or let others act around it."""
        if replica.dead:
            self.fuse += 1
            raise Killed
        self.fuse = self._fuse()
        may_fail = of_store and not (self.ground.leases_last and name in ("lease", "release"))
        what = self.dice.choice(("meanwhile", "meanwhile", "stalled", "unavailable", "killed"))
        what = "meanwhile" if what == "unavailable" and not may_fail else what
        first = self.dice.random() < 0.5
        self.note(what, replica, call=name, before=first)
        if what in ("meanwhile", "stalled"):
            return self._others_act(replica, name, act, what == "stalled", first)
        if not first:
            answer = act()
            if isinstance(answer, Future):
                answer.result()
        if what == "killed":
            replica.dead = True
            raise Killed
        raise StoreUnavailable("the store is gone")

    def _others_act(self, replica: Replica, name: str, act: Callable[[], Any], stalled: bool, first: bool) -> Any:
        """Let others act around a call; this replica may stand still for longer than its leases last."""
        answer = None if first else act()
        was, self._still = self._still, self._still or (name == "retrigger" and first)
        if stalled:
            self.pass_time(LOOK)
        else:
            self.meanwhile()
        self._still = was
        if replica.dead:
            raise Killed
        return act() if first else answer

    def meanwhile(self) -> None:
        """Let others act in the middle of something: other replicas, or other threads of the same."""
        if self._depth >= 2:
            return
        self._depth += 1
        for _ in range(self.dice.randint(1, 3)):
            what, replica = self.dice.random(), self._any()
            if what < 0.3 and self._later and self._later[0][0] <= self.now + 30:
                self._next()
            elif what < 0.4 and not replica.dead:
                replica.tick()
            else:
                self._step(replica)
        self._depth -= 1

    def died(self, replica: Replica) -> None:
        """Take note of a replica's end; a new one comes in its place."""
        if replica in self.replicas and not self._stopped:
            self.note("died", replica)
            self.ground.died()
            self.later(self.dice.choice((0.0, 5.0, 100.0)), self._replace, replica)

    def _replace(self, replica: Replica) -> None:
        if replica in self.replicas and not self._stopped:
            self.replicas[self.replicas.index(replica)] = self._bear()

    def _bear(self) -> Replica:
        self._born += 1
        return Replica(self, f"replica-{self._born}", self.ground.open())

    def _any(self) -> Replica:
        return self.dice.choice(self.replicas)

    # -- what is told of it -------------------------------------------------------------------------------------

    def received(self, operation: str, push: Push, jobs: list[str]) -> None:
        """The CI got a request."""
        self.note("received", operation=operation, push=push.revision, jobs=jobs)
        self.checks.received(operation)

    def note(self, what: str, replica: Replica | None = None, **more: Any) -> None:
        """Keep what happened."""
        self.trace.append((self.now, "" if replica is None else replica.name, what, more))

    def told(self) -> list[str]:
        """Tell all that happened, in words; operations are numbered, for their ids are not drawn from the seed."""
        names: dict[str, str] = {}
        lines = []
        for at, who, what, more in self.trace:
            if "operation" in more:
                names.setdefault(more["operation"], f"op-{len(names) + 1}")
            words = " ".join(f"{name}={names[value] if name == 'operation' else value}" for name, value in more.items())
            lines.append(f"{at - START:10.2f} {who:10} {what:12} {words}".rstrip())
        return lines

    def fingerprint(self) -> str:
        """Tell histories apart by everything that happened."""
        return hashlib.sha256("\n".join(self.told()).encode()).hexdigest()
