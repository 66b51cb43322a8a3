"""Branches in Slack and by webhook: told when jobs begin or cease to keep failing, each change once."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.receiver import Receiver
from tests.fakes.reported import plainly
from tests.fakes.slack import FakeSlack
from tests.reports.branches import LINK, MAIN, Board
from tests.reports.reporters.slack import LOST, text
from triggerbot.reports.reporters.slack.branch import SlackBranches
from triggerbot.reports.reporters.webhook.branch import WebhookBranches
from triggerbot.store.branches import Silence


@pytest.fixture
def clock() -> Clock:
    """Stand still unless moved."""
    return Clock()


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """Serve a workspace."""
    with FakeSlack() as made:
        yield made


@pytest.fixture
def channel(slack: FakeSlack, clock: Clock) -> Iterator[Board]:
    """Report all branches to the channel."""
    reporter = SlackBranches(
        slack.channel, slack.token, covers=lambda _: True, url=slack.url, transport=plainly(), clock=clock
    )
    yield Board([reporter], clock)
    reporter.close()


@pytest.fixture
def receiver(clock: Clock) -> Iterator[Receiver]:
    """Listen."""
    with Receiver(clock) as made:
        yield made


@pytest.fixture
def address(receiver: Receiver, clock: Clock) -> Iterator[Board]:
    """Report all branches to the receiver."""
    reporter = WebhookBranches(
        "webhook:1", receiver.url, secret=Receiver.secret, covers=lambda _: True, transport=plainly(), clock=clock
    )
    yield Board([reporter], clock)
    reporter.close()


def test_one_message_and_its_thread(slack: FakeSlack, channel: Board) -> None:
    """Updated in place; what changed is a reply; the next streak gets a message of its own."""
    channel.report({"linux-1": "F S", "mac-1": "S S"})
    assert slack.messages == []

    channel.report({"linux-1": "F F S", "mac-1": "S S S"}, "test_a.py::test_one FAILED")
    [message] = slack.messages
    assert "*1 job keeps failing* on `main` of `octo/app`" in text(message)
    assert "`linux-1` failing since `r1`" in text(message)
    assert LINK in text(message)

    channel.report({"linux-1": "F F F S", "mac-1": "F F S S"})
    channel.report({"linux-1": "S F F F", "mac-1": "F F F S"})
    channel.report({"linux-1": "S S F F", "mac-1": "S F F F"})
    channel.report()
    message, *replies = slack.messages
    assert [text(reply).partition(",")[0] for reply in replies] == [
        "• `mac-1` keeps failing", "• `linux-1` fails no longer",
        "• `mac-1` fails no longer\nNothing keeps failing any more.",
    ]  # fmt: skip
    assert {reply["thread_ts"] for reply in replies} == {message["ts"]}
    assert "*Nothing keeps failing any more*" in text(message)

    channel.report({"linux-1": "F F S", "mac-1": "S S S"})
    assert len(slack.messages) == 5
    assert "*1 job keeps failing*" in text(slack.messages[-1])


def test_foreign_text_notifies_nobody(slack: FakeSlack, channel: Board) -> None:
    """Names and lines stand in code spans, escaped, in texts that are marked verbatim."""
    channel.report({"<!channel>": "F F S"}, "<!here> `boom` test_a.py::test_one FAILED")
    [message] = slack.messages
    assert "<!" not in text(message)
    assert all(block["text"]["verbatim"] for block in message["blocks"])


def test_many_jobs_fit(slack: FakeSlack, channel: Board) -> None:
    """Within Slack's limits, with the number of the rest."""
    channel.report({f"linux-{'x' * 80}-{number}": "F F S" for number in range(300)})
    [message] = slack.messages
    assert "300 jobs keep failing" in text(message)
    assert "more" in text(message)


def test_many_at_once_are_one_line_of_a_reply(slack: FakeSlack, channel: Board) -> None:
    """Of those that began by themselves each has its own."""
    channel.report({"mac-1": "F F S", "win-1": "S S S"} | {f"linux-{number}": "S S S" for number in range(6)})
    channel.report({"mac-1": "F F F", "win-1": "F F F"} | {f"linux-{number}": "F F S" for number in range(6)})
    said = text(slack.replies[0])
    assert "6 jobs began to fail at `r1`: likely one cause, or the machines" in said
    assert "`win-1` keeps failing" in said
    assert "linux-1" not in said


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("lost", LOST)
def test_a_lost_answer_in_slack(slack: FakeSlack, channel: Board, lost: Mapping[str, Any], *, applied: bool) -> None:
    """Message and reply are looked for, and made once."""
    for jobs in ({"linux-1": "F F S", "mac-1": "S S S"}, {"linux-1": "F F S", "mac-1": "F F S"}):
        slack.fail("chat.postMessage", **lost, applied=applied)
        channel.report(jobs)
        for _ in range(5):
            channel.settle(90)
    assert [one.get("thread_ts") is None for one in slack.messages] == [True, False]


def test_webhooks(receiver: Receiver, address: Board) -> None:
    """One for each change, and one when nothing keeps failing any more."""
    address.report({"linux-1": "F S", "mac-1": "S S"})
    address.report({"linux-1": "F F S", "mac-1": "S S S"})
    address.report({"linux-1": "F F F S", "mac-1": "S S S S"})
    address.report({"linux-1": "F F F F", "mac-1": "F F S S"})
    address.report({"linux-1": "S F F F", "mac-1": "F F F S"})
    address.report({"linux-1": "S S F F", "mac-1": "S F F F"})

    told = [(one["type"], one["data"]["started"], one["data"]["stopped"]) for one in receiver.known.values()]
    assert told == [
        ("branch.failing", ["linux-1"], []),
        ("branch.failing", ["mac-1"], []),
        ("branch.failing", [], ["linux-1"]),
        ("branch.recovered", [], ["mac-1"]),
    ]
    first = receiver.heard[0]
    assert (first["system"], first["project"], first["branch"], first["url"]) == (*MAIN, LINK)
    assert [(one["AlertObject"], one["sha"], one["pushes"]) for one in first["failing"]] == [("linux-1", "r1", 2)]


def test_a_lost_answer_of_a_webhook(receiver: Receiver, address: Board) -> None:
    """The same id again, by which the receiver drops it; another content has another."""
    receiver.faults.append((0, {}, True))
    address.report({"linux-1": "F F S"})
    address.settle(40)
    assert (len(receiver.requests), len(receiver.heard)) == (2, 1)


@pytest.mark.parametrize("which", ["channel", "address"])
def test_a_silenced_job_is_not_told_of(
    request: pytest.FixtureRequest, slack: FakeSlack, receiver: Receiver, clock: Clock, which: str
) -> None:
    """Neither that it is silenced nor that it fails on; that it is well again is."""
    board: Board = request.getfixturevalue(which)
    told: Callable[[], int] = lambda: len(slack.messages) + len(receiver.heard)  # noqa: E731
    board.report({"linux-1": "F F S", "mac-1": "F F S"})
    board.store.branches.silence(MAIN, "mac-1", Silence("r1", "ann", clock()), clock())
    board.report()
    assert told() == 1
    board.report({"linux-1": "F F F S", "mac-1": "F F F S"})
    assert told() == 1
    board.report({"linux-1": "F F F F", "mac-1": "S F F F"})
    assert told() == 2
