"""Treeherder: its job messages, its list of a push's jobs, and classifications."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from fake_treeherder import CSRF, SESSION, FakeTreeherder
from fakes.told import Clean, job, told
from fakes.world import World
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, NotUnderstood, Unauthenticated
from triggerbot.core.model import Cause, ClaimState, Event, Kind, Push, Result, State
from triggerbot.core.policy import planning
from triggerbot.core.policy.planning import Call, Owed, Plan
from triggerbot.reports.reporters.treeherder import TreeherderReporter
from triggerbot.systems import Accepted, Answer, Known, Later
from triggerbot.systems.treeherder import Notes, Treeherder, TreeherderJobs, stars

REVISION = "9c6e4c31ad26efdad0b9af47a2b530bc414ce2c3"
PUSH = Push("th", "try", "try", REVISION)
TASK = uuid.UUID("1f2e3d4c-5b6a-4978-8899-aabbccddeeff")
SLUG = base64.urlsafe_b64encode(TASK.bytes).rstrip(b"=").decode()


#: What is to be closed after a test.
OPENED: list[TreeherderJobs | Notes] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Leave no connection open."""
    yield
    while OPENED:
        OPENED.pop().close()


def jobs_of(fake: FakeTreeherder, projects: Sequence[str] = ()) -> TreeherderJobs:
    """Make a client; it is closed after the test."""
    made = TreeherderJobs("th", fake.url, projects=projects)
    OPENED.append(made)
    return made


class Elsewhere:
    """Whoever runs the jobs: adds what is asked for."""

    def __init__(self, fake: FakeTreeherder) -> None:
        self.fake = fake
        self.asked: list[tuple[str, int]] = []

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """One request a job."""
        return planning.plan_batch(wants)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Make jobs."""
        self.asked.append((call.target.run_id, call.count))
        for _ in range(call.count):
            self.fake.job(100, call.target.job, state="pending", result="unknown")
        return Accepted()


def message(**more: Any) -> bytes:
    """A job message."""
    job = {
        "taskId": f"{TASK}/0", "origin": {"project": "try", "revision": REVISION}, "buildSystem": "taskcluster",
        "display": {"jobName": "test-linux/opt-mochitest-1", "jobSymbol": "1", "groupSymbol": "M"},
        "state": "completed", "result": "success", "jobKind": "test", "tier": 1, "owner": "dev@example.org",
        "version": 1, "timeScheduled": "2025-02-26T22:45:17-08:00",
        "timeCompleted": "2025-02-26T23:06:42-08:00", **more,
    }  # fmt: skip
    return json.dumps(job).encode()


def parsed(**more: Any) -> Event:
    """Read a job message."""
    (event,) = Treeherder(TreeherderJobs("th", "https://th.example"), through=None).parse_message("e", message(**more))
    assert isinstance(event, Event)
    return event


# -- messages -------------------------------------------------------------------------------------------------------


def test_a_job_message_says_everything() -> None:
    """Its task id is Taskcluster's, so that both speak of the same run."""
    event = parsed()
    assert (event.push, event.job, event.run_id, event.attempt) == (PUSH, "test-linux/opt-mochitest-1", SLUG, 1)
    assert (event.state, event.result, event.kind, event.tier) == (State.FINISHED, Result.SUCCESS, Kind.TEST, 1)
    assert (event.author, event.time) == ("dev@example.org", 1740640002.0)
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
        ({"state": "unscheduled"}, State.PENDING, None),
    ],
)
def test_states_and_results(more: dict[str, Any], state: State, result: Result | None) -> None:
    """Treeherder's words in ours."""
    event = parsed(**more)
    assert (event.state, event.result) == (state, result)


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
            heard = system.parse_message("e", body)
        except NotUnderstood:
            continue
        assert all(isinstance(one, Event) for one in heard)


def test_it_sends_no_webhooks() -> None:
    """And says where its messages come from."""
    system = Treeherder(TreeherderJobs("th", "https://th.example"), through=None)
    with pytest.raises(Unauthenticated, match="AMQP"):
        system.verify({}, b"", 0.0)


# -- look-back ------------------------------------------------------------------------------------------------------


def test_the_jobs_of_a_push(treeherder: FakeTreeherder) -> None:
    """Of whatever task groups, with tiers, kinds and retries."""
    push = treeherder.push(REVISION, "Bug 1", "try: --rebuild 3")
    treeherder.job(push, result="testfailed", task_id=SLUG, retry_id=1, tier=2)
    treeherder.job(push, "build-linux/opt", result="busted")
    treeherder.job(push, "source-test-lint", state="running", result="unknown")
    treeherder.job(treeherder.push("b" * 40), "another")

    back = jobs_of(treeherder).look_back(PUSH)

    assert back.complete
    assert back.facts is not None
    assert (back.facts.message, back.facts.author) == ("Bug 1\ntry: --rebuild 3", "dev@example.org")
    told = [(one.job, one.result, one.kind, one.tier, one.attempt) for one in back.events]
    assert told == [
        ("test-linux/opt-mochitest-1", Result.FAILURE, Kind.TEST, 2, 2),
        ("build-linux/opt", Result.BUSTED, Kind.BUILD, 1, 1),
        ("source-test-lint", None, Kind.OTHER, 1, 1),
    ]
    assert back.events[0].run_id == SLUG


def test_many_jobs_come_in_pages(treeherder: FakeTreeherder) -> None:
    """More than Treeherder gives at once."""
    push = treeherder.push(REVISION)
    for number in range(4321):
        treeherder.job(push, f"test-{number}")
    assert len(jobs_of(treeherder).look_back(PUSH).events) == 4321


def test_facts_are_asked_for_once(treeherder: FakeTreeherder) -> None:
    """What is known already is not told again."""
    treeherder.push(REVISION, "try: --rebuild 3")
    facts = jobs_of(treeherder).look_back(PUSH, Known(facts=True)).facts
    assert facts is not None
    assert facts.message is None


def test_an_unknown_push(treeherder: FakeTreeherder) -> None:
    """And an unknown project."""
    with pytest.raises(NotKnown):
        jobs_of(treeherder).look_back(PUSH)
    with pytest.raises(NotKnown):
        jobs_of(treeherder).look_back(PUSH._replace(project="nowhere"))


def test_a_job_that_is_not_understood_makes_the_list_incomplete(treeherder: FakeTreeherder) -> None:
    """What is missing then proves nothing."""
    push = treeherder.push(REVISION)
    treeherder.job(push)
    treeherder.job(push, state="asleep")
    back = jobs_of(treeherder).look_back(PUSH)
    assert (len(back.events), back.complete) == (1, False)


def test_a_treeherder_that_is_down(treeherder: FakeTreeherder) -> None:
    """Reads are tried a few times, and then given up for now."""
    treeherder.push(REVISION)
    treeherder.faults = [(500, False)]
    assert jobs_of(treeherder).look_back(PUSH)
    treeherder.faults = [(500, False)] * 9
    with pytest.raises(CIUnavailable):
        jobs_of(treeherder).look_back(PUSH)


def test_the_sweep(treeherder: FakeTreeherder) -> None:
    """What changed since, in every project that is known by name; each push is asked for once."""
    push = treeherder.push(REVISION)
    for number in range(3):
        treeherder.job(push, f"test-{number}", result="testfailed")
    treeherder.job(push, "old", last_modified="2020-01-01T00:00:00")
    jobs = jobs_of(treeherder, ["try"])

    heard = jobs.recent(1_763_596_000.0)

    assert heard is not None
    assert [one.job for one in heard if isinstance(one, Event)] == ["test-0", "test-1", "test-2"]
    assert {one.push for one in heard if isinstance(one, Event)} == {PUSH}
    assert sum(path.endswith(f"/push/{push}/") for _, path, _ in treeherder.requests) == 1
    assert jobs_of(treeherder).recent(0.0) is None


def test_check(treeherder: FakeTreeherder) -> None:
    """A harmless read."""
    assert "1 repositories" in Treeherder(jobs_of(treeherder), through=None).check()


# -- the whole way --------------------------------------------------------------------------------------------------


def test_a_failed_job_is_retriggered_elsewhere(treeherder: FakeTreeherder, make_world: Callable[..., World]) -> None:
    """A job message, a look-back at Treeherder, a retrigger through whoever runs the jobs."""
    push = treeherder.push(REVISION)
    treeherder.job(push, task_id=SLUG, result="testfailed")
    through = Elsewhere(treeherder)
    system = Treeherder(jobs_of(treeherder), through=through, grace=60.0)
    world = make_world(system)

    world.hear(*system.parse_message("e", message(result="fail")))
    world.pass_time(600)

    assert through.asked == [(SLUG, 2)]
    claim = world.claim(PUSH, "test-linux/opt-mochitest-1")
    assert (claim.state, claim.cause) == (ClaimState.DONE, Cause.FAILURE)


def test_nothing_is_retriggered_without_anybody_who_could(
    treeherder: FakeTreeherder, make_world: Callable[..., World]
) -> None:
    """It says so."""
    push = treeherder.push(REVISION)
    treeherder.job(push, task_id=SLUG, result="testfailed")
    system = Treeherder(jobs_of(treeherder), through=None)
    world = make_world(system)
    world.hear(*system.parse_message("e", message(result="fail")))
    world.drain()
    assert "no taskcluster is configured" in world.claim(PUSH, "test-linux/opt-mochitest-1").note
    assert isinstance(Later("x"), Later)


# -- classifying ----------------------------------------------------------------------------------------------------


@pytest.fixture
def starred(treeherder: FakeTreeherder, make_world: Callable[..., World]) -> World:
    """Have a push with one orange and two greens of one job, and others that prove nothing."""
    push = treeherder.push(REVISION)
    results = {"one": "fss", "two": "ffss", "few": "fs", "green": "sss", "hidden": "f"}
    for name, letters in results.items():
        for letter in letters:
            treeherder.read_log(
                treeherder.job(push, f"test-{name}", result="testfailed" if letter == "f" else "success")
            )
    system = Treeherder(jobs_of(treeherder), through=None)
    world = make_world(system)
    world.hear(*system.look_back(PUSH).events)
    # The logs say nothing, and they were asked for before the classification is due.
    world.publish(world.publisher())
    world.store.end_report(PUSH, world.clock())
    return world


def notes(treeherder: FakeTreeherder, session: str = SESSION) -> Notes:
    """Log in."""
    made = Notes(jobs_of(treeherder), session, CSRF)
    OPENED.append(made)
    return made


def test_one_orange_and_two_greens(starred: World) -> None:
    """And nothing else."""
    record = starred.store.record(PUSH)
    assert record is not None
    assert [run.job for job in record.jobs for run in stars(job.runs)] == ["test-one"]


def classify(treeherder: FakeTreeherder, world: World, session: str = SESSION) -> None:
    """Publish what is due, as a daemon does that has just been started."""
    world.publish(world.publisher(TreeherderReporter("th", notes(treeherder, session))))


def test_a_failure_is_classified_once(treeherder: FakeTreeherder, starred: World) -> None:
    """Whatever is heard afterwards, and by a restarted daemon; it looks before it writes."""
    classify(treeherder, starred)
    for _ in range(2):
        starred.store.end_report(PUSH, starred.clock())
        classify(treeherder, starred)

    (note,) = treeherder.notes
    failed = next(job for job in treeherder.jobs if job["job_type_name"] == "test-one")
    assert (note["job_id"], note["failure_classification_id"]) == (failed["id"], 4)
    assert "2 further runs" in note["text"]


def test_what_somebody_classified_is_left_alone(treeherder: FakeTreeherder, starred: World) -> None:
    """A sheriff knows better."""
    failed = next(job for job in treeherder.jobs if job["job_type_name"] == "test-one")
    treeherder.notes.append({"job_id": failed["id"], "failure_classification_id": 2})

    classify(treeherder, starred)

    assert len(treeherder.notes) == 1


def test_a_run_that_treeherder_does_not_know_yet(treeherder: FakeTreeherder, starred: World) -> None:
    """It is classified when it does; until then the failure is not taken for classified."""
    jobs, treeherder.jobs = treeherder.jobs, []
    publisher = starred.publisher(TreeherderReporter("th", notes(treeherder)))
    starred.publish(publisher)
    assert treeherder.notes == []

    treeherder.jobs = jobs
    starred.publish(publisher, 700.0)

    assert len(treeherder.notes) == 1


def test_a_suspected_new_intermittent_is_left_to_people(treeherder: FakeTreeherder) -> None:
    """To classify it would let it in unseen."""
    failed = treeherder.job(treeherder.push(REVISION), "test-one", task_id="test-one-0", result="testfailed")
    reporter = TreeherderReporter("th", notes(treeherder))

    reporter.report(told(PUSH, job("test-one", "OGG"), background=Clean()), "", lambda _: None)
    assert treeherder.notes == []

    reporter.report(told(PUSH, job("test-one", "OGG")), "", lambda _: None)
    assert [note["job_id"] for note in treeherder.notes] == [failed["id"]]


def test_dry_run_classifies_nothing(treeherder: FakeTreeherder, starred: World) -> None:
    """It only says what it would have done."""
    classify(treeherder, starred.again(dry=True))

    assert treeherder.notes == []


def test_a_lost_answer_is_settled_by_looking(treeherder: FakeTreeherder, starred: World) -> None:
    """Nobody writes the same note twice on a guess."""
    publisher = starred.publisher(TreeherderReporter("th", notes(treeherder)))
    treeherder.faults = [(200, True), (200, True), (500, True)]  # the job, its notes, the note

    starred.publish(publisher)
    starred.publish(publisher, 60.0)

    assert len(treeherder.notes) == 1
    assert sum(method == "POST" for method, _, _ in treeherder.requests) == 1


def test_a_session_that_has_ended_is_told_as_such(treeherder: FakeTreeherder, starred: World) -> None:
    """With what is needed, and without the secret; it is tried again after a while."""
    record = starred.store.record(PUSH)
    assert record is not None
    (runs,) = (job.runs for job in record.jobs if stars(job.runs))
    with pytest.raises(CIDenied, match="session has ended") as denied:
        notes(treeherder, "canary-old").classify(PUSH, *stars(runs), runs)
    assert "canary" not in str(denied.value)

    publisher = starred.publisher(TreeherderReporter("th", notes(treeherder, "canary-old")))
    starred.publish(publisher)
    treeherder.requests.clear()
    starred.publish(publisher, 300.0)
    assert treeherder.requests == []
    starred.publish(publisher, 400.0)
    assert treeherder.requests != []
