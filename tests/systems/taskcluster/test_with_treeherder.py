"""A push as Treeherder has it: failures that people classified, its author, and its names."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.taskcluster import FakeTaskcluster
from tests.fakes.treeherder import SHERIFF, FakeTreeherder
from tests.fakes.treeherder_ingestion import ingest
from tests.fakes.world import World
from tests.systems.taskcluster.listed import JOB, PUSH, REVISION, Connect, told
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.errors import CIUnavailable
from triggerbot.core.model import Event, Push, RunKey
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.classified import FailureClass
from triggerbot.core.policy.rules import Rule
from triggerbot.reports import timeline
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.jobs import TreeherderJobs


@pytest.fixture
def fx(connect: Connect, th: FakeTreeherder) -> Taskcluster:
    """Return a system whose jobs the Treeherder lists."""
    return connect(jobs=TreeherderJobs("fx", th.url, projects=["try"]))


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
        told = [timeline.entry_line(one).text for one in world.store.pushes.timeline(PUSH, JOB)]
        assert any(f"by {SHERIFF} at 2025-11-20T02:00:00Z" in line for line in told)


def test_what_is_classified_before_it_is_sent_is_not_sent(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, make_world: Callable[..., World]
) -> None:
    """Between the decision and the request there may be an outage, or a cap."""
    world = make_world(fx)
    task = tc.add(tc.push(REVISION), state="failed")
    ingest(th, tc, th.push(REVISION), task)
    tc.fault("triggerHook", status=429, headers=(("retry-after", "120"),))
    world.hear(*fx.parse_message(*tc.message(task)))
    world.pass_time(60)
    assert world.claim(PUSH, JOB).state is ClaimState.OWED

    th.classify(th.jobs[0], 4)
    world.pass_time(600)

    claim = world.claim(PUSH, JOB)
    assert (claim.refusal, tc.triggered) == (Refusal.CLASSIFIED, [])
    record = world.store.pushes.record(PUSH)
    assert record is not None
    assert record.spent == 0


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
        world.store.claims.ask(PUSH, JOB, 3, "by-hand", dry=False, now=world.clock())
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
    record = world.store.pushes.record(PUSH)
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
    record = world.store.pushes.record(PUSH)
    assert record is not None
    assert {job.job: len(job.runs) for job in record.jobs} == {JOB: 2, "test-linux/opt-reftest-2": 1}
