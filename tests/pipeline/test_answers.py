"""Every sort of answer to a retrigger: nothing doubled, nothing lost."""

from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.world import World
from tests.pipeline.heard import PUSH, MakeWorld, counts, failed
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.systems.generic.system import Generic


@pytest.mark.parametrize("status", [400, 409, 410, 422])
def test_a_refusal_is_final_and_gives_its_budget_back(ci: FakeCI, world: World, status: int) -> None:
    """Asked once, never again."""
    ci.fault("retrigger", status=status)
    failed(ci, world)

    world.drain()
    world.pass_time(7200)

    assert len(ci.posts) == 1
    assert (world.claim(PUSH, "job").refusal, world.store.pushes.work(PUSH).spent) == (Refusal.REFUSED_BY_CI, 0)


@pytest.mark.parametrize("status", [429, 503])
def test_later_means_not_before(ci: FakeCI, world: World, status: int) -> None:
    """`Retry-After` is waited for to the second, and then it is asked once more, under another operation."""
    ci.fault("retrigger", status=status, headers={"Retry-After": "300"})
    failed(ci, world)

    world.drain()
    world.pass_time(299, every=13)
    assert len(ci.posts) == 1
    world.pass_time(2, every=1)

    assert counts(ci) == [2]
    assert len(ci.posts) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 425, 429])
def test_what_an_operator_must_mend_is_tried_again_in_the_end(ci: FakeCI, world: World, status: int) -> None:
    """Never fast, and not lost: with the fault gone, it is asked for."""
    ci.fault("retrigger", status=status, times=3)
    failed(ci, world)

    world.drain()
    assert len(ci.posts) == 1
    world.pass_time(7200)

    assert counts(ci) == [2]
    assert len(ci.posts) == 4


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"OK", b'{"runs": [', b"\xff"])
def test_a_page_of_something_in_front_of_the_ci_proves_nothing(
    ci: FakeCI, world: World, body: bytes, *, accept: bool
) -> None:
    """It is answered 200 whether the request arrived or not: the look-back says which, and it happens once."""
    ci.fault("retrigger", status=200, body=body, accept=accept)
    failed(ci, world)

    world.drain()
    assert world.claim(PUSH, "job").state is ClaimState.UNKNOWN
    world.pass_time(7200)

    assert counts(ci) == [2]
    assert len(ci.posts) == (1 if accept else 2)


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b"null", b"[]", b'"taken"'])
def test_a_ci_may_say_little(ci: FakeCI, world: World, body: bytes) -> None:
    """Nothing, or any JSON: it is accepted."""
    ci.fault("retrigger", status=202, body=body, accept=True)
    failed(ci, world)

    world.drain()

    assert world.claim(PUSH, "job").state not in (ClaimState.SENDING, ClaimState.UNKNOWN)
    assert len(ci.posts) == 1


def test_a_wrong_token_waits_for_an_operator(make_world: MakeWorld, ci: FakeCI) -> None:
    """401 to reads: nothing is sent, nothing is lost, and the reads get rarer."""
    system = Generic("ci", ci.url, token="wrong")
    world = make_world(system)
    failed(ci, world)

    world.drain()
    world.pass_time(3600)
    system.close()

    assert ci.posts == []
    claim = world.claim(PUSH, "job")
    assert claim.state is ClaimState.OPEN
    assert "token" in claim.note


UNCLEAR = [
    {"status": 500}, {"status": 502}, {"status": 503}, {"status": 504}, {"status": 408}, {"status": 599},
    {"cut": "before"}, {"cut": "within", "status": 201, "body": b'{"runs": ["1'},
]  # fmt: skip


@pytest.mark.parametrize("fault", UNCLEAR, ids=str)
@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("accept", [True, False])
def test_an_unclear_answer_never_doubles_and_never_loses(
    ci: FakeCI, world: World, fault: dict[str, Any], accept: bool, marks: bool
) -> None:
    """Taken or not, marked or not: in the end there are two new runs, exactly."""
    ci.marks = marks
    ci.fault("retrigger", accept=accept, **fault)
    failed(ci, world)

    world.drain()
    assert len(ci.posts) == 1
    world.pass_time(3600)

    assert counts(ci) == [2]
    assert world.claim(PUSH, "job").state is ClaimState.DONE
    assert len({post.operation for post in ci.posts}) == 1


@pytest.mark.parametrize("lag", [{"lag_looks": 1}, {"lag_seconds": 59.0}, {"lag_seconds": 30.0}])
def test_a_list_that_lags_less_than_the_grace_doubles_nothing(ci: FakeCI, world: World, lag: dict[str, Any]) -> None:
    """The run is taken, the answer is lost, and the list shows it late: it is found, not sent again."""
    for name, value in lag.items():
        setattr(ci, name, value)
    ci.fault("retrigger", status=500, accept=True)
    failed(ci, world)

    world.drain()
    world.pass_time(3600, every=7)

    assert counts(ci) == [2]
    assert len(ci.posts) == 1


def test_a_ci_that_never_says_anything_clear_is_given_up(ci: FakeCI, world: World) -> None:
    """Six times at most, ever more slowly, all under one operation; then it is refused, and the budget comes back."""
    ci.fault("retrigger", status=500, times=None)
    failed(ci, world)

    world.drain()
    world.pass_time(86_400, every=60)

    assert len(ci.posts) == 6
    assert len({post.operation for post in ci.posts}) == 1
    assert (world.claim(PUSH, "job").refusal, world.store.pushes.work(PUSH).spent) == (Refusal.REFUSED_BY_CI, 0)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b'{"runs": 7}', b'{"runs": [null, {}, 1.5]}', b"\xff\xfe", b"[" * 200_000]
)
def test_a_yes_is_a_yes_whatever_it_says_besides(ci: FakeCI, world: World, body: bytes) -> None:
    """2xx is accepted; its body is a help, and no more."""
    ci.fault("retrigger", status=202, body=body, accept=True)
    failed(ci, world)

    world.drain()
    world.pass_time(3600)

    assert len(ci.posts) == 1
    assert world.claim(PUSH, "job").state is ClaimState.DONE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("accept", [True, False])
def test_a_redirect_is_not_followed(ci: FakeCI, world: World, status: int, accept: bool) -> None:
    """Neither the token nor the request goes elsewhere, and the run is asked for once in the end."""
    with FakeCI() as elsewhere:
        ci.fault("retrigger", status=status, headers={"Location": elsewhere.url + "/retrigger"}, accept=accept)
        failed(ci, world)
        world.drain()
        world.pass_time(3600)

        assert elsewhere.posts == []
        assert elsewhere.gets == []
    assert counts(ci) == [2]


@pytest.mark.parametrize("place", ["http://[", "//", "javascript:1", "http://" + "x" * 300, "http://a:b:c", "\\\\", ""])
def test_a_redirect_to_nowhere_ends_nothing(ci: FakeCI, world: World, place: str) -> None:
    """A Location that is no URL is an unclear answer like others."""
    ci.fault("look_back", status=302, headers={"Location": place})
    ci.fault("retrigger", status=302, headers={"Location": place})
    failed(ci, world)

    world.drain()
    world.pass_time(7200)

    assert counts(ci) == [2]
