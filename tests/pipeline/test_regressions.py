"""Bugs of the first version in what is sent, mended: each test says what happened, and stays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure
from tests.pipeline.heard import PUSH, REVISION, hear
from triggerbot.core.claim import ClaimState
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.replay import RecordedSystem
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.systems import NOTHING_KNOWN, Known, LookBack
from triggerbot.systems.answers import Accepted, Unknown

# -- endless loops ----------------------------------------------------------------------------------------------


def test_a_push_without_a_message_does_not_keep_the_dispatcher_busy_for_ever(
    make_world: Callable[..., World], clock: Clock
) -> None:
    """A look-back over a recorded history says no message: then the facts are not due again at once (replay hangs)."""
    recorded = RecordedSystem("ci")
    world = make_world(recorded, dry=True)
    for heard in (event(state="pending"), failure()):
        recorded.record(heard)
        world.hear(heard)
        clock.move(10)

    world.drain()

    assert world.claim(PUSH, "job").state is ClaimState.WOULD


@pytest.mark.parametrize("after", ["0", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_refusal_for_now_without_a_wait_is_not_repeated_without_a_pause(ci: FakeCI, world: World, after: str) -> None:
    """`Retry-After: 0` (or a time gone by) on a POST does not make us send as fast as we can."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", times=None, status=429, headers={"Retry-After": after})
    hear(world, told)

    world.drain()

    assert len(ci.posts) <= 2


def test_a_busy_look_back_without_a_wait_is_not_repeated_without_a_pause(ci: FakeCI, world: World) -> None:
    """`Retry-After: 0` on a read does not make us read as fast as we can."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("look_back", times=None, status=503, headers={"Retry-After": "0"})
    hear(world, told)

    world.drain()

    assert len(ci.gets) <= 2


# -- doubled ----------------------------------------------------------------------------------------------------


def test_a_request_in_doubt_is_settled_though_no_rule_watches_its_project_any_more(
    ci: FakeCI, world: World, clock: Clock
) -> None:
    """A restart with a rule that names another project, after a lost answer, does not send the same again (6 times)."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", cut="before", accept=True)
    hear(world, told)
    world.drain()
    assert len(ci.accepted) == 1
    world.close()

    with world.again(rules=(Rule(Globs(["another"])),)) as later:
        later.pass_time(7200)

    assert len(ci.accepted) == 1


def test_a_run_that_we_do_not_understand_is_no_proof_that_there_is_none(ci: FakeCI, world: World) -> None:
    """The new runs are listed with a result of the CI's own; the request in doubt is not sent again for that."""
    told = ci.run(REVISION, "job", result="failure")
    ci.outcome = lambda _: "neutral"
    ci.fault("retrigger", status=500, accept=True)
    hear(world, told)
    world.drain()

    world.pass_time(7200)

    assert len(ci.accepted) == 1


def test_a_look_back_without_the_run_that_failed_is_no_proof_that_nothing_came(ci: FakeCI, world: World) -> None:
    """A list that lacks even what was there before says nothing of what came after: it is no miss."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", status=500, accept=True)
    hear(world, told)
    world.drain()
    ci.fault("look_back", times=3, status=200, body=b'{"author": "a", "message": "", "runs": []}')

    world.pass_time(200, every=61)

    assert len(ci.accepted) == 1


def test_runs_that_appear_while_we_decide_count(tmp_path: Path, rule: Rule, clock: Clock) -> None:
    """A run that somebody starts between our reading the runs and our decision is one that exists already."""
    system = MemoryCI()
    system.say(PUSH)
    system.put(failure())
    world = World(tmp_path / "state.db", {"ci": system}, [rule], clock)
    calls = 0

    def tick() -> float:
        nonlocal calls
        calls += 1
        if calls == moment:
            system.put(event(run_id="by-a-person"))
            world.hear(event(run_id="by-a-person"))
        return clock()

    with world:
        world.hear(failure())
        # Every moment at which the dispatcher asks the time is a moment at which a webhook may come in.
        moment = 3
        dispatcher = Dispatcher(
            world.store, {"ci": system}, world.observer, DispatchSettings([rule]), clock=tick, metrics=world.metrics
        )
        while dispatcher.step():
            pass
        assert calls >= moment

    assert sum(asked.count for asked in system.asked) == 1


# -- lost -------------------------------------------------------------------------------------------------------


def test_what_came_of_another_request_of_ours_is_no_answer_to_this_one(ci: FakeCI, world: World, clock: Clock) -> None:
    """Runs that name another operation, listed late, do not settle a person's request that was never accepted."""
    ci.lag_seconds = 30
    told = ci.run(REVISION, "job", result="failure")
    hear(world, told)
    world.drain()
    assert [post.count for post in ci.accepted] == [2]
    world.store.claims.ask(PUSH, "job", 3, "person-1", dry=False, now=clock())
    ci.fault("retrigger", status=500, accept=False)

    world.drain()
    world.pass_time(7200)

    assert [post.count for post in ci.accepted] == [2, 3]


def test_copies_of_one_job_asked_for_one_by_one_are_told_apart(
    make_world: Callable[..., World], rule: Rule, clock: Clock
) -> None:
    """On a parallel CI the first copy, listed late, does not settle the second, which was never accepted."""
    system = LaggingCI(parallel=True, grace=60)
    system.say(PUSH)
    system.put(failure())
    world = make_world(system)
    system.answers = [Accepted(), Unknown("HTTP 500")]
    world.hear(failure())
    world.drain()

    world.pass_time(7200)

    assert system.made == 2


class LaggingCI(MemoryCI):
    """Lists a new run only at the third look-back after it was made."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._late: list[list[Any]] = []
        self.made = 0

    def make(self, operation: str, push: Push, call: Any) -> None:
        """Make the runs, out of sight."""
        self.made += call.count
        before = dict(self.runs[push])
        super().make(operation, push, call)
        new = [one for key, one in self.runs[push].items() if key not in before]
        self.runs[push] = before
        self._late.append([2, new])

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """Show what is old enough."""
        for late in self._late:
            late[0] -= 1
            if late[0] < 0:
                self.put(*late[1])
        return super().look_back(push, known)


def test_the_message_is_asked_for_though_the_author_is_known(ci: FakeCI, world: World, clock: Clock) -> None:
    """An event with an author and no message: the push's message is fetched, for it may ask for rebuilds (rule 4)."""
    ci.push(REVISION, message="try: -u all --rebuild 3")
    hear(world, ci.run(REVISION, "job", state="running", author="dev@example.org"))

    world.pass_time(300)

    assert [post.count for post in ci.accepted] == [3]


def test_a_cancelled_run_beside_a_good_one_does_not_lose_what_the_push_asks_for(
    make_world: Callable[..., World], clock: Clock
) -> None:
    """A job with a passed and, later, a cancelled run is rebuilt as asked, whenever the message becomes known."""
    system = MemoryCI()
    runs = (event(run_id="1", result="success"), event(run_id="2", result="cancelled"))
    system.say(PUSH, "try: --rebuild 3")
    system.put(*runs)
    world = make_world(system)
    world.hear(*runs)

    world.pass_time(300)

    assert sum(asked.count for asked in system.asked) == 3


def test_a_claim_whose_run_was_cancelled_passes_on_to_the_next_run(
    make_world: Callable[..., World], clock: Clock
) -> None:
    """The run that made us claim is cancelled and replaced before we get to it: the job is still rebuilt as asked."""
    system = MemoryCI()
    asks = "try: --rebuild 3"
    system.say(PUSH, asks)
    heard = (
        event(run_id="1", message=asks),
        event(run_id="1", result="cancelled", message=asks),
        event(run_id="2", message=asks),
        event(run_id="2", result="success", message=asks),
    )
    system.put(*heard)
    world = make_world(system)
    world.hear(*heard)

    world.drain()

    assert sum(asked.count for asked in system.asked) == 3
