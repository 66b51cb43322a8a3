"""A Taskcluster whose jobs a Treeherder lists, which is often behind, and vaguer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fakes.taskcluster import FakeTaskcluster, slug
from tests.fakes.treeherder import SHERIFF, FakeTreeherder
from tests.fakes.treeherder_ingestion import ingest
from tests.fakes.world import World
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Event, Lead, Push, Result, RunKey, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.classified import FailureClass
from triggerbot.core.policy.rules import Rule
from triggerbot.pipeline.intakes.poll import Poll
from triggerbot.systems import Known
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.jobs import TreeherderJobs

REVISION = "c7766d0b4a121985a8b07e6721d66ccab57bbf76"
PUSH = Push("fx", "try", "try", REVISION)
JOB = "test-linux/opt-mochitest-1"
Connect = Callable[..., Taskcluster]


@pytest.fixture
def th() -> Iterator[FakeTreeherder]:
    """Serve an empty Treeherder."""
    with FakeTreeherder() as fake:
        yield fake


@pytest.fixture
def fx(connect: Connect, th: FakeTreeherder) -> Taskcluster:
    """Return a system whose jobs the Treeherder lists."""
    return connect(jobs=TreeherderJobs("fx", th.url, projects=["try"]))


def told(fx: Taskcluster, tc: FakeTaskcluster, task: str, number: int = -1) -> list[Event]:
    """Return the events of the message about a run."""
    leads = [one for one in fx.parse_message(*tc.message(task, number)) if isinstance(one, Lead)]
    heard = fx.complete(leads, lambda _: True).heard if leads else ()
    return [one for one in heard if isinstance(one, Event)]


def kept(tc: FakeTaskcluster, group: str) -> Known:
    """Return what the store knows of a push: its message, and its group."""
    return Known(facts=True, batches=frozenset({group}))


# -- one run has one result ------------------------------------------------------------------------------------------

ENDINGS = [
    ("completed", ""), ("failed", ""), ("exception", "canceled"), ("exception", "superseded"),
    ("exception", "deadline-exceeded"), ("exception", "malformed-payload"), ("exception", "claim-expired"),
    ("exception", "worker-shutdown"), ("exception", "intermittent-task"), ("exception", "internal-error"),
]  # fmt: skip
TASKS = st.fixed_dictionaries(
    {
        "name": st.sampled_from([JOB, "build-linux/opt", "source-test-lint", "linux-image", "x" * 150, f"{JOB}-cf"]),
        "kind": st.sampled_from(["test", "build", "other"]),
        "runs": st.lists(
            st.tuples(st.sampled_from(ENDINGS), st.sampled_from(["retry", "task-retry", "rerun"])), max_size=3
        ),
        "last": st.sampled_from(["", "pending", "running"]),
        "given_up": st.sampled_from(["canceled", "deadline-exceeded"]),
        "messages": st.lists(st.booleans(), min_size=4, max_size=4),
    }
)


def test_a_run_has_one_result_on_every_path(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, connect: Connect
) -> None:
    """Heard over Pulse, listed by Treeherder or by its group: whatever Treeherder was told of, and in which order."""
    group, push, plain = tc.push(REVISION), th.push(REVISION), connect()

    @settings(max_examples=examples(60))
    @given(TASKS, st.booleans())
    def check(task: dict[str, Any], alone: bool) -> None:
        made = tc.add(group, name=task["name"], kind=task["kind"], state="unscheduled")
        pulse: list[Event] = []
        ingest(th, tc, push, made)
        created = "scheduled"
        steps = [*task["runs"], *([((task["last"], ""), "")] if task["last"] else [])]
        for ((state, reason), following), lost in zip(steps, task["messages"], strict=False):
            tc.run(made, state, reason, created=created)
            created = following
            # Messages about a run that is followed at once carry the status with both.
            if not lost:
                ingest(th, tc, push, made)
        if not steps:
            tc.give_up(made, task["given_up"])
            ingest(th, tc, push, made)
        for number in range(len(tc.runs[made])):
            pulse += told(fx, tc, made, number)
        if not alone:
            fx.look_back(PUSH, kept(tc, group))
        ways = {
            "pulse": pulse,
            "rest": [one for one in fx.look_back(PUSH, kept(tc, group)).events if one.run_id == made],
            "sweep": [one for one in fx.recent(0.0) or () if isinstance(one, Event) and one.run_id == made],
            "group": [one for one in plain.look_back(PUSH, kept(tc, group)).events if one.run_id == made],
        }
        outcomes: dict[RunKey, set[tuple[Any, ...]]] = {}
        for events in ways.values():
            for one in events:
                if one.state is State.FINISHED:
                    outcomes.setdefault(one.key, set()).add((one.job, one.result, one.kind, one.allowed_to_fail))
        assert all(len(found) == 1 for found in outcomes.values()), outcomes

    check()


@pytest.mark.parametrize(
    ("kind", "state", "reason", "result"),
    [
        ("other", "failed", "", Result.FAILURE),
        ("build", "failed", "", Result.BUSTED),
        ("test", "exception", "deadline-exceeded", Result.TIMED_OUT),
        ("test", "exception", "worker-shutdown", Result.INFRA),
    ],
)
def test_what_treeherder_leaves_open_is_settled(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, kind: str, state: str, reason: str, result: Result
) -> None:
    """Where no message was heard, the queue is asked, once."""
    task = tc.add(tc.push(REVISION), name="a-job", kind=kind, state="unscheduled")
    tc.run(task, state, reason)
    ingest(th, tc, th.push(REVISION), task)

    for _ in range(2):
        (event,) = fx.look_back(PUSH).events
        assert (event.result, event.kind) == (result, kind)
    assert sum(one.path.endswith(f"{task}/status") for one in tc.asked) == 1


def test_many_open_runs_are_settled_together(tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster) -> None:
    """By one list of their group; those that the queue does not know any more stay as Treeherder has them."""
    group, push = tc.push(REVISION), th.push(REVISION)
    for number in range(60):
        ingest(th, tc, push, tc.add(group, name=f"job-{number}", kind="other", state="failed"))
    forgotten = th.job(push, "long-ago", task_id=slug(), result="busted")
    tc.asked.clear()

    events = fx.look_back(PUSH).events

    results = {one.run_id: one.result for one in events}
    assert results.pop(forgotten["task_id"]) is Result.BUSTED
    assert set(results.values()) == {Result.FAILURE}
    assert len(tc.asked) <= 5


# -- Treeherder is behind --------------------------------------------------------------------------------------------


def test_a_push_that_treeherder_does_not_know_is_read_from_its_groups(
    tc: FakeTaskcluster, fx: Taskcluster, th: FakeTreeherder
) -> None:
    """With or without a group that is known; its message comes from the push log."""
    group = tc.push(REVISION, message="Bug 1")
    tc.add(group, state="failed")
    for known in (Known(), Known(batches=frozenset({group}))):
        back = fx.look_back(PUSH, known)
        assert [one.job for one in back.events] == ["Decision try", JOB]
        assert back.facts is not None
        assert back.facts.message == "Bug 1\nfirst part"


def test_a_message_that_only_treeherder_tells_is_waited_for(
    tc: FakeTaskcluster, th: FakeTreeherder, connect: Connect
) -> None:
    """It may say --no-retry."""
    fx = connect(jobs=TreeherderJobs("fx", th.url), hg=False)
    group = tc.push(REVISION)
    with pytest.raises(CIUnavailable, match="does not know the push") as error:
        fx.look_back(PUSH, Known(batches=frozenset({group})))
    assert error.value.healthy
    assert fx.look_back(PUSH, kept(tc, group)).events

    with pytest.raises(NotKnown):
        fx.look_back(PUSH._replace(revision="a" * 40))


def test_runs_that_treeherder_does_not_list_yet(tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster) -> None:
    """A claimed run that is missing, or a request in doubt, is a reason to read the task group, too."""
    group, push = tc.push(REVISION), th.push(REVISION)
    first, second = tc.add(group, state="failed"), tc.add(group, state="failed")
    ingest(th, tc, push, first)
    batches = frozenset({group})

    def listed(**more: Any) -> set[str]:
        return {one.run_id for one in fx.look_back(PUSH, Known(facts=True, batches=batches, **more)).events}

    assert listed() == listed(runs=frozenset({RunKey(first, 1)})) == {first}
    assert listed(runs=frozenset({RunKey(second, 1)})) == listed(doubt=True) == {group, first, second}


@pytest.mark.parametrize("hg", [True, False])
def test_treeherder_is_an_hour_late(
    tc: FakeTaskcluster, th: FakeTreeherder, connect: Connect, make_world: Callable[..., World], hg: bool
) -> None:
    """Every failure of that hour is retriggered all the same, and once.

    That happens at once, or, where nobody else tells what the push's message asks for, as soon as Treeherder does.
    """
    fx = connect(jobs=TreeherderJobs("fx", th.url, projects=["try"]), hg=hg)
    world = make_world(fx)
    group = tc.push(REVISION)
    failed = [tc.add(group, name=f"test-linux/opt-mochitest-{number}", state="failed") for number in range(3)]
    everything = [*failed, *(tc.add(group, name=f"test-{number}", state="completed") for number in range(100))]
    for task in everything:
        world.hear(*fx.parse_message(*tc.message(task)))

    world.pass_time(3600)
    assert len(tc.triggered) == (3 if hg else 0)

    push = th.push(REVISION)
    for task in list(tc.tasks):
        ingest(th, tc, push, task)
    poll = Poll(fx, 300.0, world.store, world.observer, clock=world.clock, metrics=world.metrics)
    for _ in range(6):
        poll.once()
        world.pass_time(600)

    assert sorted(one["user"]["taskId"] for one in tc.triggered) == sorted(failed)
    assert {one["user"]["input"]["times"] for one in tc.triggered} == {2}
    claims = world.claims(PUSH)
    assert {(one.state, one.cause) for one in claims.values()} == {(ClaimState.DONE, Cause.FAILURE)}


def test_a_claim_that_was_given_up_is_revived_by_the_sweep(
    tc: FakeTaskcluster, th: FakeTreeherder, connect: Connect, make_world: Callable[..., World]
) -> None:
    """The job was listed by nobody for as long as it was looked for; that is no reason never to retrigger it."""
    fx = connect(jobs=TreeherderJobs("fx", th.url, projects=["try"]))
    world = make_world(fx)
    group = tc.push(REVISION)
    task = tc.add(group, state="failed")
    world.hear(*told(fx, tc, task))
    tasks, tc.tasks = tc.tasks, {}
    world.pass_time(3600)
    assert world.claim(PUSH, JOB).refusal is Refusal.NOT_FOUND

    tc.tasks = tasks
    ingest(th, tc, th.push(REVISION), task)
    poll = Poll(fx, 300.0, world.store, world.observer, clock=world.clock, metrics=world.metrics)
    for _ in range(3):
        th.change(th.jobs[0], last_modified="2999-01-01T00:00:00")
        poll.once()
        world.pass_time(600)

    assert [one["user"]["taskId"] for one in tc.triggered] == [task]
    assert world.claim(PUSH, JOB).state is ClaimState.DONE


# -- classified failures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "who", "text", "rule", "refused"),
    [
        (2, SHERIFF, "", {}, True),
        (3, SHERIFF, "", {}, True),
        (4, SHERIFF, "", {}, True),
        (4, None, "", {}, False),
        (4, "triggerbot@example.org", "Classified by triggerbot: 2 further runs passed.", {}, False),
        (5, SHERIFF, "", {}, False),
        (6, SHERIFF, "", {}, False),
        (8, SHERIFF, "", {}, False),
        (5, SHERIFF, "", {"classified": frozenset({FailureClass.INFRA})}, True),
        (7, None, "", {"classified": frozenset({FailureClass.AUTOCLASSIFIED})}, True),
        (4, SHERIFF, "", {"classified": frozenset()}, False),
    ],
)
def test_what_a_person_classified_is_left_alone(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, make_world: Callable[..., World], number: int,
    who: str | None, text: str, rule: dict[str, Any], refused: bool,
) -> None:  # fmt: skip
    """Unless the rule says otherwise; the reason says who did, and when."""
    world = make_world(fx, rules=(Rule(Globs(["try"]), **rule),))
    task = tc.add(tc.push(REVISION), state="failed")
    ingest(th, tc, th.push(REVISION), task)
    th.classify(th.jobs[0], number, who, text)

    world.hear(*fx.parse_message(*tc.message(task)))
    world.pass_time(60)

    claim = world.claim(PUSH, JOB)
    assert (claim.refusal is Refusal.CLASSIFIED, len(tc.triggered)) == (refused, not refused)
    if refused and who:
        assert f"by {SHERIFF} at 2025-11-20T02:00:00Z" in claim.note


@pytest.mark.parametrize("by", ["push", "person"])
def test_what_is_asked_for_is_run_whatever_was_classified(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, make_world: Callable[..., World], by: str
) -> None:
    """By the push's message, or by a person."""
    world = make_world(fx)
    task = tc.add(tc.push(REVISION), state="failed")
    ingest(th, tc, th.push(REVISION, "try: --rebuild 3" if by == "push" else "Bug 1"), task)
    th.classify(th.jobs[0], 2)

    world.hear(*fx.parse_message(*tc.message(task)))
    world.pass_time(60)
    if by == "person":
        assert tc.triggered == []
        world.store.ask(PUSH, JOB, 3, "by-hand", dry=False, now=world.clock())
        world.pass_time(60)

    assert [one["user"]["input"]["times"] for one in tc.triggered] == [3]


def test_who_classified_it_is_asked_until_it_is_known(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, make_world: Callable[..., World]
) -> None:
    """In doubt nothing is retriggered."""
    world = make_world(fx)
    task = tc.add(tc.push(REVISION), state="failed")
    ingest(th, tc, th.push(REVISION), task)
    th.classify(th.jobs[0], 4)
    answers, fx_notes = [CIUnavailable("HTTP 500")] * 2, fx.classification

    def shaky(push: Push, run: RunKey) -> Any:
        if answers:
            raise answers.pop()
        return fx_notes(push, run)

    fx.classification = shaky  # type: ignore[method-assign]
    world.hear(*fx.parse_message(*tc.message(task)))
    world.drain()
    assert "not known how its failure is classified" in world.claim(PUSH, JOB).note
    world.pass_time(600)

    assert (world.claim(PUSH, JOB).refusal, tc.triggered) == (Refusal.CLASSIFIED, [])


# -- whose push, and which job ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("excluded", ["dev@example.org", "sheriff@example.org"])
def test_the_author_is_the_push_s_own(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, make_world: Callable[..., World], excluded: str
) -> None:
    """Whoever a task is for, such as the sheriff who asked for it, and whatever is heard first."""
    world = make_world(fx, rules=(Rule(Globs(["try"]), exclude_authors=Globs([excluded])),))
    group = tc.push(REVISION)
    task = tc.add(group, state="failed", tags={"retrigger": "true", "createdForUser": "sheriff@example.org"})
    ingest(th, tc, th.push(REVISION, author="dev@example.org"), task)

    world.hear(*fx.parse_message(*tc.message(task)))
    world.pass_time(60)

    assert bool(tc.triggered) is (excluded != "dev@example.org")
    record = world.store.record(PUSH)
    assert record is not None
    assert record.facts.author == "dev@example.org"


def test_a_repository_of_github_has_one_name(tc: FakeTaskcluster, connect: Connect) -> None:
    """Treeherder knows it without its owner; everything else has it with the owner."""
    with FakeTreeherder("fenix") as th:
        fx = connect(jobs=TreeherderJobs("fx", th.url, projects=["mozilla-mobile/fenix"]), hg=False)
        group = tc.push(REVISION, "mozilla-mobile/fenix")
        task = tc.add(group, project="mozilla-mobile/fenix", state="failed")
        ingest(th, tc, th.push(REVISION), task)
        th.read_log(th.jobs[0], "TEST-UNEXPECTED-FAIL | a.js | no")
        (heard,) = told(fx, tc, task)

        (listed,) = fx.look_back(heard.push).events
        (swept,) = (one for one in fx.recent(0.0) or () if isinstance(one, Event))

        assert heard.push == listed.push == swept.push == Push("fx", *["mozilla-mobile/fenix"] * 2, REVISION)
        assert "repo=fenix&" in str(listed.url)
        assert all("%2F" not in path for _, path, _ in th.requests)


def test_names_are_cut_as_treeherder_cuts_them(tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster) -> None:
    """A run of a job with a longer name is one run."""
    task = tc.add(tc.push(REVISION), name="test-" + "n" * 200, state="failed")
    ingest(th, tc, th.push(REVISION), task)
    (heard,), (listed,) = told(fx, tc, task), fx.look_back(PUSH).events
    assert heard.job == listed.job == "test-" + "n" * 134


def test_confirming_a_failure_is_evidence_and_no_job(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, make_world: Callable[..., World]
) -> None:
    """What Gecko's action confirm-failures runs counts for the original job, and is never retriggered itself."""
    world = make_world(fx)
    group, push = tc.push(REVISION), th.push(REVISION)
    for name in (f"{JOB}-cf", "test-linux/opt-reftest-2-cf", JOB):
        task = tc.add(group, name=name, state="failed")
        ingest(th, tc, push, task)
        world.hear(*fx.parse_message(*tc.message(task)))
    world.pass_time(60)

    assert [one["user"]["taskId"] for one in tc.triggered] == [task]
    # One of the two that are wanted exists.
    assert [one["user"]["input"]["times"] for one in tc.triggered] == [1]
    record = world.store.record(PUSH)
    assert record is not None
    assert {job.job: len(job.runs) for job in record.jobs} == {JOB: 2, "test-linux/opt-reftest-2": 1}


# -- what never ran --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "result"), [("canceled", Result.CANCELLED), ("deadline-exceeded", Result.SKIPPED)])
def test_a_task_that_never_ran_is_no_pending_run(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, make_world: Callable[..., World], reason: str,
    result: Result,
) -> None:  # fmt: skip
    """Treeherder lists it as unscheduled for ever; the queue's exception ends what may be known as pending."""
    world = make_world(fx)
    task = tc.add(tc.push(REVISION), state="unscheduled")
    ingest(th, tc, th.push(REVISION), task)
    assert fx.parse_message(*tc.message(task)) == ()
    back = fx.look_back(PUSH)
    assert (back.events, back.complete) == ((), True)
    assert fx.recent(0.0) == []

    world.hear(Event(PUSH, JOB, task, State.PENDING))
    tc.give_up(task, reason)
    world.hear(*told(fx, tc, task))

    record = world.store.record(PUSH)
    assert record is not None
    (run,) = record.jobs[0].runs
    assert (run.state, run.result) == (State.FINISHED, result)
