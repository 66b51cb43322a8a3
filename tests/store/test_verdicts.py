"""What is kept of verdicts and found by them: what every store promises, whichever backend keeps it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.fakes.store_items import own, said, seen
from tests.fakes.world import event, failure, push
from tests.store.judged import OTHER, PUSH, Reopen, hear, sighting, summary
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Push, RunKey
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.reports import flakiness
from triggerbot.store import FAILURE_RECORDS_MAX, Ran, Search, Store, Summary

DAY = 86_400.0

# -- what is kept of a push -------------------------------------------------------------------------------------


def test_how_a_push_was_judged_is_kept(store: Store, reopen: Reopen) -> None:
    """In place of how it was judged before."""
    hear(store, now=2.0)
    store.reports.judged(summary(health="running", failed=1, passed=2), [], [], 3.0)
    store.reports.judged(summary(sentence="漢字", failed=2, passed=4), [], [], 4.0)

    assert reopen().pushes.search(Search(), 10) == [
        Summary(PUSH, "failed", "漢字", None, "", None, 2.0, 4.0, {"failed": 2, "passed": 4}, to_look_at=3)
    ]


def test_sightings_are_kept_of_each_job_the_latest(store: Store, reopen: Reopen) -> None:
    """Newest first; those of jobs that are not among the new ones remain; projects are apart."""
    far = push(project="far")
    hear(store, "a", "b", "c")
    hear(store, "a", where=far)
    store.reports.judged(summary(), [sighting("a", 5.0), sighting("b", 7.0)], [], 8.0)
    store.reports.judged(summary(), [replace(sighting("a", 9.0), failed=3, shapes=()), sighting("c", 6.0)], [], 10.0)
    store.reports.judged(summary(far), [sighting("a", 8.0, far)], [], 10.0)
    again = reopen()

    assert again.reports.failure_records("try") == [
        replace(sighting("a", 9.0), failed=3, shapes=()), sighting("b", 7.0), sighting("c", 6.0),
    ]  # fmt: skip
    assert again.reports.failure_records("far") == [sighting("a", 8.0, far)]
    assert again.reports.failure_records("none") == []


def test_changes_are_told_in_the_story(store: Store) -> None:
    """Each with its job."""
    hear(store, "a", "b")
    store.reports.judged(summary(), [], [("a", "failed is now intermittent"), ("b", "pending is now passed")], 9.0)

    told = [(one.at, one.job, one.text) for one in store.pushes.timeline(PUSH) if one.what == "verdict"]

    assert told == [(9.0, "a", "failed is now intermittent"), (9.0, "b", "pending is now passed")]
    assert [one.what for one in store.pushes.timeline(PUSH, "a")] == ["verdict"]


def test_jobs_that_are_unknown_are_passed_over(store: Store) -> None:
    """They were forgotten while the push was judged."""
    hear(store, "a")
    store.reports.judged(summary(), [sighting("b")], [("b", "text")], 9.0)

    assert store.reports.failure_records("try") == []
    assert store.pushes.timeline(PUSH) == []
    assert [one.judged for one in store.pushes.search(Search(), 10)] == [9.0]


def test_a_push_that_is_gone_is_not_judged(store: Store) -> None:
    """Nor is anything kept of it."""
    hear(store, where=OTHER)
    store.reports.judged(summary(), [sighting()], [("job", "text")], 9.0)
    store.facts.set_metadata(PUSH, "name", "value")
    store.facts.add_failure_lines(PUSH, "job", RunKey("job-1", 1), ["a line"])
    store.reports.end(PUSH, 5.0)

    assert [one.push for one in store.pushes.search(Search(), 10)] == [OTHER]
    assert store.pushes.judged_since(0.0) == []
    assert store.reports.failure_records("try") == []
    assert store.facts.metadata(PUSH) == {}
    assert store.pushes.record(PUSH) is None


def test_what_is_kept_goes_with_its_push(store: Store) -> None:
    """Heard of again, it begins anew."""
    for where in (PUSH, OTHER):
        store.observe([seen(event(push=where))], 1.0 if where is PUSH else 50.0, dry=False)
        store.facts.put_off(where, None)
        store.reports.judged(summary(where), [sighting(where=where)], [("job", "text")], 9.0)
        store.facts.set_metadata(where, "name", "value")

    assert store.purge(20.0) == 1
    store.observe([seen(event())], 60.0, dry=False)

    assert store.facts.metadata(PUSH) == {}
    assert store.facts.metadata(OTHER) == {"name": "value"}
    assert store.pushes.timeline(PUSH) == []
    assert [one.push for one in store.reports.failure_records("try")] == [OTHER]
    assert [(one.push, one.judged) for one in store.pushes.search(Search(), 10)] == [(PUSH, 0.0), (OTHER, 9.0)]
    assert store.pushes.judged_since(0.0) == [(9.0, OTHER)]


def test_texts_are_kept_beside_a_push(store: Store, reopen: Reopen) -> None:
    """By name, the last one of each."""
    hear(store)
    hear(store, where=OTHER)
    store.facts.set_metadata(PUSH, "files", '["a.c"]')
    store.facts.set_metadata(PUSH, "check \x1f 漢字", "1")
    store.facts.set_metadata(PUSH, "files", "")
    store.facts.set_metadata(OTHER, "files", "other")

    assert reopen().facts.metadata(PUSH) == {"files": "", "check \x1f 漢字": "1"}


def test_failures_that_were_asked_for_are_added_to_their_run(store: Store) -> None:
    """What it said before stays, and nothing is added twice; unknown runs are passed over."""
    store.observe([seen(failure(failures=("first",))), seen(failure(run_id="2"))], 1.0, dry=False)
    for _ in range(2):
        store.facts.add_failure_lines(PUSH, "job", RunKey("1", 1), ["second", "first", "漢字"])
    store.facts.add_failure_lines(PUSH, "job", RunKey("2", 1), ["only"])
    store.facts.add_failure_lines(PUSH, "job", RunKey("2", 2), ["unknown"])
    store.facts.add_failure_lines(PUSH, "unknown", RunKey("2", 1), ["unknown"])

    record = store.pushes.record(PUSH)

    assert record is not None
    assert [run.failures for job in record.jobs for run in job.runs] == [("first", "second", "漢字"), ("only",)]


def test_when_a_run_began_is_kept(store: Store, reopen: Reopen) -> None:
    """What is said later holds, where it says something."""
    store.observe([seen(event(state="running", started=5.0)), seen(failure(time=9.0))], 1.0, dry=False)
    store.observe([seen(event("b", state="running", started=5.0)), seen(failure("b", started=6.0))], 1.0, dry=False)
    store.observe([seen(event("c")), seen(event("c", result="success"))], 1.0, dry=False)
    store.observe([seen(failure(started=7.0))], 1.0, dry=False)
    again = reopen()

    record = again.pushes.record(PUSH)

    assert record is not None
    assert {job.job: [run.started for run in job.runs] for job in record.jobs} == {
        "job": [5.0],
        "b": [6.0],
        "c": [None],
    }
    assert own(again).run.started == 5.0
    assert own(again).run.seconds == 4.0
    assert [run.started for run in again.pushes.work(PUSH).runs["b"]] == [6.0]


# -- many pushes ------------------------------------------------------------------------------------------------


def test_of_a_project_the_newest_sightings_are_kept(store: Store) -> None:
    """However they come."""
    jobs = [f"job-{number}" for number in range(FAILURE_RECORDS_MAX + 20)]
    for first in range(0, len(jobs), 1000):
        store.observe([seen(event(job, "1")) for job in jobs[first : first + 1000]], 1.0, dry=False)
    found = [sighting(job, float(number)) for number, job in enumerate(jobs)]
    store.reports.judged(summary(), found[15:], [], 1.0)
    store.reports.judged(summary(), found[:15], [], 2.0)

    assert store.reports.failure_records("try") == found[: -FAILURE_RECORDS_MAX - 1 : -1]


def test_the_pushes_are_counted_at_which_a_job_passed_or_failed(store: Store) -> None:
    """Runs that prove nothing (`infra`, `timed_out`) count for nothing, nor do other projects; a push counts once."""
    pushes = [push(f"{number}bcdef0") for number in range(4)]
    ends = {"a": ["success", "failure", "infra", "timed_out"], "b": ["cancelled", "skipped", "unknown", "busted"]}
    for job, results in ends.items():
        for where, result in zip(pushes, results, strict=True):
            store.observe([seen(event(job, run, result=result, push=where)) for run in ("1", "2")], 1.0, dry=False)
    store.observe([seen(event("a", result="success", push=push(project="far")))], 1.0, dry=False)
    store.observe([seen(event("c", state="running"))], 1.0, dry=False)

    assert store.reports.ran("try", ["a", "b", "c", "unknown"]) == Ran({"a": 2, "b": 1, "c": 0, "unknown": 0})
    assert store.reports.ran("far", ["a"]) == Ran({"a": 1})
    assert store.reports.ran("try", []) == Ran({})


def test_pushes_are_counted_that_came_since_then(store: Store) -> None:
    """Whole days of them, and the newest day in any case: the answer says since when."""
    for day in (1, 2, 3):
        store.observe([seen(failure(push=push(f"{day}bcdef0")))], day * DAY + 5, dry=False)

    assert [store.reports.ran("try", ["job"], since * DAY) for since in (1.0, 1.5, 2.0, 3.5)] == [
        Ran({"job": 3}, DAY), Ran({"job": 2}, 2 * DAY), Ran({"job": 2}, 2 * DAY), Ran({"job": 1}, 3.5 * DAY),
    ]  # fmt: skip


def test_a_job_is_counted_while_a_run_of_it_proves_something(store: Store) -> None:
    """Once for each push, whatever its further runs do; not after the push was deleted."""
    store.observe([seen(event("job", state="running"), asks=PushOptions())], 1.0, dry=False)
    assert store.reports.ran("try", ["job"]).at == {"job": 0}
    store.observe([seen(event("job", result="success")), seen(event("job", "2", result="success"))], 2.0, dry=False)
    store.observe([seen(event("job", "3", result="failure"), refusal=Refusal.JOB_EXCLUDED)], 3.0, dry=False)
    assert store.reports.ran("try", ["job"]).at == {"job": 1}
    store.purge(-1.0, 100.0)
    store.observe([seen(event("job", "4", result="success")), seen(event("new", result="success"))], 4.0, dry=False)
    assert store.reports.ran("try", ["job", "new"]).at == {"job": 1, "new": 1}

    store.purge(2 * DAY)
    store.observe([seen(event("new", result="success"))], 3 * DAY, dry=False)
    store.purge(2 * DAY)

    assert store.reports.ran("try", ["job", "new"], DAY) == Ran({"job": 0, "new": 1}, 3 * DAY)


def test_a_share_is_one_of_the_same_pushes(store: Store) -> None:
    """In a project with very many failures those of older pushes are forgotten, and so is that the jobs ran there."""
    pushes = [push(f"{number}bcdef0") for number in range(6)]
    for number, where in enumerate(pushes):
        store.observe([seen(event("job", "1", result="success", push=where))], number * DAY, dry=False)
    store.reports.judged(summary(pushes[0]), [sighting(at=0.0, where=pushes[0])], [], 0.0)
    store.reports.judged(summary(pushes[5]), [sighting(at=5 * DAY, where=pushes[5])], [], 5 * DAY)
    (rate,) = flakiness.everywhere(store, 10)
    assert (rate.intermittent, rate.ran) == (2, 6)

    jobs = [f"job-{number}" for number in range(FAILURE_RECORDS_MAX - 1)]
    for first in range(0, len(jobs), 1000):
        some = jobs[first : first + 1000]
        store.observe([seen(event(job, "1", push=pushes[3])) for job in some], 3 * DAY, dry=False)
    many = [replace(sighting(job, 3 * DAY, pushes[3]), passed=0) for job in jobs]
    store.reports.judged(summary(pushes[3]), many, [], 3 * DAY)

    (rate,) = flakiness.everywhere(store, 10)
    assert (rate.intermittent, rate.ran) == (1, 3)


def test_pushes_are_listed_the_one_heard_of_last_first(store: Store) -> None:
    """With what is known of them, whether they were judged or not."""
    store.observe([said(PushOptions(), message="a title\n\nand more", author="ann", time=7.0)], 100.0, dry=False)
    store.observe([said(PushOptions(), OTHER, message="x" * 300 + "\nmore")], 300.0, dry=False)
    third = push("1234567", project="third")
    hear(store, where=third, now=200.0)
    store.reports.judged(summary(failed=1), [], [], 400.0)
    expected = [
        Summary(OTHER, "", "", None, "x" * 200, None, 300.0, 0.0),
        Summary(third, "", "", None, "", None, 200.0, 0.0),
        Summary(
            PUSH,
            "failed",
            "1 job failed",
            "ann",
            "a title",
            7.0,
            100.0,
            400.0,
            {"failed": 1},
            pushed_at=7.0,
            to_look_at=3,
        ),
    ]

    assert store.pushes.search(Search(), 10) == expected
    assert store.pushes.search(Search(), 2) == expected[:2]
    assert store.pushes.search(Search(health="FAILED"), 2) == expected[2:]
    assert store.pushes.search(Search(health="good"), 2) == []


BOB = push("abc1230", project="Mozilla", branch="Try")
EVE = push("def4560", project="mozilla-x", branch="autoland")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Search(), [EVE, BOB]),
        (Search(project="mozilla"), [BOB]),
        (Search(project="moz"), []),
        (Search(branch="TRY"), [BOB]),
        (Search(branch="tr"), []),
        (Search(author="O"), [BOB]),
        (Search(author="bob", branch="autoland"), []),
        (Search(author="%"), []),
        (Search(text="FIX"), [BOB]),
        (Search(text="later line"), [BOB]),
        (Search(text="eve@"), [EVE]),
        (Search(text="autoLAND"), [EVE]),
        (Search(text="mozilla"), [EVE, BOB]),
        (Search(text="ABC12"), [BOB]),
        (Search(text="bc12"), []),
        (Search(text="100%"), [BOB]),
        (Search(text="50%"), []),
        (Search(text="0%_*"), [BOB]),
        (Search(text="_"), [BOB]),
        (Search(text="f*x"), []),
        (Search(text="\\"), [EVE]),
        (Search(text="漢"), [EVE]),
        (Search(text="'; --"), []),
        (Search(text="x" * 100_000), []),
        (Search("MOZILLA-X", "AutoLand", "Eve", "backslash"), [EVE]),
    ],
)
def test_pushes_are_found_by_what_is_known_of_them(store: Store, wanted: Search, found: Sequence[Push]) -> None:
    """Upper and lower case are the same, and no character is special."""
    store.observe(
        [
            said(PushOptions(), BOB, message="Fix it: 100%_*\n\na Later line", author="Bob"),
            said(PushOptions(), EVE, message="Backslash \\ 漢字", author="eve@example"),
        ],
        1.0, dry=False,
    )  # fmt: skip
    store.observe([seen(event(push=EVE))], 100.0, dry=False)

    assert [one.push for one in store.pushes.search(wanted, 10)] == list(found)


def test_pages_hear_which_pushes_were_judged_after_a_time(store: Store) -> None:
    """The oldest first, each with when it was judged last."""
    pushes = [push(f"{number}bcdef0") for number in range(4)]
    for where in pushes:
        hear(store, where=where)
    for now, number in ((10.0, 0), (11.0, 1), (12.0, 2), (13.0, 0)):
        store.reports.judged(summary(pushes[number]), [], [], now)

    assert store.pushes.judged_since(0.0) == [(11.0, pushes[1]), (12.0, pushes[2]), (13.0, pushes[0])]
    assert store.pushes.judged_since(11.0) == [(12.0, pushes[2]), (13.0, pushes[0])]
    assert store.pushes.judged_since(0.0, 1) == [(11.0, pushes[1])]
    assert store.pushes.judged_since(13.0) == []


def test_projects_are_listed_in_order(store: Store) -> None:
    """Each once."""
    assert store.pushes.projects() == []
    for project, branch in (("b", "x"), ("a", "x"), ("b", "y"), ("é", "x")):
        hear(store, where=push(project=project, branch=branch))

    assert store.pushes.projects() == ["a", "b", "é"]
