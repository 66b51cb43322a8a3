"""What holds for every history: generated events through the real observer, dispatcher and store."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples, is_thorough
from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, push
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause
from triggerbot.core.model import Event, Kind, Push, Result
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.planning import Capacity
from triggerbot.core.policy.rules import Rule
from triggerbot.store.memory import Memory
from triggerbot.systems.answers import Accepted, Later, Refused, Unknown

PUSHES = (push("aaaaaaa"), push("bbbbbbb"))
JOBS = tuple(f"job-{number}" for number in range(12))
MESSAGES = ("", "fix it", "try: -u all", "try: --rebuild 3", "try: --no-retry", "DONTBUILD", "try: --rebuild-few 2",
            "try: --retry", "triggerbot: --rebuild x")  # fmt: skip
ENDS = ("pending", "running", "failure", "failure", "failure", "success", "cancelled", "infra", "busted")


def memory() -> Memory | None:
    """Keep what happens in memory, but on SQLite in the slow tier."""
    return None if is_thorough() else Memory()


@dataclass(frozen=True)
class History:
    """What happens: the pushes' messages, and the events in the order in which they are heard."""

    messages: dict[Push, str]
    events: tuple[Event, ...]
    budget: Budget
    #: Whether events carry the message, or only the look-back does.
    told: bool


RUNS = st.tuples(
    st.sampled_from(PUSHES), st.sampled_from(JOBS), st.sampled_from("12"), st.sampled_from(ENDS),
    st.sampled_from([Kind.TEST, Kind.TEST, Kind.TEST, Kind.BUILD]),
)  # fmt: skip


@st.composite
def histories(draw: st.DrawFn, budget: Budget | None = None) -> History:
    """Each run has one end, and is heard of in some of its states, in any order, some of them more than once."""
    messages = {one: draw(st.sampled_from(MESSAGES)) for one in PUSHES}
    told = draw(st.booleans())
    events: list[Event] = []
    seen: set[tuple[Push, str, str]] = set()
    kinds: dict[str, Kind] = {}
    for where, job, run, end, sort in draw(st.lists(RUNS, min_size=1, max_size=30)):
        if (where, job, run) in seen:
            continue
        seen.add((where, job, run))
        # A job is of one kind, whatever run of it.
        kind = Kind.TEST if int(job[4:]) < 10 else kinds.setdefault(job, sort)
        made = {"push": where, "kind": kind, "author": "dev@example.org", "message": messages[where] if told else None}
        made["author"] = made["author"] if told else None
        states = ["pending", "running"] if end not in ("pending", "running") else ["pending"]
        events += [event(job, run, state=state, **made) for state in states if draw(st.booleans())]
        last = {"state": end} if end in ("pending", "running") else {"result": end}
        events += [event(job, run, **last, **made)] * draw(st.integers(1, 2))
    spend = budget or draw(st.builds(Budget, st.sampled_from([0, 5, 30, 100]), st.integers(0, 4)))
    return History(messages, tuple(draw(st.permutations(events))), spend, told)


def rules(history: History) -> tuple[Rule, ...]:
    """The rule of these histories."""
    return (Rule(Globs(["try"]), budget=history.budget, groups={"few": Globs(["job-1", "job-2"])}),)


@contextmanager
def world_of(history: History, *, capacity: Capacity = Capacity.BATCH) -> Iterator[tuple[World, MemoryCI]]:
    """A world in which the CI knows what the history tells, as far as it goes."""
    system = MemoryCI(capacity=capacity)
    for where, message in history.messages.items():
        system.say(where, message)
    with tempfile.TemporaryDirectory(prefix="triggerbot-properties-") as directory:
        path = Path(directory) / "state.db"
        with World(path, {"ci": system}, rules(history), Clock(), tables=memory()) as world:
            yield world, system


def live(world: World, system: MemoryCI, events: Sequence[Event], cuts: Sequence[int] = ()) -> None:
    """Let events happen: the CI knows, we hear; work is done wherever the history is cut, and at the end."""
    for number, heard in enumerate(events):
        system.put(heard)
        world.hear(heard)
        if number in cuts:
            world.pass_time(5)
    settle(world)


def settle(world: World) -> None:
    """Let enough time pass for everything that is due."""
    world.pass_time(1200, every=120)


def claimed(world: World) -> dict[tuple[str, str], tuple[ClaimState, Cause | None, str]]:
    """What became of each job that was claimed."""
    return {
        (where.revision, job): (claim.state, claim.cause, str(claim.refusal))
        for where in PUSHES for job, claim in world.claims(where).items()
    }  # fmt: skip


def asked(system: MemoryCI) -> Counter[tuple[str, str]]:
    """How many runs of each job were asked for."""
    counted: Counter[tuple[str, str]] = Counter()
    for one in system.asked:
        counted[one.push.revision, one.job] += one.count
    return counted


CUTS = st.sets(st.integers(0, 60), max_size=6)


@given(histories(), CUTS)
def test_a_job_is_retriggered_once_and_within_bounds(history: History, cuts: set[int]) -> None:
    """One request for a push and job, ever; no more runs than wanted; only of what may be; and every claim ends."""
    with world_of(history) as (world, system):
        live(world, system, history.events, tuple(cuts))

        requests = Counter((one.push.revision, one.job) for one in system.asked)
        assert all(count == 1 for count in requests.values())
        for one in system.asked:
            rebuilds = "--rebuild" in history.messages[one.push] and not history.messages[one.push].endswith("x")
            assert one.count <= (3 if rebuilds else 2)
            assert "DONTBUILD" not in history.messages[one.push]
            kinds = {heard.kind for heard in history.events if (heard.push, heard.job) == (one.push, one.job)}
            assert Kind.TEST in kinds
        for where in PUSHES:
            assert all(claim.state.final for claim in world.claims(where).values())


@given(histories(), CUTS)
def test_the_budget_is_never_passed(history: History, cuts: set[int]) -> None:
    """Whatever the order: no more jobs for failures than floor or share, plus the one that reached it."""
    with world_of(history) as (world, system):
        live(world, system, history.events, tuple(cuts))

        for where in PUSHES:
            spent = sum(claim.cause is Cause.FAILURE for claim in world.claims(where).values())
            total = len({heard.job for heard in history.events if heard.push == where})
            floor, percent = history.budget.floor, history.budget.percent
            assert spent <= max(floor, int(percent * total / 100)) + 1
            jobs = {one.job for one in system.asked if one.push == where}
            if not history.messages[where].startswith("try: --rebuild"):
                assert len(jobs) <= max(floor, int(percent * total / 100)) + 1


@given(histories(), CUTS)
def test_a_push_that_asks_for_rebuilds_gets_no_failure_retriggers(history: History, cuts: set[int]) -> None:
    """Rule 4: then failures cause nothing more. And `--no-retry` and DONTBUILD cause nothing at all."""
    with world_of(history) as (world, system):
        live(world, system, history.events, tuple(cuts))

        for where, message in history.messages.items():
            causes = {claim.cause for claim in world.claims(where).values()} - {None}
            if message in ("try: --rebuild 3", "try: --rebuild-few 2"):
                assert causes <= {Cause.REQUESTED}
            elif message in ("try: --no-retry", "DONTBUILD"):
                assert causes == set()
            else:
                assert causes <= {Cause.FAILURE}


@given(histories(), st.integers(1, 60))
def test_hearing_any_beginning_again_changes_nothing(history: History, length: int) -> None:
    """The same events once more, from the start, on the same store: no further request, the same claims and story."""
    with world_of(history) as (world, system):
        live(world, system, history.events)
        before = (claimed(world), list(system.asked), [world.store.pushes.timeline(where) for where in PUSHES])

        for heard in history.events[:length]:
            world.hear(heard)
        settle(world)
        world.hear(*history.events)
        settle(world)

        assert (claimed(world), system.asked, [world.store.pushes.timeline(where) for where in PUSHES]) == before


@given(histories(), st.integers(1, 60), st.data())
def test_a_restart_anywhere_changes_nothing(history: History, length: int, data: st.DataObject) -> None:
    """A new process on the same store, after any event, ends as one that ran through."""
    with world_of(history) as (world, system):
        live(world, system, history.events)
        through = claimed(world), asked(system)
    with world_of(history) as (world, system):
        for heard in history.events[:length]:
            system.put(heard)
            world.hear(heard)
        with world.again() as later:
            live(later, system, history.events[length:])

            assert (claimed(later), asked(system)) == through


ENOUGH = Budget(100, 99)


@given(histories(ENOUGH), st.randoms(use_true_random=False), CUTS)
@settings(max_examples=examples(100))
def test_any_order_of_the_same_events_claims_the_same_jobs(history: History, dice: object, cuts: set[int]) -> None:
    """Where the budget does not bind, order, repetition and batching change neither claims nor requests."""
    # Whether a run is there before or after a request changes how many are asked for, so each job has one run here.
    single = [heard for heard in history.events if heard.run_id == "1"]
    mixed = single + single[: len(single) // 2]
    dice.shuffle(mixed)  # type: ignore[attr-defined]

    ends = []
    for order, where in ((single, ()), (mixed, ()), (mixed, tuple(cuts))):
        with world_of(history) as (world, system):
            # The CI knows all of it from the start: what we hear is a hint, and may be late.
            system.put(*single)
            live(world, system, order, where)
            ends.append((claimed(world), asked(system)))

    assert ends[0] == ends[1]
    assert ends[0] == ends[2]


@given(histories(), CUTS)
def test_one_batch_is_as_good_as_many(history: History, cuts: set[int]) -> None:
    """Everything at once, or one by one before anything is dispatched: the same claims."""
    ends = []
    for at_once in (True, False):
        with world_of(history) as (world, system):
            system.put(*history.events)
            if at_once:
                world.hear(*history.events)
            else:
                for heard in history.events:
                    world.hear(heard)
            settle(world)
            ends.append((claimed(world), asked(system)))

    assert ends[0] == ends[1]


ANSWERS = st.lists(
    st.one_of(
        st.just(Accepted()), st.just(Later("busy", 60.0)), st.just(Later("busy")), st.just(Refused("no")),
        st.just(Unknown("who knows")), st.just(RuntimeError("a bug of a system")),
    ),
    max_size=12,
)  # fmt: skip


class Doubtful(MemoryCI):
    """Sometimes takes what it answers unclearly."""

    def __init__(self, takes: list[bool], *, parallel: bool) -> None:
        super().__init__(parallel=parallel)
        self.takes = takes
        self.taken: Counter[tuple[str, str]] = Counter()

    def retrigger(self, operation, push, call):
        """Answer as planned, and carry an unclear one out if so planned."""
        unclear = bool(self.answers) and isinstance(self.answers[0], (Unknown, RuntimeError))
        if unclear and self.takes and self.takes.pop(0):
            self.make(operation, push, call)
            self.taken[push.revision, call.target.job] += call.count
            answer = self.answers.pop(0)
            return Unknown("taken, and nobody said so") if isinstance(answer, Unknown) else raise_(answer)
        answer = super().retrigger(operation, push, call)
        if isinstance(answer, Accepted):
            self.taken[push.revision, call.target.job] += call.count
        return answer


def raise_(error: BaseException) -> Accepted:
    """Raise where an expression is needed."""
    raise error


@given(
    st.sets(st.sampled_from(JOBS), min_size=1, max_size=5), ANSWERS, st.lists(st.booleans(), max_size=12),
    st.booleans(),
)  # fmt: skip
def test_whatever_the_ci_answers_nothing_is_doubled_or_lost(
    jobs: set[str], answers: list, takes: list[bool], parallel: bool
) -> None:
    """Yes, no, later, silence and crashes in any order: what was not refused is run exactly as often as wanted."""
    system = Doubtful(list(takes), parallel=parallel)
    system.answers = list(answers)
    system.say(PUSHES[0])
    heard = [replace(event(job, "1", result="failure"), push=PUSHES[0]) for job in sorted(jobs)]
    system.put(*heard)
    with tempfile.TemporaryDirectory(prefix="triggerbot-properties-") as directory:
        rule = Rule(Globs(["try"]), budget=ENOUGH)
        with World(Path(directory) / "state.db", {"ci": system}, (rule,), Clock(), tables=memory()) as world:
            world.hear(*heard)
            for _ in range(60):
                world.clock.move(300)
                while world.dispatcher.step():
                    pass

            for job, claim in world.claims(PUSHES[0]).items():
                taken = system.taken[PUSHES[0].revision, job]
                assert claim.state.final, claim
                assert taken <= 2
                if claim.refusal is None and not any(isinstance(one, Refused) for one in answers):
                    assert taken == 2


@given(st.lists(st.sampled_from(list(Result)), min_size=1, max_size=6), st.sampled_from(["", "try: --rebuild 4"]))
def test_a_serial_ci_is_asked_for_one_at_a_time(results: list[Result], message: str) -> None:
    """Never two unfinished runs of ours; a pass ends it early for failures, and not for requests."""
    system = MemoryCI(capacity=Capacity.SERIAL)
    system.say(PUSHES[0], message)
    first = event("job", "1", push=PUSHES[0], result="failure")
    system.put(first)
    wanted = 4 if message else 2
    rules_here = (Rule(Globs(["try"])),)
    with (
        tempfile.TemporaryDirectory(prefix="triggerbot-properties-") as directory,
        World(Path(directory) / "state.db", {"ci": system}, rules_here, Clock(), tables=memory()) as world,
    ):
        world.hear(first)
        world.drain()
        ended = 1
        for result in [*results, *[Result.FAILURE] * 9]:
            unfinished = [one for one in system.runs[PUSHES[0]].values() if one.state != "finished"]
            assert len(unfinished) <= 1
            if not unfinished:
                break
            done = replace(unfinished[0], state=type(unfinished[0].state).FINISHED, result=result)
            system.put(done)
            world.hear(done)
            world.pass_time(240, every=60)
            ended += 1

        assert all(one.count == 1 for one in system.asked)
        passes = [number for number, result in enumerate(results) if result is Result.SUCCESS]
        early = passes[0] + 1 if passes and not message else wanted
        assert len(system.asked) == min(wanted, early)
        assert world.claims(PUSHES[0])["job"].state is ClaimState.DONE
