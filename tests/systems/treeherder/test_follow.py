"""Treeherder: retriggers that failed as their original did are classified as that is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.treeherder import CSRF, SESSION, FakeTreeherder
from tests.fakes.world import World
from tests.systems.treeherder.jobs import OPENED, PUSH, REVISION, jobs_of
from tests.systems.treeherder.test_jobs import Elsewhere
from triggerbot.core.model import Event
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.calibration import QUIET
from triggerbot.core.policy.evidence import UntilProved
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.publisher import Publisher
from triggerbot.reports.reporters.treeherder import TreeherderReporter
from triggerbot.systems.treeherder.classify import Classifier
from triggerbot.systems.treeherder.session import Session
from triggerbot.systems.treeherder.system import Treeherder

LINE = "TEST-UNEXPECTED-FAIL | browser/test_login.js | Test timed out"
OTHER = "TEST-UNEXPECTED-FAIL | browser/test_refund.js | expected 3, got 4"


class Bench:
    """A push with a failed job, and two retriggers of it."""

    def __init__(
        self,
        treeherder: FakeTreeherder,
        make_world: Callable[..., World],
        results: Sequence[str] = ("testfailed", "testfailed"),
        **more: Any,
    ) -> None:
        self.treeherder = treeherder
        self.original = treeherder.job(treeherder.push(REVISION), result="testfailed")
        treeherder.read_log(self.original, LINE)
        self.system = system = Treeherder(jobs_of(treeherder), through=Elsewhere(treeherder), grace=60.0)
        self.world = make_world(system, **more)
        self.world.hear(*system.look_back(PUSH).events)
        self.world.pass_time(600)
        self.repeats = [job for job in treeherder.jobs if job is not self.original]
        assert len(self.repeats) == len(results)
        for job, result in zip(self.repeats, results, strict=True):
            treeherder.change(job, state="completed", result=result)
            treeherder.read_log(job, *([LINE] if result == "testfailed" else []))
        self.world.hear(*system.look_back(PUSH).events)
        self.publisher = self._publisher()

    def _publisher(self) -> Publisher:
        classifier = Classifier(jobs_of(self.treeherder), Session(lambda: SESSION, lambda: CSRF, self.world.clock))
        OPENED.append(classifier)
        return self.world.publisher(TreeherderReporter("th", classifier, self.world.clock))

    def publish(self, seconds: float = 2.0, *, restarted: bool = False) -> None:
        """Publish what is due after some time, without any news."""
        if restarted:
            self.publisher = self._publisher()
        self.world.publish(self.publisher, seconds)

    def classes(self) -> list[int]:
        """Return how the retriggers are classified."""
        return [job["failure_classification_id"] for job in self.repeats]

    def bugs(self) -> list[list[int]]:
        """Return the bugs of the retriggers."""
        return [[one["bug_id"] for one in self.treeherder.bugs if one["job_id"] == job["id"]] for job in self.repeats]

    def writes(self) -> int:
        """Count what was written."""
        return sum(method != "GET" for method, _, _ in self.treeherder.requests)


@pytest.fixture
def bench(treeherder: FakeTreeherder, make_world: Callable[..., World]) -> Bench:
    """Return a push whose retriggers failed like their original."""
    return Bench(treeherder, make_world)


def test_they_follow_their_original(treeherder: FakeTreeherder, bench: Bench) -> None:
    """Whenever it is classified, and however that changes; nothing is written twice."""
    bench.publish()
    assert (bench.classes(), bench.writes()) == ([1, 1], 0)

    treeherder.classify(bench.original, 4, text="as every Monday")
    treeherder.annotate(bench.original, 1234567)
    bench.publish(700)
    assert (bench.classes(), bench.bugs(), bench.writes()) == ([4, 4], [[1234567]] * 2, 4)
    assert {note["text"] for note in treeherder.notes[1:]} == {
        "Classified by triggerbot as the run that failed alike: as every Monday"
    }
    bench.publish(3600)
    bench.publish(7200, restarted=True)
    assert bench.writes() == 4

    treeherder.classify(bench.original, 2, text="abcdef123456")
    treeherder.bugs.pop(0)
    bench.publish(7200)
    assert (bench.classes(), bench.bugs(), bench.writes()) == ([2, 2], [[], []], 8)

    for note in [one for one in treeherder.notes if one["job_id"] == bench.original["id"]]:
        treeherder.unclassify(note["id"])
    bench.publish(21_600)
    assert bench.classes() == [1, 1]


def test_where_evidence_stops_at_a_pass_the_failure_is_classified(
    treeherder: FakeTreeherder, make_world: Callable[..., World]
) -> None:
    """No second pass is asked for, nor needed."""
    evidence = Rule(Globs(["*"]), retries=4, until_proved=UntilProved())
    bench = Bench(treeherder, make_world, ["success"], rules=[evidence])
    bench.world.pass_time(600)
    bench.publish()

    assert (len(treeherder.jobs), bench.original["failure_classification_id"]) == (2, 4)


def test_what_a_pass_proved_is_followed(treeherder: FakeTreeherder, make_world: Callable[..., World]) -> None:
    """What failed like the original takes over its classification, and gets none of its own."""
    bench = Bench(treeherder, make_world, ["testfailed", "success"])
    bench.publish()

    assert bench.original["failure_classification_id"] == 4
    texts = {note["job_id"]: note["text"] for note in treeherder.notes}
    assert texts[bench.original["id"]].endswith("1 further run of this job passed at the same push.")
    assert "as the run that failed alike" in texts[bench.repeats[0]["id"]]


def test_a_failure_of_its_own_is_proved_by_the_pass_too(
    treeherder: FakeTreeherder, make_world: Callable[..., World]
) -> None:
    """It follows nothing, and the job that it is of has passed."""
    bench = Bench(treeherder, make_world, ["testfailed", "success"])
    treeherder.read_log(bench.repeats[0], OTHER)
    bench.publish()

    assert bench.classes()[0] == 4
    assert not any("alike" in note["text"] for note in treeherder.notes)


def test_a_retrigger_that_fails_otherwise_is_a_failure_of_its_own(treeherder: FakeTreeherder, bench: Bench) -> None:
    """As is one whose failure is not known."""
    treeherder.classify(bench.original, 4)
    treeherder.read_log(bench.repeats[0], OTHER)
    treeherder.read_log(bench.repeats[1])
    bench.publish()
    assert (bench.classes(), bench.writes()) == ([1, 1], 0)


def test_what_somebody_else_classified_is_left_alone(treeherder: FakeTreeherder, bench: Bench) -> None:
    """A sheriff has looked at it; neither that nor its bugs are changed."""
    treeherder.classify(bench.repeats[0], 5)
    treeherder.classify(bench.original, 4)
    treeherder.annotate(bench.original, 7)
    bench.publish()
    assert (bench.classes(), bench.bugs()) == ([5, 4], [[], [7]])


def test_a_bug_that_somebody_named_stays(treeherder: FakeTreeherder, bench: Bench) -> None:
    """Only what came from the original goes with it."""
    treeherder.annotate(bench.repeats[0], 7)
    treeherder.classify(bench.original, 4)
    treeherder.annotate(bench.original, 7)
    bench.publish()
    assert bench.bugs() == [[7], [7]]

    treeherder.bugs = [one for one in treeherder.bugs if one["job_id"] != bench.original["id"]]
    bench.publish(3600)
    assert bench.bugs() == [[7], []]


@pytest.mark.parametrize("lost", range(1, 12))
def test_a_lost_answer_makes_nothing_double(treeherder: FakeTreeherder, bench: Bench, lost: int) -> None:
    """It looks before it writes, whichever of its requests fails."""
    treeherder.classify(bench.original, 4)
    treeherder.annotate(bench.original, 7)
    treeherder.faults = [(200, True)] * lost + [(500, True)] * 3
    bench.publish()
    bench.publish(900)
    bench.publish(900)
    notes = [note["job_id"] for note in treeherder.notes]
    assert sorted(notes) == sorted(job["id"] for job in (bench.original, *bench.repeats))
    assert bench.bugs() == [[7], [7]]


def test_it_looks_less_often_with_time_and_ends(treeherder: FakeTreeherder, bench: Bench, clock: Clock) -> None:
    """Every ten minutes at first, every six hours in the end, for a week."""
    looks: list[Any] = []
    bench.publish()
    for _ in range(8 * 24 * 6):
        treeherder.requests.clear()
        bench.publish(600)
        looks.append(len(treeherder.requests) > 0)
    assert looks[0]
    assert 25 < sum(looks) < 60
    assert not any(looks[-24 * 5 :])


def test_what_only_measures_its_verdict_follows_too(
    treeherder: FakeTreeherder, make_world: Callable[..., World]
) -> None:
    """It decides nothing, and is a failure that somebody would have to classify all the same."""
    bench = Bench(treeherder, make_world, rules=(Rule(Globs(["try"]), calibration=1.0),))
    before = list(treeherder.jobs)
    bench.publish()
    bench.publish(QUIET + 60.0)
    bench.world.pass_time(300.0)
    measuring = [job for job in treeherder.jobs if job not in before]
    assert len(measuring) == 4
    for job in measuring:
        treeherder.change(job, state="completed", result="testfailed")
        treeherder.read_log(job, LINE)
    bench.world.hear(*bench.system.look_back(PUSH).events)
    treeherder.classify(bench.original, 4)
    for _ in range(3):
        bench.publish(700)

    assert [job["failure_classification_id"] for job in measuring] == [4] * 4
    record = bench.world.store.pushes.record(PUSH)
    assert record is not None
    assert [len(job.runs) for job in record.jobs] == [3]


def test_jobs_of_one_cause_follow_the_one_that_was_retriggered_for_all(
    treeherder: FakeTreeherder, make_world: Callable[..., World]
) -> None:
    """Once it has failed on; a job that fails otherwise is a failure of its own."""
    push = treeherder.push(REVISION)
    jobs = {name: treeherder.job(push, name, result="testfailed") for name in ("test-a", "test-b", "test-c")}
    for name, job in jobs.items():
        treeherder.read_log(job, OTHER if name == "test-c" else LINE)
    rule = Rule(Globs(["try"]), retries=1, first_of_cause=True)
    system = Treeherder(jobs_of(treeherder), through=Elsewhere(treeherder), grace=60.0)
    world = make_world(system, rules=(rule,))
    world.hear(*(replace(one, failures=(OTHER if one.job == "test-c" else LINE,)) for one in failed(system)))
    world.pass_time(600)
    (again,) = [job for job in treeherder.jobs if job["job_type_name"] == "test-a" and job is not jobs["test-a"]]
    treeherder.change(again, state="completed", result="testfailed")
    treeherder.read_log(again, LINE)
    world.hear(*(replace(one, failures=(LINE,)) for one in failed(system) if one.job == "test-a"))
    world.pass_time(600)
    assert str(world.claim(PUSH, "test-b").refusal) == "same_cause"

    treeherder.classify(jobs["test-a"], 2, text="abcdef123456")
    classifier = Classifier(jobs_of(treeherder), Session(lambda: SESSION, lambda: CSRF, world.clock))
    OPENED.append(classifier)
    world.publish(world.publisher(TreeherderReporter("th", classifier, world.clock)))

    classes = {name: job["failure_classification_id"] for name, job in jobs.items()}
    assert classes == {"test-a": 2, "test-b": 2, "test-c": 1}
    assert again["failure_classification_id"] == 2


def failed(system: Treeherder) -> list[Event]:
    """List the runs that failed."""
    return [one for one in system.look_back(PUSH).events if isinstance(one, Event) and one.failed]
