"""Reads: resolving leads, look-backs and sweeps."""

from collections.abc import Callable

import pytest

from tests.fakes.taskcluster import FakeTaskcluster, slug
from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotKnown, NotUnderstood, Unauthenticated
from triggerbot.core.model import Event, Kind, Lead, Push, Result, State
from triggerbot.core.patterns import Globs
from triggerbot.systems import Known, ResolvedLeads
from triggerbot.systems.taskcluster.api import Credentials
from triggerbot.systems.taskcluster.pushlog import PushLog
from triggerbot.systems.taskcluster.system import Taskcluster

REVISION = "c7766d0b4a121985a8b07e6721d66ccab57bbf76"
PUSH = Push("fx", "try", "try", REVISION)
Connect = Callable[..., Taskcluster]


def leads(tc: FakeTaskcluster, fx: Taskcluster, *tasks: str) -> list[Lead]:
    """Return the leads of tasks."""
    given = [one for task in tasks for one in fx.parse_message(*tc.message(task))]
    return [one for one in given if isinstance(one, Lead)]


def complete(fx: Taskcluster, given: list[Lead], project: str = "try") -> ResolvedLeads:
    """Resolve leads, with a rule for one project."""
    return fx.complete(given, lambda push: push.project == project)


def calls(tc: FakeTaskcluster, part: str) -> int:
    """Count the requests whose path has this part."""
    return sum(part in one.path for one in tc.asked)


# -- resolving leads ------------------------------------------------------------------------------------------------


def test_a_lead_becomes_an_event(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Everything that the message lacks comes from the task's definition."""
    group = tc.push(REVISION)
    task = tc.add(group, state="failed")
    (event,) = complete(fx, leads(tc, fx, task)).heard
    assert isinstance(event, Event)
    assert (event.push, event.job, event.run_id, event.attempt) == (PUSH, "test-linux/opt-mochitest-1", task, 1)
    assert (event.state, event.result, event.kind, event.tier) == (State.FINISHED, Result.FAILURE, Kind.TEST, 1)
    assert (event.pool, event.batch) == ("gecko-t/t-linux", group)
    assert event.url == f"{tc.url}/tasks/{task}/runs/0"


def test_a_definition_is_fetched_once(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """However many messages there are about a task."""
    task = tc.add(tc.push(REVISION), state="failed")
    for _ in range(3):
        complete(fx, leads(tc, fx, task))
    assert calls(tc, "/task/") == 1


def test_many_tasks_are_asked_about_together(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """One list of the group rather than a request each, and then none."""
    group = tc.push(REVISION)
    tasks = [tc.add(group, name=f"test-{number}", state="completed") for number in range(60)]
    for _ in range(2):
        answer = complete(fx, leads(tc, fx, *tasks))
        assert len(answer.heard) == len(answer.settled) == 60
    assert (calls(tc, "task-group"), calls(tc, "/task/")) == (1, 0)


def test_what_nobody_watches_is_settled_without_asking_twice(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Once one task has shown the push of a group, the others need no request."""
    group = tc.push(REVISION, "autoland")
    first = complete(fx, leads(tc, fx, tc.add(group, project="autoland")))
    more = complete(fx, leads(tc, fx, *(tc.add(group, project="autoland", name=f"t-{one}") for one in range(5))))
    assert (first.heard, more.heard, len(more.settled)) == ((), (), 5)
    assert calls(tc, "/task/") == 1


def test_a_task_without_a_route_belongs_to_no_push(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """A task with several routes does not either; their neighbours do."""
    group = tc.push(REVISION)
    lonely = tc.add(group, routes=["index.something.else"])
    torn = tc.add(group, routes=[f"tc-treeherder.v2.try.{REVISION}", f"tc-treeherder.v2.autoland.{REVISION}"])
    answer = complete(fx, leads(tc, fx, lonely, torn, tc.add(group)))
    assert (len(answer.heard), len(answer.settled)) == (1, 3)


def test_a_project_may_be_a_repository(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """A project may be a GitHub repository with its owner."""
    group = tc.push(REVISION, "mozilla-mobile/fenix")
    (event,) = complete(fx, leads(tc, fx, tc.add(group, project="mozilla-mobile/fenix")), "mozilla-mobile/fenix").heard
    assert isinstance(event, Event)
    assert event.push.project == "mozilla-mobile/fenix"


def test_a_failed_build_is_busted(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Its definition says that it is a build, even where the message did not."""
    task = tc.add(tc.push(REVISION), kind="build", state="failed")
    lead = leads(tc, fx, task)[0]
    (event,) = complete(fx, [Lead(lead.group, lead.run_id, lead.state, Result.FAILURE)]).heard
    assert isinstance(event, Event)
    assert (event.result, event.kind) == (Result.BUSTED, Kind.BUILD)


def test_a_task_that_is_not_known_is_not_settled(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Its neighbours are settled."""
    group = tc.push(REVISION)
    known, gone = tc.add(group), tc.add(group)
    known_leads = leads(tc, fx, known, gone)
    del tc.tasks[gone]
    answer = complete(fx, known_leads)
    assert [one.run_id for one in answer.settled] == [known]
    assert gone in answer.why


def test_a_deployment_that_is_down(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Reads are tried again a few times; then the leads wait."""
    known_leads = leads(tc, fx, tc.add(tc.push(REVISION)))
    tc.fault("task", status=502)
    assert complete(fx, known_leads).heard
    known_leads = leads(tc, fx, tc.add(tc.push("d" * 40)))
    for _ in range(5):
        tc.fault("task", status=502)
    with pytest.raises(CIUnavailable):
        complete(fx, known_leads)


# -- looking back ---------------------------------------------------------------------------------------------------


def test_the_runs_of_a_push(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Each run of each of its tasks is listed; one of which nothing ever ran was skipped."""
    group = tc.push(REVISION, message="Bug 1\ntry: --rebuild 3")
    task = tc.add(group, state="exception")
    tc.end(task, "exception", "worker-shutdown")
    tc.run(task, "failed", created="retry")
    tc.give_up(tc.add(group, name="late", state="unscheduled"), "deadline-exceeded")

    back = fx.look_back(PUSH, Known(batches=frozenset({group})))

    runs = [(one.job, one.attempt, one.result) for one in back.events]
    assert runs == [
        ("Decision try", 1, Result.SUCCESS),
        ("test-linux/opt-mochitest-1", 1, Result.RETRY),
        ("test-linux/opt-mochitest-1", 2, Result.FAILURE),
        ("late", 1, Result.SKIPPED),
    ]
    assert back.complete
    assert back.facts is not None
    assert (back.facts.message, back.facts.author) == ("Bug 1\ntry: --rebuild 3\nfirst part", "dev@example.org")


@pytest.mark.parametrize("page", [0, 1, 3])
def test_groups_come_in_pages(tc: FakeTaskcluster, fx: Taskcluster, page: int) -> None:
    """Short and empty pages may come before the last one."""
    group = tc.push(REVISION)
    for number in range(7):
        tc.add(group, name=f"test-{number}")
    tc.page = page
    assert len(fx.look_back(PUSH, Known(batches=frozenset({group}))).events) == 8


def test_several_groups_of_one_push(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """All are listed; one that has expired makes the list incomplete."""
    group, other = tc.push(REVISION), slug()
    tc.add(group)
    tc.add(other, revision=REVISION)
    assert len(fx.look_back(PUSH, Known(batches=frozenset({group, other}))).events) == 3
    back = fx.look_back(PUSH, Known(batches=frozenset({group, slug()})))
    assert (len(back.events), back.complete) == (2, False)


def test_a_push_without_messages(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Its decision task is found in the index."""
    tc.add(tc.push(REVISION))
    assert len(fx.look_back(PUSH).events) == 2
    with pytest.raises(NotKnown):
        fx.look_back(PUSH._replace(revision="e" * 40))


def test_facts_are_asked_for_once(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """They never change."""
    group = tc.push(REVISION)
    fx.look_back(PUSH, Known(facts=True, batches=frozenset({group})))
    assert calls(tc, "/hg/") == 0


def test_what_a_push_is_based_on(tc: FakeTaskcluster, fx: Taskcluster, connect: Connect) -> None:
    """The push log says it with the message: the parent of the oldest changeset."""
    tc.push(REVISION, base="ba5e" * 10)
    tc.push("e" * 40)
    facts = fx.look_back(PUSH).facts
    assert facts is not None
    assert (facts.base, facts.parents) == ("ba5e" * 10, ())
    assert fx.base(PUSH).base == "ba5e" * 10
    with pytest.raises(NotKnown):
        fx.base(PUSH._replace(revision="e" * 40))
    with pytest.raises(NotKnown):
        connect(hg=False).base(PUSH)


def test_a_push_log_that_is_down_is_waited_for(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Without the message a --no-retry would be missed."""
    group = tc.push(REVISION)
    for _ in range(5):
        tc.fault("hg", status=500)
    with pytest.raises(CIUnavailable):
        fx.look_back(PUSH, Known(batches=frozenset({group})))


def test_commits_of_github(tc: FakeTaskcluster, connect: Connect) -> None:
    """For projects that are repositories there; others have no log."""
    logs = [PushLog(Globs(["*/*"]), github=f"{tc.url}/github", token="gh-token")]
    fx = connect(push_logs=logs, hg=False)
    push = Push("fx", "me/app", "me/app", REVISION)
    group = tc.push(REVISION, "me/app")
    tc.commits["me/app", REVISION] = {
        "commit": {"message": "Fix\n\ntriggerbot: --no-retry", "author": {"email": "a@example.org",
                   "date": "2026-11-20T19:00:00Z"}},
        "author": {"login": "octocat"},
    }  # fmt: skip
    facts = fx.look_back(push, Known(batches=frozenset({group}))).facts
    assert facts is not None
    assert (facts.message, facts.author) == ("Fix\n\ntriggerbot: --no-retry", "octocat")
    del tc.commits["me/app", REVISION]
    with pytest.raises(NotKnown):
        fx.look_back(push, Known(batches=frozenset({group})))
    other = tc.push("f" * 40, "try")
    facts = fx.look_back(Push("fx", "try", "try", "f" * 40), Known(batches=frozenset({other}))).facts
    assert facts is not None
    assert facts.message is None


def test_a_garbled_task_makes_the_list_incomplete(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """A missing run then proves nothing."""
    group = tc.push(REVISION)
    task = tc.add(group)
    tc.tasks[task]["metadata"] = "none"
    back = fx.look_back(PUSH, Known(batches=frozenset({group})))
    assert (len(back.events), back.complete) == (1, False)


# -- the sweep, and the rest ----------------------------------------------------------------------------------------


def test_the_sweep_asks_the_push_log(tc: FakeTaskcluster, connect: Connect) -> None:
    """For the pushes since then, and the index for their tasks."""
    tc.add(tc.push(REVISION), state="failed")
    tc.push("e" * 40, "autoland")
    fx = connect(projects=("try", "autoland"))
    news = fx.recent(0.0)
    assert news is not None
    assert {one.push for one in news if isinstance(one, Event)} == {
        PUSH, Push("fx", "autoland", "autoland", "e" * 40),
    }  # fmt: skip
    assert fx.recent(1_999_999_999.0) == []
    assert connect(hg=False, projects=("try",)).recent(0.0) is None


def test_check(tc: FakeTaskcluster, connect: Connect) -> None:
    """It says what the credentials allow."""
    assert "nothing can be retriggered" in connect(signed=False).check()
    assert "hooks:trigger-hook" in connect().check()
    tc.scopes = ["queue:create-task:*"]
    with pytest.raises(CIDenied, match="may trigger no hook"):
        connect().check()
    for _ in range(9):
        tc.fault("ping", status=500)
    with pytest.raises(CIError):
        connect().check()


def test_a_wrong_token_is_reported_as_such(tc: FakeTaskcluster, connect: Connect) -> None:
    """The fake checks signatures as Taskcluster does."""
    with pytest.raises(CIDenied, match="signature"):
        connect(credentials=Credentials("project/me/triggerbot", "another-token")).check()


def test_it_sends_no_webhooks(fx: Taskcluster) -> None:
    """The error says where its messages come from."""
    with pytest.raises(Unauthenticated, match="AMQP"):
        fx.verify({}, b"", 0.0)
    with pytest.raises(NotUnderstood):
        fx.parse({}, b"")
