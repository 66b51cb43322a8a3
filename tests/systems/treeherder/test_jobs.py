"""Treeherder: its list of a push's jobs, and retriggers elsewhere."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fakes.treeherder import SHERIFF, FakeTreeherder
from tests.fakes.world import World
from tests.systems.treeherder.jobs import PUSH, REVISION, SLUG, jobs_of, message
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause
from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Event, Kind, Push, Result, Run, RunKey, State
from triggerbot.core.policy import planning
from triggerbot.core.policy.classified import FailureClass
from triggerbot.core.policy.planning import Call, Owed, Plan
from triggerbot.systems import NOTHING_KNOWN, Known, LookBack
from triggerbot.systems.answers import Accepted, Answer, Later
from triggerbot.systems.treeherder.system import Treeherder


class Elsewhere:
    """The system that runs the jobs: adds the requested ones."""

    name = "fx"

    def __init__(self, fake: FakeTreeherder) -> None:
        self.fake = fake
        self.asked: list[tuple[str, int]] = []

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """Know of nothing else."""
        raise NotKnown(f"no push of {push.system}")

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Plan one request per job."""
        return planning.plan_batch(wants)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Add the requested jobs."""
        self.asked.append((call.target.run_id, call.count))
        for _ in range(call.count):
            self.fake.job(100, call.target.job, state="pending", result="unknown")
        return Accepted()


# -- look-back ------------------------------------------------------------------------------------------------------


def test_the_jobs_of_a_push(treeherder: FakeTreeherder) -> None:
    """From all task groups, with tiers, kinds and retries."""
    push = treeherder.push(REVISION, "Bug 1", "try: --rebuild 3")
    treeherder.job(push, result="testfailed", task_id=SLUG, retry_id=1, tier=2)
    treeherder.job(push, "build-linux/opt", result="busted")
    treeherder.job(push, "source-test-lint", state="running", result="unknown")
    treeherder.job(treeherder.push("b" * 40), "another")

    back = jobs_of(treeherder).look_back(PUSH)

    assert back.complete
    assert back.facts is not None
    assert (back.facts.message, back.facts.author) == ("Bug 1\ntry: --rebuild 3", "dev@example.org")
    jobs = [(one.job, one.result, one.kind, one.tier, one.attempt) for one in back.events]
    assert jobs == [
        ("test-linux/opt-mochitest-1", Result.FAILURE, Kind.TEST, 2, 2),
        ("build-linux/opt", Result.BUSTED, Kind.BUILD, 1, 1),
        ("source-test-lint", None, Kind.OTHER, 1, 1),
    ]
    assert back.events[0].run_id == SLUG


def test_many_jobs_come_in_pages(treeherder: FakeTreeherder) -> None:
    """There are more than Treeherder returns at once."""
    push = treeherder.push(REVISION)
    for number in range(4321):
        treeherder.job(push, f"test-{number}")
    assert len(jobs_of(treeherder).look_back(PUSH).events) == 4321


def test_jobs_that_end_while_a_push_is_listed(treeherder: FakeTreeherder) -> None:
    """Whatever changes between two pages, each run is listed, and once."""
    push = treeherder.push(REVISION)
    jobs = [treeherder.job(push, f"test-{number}", state="running", result="unknown") for number in range(2600)]
    treeherder.between_pages = [jobs[:50]]

    back = jobs_of(treeherder).look_back(PUSH)

    assert sorted(one.run_id for one in back.events) == sorted(job["task_id"] for job in jobs)
    assert back.complete
    assert {(path, query["count"]) for path, query in treeherder.queries if "jobs" in path} == {("/api/jobs/", "2000")}


@pytest.mark.parametrize("number", [1999, 2000, 2001, 4000])
def test_pages_end_where_they_end(treeherder: FakeTreeherder, number: int) -> None:
    """Also where the last one is full."""
    push = treeherder.push(REVISION)
    for job in range(number):
        treeherder.job(push, f"test-{job}")
    back = jobs_of(treeherder).look_back(PUSH)
    assert (len(back.events), back.complete) == (number, True)


def test_jobs_that_change_while_a_project_is_swept(treeherder: FakeTreeherder) -> None:
    """That list has no order: one that is on two pages shows that another may be on none, and it is read again."""
    push = treeherder.push(REVISION)
    jobs = [treeherder.job(push, f"test-{number}", result="testfailed") for number in range(2100)]
    treeherder.between_pages = [jobs[:50], []]

    news = jobs_of(treeherder, ["try"]).recent(0.0)

    assert news is not None
    assert sorted(one.run_id for one in news if isinstance(one, Event)) == sorted(job["task_id"] for job in jobs)


def test_a_push_that_is_deleted_while_it_is_listed(treeherder: FakeTreeherder) -> None:
    """Treeherder drops a filter for what does not exist and lists the whole repository: that is no list of the push."""
    push, other = treeherder.push(REVISION), treeherder.push("b" * 40)
    treeherder.job(push)
    for number in range(30):
        treeherder.job(other, f"test-{number}")
    treeherder.forgets = True

    back = jobs_of(treeherder).look_back(PUSH)

    assert ([one.job for one in back.events], back.complete) == (["test-linux/opt-mochitest-1"], False)


@pytest.mark.parametrize(("given", "known"), [(REVISION[:12], True), ("", False), (REVISION.upper(), False)])
def test_a_push_is_found_by_its_revision(treeherder: FakeTreeherder, given: str, known: bool) -> None:
    """Or by its beginning, if that is of no other one."""
    treeherder.push(REVISION)
    treeherder.push("b" * 40)
    if known:
        assert jobs_of(treeherder).look_back(PUSH._replace(revision=given)).facts
    else:
        with pytest.raises(NotKnown):
            jobs_of(treeherder).look_back(PUSH._replace(revision=given))


def test_what_is_only_defined_is_no_run(treeherder: FakeTreeherder) -> None:
    """It is listed as unscheduled, and may be so for ever."""
    push = treeherder.push(REVISION)
    treeherder.job(push, state="unscheduled", result="unknown")
    client = jobs_of(treeherder, ["try"])
    back = client.look_back(PUSH)
    assert (back.events, back.complete, client.recent(0.0)) == ((), True, [])


def test_a_job_of_another_ci_has_its_guid(treeherder: FakeTreeherder) -> None:
    """The list of a push does not tell it, but that of the project does."""
    treeherder.job(treeherder.push(REVISION), task_id=None, retry_id=None, job_guid="abc/def")
    (event,) = jobs_of(treeherder).look_back(PUSH).events
    assert (event.run_id, event.attempt) == ("abc/def", 1)


def test_how_failures_are_classified(treeherder: FakeTreeherder) -> None:
    """The look-back lists it, and who did is asked for where it matters."""
    push = treeherder.push(REVISION)
    first, second = (treeherder.job(push, result="testfailed") for _ in range(2))
    green = treeherder.job(push, result="success")
    treeherder.classify(first, 5)
    treeherder.classify(first, 4)
    treeherder.classify(green, 2)
    client = jobs_of(treeherder)
    run, other = RunKey(first["task_id"], 1), RunKey(second["task_id"], 1)

    assert client.look_back(PUSH).classified == {run: FailureClass.INTERMITTENT}
    known = client.classification(PUSH, run)
    assert known is not None
    assert str(known) == f"classified as `intermittent` by {SHERIFF} at 2025-11-20T02:00:01Z"
    assert client.classification(PUSH, other) is None


def test_the_id_of_a_listed_job_is_not_asked_for(treeherder: FakeTreeherder) -> None:
    """Not for its failure lines, nor for how it is classified."""
    job = treeherder.job(treeherder.push(REVISION), result="testfailed")
    treeherder.read_log(job, "TEST-UNEXPECTED-FAIL | a.js | no")
    client = jobs_of(treeherder)
    (event,) = client.look_back(PUSH).events
    treeherder.queries.clear()

    assert client.failures(PUSH, Run(event.job, event.run_id, 1, State.FINISHED, Result.FAILURE))
    assert client.classification(PUSH, event.key) is None

    assert [query for _, query in treeherder.queries if "task_id" in query] == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def test_jobs_of_any_form(treeherder: FakeTreeherder) -> None:
    """What is not understood is left out, and makes the list incomplete; nothing breaks."""
    push = treeherder.push(REVISION)
    job = treeherder.job(push, result="testfailed")
    as_it_was = dict(job)
    client = jobs_of(treeherder, ["try"])

    @settings(max_examples=examples(60))
    @given(st.dictionaries(st.sampled_from(sorted(set(as_it_was) - {"push_id", "last_modified"})), VALUES, min_size=1))
    def check(news: dict[str, Any]) -> None:
        treeherder.notes = [{"job_id": as_it_was["id"], **news, "who": news.get("tier"), "created": news.get("state")}]
        job.update(as_it_was | news)
        back = client.look_back(PUSH)
        assert back.complete or not back.events or news.keys() & {"id"}
        client.recent(0.0)
        with suppress(NotKnown, CIUnavailable):
            client.classification(PUSH, RunKey(as_it_was["task_id"], 1))

    check()


def test_facts_are_asked_for_once(treeherder: FakeTreeherder) -> None:
    """Known facts are not requested again."""
    treeherder.push(REVISION, "try: --rebuild 3")
    facts = jobs_of(treeherder).look_back(PUSH, Known(facts=True)).facts
    assert facts is not None
    assert facts.message is None


def test_an_unknown_push(treeherder: FakeTreeherder) -> None:
    """An unknown push or project is reported as such."""
    with pytest.raises(NotKnown):
        jobs_of(treeherder).look_back(PUSH)
    with pytest.raises(NotKnown):
        jobs_of(treeherder).look_back(PUSH._replace(project="nowhere"))


def test_a_job_that_is_not_understood_makes_the_list_incomplete(treeherder: FakeTreeherder) -> None:
    """A missing run then proves nothing."""
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
    """Changed jobs of every project that is known by name are listed; each push is requested once."""
    push = treeherder.push(REVISION)
    for number in range(3):
        treeherder.job(push, f"test-{number}", result="testfailed")
    treeherder.job(push, "old", last_modified="2020-01-01T00:00:00")
    jobs = jobs_of(treeherder, ["try"])

    news = jobs.recent(1_763_596_000.0)

    assert news is not None
    assert [one.job for one in news if isinstance(one, Event)] == ["test-0", "test-1", "test-2"]
    assert {one.push for one in news if isinstance(one, Event)} == {PUSH}
    assert sum(path.endswith(f"/push/{push}/") for _, path, _ in treeherder.requests) == 1
    assert jobs_of(treeherder).recent(0.0) is None


def test_check(treeherder: FakeTreeherder) -> None:
    """A harmless read."""
    assert "1 repositories" in Treeherder(jobs_of(treeherder), through=None).check()


# -- the whole way --------------------------------------------------------------------------------------------------


def test_a_failed_job_is_retriggered_elsewhere(treeherder: FakeTreeherder, make_world: Callable[..., World]) -> None:
    """A job message, a look-back at Treeherder, a retrigger through the system that runs the jobs."""
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
    """The error says so."""
    push = treeherder.push(REVISION)
    treeherder.job(push, task_id=SLUG, result="testfailed")
    system = Treeherder(jobs_of(treeherder), through=None)
    world = make_world(system)
    world.hear(*system.parse_message("e", message(result="fail")))
    world.drain()
    assert "no taskcluster is configured" in world.claim(PUSH, "test-linux/opt-mochitest-1").note
    assert isinstance(Later("x"), Later)
