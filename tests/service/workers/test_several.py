"""Two workers on one Redis, as real processes: they share the work, and their crashes are recorded in order."""

import json
import os
import signal
from collections.abc import Callable

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import eventually
from tests.service.workers.supervised import Supervised

REVISION = "0123456789abcdef"


@pytest.fixture
def two(make_daemon: Callable[..., Supervised], redis: str) -> Supervised:
    """Two workers with their supervisor, and a file of events."""
    daemon = make_daemon(store=redis, intakes="[{file: {system: ci, path: events.jsonl}}]")
    daemon.start("--workers", "2")
    daemon.started(2)
    return daemon


def test_two_workers_answer_on_one_address(two: Supervised, ci: FakeCI) -> None:
    """Whichever worker takes a webhook, each job is retriggered once; each log line names its worker."""
    for number in range(20):
        assert two.hook(ci.run(f"{number:016x}", "job", result="failure")).status_code == 202

    eventually(lambda: len(ci.jobs_asked()) == 20, "every job is asked for")
    assert set(ci.jobs_asked().values()) == {2}
    assert {line.get("worker") for line in two.logged("daemon.started")} == {1, 2}
    assert {line["listen"] for line in two.logged("daemon.started")} == {two.logged("supervisor.started")[0]["listen"]}
    assert all("worker" in line for line in two.lines() if not line["event"].startswith("supervisor."))
    assert two.stop() == 0


@pytest.mark.slow
def test_each_line_of_a_file_is_read_once(two: Supervised, ci: FakeCI) -> None:
    """One worker follows the file; a line that is no event is one dead letter, not two."""
    with (two.directory / "events.jsonl").open("a") as file:
        file.write("nonsense\n" + json.dumps(ci.run(REVISION, "one", result="failure")) + "\n")

    eventually(lambda: ci.accepted, "the CI is asked")

    assert len(two.command("dead-letters", "list", "--json").stdout.splitlines()) == 1


@pytest.mark.slow
def test_of_those_that_die_together_the_first_is_listed_first(two: Supervised) -> None:
    """The second worker raises, and is slow to end; the first is gone at once, after it: the cause is the second's."""
    two.fault("after 2 exit 3", worker=1)
    two.fault("raise", worker=2)

    first, second = two.crashed(2)

    assert first["worker"].endswith("/2")
    assert (first["order"], first["ended"], first["error"]) == (1, "exit code 1", "ZeroDivisionError: told to")
    assert second["worker"].endswith("/1")
    assert (second["order"], second["ended"], second["error"]) == (2, "exit code 3", "")
    two.started(4)


@pytest.mark.slow
def test_one_goes_on_while_the_other_is_started_again(two: Supervised, ci: FakeCI) -> None:
    """Nothing is refused meanwhile: the socket is the supervisor's."""
    os.kill(two.pids(worker=1)[0], signal.SIGKILL)
    eventually(lambda: two.logged("worker.died"), "its death is seen")
    for number in range(10):
        assert two.hook(ci.run(f"{number:016x}", "job", result="failure")).status_code == 202
    two.started(3)

    eventually(lambda: len(ci.jobs_asked()) == 10, "every job is asked for")
    assert [line["worker"] for line in two.logged("worker.died")] == [1]


@pytest.mark.slow
def test_both_end_with_a_supervisor_that_is_killed(two: Supervised) -> None:
    """Nothing is left over of two workers either."""
    two.kill()
    eventually(lambda: len(two.logged("daemon.stopped")) == 2, "both end")
    eventually(two.gone, "nobody listens any more")
