"""What every store promises of whose run it is: jobs of one batch alone, their names, and what was told of batches."""

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.store_items import said, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.model import Batch, Event, PushFacts, RunKey
from triggerbot.store import FailureRecord, JobRecord, Notice, Store, Summary

PUSH = push("abcdef1", project="octo/app", branch="main", system="gh")


def ran(run_id: str, batch: str, job: str = "CI / test", **more: Any) -> Event:
    """A run that failed, unless told otherwise, of a job of one batch."""
    settings: dict[str, Any] = {"result": "failure", "push": PUSH, "batch": batch, "per_batch": True}
    return event(job, run_id, **(settings | more))


def tell(store: Store, *batches: Batch, at: float = 2.0) -> None:
    """Tell of batches."""
    store.observe([said(None, PUSH, batches=batches)], at, dry=False)


def hear(store: Store, *events: Event, at: float = 1.0) -> list[bool]:
    """Hear of runs; says for each whether it was claimed."""
    return [one.claimed for one in store.observe([seen(one) for one in events], at, dry=False)]


def jobs(store: Store) -> dict[str, JobRecord]:
    """Read the jobs of the push, by what people call them."""
    record = store.pushes.record(PUSH)
    assert record is not None
    return {job.job: job for job in record.jobs}


def runs(store: Store) -> dict[str, list[str]]:
    """Read the ids of each job's runs."""
    return {name: [run.run_id for run in job.runs] for name, job in jobs(store).items()}


@pytest.mark.parametrize("told_first", [True, False])
def test_batches_are_told_apart(store: Store, told_first: bool) -> None:
    """Each has its job and its claim, whenever it is told what it is; until then no event is made up."""
    if told_first:
        tell(store, Batch("7", "push"), Batch("8", "pull_request"))
    assert hear(store, ran("1", "7"), ran("2", "8")) == [True, True]
    if not told_first:
        assert runs(store) == {"CI / test": ["2"], "CI / test, workflow run 7": ["1"]}
        tell(store, Batch("8", "pull_request"), Batch("7", "push"))
    assert hear(store, ran("3", "7", attempt=2, result="success")) == [False]
    assert runs(store) == {"CI / test (push)": ["1", "3"], "CI / test (pull_request)": ["2"]}
    assert {run.event for run in jobs(store)["CI / test (push)"].runs} == {"push"}
    assert [one.name for one in jobs(store).values()] == ["CI / test", "CI / test"]


def test_what_was_told_of_a_batch_stays(store: Store) -> None:
    """What a later message leaves out keeps its value; what it corrects is corrected."""
    hear(store, ran("1", "7"))
    tell(store, Batch("7", "push", None, fork=True), Batch("x\x1fy", "a\x1eb", "c\x1fd"))
    tell(store, Batch("7", None, "ci.yml"))
    tell(store, Batch("7", fork=False))
    assert store.pushes.work(PUSH).told == {
        "7": Batch("7", "push", "ci.yml", fork=False),
        "x\x1fy": Batch("x\x1fy", "a\x1eb", "c\x1fd"),
    }


@pytest.mark.parametrize("first", [True, False])
def test_the_author_is_not_that_of_a_fork(store: Store, first: bool) -> None:
    """Whoever is told of first: a fork's author stands in only where the project itself ran nothing."""
    own = PushFacts(PUSH, author="me", fork=False, batches=(Batch("7", "push", fork=False),))
    theirs = PushFacts(PUSH, author="stranger", fork=True, batches=(Batch("8", "pull_request", fork=True),))
    again = replace(own, author="somebody", batches=(Batch("9", "schedule", fork=False),))
    store.observe([Notice(theirs, None)], 2.0, dry=False)
    assert store.pushes.work(PUSH).facts.author == "stranger"
    for facts in (own, again, theirs) if first else (replace(own, author=None), again, theirs):
        store.observe([Notice(facts, None)], 3.0, dry=False)
    assert store.pushes.work(PUSH).facts.author == ("me" if first else "stranger")


def test_news_of_a_batch_is_judged(store: Store) -> None:
    """Names and what counts may change by it; the same again is no news."""
    hear(store, ran("1", "7"))
    for at, batch, due in (
        (10.0, Batch("7", "push"), True), (30.0, Batch("7", "push"), False), (50.0, Batch("7", fork=True), True),
    ):  # fmt: skip
        while store.reports.take(at, 5.0):
            store.reports.end(PUSH, None)
        tell(store, batch, at=at)
        assert (store.reports.take(at + 5, 5.0) == PUSH) is due


def test_two_of_one_name_in_one_attempt_are_two_jobs(store: Store) -> None:
    """In whatever order they come, and however often; a further run goes to one that failed."""
    tell(store, Batch("7", "push"))
    twins = [ran("1", "7", result="success"), ran("2", "7"), ran("3", "7")]
    assert hear(store, *twins, *twins) == [False, True, True, False, False, False]
    assert runs(store) == {"CI / test (push)": ["1"], "CI / test (push) #2": ["2"], "CI / test (push) #3": ["3"]}
    hear(store, ran("5", "7", attempt=2, result="success"), ran("6", "7", attempt=2, result="success"))
    assert [len(own) for own in runs(store).values()] == [1, 2, 2]
    assert [one.mixed for one in jobs(store).values()] == [False, True, True]
    hear(store, ran("7", "7", attempt=2, result="success"))
    assert [one.mixed for one in jobs(store).values()] == [False, False, False], "each passed in the second attempt"


def test_what_a_run_repeats_may_be_told_later(store: Store) -> None:
    """At first it goes to one that failed; once it is known to repeat that one, nothing is mixed."""
    tell(store, Batch("7", "push"))
    hear(store, ran("1", "7", result="success"), ran("2", "7"))
    again = ran("4", "7", attempt=2, result="success")
    hear(store, again, again)
    assert [one.mixed for one in jobs(store).values()] == [False, True]
    told = replace(again, retrigger_of="2")
    hear(store, told, told, again)
    assert [one.mixed for one in jobs(store).values()] == [False, False]
    hear(store, ran("6", "7", attempt=3, result="success", retrigger_of="1"))
    assert runs(store) == {"CI / test (push)": ["1", "6"], "CI / test (push) #2": ["2", "4"]}


def test_a_job_is_named_as_people_call_it(store: Store) -> None:
    """Asking for it, its story, and lines that are added to its runs."""
    tell(store, Batch("7", "push"), Batch("8", "pull_request"))
    hear(store, ran("1", "7"), ran("2", "8"))
    name = "CI / test (pull_request)"
    claim = store.claims.ask(PUSH, name, 2, "me", dry=False, now=5.0)
    assert claim is not None
    assert (claim.job, claim.run.run_id) == (jobs(store)[name].key, "2")
    assert store.claims.ask(PUSH, jobs(store)[name].key, 2, "me", dry=False, now=5.0) == claim
    store.facts.add_failure_lines(PUSH, name, RunKey("2", 1), ["boom"])
    assert jobs(store)[name].runs[0].failures == ("boom",)
    store.claims.finish(claim, "enough", 6.0)
    hear(store, ran("4", "8", attempt=2))
    assert [one.what for one in store.pushes.timeline(PUSH, name)] == ["ended"]
    assert {one.job for one in store.pushes.timeline(PUSH, jobs(store)[name].key)} == {name}
    assert {one.job for one in store.pushes.timeline(PUSH)} == {name}


def test_history_goes_by_the_name_without_more(store: Store) -> None:
    """Of failures, and of how often a job ran."""
    tell(store, Batch("7", "push"), Batch("8", "pull_request"))
    hear(store, ran("1", "7"), ran("2", "8"), ran("3", "8", "CI / tests"))
    keys = [job.key for job in jobs(store).values()]
    records = [FailureRecord(PUSH, key, 3.0, 1, 1) for key in keys]
    store.reports.judged(Summary(PUSH, "good", "", None, "", None, 3.0, 3.0), records, [(keys[0], "intermittent")], 3.0)
    assert sorted(one.job for one in store.reports.failure_records("octo/app")) == [
        "CI / test",
        "CI / test",
        "CI / tests",
    ]
    assert store.reports.ran("octo/app", ["CI / test", "CI / tests", "CI"]).at == {
        "CI / test": 1,
        "CI / tests": 1,
        "CI": 0,
    }
    assert [one.job for one in store.pushes.timeline(PUSH) if one.what == "verdict"] == ["CI / test (pull_request)"]


def test_what_an_earlier_version_kept_stays_where_it_is(store: Store) -> None:
    """Of a batch that it kept by its name alone nothing is claimed again; another batch of the push is told apart."""
    old = ran("1", "7", per_batch=False)
    assert hear(store, old) == [True]
    tell(store, Batch("7", "push"), Batch("8", "pull_request"))
    assert hear(store, ran("1", "7"), ran("2", "7", attempt=2), ran("3", "8")) == [False, False, True]
    assert runs(store) == {"CI / test": ["1", "2"], "CI / test (pull_request)": ["3"]}
    assert {claim.job for claim in store.pushes.work(PUSH).claims} == {job.key for job in jobs(store).values()}


def test_others_are_as_before(store: Store) -> None:
    """Where a CI has batches that share their jobs, the batch does not matter."""
    hear(store, failure("job", "1", push=PUSH, batch="7"), failure("job", "2", push=PUSH, batch="8"))
    assert runs(store) == {"job": ["1", "2"]}
