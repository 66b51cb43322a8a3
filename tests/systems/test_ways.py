"""Ways out to each CI: the addresses that its section of the config stands for, and none that would be a guess."""

import pytest

from triggerbot.cli.config import loads
from triggerbot.config import SystemSettings
from triggerbot.core.model import Kind, Push, Result, Run, State
from triggerbot.core.ways import Subject

REVISION = "0123456789abcdef0123456789abcdef01234567"


def settings(section: str) -> SystemSettings:
    """Read the section of a system."""
    return loads(
        f"dry_run: true\nstore: sqlite:s.db\nsystems:\n  ci: {section}\nrules: [{{projects: ['*']}}]\n"
    ).systems["ci"]


def run(run_id: str, attempt: int = 1, **more: object) -> Run:
    """Return a failed run."""
    return Run("job", run_id, attempt, State.FINISHED, Result.FAILURE, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://github.example.org/api/v3", "https://github.example.org"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com"),
    ],
)
def test_github_has_the_commit_pull_request_workflow_run_and_log(api: str, web: str) -> None:
    """On github.com, on a server of one's own, and on GHE.com."""
    github = settings(f'{{type: github, url: "{api}", token: env:T}}')
    push = Push("ci", "octo/app", "topic", REVISION)

    ways = list(github.ways(Subject(push, (12,), {"77": ".github/workflows/ci.yml", "78": None})))

    assert [(str(way), way.url) for way in ways] == [
        ("Commit 0123456789ab at GitHub", f"{web}/octo/app/commit/{REVISION}"),
        ("Pull request 12 at GitHub", f"{web}/octo/app/pull/12"),
        ("Workflow run ci.yml at GitHub", f"{web}/octo/app/actions/runs/77"),
        ("Workflow run 78 at GitHub", f"{web}/octo/app/actions/runs/78"),
    ]
    job = run("5", 2, batch="77", url=f"{web}/octo/app/actions/runs/77/job/5")
    assert [(str(way), way.url) for way in github.ways_of_run(push, job)] == [
        ("Log at GitHub", f"{web}/octo/app/actions/runs/77/job/5"),
        ("Workflow run 77, attempt 2 at GitHub", f"{web}/octo/app/actions/runs/77/attempts/2"),
    ]
    whole = run("77", batch="77", kind=Kind.WORKFLOW, url=f"{web}/octo/app/actions/runs/77")
    assert [way.what for way in github.ways_of_run(push, whole)] == ["Workflow run 77"]


def test_an_entry_of_a_merge_queue_leads_to_its_pull_request() -> None:
    """Its branch names that."""
    github = settings("{type: github, token: env:T}")
    branch = f"gh-readonly-queue/main/pr-34-{'a' * 40}"
    ways = github.ways(Subject(Push("ci", "octo/app", branch, REVISION), (12,)))
    assert "https://github.com/octo/app/pull/34" in [way.url for way in ways]


def test_what_is_behind_an_unknown_address_is_not_guessed() -> None:
    """A proxy of the API has no pages of its own; the log is still where GitHub says."""
    github = settings('{type: github, url: "http://127.0.0.1:9999", token: env:T}')
    push = Push("ci", "octo/app", "topic", REVISION)
    assert list(github.ways(Subject(push, (12,), {"77": None}))) == []
    found = github.ways_of_run(push, run("5", batch="77", url="https://github.com/octo/app/actions/runs/77/job/5"))
    assert [str(way) for way in found] == ["Log at GitHub"]
    generic = settings('{type: generic, url: "http://127.0.0.1:9999"}')
    assert [*generic.ways(Subject(push)), *generic.ways_of_run(push, run("5"))] == []


def test_taskcluster_has_treeherder_the_commit_the_log_and_the_task() -> None:
    """Mercurial's or GitHub's, by the first push log that matches the project."""
    section = (
        '{type: taskcluster, url: "https://tc.example.org", treeherder: "https://th.example.org", pushes: ['
        '{projects: [try], hg: "https://hg.example.org/{project}"}, {github: "https://api.github.com"}]}'
    )
    taskcluster = settings(section)
    push = Push("ci", "try", "try", REVISION)

    assert [(str(way), way.url) for way in taskcluster.ways(Subject(push))] == [
        ("Push at Treeherder", f"https://th.example.org/jobs?repo=try&revision={REVISION}"),
        ("Commit 0123456789ab at hg.example.org", f"https://hg.example.org/try/rev/{REVISION}"),
    ]
    assert [(str(way), way.url) for way in taskcluster.ways_of_run(push, run("AbC", 2))] == [
        (
            "Log at Taskcluster",
            "https://tc.example.org/api/queue/v1/task/AbC/runs/1/artifacts/public/logs/live_backing.log",
        ),
        ("Task at Taskcluster", "https://tc.example.org/tasks/AbC/runs/1"),
        ("Job at Treeherder", f"https://th.example.org/jobs?repo=try&revision={REVISION}&selectedTaskRun=AbC.1"),
    ]
    elsewhere = taskcluster.ways(Subject(Push("ci", "octo/app", "main", REVISION)))
    assert [way.url for way in elsewhere][1] == f"https://github.com/octo/app/commit/{REVISION}"


def test_treeherder_has_the_push_and_the_job() -> None:
    """A repository of GitHub goes by its name without the owner there."""
    treeherder = settings("{type: treeherder}")
    push = Push("ci", "octo/app", "main", REVISION)
    at = f"https://treeherder.mozilla.org/jobs?repo=app&revision={REVISION}"
    assert [way.url for way in treeherder.ways(Subject(push))] == [at]
    assert [way.url for way in treeherder.ways_of_run(push, run("AbC"))] == [f"{at}&selectedTaskRun=AbC.0"]


@pytest.mark.parametrize("name", ["../x", "a b?c#d", 'a"><script>'])
def test_foreign_names_stay_parts_of_an_address(name: str) -> None:
    """They cannot lead elsewhere."""
    github = settings("{type: github, token: env:T}")
    ways = [
        *github.ways(Subject(Push("ci", f"octo/{name}", "topic", REVISION), (1,), {name: None})),
        *github.ways_of_run(Push("ci", "octo/app", "topic", REVISION), run("1", batch=name)),
    ]
    for way in ways:
        assert way.url.startswith("https://github.com/octo/")
        assert not set(way.url) & set(' ?#"<>')
