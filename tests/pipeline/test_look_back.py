"""Look-backs that fail, lag or know nothing of a push."""

from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.clock import Clock
from tests.fakes.world import World, failure
from tests.pipeline.heard import PUSH, REVISION, MakeWorld, counts, failed, hear
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.policy.rules import Rule
from triggerbot.systems.generic.system import Generic

NONSENSE = [
    {"status": 200, "body": b"no json"}, {"status": 200, "body": b"[]"}, {"status": 200, "body": b"null"},
    {"status": 200, "body": b"{}"}, {"status": 200, "body": b'{"runs": {}}'}, {"status": 200, "body": b'{"runs": [1]}'},
    {"status": 200, "body": b'{"runs": [], "time": "yesterday"}'},
    {"status": 200, "body": b'{"runs": [], "base": "main"}'},
    {"status": 200, "body": b'{"runs": [], "parents": ["main"]}'}, {"status": 200, "body": b"[" * 100_000},
    {"status": 200, "body": b'{"runs": "' + b"x" * (33 << 20) + b'"}'}, {"status": 204, "body": b""},
    {"status": 403}, {"status": 429}, {"status": 302}, {"status": 418},
    {"status": 503, "headers": {"Retry-After": "9"}},
]  # fmt: skip


@pytest.mark.parametrize("fault", NONSENSE, ids=lambda fault: f"{fault['status']}-{fault.get('body', b'')[:24]!r}")
def test_without_a_look_back_nothing_is_sent_and_nothing_lost(ci: FakeCI, world: World, fault: dict[str, Any]) -> None:
    """Nonsense, wrong types, huge answers, refusals: the claim waits, longer each time, and goes on afterwards."""
    ci.fault("look_back", times=None, **fault)
    failed(ci, world)

    dues = []
    for _ in range(4):
        world.drain()
        claim = world.claim(PUSH, "job")
        assert claim.state is ClaimState.OPEN
        dues.append(claim.due - world.clock())
        world.clock.now = claim.due
    assert ci.posts == []
    assert all(due >= 5 for due in dues)
    assert dues == sorted(dues)
    ci.mend()
    world.pass_time(1200)

    assert counts(ci) == [2]


def test_a_ci_that_is_down_is_waited_for(make_world: MakeWorld, ci: FakeCI, rule: Rule) -> None:
    """No connection at all: the same."""
    told = ci.run(REVISION, "job", result="failure")
    with FakeCI() as gone:
        url = gone.url
    down, up = Generic("ci", url, token="token"), Generic("ci", ci.url, token="token")
    world = make_world(down)
    hear(world, told)
    world.drain()
    assert world.claim(PUSH, "job").state is ClaimState.OPEN
    world.close()

    with world.again(systems={"ci": up}) as later:
        later.pass_time(60)
    for system in (down, up):
        system.close()

    assert counts(ci) == [2]


def test_a_job_that_the_ci_does_not_know_is_looked_up_some_times(ci: FakeCI, world: World, clock: Clock) -> None:
    """`lookup`: asked again each 90 seconds, 5 times, and then refused as not found."""
    ci.push(REVISION)
    world.hear(failure("ghost"))

    world.drain()
    world.pass_time(7200, every=10)

    assert len(ci.gets) == 6
    claim = world.claim(PUSH, "ghost")
    assert (claim.refusal, claim.lookups) == (Refusal.NOT_FOUND, 5)


@pytest.mark.parametrize("looks", [1, 4])
def test_a_push_that_the_ci_knows_late_is_found(ci: FakeCI, world: World, looks: int) -> None:
    """404 for a while: nothing is lost by it."""
    ci.push(REVISION, unknown_looks=looks)
    failed(ci, world)

    world.drain()
    world.pass_time(900)

    assert counts(ci) == [2]


def test_the_end_of_patience_is_a_day(ci: FakeCI, world: World) -> None:
    """A look-back that fails for more than a day ends the claim, with the reason."""
    ci.fault("look_back", times=None, status=429)
    failed(ci, world)

    world.pass_time(90_000, every=450)

    assert world.claim(PUSH, "job").refusal is Refusal.REFUSED_BY_CI
    assert len(ci.gets) < 250


def test_the_generic_contract_tells_the_base(ci: FakeCI, world: World) -> None:
    """With the answer about the push; the same call is then made once for the base."""
    base = "ba5e" * 10
    line = "test_login.py:7: AssertionError: no session"
    ci.push(base)
    ci.run(base, "job", result="failure", failures=[line])
    ci.push(REVISION, base=base)
    failed(ci, world, failures=[line])
    world.drain()
    assert str(world.claim(PUSH, "job").refusal) == "inherited"
    assert counts(ci) == []
    assert [path for path in ci.gets if base in path] == [f"/pushes/try/try/{base}"]
