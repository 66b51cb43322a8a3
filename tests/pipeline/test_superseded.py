"""Superseded pushes of a CI that tells nothing of branches: the newest by its time counts, where a rule says so."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from triggerbot.core.claim import ClaimState
from triggerbot.core.model import Push, PushFacts
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.planning import Capacity
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.superseded import Superseded
from triggerbot.reports.judge import Judge
from triggerbot.store.memory import Memory
from triggerbot.systems.answers import Later, Unknown
from triggerbot.web import push_view

OLD, NEW = push("a" * 40), push("b" * 40)
SKIP = Rule(Globs(["try"]), superseded=Superseded(skip=Globs(["*"])))
START = 1_795_000_000.0

MakeWorld = Callable[..., World]


@pytest.fixture(params=["sqlite", "memory"])
def kept(request: pytest.FixtureRequest) -> Memory | None:
    """Keep things in each kind of store."""
    return Memory() if request.param == "memory" else None


def fail(world: World, ci: MemoryCI, where: Push, at: float, job: str = "job") -> None:
    """Let a job of a push fail, and hear of it."""
    ci.facts.setdefault(where, PushFacts(where, "a change", "dev@example.org", at))
    failed = failure(job, f"{where.revision[0]}-{job}", push=where, time=at + 60)
    ci.put(failed)
    world.hear(failed)


def outcome(world: World, where: Push, job: str = "job") -> str:
    """Return why a job was refused, or its state."""
    claim = world.claim(where, job)
    return str(claim.refusal or claim.state)


@pytest.mark.parametrize(("said", "expected"), [(SKIP.superseded, "superseded"), (Superseded(), "done")])
@pytest.mark.parametrize("newer_first", [True, False])
def test_the_newest_push_by_its_time(
    make_world: MakeWorld, kept: Memory | None, said: Superseded, expected: str, newer_first: bool
) -> None:
    """Whichever is heard of first; where try pushes share one branch none supersedes another."""
    ci = MemoryCI()
    world = make_world(ci, rules=(replace(SKIP, superseded=said),), tables=kept)
    for where, at in [(NEW, START), (OLD, START - 500)][:: 1 if newer_first else -1]:
        fail(world, ci, where, at)
    world.drain()
    assert (outcome(world, OLD), outcome(world, NEW)) == (expected, "done")
    assert len(ci.asked) == (1 if expected == "superseded" else 2)


def test_a_run_that_begins_late_does_not_make_its_push_the_newest(make_world: MakeWorld, kept: Memory | None) -> None:
    """It waited for a machine, or was run again: where a CI tells of runs alone, the first of a push tells its time."""
    ci = MemoryCI()
    world = make_world(ci, rules=(SKIP,), tables=kept)
    for where, at in ((OLD, START - 1000), (NEW, START - 500)):
        world.hear(event("lint", f"{where.revision[0]}-lint", push=where, state="running", started=at))
    for where, started in ((OLD, START - 100), (NEW, START - 450)):
        late = failure("job", f"{where.revision[0]}-job", push=where, started=started, time=START)
        ci.put(late)
        world.hear(late)
    world.drain()
    assert (outcome(world, OLD), outcome(world, NEW)) == ("superseded", "done")


def test_a_branch_of_another_case_is_another(make_world: MakeWorld) -> None:
    """A project is the same in any case."""
    ci = MemoryCI()
    rule = replace(SKIP, projects=Globs(["octo/app"]))
    world = make_world(ci, rules=(rule,))
    old, new = replace_project(OLD, "octo/app"), replace_project(NEW, "Octo/App")
    other = new._replace(branch="Try")
    for where, at in ((other, START + 9), (new, START), (old, START - 500)):
        fail(world, ci, where, at)
    world.drain()
    assert [outcome(world, where) for where in (old, new, other)] == ["superseded", "done", "done"]


def replace_project(where: Push, project: str) -> Push:
    """Return a push of another project."""
    return where._replace(project=project)


def test_what_is_owed_ends_at_once_and_stays_ended(make_world: MakeWorld, kept: Memory | None) -> None:
    """The news makes it due, also while it waits for hours; nothing is asked of the CI for it."""
    ci = MemoryCI()
    world = make_world(ci, rules=(SKIP,), tables=kept)
    ci.answers = [Later("come back", 7200.0)]
    fail(world, ci, OLD, START)
    world.drain()
    assert outcome(world, OLD) == "owed"
    looks = ci.looks
    world.hear(PushFacts(NEW, "another", "dev@example.org", START + 100))
    world.drain()
    assert outcome(world, OLD) == "superseded"
    assert ci.looks == looks
    again = world.again()
    again.pass_time(8000, every=1000)
    assert outcome(again, OLD) == "superseded"
    assert len(ci.asked) + len(ci.answers) <= 1
    again.close()


def test_a_replica_hears_of_it(make_world: MakeWorld) -> None:
    """What one was told ends what the other has decided."""
    ci, tables = MemoryCI(), Memory()
    world = make_world(ci, rules=(SKIP,), tables=tables)
    other = make_world(ci, rules=(SKIP,), tables=tables)
    ci.answers = [Later("come back", 7200.0)]
    fail(world, ci, OLD, START)
    world.drain()
    other.hear(PushFacts(NEW, "another", "dev@example.org", START + 100))
    world.drain()
    assert outcome(world, OLD) == "superseded"


def test_the_page_says_why_no_more_came(make_world: MakeWorld, clock: Clock) -> None:
    """Of a job that was run once of twice before the newer push came."""
    ci = MemoryCI(capacity=Capacity.SERIAL, makes_runs=False)
    world = make_world(ci, rules=(SKIP,))
    fail(world, ci, OLD, START)
    world.drain()
    world.hear(PushFacts(NEW, "another", "dev@example.org", clock.now))
    world.drain()
    record = world.store.pushes.record(OLD)
    assert record is not None
    judged = Judge(world.store, clock, fresh=0.0).judge(record)
    [group] = push_view.groups(judged, record, world.store.pushes.timeline(OLD), {})
    [decision] = group.together[0].first.decisions
    assert decision.text.endswith("; then no more: the newest commit of try is bbbbbbbbbbbb.")


@pytest.mark.parametrize("taken", [True, False])
def test_superseded_while_a_request_is_in_doubt(
    make_world: MakeWorld, kept: Memory | None, clock: Clock, taken: bool
) -> None:
    """It is looked for first: what the CI took stays counted, what it did not take is not sent again."""
    ci = MemoryCI(capacity=Capacity.SERIAL, makes_runs=False)
    world = make_world(ci, rules=(SKIP,), tables=kept)
    ci.answers = [Unknown("no answer")]
    fail(world, ci, OLD, START)
    world.drain()
    assert outcome(world, OLD) == "unknown"
    if taken:
        ci.put(failure("job", "new", push=OLD, time=clock.now))
    world.hear(PushFacts(NEW, "another", "dev@example.org", clock.now))
    world.drain()
    assert outcome(world, OLD) == "unknown", "nobody knows yet whether it was taken"
    world.pass_time(1000)
    claim = world.claim(OLD, "job")
    assert (claim.state, claim.asked) == ((ClaimState.DONE, 1) if taken else (ClaimState.REFUSED, 0))
    assert [one.reason for one in world.store.pushes.timeline(OLD) if one.what == "refuse"][-1] == "superseded"


def test_what_a_person_asks_for_is_carried_out(make_world: MakeWorld, kept: Memory | None, clock: Clock) -> None:
    """And a further failure of the superseded push is told with that reason."""
    ci = MemoryCI()
    world = make_world(ci, rules=(SKIP,), tables=kept)
    fail(world, ci, NEW, START)
    fail(world, ci, OLD, START - 500)
    world.drain()
    assert world.store.claims.ask(OLD, "job", 2, "me", dry=False, now=clock.now)
    world.drain()
    assert [(one.push, one.count) for one in ci.asked if one.push == OLD] == [(OLD, 2)]
    world.hear(failure("job", "another", push=OLD, time=START))
    reasons = [one.reason for one in world.store.pushes.timeline(OLD) if one.what == "refuse"]
    assert reasons == ["superseded", "superseded"]


def test_in_dry_run_it_is_told_as_well(make_world: MakeWorld) -> None:
    """What would have been ended is refused for the same reason."""
    ci = MemoryCI()
    world = make_world(ci, rules=(SKIP,), dry=True)
    fail(world, ci, NEW, START)
    fail(world, ci, OLD, START - 500)
    world.drain()
    assert (outcome(world, OLD), outcome(world, NEW)) == ("superseded", "would")
