"""Which pushes nobody waits for at GitHub, by whatever that is learned and in any order: they are not rerun."""

from dataclasses import replace
from typing import Any

import pytest

from tests.systems.github.desk import RULE, A, B, C, Desk, Make
from triggerbot.core.decision import Cause
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.superseded import Superseded
from triggerbot.systems import LookBack

QUEUE = "gh-readonly-queue/main/pr-1-0123"


@pytest.mark.parametrize("newer_first", [True, False])
def test_a_newer_commit(desk: Desk, newer_first: bool) -> None:
    """A job fails, the newer commit's run cancels the older run: the newest CI is left in peace."""
    older = desk.run(A, {"test": "failure", "slow": None}, group="topic")
    desk.pushed(older)
    if not newer_first:
        desk.ended(older, "test", last=False)
        desk.settle(50)
        assert desk.reasons(A)["test"] in ("open", "owed")
    newer = desk.run(B, {"test": None}, group="topic")
    assert desk.github.runs[older].conclusion == "cancelled"
    desk.pushed(newer)
    desk.ended(older, "test", "slow")
    desk.settle()
    assert desk.reasons(A) == {"test": "superseded"}
    assert desk.claims(A)["test"].note == "the newest commit of topic is bbbbbbbbbbbb"
    assert (desk.reruns, desk.github.runs[newer].status) == ([], "in_progress")
    desk.github.finish(newer, {"test": "failure"})
    desk.ended(newer, "test")
    desk.settle()
    assert desk.reasons(B) == {"test": "owed"}
    assert len(desk.reruns) == 1


def test_a_newer_run_of_no_consequence(desk: Desk) -> None:
    """A rerun of an older commit is no newer commit, nor is a branch of another case."""
    older = desk.run(A, {"test": "success"}, ago=900)
    newer = desk.run(B, {"test": "failure"})
    other = desk.run(C, {"test": "success"}, branch="Topic", ago=1)
    for run in (older, newer, other):
        desk.pushed(run)
    desk.github.rerun(older, "test")
    desk.github.finish(older)
    desk.ended(older, "test")
    desk.ended(newer, "test")
    desk.settle()
    assert desk.reasons(B) == {"test": "owed"}
    assert len(desk.reruns) == 1


def test_a_forced_push_without_a_workflow_run(desk: Desk) -> None:
    """No run tells of it: its webhook does, or the branch itself in the last moment."""
    run = desk.run(A, {"test": "failure"})
    desk.pushed(run)
    desk.hook(desk.github.push("octo/app", "topic", C, forced=True))
    desk.ended(run, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "superseded"}
    assert "cccccccccccc" in desk.claims(A)["test"].note
    assert desk.reruns == []


def test_a_branch_that_was_moved_back(desk: Desk) -> None:
    """The commit at which it is again counts."""
    first = desk.run(A, {"test": "success"}, ago=900)
    newer = desk.run(B, {"test": "success"})
    desk.pushed(first)
    desk.pushed(newer)
    desk.hook(desk.github.push("octo/app", "topic", A, forced=True))
    desk.github.moved["octo/app", "topic"] = A
    again = desk.run(A, {"test": "failure"}, ago=100)
    desk.pushed(again)
    desk.ended(again, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "owed"}
    assert len(desk.reruns) == 1


@pytest.mark.parametrize("how", ["push", "delete", "silent"])
def test_a_deleted_branch(desk: Desk, how: str) -> None:
    """Nobody waits for what was on it."""
    run = desk.run(A, {"test": "failure", "slow": None})
    desk.pushed(run)
    desk.ended(run, "test", last=False)
    desk.settle(50)
    if how == "silent":
        desk.github.moved["octo/app", "topic"] = None
    else:
        desk.hook(getattr(desk.github, "delete" if how == "push" else "deleted")("octo/app", "topic"))
    desk.github.finish(run)
    desk.ended(run, "slow")
    desk.settle()
    assert desk.reasons(A) == {"test": "superseded"}
    assert desk.claims(A)["test"].note == "its branch was deleted"
    assert desk.reruns == []


def test_a_tag_is_no_deleted_branch(desk: Desk) -> None:
    """Workflow runs name a tag as they name a branch."""
    desk.branch = "v1.0"
    desk.github.tags["octo/app", "v1.0"] = A
    desk.github.moved["octo/app", "v1.0"] = None
    run = desk.run(A, {"test": "failure"})
    desk.ended(run, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "owed"}
    assert len(desk.reruns) == 1


def test_an_entry_of_the_merge_queue(desk: Desk) -> None:
    """One that was taken out of the queue is superseded."""
    desk.branch = QUEUE
    run = desk.run(A, {"test": "failure", "slow": None}, event="merge_group")
    desk.ended(run, "test", last=False)
    desk.hook(desk.github.destroyed("octo/app", QUEUE, A))
    desk.github.moved["octo/app", QUEUE] = None
    desk.github.finish(run)
    desk.ended(run, "slow")
    desk.settle()
    assert desk.reasons(A) == {"test": "superseded"}
    assert desk.reruns == []


def test_a_closed_pull_request(desk: Desk) -> None:
    """Only webhooks tell of it; opened again, its failures count."""
    run = desk.run(A, {"test": "failure", "slow": None}, event="pull_request")
    desk.ended(run, "test", last=False)
    desk.hook(desk.github.pull("closed", 12, "octo/app", "topic", A))
    desk.world.clock.move(5)
    opened = desk.run(B, {"test": "failure"}, event="pull_request", branch="other")
    desk.hook(desk.github.pull("closed", 13, "octo/app", "other", B, ago=60))
    desk.hook(desk.github.pull("reopened", 13, "octo/app", "other", B))
    desk.github.finish(run)
    desk.ended(run, "slow")
    desk.ended(opened, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "owed" if desk.polls else "superseded"}
    assert desk.reasons(B, "other") == {"test": "owed"}
    assert desk.reruns.count(f"jobs/{desk.github.job(run, 'test', 1).id}/rerun") == desk.polls


def test_on_the_default_branch_every_commit_counts(desk: Desk) -> None:
    """Unless its workflow's concurrency shows that it cancels there, too."""
    desk.branch = "main"
    older = desk.run(A, {"test": "failure"}, ago=900)
    newer = desk.run(B, {"test": "success"}, ago=300)
    for run in (older, newer):
        desk.pushed(run)
    desk.ended(older, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "owed"}
    assert len(desk.reruns) == 1


@pytest.mark.parametrize(("guarded", "expected"), [(True, "superseded"), (False, "owed")])
def test_a_default_branch_whose_workflow_says_whether_it_is_guarded(desk: Desk, guarded: bool, expected: str) -> None:
    """What the CI knows of the workflow goes before what was seen."""
    desk.branch = "main"
    look_back = desk.gh.look_back

    def with_the_workflow(*about: Any) -> LookBack:
        view = look_back(*about)
        return replace(view, guarded=dict.fromkeys({event.batch for event in view.events}, guarded))

    desk.gh.look_back = with_the_workflow  # type: ignore[method-assign]
    older = desk.run(A, {"test": "failure"}, ago=900)
    newer = desk.run(B, {"test": "success"}, ago=300)
    for run in (older, newer):
        desk.pushed(run)
    desk.ended(older, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": expected}
    assert len(desk.reruns) == (not guarded)


def test_a_guarded_default_branch(desk: Desk) -> None:
    """A run of it was cancelled as that of a newer commit began."""
    desk.branch = "main"
    older = desk.run(A, {"test": "failure", "slow": None}, group="main")
    desk.pushed(older)
    desk.ended(older, "test", last=False)
    newer = desk.run(B, {"test": None}, group="main")
    desk.pushed(newer)
    desk.ended(older, "slow")
    desk.settle()
    assert desk.reasons(A) == {"test": "superseded"}
    assert desk.github.runs[newer].status == "in_progress"
    assert desk.reruns == []


@pytest.mark.parametrize("group", ["", "concurrency: {group: ci, cancel-in-progress: false}\n"])
def test_what_the_workflow_says_counts_for_more_than_what_was_seen(desk: Desk, group: str) -> None:
    """A person cancels the run of a commit of the default branch just when a newer one comes: no group did that."""
    desk.branch, path = "main", ".github/workflows/ci.yml"
    desk.github.contents.write("octo/app", path, f"name: CI\non: push\n{group}jobs:\n  test: {{runs-on: x}}\n")
    stopped, older, newer = (desk.run(sha, {"test": None}, path=path) for sha in (A, C, B))
    for run in (stopped, older, newer):
        desk.pushed(run)
    desk.github.finish(stopped, {"test": "cancelled"})
    desk.ended(stopped, "test")
    desk.settle(100)
    desk.github.finish(older, {"test": "failure"})
    desk.ended(older, "test")
    desk.settle()
    assert desk.reasons(C) == {"test": "owed"}
    assert len(desk.reruns) == 1


@pytest.mark.parametrize(
    ("said", "branch", "expected"),
    [
        (Superseded(retrigger=Globs(["*"])), "topic", "owed"),
        (Superseded(skip=Globs(["main"])), "main", "superseded"),
        (Superseded(skip=Globs(["*"]), retrigger=Globs(["topic"])), "topic", "owed"),
    ],
)
def test_a_rule_may_say_otherwise(make_desk: Make, said: Superseded, branch: str, expected: str) -> None:
    """For all branches, or for some."""
    desk = make_desk(Rule(Globs(["octo/*"]), superseded=said))
    desk.branch = branch
    older = desk.run(A, {"test": "failure"}, ago=900)
    newer = desk.run(B, {"test": "success"}, ago=300)
    for run in (older, newer):
        desk.pushed(run)
    desk.ended(older, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": expected}


def test_a_fork_has_branches_of_its_own(make_desk: Make) -> None:
    """Of the same name as one in the project: a newer commit here does not supersede there."""
    desk = make_desk(forks_allowed=True)
    pull = {"event": "pull_request", "head_repository": "else/app"}
    own = desk.run(B, {"test": "success"}, ago=300)
    fork = desk.run(A, {"test": "failure"}, ago=900, **pull)
    for run in (fork, own):
        desk.ended(run, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "owed"}
    desk.github.moved["else/app", "topic"] = C
    desk.github.finish(fork, {"test": "failure"})
    desk.ended(fork, "test")
    desk.settle()
    assert desk.claims(A)["test"].asked == 1
    assert any(one.reason == "superseded" for one in desk.world.store.pushes.timeline(desk.claims(A)["test"].push))


@pytest.mark.parametrize("heeded", [False, True])
@pytest.mark.parametrize("message", ["squashed\n\ntriggerbot: --rebuild 20", "try: --rebuild 5"])
def test_what_a_message_on_the_default_branch_asks_for(make_desk: Make, message: str, *, heeded: bool) -> None:
    """It came with a stranger's commits, or counts by the rule; failures there are retriggered as ever."""
    desk = make_desk(replace(RULE, requested_default=heeded))
    desk.branch = "main"
    run = desk.run(A, {"test": "failure", "other": "success"}, message=message)
    desk.pushed(run)
    desk.ended(run, "test", "other")
    desk.settle()

    claims = {name: claim for name, claim in desk.claims(A).items() if claim.cause is not None}
    assert {name: claim.cause for name, claim in claims.items() if name in ("test", "other")} == (
        {"test": Cause.REQUESTED, "other": Cause.REQUESTED} if heeded else {"test": Cause.FAILURE}
    )
    assert claims["test"].wanted == (min(20, int(message.rpartition(" ")[2])) if heeded else RULE.retries)


def test_what_a_message_on_another_branch_asks_for(desk: Desk) -> None:
    """It counts: whoever may push there may ask."""
    run = desk.run(A, {"test": "success"}, message="triggerbot: --rebuild 3")
    desk.pushed(run)
    desk.ended(run, "test")
    desk.settle()

    assert desk.claims(A)["test"].cause is Cause.REQUESTED
