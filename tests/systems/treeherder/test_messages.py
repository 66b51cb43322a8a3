"""Treeherder: its job messages."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.systems.treeherder.jobs import PUSH, REVISION, SLUG, TASK, message
from triggerbot.core.errors import NotUnderstood, Unauthenticated
from triggerbot.core.model import Event, Kind, Result, State
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.system import Treeherder


def parsed(**more: Any) -> Event:
    """Read a job message."""
    (event,) = Treeherder(TreeherderJobs("th", "https://th.example"), through=None).parse_message("e", message(**more))
    assert isinstance(event, Event)
    return event


def test_a_job_message_says_everything() -> None:
    """Its task id is Taskcluster's, so that both speak of the same run."""
    event = parsed()
    assert (event.push, event.job, event.run_id, event.attempt) == (PUSH, "test-linux/opt-mochitest-1", SLUG, 1)
    assert (event.state, event.result, event.kind, event.tier) == (State.FINISHED, Result.SUCCESS, Kind.TEST, 1)
    assert event.time == 1740640002.0
    # Whoever owns the task need not be the push's author.
    assert event.author is None
    assert event.url == f"https://th.example/jobs?repo=try&revision={REVISION}&selectedTaskRun={SLUG}.0"


@pytest.mark.parametrize(
    ("more", "state", "result"),
    [
        ({"result": "fail"}, State.FINISHED, Result.FAILURE),
        ({"result": "fail", "jobKind": "build"}, State.FINISHED, Result.BUSTED),
        ({"result": "fail", "jobKind": "other"}, State.FINISHED, Result.BUSTED),
        ({"result": "exception"}, State.FINISHED, Result.INFRA),
        ({"result": "canceled"}, State.FINISHED, Result.CANCELLED),
        ({"result": "superseded"}, State.FINISHED, Result.SKIPPED),
        ({"result": "unknown"}, State.FINISHED, Result.UNKNOWN),
        ({"result": "retry"}, State.FINISHED, Result.RETRY),
        ({"result": "fail", "isRetried": True}, State.FINISHED, Result.RETRY),
        ({"state": "running", "result": "unknown"}, State.RUNNING, None),
        ({"state": "pending", "result": None}, State.PENDING, None),
    ],
)
def test_states_and_results(more: dict[str, Any], state: State, result: Result | None) -> None:
    """Treeherder's terms are mapped to ours."""
    event = parsed(**more)
    assert (event.state, event.result) == (state, result)


def test_a_task_that_is_only_defined_is_no_run() -> None:
    """It may never run: what it needs may fail, or be cancelled."""
    system = Treeherder(TreeherderJobs("th", "https://th.example"), through=None)
    assert system.parse_message("e", message(state="unscheduled", result=None)) == ()


@pytest.mark.parametrize(
    ("more", "run_id", "attempt"),
    [
        ({"taskId": f"{TASK}/3"}, SLUG, 4),
        ({"taskId": str(TASK), "retryId": 2}, SLUG, 3),
        ({"taskId": "abc123", "retryId": 1}, "abc123", 2),
        ({"taskId": "abc/def"}, "abc/def", 1),
    ],
)
def test_runs(more: dict[str, Any], run_id: str, attempt: int) -> None:
    """A job's id with or without its run, of Taskcluster or not."""
    event = parsed(**more)
    assert (event.run_id, event.attempt) == (run_id, attempt)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"version": 2}, "version"),
        ({"state": "asleep"}, "state"),
        ({"result": "odd"}, "result"),
        ({"origin": {"project": "try", "revision": "../.."}}, "revision"),
        ({"origin": {"project": "try"}}, "revision"),
        ({"display": {"jobName": ""}}, "jobName"),
        ({"retryId": -1}, "negative"),
    ],
)
def test_what_is_not_understood_is_named(more: dict[str, Any], words: str) -> None:
    """The key that is wrong."""
    with pytest.raises(NotUnderstood, match=words):
        parsed(**more)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


_VALID = json.loads(message())


@given(st.dictionaries(st.sampled_from(sorted(_VALID)), JSON) | JSON | st.binary())
def test_anything_gives_an_event_or_a_clear_no(value: Any) -> None:
    """Any JSON at all, and a valid message with any values in it."""
    system = Treeherder(TreeherderJobs("th", "https://th.example"), through=None)
    bodies = [value] if isinstance(value, bytes) else [json.dumps(value).encode()]
    if isinstance(value, dict):
        bodies.append(json.dumps({**_VALID, **value}).encode())
    for body in bodies:
        try:
            found = system.parse_message("e", body)
        except NotUnderstood:
            continue
        assert all(isinstance(one, Event) for one in found)


def test_it_sends_no_webhooks() -> None:
    """The error says where its messages come from."""
    system = Treeherder(TreeherderJobs("th", "https://th.example"), through=None)
    with pytest.raises(Unauthenticated, match="AMQP"):
        system.verify({}, b"", 0.0)
