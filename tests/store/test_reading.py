"""What every store promises of reading, forgetting and enduring."""

import threading

import pytest

from tests.fakes.store_items import every, operation, own, said, seen
from tests.fakes.world import event, failure, push
from tests.store.claimed import PUSH, Reopen, claimed, in_threads, owed
from triggerbot.core.decision import Decision, Refusal
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.store import Pause, Store

# -- reading ----------------------------------------------------------------------------------------------------


def test_a_story_is_told_in_order(store: Store) -> None:
    """Decision, request, answer: each with its job, count and run."""
    claim = owed(store)
    owed(store, "other")
    store.claims.begin(operation(claim), PUSH, "asks for 2", 10.0)
    store.claims.accepted(operation(claim), "accepted", 11.0)

    story = store.pushes.timeline(PUSH, "job")

    assert [(entry.what, entry.job, entry.count, entry.at) for entry in story] == [
        ("trigger", "job", 2, 3.0), ("send", "job", 2, 10.0), ("accepted", "job", 2, 11.0),
    ]  # fmt: skip
    assert (story[0].reason, story[0].run_id, story[0].attempt) == ("failure", "job-1", 1)
    assert len(store.pushes.timeline(PUSH)) == 4
    assert store.pushes.timeline(push("fffffff")) == []


def test_a_story_is_not_told_twice(store: Store) -> None:
    """The same refusal of the same run, heard a hundred times, is one line; of another run, another."""
    refused = [seen(failure(run_id=run), refusal=Refusal.HIDDEN) for run in ("1", "2")]
    for _ in range(100):
        store.observe(refused, 1.0, dry=False)

    assert [(entry.what, entry.reason, entry.run_id) for entry in store.pushes.timeline(PUSH)] == [
        ("refuse", "hidden", "1"), ("refuse", "hidden", "2"),
    ]  # fmt: skip


def test_a_problem_in_the_message_is_told(store: Store) -> None:
    """The push's story has the complaint."""
    store.observe([said(PushOptions(problems=("--rebuild wants a number",)), message="m")], 1.0, dry=False)

    assert [(entry.what, entry.text) for entry in store.pushes.timeline(PUSH)] == [("note", "--rebuild wants a number")]


def test_pushes_are_found_by_the_beginning_of_a_revision(store: Store) -> None:
    """In one project, in any case; nothing is a pattern."""
    for revision in ("abcdef1", "abcdef2", "abc0000"):
        store.observe([seen(event(push=push(revision)))], 1.0, dry=False)

    assert {one.revision for one in store.pushes.find("try", "ABCDEF")} == {"abcdef1", "abcdef2"}
    assert [one.revision for one in store.pushes.find("try", "abcdef1")] == ["abcdef1"]
    assert store.pushes.find("other", "abc") == []
    assert store.pushes.find("try", "%") == []
    assert store.pushes.find("try", "b") == []


def test_what_made_the_ci_run_it_is_kept(store: Store) -> None:
    """A later message that does not say so changes nothing, and one that says it first adds it."""
    store.observe([seen(event("job", "1", event="pull_request")), seen(event("job", "2"))], 1.0, dry=False)
    store.observe([seen(failure("job", "1")), seen(failure("job", "2", event="push"))], 2.0, dry=False)
    record = store.pushes.record(PUSH)
    assert record is not None
    assert [(run.run_id, run.event) for run in record.jobs[0].runs] == [("1", "pull_request"), ("2", "push")]
    assert own(store).run.event == "pull_request"


def test_projects_are_found_in_any_case(store: Store) -> None:
    """As people write them; a spelling that is there is preferred to none."""
    there = push(project="Octo/App")
    store.observe([seen(failure("job", push=there))], 1.0, dry=False)
    assert store.pushes.find("octo/app", there.revision) == store.pushes.recent(5, "OCTO/app") == [there]
    assert store.pushes.find("octo/ap", there.revision) == store.pushes.find("octo/apps", there.revision) == []


def test_the_latest_pushes_come_first(store: Store) -> None:
    """At most as many as asked for, of one project if asked for."""
    for number in range(3):
        where = push(f"abcdef{number}", project="odd" if number == 1 else "try")
        store.observe([seen(event(push=where))], float(number * 100), dry=False)

    assert [one.revision[-1] for one in store.pushes.recent(2)] == ["2", "1"]
    assert [one.revision[-1] for one in store.pushes.recent(9, "try")] == ["2", "0"]


def test_what_is_not_known_is_nothing(store: Store) -> None:
    """Reading of an unknown push neither fails nor makes one."""
    assert store.pushes.record(PUSH) is None
    assert store.pushes.known(PUSH) == {}
    assert (store.pushes.work(PUSH).claims, store.pushes.work(PUSH).total) == ((), 0)
    store.facts.put_off(PUSH, 5.0)
    assert store.pushes.recent(9) == []


def test_statistics_count_decisions(store: Store) -> None:
    """By action, reason and mode."""
    owed(store, "a")
    store.claims.decide(claimed(store, "b"), Decision.refuse(Refusal.HIDDEN), None, 3.0)

    counted = store.statistics.read(0.0)["decisions"]

    assert {(one["action"], one["reason"], one["jobs"]) for one in counted} == {
        ("trigger", "failure", 1), ("refuse", "hidden", 1),
    }  # fmt: skip
    assert store.statistics.read(1e12)["decisions"] == []


# -- forgetting and enduring ------------------------------------------------------------------------------------


def test_old_pushes_are_forgotten_whole(store: Store) -> None:
    """With claims and story; what is still open, or heard of lately, stays."""
    old, still_open, new = push("abcdef1"), push("abcdef2"), push("abcdef3")
    store.observe([seen(failure(push=one), asks=PushOptions()) for one in (old, still_open)], 10.0, dry=False)
    store.observe([seen(failure(push=new), asks=PushOptions())], 1000.0, dry=False)
    for one in (old, new):
        store.claims.decide(own(store, where=one), Decision.refuse(Refusal.HIDDEN), None, 10.0)

    assert store.purge(500.0) == 1
    assert store.purge(500.0) == 0
    assert store.pushes.record(old) is None
    assert store.pushes.timeline(old) == []
    assert [len(every(store, one)) for one in (still_open, new)] == [1, 1]


def test_many_old_pushes_are_forgotten(store: Store) -> None:
    """More than one portion's worth, and every one of them."""
    store.observe([seen(event(push=push(f"{number:07x}"))) for number in range(450)], 10.0, dry=False)
    for number in range(450):
        store.facts.put_off(push(f"{number:07x}"), None)

    assert store.purge(500.0) == 450
    assert store.pushes.recent(9) == []


def test_everything_is_there_after_a_restart(store: Store, reopen: Reopen) -> None:
    """Facts, runs, claims, requests, the pause."""
    claim = owed(store)
    store.claims.begin(operation(claim), PUSH, "", 10.0)
    store.observe([said(PushOptions({EVERY: 3}, no_retry=True), message="m", author="a")], 11.0, dry=False)
    store.limits.pause(Pause(1.0, "me"))
    before = (store.pushes.record(PUSH), store.pushes.work(PUSH), store.pushes.timeline(PUSH), store.limits.paused())

    again = reopen()

    assert (
        again.pushes.record(PUSH),
        again.pushes.work(PUSH),
        again.pushes.timeline(PUSH),
        again.limits.paused(),
    ) == before


def test_a_closed_store_says_so(store: Store) -> None:
    """Neither hangs nor loses anything silently; closing twice is nothing special."""
    store.close()
    store.close()

    with pytest.raises(StoreUnavailable):
        store.observe([seen(failure())], 1.0, dry=False)


def test_eight_threads_hearing_the_same_make_one_claim_each(store: Store) -> None:
    """Whoever is first: of all their outcomes, exactly one claimed each job."""
    events = [seen(failure(f"job-{number}")) for number in range(40)]
    claims: list[str] = []
    lock, start = threading.Lock(), threading.Barrier(8)

    def hear(mine: int) -> None:
        start.wait()
        for place in range(0, 40, 5):
            batch = events[place : place + 5][:: 1 if mine % 2 else -1]
            outcomes = store.observe(batch, 1.0, dry=False)
            with lock:
                claims.extend(item.event.job for item, outcome in zip(batch, outcomes, strict=True) if outcome.claimed)

    in_threads(8, hear)

    assert sorted(claims) == sorted(f"job-{number}" for number in range(40))
    assert len(every(store)) == 40


def test_eight_threads_lease_different_pushes(store: Store) -> None:
    """No push is worked on twice at a time."""
    pushes = [push(f"{number:07x}")._replace(system=f"ci-{number % 16}") for number in range(64)]
    store.observe([seen(failure(push=where)) for where in pushes], 1.0, dry=False)
    leased: list[str] = []
    start = threading.Barrier(8)

    def lease(mine: int) -> None:
        start.wait()
        while (one := store.due.lease(5.0, str(mine), 60)) is not None:
            leased.append(one.revision)

    in_threads(8, lease)

    assert sorted(leased) == [f"{number:07x}" for number in range(64)]


def test_a_system_that_hangs_leaves_the_others_their_turn(store: Store) -> None:
    """So many pushes of one system are worked on at once; what is due elsewhere comes before the rest of it."""
    slow = [push(f"{number:07x}")._replace(system="slow") for number in range(20)]
    other = push("abcdef1")._replace(system="other")
    store.observe([seen(failure(push=where)) for where in [*slow, other]], 1.0, dry=False)

    leased = []
    while (one := store.due.lease(5.0, "me", 60)) is not None:
        leased.append(one)

    assert len(leased) == 5
    assert other in leased
    assert store.due.next() is None
    store.due.release(leased[0], "me")
    assert store.due.next() == 1.0


def test_a_caller_who_gives_up_waiting_costs_nobody_else_an_answer(store: Store) -> None:
    """A cancelled future (an HTTP client gone) is its own loss."""
    for _ in range(50):
        store.observe_soon([seen(failure())], 1.0, dry=False).cancel()

    assert store.observe_soon([seen(failure())], 1.0, dry=False).result(timeout=5)
