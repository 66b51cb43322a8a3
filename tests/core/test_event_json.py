"""The JSON of an event: what is read, what is written, and that nothing else than `NotUnderstood` is ever raised."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core import event_json
from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Event, Kind, Push, Result, State
from triggerbot.core.run_tests import FailingTest, RunTests

LEAST: dict[str, Any] = {
    "project": "try",
    "branch": "default",
    "revision": "abcdef1",
    "job": "linux-test",
    "run_id": "1",
    "state": "pending",
}


def told(**more: Any) -> bytes:
    """Write an event with these keys changed; `...` leaves one out."""
    return json.dumps({key: value for key, value in (LEAST | more).items() if value is not ...}).encode()


def test_the_documented_event_is_understood() -> None:
    """The example of the design, key by key."""
    heard = event_json.decode(
        told(
            system="ci", project="try", branch="try", revision="ABCDEF1234", job="linux-opt-mochitest-1",
            run_id="1234", attempt=1, state="finished", result="failure", kind="test", tier=1,
            author="a@example.org", message="try: --rebuild 5", time="2026-11-20T19:31:02Z",
            url="https://ci.example/1234", retrigger_of=None, pool="gecko-t/t-linux-large", step="run tests",
            failures=["test_a.py::test_b: AssertionError: 1 != 2"], something_new={"a": [1]},
        )
    )  # fmt: skip

    assert heard == Event(
        Push("ci", "try", "try", "abcdef1234"), "linux-opt-mochitest-1", "1234", State.FINISHED, Result.FAILURE,
        author="a@example.org", message="try: --rebuild 5", time=1795203062.0, url="https://ci.example/1234",
        pool="gecko-t/t-linux-large", step="run tests", failures=("test_a.py::test_b: AssertionError: 1 != 2",),
    )  # fmt: skip


def test_what_made_the_ci_run_it_is_read_and_written() -> None:
    """And left open where the CI does not say."""
    heard = event_json.decode(told(event="pull_request"))
    assert heard.event == "pull_request"
    assert event_json.encode(heard)["event"] == "pull_request"
    assert event_json.decode(told(event=None)).event is event_json.decode(told(event="")).event is None


def test_what_a_push_is_based_on_is_read_and_written() -> None:
    """In lower case; what is no revision is named."""
    heard = event_json.decode(told(base="ABCDEF1", parents=["ABCDEF1", "beef" * 10]))
    assert (heard.base, heard.parents) == ("abcdef1", ("abcdef1", "beef" * 10))
    assert event_json.from_json(event_json.encode(heard)) == heard
    assert event_json.decode(told(base=None, parents=None)) == event_json.decode(told(base="", parents=[]))
    for key, value in (("base", "main"), ("parents", ["main"])):
        with pytest.raises(NotUnderstood, match=key):
            event_json.decode(told(**{key: value}))


def test_the_least_event_has_defaults() -> None:
    """Six keys are enough."""
    assert event_json.decode(told()) == Event(Push("", "try", "default", "abcdef1"), "linux-test", "1", State.PENDING)


@pytest.mark.parametrize("key", sorted(LEAST))
@pytest.mark.parametrize("value", [..., None, "", {}, [], True, 1.5, "\0", "x" * 2001])
def test_a_required_key_that_is_missing_or_wrong_is_named(key: str, value: Any) -> None:
    """Whatever is wrong with a required key, the message names it."""
    with pytest.raises(NotUnderstood, match=key):
        event_json.decode(told(**{key: value}))


@pytest.mark.parametrize("revision", ["abcdef", "g" * 40, "a" * 65, " abcdef1", "abcdef1\n", "١٢٣٤٥٦٧", "../../etc"])
def test_a_revision_is_7_to_64_hexadecimal_digits(revision: str) -> None:
    """Nothing else gets into a URL."""
    with pytest.raises(NotUnderstood, match="revision"):
        event_json.decode(told(revision=revision))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attempt", -1), ("attempt", 2**31), ("attempt", "1"), ("attempt", 1.5), ("tier", -1), ("tier", 2**63),
        ("kind", "tests"), ("result", "ok"), ("state", "queued"), ("failures", "one"), ("failures", [1]),
        ("time", "yesterday"), ("time", "2026-13-01T00:00:00Z"), ("time", -1), ("time", 1e300), ("time", []),
        ("author", 1), ("message", []), ("url", {}), ("pool", 7), ("step", False), ("retrigger_of", 1),
    ],
)  # fmt: skip
def test_an_optional_key_that_is_wrong_is_named(key: str, value: Any) -> None:
    """A wrong type or range is never guessed at."""
    with pytest.raises(NotUnderstood, match=key):
        event_json.decode(told(**{key: value}))


def test_a_finished_run_needs_a_result() -> None:
    """Without one nobody knows what the run came to."""
    with pytest.raises(NotUnderstood, match="result"):
        event_json.decode(told(state="finished"))


def test_a_run_that_is_not_finished_has_no_result() -> None:
    """A result beside `running` says nothing yet."""
    assert event_json.decode(told(state="running", result="failure")).result is None


def test_the_system_that_delivered_goes_before_what_the_event_says() -> None:
    """A webhook of one system cannot speak for another."""
    assert event_json.decode(told(system="other"), "ci").push.system == "ci"


@pytest.mark.parametrize(("run_id", "read"), [(7, "7"), ("7", "7"), (-7, "-7"), (2**64, str(2**64)), ("é", "é")])
def test_a_run_id_is_a_text_or_a_whole_number(run_id: Any, read: str) -> None:
    """Many CIs number their runs."""
    assert event_json.decode(told(run_id=run_id)).run_id == read


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-20T19:31:02Z", 1795203062.0),
        ("2026-11-20T19:31:02", 1795203062.0),
        ("2026-11-20T20:31:02+01:00", 1795203062.0),
        ("2026-11-20T19:31:02.500Z", 1795203062.5),
        (1795203062, 1795203062.0),
        (0, 0.0),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_in_utc(text: str | float | None, seconds: float | None) -> None:
    """A zone is honoured; without one it is UTC, wherever the machine is."""
    assert event_json.parse_time(text) == seconds


def test_long_texts_are_cut_or_refused() -> None:
    """A hostile event cannot fill the store."""
    heard = event_json.decode(told(url="u" * 9999, pool="p" * 9999, failures=["x" * 9999] * 999))

    assert (len(heard.url or ""), len(heard.pool or "")) == (2000, 2000)
    assert (len(heard.failures), len(heard.failures[0])) == (50, 2000)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"project":[', b'[{"x":'])
def test_deep_nesting_is_not_understood(opening: bytes) -> None:
    """A hundred thousand levels end neither the thread nor the process."""
    for body in (opening * 100_000, told()[:-1] + b',"unknown":' + b"[" * 100_000 + b"]" * 100_000 + b"}"):
        with pytest.raises(NotUnderstood):
            event_json.decode(body)


NAMES = st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text)
TIMES = st.integers(0, 94_999_999_999).map(float)
MAYBE = st.none() | st.text(min_size=1, max_size=40)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event as `decode` makes them."""
    state = draw(st.sampled_from(State))
    time = draw(st.none() | TIMES)
    return Event(
        push=Push(
            draw(st.text(max_size=10)), draw(NAMES), draw(NAMES),
            draw(st.text("0123456789abcdef", min_size=7, max_size=64)),
        ),
        job=draw(NAMES), run_id=draw(NAMES), state=state,
        result=draw(st.sampled_from(Result)) if state is State.FINISHED else None,
        attempt=draw(st.integers(0, 2**31 - 1)), kind=draw(st.sampled_from(Kind)), tier=draw(st.integers(0, 9)),
        author=draw(st.none() | st.text()), message=draw(st.none() | st.text()),
        time=time,
        url=draw(MAYBE), retrigger_of=draw(MAYBE), pool=draw(MAYBE), step=draw(MAYBE),
        failures=tuple(draw(st.lists(st.text(), max_size=4))),
        # A run that runs came into its state by beginning.
        started=draw(TIMES if state is State.RUNNING and time is not None else st.none() | TIMES),
    )  # fmt: skip


@given(events())
def test_what_is_written_is_read(heard: Event) -> None:
    """An event survives being written as JSON and read again."""
    assert event_json.from_json(event_json.encode(heard)) == heard
    assert event_json.decode(json.dumps(event_json.encode(heard))) == heard
    assert event_json.decode(msgspec.json.encode(event_json.encode(heard))) == heard


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
KEYS = [*LEAST, "system", "attempt", "result", "kind", "tier", "author", "message", "time", "url", "retrigger_of",
        "pool", "step", "failures"]  # fmt: skip


@given(st.binary() | st.text() | JSON.map(json.dumps))
def test_any_bytes_are_an_event_or_not_understood(body: bytes | str) -> None:
    """Nothing else than `NotUnderstood` comes out, whatever goes in."""
    try:
        heard = event_json.decode(body)
    except NotUnderstood:
        return
    assert isinstance(heard, Event)


@given(st.dictionaries(st.sampled_from(KEYS), JSON | st.text(), max_size=4))
def test_any_change_of_an_event_is_an_event_or_not_understood(changes: dict[str, Any]) -> None:
    """Single keys with anything in them, read both ways, come to the same."""
    ends = []
    for read in (lambda: event_json.from_json(LEAST | changes), lambda: event_json.decode(json.dumps(LEAST | changes))):
        try:
            ends.append(read())
        except NotUnderstood:
            ends.append(None)

    assert ends[0] == ends[1]


@given(st.binary(max_size=8), st.integers(0, 400))
def test_a_damaged_event_is_an_event_or_not_understood(noise: bytes, place: int) -> None:
    """Bytes thrown into the middle of a good event raise nothing else."""
    body = told(state="finished", result="failure", time="2026-11-20T19:31:02Z", failures=["a", "b"])
    try:
        event_json.decode(body[:place] + noise + body[place + len(noise) // 2 :])
    except NotUnderstood:
        return


def test_what_is_allowed_to_fail_is_told_as_such() -> None:
    """It is not, unless the event says so."""
    body = {"project": "p", "branch": "b", "revision": "abcdef1", "job": "j", "run_id": 1, "state": "running"}

    assert event_json.from_json({**body, "allowed_to_fail": True}).allowed_to_fail
    assert event_json.encode(event_json.from_json({**body, "allowed_to_fail": True}))["allowed_to_fail"] is True
    assert not any(event_json.from_json({**body, **more}).allowed_to_fail for more in ({}, {"allowed_to_fail": None}))
    with pytest.raises(NotUnderstood, match="allowed_to_fail"):
        event_json.from_json({**body, "allowed_to_fail": "yes"})


FAILING = {"id": "test_a.py::test_b[a b]", "line": "AssertionError: 1 != 2"}
TESTS = {"passed": 3, "failed": 1, "errors": 0, "skipped": 2, "seconds": 71.6, "failing": [FAILING]}


def test_the_tests_of_a_run_are_read_and_written() -> None:
    """Key by key; what is left out is none, and an error is a failing test, too."""
    failing = (FailingTest(FAILING["id"], FAILING["line"]),)
    heard = event_json.decode(told(tests=TESTS))
    assert heard.tests == RunTests(3, 1, 0, 2, 71.6, failing)
    assert event_json.encode(heard)["tests"] == TESTS
    assert event_json.from_json(event_json.encode(heard)) == heard
    assert event_json.decode(told(tests=None)).tests is event_json.decode(told()).tests is None
    assert event_json.decode(told(tests={})).tests == RunTests()
    assert event_json.decode(told(tests={"failing": [FAILING]})).tests == RunTests(failed=1, failing=failing)
    assert event_json.decode(told(tests={"errors": 1, "failing": [FAILING]})).tests == RunTests(
        errors=1, failing=failing
    )


def test_failures_of_one_test_are_counted_and_listed_once() -> None:
    """It may be said, or each of them be listed."""
    told_so = event_json.decode(told(tests={"failed": 2, "errors": 1, "repeated": 2, "failing": [FAILING]}))
    listed = event_json.decode(told(tests={"failed": 2, "errors": 1, "failing": [FAILING] * 3}))
    assert told_so.tests == listed.tests
    assert told_so.tests is not None
    assert (told_so.tests.unlisted, len(told_so.tests.failing)) == (0, 1)
    assert event_json.encode(told_so)["tests"]["repeated"] == 2
    assert event_json.from_json(event_json.encode(told_so)) == told_so


def test_a_failing_test_gives_a_failure_line() -> None:
    """Where the event tells no others."""
    line = "test_a.py::test_b[a b]: AssertionError: 1 != 2"
    assert event_json.decode(told(tests=TESTS)).failures == (line,)
    assert event_json.decode(told(tests=TESTS, failures=["other"])).failures == ("other",)
    assert event_json.decode(told(tests={"failing": [{"id": "a"}]})).failures == ("a",)


def test_more_failing_tests_than_are_kept_stay_counted() -> None:
    """1,000 of them, and 2,000 characters of a line."""
    many = [{"id": f"t{number}", "line": "x" * 3000} for number in range(1500)]
    tests = event_json.decode(told(tests={"passed": 1, "failed": 1400, "errors": 100, "failing": many})).tests
    assert tests is not None
    assert (tests.failed, tests.errors, len(tests.failing), tests.unlisted) == (1400, 100, 1000, 500)
    assert {len(one.line) for one in tests.failing} == {2000}
    assert len(event_json.decode(told(tests={"failing": [FAILING] * 5})).tests.failing) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "tests",
    [
        [], "1 failed", 1, {"passed": -1}, {"failed": "1"}, {"errors": 2**31}, {"skipped": 1.5}, {"seconds": -1},
        {"repeated": -1},
        {"seconds": "1 s"}, {"failing": {}}, {"failing": ["test_a"]}, {"failing": [{}]}, {"failing": [{"id": ""}]},
        {"failing": [{"id": 1}]}, {"failing": [{"id": "a", "line": ["b"]}]},
    ],
)  # fmt: skip
def test_tests_that_are_wrong_are_named(tests: Any) -> None:
    """With the place."""
    with pytest.raises(NotUnderstood, match=r"\$\.tests"):
        event_json.decode(told(tests=tests))
