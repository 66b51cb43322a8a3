"""A channel of a fake Slack."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.reported import plainly
from tests.fakes.slack import FakeSlack
from triggerbot.core.errors import CIUnavailable
from triggerbot.reports import PushReport
from triggerbot.reports.reporters.slack.reporter import SlackReporter

FAILING = {"test-linux": "OOO", "test-windows": "GGG"}


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """Serve a workspace."""
    with FakeSlack() as made:
        yield made


class Channel:
    """The reporter of one channel, with what it keeps beside a push."""

    def __init__(self, slack: FakeSlack, clock: Clock | None = None, *, always: bool = False) -> None:
        self.always = always
        self.slack = slack
        self.clock = clock or Clock()
        self.kept = ""
        self.known: list[str] = []
        self.reporter = self._open()

    def _open(self, token: str = FakeSlack.token) -> SlackReporter:
        name = f"slack:{self.slack.channel}"
        return SlackReporter(
            name, token, self.slack.channel, wants=lambda push: push.project == "try", url=self.slack.url,
            transport=plainly(), clock=self.clock, always=self.always,
        )  # fmt: skip

    def report(self, what: PushReport) -> None:
        """Report once, as the publisher does."""
        self.reporter.report(what, self.kept, self._keep)

    def settle(self, what: PushReport) -> None:
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


LOST = [
    {"status": 0}, {"status": 500, "answer": b"<html>"}, {"status": 502, "answer": b""}, {"answer": b"not json"},
    {"answer": []}, {"answer": {}}, {"error": "internal_error"}, {"error": "fatal_error"}, {"answer": {"ok": True}},
]  # fmt: skip
