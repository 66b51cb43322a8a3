"""End to end on GitHub Actions: a real daemon, and a fake with GitHub's attempts and refusals."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.daemon import TOKEN, Daemon, eventually
from tests.fakes.github import Clock, FakeGitHub

REPOSITORY = "octo-org/octo-repo"
REVISION = "a" * 40
CONFIG = """
dry_run: false
store: sqlite:state.db
listen: 127.0.0.1:0
systems:
  gh:
    type: github
    url: {url}
    token: env:CI_TOKEN
    webhook_secret: env:GITHUB_SECRET
    grace: 1s
    sweep: off
{intakes}
rules:
  - projects: [octo-org/octo-repo]
    exclude_steps: ["build*"]
"""


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    """A GitHub whose clock shows the present."""
    with FakeGitHub(clock=Clock(time.time())) as made:
        made.token = TOKEN
        yield made


@pytest.fixture
def make_daemon(tmp_path: Path, github: FakeGitHub) -> Iterator[Callable[..., Daemon]]:
    """Return a function that makes daemons for it."""
    made: list[Daemon] = []

    def make(intakes: str = "") -> Daemon:
        daemon = Daemon(
            tmp_path, CONFIG.format(url=github.url, intakes=intakes), {"GITHUB_SECRET": github.webhook_secret}
        )
        made.append(daemon)
        daemon.start()
        return daemon

    yield make
    for daemon in made:
        daemon.end()


def deliver(daemon: Daemon, github: FakeGitHub, kind: str, run: int, **what: str) -> None:
    """Deliver a webhook as GitHub would."""
    headers, body = github.webhook(kind, run, **what)
    assert httpx.post(f"{daemon.url}/hooks/gh", content=body, headers=headers).status_code == 202


def test_a_failed_job_is_rerun_when_its_run_has_completed_and_again_until_it_passes(
    make_daemon: Callable[..., Daemon], github: FakeGitHub
) -> None:
    """Nothing is requested while the workflow runs; then one rerun after another; a pass ends it."""
    daemon = make_daemon()
    jobs = {"test (3.11)": "failure", "test (3.12)": None, "lint": "success"}
    run = github.add_run(REPOSITORY, "CI", REVISION, "main", jobs, outcomes={"test (3.11)": ["failure", "success"]})
    deliver(daemon, github, "workflow_job", run, job="test (3.11)")
    eventually(
        lambda: (
            "the workflow run to complete"
            in daemon.job(REVISION, "CI / test (3.11) (push)", REPOSITORY).get("claims", [{}])[0].get("note", "")
        ),
        "it waits for the workflow run",
    )
    assert github.posts == []

    github.finish(run, {"test (3.12)": "success"})
    deliver(daemon, github, "workflow_run", run)
    eventually(lambda: len(github.posts) == 1, "the job is rerun")
    github.clock.now += 100
    github.finish(run)
    deliver(daemon, github, "workflow_job", run, job="test (3.11)")
    deliver(daemon, github, "workflow_run", run)
    eventually(lambda: len(github.posts) == 2, "the job is rerun once more")
    github.clock.now += 100
    github.finish(run)
    deliver(daemon, github, "workflow_job", run, job="test (3.11)")
    deliver(daemon, github, "workflow_run", run)

    job = eventually(
        lambda: (
            (one := daemon.job(REVISION, "CI / test (3.11) (push)", REPOSITORY))["verdict"] == "intermittent" and one
        ),
        "a verdict",
    )
    assert [one["result"] for one in job["runs"]] == ["failure", "failure", "success"]
    assert all("/actions/jobs/" in post.path for post in github.posts)
    assert len(github.posts) == 2


@pytest.mark.slow
def test_polling_alone_is_enough(make_daemon: Callable[..., Daemon], github: FakeGitHub) -> None:
    """Behind a firewall, without any webhook: failures are found, rerun together, and the verdict is reported."""
    jobs = {"unit": "failure", "e2e": "failure", "lint": "success"}
    run = github.add_run(REPOSITORY, "CI", REVISION, "main", jobs, outcomes={"unit": ["success"], "e2e": ["success"]})

    daemon = make_daemon("intakes: [{poll: {system: gh, every: 1s}}]")

    eventually(lambda: len(github.posts) == 1, "the failed jobs are rerun")
    assert github.posts[0].path.endswith("/rerun-failed-jobs")
    github.clock.now = time.time()
    github.finish(run)
    eventually(
        lambda: (
            [daemon.job(REVISION, f"CI / {job} (push)", REPOSITORY)["verdict"] for job in ("unit", "e2e")]
            == ["intermittent", "intermittent"]
        ),
        "both verdicts",
    )
    assert len(github.posts) == 1


def test_the_message_of_the_head_commit_is_heeded(make_daemon: Callable[..., Daemon], github: FakeGitHub) -> None:
    """`--no-retry` in the commit message: nothing is rerun, and the reason is recorded."""
    run = github.add_run(
        REPOSITORY, "CI", REVISION, "main", {"unit": "failure"}, message="fix\n\ntriggerbot: --no-retry"
    )
    daemon = make_daemon()

    deliver(daemon, github, "workflow_job", run, job="unit")

    eventually(
        lambda: daemon.job(REVISION, "CI / unit (push)", REPOSITORY).get("claims", [{}])[0].get("reason") == "no_retry",
        "the refusal",
    )
    assert github.posts == []


def test_a_change_from_a_fork_is_left_alone(make_daemon: Callable[..., Daemon], github: FakeGitHub) -> None:
    """A fork's branch may be called main as well: its failure is refused unless the config allows forks."""
    run = github.add_run(REPOSITORY, "CI", REVISION, "main", {"unit": "failure"}, head_repository="somebody/octo-repo")
    daemon = make_daemon()

    deliver(daemon, github, "workflow_job", run, job="unit")

    claim = eventually(
        lambda: (
            (one := daemon.job(REVISION, "CI / unit (push)", REPOSITORY).get("claims", [{}])[0]).get("reason") and one
        ),
        "the refusal",
    )
    assert (claim["reason"], claim["note"]) == ("not_watched", "the push comes from a fork")
    assert github.posts == []


def test_an_answer_that_was_lost_is_settled_by_the_next_attempt(
    make_daemon: Callable[..., Daemon], github: FakeGitHub
) -> None:
    """GitHub reruns the job and answers 502: the new attempt shows, and nothing is requested twice."""
    run = github.add_run(REPOSITORY, "CI", REVISION, "main", {"unit": "failure"}, outcomes={"unit": ["success"]})
    github.fail_next(502, "Server Error", method="POST", path="/rerun", applied=True)
    daemon = make_daemon()

    deliver(daemon, github, "workflow_job", run, job="unit")
    eventually(lambda: len(github.posts) == 1, "the job is rerun")

    eventually(
        lambda: "the answer was lost" in daemon.job(REVISION, "CI / unit (push)", REPOSITORY)["claims"][0]["note"],
        "settled",
    )
    github.finish(run)
    deliver(daemon, github, "workflow_job", run, job="unit")
    deliver(daemon, github, "workflow_run", run)
    eventually(lambda: daemon.job(REVISION, "CI / unit (push)", REPOSITORY)["verdict"] == "intermittent", "a verdict")
    assert len(github.posts) == 1


@pytest.mark.slow
def test_what_a_push_asks_for_comes_one_rerun_after_another(
    make_daemon: Callable[..., Daemon], github: FakeGitHub
) -> None:
    """`--rebuild 2`: each job runs twice more, passing ones too: the workflow run as a whole, never twice at once."""
    jobs: dict[str, str | None] = {"unit": "success", "e2e": "failure"}
    before = time.time() - 1000
    run = github.add_run(REPOSITORY, "CI", REVISION, "topic", jobs, message="try: -u all --rebuild 2", created=before)
    daemon = make_daemon()
    deliver(daemon, github, "workflow_run", run)
    for job in ("unit", "e2e"):
        deliver(daemon, github, "workflow_job", run, job=job)

    for number in range(1, 3):
        eventually(lambda number=number: len(github.posts) == number, f"rerun {number}")
        github.clock.now += 100
        github.finish(run)
        for job in ("unit", "e2e"):
            deliver(daemon, github, "workflow_job", run, job=job)
        deliver(daemon, github, "workflow_run", run)

    claims = eventually(
        lambda: (
            (found := [daemon.job(REVISION, f"CI / {job} (push)", REPOSITORY)["claims"][0] for job in ("unit", "e2e")])
            and all(claim["state"] == "done" for claim in found)
            and found
        ),
        "both are done",
    )
    assert [(claim["reason"], claim["asked"]) for claim in claims] == [("requested", 2), ("requested", 2)]
    assert [post.path.rpartition("/actions/")[2] for post in github.posts] == [f"runs/{run}/rerun"] * 2
    assert all(post.status == 201 for post in github.posts)


@pytest.mark.slow
def test_a_comment_that_is_denied_does_not_hold_up_the_status(
    make_daemon: Callable[..., Daemon], github: FakeGitHub
) -> None:
    """Reports fail separately: with one permission missing, the other report still follows the runs."""
    run = github.add_run(REPOSITORY, "CI", REVISION, "main", {"test": "failure"}, outcomes={"test": ["success"]})
    github.talk.add_pull(REPOSITORY, REVISION, "main")
    github.fail_next(403, "Resource not accessible by personal access token", method="POST", path="/comments")
    daemon = make_daemon("reports: [{github: {system: gh, check: true, comment: true}}]")
    deliver(daemon, github, "workflow_job", run, job="test")
    deliver(daemon, github, "workflow_run", run)
    eventually(lambda: len(github.posts) == 1, "the job is rerun")
    eventually(lambda: any(line["event"] == "report.failed" for line in daemon.lines()), "the comment is denied")
    assert [one.says["state"] for one in github.talk.statuses] == ["pending"]

    github.clock.now = time.time()
    github.finish(run)
    deliver(daemon, github, "workflow_job", run, job="test")
    deliver(daemon, github, "workflow_run", run)

    eventually(lambda: github.talk.statuses[-1].says["state"] == "success", "the status follows")
    assert github.talk.comments == {}
