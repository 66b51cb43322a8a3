"""Messages of the queue: read by the run that they are about, whatever else they contain."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.taskcluster import FakeTaskcluster
from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Group, Kind, Lead, Result, State
from triggerbot.systems.taskcluster.messages import EXCHANGES, kind_of, parse

TASK, GROUP = "f8fRfedPSp2-A7M9Zhxe-Q", "eW36sOvMTV6vM-XphAs07Q"


def body(*runs: dict[str, Any], number: int = 0, **more: Any) -> bytes:
    """Return a message about one run of several."""
    message = {
        "version": 1, "runId": number, "status": {
            "taskId": TASK, "taskGroupId": GROUP, "state": runs[-1]["state"] if runs else "pending",
            "runs": [{"runId": one, "reasonCreated": "scheduled", **run} for one, run in enumerate(runs)],
        }, **more,
    }  # fmt: skip
    return json.dumps(message).encode()


def read(kind: str, *runs: dict[str, Any], **more: Any) -> Lead:
    """Read a message that gives a lead."""
    (lead,) = parse("fx", f"{EXCHANGES}{kind}", body(*runs, **more))
    return lead


def test_what_a_lead_says() -> None:
    """The run with its task and group, its state, and its time."""
    lead = read(
        "failed", {"state": "failed", "resolved": "2026-11-20T19:31:02.569Z", "scheduled": "2026-11-20T19:00:00Z"}
    )
    assert lead == Lead(Group("fx", GROUP), TASK, State.FINISHED, Result.FAILURE, 1, lead.time)
    assert lead.time == pytest.approx(1795203062.569)


@pytest.mark.parametrize(
    ("run", "result"),
    [
        ({"state": "completed"}, Result.SUCCESS),
        ({"state": "failed"}, Result.FAILURE),
        ({"state": "exception", "reasonResolved": "canceled"}, Result.CANCELLED),
        ({"state": "exception", "reasonResolved": "superseded"}, Result.SKIPPED),
        ({"state": "exception", "reasonResolved": "deadline-exceeded"}, Result.TIMED_OUT),
        ({"state": "exception", "reasonResolved": "malformed-payload"}, Result.INFRA),
        ({"state": "exception", "reasonResolved": "worker-shutdown"}, Result.INFRA),
        ({"state": "exception", "reasonResolved": "something new"}, Result.INFRA),
    ],
)
def test_results(run: dict[str, Any], result: Result) -> None:
    """The results of a task's last run."""
    assert read(str(run["state"]), run).result is result


@pytest.mark.parametrize("reason", ["claim-expired", "worker-shutdown", "intermittent-task"])
def test_a_run_that_the_queue_repeats_is_a_retry(reason: str) -> None:
    """Both messages carry the status of the task, which is pending: only the run tells them apart."""
    runs = ({"state": "exception", "reasonResolved": reason}, {"state": "pending", "reasonCreated": "retry"})
    first, second = read("exception", *runs), read("pending", *runs, number=1)
    assert (first.state, first.result, first.attempt) == (State.FINISHED, Result.RETRY, 1)
    assert (second.state, second.result, second.attempt) == (State.PENDING, None, 2)


def test_a_build_that_failed_is_busted() -> None:
    """If the message shows that it is a build."""
    run = {"state": "failed"}
    assert read("failed", run, task={"tags": {"kind": "build"}}).result is Result.BUSTED
    assert read("failed", run, task={"tags": {"kind": "test"}}).result is Result.FAILURE
    assert read("failed", run, task={"tags": {}}).result is Result.FAILURE


@pytest.mark.parametrize(
    ("reason", "result"),
    [("canceled", Result.CANCELLED), ("deadline-exceeded", Result.SKIPPED), ("something new", Result.SKIPPED)],
)
def test_a_task_of_which_nothing_ever_ran(reason: str, result: Result) -> None:
    """The queue makes a run only to say how the task ended; it ends what may be known as pending."""
    lead = read("exception", {"state": "exception", "reasonCreated": "exception", "reasonResolved": reason})
    assert (lead.state, lead.result, lead.attempt) == (State.FINISHED, result, 1)


@pytest.mark.parametrize("reason", ["claim-expired", "worker-shutdown", "intermittent-task"])
def test_a_run_that_a_person_repeats_is_no_retry(reason: str) -> None:
    """Only what the queue runs again by itself is one."""
    runs = ({"state": "exception", "reasonResolved": reason}, {"state": "pending", "reasonCreated": "rerun"})
    assert read("exception", *runs).result is Result.INFRA
    assert read("failed", {"state": "failed"}, runs[1]).result is Result.FAILURE


@pytest.mark.parametrize("kind", ["defined", "group-resolved", "group-sealed", "priority-changed"])
def test_what_says_nothing_of_a_run(kind: str) -> None:
    """Such a message is ignored, whatever its content."""
    assert parse("fx", f"{EXCHANGES}{kind}", b"{}") == ()


@pytest.mark.parametrize(
    ("exchange", "raw", "words"),
    [
        ("exchange/somebody/v1/task-failed", body({"state": "failed"}), "none of Taskcluster's"),
        (f"{EXCHANGES}exploded", body({"state": "failed"}), "not known"),
        (f"{EXCHANGES}failed", b"no json", "JSON|invalid|malformed"),
        (f"{EXCHANGES}failed", body({"state": "failed"}, number=3), "runId"),
        (f"{EXCHANGES}failed", body({"state": "failed"}, number=-1), "runId"),
        (f"{EXCHANGES}failed", body({"state": "asleep"}), "asleep"),
        (f"{EXCHANGES}failed", body({"state": "failed"}).replace(TASK.encode(), b"../../../x"), "slugid"),
        (f"{EXCHANGES}failed", body({"state": "failed"}).replace(GROUP.encode(), b"%2e"), "slugid"),
    ],
)
def test_what_is_not_understood(exchange: str, raw: bytes, words: str) -> None:
    """Foreign exchanges, foreign ids, and missing runs."""
    with pytest.raises(NotUnderstood, match=words):
        parse("fx", exchange, raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_GOOD = json.loads(body({"state": "failed", "reasonResolved": "failed", "resolved": "2026-11-20T19:31:02.569Z"}))


@given(
    value=JSON | st.binary(),
    place=st.sampled_from(
        [
            (),
            ("status",),
            ("status", "runs"),
            ("status", "runs", 0),
            ("status", "runs", 0, "state"),
            ("runId",),
            ("task",),
            ("status", "runs", 0, "resolved"),
            ("status", "taskId"),
        ]
    ),
    kind=st.sampled_from(["pending", "running", "completed", "failed", "exception"]),
)
def test_anything_is_a_lead_nothing_or_a_clear_no(value: Any, place: tuple[Any, ...], kind: str) -> None:
    """Any JSON at all, alone and in any place of a valid message; and invalid JSON."""
    if isinstance(value, bytes):
        raw = value
    elif not place:
        raw = json.dumps(value).encode()
    else:
        message = json.loads(json.dumps(_GOOD))
        at = message
        for key in place[:-1]:
            at = at[key]
        at[place[-1]] = value
        raw = json.dumps(message).encode()
    try:
        parsed = parse("fx", f"{EXCHANGES}{kind}", raw)
    except NotUnderstood:
        return
    assert all(isinstance(one, Lead) for one in parsed)


@pytest.mark.parametrize(
    ("treeherder", "tag", "kind"),
    [
        ("test", "build", Kind.TEST),
        ("other", "test", Kind.OTHER),
        (None, "build", Kind.BUILD),
        (None, "test", Kind.TEST),
        (None, "build-signing", Kind.BUILD),
        (None, "web-platform-tests", Kind.TEST),
        (None, "mochitest", Kind.TEST),
        (None, "browsertime", Kind.TEST),
        (None, "source-test", Kind.TEST),
        (None, "docker-image", Kind.OTHER),
        (None, "latest", Kind.OTHER),
        (None, None, Kind.OTHER),
        ("nonsense", "test", Kind.TEST),
    ],
)
def test_kinds(treeherder: str | None, tag: str | None, kind: Kind) -> None:
    """The kind for Treeherder takes precedence over the kind in the task graph."""
    assert kind_of(treeherder, tag) is kind


def test_what_the_fake_publishes_is_read(tc: FakeTaskcluster) -> None:
    """The other tests thus use messages of the real form."""
    task = tc.add(tc.push("abcdef1"), state="failed")
    exchange, raw = tc.message(task)
    (lead,) = parse("fx", exchange, raw)
    assert lead.failed
