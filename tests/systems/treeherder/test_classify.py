"""Treeherder: classifications."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.portal import Portal
from tests.fakes.push_report import Clean, job, told
from tests.fakes.treeherder import CSRF, SESSION, FakeTreeherder
from tests.fakes.world import World
from tests.systems.treeherder.jobs import OPENED, PUSH, REVISION, jobs_of
from triggerbot.config.secrets import Secret
from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.core.model import Run
from triggerbot.core.verdict.verdict import beside
from triggerbot.reports.judge import Judge
from triggerbot.reports.reporters.treeherder import TreeherderReporter
from triggerbot.systems.treeherder.classify import Classifier, intermittent_failures
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.session import LIFETIME, Session
from triggerbot.systems.treeherder.system import Treeherder


@pytest.fixture
def starred(treeherder: FakeTreeherder, make_world: Callable[..., World]) -> World:
    """Add a push with one job that failed and passed, one that failed twice, and one that passed."""
    push = treeherder.push(REVISION)
    results = {"one": "fs", "two": "ff", "green": "sss"}
    for name, letters in results.items():
        for letter in letters:
            treeherder.read_log(
                treeherder.job(push, f"test-{name}", result="testfailed" if letter == "f" else "success")
            )
    system = Treeherder(jobs_of(treeherder), through=None)
    world = make_world(system)
    world.hear(*system.look_back(PUSH).events)
    # The logs have no errors, and were requested before the classification is due.
    world.publish(world.publisher())
    world.store.reports.end(PUSH, world.clock())
    return world


def notes(treeherder: FakeTreeherder, session: str = SESSION) -> Classifier:
    """Log in."""
    made = Classifier(jobs_of(treeherder), Session(lambda: session, lambda: CSRF))
    OPENED.append(made)
    return made


@pytest.mark.parametrize(
    ("letters", "classified"),
    [
        ("OG", [0]),
        ("GO", [1]),
        ("OOG", [0, 1]),
        ("OGG", [0]),
        ("XG", [0]),
        ("O", []),
        ("OO", []),
        ("OX", []),
        ("GG", []),
    ],
)
def test_any_pass_is_enough(letters: str, classified: list[int]) -> None:
    """Of the same revision it proves every failure of the job, whoever asked for the run."""
    (judged,) = told(PUSH, job("test", letters)).judged.jobs
    assert [judged.runs.index(run) for run in intermittent_failures(judged)] == classified


def test_a_pass_that_may_be_of_another_job_proves_nothing() -> None:
    """Two jobs of one name, whose runs cannot be told apart."""
    (judged,) = told(PUSH, job("test", "OG")).judged.jobs
    assert intermittent_failures(beside(judged, aside="", mixed=True)) == []


def test_a_page_of_something_in_front_is_no_answer(treeherder: FakeTreeherder, starred: World) -> None:
    """A login page that says 200 has stored no note: the next call looks."""
    run, runs = _failed(starred)
    with Portal(treeherder.origin, passes=False) as portal:
        made = Classifier(TreeherderJobs("th", portal.origin, projects=["try"]), Session(lambda: SESSION, lambda: CSRF))
        with pytest.raises(CIUnavailable, match="speaks no JSON"):
            made.classify(PUSH, run, runs)
        made.close()

    assert (portal.writes, treeherder.notes) == (1, [])


def _failed(world: World) -> tuple[Run, tuple[Run, ...]]:
    """Return the failure that a pass proves intermittent, and all runs of its job."""
    record = world.store.pushes.record(PUSH)
    assert record is not None
    ((run, runs),) = (
        (run, job.runs)
        for job in Judge(world.store, world.clock).judge(record).jobs
        for run in intermittent_failures(job)
    )
    return run, runs


def orange(treeherder: FakeTreeherder) -> dict[str, Any]:
    """Return the one failure that others prove intermittent."""
    return next(job for job in treeherder.jobs if (job["job_type_name"], job["result"]) == ("test-one", "testfailed"))


def classify(treeherder: FakeTreeherder, world: World, session: str = SESSION) -> None:
    """Publish what is due, as a newly started daemon does."""
    world.publish(world.publisher(TreeherderReporter("th", notes(treeherder, session), world.clock)))


def test_a_failure_is_classified_once(treeherder: FakeTreeherder, starred: World) -> None:
    """Later events and a restart change nothing: it reads the notes before it writes."""
    classify(treeherder, starred)
    for _ in range(2):
        starred.store.reports.end(PUSH, starred.clock())
        classify(treeherder, starred)

    (note,) = treeherder.notes
    failed = orange(treeherder)
    assert (note["job_id"], note["failure_classification_id"]) == (failed["id"], 4)
    assert "1 further run of" in note["text"]


def test_what_somebody_classified_is_left_alone(treeherder: FakeTreeherder, starred: World) -> None:
    """A sheriff knows better."""
    treeherder.classify(orange(treeherder), 2)

    classify(treeherder, starred)

    assert len(treeherder.notes) == 1


@pytest.mark.parametrize("number", [6, 7, 8])
def test_what_treeherder_classified_by_itself_is_not_overwritten(
    treeherder: FakeTreeherder, starred: World, number: int
) -> None:
    """It leaves no note where it marks a failure as new, or as one that needs a bug."""
    treeherder.change(orange(treeherder), failure_classification_id=number)

    classify(treeherder, starred)

    assert treeherder.notes == []
    assert orange(treeherder)["failure_classification_id"] == number


def test_a_run_that_treeherder_does_not_know_yet(treeherder: FakeTreeherder, starred: World) -> None:
    """It is classified once Treeherder knows it, and not recorded as classified before."""
    jobs, treeherder.jobs = treeherder.jobs, []
    publisher = starred.publisher(TreeherderReporter("th", notes(treeherder), time.time))
    starred.publish(publisher)
    assert treeherder.notes == []

    treeherder.jobs = jobs
    starred.publish(publisher, 700.0)

    assert len(treeherder.notes) == 1


def test_a_suspected_new_intermittent_is_left_to_people(treeherder: FakeTreeherder) -> None:
    """A classification would hide it."""
    failed = treeherder.job(treeherder.push(REVISION), "test-one", task_id="test-one-0", result="testfailed")
    reporter = TreeherderReporter("th", notes(treeherder), time.time)

    reporter.report(told(PUSH, job("test-one", "OGG"), background=Clean()), "", lambda _: None)
    assert treeherder.notes == []

    reporter.report(told(PUSH, job("test-one", "OGG")), "", lambda _: None)
    assert [note["job_id"] for note in treeherder.notes] == [failed["id"]]


def test_dry_run_classifies_nothing(treeherder: FakeTreeherder, starred: World) -> None:
    """It only logs what it would have done."""
    classify(treeherder, starred.again(dry=True))

    assert treeherder.notes == []


def test_a_lost_answer_is_settled_by_looking(treeherder: FakeTreeherder, starred: World) -> None:
    """A note is not written twice on a guess."""
    publisher = starred.publisher(TreeherderReporter("th", notes(treeherder), time.time))
    treeherder.faults = [(200, True), (200, True), (500, True)]  # the job, its notes, the note

    starred.publish(publisher)
    starred.publish(publisher, 60.0)

    assert len(treeherder.notes) == 1
    assert sum(method == "POST" for method, _, _ in treeherder.requests) == 1


def test_a_session_that_has_ended_is_reported_as_such(treeherder: FakeTreeherder, starred: World) -> None:
    """The error says what is needed, without the secret; it is retried after a while."""
    with pytest.raises(CIDenied, match="session has ended") as denied:
        notes(treeherder, "canary-old").classify(PUSH, *_failed(starred))
    assert "canary" not in str(denied.value)

    publisher = starred.publisher(TreeherderReporter("th", notes(treeherder, "canary-old"), time.time))
    starred.publish(publisher)
    treeherder.requests.clear()
    starred.publish(publisher, 300.0)
    assert treeherder.requests == []
    starred.publish(publisher, 400.0)
    assert treeherder.requests != []


def test_what_an_earlier_version_stored_is_read(treeherder: FakeTreeherder) -> None:
    """What it classified is not looked at again."""
    treeherder.job(treeherder.push(REVISION), "test-one", task_id="test-one-0", result="testfailed")
    reporter = TreeherderReporter("th", notes(treeherder), time.time)

    reporter.report(told(PUSH, job("test-one", "OGG")), '[["test-one-0", 1]]', lambda _: None)

    assert (treeherder.notes, treeherder.requests) == ([], [])


# -- the login ------------------------------------------------------------------------------------------------------


def test_a_session_in_a_file_is_read_anew(treeherder: FakeTreeherder, starred: World, tmp_path: Path) -> None:
    """Whoever renews it writes the file; no restart is needed."""
    file = tmp_path / "session"
    file.write_text("canary-old\n")
    classifier = Classifier(jobs_of(treeherder), Session(Secret(f"file:{file}").read, lambda: CSRF))
    OPENED.append(classifier)
    with pytest.raises(CIDenied):
        classifier.classify(PUSH, *_failed(starred))
    assert "has ended" in classifier.trouble()

    file.write_text(f"{SESSION}\n")
    assert classifier.trouble() == ""
    assert classifier.classify(PUSH, *_failed(starred))

    file.unlink()
    assert "cannot be read" in classifier.trouble()


def test_a_warning_comes_before_the_login_ends(clock: Clock) -> None:
    """It lives 45 minutes at most, which is known before anything is refused."""
    cookies = ["first"]
    session = Session(lambda: cookies[-1], lambda: CSRF, clock)
    assert session.trouble() == ""

    clock.move(LIFETIME - 300)
    assert session.trouble() == "the login ends within 5 min: renew its session"
    clock.move(300)
    assert "has ended" in session.trouble()

    cookies.append("second")
    assert session.trouble() == ""


def test_the_end_of_an_older_session_is_not_that_of_the_present_one() -> None:
    """It may be renewed while a request is under way."""
    cookies = ["first"]
    session = Session(lambda: cookies[-1], lambda: CSRF)
    headers = session.headers()
    cookies.append("second")
    assert session.trouble() == ""
    session.end(headers)
    assert session.trouble() == ""


def test_the_publisher_says_what_is_wrong_with_the_login(treeherder: FakeTreeherder, starred: World) -> None:
    """The health checks show that, before and when it ends."""
    publisher = starred.publisher(TreeherderReporter("th", notes(treeherder, "canary-old"), time.time))
    assert publisher.troubles() == {"treeherder:th": ""}
    starred.publish(publisher)
    assert "has ended" in publisher.troubles()["treeherder:th"]
