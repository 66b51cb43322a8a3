"""Weeks of a store's life, written through its own verbs in the events' own time, as a busy project has them.

A push has 300 jobs out of 6,000, which begin and end over some hours; 3 in 100 fail, most of these are retriggered, and
some are repeated by the CI itself: 1.09 runs a job. Meanwhile pushes are judged, and the store is purged every hour.
"""

import base64
import heapq
import random
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count

from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Decision
from triggerbot.core.model import Event, Push, Result, RunKey, State
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.rules import Triage
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.store import FailureRecord, Observation, Outcome, Store, Summary

HOUR, DAY = 3600.0, 86_400.0
PROJECTS = ("try", "autoland", "mozilla-central")
#: Of all projects, a day; jobs of a push.
PUSHES, JOBS = 400, 300
#: Events that are observed together.
BATCH = 50
#: As in `daemon.engine`.
_QUIET = 6 * HOUR
_FAILING, _REPEATED = 0.03, 0.035
_BEGINS = 5
#: Batches that are under way together, as those of several intakes are.
_TOGETHER = 8
_GROUPS = frozenset({EVERY})
_PLATFORMS = (
    "linux1804-64-qr", "linux2204-64-wayland", "macosx1470-64", "macosx1500-aarch64", "windows11-64-24h2",
    "windows11-32-24h2", "android-em-14-x86_64", "android-hw-a55-14-0-aarch64-shippable",
)  # fmt: skip
_BUILDS = ("opt", "debug", "asan-opt", "tsan-opt", "ccov-opt")
_SUITES = (
    "mochitest-browser-chrome", "mochitest-plain", "mochitest-devtools-chrome", "web-platform-tests",
    "web-platform-tests-reftest", "xpcshell", "reftest", "crashtest", "marionette-integration", "jittest",
)  # fmt: skip


def names() -> list[str]:
    """Make the names of all jobs."""
    found = [
        f"test-{platform}/{build}-{suite}-{number}"
        for platform in _PLATFORMS
        for build in _BUILDS
        for suite in _SUITES
        for number in range(1, 16)
    ]
    assert len(found) == 6000
    return found


@dataclass(slots=True)
class Pushed:
    """What the CI knows of a push."""

    push: Push
    at: float
    author: str
    message: str
    batch: str
    #: Jobs with failures, with their failed and passed runs.
    failed: dict[str, list[int]] = field(default_factory=dict)
    ended: int = 0
    asks: PushOptions | None = field(default_factory=PushOptions)


class Life:
    """A store's life from one time to another.

    One run in five is observed when it begins, too: what is stored in the end is the same, and it is written sooner.
    """

    def __init__(self, store: Store, begin: float, end: float) -> None:
        self._store = store
        self._begin, self._end = begin, end
        self._random = random.Random(14)
        self._names = names()
        self._order = count()
        #: What happens next: when, its number, what becomes of a run.
        self._next: list[tuple[float, int, Pushed, str, str, bool, float]] = []
        self._known: dict[Push, Pushed] = {}
        self._claimed: dict[Push, float] = {}
        self._under_way: deque[tuple[list[Observation], float, Future[list[Outcome]]]] = deque()
        self.events = self.pushes = self.requests = 0

    def live(self) -> None:
        """Write all of it."""
        purged, batch = self._begin, list[Observation]()
        now = self._begin
        for now, observed in self._observations():
            batch.append(observed)
            if len(batch) >= BATCH:
                self._observe(batch, now)
                batch = []
            if now - purged >= HOUR:
                purged = now
                self._settle(now)
                self._judge(now)
                self._store.purge(self._begin - DAY, now - _QUIET)
        if batch:
            self._observe(batch, now)
        self._settle(now)
        self._judge(now + 60)

    def first(self) -> float:
        """Return when it began."""
        return self._begin

    def last(self) -> Pushed:
        """Return a push of the last hours with failures."""
        return next(one for one in reversed(self._known.values()) if one.ended > JOBS // 2 and one.failed)

    # -- what the CI says ---------------------------------------------------------------------------------------

    def _observations(self) -> Iterator[tuple[float, Observation]]:
        step = DAY / PUSHES
        pushed = self._begin
        while True:
            if pushed < self._end and (not self._next or pushed <= self._next[0][0]):
                self._push(pushed)
                pushed += step
                continue
            if not self._next or self._next[0][0] > self._end:
                return
            at, _, push, job, run, begins, started = heapq.heappop(self._next)
            observed = self._begun(push, job, run, at) if begins else self._ended(push, job, run, at, started)
            if observed is not None:
                self.events += 1
                yield at, observed

    def _push(self, at: float) -> None:
        pick = self._random
        number = self.pushes
        self.pushes += 1
        push = Push("fx", PROJECTS[number % 3], PROJECTS[number % 3], f"{pick.getrandbits(160):040x}")
        bug = pick.randrange(1_000_000, 2_000_000)
        made = self._known[push] = Pushed(
            push, at, f"dev{pick.randrange(300)}@mozilla.com",
            f"Bug {bug} - Make the thing number {bug % 977} do what it says, part {number % 5}. r=somebody",
            self._slug(),
        )  # fmt: skip
        for job in pick.sample(self._names, JOBS):
            self._run(made, job, at + pick.uniform(60, 2 * HOUR))

    def _slug(self) -> str:
        return base64.urlsafe_b64encode(self._random.randbytes(16)).decode().rstrip("=")

    def _run(self, push: Pushed, job: str, at: float) -> None:
        heapq.heappush(self._next, (at, next(self._order), push, job, self._slug(), True, at))

    def _event(self, push: Pushed, job: str, run: str, at: float, state: State, **more: object) -> Observation:
        platform = job.split("/", 1)[0]
        event = Event(
            push.push, job, run, state, time=at, author=push.author, message=push.message, batch=push.batch,
            url=f"https://firefox-ci-tc.services.mozilla.com/tasks/{run}/runs/0", pool=f"gecko-t/t-{platform[5:]}",
            **more,  # type: ignore[arg-type]
        )  # fmt: skip
        return Observation(event, Triage(event.failed, None, _GROUPS), push.asks)

    def _begun(self, push: Pushed, job: str, run: str, at: float) -> Observation | None:
        length = self._random.uniform(120, 2400)
        heapq.heappush(self._next, (at + length, next(self._order), push, job, run, False, at))
        if next(self._order) % _BEGINS:
            return None
        return self._event(push, job, run, at, State.RUNNING, started=at)

    def _ended(self, push: Pushed, job: str, run: str, at: float, started: float) -> Observation:
        chance = self._random.random()
        again = push.failed.get(job)
        failed = chance < _FAILING if again is None else chance < 0.4
        push.ended += 1
        if failed or again is not None:
            push.failed.setdefault(job, [0, 0])[0 if failed else 1] += 1
        if not failed:
            if again is None and chance > 1 - _REPEATED:
                self._run(push, job, at + 30)
            return self._event(push, job, run, at, State.FINISHED, result=Result.SUCCESS, started=started)
        lines = (
            f"TEST-UNEXPECTED-FAIL | dom/base/test/test_{len(job)}_{job[-2:]}.html | the value is {int(chance * 1e6)}",
            "PROCESS-CRASH | application crashed [@ mozilla::dom::Something::Run()]",
        )
        return self._event(push, job, run, at, State.FINISHED, result=Result.FAILURE, started=started, failures=lines)

    # -- what triggerbot does -----------------------------------------------------------------------------------

    def _observe(self, batch: list[Observation], now: float) -> None:
        self._under_way.append((batch, now, self._store.observe_soon(batch, now, dry=False)))
        if len(self._under_way) >= _TOGETHER:
            self._settle(now)

    def _settle(self, now: float) -> None:
        """Wait for the batches under way, and handle what became due."""
        for batch, at, answer in self._under_way:
            for one, outcome in zip(batch, answer.result(), strict=True):
                if outcome.claimed:
                    self._claimed.setdefault(one.event.push, at)
        self._under_way.clear()
        for push, since in list(self._claimed.items()):
            if now - since > 300:
                del self._claimed[push]
                self._retrigger(push, now)

    def _retrigger(self, push: Push, now: float) -> None:
        """Decide the claims of a push, and ask for what was decided in one request."""
        work = self._store.pushes.work(push)
        due = [claim for claim in work.claims if claim.state is ClaimState.OPEN]
        decided = [one for one in due if self._decide(one, now)]
        if not decided:
            return
        self.requests += 1
        baseline = {one.job: tuple(RunKey(*run.key) for run in work.runs[one.job]) for one in decided}
        asked = Operation(self._slug(), push, tuple(one.id for one in decided), 2, now, baseline)
        self._store.claims.begin(asked, push, "asking for 2 further runs", now + 1, caps={"service": None})
        self._store.claims.accepted(asked, "the CI accepted it", now + 2)
        for one in decided:
            for _ in range(2):
                self._run(self._known[push], one.job, now + 60)

    def _decide(self, claim: Claim, now: float) -> bool:
        made = self._store.claims.decide(claim, Decision.trigger(Cause.FAILURE, 2, "it failed"), Budget(), now)
        return made is not None and made.cause is not None

    def _judge(self, now: float) -> None:
        """Judge what is due."""
        while (push := self._store.reports.take(now, 60)) is not None:
            known = self._known[push]
            records = [
                FailureRecord(push, job, now, failed, passed, ("a" * 16, f"{hash(job) & 0xFFFFFFFFFFFF:x}"))
                for job, (failed, passed) in known.failed.items()
            ]
            changes = [(one.job, f"it failed in {one.failed} of {one.failed + one.passed} runs") for one in records]
            health = "failing" if records else "good"
            counts = {"passed": known.ended - len(records), "failed": len(records)}
            summary = Summary(
                push, health, f"{len(records)} jobs failed", known.author, known.message, known.at, now, now, counts
            )
            self._store.reports.judged(summary, records, changes[:3], now)
            self._store.reports.end(push, None)
