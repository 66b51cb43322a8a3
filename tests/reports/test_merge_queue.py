"""GitHub's merge queue: triggerbot's check decides, and what was evicted through no fault of its own comes back."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.fixtures import quiet
from tests.fakes.github import FakeGitHub
from tests.fakes.github.fixtures import app, clock, connect, github, key
from tests.fakes.github.merge_queue import FakeEntry
from tests.fakes.world import World
from tests.reports.merge_queue import BOTH, FAILED, PASSED, PENDING, RULE, SHA, Bench, Make, enqueued, make
from tests.reports.reporters.github import Connect, plain

__all__ = ["app", "clock", "connect", "github", "key", "make", "quiet"]


# -- the required check -----------------------------------------------------------------------------------------------


def test_pending_then_success(make: Make) -> None:
    """It is there as soon as the queue asks, and succeeds once everything has passed."""
    bench = make()
    entry = bench.enter()
    assert bench.says(entry) == PENDING
    run = bench.run(entry, {"test": None, "lint": None})
    assert bench.says(entry) == PENDING
    bench.finish(run, {"test": "success", "lint": "success"})
    assert bench.says(entry) == PASSED
    bench.github.queue.look()
    assert entry.left == "MERGE"


def test_between_two_jobs_nothing_is_proved(make: Make) -> None:
    """All that is known has passed, and another workflow is not known yet: GitHub is asked whether all has ended."""
    bench = make()
    entry = bench.enter()
    run = bench.run(entry, {"build": None, "test": None})
    bench.finish(run, {"build": "success", "test": "success"})
    later = bench.github.queue.enqueue(1)
    bench.hear(bench.github.queue.requested(later))
    run = bench.github.add_run("octo/app", "CI", later.sha, later.branch, {"build": "success"}, event="merge_group")
    slow = bench.github.add_run("octo/app", "Slow", later.sha, later.branch, {"x": None}, event="merge_group")
    bench.tell(run)
    bench.rest(60)
    assert bench.says(later) == PENDING
    assert bench.title(later) == "waits for the workflow run Slow, which is in_progress"
    bench.github.finish(slow)
    bench.rest(60)
    assert bench.says(later) == PASSED
    assert bench.says(entry) == PASSED


def test_intermittent_as_was_known(make: Make) -> None:
    """A job that failed, passes again, and was intermittent before, does not hold up the merge."""
    bench = make()
    bench.was_intermittent()
    entry = bench.enter()
    run = bench.run(entry, {"test": "failure", "lint": "success"})
    assert bench.says(entry) == PENDING
    assert any("rerun" in post.path for post in bench.github.posts)
    bench.finish(run, {"test": "success"})
    bench.rest(30)
    assert bench.says(entry) == PASSED


def test_intermittent_for_the_first_time(make: Make) -> None:
    """The change may have made it so: that is no success, and says why."""
    bench = make()
    entry = bench.enter()
    run = bench.run(entry, {"test": "failure", "lint": "success"})
    bench.finish(run, {"test": "success"})
    bench.rest(30)
    assert bench.says(entry) == FAILED
    assert "not known to be before this change: CI / test" in bench.title(entry)


def test_failure(make: Make) -> None:
    """What fails again fails the check; until then it is pending."""
    bench = make()
    entry = bench.enter()
    run = bench.run(entry, {"test": "failure", "lint": "success"})
    assert bench.says(entry) == PENDING
    bench.finish(run, {"test": "failure"})
    assert bench.says(entry) == FAILED
    bench.github.queue.look()
    assert entry.left == "CI_FAILURE"


def test_what_proves_nothing_is_no_success(make: Make) -> None:
    """A cancelled job is neutral elsewhere, which GitHub would merge."""
    bench = make()
    entry = bench.enter()
    bench.run(entry, {"test": "cancelled", "lint": "success"})
    bench.rest(5)
    assert bench.says(entry) == FAILED


@pytest.mark.parametrize("known", ["nothing", "one passed"])
def test_time_out(make: Make, known: str) -> None:
    """At its end it is decided by what is known, with the sentence why, also without any news."""
    bench = make(timeout=600.0)
    entry = bench.enter()
    if known == "one passed":
        bench.run(entry, {"test": None, "lint": "success"})
    bench.rest(540, every=20)
    assert bench.says(entry) == PENDING
    bench.rest(120, every=20)
    assert bench.says(entry) == FAILED
    assert bench.title(entry).startswith("not proved in the time that a merge may wait: ")


def test_by_a_token(github: FakeGitHub, connect: Connect, tmp_path: Path, clock: Clock) -> None:
    """A token sets a commit status, which can be required, too."""
    github.repositories.add("octo/app")
    github.talk.add_pull("octo/app", SHA, "change")
    world = World(tmp_path / "state.db", {"gh": connect(transport=plain(), queue_wants=BOTH)}, (RULE,), clock)
    with world:
        bench = Bench(github, world, required=True)
        entry = bench.enter()
        run = bench.run(entry, {"test": "cancelled"})
        assert run
        assert [one.says["state"] for one in github.talk.statuses] == ["pending", "failure"]


def test_other_pushes_are_reported_as_always(make: Make) -> None:
    """The required check is about entries of the queue alone."""
    bench = make()
    run = bench.github.add_run("octo/app", "CI", SHA, "change", {"test": "cancelled", "lint": "success"})
    bench.tell(run)
    bench.rest(5)
    [check] = bench.github.talk.checks.values()
    assert check.says["conclusion"] == "neutral"


def test_off_by_default(make: Make) -> None:
    """Without the configuration nothing is different: no check before something is known, neutral, nothing put back."""
    bench = make(wants=frozenset())
    entry = bench.enter()
    bench.rest(5)
    assert bench.github.requests == []
    bench.run(entry, {"test": "cancelled", "lint": "success"})
    bench.rest(5)
    assert bench.says(entry) == ("completed", "neutral")
    bench.github.queue.evict(1, "CI_FAILURE")
    bench.hear(bench.github.queue.dequeued(entry))
    bench.rest(60)
    assert not any(one.path == "/graphql" for one in bench.github.requests)


# -- putting back -----------------------------------------------------------------------------------------------------


def evicted(bench: Bench) -> FakeEntry:
    """Let an entry be evicted whose only failure proved intermittent."""
    entry = bench.enter()
    run = bench.run(entry, {"test": "failure", "lint": "success"})
    bench.finish(run, {"test": "success"})
    bench.rest(30)
    bench.hear(bench.github.queue.dequeued(bench.github.queue.evict(1, "CI_FAILURE")))
    return entry


def test_back_once(make: Make) -> None:
    """It comes back if all that failed proved intermittent, and never twice with the same commit."""
    bench = make()
    evicted(bench)
    bench.rest(5)
    assert enqueued(bench.github) == 1
    again = bench.github.queue.entry(1)
    assert again is not None
    bench.hear(bench.github.queue.requested(again))
    run = bench.run(again, {"test": "failure", "lint": "success"})
    bench.finish(run, {"test": "failure"})
    bench.rest(30)
    bench.evict(again)
    bench.rest(300, every=10)
    assert enqueued(bench.github) == 1
    assert bench.github.queue.entry(1) is None


def test_back_once_after_days(make: Make) -> None:
    """Also where the webhook of the first eviction is forgotten."""
    bench = make()
    evicted(bench)
    bench.rest(5)
    bench.world.clock.move(4 * 86_400)
    bench.github.issued.clear()
    evicted(bench)
    bench.rest(300, every=10)
    assert enqueued(bench.github) == 1


def test_back_again_with_a_new_commit(make: Make) -> None:
    """Another commit of the pull request is another matter."""
    bench = make()
    evicted(bench)
    bench.rest(5)
    bench.github.queue.evict(1, "MANUAL")
    bench.github.talk.push(1, "ab" * 20)
    evicted(bench)
    bench.rest(5)
    assert enqueued(bench.github) == 2


def test_infra(make: Make) -> None:
    """A failure of GitHub's own is not the change's either."""
    bench = make()
    entry = bench.enter()
    run = bench.github.add_run(
        "octo/app", "CI", entry.sha, entry.branch, {"test": "failure", "lint": "success"}, event="merge_group"
    )
    bench.github.job(run, "test").steps = ["success", None]
    bench.tell(run)
    bench.rest(5)
    bench.evict(entry)
    bench.rest(5)
    assert enqueued(bench.github) == 1


@pytest.mark.parametrize("why", ["it fails", "by hand", "closed", "a new commit", "back already", "dry run"])
def test_not_back(make: Make, why: str) -> None:
    """What fails does not come back, nor what a person removed, closed, changed or put back."""
    bench = make(dry=why == "dry run", wants=frozenset({"requeue"}))
    entry = bench.enter()
    run = bench.run(entry, {"test": "failure", "lint": "success"})
    if why == "dry run":
        bench.github.rerun(run, "test")
    bench.finish(run, {"test": "failure" if why == "it fails" else "success"})
    bench.github.queue.evict(1, "MANUAL" if why == "by hand" else "CI_FAILURE")
    match why:
        case "closed":
            bench.github.talk.pulls[1].state = "closed"
        case "back already":
            bench.github.queue.enqueue(1)
    webhook = bench.github.queue.dequeued(entry)
    if why == "a new commit":
        bench.github.talk.push(1, "ab" * 20)
    bench.hear(webhook)
    bench.rest(300, every=10)
    assert enqueued(bench.github) == 0


def test_not_before_the_verdict(make: Make) -> None:
    """While a rerun goes on nothing is known; its pass decides."""
    bench = make(wants=frozenset({"requeue"}))
    entry = bench.enter()
    run = bench.run(entry, {"test": "failure", "lint": "success"})
    bench.github.queue.evict(1, "CI_FAILURE")
    bench.hear(bench.github.queue.dequeued(entry))
    bench.rest(60)
    assert enqueued(bench.github) == 0
    bench.finish(run, {"test": "success"})
    bench.rest(60)
    assert enqueued(bench.github) == 1


def test_told_before_the_failure(make: Make) -> None:
    """Webhooks come in any order: what was evicted for its checks waits for the failure, and is judged by that."""
    bench = make(wants=frozenset({"requeue"}))
    entry = bench.enter()
    ends: dict[str, str | None] = {"test": "failure", "lint": "success"}
    run = bench.github.add_run("octo/app", "CI", entry.sha, entry.branch, ends, event="merge_group")
    bench.tell(run, "lint")
    bench.github.queue.evict(1, "CI_FAILURE")
    bench.hear(bench.github.queue.dequeued(entry))
    bench.rest(60)
    bench.tell(run)
    bench.finish(run, {"test": "success"})
    bench.rest(60)
    assert enqueued(bench.github) == 1


@pytest.mark.parametrize("applied", [True, False])
def test_in_doubt(make: Make, applied: bool) -> None:
    """An answer that is lost is settled by a look; nothing is sent again, over a restart, too."""
    bench = make()
    entry = bench.enter()
    run = bench.run(entry, {"test": "failure", "lint": "success"})
    bench.finish(run, {"test": "success"})
    bench.rest(30)
    bench.github.queue.look()
    handle = bench.github.handle

    def losing(request: Any) -> Any:
        if "mutation" not in str(request.body):
            return handle(request)
        if applied:
            handle(request)
        else:
            bench.github.requests.append(request)
        request.status, request.answer = 502, {"message": "Bad gateway"}
        return request

    bench.github.handle = losing  # type: ignore[method-assign]
    bench.hear(bench.github.queue.dequeued(entry))
    again = make()
    again.rest(600, every=10)
    assert enqueued(bench.github) == 1
    assert (bench.github.queue.entry(1) is not None) == applied


def test_two_replicas(make: Make) -> None:
    """Both hear of the eviction, and one puts it back."""
    one, two = make(), make()
    entry = evicted(one)
    two.hear(one.github.queue.dequeued(entry))
    for _ in range(30):
        two.rest(5)
        one.rest(5)
    assert enqueued(one.github) == 1


def test_refused(make: Make) -> None:
    """What GitHub refuses is told, and not tried over and over."""
    bench = make()
    bench.github.granted["contents"] = "read"
    evicted(bench)
    bench.rest(600, every=10)
    assert enqueued(bench.github) == 1
    assert bench.github.queue.entry(1) is None
