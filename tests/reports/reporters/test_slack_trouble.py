"""Slack: its refusals, its limits, and whatever a CI calls its jobs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fakes.fixtures import clock, make_world, rule
from tests.fakes.reported import told
from tests.fakes.slack import FakeSlack, check
from tests.reports.reporters.slack import FAILING, LOST, Channel, channel, slack, text
from triggerbot.core.errors import CIDenied, CIError, CIUnavailable
from triggerbot.core.model import Push
from triggerbot.reports.reporters.slack import blocks

__all__ = ["channel", "clock", "make_world", "rule", "slack"]

# -- what Slack says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
def test_slack_is_left_in_peace_when_it_asks_for_that(channel: Channel, slack: FakeSlack, method: str) -> None:
    """Retry-After is how long it takes; such a message surely did not arrive, so it is not looked for."""
    if method == "chat.update":
        channel.report(told({"a": "O"}))
    slack.fail(method, "ratelimited", status=429, headers={"retry-after": "17"})
    with pytest.raises(CIUnavailable) as caught:
        channel.report(told(FAILING))
    assert (caught.value.after, caught.value.healthy) == (17.0, True)
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


def spoken(message: blocks.Message) -> Iterator[str]:
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
    for made in (blocks.message(what), blocks.details(what)):
        for said in (*spoken(made), made.text):
            for found in _MEANS.findall(said):
                assert found.startswith(("<https://ci.example.org/", "<https://triggerbot.example.org/")), found
            outside = re.sub(r"`[^`\n]*`|<[^>]*>", "", said)
            assert not re.search(r"@(here|channel|everyone)", outside)
            assert "\x1b" not in said


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x/", "", "file:///etc/passwd", "slack://open", "x" * 50])
def test_only_addresses_of_the_web_are_linked(url: str) -> None:
    """Whatever a CI says."""
    made = blocks.details(told({"a": "OO"}, url=url, link=url))

    assert not any("|" in said for said in spoken(made))


def test_an_address_cannot_break_out_of_its_link() -> None:
    """Nor become a mention."""
    made = blocks.details(told({"a": "OO"}, url="https://ci.example/a|b> <!here>?x=1&y=2"))

    links = [found for said in spoken(made) for found in _MEANS.findall(said) if "ci.example/" in found]
    assert set(links) == {"<https://ci.example/a%7Cb%3E%20%3C!here%3E?x=1&amp;y=2|O>"}


#: Makes words that no mask takes for numbers.
_WORDS = str.maketrans("0123456789", "abcdefghij")


@pytest.mark.slow
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


@pytest.mark.slow
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
    for made in (blocks.message(what), blocks.details(what)):
        check({"text": made.text, "blocks": [dict(block) for block in made.blocks]})
