"""Several systems, threads and requesters at once, and odd configurations."""

import threading
from collections.abc import Callable

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from tests.pipeline.heard import PUSH, REVISION, MakeWorld, counts, failed, hear
from triggerbot.core import event_json
from triggerbot.core.claim import ClaimState
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.rules import Rule
from triggerbot.systems.generic.system import Generic


def test_a_system_that_the_config_lost_keeps_its_claims(make_world: MakeWorld, ci: FakeCI) -> None:
    """Taken out and put back: nothing is sent meanwhile, nothing is lost."""
    system = Generic("ci", ci.url, token="token")
    world = make_world()
    failed(ci, world)
    world.drain()
    world.pass_time(600)
    assert ci.posts == []
    world.close()

    with world.again(systems={"ci": system}) as later:
        later.pass_time(900)
    system.close()

    assert counts(ci) == [2]


def test_one_ci_that_is_down_does_not_hold_up_another(make_world: MakeWorld) -> None:
    """Each push is dealt with for itself."""
    good, bad = MemoryCI("good"), MemoryCI("bad")
    events = [failure(push=push(system=name)) for name in ("good", "bad")]
    good.say(events[0].push)
    good.put(events[0])
    world = make_world(good, bad)
    world.hear(*reversed(events))

    world.drain()

    assert [asked.push.system for asked in good.asked] == ["good"]
    assert world.claim(events[1].push, "job").state is ClaimState.OPEN


def test_a_system_with_a_bug_ends_neither_the_dispatcher_nor_the_claim(make_world: MakeWorld) -> None:
    """What it raises is noted, and it is tried again later: looked for, not sent on a guess."""
    system = MemoryCI()
    system.say(PUSH)
    system.put(failure())
    system.answers = [ZeroDivisionError("a bug")]
    world = make_world(system)
    world.hear(failure())

    while world.dispatcher.step():
        pass
    claim = world.claim(PUSH, "job")
    assert claim.operation is not None
    assert "a bug" in claim.note
    world.pass_time(3600)

    assert len({asked.operation for asked in system.asked}) == 1
    assert len(system.asked) == 2
    assert world.claim(PUSH, "job").state is ClaimState.DONE


def test_a_parallel_ci_is_asked_once_a_copy(make_world: MakeWorld) -> None:
    """Three wanted: three requests for one each, under three operations."""
    system = MemoryCI(parallel=True)
    system.say(PUSH, "try: --rebuild 3")
    system.put(event())
    world = make_world(system)
    world.hear(event(message="try: --rebuild 3"))

    world.drain()

    assert [asked.count for asked in system.asked] == [1, 1, 1]
    assert len({asked.operation for asked in system.asked}) == 3


def test_rules_say_how_much(make_world: MakeWorld) -> None:
    """`retries` and the budget of the first rule that matches hold."""
    system = MemoryCI()
    system.say(PUSH)
    failures = [failure(f"job-{number}") for number in range(4)]
    system.put(*failures)
    rules = (Rule(Globs(["try"]), retries=5, budget=Budget(0, 1)), Rule(Globs(["*"])))
    world = make_world(system, rules=rules)
    world.hear(*failures)

    world.drain()

    assert [asked.count for asked in system.asked] == [5, 5]


def test_many_threads_send_what_one_would(ci: FakeCI, world: World) -> None:
    """Four threads dispatch while two hear the same failures again and again: one request for each job."""
    told = [
        event_json.from_json(ci.run(f"{number:07x}", job, result="failure"), "ci")
        for number in range(6)
        for job in "abc"
    ]
    errors: list[BaseException] = []
    heard = threading.Event()

    def hearing() -> None:
        for _ in range(4):
            world.hear(*told)
            for one in told:
                world.hear(one)

    def dispatching() -> None:
        while not heard.is_set() or world.dispatcher.step():
            world.dispatcher.step()

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)

    hearers = [threading.Thread(target=guarded, args=(hearing,)) for _ in range(2)]
    dispatchers = [threading.Thread(target=guarded, args=(dispatching,)) for _ in range(4)]
    for thread in hearers + dispatchers:
        thread.start()
    for thread in hearers:
        thread.join(30)
    heard.set()
    for thread in dispatchers:
        thread.join(30)
    world.drain()

    assert errors == []
    assert ci.jobs_asked() == {(one.push.revision, one.job): 2 for one in told}
    assert len(ci.posts) == len(told)


def test_the_ci_may_be_slow(ci: FakeCI, world: World) -> None:
    """A slow answer is an answer."""
    ci.fault("look_back", delay=0.05)
    ci.fault("retrigger", delay=0.05)
    failed(ci, world)

    world.drain()

    assert counts(ci) == [2]
    assert len(ci.posts) == 1


@pytest.mark.parametrize("accept", [True, False])
def test_a_redirect_after_acceptance_with_a_lagging_list_doubles_nothing(
    ci: FakeCI, world: World, accept: bool
) -> None:
    """`303 See other` is how some servers say yes: whatever was meant, there are two new runs in the end."""
    ci.lag_seconds = 45
    ci.fault("retrigger", status=303, headers={"Location": "/runs"}, accept=accept)
    failed(ci, world)

    world.drain()
    world.pass_time(3600, every=7)

    assert counts(ci) == [2]


def test_hearing_of_the_new_runs_before_the_answer_changes_nothing(ci: FakeCI, world: World) -> None:
    """The webhooks of the retriggers overtake the answer that was lost."""
    ci.fault("retrigger", status=500, accept=True)
    failed(ci, world)
    world.drain()
    for run in ci.posts[0].runs:
        hear(world, ci.finish(run, "failure"))

    world.pass_time(3600)

    assert len(ci.posts) == 1
    assert world.claim(PUSH, "job").state is ClaimState.DONE


def test_a_person_and_the_bot_each_get_theirs_at_once(ci: FakeCI, world: World, clock: Clock) -> None:
    """Both due in the same visit, both answers lost after acceptance: 2 and 3 runs, whichever is looked for first."""
    ci.fault("retrigger", status=500, accept=True, times=2)
    failed(ci, world)
    world.store.claims.ask(PUSH, "job", 3, "me", dry=False, now=clock())

    world.drain()
    world.pass_time(7200)

    assert sorted(counts(ci)) == [2, 3]


@pytest.mark.parametrize("first", [True, False])
def test_a_person_and_the_bot_each_get_theirs_if_one_was_not_taken(
    ci: FakeCI, world: World, clock: Clock, first: bool
) -> None:
    """Two doubts about one job at once, one taken and one not: the marks tell which."""
    ci.fault("retrigger", status=500, accept=first)
    ci.fault("retrigger", status=500, accept=not first)
    failed(ci, world)
    world.store.claims.ask(PUSH, "job", 3, "me", dry=False, now=clock())

    world.drain()
    world.pass_time(7200)

    assert sorted(counts(ci)) == [2, 3]


def test_the_same_without_marks(ci: FakeCI, world: World, clock: Clock) -> None:
    """Without marks two doubts cannot be told apart: then at most what was wanted is sent, never more."""
    ci.marks = False
    ci.fault("retrigger", status=500, accept=True)
    ci.fault("retrigger", status=500, accept=False)
    failed(ci, world)
    world.store.claims.ask(PUSH, "job", 3, "me", dry=False, now=clock())

    world.drain()
    world.pass_time(7200)

    assert len(counts(ci)) <= 2
    assert sum(counts(ci)) <= 5


def test_an_event_that_says_nothing_of_author_or_message_ends_all_the_same(ci: FakeCI, world: World) -> None:
    """A CI that says `null` to both: the push asks for nothing, and its failures are retriggered."""
    ci.push(REVISION, message=None, author=None)
    failed(ci, world)

    world.pass_time(600)

    assert counts(ci) == [2]
