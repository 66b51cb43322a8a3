"""Recorded messages of other systems, replayed: read right, or refused with what is missing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.command_bench import Bench
from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Event, Kind, PushFacts, Result, State
from triggerbot.systems import buildbot
from triggerbot.systems.recordings import Format, reader

REVISION = "c7766d0b4a121985a8b07e6721d66ccab57bbf76"
TASK, GROUP = "f8fRfedPSp2-A7M9Zhxe-Q", "eW36sOvMTV6vM-XphAs07Q"
BUILDER = "Ubuntu VM 12.04 x64 try opt test mochitest-1"


def build(event: str = "finished", **more: Any) -> dict[str, Any]:
    """A message of the old Buildbot."""
    properties = {"branch": "try", "revision": REVISION, "buildername": BUILDER} | more.pop("properties", {})
    return {
        "payload": {
            "build": {
                "builderName": BUILDER,
                "number": 7,
                "results": 1 if event == "finished" else None,
                "properties": [[name, value, "Change"] for name, value in properties.items()],
                "sourceStamp": {"changes": [{"who": "dev@example.org", "comments": "try: -b o -p linux --rebuild 3"}]},
                "times": ["2015-11-03T16:21:09+0000", "2015-11-03T16:41:09+0000"],
                **more,
            }
        },
        "_meta": {"routing_key": f"build.{BUILDER}.7.{event}", "exchange": "exchange/build/"},
    }


def read_build(message: Any) -> list[Event]:
    """Read one."""
    return list(buildbot.parse("old", json.dumps(message)))


# -- Buildbot -------------------------------------------------------------------------------------------------------


def test_a_finished_build() -> None:
    """Everything that triage and try syntax need is read."""
    (event,) = read_build(build())
    assert (event.push.project, event.push.branch, event.push.revision) == ("try", "try", REVISION)
    assert (event.job, event.run_id, event.state, event.result) == (
        BUILDER, f"{BUILDER}/7", State.FINISHED, Result.FAILURE,
    )  # fmt: skip
    assert (event.kind, event.author, event.time) == (Kind.TEST, "dev@example.org", 1446568869.0)
    assert event.message == "try: -b o -p linux --rebuild 3"


def test_a_started_build() -> None:
    """It has no result; its time is that of the start."""
    (event,) = read_build(build("started", times=["2015-11-03T16:21:09+0000", None]))
    assert (event.state, event.result, event.time) == (State.RUNNING, None, 1446567669.0)


@pytest.mark.parametrize(
    ("builder", "code", "result", "kind"),
    [
        (BUILDER, 0, Result.SUCCESS, Kind.TEST),
        (BUILDER, 1, Result.FAILURE, Kind.TEST),
        (BUILDER, 2, Result.FAILURE, Kind.TEST),
        ("Linux x86-64 try build", 2, Result.BUSTED, Kind.BUILD),
        ("Linux x86-64 try build", 1, Result.BUSTED, Kind.BUILD),
        ("Windows 7 32-bit try talos svgr", 1, Result.FAILURE, Kind.TEST),
        ("b2g_try_linux64_gecko test mochitest-2", 1, Result.FAILURE, Kind.TEST),
        (BUILDER, 3, Result.SKIPPED, Kind.TEST),
        (BUILDER, 4, Result.INFRA, Kind.TEST),
        (BUILDER, 5, Result.RETRY, Kind.TEST),
        (BUILDER, 6, Result.CANCELLED, Kind.TEST),
    ],
)
def test_results(builder: str, code: int, result: Result, kind: Kind) -> None:
    """Buildbot's numbers; orange or red depends on what sort of job it is."""
    (event,) = read_build(build(results=code, properties={"buildername": builder}))
    assert (event.result, event.kind) == (result, kind)


def test_what_says_nothing_new() -> None:
    """Uploaded logs and builds without a push are ignored."""
    assert read_build(build("log_uploaded")) == []
    assert read_build(build(properties={"revision": None})) == []


def test_a_branch_s_path_is_not_the_project_s_name() -> None:
    """`integration/mozilla-inbound` is the project mozilla-inbound."""
    (event,) = read_build(build(properties={"branch": "integration/mozilla-inbound"}))
    assert event.push.project == "mozilla-inbound"


def test_no_changes() -> None:
    """A forced build has no message."""
    (event,) = read_build(build(sourceStamp={"changes": []}))
    assert (event.author, event.message) == (None, None)


@pytest.mark.parametrize(
    ("more", "words"),
    [({"results": 9}, "results"), ({"number": "x"}, "number"), ({"properties": {"branch": 3}}, "branch")],
)
def test_what_is_wrong_is_named(more: dict[str, Any], words: str) -> None:
    """The error names the place in the message."""
    with pytest.raises(NotUnderstood, match=words):
        read_build(build(**more))


# -- every reader, with anything ------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "payload",
        "build",
        "properties",
        "results",
        "times",
        "sourceStamp",
        "changes",
        "_meta",
        "routing_key",
        "number",
        "status",
        "runs",
        "runId",
        "taskId",
        "taskGroupId",
        "task",
        "exchange",
        "body",
        "headers",
        "event",
        "workflow_job",
        "repository",
        "ref",
        "after",
        "metadata",
        "routes",
        "extra",
        "tags",
    ]
)
SHAPED = st.recursive(JSON, lambda inner: st.dictionaries(KEYS, inner, max_size=5), max_leaves=10)


def spoiled(message: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """Replace a value of a valid message."""
    changed: Any = json.loads(json.dumps(message))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return dict(changed)


@pytest.mark.parametrize("form", list(Format))
@given(value=JSON | SHAPED)
def test_any_json_is_read_or_refused(form: Format, value: Any) -> None:
    """Nothing but `NotUnderstood` is raised."""
    try:
        parsed = reader(form, "s")(json.dumps(value))
    except NotUnderstood:
        return
    assert all(isinstance(one, Event | PushFacts) for one in parsed)


@given(
    path=st.sampled_from([["results"], ["times"], ["properties"], ["sourceStamp"], ["number"], ["builderName"]]),
    value=JSON,
)
def test_a_spoiled_build_is_read_or_refused(path: list[str], value: Any) -> None:
    """Any value in any place of a message."""
    try:
        read_build(spoiled(build(), ["payload", "build", *path], value))
    except NotUnderstood:
        return


# -- replay ---------------------------------------------------------------------------------------------------------


def task(**more: Any) -> dict[str, Any]:
    """A line with a task's definition."""
    return {
        "taskId": TASK,
        "task": {
            "taskGroupId": GROUP, "provisionerId": "gecko-t", "workerType": "t-linux",
            "routes": [f"tc-treeherder.v2.try.{REVISION}.109591"], "tags": {"kind": "test"},
            "metadata": {"name": "test-linux/opt-mochitest-1", "owner": "dev@example.org"},
            "extra": {"treeherder": {"jobKind": "test", "tier": 1}}, **more,
        },
    }  # fmt: skip


def ended(state: str = "failed", **more: Any) -> dict[str, Any]:
    """A message of Taskcluster."""
    run = {"runId": 0, "state": state, "reasonCreated": "scheduled", "reasonResolved": state,
           "resolved": "2026-11-20T19:31:02.569Z"}  # fmt: skip
    return {
        "status": {"taskId": TASK, "taskGroupId": GROUP, "state": state, "runs": [run]},
        "runId": 0,
        "version": 1,
        **more,
    }


def webhook(conclusion: str = "failure", *, job: int = 11, branch: str = "main") -> dict[str, Any]:
    """A webhook of GitHub."""
    return {
        "action": "completed",
        "workflow_job": {
            "id": job, "run_id": 22, "run_attempt": 1, "name": "test", "workflow_name": "CI", "head_sha": REVISION,
            "head_branch": branch, "status": "completed", "conclusion": conclusion, "labels": [], "steps": [],
            "created_at": "2026-11-20T19:00:00Z", "started_at": "2026-11-20T19:00:01Z",
            "completed_at": "2026-11-20T19:31:02Z", "html_url": "https://github.example/11",
        },
        "repository": {"full_name": "me/app", "default_branch": "main"},
        "sender": {"login": "dev"},
    }  # fmt: skip


def pushed(revision: str, branch: str, at: int) -> dict[str, Any]:
    """A push, as GitHub tells of it."""
    repository = {"full_name": "me/app", "default_branch": "main", "pushed_at": at}
    return {"ref": f"refs/heads/{branch}", "after": revision, "repository": repository, "sender": {"login": "dev"}}


FILES: dict[str, list[dict[str, Any]]] = {
    "buildbot-pulse": [build("started", sourceStamp={"changes": []}), build(sourceStamp={"changes": []})],
    "taskcluster": [task(), ended()],
    "github": [{"event": "workflow_job", "payload": webhook("success", job=10)}, webhook()],
}


@pytest.mark.parametrize("form", FILES)
def test_a_recorded_failure_is_replayed(bench: Bench, lines: Callable[..., Path], form: str) -> None:
    """The decision of that time is printed, with the line of the message."""
    path = lines(*(json.dumps(one) for one in FILES[form]))
    answer = bench.run("replay", str(path), "--json", "--format", form)
    assert answer.exit_code == 0, answer.output
    decisions = [json.loads(line) for line in answer.stdout.splitlines()]
    # The rules of the bench watch no repository of GitHub.
    expected = ("refuse", "not_watched") if form == "github" else ("trigger", "failure")
    assert [(one["action"], one["reason"], one["revision"], one["event"]) for one in decisions] == [
        (*expected, REVISION, 2)
    ]


@pytest.mark.parametrize(("branch", "expected"), [("topic", "superseded"), ("main", "failure")])
def test_a_recorded_failure_of_github_is_decided(
    bench: Bench, lines: Callable[..., Path], branch: str, expected: str
) -> None:
    """As it would have been: by what was told of its branch until then."""
    bench.config.write_text(bench.config.read_text().replace("projects: [try]", "projects: [me/app]"))
    first, second = webhook(branch=branch), webhook(branch=branch, job=12)
    second["workflow_job"]["name"] = "other"
    told = [pushed(REVISION, branch, 1_795_200_000), first, pushed("b" * 40, branch, 1_795_200_900), second]
    answer = bench.run("replay", str(lines(*map(json.dumps, told))), "--json", "--format", "github")
    assert answer.exit_code == 0, answer.output
    decisions = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [(one["reason"], one["job"], one["event"]) for one in decisions] == [
        ("failure", "CI / test", 2), (expected, "CI / other", 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        {"exchange": "exchange/taskcluster-queue/v1/task-failed", "payload": ended()},
        {"exchange": "exchange/taskcluster-queue/v1/task-failed", "body": ended()},
        ended(),
    ],
)
def test_the_ways_to_record_a_message_of_taskcluster(bench: Bench, lines: Callable[..., Path], line: Any) -> None:
    """With its exchange, or alone."""
    answer = bench.run("replay", str(lines(json.dumps(task()), json.dumps(line))), "--json", "--format", "taskcluster")
    assert [json.loads(one)["reason"] for one in answer.stdout.splitlines()] == ["failure"]


def test_a_missing_definition_is_asked_for(bench: Bench, lines: Callable[..., Path]) -> None:
    """The error names the line, and what to add where."""
    answer = bench.run("replay", str(lines(json.dumps(ended()))), "--json", "--format", "taskcluster")
    assert answer.exit_code == 2
    assert ":1: the definition of task" in answer.stderr
    assert '"taskId"' in answer.stderr


def test_an_event_of_github_that_nobody_can_guess(bench: Bench, lines: Callable[..., Path]) -> None:
    """The error asks for the event's name."""
    answer = bench.run("replay", str(lines('{"zen": "x"}')), "--json", "--format", "github")
    assert answer.exit_code == 2
    assert "which event is it" in answer.stderr


def test_the_summary_counts_events(bench: Bench, lines: Callable[..., Path]) -> None:
    """Events of all formats count."""
    path = lines(*(json.dumps(one) for one in FILES["buildbot-pulse"]))
    answer = bench.run("replay", str(path), "--format", "buildbot-pulse")
    assert "2 events of 1 different job" in answer.stdout


def test_an_unknown_format(bench: Bench, lines: Callable[..., Path]) -> None:
    """The known ones are named."""
    answer = bench.run("replay", str(lines({})), "--format", "csv")
    assert answer.exit_code == 2
    assert "buildbot-pulse" in answer.output
