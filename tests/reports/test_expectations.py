"""Reports of branches that are silent or heard of again, at a Slack and at an address, with faults of both."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.fakes.clock import Clock
from tests.fakes.receiver import Receiver
from tests.fakes.reported import logged, plainly
from tests.fakes.slack import FakeSlack
from tests.fakes.store_items import seen
from tests.fakes.world import event, push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.reports import Reporter
from triggerbot.reports.branches.expectations import Expectations
from triggerbot.reports.reporters.slack.reporter import SlackReporter
from triggerbot.reports.reporters.webhook.reporter import WebhookReporter
from triggerbot.store.factory import open_memory
from triggerbot.store.memory import Memory

HOUR = 3600.0
#: Markup, and a mention, in a branch's name.
BRANCH = "ma<in> @here `x`"


@dataclass
class Bench:
    """Replicas on one store, that expect something of a branch every 26 hours."""

    slack: FakeSlack
    receiver: Receiver
    clock: Clock
    memory: Memory = field(default_factory=Memory)
    metrics: Metrics = field(default_factory=Metrics)
    opened: list[Reporter] = field(default_factory=list)

    def start(self, *, dry: bool = False, branch: str = BRANCH) -> Expectations:
        """Start a replica."""
        slack = SlackReporter(
            "slack:1", FakeSlack.token, FakeSlack.channel, wants=lambda push: push.project == "try",
            url=self.slack.url, transport=plainly(), clock=self.clock,
        )  # fmt: skip
        webhook = WebhookReporter(
            "webhook:1", self.receiver.url, secret=Receiver.secret, wants=lambda push: push.branch == BRANCH,
            clock=self.clock, transport=plainly(),
        )  # fmt: skip
        self.opened += [slack, webhook]
        rules = [Rule(Globs(["try"]), Globs([branch]), expect=26 * HOUR)]
        return Expectations(
            open_memory(self.memory), rules, [slack, webhook], dry=dry, clock=self.clock, metrics=self.metrics
        )

    def hear(self) -> None:
        """Hear of a run."""
        one = seen(event("job", str(self.clock()), push=push(branch=BRANCH)))
        open_memory(self.memory).observe([one], self.clock(), dry=False)

    def pass_time(self, seconds: float, *replicas: Expectations, every: float = 60.0) -> None:
        """Let time pass, while the replicas work."""
        until = self.clock() + seconds
        while self.clock() < until:
            self.clock.move(min(every, until - self.clock()))
            self.slack.now = max(self.slack.now, int(self.clock()))
            for replica in replicas:
                while replica.step():
                    pass

    @property
    def said(self) -> list[str]:
        """What stands in the channel."""
        return [str(message["blocks"][0]["text"]["text"]) for message in self.slack.messages]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Have everything."""
    clock = Clock()
    with FakeSlack() as slack, Receiver(clock) as receiver:
        made = Bench(slack, receiver, clock)
        yield made
        for reporter in made.opened:
            reporter.close()


SILENT = "*Silent*: Nothing was heard of `try` `ma&lt;in&gt; @here 'x'` for 26 h, neither a push nor a run; something"


def test_silence_is_reported_once_and_its_end_once(bench: Bench) -> None:
    """By two replicas and over a restart; the first period after the installation is waited for."""
    first, second = bench.start(), bench.start()
    bench.pass_time(HOUR, first, second)
    bench.hear()
    bench.pass_time(25.9 * HOUR, first, second)
    assert bench.slack.messages == []
    bench.pass_time(0.2 * HOUR, first, second)
    third = bench.start()
    bench.pass_time(30 * HOUR, second, third)
    [silent] = bench.said
    assert silent.startswith(SILENT)

    bench.hear()
    bench.pass_time(HOUR, second, third)
    assert len(bench.said) == 2
    assert bench.said[1].startswith("*Heard again*: `try` `ma&lt;in&gt; @here 'x'` is heard of again, after 56.1 h")
    assert [one["type"] for one in bench.receiver.known.values()] == ["branch.silent", "branch.heard"]
    data, back = bench.receiver.heard
    assert (data["project"], data["branch"], data["expected_every"]) == ("try", BRANCH, 26 * 3600)
    assert data["seconds"] == pytest.approx(26 * HOUR, abs=120)
    assert back["since"] == data["since"]
    assert len(bench.receiver.requests) == 2
    bench.pass_time(24 * HOUR, second, third)
    assert len(bench.said) == 2


def test_in_a_fresh_installation_nothing_was_ever_heard(bench: Bench) -> None:
    """It says so."""
    bench.pass_time(26.1 * HOUR, bench.start())
    assert "for 26 h since it is expected, neither" in bench.said[0]
    assert bench.receiver.heard[0]["known"] is False


def test_an_answer_that_is_lost_repeats_nothing(bench: Bench) -> None:
    """Slack is looked at before anything is sent again; the webhook comes again under its id. Also after a crash."""
    bench.slack.fail("chat.postMessage", status=0, applied=True)
    bench.receiver.faults = [(0, {}, True), (503, {}, False)]
    bench.pass_time(26.05 * HOUR, bench.start())
    bench.pass_time(2 * HOUR, bench.start())
    assert len(bench.said) == 1
    assert len(bench.receiver.known) == 1
    assert len(bench.receiver.requests) == 3


def test_one_reporter_that_fails_does_not_hold_up_the_other(bench: Bench) -> None:
    """What it missed comes later, in order, and is given up after a day."""
    bench.slack.scopes.clear()
    replica = bench.start()
    bench.pass_time(26.1 * HOUR, replica)
    assert len(bench.receiver.known) == 1
    bench.hear()
    bench.slack.scopes |= {"chat:write", "channels:history"}
    bench.pass_time(HOUR, replica)
    assert [text.partition(":")[0] for text in bench.said] == ["*Silent*", "*Heard again*"]
    assert len(bench.receiver.requests) == 2

    bench.slack.scopes.clear()
    bench.pass_time(26.1 * HOUR, replica)
    bench.pass_time(25 * HOUR, replica, every=300.0)
    bench.slack.scopes |= {"chat:write", "channels:history"}
    bench.pass_time(HOUR, replica)
    assert len(bench.said) == 2


def test_a_dry_run_says_what_it_would_say(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """And sends nothing, then or later."""
    with logged() as lines:
        bench.pass_time(26.1 * HOUR, bench.start(dry=True))
    assert [line["report"] for line in lines if line["event"] == "report"] == ["slack:1", "webhook:1"]
    assert all(line["dry_run"] for line in lines if line["event"] == "report")
    assert next(line["sentence"] for line in lines if line["event"] == "report").startswith("Nothing was heard of try")
    assert [line["event"] for line in lines].count("branch.silent") == 1
    bench.pass_time(HOUR, bench.start())
    assert bench.slack.messages == []
    assert bench.receiver.requests == []


def test_what_came_while_no_daemon_ran_is_heard_of_first(bench: Bench) -> None:
    """After a long stop it is deaf for five minutes: the sweep has to come first."""
    bench.pass_time(HOUR, bench.start())
    bench.clock.move(100 * HOUR)
    replica = bench.start()
    bench.pass_time(240.0, replica)
    bench.hear()
    bench.pass_time(HOUR, replica)
    assert bench.slack.messages == []


def test_other_branches_are_reported_where_they_are_wanted(bench: Bench) -> None:
    """As pushes are."""
    bench.pass_time(26.1 * HOUR, bench.start(branch="other"))
    assert len(bench.said) == 1
    assert bench.receiver.requests == []


@pytest.mark.parametrize("crash", range(6))
def test_a_crash_at_any_write_repeats_nothing(bench: Bench, crash: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes it next finishes it."""
    replica = bench.start()
    bench.pass_time(25.9 * HOUR, replica)
    left = [crash]
    expectations = replica._store.expectations

    def dying(act: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object) -> object:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return act(*arguments)

        return wrapped

    for name in ("take", "keep", "told", "end"):
        monkeypatch.setattr(expectations, name, dying(getattr(expectations, name)), raising=False)
    with pytest.raises(KeyboardInterrupt):
        bench.pass_time(HOUR, replica)
    bench.pass_time(HOUR, bench.start())
    assert len(bench.said) == 1
    assert len(bench.receiver.known) == 1
