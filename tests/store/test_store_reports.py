"""Pushes to be judged and reported, and what is kept of that: what every store promises, whichever backend keeps it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from fakes.items import FAILURE, operation, own, said, seen
from fakes.world import event, failure, push

from triggerbot.core.model import Claim, Decision, Push, Refusal, RunKey
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.reports import flakiness
from triggerbot.store import FAILURE_RECORDS_MAX, REPORT_DELAY, FailureRecord, Pause, Ran, Search, Store, Summary

PUSH = push()
OTHER = push("fedcba9", branch="other")
Reopen = Callable[[], Store]


def hear(store: Store, *jobs: str, where: Push = PUSH, now: float = 0.0) -> None:
    """Let jobs of a push fail."""
    store.observe([seen(failure(job, f"{job}-1", push=where)) for job in jobs or ("job",)], now, dry=False)


def settle(store: Store) -> None:
    """Report all that is due, so that only what comes now makes anything due."""
    while (where := store.take_report(1e6, 1.0)) is not None:
        store.end_report(where, None)


def due(store: Store, now: float = 1e6) -> bool:
    """Tell whether any push is due for a report."""
    return store.take_report(now, 1.0) is not None


def summary(where: Push = PUSH, health: str = "failed", sentence: str = "1 job failed", **counts: int) -> Summary:
    """How a push was judged."""
    return Summary(where, health, sentence, None, "", None, 0.0, 0.0, counts)


def sighting(job: str = "job", at: float = 5.0, where: Push = PUSH) -> FailureRecord:
    """A job that failed."""
    return FailureRecord(where, job, at, 2, 1, ("a line", "漢字"), ("warning",))


# -- what is due for a report -----------------------------------------------------------------------------------


def test_news_makes_a_push_due_for_a_report_a_little_later(store: Store) -> None:
    """What comes within that time is reported with it, and does not put it off."""
    hear(store, "a", now=10.0)
    hear(store, "b", now=10.9)

    assert store.take_report(10.0 + REPORT_DELAY / 2, 60.0) is None
    assert store.take_report(10.0 + REPORT_DELAY, 60.0) == PUSH
    assert store.take_report(11.9, 60.0) is None


def test_nothing_is_due_in_an_empty_store(store: Store) -> None:
    """Nor where only leads and wishes are known."""
    assert store.take_report(1e9, 60.0) is None


def test_what_has_been_due_longest_is_taken_first(store: Store) -> None:
    """Each push once."""
    pushes = [push(f"{number}bcdef0") for number in range(4)]
    for now, where in zip((12.0, 10.0, 13.0, 11.0), pushes, strict=True):
        hear(store, where=where, now=now)

    taken = [store.take_report(20.0, 60.0) for _ in range(5)]

    assert taken == [pushes[1], pushes[3], pushes[0], pushes[2], None]


def test_a_report_is_made_by_one_at_a_time(store: Store) -> None:
    """News that comes meanwhile waits for its end, and is not lost."""
    hear(store, "a", now=10.0)
    assert store.take_report(11.0, 60.0) == PUSH

    hear(store, "b", now=12.0)
    assert store.take_report(70.9, 60.0) is None
    store.end_report(PUSH, None)

    assert store.take_report(20.0, 60.0) == PUSH
    store.end_report(PUSH, None)
    assert not due(store)


def test_a_report_that_nobody_ends_is_taken_by_another_once_its_time_is_over(store: Store, reopen: Reopen) -> None:
    """Also after a restart."""
    hear(store, now=10.0)
    assert store.take_report(11.0, 60.0) == PUSH
    again = reopen()

    assert again.take_report(70.9, 60.0) is None
    hear(again, where=OTHER, now=80.0)
    assert again.take_report(90.0, 60.0) == PUSH
    assert again.take_report(90.0, 60.0) == OTHER
    assert again.take_report(100.0, 60.0) is None
    again.end_report(PUSH, None)
    again.end_report(OTHER, None)
    assert not due(again)


def test_a_report_that_failed_is_tried_again_when_it_says_so(store: Store) -> None:
    """And with news, of which others have to be told."""
    hear(store, "a", now=10.0)
    store.take_report(11.0, 60.0)
    store.end_report(PUSH, 100.0)
    assert store.take_report(99.0, 60.0) is None
    assert store.take_report(100.0, 60.0) == PUSH
    store.end_report(PUSH, 200.0)
    hear(store, "b", now=110.0)

    assert store.take_report(110.0 + REPORT_DELAY / 2, 60.0) is None
    assert store.take_report(110.0 + REPORT_DELAY, 60.0) == PUSH


def test_news_during_a_report_that_fails_makes_it_due_sooner(store: Store) -> None:
    """Of the two times the sooner holds."""
    hear(store, "a", now=10.0)
    store.take_report(11.0, 60.0)
    hear(store, "b", now=12.0)
    store.end_report(PUSH, 100.0)

    assert store.take_report(12.9, 60.0) is None
    assert store.take_report(13.0, 60.0) == PUSH
    hear(store, "c", now=50.0)
    store.end_report(PUSH, 20.0)
    assert store.take_report(20.0, 60.0) == PUSH


def test_a_push_can_be_made_due(store: Store) -> None:
    """As by news: whoever is reporting it meanwhile is left to it, and an unknown push is passed over."""
    hear(store, now=10.0)
    assert store.take_report(11.0, 60.0) == PUSH

    store.report_soon(PUSH, 12.0)
    store.report_soon(OTHER, 12.0)

    assert store.take_report(20.0, 60.0) is None
    store.end_report(PUSH, None)
    assert store.take_report(12.0 + REPORT_DELAY / 2, 60.0) is None
    assert store.take_report(12.0 + REPORT_DELAY, 60.0) == PUSH


def test_reports_and_the_dispatcher_do_not_touch_each_other(store: Store) -> None:
    """Nor does a pause stop reports, for they send nothing to a CI."""
    hear(store, now=10.0)
    claim = own(store)
    assert store.next_due() == 10.0
    assert store.lease(10.0, "dispatcher", 60.0) == PUSH

    assert store.take_report(11.0, 60.0) == PUSH
    store.end_report(PUSH, 15.0)
    store.release(PUSH, "dispatcher")
    store.pause(Pause(13.0, "me"))
    assert store.take_report(15.0, 60.0) == PUSH

    store.pause(None)
    assert store.next_due() == 10.0
    assert own(store) == claim


def test_a_forgotten_push_is_no_longer_due(store: Store) -> None:
    """Being due for a report, or being reported, keeps no push."""
    store.observe([seen(event(push=PUSH)), seen(event(push=OTHER))], 10.0, dry=False)
    store.put_off_facts(PUSH, None)
    store.put_off_facts(OTHER, None)
    taken = store.take_report(11.0, 60.0)

    assert store.purge(20.0) == 2
    assert taken is not None
    store.end_report(taken, 30.0)
    assert not due(store)


def owed(store: Store) -> Claim:
    """Have a claim that was decided, at a push of which nothing is due."""
    hear(store)
    store.decide(own(store), FAILURE, None, 1.0)
    store.wait(own(store), 50.0, "a note", 2.0)
    settle(store)
    return own(store)


def begun(store: Store) -> Claim:
    """Have a request under way, at a push of which nothing is due."""
    claim = owed(store)
    store.begin(operation(claim), PUSH, "", 3.0)
    settle(store)
    return own(store)


GONE = Decision.refuse(Refusal.REFUSED_BY_CI, "gone")
#: What is done, after what, that changes a push.
CHANGES: dict[str, tuple[Callable[[Store], Claim], Callable[[Store, Claim], object]]] = {
    "a new run": (owed, lambda store, _: store.observe([seen(event("new"))], 9.0, dry=False)),
    "a run goes on": (
        lambda store: (store.observe([seen(event("b", "2"))], 1.0, dry=False), owed(store))[1],
        lambda store, _: store.observe([seen(event("b", "2", state="running"))], 9.0, dry=False),
    ),
    "its author": (owed, lambda store, _: store.observe([said(author="a")], 9.0, dry=False)),
    "its time": (owed, lambda store, _: store.observe([said(time=0.0)], 9.0, dry=False)),
    "that it is a fork's": (owed, lambda store, _: store.observe([said(fork=True)], 9.0, dry=False)),
    "its message": (owed, lambda store, _: store.observe([said(PushOptions(), message="m")], 9.0, dry=False)),
    "a wish": (owed, lambda store, _: store.ask(PUSH, "job", 2, "me", dry=False, now=9.0)),
    "a wait": (owed, lambda store, claim: store.wait(claim, 90.0, "another note", 9.0)),
    "a hold": (owed, lambda store, claim: store.hold(claim, "cap", 90.0, "another note", 9.0)),
    "an end": (owed, lambda store, claim: store.finish(claim, "enough", 9.0)),
    "a request": (owed, lambda store, claim: store.begin(operation(claim), PUSH, "", 9.0)),
    "an answer": (begun, lambda store, claim: store.accepted(operation(claim), "yes", 9.0)),
    "a refusal": (begun, lambda store, claim: store.refused(operation(claim), GONE, 9.0)),
    "a delay": (begun, lambda store, claim: store.postponed(operation(claim), 90.0, "busy", 9.0)),
    "a doubt": (begun, lambda store, claim: store.doubted(operation(claim), 90.0, "no answer", 9.0)),
    "a repetition": (begun, lambda store, claim: store.resend(operation(claim), "again", 9.0)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_a_push_makes_it_due(store: Store, what: str) -> None:
    """Runs, facts, and all that its story tells."""
    before, change = CHANGES[what]
    claim = before(store)
    assert not due(store)

    change(store, claim)

    assert store.take_report(9.0 + REPORT_DELAY / 2, 60.0) is None
    assert store.take_report(9.0 + REPORT_DELAY, 60.0) == PUSH


def test_a_decision_makes_a_push_due(store: Store) -> None:
    """Whether it is to retrigger or not, or to drop the claim, which says nothing in the story."""
    hear(store, "a", "b", "c")
    settle(store)
    for job, decision in {"a": FAILURE, "b": Decision.refuse(Refusal.HIDDEN), "c": None}.items():
        store.decide(own(store, job), decision, None, 9.0)

        assert store.take_report(10.0, 60.0) == PUSH
        store.end_report(PUSH, None)


def test_what_is_no_news_makes_nothing_due(store: Store) -> None:
    """The same again, and what only triggerbot itself keeps."""
    store.observe([said(PushOptions(), message="m", author="a", time=1.0, fork=True)], 1.0, dry=False)
    claim = owed(store)

    hear(store, now=9.0)
    store.observe([seen(event("job", "job-1", state="running"))], 9.0, dry=False)
    store.observe([said(PushOptions(), message="other", author="b", time=2.0, fork=True)], 9.0, dry=False)
    store.observe([said(settled=True)], 9.0, dry=False)
    store.wait(claim, 90.0, "a note", 9.0)
    store.put_off_facts(PUSH, None)
    store.judged(summary(), [sighting()], [("job", "changed")], 9.0)
    store.set_metadata(PUSH, "name", "value")
    store.add_failure_lines(PUSH, "job", RunKey("job-1", 1), ["a line"])

    assert not due(store)


# -- what is kept of a push -------------------------------------------------------------------------------------


def test_how_a_push_was_judged_is_kept(store: Store, reopen: Reopen) -> None:
    """In place of how it was judged before."""
    hear(store, now=2.0)
    store.judged(summary(health="running", failed=1, passed=2), [], [], 3.0)
    store.judged(summary(sentence="漢字", failed=2, passed=4), [], [], 4.0)

    assert reopen().search(Search(), 10) == [
        Summary(PUSH, "failed", "漢字", None, "", None, 2.0, 4.0, {"failed": 2, "passed": 4})
    ]


def test_sightings_are_kept_of_each_job_the_latest(store: Store, reopen: Reopen) -> None:
    """Newest first; those of jobs that are not among the new ones remain; projects are apart."""
    far = push(project="far")
    hear(store, "a", "b", "c")
    hear(store, "a", where=far)
    store.judged(summary(), [sighting("a", 5.0), sighting("b", 7.0)], [], 8.0)
    store.judged(summary(), [replace(sighting("a", 9.0), failed=3, shapes=()), sighting("c", 6.0)], [], 10.0)
    store.judged(summary(far), [sighting("a", 8.0, far)], [], 10.0)
    again = reopen()

    assert again.failure_records("try") == [
        replace(sighting("a", 9.0), failed=3, shapes=()), sighting("b", 7.0), sighting("c", 6.0),
    ]  # fmt: skip
    assert again.failure_records("far") == [sighting("a", 8.0, far)]
    assert again.failure_records("none") == []


def test_changes_are_told_in_the_story(store: Store) -> None:
    """Each with its job."""
    hear(store, "a", "b")
    store.judged(summary(), [], [("a", "failed is now intermittent"), ("b", "pending is now passed")], 9.0)

    told = [(one.at, one.job, one.text) for one in store.timeline(PUSH) if one.what == "verdict"]

    assert told == [(9.0, "a", "failed is now intermittent"), (9.0, "b", "pending is now passed")]
    assert [one.what for one in store.timeline(PUSH, "a")] == ["verdict"]


def test_jobs_that_are_unknown_are_passed_over(store: Store) -> None:
    """They were forgotten while the push was judged."""
    hear(store, "a")
    store.judged(summary(), [sighting("b")], [("b", "text")], 9.0)

    assert store.failure_records("try") == []
    assert store.timeline(PUSH) == []
    assert [one.judged for one in store.search(Search(), 10)] == [9.0]


def test_a_push_that_is_gone_is_not_judged(store: Store) -> None:
    """Nor is anything kept of it."""
    hear(store, where=OTHER)
    store.judged(summary(), [sighting()], [("job", "text")], 9.0)
    store.set_metadata(PUSH, "name", "value")
    store.add_failure_lines(PUSH, "job", RunKey("job-1", 1), ["a line"])
    store.end_report(PUSH, 5.0)

    assert [one.push for one in store.search(Search(), 10)] == [OTHER]
    assert store.judged_since(0.0) == []
    assert store.failure_records("try") == []
    assert store.metadata(PUSH) == {}
    assert store.record(PUSH) is None


def test_what_is_kept_goes_with_its_push(store: Store) -> None:
    """Heard of again, it begins anew."""
    for where in (PUSH, OTHER):
        store.observe([seen(event(push=where))], 1.0 if where is PUSH else 50.0, dry=False)
        store.put_off_facts(where, None)
        store.judged(summary(where), [sighting(where=where)], [("job", "text")], 9.0)
        store.set_metadata(where, "name", "value")

    assert store.purge(20.0) == 1
    store.observe([seen(event())], 60.0, dry=False)

    assert store.metadata(PUSH) == {}
    assert store.metadata(OTHER) == {"name": "value"}
    assert store.timeline(PUSH) == []
    assert [one.push for one in store.failure_records("try")] == [OTHER]
    assert [(one.push, one.judged) for one in store.search(Search(), 10)] == [(PUSH, 0.0), (OTHER, 9.0)]
    assert store.judged_since(0.0) == [(9.0, OTHER)]


def test_texts_are_kept_beside_a_push(store: Store, reopen: Reopen) -> None:
    """By name, the last one of each."""
    hear(store)
    hear(store, where=OTHER)
    store.set_metadata(PUSH, "files", '["a.c"]')
    store.set_metadata(PUSH, "check \x1f 漢字", "1")
    store.set_metadata(PUSH, "files", "")
    store.set_metadata(OTHER, "files", "other")

    assert reopen().metadata(PUSH) == {"files": "", "check \x1f 漢字": "1"}


def test_failures_that_were_asked_for_are_added_to_their_run(store: Store) -> None:
    """What it said before stays, and nothing is added twice; unknown runs are passed over."""
    store.observe([seen(failure(failures=("first",))), seen(failure(run_id="2"))], 1.0, dry=False)
    for _ in range(2):
        store.add_failure_lines(PUSH, "job", RunKey("1", 1), ["second", "first", "漢字"])
    store.add_failure_lines(PUSH, "job", RunKey("2", 1), ["only"])
    store.add_failure_lines(PUSH, "job", RunKey("2", 2), ["unknown"])
    store.add_failure_lines(PUSH, "unknown", RunKey("2", 1), ["unknown"])

    record = store.record(PUSH)

    assert record is not None
    assert [run.failures for job in record.jobs for run in job.runs] == [("first", "second", "漢字"), ("only",)]


def test_when_a_run_began_is_kept(store: Store, reopen: Reopen) -> None:
    """What is said later holds, where it says something."""
    store.observe([seen(event(state="running", started=5.0)), seen(failure(time=9.0))], 1.0, dry=False)
    store.observe([seen(event("b", state="running", started=5.0)), seen(failure("b", started=6.0))], 1.0, dry=False)
    store.observe([seen(event("c")), seen(event("c", result="success"))], 1.0, dry=False)
    store.observe([seen(failure(started=7.0))], 1.0, dry=False)
    again = reopen()

    record = again.record(PUSH)

    assert record is not None
    assert {job.job: [run.started for run in job.runs] for job in record.jobs} == {
        "job": [5.0],
        "b": [6.0],
        "c": [None],
    }
    assert own(again).run.started == 5.0
    assert own(again).run.seconds == 4.0
    assert [run.started for run in again.work(PUSH).runs["b"]] == [6.0]


# -- many pushes ------------------------------------------------------------------------------------------------


def test_of_a_project_the_newest_sightings_are_kept(store: Store) -> None:
    """However they come."""
    jobs = [f"job-{number}" for number in range(FAILURE_RECORDS_MAX + 20)]
    for first in range(0, len(jobs), 1000):
        store.observe([seen(event(job, "1")) for job in jobs[first : first + 1000]], 1.0, dry=False)
    found = [sighting(job, float(number)) for number, job in enumerate(jobs)]
    store.judged(summary(), found[15:], [], 1.0)
    store.judged(summary(), found[:15], [], 2.0)

    assert store.failure_records("try") == found[: -FAILURE_RECORDS_MAX - 1 : -1]


def test_the_pushes_are_counted_at_which_a_job_passed_or_failed(store: Store) -> None:
    """Runs that prove nothing count for nothing, nor do other projects; a push counts once."""
    pushes = [push(f"{number}bcdef0") for number in range(4)]
    ends = {"a": ["success", "failure", "infra", "timed_out"], "b": ["cancelled", "skipped", "unknown", "busted"]}
    for job, results in ends.items():
        for where, result in zip(pushes, results, strict=True):
            store.observe([seen(event(job, run, result=result, push=where)) for run in ("1", "2")], 1.0, dry=False)
    store.observe([seen(event("a", result="success", push=push(project="far")))], 1.0, dry=False)
    store.observe([seen(event("c", state="running"))], 1.0, dry=False)

    assert store.ran("try", ["a", "b", "c", "unknown"]) == Ran({"a": 4, "b": 1, "c": 0, "unknown": 0})
    assert store.ran("far", ["a"]) == Ran({"a": 1})
    assert store.ran("try", []) == Ran({})


def test_pushes_are_counted_that_were_heard_of_since_then(store: Store) -> None:
    """The same as those of which other lists tell."""
    for now in (1.0, 2.0, 3.0):
        store.observe([seen(failure(push=push(f"{int(now)}bcdef0")))], now, dry=False)

    assert [store.ran("try", ["job"], since) for since in (1.0, 2.0, 4.0)] == [
        Ran({"job": 3}, 1.0), Ran({"job": 2}, 2.0), Ran({"job": 0}, 4.0),
    ]  # fmt: skip


def test_a_share_is_one_of_the_same_pushes(store: Store) -> None:
    """In a project with very many failures those of older pushes are forgotten, and so is that the jobs ran there."""
    pushes = [push(f"{number}bcdef0") for number in range(6)]
    for number, where in enumerate(pushes):
        store.observe([seen(event("job", "1", result="success", push=where))], float(number), dry=False)
    store.judged(summary(pushes[0]), [sighting(at=0.0, where=pushes[0])], [], 0.0)
    store.judged(summary(pushes[5]), [sighting(at=5.0, where=pushes[5])], [], 5.0)
    (rate,) = flakiness.everywhere(store, 10)
    assert (rate.intermittent, rate.ran) == (2, 6)

    jobs = [f"job-{number}" for number in range(FAILURE_RECORDS_MAX - 1)]
    for first in range(0, len(jobs), 1000):
        some = jobs[first : first + 1000]
        store.observe([seen(event(job, "1", push=pushes[3])) for job in some], 3.0, dry=False)
    many = [replace(sighting(job, 3.0, pushes[3]), passed=0) for job in jobs]
    store.judged(summary(pushes[3]), many, [], 3.0)

    (rate,) = flakiness.everywhere(store, 10)
    assert (rate.intermittent, rate.ran) == (1, 3)


def test_pushes_are_listed_the_one_heard_of_last_first(store: Store) -> None:
    """With what is known of them, whether they were judged or not."""
    store.observe([said(PushOptions(), message="a title\n\nand more", author="ann", time=7.0)], 100.0, dry=False)
    store.observe([said(PushOptions(), OTHER, message="x" * 300 + "\nmore")], 300.0, dry=False)
    third = push("1234567", project="third")
    hear(store, where=third, now=200.0)
    store.judged(summary(failed=1), [], [], 400.0)
    expected = [
        Summary(OTHER, "", "", None, "x" * 200, None, 300.0, 0.0),
        Summary(third, "", "", None, "", None, 200.0, 0.0),
        Summary(PUSH, "failed", "1 job failed", "ann", "a title", 7.0, 100.0, 400.0, {"failed": 1}),
    ]

    assert store.search(Search(), 10) == expected
    assert store.search(Search(), 2) == expected[:2]
    assert store.search(Search(health="FAILED"), 2) == expected[2:]
    assert store.search(Search(health="good"), 2) == []


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

    assert [one.push for one in store.search(wanted, 10)] == list(found)


def test_pages_hear_which_pushes_were_judged_after_a_time(store: Store) -> None:
    """The oldest first, each with when it was judged last."""
    pushes = [push(f"{number}bcdef0") for number in range(4)]
    for where in pushes:
        hear(store, where=where)
    for now, number in ((10.0, 0), (11.0, 1), (12.0, 2), (13.0, 0)):
        store.judged(summary(pushes[number]), [], [], now)

    assert store.judged_since(0.0) == [(11.0, pushes[1]), (12.0, pushes[2]), (13.0, pushes[0])]
    assert store.judged_since(11.0) == [(12.0, pushes[2]), (13.0, pushes[0])]
    assert store.judged_since(0.0, 1) == [(11.0, pushes[1])]
    assert store.judged_since(13.0) == []


def test_projects_are_listed_in_order(store: Store) -> None:
    """Each once."""
    assert store.projects() == []
    for project, branch in (("b", "x"), ("a", "x"), ("b", "y"), ("é", "x")):
        hear(store, where=push(project=project, branch=branch))

    assert store.projects() == ["a", "b", "é"]


def test_the_push_before_is_the_one_of_the_same_branch_heard_of_last_before(store: Store) -> None:
    """Whatever was heard of it since; other branches, projects and systems do not count."""
    first, second, third = (push(f"{number}bcdef0") for number in range(3))
    others = [push("3bcdef0", branch="other"), push("4bcdef0", project="other"), push("5bcdef0", system="other")]
    for now, where in enumerate([first, second, *others, third]):
        hear(store, where=where, now=float(now))
    hear(store, "late", where=first, now=500.0)
    twins = [push(f"{number}bcdef0", branch="twins") for number in range(2)]
    store.observe([seen(failure(push=where)) for where in twins], 600.0, dry=False)

    assert store.previous(third) == second
    assert store.previous(second) == first
    assert store.previous(first) is None
    assert [store.previous(where) for where in (others[0], *twins)] == [None] * 3
    assert store.previous(push("unknown")) is None
