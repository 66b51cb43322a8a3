"""Slack: one message a push, in place, never twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import push_report
from tests.fakes.clock import Clock
from tests.fakes.commented_ci import ListeningCI
from tests.fakes.fixtures import clock, make_world, rule
from tests.fakes.reported import PUSH, logged, told
from tests.fakes.slack import FakeSlack
from tests.fakes.world import World, event, failure
from tests.fakes.world import push as some_push
from tests.reports.reporters.slack import FAILING, LOST, Channel, channel, slack, text
from triggerbot.core.errors import CIUnavailable
from triggerbot.core.model import Push
from triggerbot.core.verdict import health
from triggerbot.core.verdict.base import Relation, Standing
from triggerbot.core.verdict.verdict import against_base
from triggerbot.reports.reporters.slack import blocks

__all__ = ["channel", "clock", "make_world", "rule", "slack"]

# -- when ---------------------------------------------------------------------------------------------------------


def test_a_failing_push_is_told_once_with_details_in_its_thread(channel: Channel, slack: FakeSlack) -> None:
    """One message that says how the push is and why, and one reply that says what each job shows."""
    channel.report(told(FAILING, lines={"test-linux": "ImportError: No module named x"}))
    channel.report(told(FAILING, lines={"test-linux": "ImportError: No module named x"}))

    (message,), (reply,) = slack.shown, slack.replies
    assert "*Failing*: 1 job fails every time, 1 passed" in text(message)
    assert "test-linux" in text(message)
    assert message["text"] == "try abcdef123456: failing: 1 job fails every time, 1 passed"
    assert reply["thread_ts"] == message["ts"]
    assert "every one of 3 runs failed, with the same failure in 3 of 3" in text(reply)
    assert "ImportError: No module named x" in text(reply)
    assert "<https://ci.example.org/runs/test-linux/0|O> <https://ci.example.org/runs/test-linux/1|O>" in text(reply)
    assert not slack.called("chat.update")


@pytest.mark.parametrize(
    "jobs",
    [{"a": "G"}, {"a": "-"}, {}, {"a": "."}, {"a": "O", "b": "."}, {"a": "OG", "b": "."}, {"a": "XG"}],
    ids=[
        "good",
        "proves nothing",
        "empty",
        "pending",
        "failing, not final",
        "intermittent, not final",
        "infra, passed",
    ],
)
def test_nothing_is_told_of_what_is_good_or_not_final(channel: Channel, slack: FakeSlack, jobs: dict[str, str]) -> None:
    """A channel gets what people have to see, once it is settled."""
    channel.report(told(jobs))

    assert slack.requests == []
    assert channel.kept == ""


def test_a_push_that_is_good_is_told_where_that_is_wanted(slack: FakeSlack) -> None:
    """Whoever reads about nightly runs has to know that there was one; what is under way is no news there, either."""
    channel = Channel(slack, always=True)
    channel.report(told({"a": "."}))
    assert slack.shown == []
    channel.report(told({"a": "G"}))
    assert len(slack.shown) == 1
    channel.reporter.close()


@pytest.mark.parametrize("jobs", [{"a": "OG"}, {"a": "X"}, {"a": "O"}], ids=["intermittent", "infra", "failing"])
def test_what_people_have_to_see_is_told(channel: Channel, slack: FakeSlack, jobs: dict[str, str]) -> None:
    """A good push with an intermittent job is among it: no failure is hidden."""
    channel.report(told(jobs))

    assert (len(slack.shown), len(slack.replies)) == (1, 1)


def test_later_news_change_the_message_in_place(channel: Channel, slack: FakeSlack) -> None:
    """A push that becomes good, too; and nothing that says nothing new is sent."""
    channel.report(told({"a": "OOO"}))
    channel.report(told({"a": "OOO."}))
    channel.report(told({"a": "OOO..", "b": "."}))
    assert "*Pending*" in text(slack.shown[0])
    assert len(slack.called("chat.update")) == 1

    channel.report(told({"a": "OOOGG", "b": "G"}))
    channel.report(told({"a": "OOOGG", "b": "G"}))

    (message,), (reply,) = slack.shown, slack.replies
    assert "*Good*: 1 is intermittent, 1 passed" in text(message)
    assert "failed 3 and passed 2 of 5" in text(reply)
    assert message["text"].endswith("good: 1 is intermittent, 1 passed")
    assert len(slack.called("chat.update")) == 3
    assert all(asked["metadata"] for asked in slack.called("chat.update"))


def test_new_failures_are_set_apart_from_known_ones(channel: Channel, slack: FakeSlack) -> None:
    """By the base of the push, in the message and in its thread."""
    channel.report(told({"new": "OO", "old": "OO"}, fresh={"new"}))

    for message in slack.messages:
        said = text(message)
        assert (
            said.index("*New failures*") < said.index("`new`") < said.index("*Failed*; nothing") < said.index("`old`")
        )


def test_a_failure_of_many_jobs_is_told_once(channel: Channel, slack: FakeSlack) -> None:
    """With the jobs that show it, those that newly do first."""
    jobs = {f"job{number}": "OO" for number in range(9)} | {"other": "OO"}
    lines = dict.fromkeys(jobs, "ImportError: No module named requests") | {"other": "AssertionError: 4 != 5"}
    channel.report(told(jobs, lines=lines, fresh={"job7"}))

    assert text(slack.shown[0]).count("ImportError") == 2  # once among the new ones, once among the known ones
    assert "fail alike" in text(slack.shown[0])
    said = text(slack.replies[0])
    assert "*9 jobs fail alike, 1 of them newly*: `ImportError: No module named requests`" in said
    assert said.count("ImportError") == 1
    assert said.index("*new* `job7`") < said.index("`job0`")


def test_what_fails_on_the_base_too_is_not_counted_with_what_fails_alike() -> None:
    """The parts of the thread agree with the sentence."""
    line = "tests/test_login.py::test_login: AssertionError: 401 != 200"
    report = push_report.told(some_push(), *(push_report.job(name, "OO", lines=[line]) for name in "abc"))
    there = Standing(Relation.INHERITED, "ba5e" * 10)
    judged = health.of_push(against_base(one, there) if one.job == "a" else one for one in report.judged.jobs)
    thread = "\n".join(part["text"]["text"] for part in blocks.details(replace(report, judged=judged)).blocks)

    assert judged.sentence == "2 jobs fail every time with the same failure, 1 fails on the base too"
    assert "*2 jobs fail alike*" in thread
    assert thread.index("*2 jobs fail alike*") < thread.index("*Fail on the base too*") < thread.index("`a`")


def test_a_reporter_wants_what_it_is_told_to(channel: Channel) -> None:
    """By the config's projects and branches."""
    assert channel.reporter.wants(PUSH)
    assert not channel.reporter.wants(Push("ci", "other", "main", "abcdef1"))


# -- never twice --------------------------------------------------------------------------------------------------


def test_a_message_is_written_down_before_it_leaves(channel: Channel) -> None:
    """So that a crash at any moment leaves a trace of it."""
    channel.report(told(FAILING))

    before, after = channel.known[0], channel.known[1]
    assert before.startswith("0 ")
    assert json.loads(before[2:])["message"]["at"] == channel.clock.now
    assert after.startswith("1 ")


@pytest.mark.parametrize("lost", LOST, ids=str)
@pytest.mark.parametrize("part", [0, 1], ids=["message", "reply"])
def test_a_lost_answer_is_no_reason_to_say_it_twice(
    channel: Channel, slack: FakeSlack, lost: dict[str, Any], part: int
) -> None:
    """What arrived all the same is found by its metadata, after a restart as well, and used from then on."""
    slack.fail("chat.postMessage", applied=True, passes=part, **lost)
    with pytest.raises(CIUnavailable) as caught:
        channel.report(told(FAILING))
    assert caught.value.after == 60.0
    channel.restart()
    for number in range(5):
        slack.say(f"noise {number}", metadata={"event_type": "triggerbot_push", "event_payload": {"push": "other"}})
    channel.settle(told(FAILING))
    channel.report(told({"test-linux": "OOOG"}))

    assert (len([one for one in slack.shown if one.get("bot_id")]), len(slack.replies)) == (1, 1)
    assert "*Intermittent*" in text(slack.replies[0])


def test_what_did_not_arrive_is_sent_again_after_two_looks(channel: Channel, slack: FakeSlack) -> None:
    """A minute apart; news meanwhile make it no faster."""
    slack.fail("chat.postMessage", status=0)
    with pytest.raises(CIUnavailable):
        channel.report(told(FAILING))
    for looks in (0, 1):
        for _ in range(3):
            channel.clock.move(19.0)
            with pytest.raises(CIUnavailable):
                channel.report(told(FAILING))
        assert len(slack.called("conversations.history")) == looks
        channel.clock.move(5.0)
        if looks == 0:
            with pytest.raises(CIUnavailable) as caught:
                channel.report(told(FAILING))
            assert caught.value.after == 60.0
    assert len(slack.called("chat.postMessage")) == 1
    channel.report(told(FAILING))

    assert (len(slack.shown), len(slack.replies)) == (1, 1)
    assert len(slack.called("conversations.history")) == 2


def test_a_crash_before_the_answer_is_like_a_lost_answer(channel: Channel, slack: FakeSlack) -> None:
    """Whether the request had left or not."""
    channel.report(told(FAILING))
    left = channel.known[0][2:]
    channel.kept = left
    channel.restart()
    channel.clock.move(60.0)
    channel.report(told(FAILING))
    assert len(slack.shown) == 1

    slack.messages.clear()
    channel.kept = left
    channel.settle(told(FAILING))
    assert (len(slack.shown), len(slack.replies)) == (1, 1)


def test_messages_are_looked_for_on_every_page(channel: Channel, slack: FakeSlack) -> None:
    """A busy channel hides nothing; one that is too busy to be read proves nothing."""
    slack.fail("chat.postMessage", status=0, applied=True)
    with pytest.raises(CIUnavailable):
        channel.report(told(FAILING))
    for number in range(30):
        slack.say(str(number))
    slack.page = 1
    channel.clock.move(60.0)
    with pytest.raises(CIUnavailable, match="more messages than can be looked through"):
        channel.report(told(FAILING))
    slack.page = 4
    channel.report(told(FAILING))

    assert len([one for one in slack.shown if one.get("bot_id")]) == 1


def test_a_message_of_another_app_is_not_taken_for_ours(channel: Channel, slack: FakeSlack) -> None:
    """Any app may write such metadata."""
    slack.fail("chat.postMessage", status=0)
    with pytest.raises(CIUnavailable):
        channel.report(told(FAILING))
    slack.say("a copy", bot_id="B0666", metadata=slack.called("chat.postMessage")[0]["metadata"])
    channel.settle(told(FAILING))

    assert len([one for one in slack.shown if one.get("bot_id") == slack.bot]) == 1
    assert slack.shown[0]["text"] == "a copy"


def test_without_the_scope_to_look_nothing_is_sent_again(channel: Channel, slack: FakeSlack) -> None:
    """That is said once; with the scope given it goes on."""
    slack.scopes = {"chat:write"}
    slack.fail("chat.postMessage", status=0, applied=True)
    with pytest.raises(CIUnavailable):
        channel.report(told(FAILING))
    with logged() as logs:
        for _ in range(3):
            channel.clock.move(60.0)
            channel.report(told(FAILING))
    assert [line["event"] for line in logs] == ["slack.in_doubt"]
    assert "channels:history" in logs[0]["error"]
    assert len(slack.called("chat.postMessage")) == 1

    slack.scopes.add("channels:history")
    channel.report(told(FAILING))
    assert (len(slack.shown), len(slack.replies)) == (1, 1)


def test_the_publisher_comes_back_to_what_is_in_doubt(
    make_world: Callable[..., World], clock: Clock, slack: FakeSlack
) -> None:
    """By itself, without any news, and also after all of it was started anew."""
    ci = ListeningCI()
    push = some_push("abcdef1234")
    events = [failure(push=push), event("job", "2", push=push, result="success")]
    ci.say(push)
    ci.put(*events)
    world = make_world(ci)
    world.hear(*events)
    slack.fail("chat.postMessage", status=0, applied=True)
    slack.fail("chat.postMessage", status=502)
    for again in (True, True, False, False, False, False):
        reporter = Channel(slack, clock).reporter
        world.publish(world.publisher(reporter), 90.0)
        reporter.close()
        world = world.again() if again else world

    assert (len(slack.shown), len(slack.replies)) == (1, 1)
    assert "intermittent" in text(slack.shown[0])
    assert len(slack.called("chat.postMessage")) == 3
    world.close()
