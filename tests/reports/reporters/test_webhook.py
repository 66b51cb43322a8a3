"""The plain webhook: signed, whenever what a push says has changed, at least once and known again."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fakes.clock import Clock
from tests.fakes.receiver import Receiver
from tests.fakes.reported import PUSH, logged, plainly, told
from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.core.model import Push
from triggerbot.core.run_tests import FailingTest, RunTests
from triggerbot.core.verdict import health, verdict
from triggerbot.reports import PushReport, push_json
from triggerbot.reports.reporters.webhook.reporter import BODY_MAX, WebhookReporter


@pytest.fixture
def clock() -> Clock:
    """Stand still."""
    return Clock()


@pytest.fixture
def receiver(clock: Clock) -> Iterator[Receiver]:
    """Listen."""
    with Receiver(clock) as made:
        yield made


class Sender:
    """The reporter of one address, with what it keeps beside a push."""

    def __init__(self, url: str, clock: Clock, secret: str | None = Receiver.secret) -> None:
        self.clock = clock
        self.kept = ""
        self.reporter = WebhookReporter(
            "webhook:1", url, secret=secret, wants=lambda push: push.project == "try", clock=clock, transport=plainly()
        )

    def report(self, what: PushReport) -> None:
        """Report once, as the publisher does."""
        self.reporter.report(what, self.kept, self._keep)

    def _keep(self, value: str) -> None:
        self.kept = value


@pytest.fixture
def make_sender(clock: Clock) -> Iterator[Callable[..., Sender]]:
    """Make senders, closed at the end."""
    made: list[Sender] = []

    def make(url: str, secret: str | None = Receiver.secret) -> Sender:
        made.append(Sender(url, clock, secret))
        return made[-1]

    yield make
    for sender in made:
        sender.reporter.close()


@pytest.fixture
def sender(receiver: Receiver, make_sender: Callable[..., Sender]) -> Sender:
    """Send to the receiver."""
    return make_sender(receiver.url)


def test_what_is_sent_is_what_the_api_says(sender: Sender, receiver: Receiver, clock: Clock) -> None:
    """In the envelope of Standard Webhooks, signed so that a receiver can verify it, at the very address."""
    what = told({"a": "OO", "b": "G"})
    sender.report(what)

    ((path, headers, body),) = receiver.requests
    assert path == "/hooks/triggerbot/?key=canary-key"
    assert headers["content-type"] == "application/json"
    assert headers["webhook-timestamp"] == str(int(clock.now))
    assert json.loads(body) == {"type": "push.judged", "timestamp": "2026-11-20T19:30:00Z", "data": dict(what.value)}
    assert list(receiver.known) == [headers["webhook-id"]]


def test_without_a_secret_it_is_not_signed(receiver: Receiver, make_sender: Callable[..., Sender]) -> None:
    """It has its id all the same."""
    make_sender(receiver.origin, None).report(told({"a": "G"}))

    ((path, headers, _),) = receiver.requests
    assert path == "/"
    assert "webhook-signature" not in headers
    assert headers["webhook-id"].startswith("msg_")


def test_it_is_sent_when_what_it_says_has_changed(sender: Sender, receiver: Receiver) -> None:
    """Not for every run: a retrigger that fails as well, or that begins, changes no verdict."""
    for letters in ("O", "O.", "O..", "OO.", "OOO", "OOO", "OOOO", "OOOOG", "OOOOGG"):
        sender.report(told({"a": letters}))

    assert [(one["health"], one["jobs"][0]["verdict"]) for one in receiver.heard] == [
        ("failing", "failed"), ("pending", "pending"), ("failing", "failed"), ("good", "intermittent"),
    ]  # fmt: skip
    assert len(receiver.requests) == 4


@pytest.mark.parametrize("taken", [True, False], ids=["arrived", "lost"])
@pytest.mark.parametrize("status", [0, 500, 502, 503, 429, 408])
def test_a_repeated_try_has_the_same_id(sender: Sender, receiver: Receiver, status: int, taken: bool) -> None:
    """The receiver drops it, if it knows it; the time that is signed is that of the try."""
    receiver.faults = [(status, {}, taken)]
    with pytest.raises(CIUnavailable):
        sender.report(told({"a": "O"}))
    sender.clock.move(400.0)
    sender.report(told({"a": "O"}))
    sender.report(told({"a": "O"}))

    first, second = receiver.requests
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert first[1]["webhook-timestamp"] != second[1]["webhook-timestamp"]
    assert first[2] == second[2]
    assert len(receiver.known) == 1


def test_what_is_said_again_after_something_else_has_another_id(sender: Sender, receiver: Receiver) -> None:
    """Otherwise a receiver would drop it and be left with what no longer holds, also where an answer was lost."""
    sender.report(told({"a": "O"}))
    receiver.faults = [(0, {}, True)]
    with pytest.raises(CIUnavailable):
        sender.report(told({"a": "O."}))
    sender.report(told({"a": "O"}))

    assert [one["health"] for one in receiver.heard] == ["failing", "pending", "failing"]
    assert len(receiver.known) == 3


def test_the_newest_is_sent_after_an_outage(sender: Sender, receiver: Receiver) -> None:
    """What was meanwhile is of no use to anybody."""
    receiver.faults = [(503, {"retry-after": "30"}, False)] * 3
    for letters in ("O", "O.", "OO"):
        with pytest.raises(CIUnavailable) as caught:
            sender.report(told({"a": letters}))
        assert caught.value.after == 30.0
    sender.report(told({"a": "OG"}))

    assert [one["health"] for one in receiver.heard] == ["good"]


def test_different_pushes_and_addresses_have_different_ids(
    receiver: Receiver, make_sender: Callable[..., Sender]
) -> None:
    """Whoever gathers several at one place loses none."""
    make_sender(receiver.url).report(told({"a": "O"}))
    make_sender(receiver.url).report(told({"a": "O"}, push=Push("ci", "try", "try", "1234567")))

    assert len(receiver.known) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_has_to_be_mended(sender: Sender, receiver: Receiver, status: int) -> None:
    """It is sent again then."""
    receiver.faults = [(status, {}, False)]
    with pytest.raises(CIDenied, match=f"HTTP {status}"):
        sender.report(told({"a": "O"}))
    sender.report(told({"a": "O"}))

    assert len(receiver.known) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(sender: Sender, receiver: Receiver, status: int) -> None:
    """It could carry what is told elsewhere."""
    receiver.faults = [(status, {"location": f"{receiver.origin}/elsewhere"}, False)]
    with pytest.raises(CIDenied, match="redirect"):
        sender.report(told({"a": "O"}))

    assert len(receiver.requests) == 1


def test_a_receiver_can_ask_for_no_more(sender: Sender, receiver: Receiver) -> None:
    """By 410, as Standard Webhooks say; that is logged once."""
    receiver.faults = [(410, {}, False)]
    with logged() as logs:
        for letters in ("O", "OG"):
            sender.report(told({"a": letters}))

    assert len(receiver.requests) == 1
    assert [line["event"] for line in logs] == ["webhook.stopped"]


def test_429_says_how_long(sender: Sender, receiver: Receiver) -> None:
    """And that the receiver is well."""
    receiver.faults = [(429, {"retry-after": "7"}, False)]
    with pytest.raises(CIUnavailable) as caught:
        sender.report(told({"a": "O"}))

    assert (caught.value.after, caught.value.healthy) == (7.0, True)


def test_an_address_is_not_told(make_sender: Callable[..., Sender], receiver: Receiver) -> None:
    """It may be as good as a password."""
    sender = make_sender("http://127.0.0.1:1/services/canary-path?key=canary-key")
    with pytest.raises(CIUnavailable) as caught:
        sender.report(told({"a": "O"}))

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("status", [404, 429, 500])
def test_an_address_that_an_error_repeats_is_not_told(sender: Sender, receiver: Receiver, status: int) -> None:
    """Many servers say what they did not find."""
    receiver.error = "The requested URL {path} was not found on this server: no /hooks/triggerbot/ here"
    receiver.faults = [(status, {}, False)]
    with pytest.raises((CIDenied, CIUnavailable), match=f"HTTP {status}.*was not found") as caught:
        sender.report(told({"a": "O"}))

    assert "canary" not in str(caught.value)
    assert "hooks/triggerbot" not in str(caught.value)


def test_a_reporter_wants_what_it_is_told_to(sender: Sender) -> None:
    """By the config's projects and branches."""
    assert sender.reporter.wants(PUSH)
    assert not sender.reporter.wants(Push("ci", "other", "main", "abcdef1"))


def test_5000_jobs_that_passed_make_room_for_what_failed(sender: Sender, receiver: Receiver) -> None:
    """Whatever is left out is counted."""
    jobs = {f"ok{number}": "G" for number in range(5000)} | {
        f"bad{number}": "OG"[: number % 2 + 1] for number in range(50)
    }
    sender.report(told(jobs, lines={"bad0": "AssertionError"}))

    ((_, _, body),) = receiver.requests
    (data,) = receiver.heard
    assert BODY_MAX // 2 < len(body) <= BODY_MAX
    assert {job["job"] for job in data["jobs"]} >= {f"bad{number}" for number in range(50)}
    assert data["jobs_left_out"] + len(data["jobs"]) == 5050


@pytest.mark.slow
def test_5000_failing_jobs_fit(sender: Sender, receiver: Receiver) -> None:
    """Even with hostile lines."""
    jobs = {f"test-{'x' * 900}-{number}": "O" for number in range(5000)}
    sender.report(told(jobs, lines=dict.fromkeys(jobs, "\x01" * 300), message="\x01" * 900_000, author="a" * 900_000))

    ((_, _, body),) = receiver.requests
    (data,) = receiver.heard
    assert len(body) <= BODY_MAX
    assert (data["health"], data["revision"]) == ("failing", PUSH.revision)
    assert data["jobs"]
    assert data["jobs_left_out"] + len(data["jobs"]) == 5000


LETTERS = st.text(alphabet="OG.", min_size=1, max_size=3)


@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(LETTERS, st.sampled_from([204, 204, 0, 500])), min_size=1, max_size=8))
def test_the_receiver_ends_up_with_the_newest(clock: Clock, receiver: Receiver, steps: list[tuple[str, int]]) -> None:
    """Whatever was lost, and however often it changed back and forth."""
    receiver.known.clear()
    receiver.requests.clear()
    sender = Sender(receiver.url, clock)
    for letters, status in steps:
        receiver.faults = [(status, {}, True)]
        try:
            sender.report(told({"a": letters}))
        except CIUnavailable:
            continue
    receiver.faults = []
    last = told({"a": steps[-1][0]})
    sender.report(last)
    sender.reporter.close()

    newest: Mapping[str, object] = receiver.heard[-1]
    assert (newest["health"], newest["final"]) == (last.value["health"], last.value["final"])


def test_what_the_base_says_is_news(make_sender: Callable[..., Sender], receiver: Receiver) -> None:
    """The job failed before and fails now; but since then it is known to pass on the base."""
    sender = make_sender(receiver.url)
    for fresh in ((), (), ("job",), ("job",)):
        sender.report(told({"job": "OO"}, fresh=fresh))
    assert len(receiver.requests) == 2


def test_jobs_with_many_failing_tests_fit(sender: Sender, receiver: Receiver) -> None:
    """The tests are counted, and no job is left out for the list of them."""
    failing = tuple(FailingTest(f"t.py::t{number}", "x" * 2000) for number in range(1000))
    what = told({"a": "OO", "b": "O"})
    jobs = tuple(
        replace(job, runs=tuple(replace(run, tests=RunTests(1, 1000, failing=failing)) for run in job.runs))
        for job in what.record.jobs
    )
    judged = health.of_push(verdict.of_job(job.job, job.runs, ()) for job in jobs)
    record = replace(what.record, jobs=jobs)
    sender.report(replace(what, record=record, judged=judged, value=push_json.push(record, judged)))

    (data,) = receiver.heard
    assert (data["jobs_left_out"], {job["job"] for job in data["jobs"]}) == (0, {"a", "b"})
    assert {(run["tests"]["failed"], len(run["tests"]["failing"])) for job in data["jobs"] for run in job["runs"]} == {
        (1000, 0)
    }
