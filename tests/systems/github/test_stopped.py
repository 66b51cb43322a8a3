"""What is owed at GitHub ends when nobody waits for it or somebody stopped it, at any moment before the request."""

from typing import Any

import pytest

from tests.systems.github.desk import FINE, A, B, Desk, Make
from triggerbot.core.claim import ClaimState
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.systems.github.auth import AppKey

QUEUE = "gh-readonly-queue/main/pr-1-0123"


def test_each_cancelled_the_other(desk: Desk) -> None:
    """Both commits had a failed job: nothing is rerun of either."""
    older = desk.run(A, {"test": "failure", "slow": None}, group="topic")
    desk.pushed(older)
    newer = desk.run(B, {"test": "failure", "slow": None}, group="topic")
    desk.pushed(newer)
    desk.github.cancel(newer)
    desk.ended(older, "test", "slow")
    desk.ended(newer, "test", "slow")
    desk.settle()
    assert (desk.reasons(A), desk.reasons(B)) == ({"test": "superseded"}, {"test": "cancelled"})
    assert desk.reruns == []


@pytest.mark.parametrize("own", [False, True])
def test_what_a_person_cancelled(desk: Desk, own: bool) -> None:
    """The run after a failure, or our own rerun: it stays so, and only a person starts it again."""
    run = desk.run(A, {"test": "failure", "slow": "success" if own else None})
    desk.pushed(run)
    if own:
        desk.ended(run, "test")
        desk.settle()
        assert desk.reasons(A) == {"test": "owed"}
        desk.github.start(run)
    desk.github.cancel(run)
    desk.ended(run, "test", "slow")
    desk.settle(600)
    claim = desk.claims(A)["test"]
    assert (claim.state, claim.asked) == ((ClaimState.DONE, 1) if own else (ClaimState.REFUSED, 0))
    push = Push("gh", "octo/app", "topic", A)
    told = [one.reason for one in desk.world.store.pushes.timeline(push) if one.what == "refuse"]
    assert "cancelled" in told
    assert len(desk.reruns) == own
    assert desk.world.store.claims.ask(push, "CI / test (push)", 1, "me", dry=False, now=desk.world.clock())
    desk.settle()
    assert len(desk.reruns) == own + 1


def test_what_only_took_too_long_is_not_cancelled(make_desk: Make) -> None:
    """GitHub tells a job over its time limit as cancelled, and the run as well."""
    desk = make_desk(Rule(Globs(["octo/*"]), results=frozenset({"failure", "timed_out"})))
    run = desk.run(A, {"test": "failure", "slow": "cancelled"}, came_to="cancelled")
    slow = desk.github.job(run, "slow")
    slow.completed = slow.created + 300
    text = "The job running on runner 7 has exceeded the maximum execution time of 60 minutes."
    desk.github.talk.annotations[slow.id] = [{"path": ".github", "annotation_level": "failure", "message": text}]
    desk.pushed(run)
    desk.ended(run, "test", "slow")
    desk.settle()
    assert set(desk.reasons(A).values()) == {"owed"}
    assert len(desk.reruns) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The run was canceled by @ann.", "cancelled"),
        ("Canceling since a higher priority waiting request for 'CI-topic' exists", "cancelled"),
        ("The operation was canceled.", "owed"),
    ],
)
def test_a_run_that_failed_before_it_was_cancelled(desk: Desk, text: str, expected: str) -> None:
    """GitHub may tell it as failed; the annotations of what it cancelled say by whom."""
    run = desk.run(A, {"test (1)": "failure", "test (2)": "cancelled"}, came_to="failure")
    other = desk.github.job(run, "test (2)")
    other.completed = other.created + 300
    desk.github.talk.annotations[other.id] = [{"path": ".github", "annotation_level": "failure", "message": text}]
    desk.pushed(run)
    desk.ended(run, "test (1)", "test (2)")
    desk.settle()
    assert set(desk.reasons(A).values()) == {expected}
    assert len(desk.reruns) == (expected == "owed")


def test_what_fail_fast_cancelled_is_rerun(desk: Desk) -> None:
    """With the failure, as the run as a whole failed."""
    run = desk.run(A, {"test (1)": "failure", "test (2)": "cancelled"})
    desk.pushed(run)
    desk.ended(run, "test (1)", "test (2)")
    desk.settle()
    assert desk.reruns == [f"runs/{run}/rerun-failed-jobs"]


def test_a_push_while_a_request_waits_for_its_turn(desk: Desk) -> None:
    """What comes while others are sent counts, for what is still owed."""
    runs = {}
    for number in range(8):
        sha = f"{number:040x}"
        runs[sha] = desk.run(sha, {"test": "failure"}, branch=f"topic-{number}")
        desk.ended(runs[sha], "test", *FINE, last=False)
    for run in runs.values():
        desk.ended(run)
    desk.world.pass_time(2, every=0.5)
    sent = len(desk.reruns)
    assert 0 < sent < 8
    for number in range(8):
        newer = desk.run(B, {"test": None}, branch=f"topic-{number}", ago=0)
        desk.pushed(newer)
    desk.settle()
    assert len(desk.reruns) == sent
    states = [desk.reasons(f"{number:040x}", f"topic-{number}")["test"] for number in range(8)]
    assert states.count("superseded") == 8 - sent


def test_the_branch_is_asked_in_the_last_moment(desk: Desk) -> None:
    """A push between the look-back and the request, of which nothing was told."""
    run = desk.run(A, {"test": "failure"})
    desk.pushed(run)
    handle = desk.github.handle

    def push_after_the_look_back(request: Any) -> Any:
        answer = handle(request)
        if request.path.endswith("/jobs"):
            desk.github.moved["octo/app", "topic"] = B
        return answer

    desk.github.handle = push_after_the_look_back  # type: ignore[method-assign]
    desk.ended(run, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "superseded"}
    assert desk.reruns == []


def test_a_push_after_the_first_request(desk: Desk) -> None:
    """What is left is dropped, and what was asked for stays counted."""
    run = desk.run(A, {"test": "failure"}, outcomes={"test": ["failure", "failure"]})
    desk.pushed(run)
    desk.ended(run, "test")
    desk.settle(50)
    assert len(desk.reruns) == 1
    newer = desk.run(B, {"test": None})
    desk.pushed(newer)
    desk.github.finish(run)
    desk.ended(run, "test")
    desk.settle()
    claim = desk.claims(A)["test"]
    assert (claim.state, claim.asked, len(desk.reruns)) == (ClaimState.DONE, 1, 1)
    told = [one for one in desk.world.store.pushes.timeline(claim.push) if one.reason == "superseded"]
    assert [one.text for one in told] == ["the newest commit of topic is bbbbbbbbbbbb"]


@pytest.mark.parametrize("taken", [True, False])
def test_superseded_while_a_request_is_in_doubt(desk: Desk, taken: bool) -> None:
    """It is looked for first; one that GitHub did not take is not sent again."""
    run = desk.run(A, {"test": "failure"})
    desk.pushed(run)
    desk.github.fail_next(502, "Bad Gateway", method="POST", applied=taken)
    desk.ended(run, "test")
    desk.settle(50)
    assert desk.claims(A)["test"].state is ClaimState.UNKNOWN
    newer = desk.run(B, {"test": None})
    desk.pushed(newer)
    desk.settle(600)
    claim = desk.claims(A)["test"]
    assert (claim.state, claim.asked) == ((ClaimState.DONE, 1) if taken else (ClaimState.REFUSED, 0))
    assert len(desk.reruns) == 1


def test_after_a_restart(desk: Desk) -> None:
    """What was told before is known after it."""
    run = desk.run(A, {"test": "failure"})
    desk.pushed(run)
    newer = desk.run(B, {"test": None})
    desk.pushed(newer)
    desk.world = desk.world.again()
    desk.github.moved["octo/app", "topic"] = A
    desk.ended(run, "test")
    desk.world.drain()
    assert desk.reasons(A) == {"test": "superseded"}
    assert desk.reruns == []
    desk.world.close()


def test_an_app_sees_the_branches_of_a_private_repository(make_desk: Make, app: AppKey) -> None:
    """Its token for reruns may do nothing else, so another is used."""
    desk = make_desk(app=app)
    desk.github.private.add("octo/app")
    run = desk.run(A, {"test": "failure"})
    desk.pushed(run)
    desk.github.moved["octo/app", "topic"] = B
    desk.ended(run, "test")
    desk.settle()
    assert (desk.reasons(A), desk.reruns) == ({"test": "superseded"}, [])


@pytest.mark.parametrize("newer", [False, True])
def test_without_the_permission_to_see_the_branch(desk: Desk, newer: bool) -> None:
    """The newest workflow runs of the branch are asked for."""
    desk.github.private.add("octo/app")
    desk.github.granted["contents"] = ""
    run = desk.run(A, {"test": "failure"})
    desk.pushed(run)
    desk.ended(run, "test", last=False)
    if newer:
        desk.run(B, {"test": "success"}, ago=300)
    desk.tell("workflow_run", run)
    desk.world.pass_time(100)
    assert desk.reasons(A) == {"test": "superseded" if newer else "owed"}
    assert len(desk.reruns) == (not newer)


def test_a_branch_that_cannot_be_learned_holds_nothing_for_ever(desk: Desk) -> None:
    """It is tried for ten minutes; then what is known decides."""
    run = desk.run(A, {"test": "failure"})
    desk.pushed(run)
    for _ in range(200):
        desk.github.fail_next(500, "boom", path="/git/ref")
    desk.ended(run, "test")
    desk.settle(300)
    assert (desk.reasons(A), desk.reruns) == ({"test": "owed"}, [])
    assert "waits until the CI says what the newest commit is" in desk.claims(A)["test"].note
    desk.settle(600)
    assert len(desk.reruns) == 1


def test_without_the_name_of_the_default_branch(desk: Desk) -> None:
    """A push that may be superseded waits, and so does a request; after ten minutes what is known decides."""
    run = desk.run(A, {"test": "failure"}, ago=900)
    newer = desk.run(B, {"test": "success"}, ago=300)
    handle = desk.github.handle

    def without_the_repository(request: Any) -> Any:
        if request.path == "/repos/octo/app":
            desk.github.fail_next(500, "boom", path="/repos/octo/app")
        return handle(request)

    desk.github.handle = without_the_repository  # type: ignore[method-assign]
    for one in (run, newer):
        desk.pushed(one)
        desk.ended(one, "test")
    desk.settle(300)
    assert (desk.reasons(A), desk.reruns) == ({"test": "owed"}, [])
    desk.github.handle = handle  # type: ignore[method-assign]
    desk.settle(100)
    assert (desk.reasons(A), desk.reruns) == ({"test": "superseded"}, [])


def test_a_newer_workflow_run_of_the_same_commit(desk: Desk) -> None:
    """Of the same workflow and event: the older one's failure is superseded."""
    first = desk.run(A, {"test": "failure", "slow": None})
    desk.pushed(first)
    desk.ended(first, "test", last=False)
    second = desk.run(A, {"test": "success"}, ago=1)
    desk.ended(second, "test", *FINE)
    desk.github.finish(first)
    desk.ended(first, "slow")
    desk.settle()
    assert desk.reruns == []
    claim = desk.claims(A)["test"]
    assert (str(claim.refusal), claim.note) == (
        "superseded", f"the newer workflow run {second} of the same commit counts",
    )  # fmt: skip


def test_what_a_push_asks_for_is_dropped_too(desk: Desk) -> None:
    """`--rebuild` in its message."""
    run = desk.run(A, {"test": "success"}, message="try: --rebuild 3", ago=900)
    newer = desk.run(B, {"test": None})
    desk.pushed(newer)
    desk.pushed(run)
    desk.ended(run, "test")
    desk.settle()
    assert set(desk.reasons(A).values()) == {"superseded"}
    assert desk.reruns == []


def test_what_a_person_asks_for_is_carried_out(desk: Desk) -> None:
    """At a superseded push as at any other."""
    run = desk.run(A, {"test": "failure"}, ago=900)
    newer = desk.run(B, {"test": "success"}, ago=300)
    desk.pushed(run)
    desk.pushed(newer)
    desk.ended(run, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "superseded"}
    push = Push("gh", "octo/app", "topic", A)
    assert desk.world.store.claims.ask(push, "CI / test (push)", 1, "me", dry=False, now=desk.world.clock())
    desk.settle()
    assert len(desk.reruns) == 1
