"""Slack: the failing tests of a push, a reply for each job in its thread, never twice and at Slack's pace."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fakes.clock import Clock
from tests.fakes.commented_ci import ListeningCI
from tests.fakes.fixtures import clock, make_world, rule
from tests.fakes.reported import told
from tests.fakes.slack import FakeSlack, check
from tests.fakes.world import World, event
from tests.fakes.world import push as some_push
from tests.reports.reporters.slack import LOST, Channel, channel, slack, text
from tests.reports.reporters.test_slack_trouble import NAMES
from triggerbot.core.branch.novelty import Change, Finding
from triggerbot.core.errors import CIUnavailable
from triggerbot.core.policy.rules import Rule
from triggerbot.core.run_tests import FailingTest, RunTests
from triggerbot.reports import PushReport
from triggerbot.reports.novelty import OTHER, JobReport, NoveltyReport
from triggerbot.reports.reporters.slack import blocks, replies, tests_blocks
from triggerbot.reports.reporters.slack.messages import Messages

__all__ = ["channel", "clock", "make_world", "rule", "slack"]

EARLIER = "0ea51e" + "0" * 34


def with_tests(
    jobs: Mapping[str, Sequence[tuple[str, Change]]],
    letters: str = "OOO",
    *,
    passed: int = 40,
    line: str = "AssertionError: 4 != 5",
    against: str = EARLIER,
    groups: Mapping[str, str] | None = None,
    pool: str = OTHER,
    others: Mapping[str, str] | None = None,
) -> PushReport:
    """Report a push with these failing tests of its jobs, and other jobs of which no tests are known."""
    made = told({job: letters if found else "G" for job, found in jobs.items()} | dict(others or {}))
    known = {
        job: RunTests(passed, len(found), 0, 3, 1.5, tuple(FailingTest(test, line) for test, _ in found))
        for job, found in jobs.items()
    }
    records = tuple(
        replace(one, runs=tuple(replace(run, tests=known.get(one.job)) for run in one.runs)) for one in made.record.jobs
    )
    verdicts = {one.job: str(one.verdict) for one in made.judged.jobs}
    compared = [
        JobReport(
            job, verdicts[job], (groups or {}).get(job, OTHER), pool, against, f"https://ci.example.org/{len(job)}",
            known.get(job), tuple(Finding(change, job, test, line) for test, change in jobs.get(job, ())),
        ) for job in verdicts
    ]  # fmt: skip
    report = NoveltyReport(tuple(compared), "try", "try", made.push.revision)
    return replace(made, record=replace(made.record, jobs=records), compare=lambda: report)


def new(*tests: str) -> list[tuple[str, Change]]:
    """Return tests that newly fail."""
    return [(test, Change.NEW) for test in tests]


def finish(channel: Channel, what: PushReport) -> int:
    """Report as the publisher does until nothing is left; return how often it was called."""
    for number in range(1, 100):
        try:
            due = channel.reporter.report(what, channel.kept, channel._keep)
        except CIUnavailable as error:
            due = channel.clock.now + (error.after or 5.0)
        if due is None:
            return number
        channel.clock.move(due - channel.clock.now)
    raise AssertionError("it never came to an end")


def of_jobs(slack: FakeSlack) -> list[str]:
    """Return what the replies say, but for the details."""
    return [text(one) for one in slack.replies if one["metadata"]["event_payload"]["part"] != "details"]


# -- what is said -------------------------------------------------------------------------------------------------


def test_each_failing_job_gets_a_reply_with_its_tests(channel: Channel, slack: FakeSlack) -> None:
    """New ones first; a job of which no tests are known is in the details only."""
    what = with_tests(
        {"unit": [("test_b", Change.NEW), ("test_c", Change.NEW), ("test_a", Change.KNOWN), ("test_d", Change.UNKNOWN)],
         "fine": []},
        others={"lint": "OOO"},
    )  # fmt: skip
    finish(channel, what)

    (said,) = of_jobs(slack)
    head, *entries = said.splitlines()
    assert head.startswith("<https://ci.example.org/4|Run> of `unit`: 40 passed, 4 failed, 3 skipped; ")
    assert head.endswith("; 2 of them newly, against `0ea51e000000`")
    assert entries == [
        "• *new* `test_b`: `AssertionError: 4 != 5`",
        "• *new* `test_c`: `AssertionError: 4 != 5`",
        "• known `test_a`: `AssertionError: 4 != 5`",
        "• `test_d`: `AssertionError: 4 != 5`",
    ]
    assert {one["thread_ts"] for one in slack.replies} == {slack.shown[0]["ts"]}
    assert slack.replies[1]["text"] == "try abcdef123456: unit: 4 tests fail, 2 newly"
    assert "`lint`" in text(slack.replies[0])
    assert not slack.called("chat.update")


def test_the_message_says_how_many_tests_newly_fail_against_which_push(channel: Channel, slack: FakeSlack) -> None:
    """And how many others fail, and how many passed."""
    finish(channel, with_tests({"unit": [*new("a", "b"), ("c", Change.KNOWN)], "fine": []}, others={"lint": "G"}))

    assert (
        "*2 tests newly fail* against `0ea51e000000`, 1 fails as before; 80 tests passed, 6 skipped "
        "(known of 2 of 3 jobs)" in text(slack.shown[0])
    )
    assert "```" not in text(slack.shown[0])


@pytest.mark.parametrize(
    ("found", "against", "said"),
    [
        ([("a", Change.KNOWN)], EARLIER, "No test newly fails against `0ea51e000000`, 1 fails as before"),
        ([("a", Change.UNKNOWN)], "", "No test newly fails, 1 fails, and nothing tells whether it did before"),
    ],
)
def test_a_message_claims_no_more_than_is_known(
    channel: Channel, slack: FakeSlack, found: list[tuple[str, Change]], against: str, said: str
) -> None:
    """Nothing is new where there is nothing to hold it against."""
    finish(channel, with_tests({"unit": found}, against=against))

    assert said in text(slack.shown[0])


def test_the_message_has_the_tables_by_group_and_by_pool(channel: Channel, slack: FakeSlack) -> None:
    """Where there are any: aligned, which Slack does in preformatted text alone."""
    jobs = {"models bert": new("a", "b"), "models t5": new("c"), "docs": []}
    what = with_tests(jobs, groups={"models bert": "models", "models t5": "models"}, pool="single-gpu")
    finish(channel, what)

    tables = [block["text"]["text"] for block in slack.shown[0]["blocks"] if "```" in block["text"]["text"]]
    assert tables == [
        _GROUPS,
        "```\npool        jobs  failed  tests failed  new\nsingle-gpu     3       2             3    3\n```",
    ]


_GROUPS = """```
group   jobs  failed  tests failed  new
models     2       2             3    3
other      1       0             0    0
```"""


def test_a_nightly_that_passes_says_how_many_tests_passed(slack: FakeSlack) -> None:
    """Where good pushes are reported; there is nothing to reply."""
    channel = Channel(slack, always=True)
    finish(channel, with_tests({"a": [], "b": []}, passed=1200))
    channel.reporter.close()

    assert "2400 tests passed, 6 skipped" in text(slack.shown[0])
    assert of_jobs(slack) == []


def test_a_reply_has_as_many_tests_as_fit(channel: Channel, slack: FakeSlack) -> None:
    """The number of the rest, also of those that the event did not list, leads to the page."""
    what = with_tests({"unit": new(*(f"tests/test_{number}.py::test_{number}" for number in range(1000)))})
    job = what.compare().jobs[0]
    tests = replace(job.tests or RunTests(), failed=1500)
    report = NoveltyReport((replace(job, tests=tests),))
    finish(channel, replace(what, compare=lambda: report))

    (said,) = of_jobs(slack)
    shown = said.count("• *new* `tests/")
    assert shown > 120
    assert f"|and {1500 - shown} more>" in said
    assert len(slack.replies[1]["blocks"]) > 2


def test_after_20_jobs_one_reply_names_the_others(channel: Channel, slack: FakeSlack) -> None:
    """Those with the most new failures come first."""
    jobs = {f"job{number:02}": [(f"t{one}", Change.KNOWN) for one in range(3)] for number in range(30)}
    jobs["job29"] = new("x", "y")
    finish(channel, with_tests(jobs))

    *each, rest = of_jobs(slack)
    assert len(each) == 20
    assert "`job29`" in each[0]
    assert "*10 further jobs fail*" in rest
    assert rest.splitlines()[1:] == [f"• `job{number:02}`: 3 tests fail" for number in range(19, 29)]


# -- never twice, and at Slack's pace -----------------------------------------------------------------------------


def test_replies_leave_a_second_apart(channel: Channel, slack: FakeSlack) -> None:
    """The publisher is not held up: it is told when to go on."""
    what = with_tests({f"job{number}": new("a") for number in range(3)})
    for sent in (2, 3, 4):
        now = channel.clock.now
        assert channel.reporter.report(what, channel.kept, channel._keep) == now + 1.0
        assert len(slack.messages) == sent
        channel.clock.move(0.25)
        assert channel.reporter.report(what, channel.kept, channel._keep) == now + 1.0
        assert len(slack.messages) == sent
        channel.clock.move(0.75)
    assert channel.reporter.report(what, channel.kept, channel._keep) is None
    assert len(slack.messages) == 5


def test_a_clock_that_was_set_back_holds_no_reply_up(channel: Channel, slack: FakeSlack) -> None:
    """For an hour, say."""
    what = with_tests({"unit": new("a")})
    channel.report(what)
    channel.clock.now -= 3600.0
    assert channel.reporter.report(what, channel.kept, channel._keep) is None
    assert len(of_jobs(slack)) == 1


def test_nothing_new_sends_nothing(channel: Channel, slack: FakeSlack) -> None:
    """However often it is reported."""
    what = with_tests({f"job{number}": new("a") for number in range(3)})
    finish(channel, what)
    asked = len(slack.requests)
    channel.restart()

    assert finish(channel, what) == 1
    assert len(slack.requests) == asked


@pytest.mark.parametrize("lost", LOST, ids=str)
def test_a_lost_answer_to_a_reply_is_no_reason_to_say_it_twice(
    channel: Channel, slack: FakeSlack, lost: dict[str, Any]
) -> None:
    """It is found in the thread by its metadata, after a restart as well."""
    what = with_tests({f"job{number}": new("a") for number in range(3)})
    slack.fail("chat.postMessage", applied=True, passes=3, **lost)
    channel.report(what)
    channel.clock.move(1.0)
    channel.report(what)
    channel.clock.move(1.0)
    with pytest.raises(CIUnavailable) as caught:
        channel.report(what)
    assert caught.value.after == 60.0
    channel.restart()
    finish(channel, what)

    assert len(slack.called("chat.postMessage")) == len(slack.messages) == 5
    assert len(set(of_jobs(slack))) == 3


@pytest.mark.parametrize("moment", range(10))
def test_a_crash_at_any_moment_repeats_no_reply(channel: Channel, slack: FakeSlack, moment: int) -> None:
    """All that is known afterwards is what was stored until then."""
    what = with_tests({f"job{number}": new("a") for number in range(3)})
    finish(channel, what)
    whole = of_jobs(slack)
    number, channel.kept = channel.known[moment].split(" ", 1)
    del slack.messages[int(number) :]
    channel.restart()
    channel.clock.move(60.0)
    finish(channel, what)

    assert of_jobs(slack) == whole
    assert len(slack.messages) == 5


def test_without_the_scope_to_look_other_replies_are_sent(channel: Channel, slack: FakeSlack) -> None:
    """One that is in doubt is not repeated, and holds up none."""
    slack.scopes = {"chat:write"}
    what = with_tests({f"job{number}": new("a") for number in range(3)})
    slack.fail("chat.postMessage", status=0, passes=2)
    finish(channel, what)

    assert len(of_jobs(slack)) == 2
    assert len(slack.called("chat.postMessage")) == 5


def test_a_reply_that_was_deleted_is_not_missed(channel: Channel, slack: FakeSlack) -> None:
    """Whoever deleted it does not want it."""
    finish(channel, with_tests({"one": new("a"), "two": new("a")}))
    slack.delete(slack.replies[1])
    finish(channel, with_tests({"one": new("a", "b"), "two": new("a", "b")}))
    finish(channel, with_tests({"one": new("a", "c"), "two": new("a", "c")}))

    assert len(of_jobs(slack)) == 1
    assert len(slack.called("chat.update")) == 4  # the message, twice the other reply, and once in vain


def test_later_news_change_replies_in_place(channel: Channel, slack: FakeSlack) -> None:
    """Of what fails now, of a job that does not any more, and of how many get none."""
    jobs = {f"job{number:02}": new("a") for number in range(21)}
    finish(channel, with_tests(jobs))
    jobs |= {"job00": new("a", "b"), "job01": []}
    what = with_tests(jobs | {"job01": new("a")})
    shaky = told({job: "OG" if job == "job01" else "OOO" for job in jobs})
    compared = tuple(
        replace(one, verdict="intermittent", findings=()) if one.job == "job01" else one for one in what.compare().jobs
    )
    finish(channel, replace(what, judged=shaky.judged, compare=lambda: NoveltyReport(compared)))

    said = of_jobs(slack)
    assert len(said) == 21
    assert "`b`" in said[0]
    assert said[1].startswith("`job01` does not count as failing any more: failed 1 and passed 1 of 2")
    assert "*1 further job fails*" in said[20]


def test_earlier_pushes_are_read_only_at_the_end_and_for_tests(channel: Channel, slack: FakeSlack) -> None:
    """That takes a while, and mere progress changes nothing."""

    def never() -> NoveltyReport:
        raise AssertionError("nothing is to be compared")

    finish(channel, with_tests({"unit": new("a")}))
    finish(channel, replace(with_tests({"unit": new("a", "b")}, "OOO."), compare=never))
    finish(channel, replace(told({"lint": "OOO"}), compare=never))

    assert "`a`" in of_jobs(slack)[0]


# -- through everything -------------------------------------------------------------------------------------------


def test_the_publisher_holds_a_push_against_the_one_before(
    make_world: Callable[..., World], clock: Clock, slack: FakeSlack, rule: Rule
) -> None:
    """By the store, and comes back for each reply."""
    ci = ListeningCI()
    world = make_world(ci, rules=(replace(rule, retries=0),))
    channel = Channel(slack, clock)
    earlier, latest = some_push("0ea51e1234"), some_push("abcdef1234")
    for push, failing in ((earlier, ("a",)), (latest, ("a", "b"))):
        tests = RunTests(5, len(failing), failing=tuple(FailingTest(f"test_{one}", "Error: no") for one in failing))
        jobs = ("unit", "browser")
        events = [event(job, push=push, result="failure", tests=tests, time=clock.now) for job in jobs]
        ci.say(push)
        ci.put(*events)
        world.hear(*events)
        world.pass_time(120.0)
        for _ in range(5):
            world.publish(world.publisher(channel.reporter))
    channel.reporter.close()

    said = [one for one in of_jobs(slack) if "*new*" in one]
    assert len(said) == len({one["thread_ts"] for one in slack.replies}) == 2
    for one in said:
        assert "against `0ea51e1234`" in one
        assert one.index("• *new* `test_b`: `Error: no`") < one.index("• known `test_a`")
    assert "*2 tests newly fail* against `0ea51e1234`, 2 fail as before" in text(slack.shown[-1])


# -- limits -------------------------------------------------------------------------------------------------------


@settings(max_examples=examples(60))
@given(
    st.dictionaries(NAMES, st.lists(st.tuples(NAMES, st.sampled_from(list(Change)[:3])), max_size=90), max_size=30),
    NAMES,
    st.sampled_from(["passed", "&" * 3000, '"' * 3000, "é" * 3000]),
)
def test_whatever_tests_are_called_keeps_to_slacks_limits(
    jobs: dict[str, list[tuple[str, Change]]], group: str, line: str
) -> None:
    """The message with its tables, and each reply."""
    what = with_tests(jobs, line=line, groups={job: f"{group}{number}" for number, job in enumerate(jobs)})
    compared = what.compare()
    made = [blocks.message(what, tests_blocks.summary(compared))]
    made += [one.content for one in replies.wanted(what, compared, Messages("", lambda _: None), "1.0")]
    for one in made:
        check({"text": one.text, "blocks": [dict(block) for block in one.blocks]})
        assert not any(re.search("<!|<@", json.dumps(block)) for block in one.blocks)
