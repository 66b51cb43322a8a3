"""Searches for who broke a job, on every backend."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.store_items import said, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.branch.backfill import Conclusion, Found
from triggerbot.core.branch.cells import CellKind
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import NO_RUN, PROVING, Batch, Push
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import BackfillSearch, Store

PLACE = ("ci", "try", "main")
OLD, MIDDLE, NEW = (push(letter * 40, branch="main") for letter in "abc")
ENDED = Conclusion(Found.FIRST_BAD, NEW.revision, NEW.revision, OLD.revision)


def fill(store: Store) -> None:
    """Have three pushes: the job passes, does not run, fails."""
    facts = [
        said(PushOptions(), where, author=f"dev{number}", time=1.0 + number, message="")
        for number, where in enumerate((OLD, MIDDLE, NEW))
    ]  # fmt: skip
    ran = [seen(event("job", "1", push=OLD, result="success")), seen(failure("job", "3", push=NEW))]
    store.observe([*facts, *ran], 10.0, dry=False)


def begin(store: Store, now: float = 11.0, **more: object) -> tuple[BackfillSearch, bool]:
    """Begin a search."""
    return store.backfills.begin(PLACE, "job", OLD.revision, NEW.revision, now, most=3, by="ann", **more)  # type: ignore[arg-type]


def test_one_search_goes_on_at_a_time(store: Store) -> None:
    """Of each job of a branch; and it survives."""
    fill(store)
    one, is_new = begin(store)
    again, again_new = begin(store, 12.0)
    assert (is_new, again_new, again.id) == (True, False, one.id)
    other, other_new = store.backfills.begin(PLACE, "other", "", NEW.revision, 13.0, most=1)
    assert other_new
    assert [found.id for found in store.backfills.of_branch(PLACE)] == [other.id, one.id]
    assert store.backfills.of_branch(("ci", "try", "else")) == ()
    assert store.backfills.latest(PLACE, "job") == one
    assert store.backfills.latest(PLACE, "none") is None
    assert (one.by, one.most, one.is_open, one.words) == ("ann", 3, True, "begins")


def test_what_is_taken_is_due_again_later(store: Store, reopen: Callable[[], Store]) -> None:
    """The process that took it may have died."""
    fill(store)
    one, _ = begin(store)
    taken = store.backfills.take(11.0, 60.0)
    assert taken is not None
    assert taken.id == one.id
    store = reopen()
    assert store.backfills.take(70.0, 60.0) is None
    assert store.backfills.take(71.0, 60.0) is not None
    store.backfills.wait(one.id, "waits", 90.0)
    assert store.backfills.take(89.0, 60.0) is None
    found = store.backfills.take(90.0, 60.0)
    assert found is not None
    assert found.words == "waits"


def test_it_runs_a_job_once_at_a_push(store: Store, reopen: Callable[[], Store]) -> None:
    """The claim and its record are one; the push has the claim, and no run yet."""
    fill(store)
    one, _ = begin(store)
    assert store.backfills.run_at(one.id, [MIDDLE.revision], "runs", 12.0, 13.0) == (MIDDLE.revision,)
    store = reopen()
    assert store.backfills.run_at(one.id, [MIDDLE.revision, "f" * 40], "runs", 14.0, 15.0) == ()
    found = store.backfills.latest(PLACE, "job")
    assert found is not None
    assert list(found.asked) == [MIDDLE.revision]
    record = store.pushes.record(MIDDLE)
    assert record is not None
    assert record.jobs == ()
    (unrun,) = record.unrun
    (claim,) = unrun.claims
    assert (unrun.job, unrun.runs, claim.run.key, claim.origin) == ("job", (), NO_RUN, f"backfill:asked:{one.id}")
    assert (claim.backfills, claim.by_person, claim.manual, claim.wanted) == (True, False, True, 1)
    assert claim.is_waited_for
    assert not replace(claim, origin="backfill:1").is_waited_for
    work = store.pushes.work(MIDDLE)
    assert (work.claims, work.runs, work.arrived) == ((claim,), {"job": ()}, {"job": ()})
    decided = store.claims.decide(claim, Decision.trigger(Cause.BACKFILL, 1), None, 15.0)
    assert decided is not None
    assert store.pushes.work(MIDDLE).spent == 1
    store.observe([seen(event("job", "9", push=MIDDLE, result="success"))], 16.0, dry=False)
    record = store.pushes.record(MIDDLE)
    assert record is not None
    (job,) = record.jobs
    assert [one.state for one in job.claims] == [ClaimState.OWED]
    assert record.unrun == ()


def test_what_proved_nothing_is_run_again(store: Store) -> None:
    """By its newest run; a failure of it is claimed as any other."""
    fill(store)
    store.observe([seen(event("job", "2", push=MIDDLE, result="cancelled"))], 11.0, dry=False)
    one, _ = begin(store)
    store.backfills.run_at(one.id, [MIDDLE.revision], "runs", 12.0, 13.0)
    record = store.pushes.record(MIDDLE)
    assert record is not None
    assert [claim.run.run_id for job in record.jobs for claim in job.claims] == ["2"]
    (outcome,) = store.observe([seen(failure("job", "4", push=MIDDLE))], 14.0, dry=False)
    assert outcome.claimed


def test_the_limit_and_unknown_pushes(store: Store) -> None:
    """No more pushes than it may, and none of which nothing is known."""
    fill(store)
    one, _ = store.backfills.begin(PLACE, "job", "", NEW.revision, 11.0, most=1)
    assert store.backfills.run_at(one.id, ["f" * 40], "runs", 12.0, 13.0) == ()
    assert store.backfills.run_at(one.id, [MIDDLE.revision, OLD.revision], "runs", 12.0, 13.0) == (MIDDLE.revision,)
    assert store.backfills.run_at("no such search", [OLD.revision], "runs", 12.0, 13.0) == ()


def test_it_ends_once_and_is_told(store: Store) -> None:
    """In the story of the job, at the push that it names; then another may begin."""
    fill(store)
    one, _ = begin(store)
    assert store.backfills.conclude(one.id, ENDED, "dev2", 20.0)
    assert not store.backfills.conclude(one.id, replace(ENDED, last="x"), "else", 21.0)
    assert store.backfills.take(1e9, 60.0) is None
    found = store.backfills.latest(PLACE, "job")
    assert found is not None
    assert (found.conclusion, found.words, found.ended) == (ENDED, f"first bad: {'c' * 12} by dev2", 20.0)
    notes = [one.text for one in store.pushes.timeline(NEW, "job") if one.what == "note"]
    assert notes == [f"who broke it: first bad: {'c' * 12} by dev2"]
    assert begin(store, 22.0)[1]


def test_old_ones_are_deleted(store: Store) -> None:
    """Those that go on stay."""
    fill(store)
    one, _ = begin(store)
    store.backfills.conclude(one.id, ENDED, None, 20.0)
    two, _ = begin(store, 21.0)
    store.purge(20.0)
    assert [found.id for found in store.backfills.of_branch(PLACE)] == [two.id, one.id]
    store.purge(30.0)
    assert [found.id for found in store.backfills.of_branch(PLACE)] == [two.id]
    assert store.backfills.latest(PLACE, "job") == two


def test_a_clock_that_was_set_back(store: Store) -> None:
    """What waits does not wait for as long."""
    fill(store)
    one, _ = begin(store)
    store.backfills.wait(one.id, "waits", 1000.0)
    store.set_back(500.0, 400.0)
    assert store.backfills.take(499.0, 60.0) is None
    assert store.backfills.take(500.0, 60.0) is not None


# -- the row ------------------------------------------------------------------------------------------------------


def test_a_row_is_in_push_order(store: Store) -> None:
    """Whatever order the pushes were heard of in; without forks; packed ones, too."""
    fill(store)
    late = push("d" * 40, branch="main")
    fork = push("e" * 40, branch="main")
    store.observe(
        [
            said(PushOptions(), late, time=1.5), seen(event("job", "7", push=late, state="running")),
            said(PushOptions(), fork, time=1.6, fork=True), seen(event("job", "8", push=fork, result="success")),
        ], 30.0, dry=False,
    )  # fmt: skip
    store.purge(0.0, 20.0)
    listed = store.backfills.row(PLACE, "job", 40.0)
    assert [(at.push.revision[0], at.cell) for at in listed] == [
        ("a", CellKind.PASSED), ("d", CellKind.PENDING), ("b", CellKind.NOT_RUN), ("c", CellKind.AWAITED),
    ]  # fmt: skip
    assert [at.author for at in listed] == ["dev0", None, "dev1", "dev2"]


def test_where_no_time_is_told_the_first_start_counts(store: Store) -> None:
    """Of any run of the push."""
    first, second = push("1" * 40, branch="main"), push("2" * 40, branch="main")
    store.observe([seen(event("job", "1", push=second, result="success", time=90.0))], 10.0, dry=False)
    store.observe([seen(event("else", "2", push=first, result="success", time=9.0, started=5.0))], 11.0, dry=False)
    listed = store.backfills.row(PLACE, "job", 20.0)
    assert [at.push for at in listed] == [first, second]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (["success", "failure"], CellKind.INTERMITTENT),
        (["infra"], CellKind.INFRA),
        (["cancelled"], CellKind.CANCELLED),
        (["skipped"], CellKind.SKIPPED),
        (["timed_out"], CellKind.UNPROVED),
    ],
)
def test_cells(store: Store, results: list[str], expected: CellKind) -> None:
    """By the verdict."""
    where = push("1" * 40, branch="main")
    for number, result in enumerate(results):
        # A passing rule: no claim waits.
        ended = event("job", str(number), push=where, result=result, time=1.0 + number)
        store.observe([replace(seen(ended), seen=replace(seen(ended).seen, failed=False))], 10.0, dry=False)
    (at,) = store.backfills.row(PLACE, "job", 20.0, PROVING)
    assert at.cell is expected


def test_jobs_of_one_name_that_may_be_mixed_prove_nothing(store: Store) -> None:
    """Nor do those of a fork's batch."""
    where = push("1" * 40, branch="main")
    store.observe(
        [
            said(PushOptions(), where, batches=(Batch("5", fork=True), Batch("6", fork=False))),
            seen(event("job", "1", push=where, result="success", batch="5", per_batch=True, time=5.0)),
        ], 10.0, dry=False,
    )  # fmt: skip
    assert [at.cell for at in store.backfills.row(PLACE, "job", 20.0)] == [CellKind.NOT_RUN]
    store.observe(
        [seen(event("job", "2", push=where, result="success", batch="6", per_batch=True, time=6.0))], 11.0, dry=False
    )
    assert [at.cell for at in store.backfills.row(PLACE, "job", 20.0)] == [CellKind.PASSED]
    other = Push("ci", "try", "main", "2" * 40)
    store.observe([seen(failure("job", "3", push=other, batch="7", per_batch=True, time=7.0))], 12.0, dry=False)
    assert [at.cell for at in store.backfills.row(PLACE, "job", 20.0)][-1] is CellKind.AWAITED


def test_a_workflow_that_ended_before_its_jobs_began_is_run_again(store: Store) -> None:
    """In place of the job, which is waited for until it comes to run."""
    fill(store)
    named = "CI / test"
    entry = event("CI", "w1", push=MIDDLE, result="cancelled", kind="workflow", batch="w1", per_batch=True, time=2.0)
    other = event("Docs", "w2", push=MIDDLE, result="cancelled", kind="workflow", batch="w2", per_batch=True, time=3.0)
    store.observe([seen(entry), seen(other)], 11.0, dry=False)
    one, _ = store.backfills.begin(PLACE, named, OLD.revision, NEW.revision, 12.0, most=3, by="ann")
    store.backfills.run_at(one.id, [MIDDLE.revision], "runs", 13.0, 14.0)
    found = store.backfills.latest(PLACE, named)
    assert found is not None
    row = store.backfills.row(PLACE, named, 15.0, PROVING, found.asked)
    (claim,) = row[1].claims
    assert (row[1].cell, claim.run.run_id, claim.origin) == (CellKind.PENDING, "w1", one.origin)
    store.claims.decide(claim, Decision.refuse(Refusal.OVER_BUDGET), None, 16.0)
    assert store.backfills.row(PLACE, named, 17.0, PROVING, found.asked)[1].cell is CellKind.NOT_RUN
    ran = event(named, "r1", push=MIDDLE, result="success", batch="w1", attempt=2, per_batch=True, time=9.0)
    store.observe([seen(ran)], 18.0, dry=False)
    assert store.backfills.row(PLACE, named, 19.0, PROVING, found.asked)[1].cell is CellKind.PASSED
