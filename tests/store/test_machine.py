"""Generated sequences of everything that a dispatcher does, on a store and on a plain model of it: always the same."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.examples import examples
from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import EVERY_JOB, every
from tests.fakes.world import event, push
from tests.store.model import FINAL, Key, Model, ModelClaim
from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import Push
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.rules import Triage
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.store import Notice, Observation, Pause, Store
from triggerbot.store.factory import open_file, open_memory, open_store
from triggerbot.store.memory import Memory

PUSHES = (push("aaaaaaa"), push("bbbbbbb"))
JOBS = ("a", "b", "c")


_REFUSALS = {"refuse": Refusal.HIDDEN, "derive": Refusal.DERIVED, "lose": Refusal.NOT_FOUND}


class Machine(RuleBasedStateMachine):
    """Does the same to a store and to the model, and compares everything that can be read."""

    def open(self, path: Path) -> Store:
        """Open the store under test."""
        return open_file(path, durable=False)

    def empty(self) -> None:
        """Make the place empty where it is not made anew."""

    @initialize()
    def begin_empty(self) -> None:
        """Start with nothing."""
        self.empty()
        self.directory = tempfile.TemporaryDirectory(prefix="triggerbot-machine-")
        self.path = Path(self.directory.name) / "state.db"
        self.store = self.open(self.path)
        self.model = Model()
        self.now = 100.0
        self.number = 0
        self.final: dict[Key, ModelClaim] = {}
        self.reported: dict[Push, object] = {}

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.store.close()
        self.directory.cleanup()

    # -- choosing -----------------------------------------------------------------------------------------------

    def pick(self, data: Any, *states: ClaimState, operation: bool | None = None) -> tuple[ModelClaim, Claim] | None:
        """Choose a claim in one of these states, as the model and as the store have it."""
        fitting = [
            claim for claim in self.model.claims.values()
            if claim.state in states and operation in (None, claim.operation is not None)
        ]  # fmt: skip
        if not fitting:
            return None
        chosen = data.draw(st.sampled_from(fitting))
        found = next(claim for claim in every(self.store, chosen.key[0]) if (claim.job, claim.origin) == chosen.key[1:])
        return chosen, found

    # -- what may happen ----------------------------------------------------------------------------------------

    @rule(seconds=st.integers(1, 100))
    def let_time_pass(self, seconds: int) -> None:
        """Go on."""
        self.now += seconds

    @rule(
        where=st.sampled_from(PUSHES), job=st.sampled_from(JOBS), run=st.sampled_from("123"),
        end=st.sampled_from(["pending", "running", "failure", "success", "cancelled"]), dry=st.booleans(),
        times=st.integers(1, 2),
    )  # fmt: skip
    def observe(self, where: Push, job: str, run: str, end: str, dry: bool, times: int) -> None:
        """Hear of a run, once or twice."""
        ended = end not in ("pending", "running")
        heard = event(job, run, push=where, **({"result": end} if ended else {"state": end}))
        item = Observation(heard, Triage(heard.failed, None, frozenset() if end == "cancelled" else EVERY_JOB))
        outcomes = self.store.observe([item] * times, self.now, dry=dry)

        expected = [self.model.hear(heard, self.now, dry) for _ in range(times)]

        assert [outcome.claimed for outcome in outcomes] == expected

    @rule(where=st.sampled_from(PUSHES), count=st.sampled_from([0, 0, 3]), dry=st.booleans())
    def learn(self, where: Push, count: int, dry: bool) -> None:
        """Hear the push's message."""
        from triggerbot.core.model import PushFacts

        asks = PushOptions({EVERY: count} if count else {})
        self.store.observe([Notice(PushFacts(where, "m"), asks)], self.now, dry=dry)
        self.model.say(where, asks, self.now, dry)

    @rule(
        data=st.data(),
        what=st.sampled_from(["failure", "requested", "refuse", "derive", "lose", "drop"]),
        floor=st.integers(0, 2),
    )
    def decide(self, data: Any, what: str, floor: int) -> None:
        """Decide about an open claim."""
        picked = self.pick(data, ClaimState.OPEN)
        if picked is None:
            return
        chosen, claim = picked
        if chosen.key[2]:
            decision: Decision | None = Decision.trigger(Cause.MANUAL, claim.wanted)
        elif what == "drop":
            decision = None
        elif what in _REFUSALS:
            decision = Decision.refuse(_REFUSALS[what])
        else:
            decision = Decision.trigger(Cause(what), 2)
        budget = Budget(0, floor)
        answer = self.store.claims.decide(claim, decision, budget, self.now)
        if decision is None:
            assert answer is None
            del self.model.claims[chosen.key]
            return
        cause = decision.cause
        if cause is Cause.FAILURE and not budget.allows(self.model.spent(chosen.key[0], chosen.dry), 99):
            cause = None
            chosen.refusal = Refusal.OVER_BUDGET
        elif cause is None:
            chosen.refusal = decision.refusal
        assert answer is not None
        assert (answer.cause, answer.refusal) == (cause, chosen.refusal)
        chosen.spent = cause is Cause.FAILURE
        chosen.wanted = answer.count
        chosen.tries = 0
        chosen.due = self.now
        chosen.known_runs = sum(run[:2] == chosen.key[:2] for run in self.model.runs)
        chosen.state = ClaimState.REFUSED if cause is None else ClaimState.WOULD if chosen.dry else ClaimState.OWED

    @rule(data=st.data(), count=st.integers(1, 2))
    def send(self, data: Any, count: int) -> None:
        """Write a request down."""
        picked = self.pick(data, ClaimState.OWED)
        if picked is None:
            return
        chosen, claim = picked
        self.number += 1
        made = Operation(f"op-{self.number}", claim.push, (claim.id,), count, self.now, {claim.job: (claim.run.key,)})
        began = self.store.claims.begin(made, chosen.key[0], "sends", self.now)
        assert began is not self.model.paused
        if began:
            chosen.state, chosen.operation, chosen.held = ClaimState.SENDING, made, False

    @rule(data=st.data(), answer=st.sampled_from(["accepted", "refused", "postponed", "doubted", "missed", "resend"]))
    def answer(self, data: Any, answer: str) -> None:
        """Let a request come to something."""
        picked = self.pick(data, ClaimState.SENDING, ClaimState.UNKNOWN, operation=True)
        if picked is None:
            return
        chosen, _ = picked
        made, later = chosen.operation, self.now + 60
        assert made is not None
        if answer == "accepted":
            self.store.claims.accepted(made, "yes", self.now, due=later, since=self.now)
            chosen.asked += made.count
            chosen.tries, chosen.due, chosen.held, chosen.operation = 0, later, True, None
            chosen.state = ClaimState.DONE if chosen.asked >= chosen.wanted else ClaimState.OWED
        elif answer == "refused":
            self.store.claims.refused(made, Decision.refuse(Refusal.REFUSED_BY_CI, "no"), self.now)
            chosen.operation = None
            if chosen.asked:
                chosen.state = ClaimState.DONE
            else:
                chosen.state, chosen.refusal, chosen.spent = ClaimState.REFUSED, Refusal.REFUSED_BY_CI, False
        elif answer == "postponed":
            self.store.claims.postponed(made, later, "busy", self.now)
            chosen.state, chosen.operation, chosen.due, chosen.held = ClaimState.OWED, None, later, False
            chosen.tries += 1
        elif answer == "resend":
            if self.store.claims.resend(made, "again", self.now):
                chosen.state = ClaimState.SENDING
                chosen.operation = replace(made, started=self.now, sends=made.sends + 1, misses=0)
        else:
            missed = answer == "missed"
            self.store.claims.doubted(made, later, "who knows", self.now, missed=missed)
            chosen.state, chosen.due = ClaimState.UNKNOWN, later
            chosen.operation = replace(made, misses=made.misses + missed)

    @rule(data=st.data(), why=st.sampled_from(["", "held", "lookup"]))
    def wait(self, data: Any, why: str) -> None:
        """Put a claim off."""
        picked = self.pick(data, ClaimState.OPEN, ClaimState.OWED)
        if picked is None:
            return
        chosen, claim = picked
        self.store.claims.wait(
            claim, self.now + 30, why, self.now, since=self.now if why == "held" else None, lookup=why == "lookup"
        )
        chosen.due, chosen.held = self.now + 30, why == "held"
        chosen.tries += why == ""
        chosen.lookups += why == "lookup"

    @rule(data=st.data())
    def finish(self, data: Any) -> None:
        """End a claim early."""
        picked = self.pick(data, ClaimState.OWED)
        if picked is not None:
            self.store.claims.finish(picked[1], "enough", self.now)
            picked[0].state = ClaimState.DONE
            picked[0].spent &= picked[0].asked > 0

    @rule(where=st.sampled_from(PUSHES), job=st.sampled_from(JOBS), who=st.sampled_from("xy"), dry=st.booleans())
    def ask(self, where: Push, job: str, who: str, dry: bool) -> None:
        """Ask as a person."""
        claim = self.store.claims.ask(where, job, 3, who, dry=dry, now=self.now)
        runs = [run for known, name, run in self.model.runs if (known, name) == (where, job)]
        assert (claim is not None) is bool(runs)
        key = (where, job, who)
        if claim is not None and key not in self.model.claims:
            self.model.claims[key] = ModelClaim(key, claim.run.key, dry, due=self.now, wanted=3)

    @rule(stop=st.booleans())
    def pause(self, stop: bool) -> None:
        """Stop all sending, or go on."""
        self.store.limits.pause(Pause(self.now, "me") if stop else None)
        self.model.paused = stop

    @rule()
    def lease(self) -> None:
        """What is leased is due, and nothing is while paused."""
        where = self.store.due.lease(self.now, "me", 60)
        due = {
            claim.key[0] for claim in self.model.claims.values() if claim.state not in FINAL and claim.due <= self.now
        }
        if where is None:
            assert self.model.paused or not due
            return
        assert not self.model.paused
        assert where in due or where not in self.model.asks
        self.store.due.release(where, "me")

    @rule()
    def report(self) -> None:
        """Report what is due: of what is not, nothing has changed since it was reported."""
        self.now += 2
        while (where := self.store.reports.take(self.now, 60)) is not None:
            self.store.reports.end(where, None)
            self.reported[where] = self.told(where)
        for where in PUSHES:
            assert self.reported.get(where) == self.told(where)

    def told(self, where: Push) -> object:
        """All of a push that a report may tell."""
        record = self.store.pushes.record(where)
        if record is None:
            return None
        claims = [
            (one.id, one.state, one.cause, one.refusal, one.wanted, one.asked) for one in every(self.store, where)
        ]
        return self.store.pushes.timeline(where), record.facts, [job.runs for job in record.jobs], claims

    @precondition(lambda self: self.number % 3 == 0)
    @rule()
    def restart(self) -> None:
        """Close and open again."""
        self.store.close()
        self.store = self.open(self.path)

    # -- what is always so --------------------------------------------------------------------------------------

    @invariant()
    def the_same(self) -> None:
        """Every claim and run that can be read is as the model has it."""
        for where in PUSHES:
            claims = {claim.key: claim for claim in self.model.claims.values() if claim.key[0] == where}
            found = {(where, claim.job, claim.origin): claim for claim in every(self.store, where)}
            assert set(found) == set(claims)
            for key, claim in found.items():
                self._compare(claim, claims[key])
            work = self.store.pushes.work(where)
            assert {claim.id for claim in work.claims} == {
                claim.id for key, claim in found.items() if claims[key].state not in FINAL
            }
            assert work.total == len(self.model.jobs(where))
            assert (work.spent, work.spent_dry) == (self.model.spent(where, False), self.model.spent(where, True))
            assert work.asks == self.model.asks.get(where)
            assert self.store.pushes.known(where) == {
                (job, run.run_id, run.attempt): state
                for (known, job, run), (state, _) in self.model.runs.items() if known == where
            }  # fmt: skip

    def _compare(self, claim: Claim, expected: ModelClaim) -> None:
        assert (claim.state, claim.wanted, claim.asked, claim.dry, claim.tries, claim.lookups, claim.refusal) == (
            expected.state, expected.wanted, expected.asked, expected.dry, expected.tries, expected.lookups,
            expected.refusal,
        )  # fmt: skip
        assert claim.operation == expected.operation
        assert (claim.run.state, claim.run.result) == self.model.runs[claim.push, claim.job, claim.run.key]
        if expected.state not in FINAL:
            assert claim.due == expected.due
            assert claim.known_runs == expected.known_runs

    @invariant()
    def final_is_final(self) -> None:
        """A claim that has ended stays as it is, unless further news makes one anew in its place."""
        for key, claim in self.final.items():
            if claim.refusal not in (Refusal.DERIVED, Refusal.NOT_FOUND):
                assert self.model.claims[key].state is claim.state
        self.final = {key: replace(claim) for key, claim in self.model.claims.items() if claim.state in FINAL}


Machine.TestCase.settings = settings(max_examples=examples(100), stateful_step_count=50)


class TestSqlite(Machine.TestCase):
    """Runs the machine on SQLite."""


class InMemory(Machine):
    """The same on the store of the simulation, which has to be like the real ones."""

    def empty(self) -> None:
        """Begin with empty tables."""
        self.tables = Memory()

    def open(self, path: Path) -> Store:
        """Share what is there."""
        return open_memory(self.tables)


InMemory.TestCase.settings = settings(max_examples=examples(100), stateful_step_count=50)


class TestMemory(InMemory.TestCase):
    """Runs the machine on plain dicts."""


class OnRedis(Machine):
    """The same on a real Redis."""

    server: RedisServer

    def empty(self) -> None:
        """Forget everything."""
        self.server.client(1).flushdb()

    def open(self, path: Path) -> Store:
        """Connect anew."""
        return open_store(self.server.url(1))


OnRedis.TestCase.settings = settings(max_examples=examples(100), stateful_step_count=50)


@pytest.fixture(scope="session")
def machines_redis(redis_server: RedisServer) -> None:
    """Give the machine its server."""
    OnRedis.server = redis_server


@pytest.mark.usefixtures("machines_redis")
class TestRedis(OnRedis.TestCase):
    """Runs the machine on Redis."""
