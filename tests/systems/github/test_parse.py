"""GitHub's webhooks in our words."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.github import payloads
from tests.fakes.github.payloads import FakeJob, FakeRun
from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Batch, Event, Group, Heard, Kind, Lead, Push, PushFacts, Result, State
from triggerbot.systems.github.system import GitHub

SHA = "0123456789abcdef0123456789abcdef01234567"
PUSH = Push("gh", "octo/app", "main", SHA)
API = "https://api.example"
NOW = 1_795_000_000.0


#: Its `parse` is pure, so that one will do for all.
PARSER = GitHub("gh", token="t")


def run(**changes: Any) -> FakeRun:
    """Make a workflow run."""
    values: dict[str, Any] = {
        "id": 77,
        "repo": "octo/app",
        "workflow": "CI",
        "sha": SHA,
        "branch": "main",
        "message": "try: --rebuild 3",
        "actor": "dev",
        "head_repository": "octo/app",
        "created": NOW,
        "updated": NOW,
    }
    return FakeRun(**(values | changes))


def job_message(action: str = "completed", job: dict[str, Any] | None = None, **run_changes: Any) -> dict[str, Any]:
    """Write a `workflow_job` about a job that failed, with changes to what GitHub says of it."""
    status = {"completed": "completed", "in_progress": "in_progress"}.get(action, "queued")
    done = status == "completed"
    one = FakeJob(
        99, "test (3.11, linux)", 1, NOW, NOW + 5, NOW + 60 if done else None, status, "failure" if done else None
    )
    changed = run(**run_changes)
    written = payloads.job(API, changed, one) | (job or {})
    return {"action": action, "workflow_job": written, "repository": repository(), "sender": payloads.user(API, "x")}


def run_message(action: str = "completed", changes: dict[str, Any] | None = None, **run_changes: Any) -> dict[str, Any]:
    """Write a `workflow_run`."""
    written = payloads.workflow_run(API, run(**run_changes)) | (changes or {})
    return {"action": action, "workflow_run": written, "repository": repository(), "sender": payloads.user(API, "x")}


def repository(name: str = "octo/app") -> dict[str, Any]:
    """Write the repository of a webhook."""
    return payloads.full_repository(API, name, private=False, now=NOW, push=True)


def heard(kind: str, message: Any, **headers: str) -> list[Heard]:
    """Parse a message."""
    return list(PARSER.parse({"x-github-event": kind, **headers}, json.dumps(message).encode()))


def only(kind: str, message: Any) -> Any:
    """Parse a message that tells one thing."""
    [one] = heard(kind, message)
    return one


def facts(kind: str, message: Any) -> PushFacts:
    """Parse a message that tells the facts of a push, among others."""
    [one] = [one for one in heard(kind, message) if isinstance(one, PushFacts)]
    return one


def test_failed_job() -> None:
    """A job that failed is an event with all that GitHub tells, named by workflow and job."""
    assert only("workflow_job", job_message()) == Event(
        push=PUSH,
        job="CI / test (3.11, linux)",
        run_id="99",
        state=State.FINISHED,
        result=Result.FAILURE,
        attempt=1,
        kind=Kind.TEST,
        time=NOW + 60,
        url="https://github.example/octo/app/actions/runs/77/job/99",
        pool="ubuntu-latest",
        step="run tests",
        batch="77",
        started=NOW + 5,
        per_batch=True,
    )


@pytest.mark.parametrize(
    ("action", "changes", "started"),
    [
        ("queued", {}, None),
        ("in_progress", {}, NOW + 5),
        ("in_progress", {"started_at": None}, None),
        # Carried over from an earlier attempt: it began when that did.
        ("completed", {"created_at": payloads.when(NOW + 6)}, None),
    ],
)
def test_started(action: str, changes: dict[str, Any], started: float | None) -> None:
    """Only what runs or ran has begun, though GitHub names a time for what waits, too."""
    assert only("workflow_job", job_message(action, changes)).started == started


@pytest.mark.parametrize(
    ("action", "state"),
    [("queued", State.PENDING), ("waiting", State.PENDING), ("in_progress", State.RUNNING)],
)
def test_states(action: str, state: State) -> None:
    """A job that is not finished has no result and the time at which it began."""
    event = only("workflow_job", job_message(action))
    assert (event.state, event.result, event.step) == (state, None, None)
    assert event.time == NOW + 5


@pytest.mark.parametrize(
    ("conclusion", "result"),
    [
        ("success", Result.SUCCESS),
        ("failure", Result.FAILURE),
        ("cancelled", Result.CANCELLED),
        ("timed_out", Result.TIMED_OUT),
        ("skipped", Result.SKIPPED),
        ("neutral", Result.SKIPPED),
        ("stale", Result.INFRA),
        ("startup_failure", Result.INFRA),
        ("something new", Result.UNKNOWN),
        (None, Result.UNKNOWN),
    ],
)
def test_conclusions(conclusion: str | None, result: Result) -> None:
    """Every conclusion has its result, and one that we do not know is unknown."""
    assert only("workflow_job", job_message(job={"conclusion": conclusion})).result is result


def test_approval_is_no_end() -> None:
    """A job that waits for somebody's approval is no event."""
    assert heard("workflow_job", job_message(job={"conclusion": "action_required"})) == []


@pytest.mark.parametrize(
    ("labels", "group", "pool"),
    [
        (["x64", "linux", "self-hosted"], "Default", "linux,self-hosted,x64"),
        (["ubuntu-latest"], "GitHub Actions", "ubuntu-latest"),
        (["ubuntu-latest"], "big machines", "big machines"),
        ([], None, None),
        (None, "", None),
    ],
)
def test_pool(labels: list[str] | None, group: str | None, pool: str | None) -> None:
    """The pool is the runner group if it is a group of one's own, else the labels in order."""
    assert only("workflow_job", job_message(job={"labels": labels, "runner_group_name": group})).pool == pool


def test_first_failed_step() -> None:
    """The step told is the first that failed, by number."""
    steps = [
        {"name": "late", "number": 9, "conclusion": "failure", "status": "completed"},
        {"name": "first", "number": 3, "conclusion": "failure", "status": "completed"},
        {"name": "setup", "number": 1, "conclusion": "success", "status": "completed"},
    ]
    assert only("workflow_job", job_message(job={"steps": steps})).step == "first"


def test_rerun_is_ordinary() -> None:
    """A job of a later attempt is an event like any other, with its attempt."""
    assert only("workflow_job", job_message(job={"run_attempt": 3})).attempt == 3


def test_carried_over_is_no_run() -> None:
    """A job of a later attempt that ended before it was made did not run again: no event."""
    later = payloads.when(NOW + 1000)
    assert heard("workflow_job", job_message(job={"run_attempt": 2, "created_at": later})) == []


@pytest.mark.parametrize("missing", ["workflow_name", "head_branch"])
def test_incomplete_job(missing: str) -> None:
    """A job that does not say of which workflow or branch it is makes no job up: GitHub has to say whose it is."""
    expected = Lead(Group("gh", "octo/app/77"), "99", State.FINISHED, Result.FAILURE, 1, NOW + 60)
    assert only("workflow_job", job_message(job={missing: None})) == expected
    approval = {missing: None, "conclusion": "action_required"}
    assert heard("workflow_job", job_message(job=approval)) == []


def test_no_script_as_link() -> None:
    """Only web addresses become links."""
    assert only("workflow_job", job_message(job={"html_url": "javascript:alert(1)"})).url is None


def test_no_branch() -> None:
    """A workflow run that has no branch belongs to no push."""
    assert heard("workflow_run", run_message(branch=None)) == []


@pytest.mark.parametrize(("action", "settled"), [("requested", False), ("in_progress", False), ("completed", True)])
def test_workflow_run(action: str, settled: bool) -> None:
    """A workflow run tells the push's facts, and at its end that claims may look again."""
    assert facts("workflow_run", run_message(action)) == PushFacts(
        PUSH, message="try: --rebuild 3", author="dev", time=NOW, fork=False, settled=settled,
        batches=(Batch("77", "push", ".github/workflows/ci.yml", fork=False),),
    )  # fmt: skip
    old = facts("workflow_run", run_message(changes={"path": ".github/workflows/ci.yml@main", "event": None}))
    assert old.batches == (Batch("77", None, ".github/workflows/ci.yml", fork=False),)


@pytest.mark.parametrize(("head", "fork"), [("octo/app", False), ("Octo/App", False), ("else/app", True), (None, True)])
def test_forks(head: str | None, fork: bool) -> None:
    """A run of another repository's commit is of a fork, also if that repository is gone."""
    assert facts("workflow_run", run_message(head_repository=head)).fork is fork


def test_missing_facts() -> None:
    """Whatever a run does not say is 'not said'."""
    found = facts("workflow_run", run_message(changes={"head_commit": None, "actor": None}))
    assert (found.message, found.author) == (None, None)


def push_message(**changes: Any) -> dict[str, Any]:
    """Write a `push`."""
    return payloads.push_event(API, run(), repository()) | changes


def test_push() -> None:
    """A push tells its message and who sent it; whether it is of a fork it does not say."""
    assert facts("push", push_message()) == PushFacts(PUSH, message="try: --rebuild 3", author="dev", time=NOW)


def test_push_of_a_branch_with_slashes() -> None:
    """A branch is all that follows refs/heads/."""
    assert facts("push", push_message(ref="refs/heads/a/b")).push.branch == "a/b"


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/tags/v1"},
        {"ref": "refs/heads/"},
    ],
)
def test_no_push_of_interest(changes: dict[str, Any]) -> None:
    """Tags are nothing to us."""
    assert heard("push", push_message(**changes)) == []


@pytest.mark.parametrize("kind", ["ping", "star", "check_run"])
def test_other_events(kind: str) -> None:
    """Other events are understood and empty."""
    assert heard(kind, {"zen": "...", "action": "created"}) == []


@pytest.mark.parametrize("kind", ["workflow_job", "workflow_run", "check_run", "issue_comment"])
@pytest.mark.parametrize("message", [{}, {"zen": "..."}, {"action": None}])
def test_no_action(kind: str, message: dict[str, Any]) -> None:
    """What does not say what happened is not understood."""
    with pytest.raises(NotUnderstood):
        heard(kind, message)


@pytest.mark.parametrize("kind", ["workflow_job", "workflow_run"])
def test_other_actions(kind: str) -> None:
    """Other actions are left alone, whatever else is in them."""
    assert heard(kind, {"action": "brewed"}) == []


def test_form() -> None:
    """A webhook that sends forms says the same."""
    body = urlencode({"payload": json.dumps(job_message())}).encode()
    headers = {"x-github-event": "workflow_job", "content-type": "application/x-www-form-urlencoded"}
    assert list(PARSER.parse(headers, body)) == heard("workflow_job", job_message())


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"other=1", b"payload={}&payload={}", b"payload=%ff", b"\xff", b"&" * 50, b"payload={"]
)
def test_bad_forms(body: bytes) -> None:
    """A form that is none is not understood."""
    headers = {"x-github-event": "workflow_job", "content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    with pytest.raises(NotUnderstood):
        PARSER.parse(headers, body)


@pytest.mark.parametrize(
    "changes",
    [
        {"head_sha": "abc"},
        {"head_sha": SHA[:-1] + "g"},
        {"id": "99"},
        {"id": 0},
        {"id": -1},
        {"id": 2**64},
        {"id": True},
        {"run_id": None},
        {"run_attempt": 0},
        {"name": "", "workflow_name": None},
        {"name": "x" * 3000},
        {"name": "a\0b"},
        {"head_branch": "a\0b"},
        {"completed_at": "yesterday"},
        {"completed_at": "0001-01-01T00:00:00Z"},
        {"status": 5},
    ],
)
def test_malformed_jobs(changes: dict[str, Any]) -> None:
    """Ids, commits, names and times that cannot be are not understood."""
    with pytest.raises(NotUnderstood):
        heard("workflow_job", job_message(job=changes))


@pytest.mark.parametrize(
    "name",
    ["octo", "octo/app/x", "../app", "octo/..", "octo/.", "o c/app", "octo/app\n", "", "/", "a/" + "b" * 300, "é/a"],
)
def test_impossible_repositories(name: str) -> None:
    """A repository's name that could lead elsewhere in an address is not understood."""
    message = run_message()
    message["repository"]["full_name"] = name
    with pytest.raises(NotUnderstood):
        heard("workflow_run", message)


def test_sha256_commits() -> None:
    """Commit ids of 64 digits are as good, and are kept in lower case."""
    assert only("workflow_job", job_message(job={"head_sha": "AB" * 32})).push.revision == "ab" * 32


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"null", b"[]", b'"x"', b"\xff\xfe", b"{}\0"])
def test_hostile_json(body: bytes) -> None:
    """JSON that is too deep, or no object, is not understood."""
    for kind in ("workflow_run", "push"):
        with pytest.raises(NotUnderstood):
            PARSER.parse({"x-github-event": kind}, body)


def test_no_event_header() -> None:
    """A delivery has to say what it is."""
    with pytest.raises(NotUnderstood):
        PARSER.parse({}, b"{}")


_KINDS = st.sampled_from(["workflow_job", "workflow_run", "push", "ping", "star", ""])
_TYPES = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "x"])


@given(kind=_KINDS, content=_TYPES, body=st.binary(max_size=300))
def test_any_bytes(kind: str, content: str, body: bytes) -> None:
    """Any bytes at all give a list or are not understood."""
    _survives(kind, content, body)


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.just(SHA),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_any_values(data: st.DataObject) -> None:
    """A true message with one value replaced by anything gives a list or is not understood."""
    kind = data.draw(st.sampled_from(["workflow_job", "workflow_run", "push"]))
    message = {"workflow_job": job_message, "workflow_run": run_message, "push": push_message}[kind]()
    place = message if data.draw(st.booleans()) or kind == "push" else message[kind]
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(_ODD)
    for content, body in (
        ("application/json", json.dumps(message).encode()),
        ("application/x-www-form-urlencoded", urlencode({"payload": json.dumps(message)}).encode()),
    ):
        _survives(kind, content, body)


def _survives(kind: str, content: str, body: bytes) -> None:
    try:
        told = PARSER.parse({"x-github-event": kind, "content-type": content}, body)
    except NotUnderstood:
        return
    assert isinstance(told, list)
