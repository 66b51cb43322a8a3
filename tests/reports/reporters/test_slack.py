"""Slack: one message a push, in place, never twice, within Slack's limits, whatever a CI calls its jobs."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fakes.clock import Clock
from tests.fakes.commented_ci import ListeningCI
from tests.fakes.fixtures import clock, make_world, rule
from tests.fakes.reported import PUSH, logged, plainly, told
from tests.fakes.slack import FakeSlack, check
from tests.fakes.world import World, event, failure
from tests.fakes.world import push as some_push
from triggerbot.errors import CIDenied, CIError, CIUnavailable
from triggerbot.model import Push
from triggerbot.publish import Told, slack_blocks
from triggerbot.publish.slack import SlackReporter

__all__ = ["clock", "make_world", "rule"]

FAILING = {"test-linux": "OOO", "test-windows": "GGG"}


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """Serve a workspace."""
    with FakeSlack() as made:
        yield made


class Channel:
    """The reporter of one channel, with what it keeps beside a push."""

    def __init__(self, slack: FakeSlack, clock: Clock | None = None) -> None:
        self.slack = slack
        self.clock = clock or Clock()
        self.kept = ""
        self.known: list[str] = []
        self.reporter = self._open()

    def _open(self, token: str = FakeSlack.token) -> SlackReporter:
        name = f"slack:{self.slack.channel}"
        return SlackReporter(
            name, token, self.slack.channel, wants=lambda push: push.project == "try", url=self.slack.url,
            transport=plainly(), clock=self.clock,
        )  # fmt: skip

    def report(self, what: Told) -> None:
        """Report once, as the publisher does."""
        self.reporter.report(what, self.kept, self._keep)

    def settle(self, what: Told) -> None:
        """Report until it works, waiting as long as is asked for."""
        for _ in range(10):
            try:
                return self.report(what)
            except CIUnavailable as error:
                self.clock.move(error.after or 5.0)
        raise AssertionError("it never came to an end")

    def restart(self, token: str = FakeSlack.token) -> None:
        """Start anew: all that is known is what was kept."""
        self.reporter.close()
        self.reporter = self._open(token)

    def _keep(self, value: str) -> None:
        # What was asked for by then.
        self.known.append(f"{len(self.slack.called('chat.postMessage'))} {value}")
        self.kept = value


@pytest.fixture
def channel(slack: FakeSlack) -> Iterator[Channel]:
    """Report to the workspace."""
    made = Channel(slack)
    yield made
    made.reporter.close()


def text(message: Mapping[str, Any]) -> str:
    """All that a message shows."""
    return "\n".join(block["text"]["text"] for block in message["blocks"])


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
    """By the previous push of the branch, in the message and in its thread."""
    channel.report(told({"new": "OO", "old": "OO"}, fresh={"new"}))

    for message in slack.messages:
        said = text(message)
        assert said.index("*New failures*") < said.index("`new`") < said.index("*Known failures*") < said.index("`old`")


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


LOST = [
    {"status": 0}, {"status": 500, "answer": b"<html>"}, {"status": 502, "answer": b""}, {"answer": b"not json"},
    {"answer": []}, {"answer": {}}, {"error": "internal_error"}, {"error": "fatal_error"}, {"answer": {"ok": True}},
]  # fmt: skip


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


# -- what Slack says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
def test_slack_is_left_in_peace_when_it_asks_for_that(channel: Channel, slack: FakeSlack, method: str) -> None:
    """Retry-After is how long it takes; such a message surely did not arrive, so it is not looked for."""
    if method == "chat.update":
        channel.report(told({"a": "O"}))
    slack.fail(method, "ratelimited", status=429, headers={"retry-after": "17"})
    with pytest.raises(CIUnavailable) as caught:
        channel.report(told(FAILING))
    assert (caught.value.after, caught.value.well) == (17.0, True)
    channel.report(told(FAILING))

    assert (len(slack.shown), len(slack.replies)) == (1, 1)
    assert "test-linux" in text(slack.shown[0])
    assert not slack.called("conversations.history")


@pytest.mark.parametrize("error", ["ratelimited", "service_unavailable", "request_timeout"])
def test_an_error_that_passes_is_waited_for(channel: Channel, slack: FakeSlack, error: str) -> None:
    """Also where Slack says so with HTTP 200."""
    slack.fail("chat.postMessage", error)
    with pytest.raises(CIUnavailable):
        channel.report(told(FAILING))
    channel.report(told(FAILING))

    assert len(slack.shown) == 1


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("invalid_auth", "token"),
        ("token_revoked", "token"),
        ("not_in_channel", "invite the bot"),
        ("channel_not_found", "channel's id"),
        ("is_archived", "archived"),
        ("restricted_action_read_only_channel", "administrators"),
        ("missing_scope", "scope"),
        ("something_new", "something_new"),
        ("invalid_blocks", "invalid_blocks"),
    ],
)
def test_a_refusal_says_what_to_mend(channel: Channel, slack: FakeSlack, error: str, remedy: str) -> None:
    """Somebody has to; once it is mended the message is sent, and was never in doubt."""
    slack.fail("chat.postMessage", error)
    with pytest.raises(CIDenied, match=remedy):
        channel.report(told(FAILING))
    channel.report(told(FAILING))

    assert len(slack.shown) == 1
    assert not slack.called("conversations.history")


def test_real_refusals_are_understood(channel: Channel, slack: FakeSlack) -> None:
    """As the workspace itself answers them, and none of them tells the token."""
    channel.restart("xoxb-wrong")
    with pytest.raises(CIDenied, match="check the token") as caught:
        channel.report(told(FAILING))
    channel.restart()
    for name, remedy in (("member", "invite the bot"), ("archived", "archived")):
        setattr(slack, name, name == "archived")
        with pytest.raises(CIDenied, match=remedy):
            channel.report(told(FAILING))
        setattr(slack, name, name == "member")
    slack.scopes = {"channels:history"}
    with pytest.raises(CIDenied, match="the scope chat:write"):
        channel.report(told(FAILING))

    assert "xoxb" not in str(caught.value)
    assert slack.messages == []


def test_a_redirect_is_not_followed(channel: Channel, slack: FakeSlack) -> None:
    """It could carry the token elsewhere."""
    slack.fail("chat.postMessage", status=302, headers={"location": f"{slack.url}/auth.test"})
    with pytest.raises(CIDenied, match="redirect"):
        channel.report(told(FAILING))

    assert len(slack.requests) == 1


def test_nobody_there_is_no_doubt(slack: FakeSlack) -> None:
    """Without a connection nothing was sent."""
    nobody = FakeSlack()
    nobody._server.server_close()
    channel = Channel(nobody)
    with pytest.raises(CIUnavailable):
        channel.report(told(FAILING))
    channel.reporter.close()

    assert json.loads(channel.kept)["message"]["at"] == 0


@pytest.mark.parametrize("error", ["", "edit_window_closed", "cant_update_message"], ids=str)
def test_a_message_that_was_deleted_is_left_alone(channel: Channel, slack: FakeSlack, error: str) -> None:
    """Whoever deleted it does not want it; the same goes for one that can no longer be changed."""
    channel.report(told(FAILING))
    if error:
        slack.fail("chat.update", error)
    else:
        slack.delete(slack.shown[0])
    for letters in ("OG", "OGG", "OGGO"):
        channel.report(told({"a": letters}))

    assert len(slack.called("chat.postMessage")) == 2
    assert len(slack.called("chat.update")) == 1


def test_a_deleted_reply_is_not_missed(channel: Channel, slack: FakeSlack) -> None:
    """The message itself goes on."""
    channel.report(told(FAILING))
    slack.delete(slack.replies[0])
    for letters in ("OG", "OGG"):
        channel.report(told({"a": letters}))

    assert slack.replies == []
    assert "intermittent" in text(slack.shown[0])


@pytest.mark.parametrize("lost", LOST, ids=str)
def test_a_change_whose_answer_was_lost_is_made_again(channel: Channel, slack: FakeSlack, lost: dict[str, Any]) -> None:
    """It does no harm twice."""
    channel.report(told({"a": "O"}))
    slack.fail("chat.update", **lost)
    error: CIError | None = None
    try:
        channel.report(told(FAILING))
    except CIUnavailable as caught:
        error = caught
    channel.report(told(FAILING))

    assert error is not None or lost == {"answer": {"ok": True}}
    assert len(slack.messages) == 2


# -- limits and hostile names -------------------------------------------------------------------------------------

HOSTILE = [
    "<!here>", "<!channel> @here @channel @everyone", "<@U0001>", "<https://evil.example|click>", "&lt;!here&gt;",
    "`rm -rf /`", "*bold* _it_ ~no~", "a\nb\r\n> quote", "https://evil.example/", "\u202egnp.exe", "x" * 2000,
    "&" * 2000, "```", "\ud800", "\x00\x1b[31m", ":tada:", "#general", "mailto:a@b.c", "🦊" * 400,
]  # fmt: skip
#: What means something to Slack: a link, a mention, a command.
_MEANS = re.compile(r"<[^>]*>")


def spoken(message: slack_blocks.Message) -> Iterator[str]:
    """Yield every text of a message."""
    for block in message.blocks:
        assert block["text"]["verbatim"] is True
        yield block["text"]["text"]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:20]))
def test_a_hostile_name_means_nothing(channel: Channel, slack: FakeSlack, name: str) -> None:
    """It calls nobody, links nowhere and formats nothing: as a job, a line, a branch, an author, a title."""
    what = told(
        {name: "OO", "b": "OG", f"{name}2": "O"}, lines={name: f"Error: {name}", "b": name}, message=name, author=name,
        push=Push("ci", name, name, "abcdef1234567"), fresh={name},
    )  # fmt: skip
    channel.report(what)

    assert (len(slack.shown), len(slack.replies)) == (1, 1)
    for made in (slack_blocks.message(what), slack_blocks.details(what)):
        for said in (*spoken(made), made.text):
            for found in _MEANS.findall(said):
                assert found.startswith(("<https://ci.example.org/", "<https://triggerbot.example.org/")), found
            outside = re.sub(r"`[^`\n]*`|<[^>]*>", "", said)
            assert not re.search(r"@(here|channel|everyone)", outside)
            assert "\x1b" not in said


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x/", "", "file:///etc/passwd", "slack://open", "x" * 50])
def test_only_addresses_of_the_web_are_linked(url: str) -> None:
    """Whatever a CI says."""
    made = slack_blocks.details(told({"a": "OO"}, url=url, link=url))

    assert not any("|" in said for said in spoken(made))


def test_an_address_cannot_break_out_of_its_link() -> None:
    """Nor become a mention."""
    made = slack_blocks.details(told({"a": "OO"}, url="https://ci.example/a|b> <!here>?x=1&y=2"))

    links = [found for said in spoken(made) for found in _MEANS.findall(said) if "ci.example/" in found]
    assert set(links) == {"<https://ci.example/a%7Cb%3E%20%3C!here%3E?x=1&amp;y=2|O>"}


#: Makes words that no mask takes for numbers.
_WORDS = str.maketrans("0123456789", "abcdefghij")


def test_5000_failing_jobs_fit(channel: Channel, slack: FakeSlack) -> None:
    """What does not is counted, with a link to all of it."""
    jobs = {f"test-linux-{number}": "OOO" for number in range(5000)}
    lines = {job: f"<AssertionError>: {job.translate(_WORDS)}" for job in jobs}
    channel.report(told(jobs, lines=lines, fresh=set(list(jobs)[:2500])))

    (message,), (reply,) = slack.shown, slack.replies
    for said in (text(message), text(reply)):
        more = [int(number) for number in re.findall(r"\|and (\d+) more>", said)]
        assert sum(more) + len(re.findall("^• `", said, re.MULTILINE)) == 5000
    assert len(text(reply)) > 5000


def test_5000_jobs_with_one_failure_are_told_in_a_line(channel: Channel, slack: FakeSlack) -> None:
    """One cause is told once, however many jobs show it."""
    jobs = {f"test-linux-{number}": "OOO" for number in range(5000)}
    channel.report(told(jobs, lines=dict.fromkeys(jobs, "ImportError: No module named requests")))

    assert "`test-linux-0`, `test-linux-1`, `test-linux-2` and 4997 others fail alike" in text(slack.shown[0])
    assert "*5000 jobs fail alike*: `ImportError: No module named requests`" in text(slack.replies[0])


NAMES = st.text(max_size=300) | st.sampled_from(HOSTILE)


@settings(max_examples=examples(60))
@given(
    st.dictionaries(NAMES, st.tuples(st.sampled_from(["O", "OOO", "OG", "X", "G", "O" * 90]), NAMES), max_size=60),
    st.booleans(),
    st.sampled_from(["", "https://triggerbot.example.org/pushes/x", "https://triggerbot.example.org/" + "é" * 300]),
)
def test_whatever_is_told_keeps_to_slacks_limits(jobs: dict[str, tuple[str, str]], known: bool, link: str) -> None:
    """Blocks, texts and all of them together."""
    what = told(
        {job: letters for job, (letters, _) in jobs.items()}, lines={job: line for job, (_, line) in jobs.items()},
        fresh=set(list(jobs)[::2]) if known else None, link=link, message="&" * 5000, author="<" * 5000,
        url="https://ci.example.org/{number}/" + "&" * 60,
    )  # fmt: skip
    for made in (slack_blocks.message(what), slack_blocks.details(what)):
        check({"text": made.text, "blocks": [dict(block) for block in made.blocks]})
