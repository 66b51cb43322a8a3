"""Faults of a daemon's disk and clock, and its end with requests under way: nothing is lost or doubled."""

import contextlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.clock import Clock
from tests.fakes.daemon import Daemon, eventually
from tests.fakes.memory_ci import Asked, MemoryCI
from tests.fakes.world import World, failure, push
from triggerbot.core.claim import ClaimState
from triggerbot.core.errors import CIUnavailable
from triggerbot.core.model import Heard, Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.planning import Call
from triggerbot.core.policy.rules import Rule
from triggerbot.pipeline.intakes.poll import Poll
from triggerbot.systems.answers import Answer, Unknown

#: Pushes, and the jobs of each that fail: as many as a budget lets pass.
PUSHES = [f"{number:07x}" for number in range(25)]
JOBS = [f"job-{number}" for number in range(4)]
#: Seconds within which a daemon stops on request.
END = 10.0


def ready(daemon: Daemon) -> bool:
    """Return whether the daemon is ready."""
    return httpx.get(f"{daemon.url}/__heartbeat__").status_code == 200


def wrong(daemon: Daemon) -> str:
    """Return what is wrong with its store."""
    return str(daemon.health()["wrong"].get("store", ""))


def fail(daemon: Daemon, ci: FakeCI, revision: str, job: str) -> None:
    """Let a job fail and send it to the daemon, which accepts it."""
    assert daemon.hook(ci.run(revision, job, result="failure")).status_code == 202


def asked(ci: FakeCI, job: str) -> bool:
    """Return whether a job has its two further runs."""
    return ci.jobs_asked().get(("feedbee", job)) == 2


def allow(daemon: Daemon, most: int) -> None:
    """Limit the size of the files that the daemon writes (`setrlimit(2)`), as on a full disk."""
    _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (most, hard))


@pytest.mark.slow
@pytest.mark.parametrize("room", ["none left", "none at all"])
def test_a_disk_that_takes_nothing_for_a_while(daemon: Daemon, ci: FakeCI, room: str) -> None:
    """It says so, accepts nothing that it cannot store, and recovers by itself; `none at all`: it cannot log either."""
    for number in range(40):
        daemon.hook(ci.run("feedbee", f"passing-{number}", result="success"))
    fail(daemon, ci, "feedbee", "before")
    eventually(lambda: asked(ci, "before"), "what failed before is retriggered")
    ci.fault("retrigger", delay=1.0, status=200, body=b"{}", accept=True)
    fail(daemon, ci, "feedbee", "under-way")
    eventually(lambda: asked(ci, "under-way"), "the CI took the request, and has not answered yet")

    allow(daemon, (daemon.directory / "state.db-wal").stat().st_size if room == "none left" else 0)

    refused = ci.run("feedbee", "refused", result="failure")
    eventually(lambda: daemon.hook(refused).status_code == 503, "it is full")
    eventually(lambda: not ready(daemon), "it is not ready")
    assert wrong(daemon).startswith("the store cannot write: ")
    allow(daemon, resource.RLIM_INFINITY)
    eventually(lambda: ready(daemon), "it is ready again")
    assert daemon.hook(refused).status_code == 202
    eventually(lambda: asked(ci, "refused"), "what was refused is told again")
    eventually(lambda: daemon.job("feedbee", "under-way")["claims"][0]["state"] == "done", "settled")
    assert set(ci.jobs_asked().values()) == {2}
    assert daemon.stop() == 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes; only root may make one, and not everywhere."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount a file system here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    """Write until there is no room left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 512):
            pass


def test_a_file_system_that_is_full_for_a_while(small: Path, make_daemon: Callable[..., Daemon], ci: FakeCI) -> None:
    """The log is on it, too: a failed write of the log does not end the daemon."""
    daemon = Daemon(small, make_daemon().config.read_text())
    with daemon:
        fail(daemon, ci, "feedbee", "before")
        eventually(lambda: asked(ci, "before"), "what failed before is retriggered")
        refused = ci.run("feedbee", "refused", result="failure")
        filler = small / "filler"

        fill(filler)

        eventually(lambda: daemon.hook(refused).status_code == 503, "it is full")
        eventually(lambda: not ready(daemon), "it is not ready")
        filler.unlink()
        eventually(lambda: ready(daemon), "it is ready again")
        assert daemon.hook(refused).status_code == 202
        eventually(lambda: asked(ci, "refused"), "what was refused is told again")
        assert set(ci.jobs_asked().values()) == {2}
        assert daemon.stop() == 0


@pytest.mark.slow
def test_a_store_that_may_only_be_read(
    request: pytest.FixtureRequest, make_daemon: Callable[..., Daemon], ci: FakeCI, tmp_path: Path
) -> None:
    """A daemon does not start on it, and says why; once it is writable again, nothing is missing."""
    root = os.geteuid() == 0
    place = request.getfixturevalue("small") if root else tmp_path / "place"
    place.mkdir(exist_ok=True)
    with Daemon(place, make_daemon().config.read_text()) as daemon:
        fail(daemon, ci, "feedbee", "before")
        eventually(lambda: asked(ci, "before"), "what failed before is retriggered")
        assert daemon.stop() == 0

        with read_only(place, root=root):
            ended = daemon.command("run")

        assert (ended.returncode, "state.db" in ended.stderr) == (2, True), ended.stderr
        daemon.start()
        assert daemon.job("feedbee", "before")["claims"][0]["asked"] == 2


@contextlib.contextmanager
def read_only(place: Path, *, root: bool) -> Iterator[None]:
    """Make a directory read-only; only the file system can stop root from writing."""
    if root:
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        yield
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    else:
        for path in (*place.iterdir(), place):
            path.chmod(0o500)
        yield
        for path in (place, *place.iterdir()):
            path.chmod(0o700)


@pytest.mark.slow
def test_the_end_while_a_hundred_requests_are_under_way(daemon: Daemon, ci: FakeCI) -> None:
    """It ends in time; the next daemon settles the unanswered requests, and sends the others."""
    ci.fault("retrigger", times=None, delay=4.0, status=200, body=b"{}", accept=True)
    for revision in PUSHES:
        for job in JOBS:
            fail(daemon, ci, revision, job)
    eventually(lambda: len(ci.posts) >= 4, "the CI took some, and has not answered yet")

    assert daemon.stop(within=END) == 0
    ci.mend()
    daemon.start()

    everything = {(revision, job): 2 for revision in PUSHES for job in JOBS}
    eventually(lambda: len(ci.jobs_asked()) == len(everything), "all is asked for", patience=120)
    eventually(lambda: ended(daemon), "all is settled", patience=120)
    assert ci.jobs_asked() == everything


def ended(daemon: Daemon) -> bool:
    """Return whether every claim is done."""
    jobs = [job for revision in PUSHES for job in daemon.push(revision).get("jobs", [])]
    return {claim["state"] for job in jobs for claim in job["claims"]} == {"done"}


class SlowCI(MemoryCI):
    """Takes a request, gives no useful answer, and lists the new runs when the test lets it."""

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Accept the request."""
        self.held = partial(self.make, operation, push, call)
        self.asked.append(Asked(operation, push, call.target.job, call.target.run_id, call.count))
        return Unknown("no answer in time")


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_jumps_an_hour_while_a_request_is_in_doubt(tmp_path: Path, jump: float) -> None:
    """A look-back without the run proves nothing after a jump of the clock."""
    clock, ci = Clock(), SlowCI(grace=60.0)
    with World(tmp_path / "state.db", {"ci": ci}, [Rule(Globs(["try"]))], clock) as world:
        ci.put(failure())
        ci.say(push())
        world.hear(failure())
        world.drain()
        clock.move(1.0)

        clock.move(jump)
        world.drain()
        # In truth less than the grace time has gone by.
        ci.held()

        world.pass_time(7500.0)
        assert (len(ci.asked), world.claim(push(), "job").state) == (1, ClaimState.DONE)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_jumps_an_hour_while_the_ci_does_not_know_a_push(tmp_path: Path, jump: float) -> None:
    """It is asked again, at the latest after the jump."""
    clock, ci = Clock(), MemoryCI()
    with World(tmp_path / "state.db", {"ci": ci}, [Rule(Globs(["try"]))], clock) as world:
        world.hear(failure())
        world.drain()
        ci.put(failure())
        ci.say(push())

        clock.move(jump)

        world.pass_time(3600.0 + 90.0)
        assert [(one.job, one.count) for one in ci.asked] == [("job", 2)]


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_what_fails_after_a_jump_is_retriggered_at_once(tmp_path: Path, jump: float) -> None:
    """No state from before the jump delays it."""
    clock, ci = Clock(), MemoryCI()
    with World(tmp_path / "state.db", {"ci": ci}, [Rule(Globs(["try"]))], clock) as world:
        ci.say(push())
        for job in ("before", "after"):
            ci.put(failure(job, job))
            world.hear(failure(job, job))
            world.drain()
            clock.move(jump)

        assert [(one.job, one.count) for one in ci.asked] == [("before", 2), ("after", 2)]


class AskedCI(MemoryCI):
    """Records how far back each poll asked."""

    supported = True
    fails = False

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Return nothing."""
        if self.fails:
            raise CIUnavailable("it is down")
        self.since = since
        return () if self.supported else None


def test_a_sweep_after_one_that_was_not_supported_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    """A proxy that answers 404 for a while must not reset the cursor."""
    clock, ci = Clock(), AskedCI()
    with World(tmp_path / "state.db", {"ci": ci}, [Rule(Globs(["try"]))], clock) as world:
        for supported in (True, False, True):
            ci.supported = supported
            Poll(ci, 60.0, world.store, world.observer, clock=clock, metrics=world.metrics).once()
            clock.move(20_000.0)

        assert ci.since < clock.now - 60_000.0


def test_a_first_poll_that_fails_for_hours_misses_nothing(tmp_path: Path) -> None:
    """The first answer reaches back to an hour before the first try."""
    clock, ci = Clock(), AskedCI()
    with World(tmp_path / "state.db", {"ci": ci}, [Rule(Globs(["try"]))], clock) as world:
        began = clock.now
        ci.fails = True
        with pytest.raises(CIUnavailable):
            Poll(ci, 60.0, world.store, world.observer, clock=clock, metrics=world.metrics).once()
        assert world.store.cursor("poll:ci") is None
        clock.move(20_000.0)
        ci.fails = False

        Poll(ci, 60.0, world.store, world.observer, clock=clock, metrics=world.metrics).once()

        assert ci.since == began - 3600.0


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_sweep_after_a_clock_that_jumped_back_misses_nothing(tmp_path: Path, jump: float) -> None:
    """Neither what happened while the clock was wrong, nor what happens after."""
    clock, ci = Clock(), AskedCI()
    with World(tmp_path / "state.db", {"ci": ci}, [Rule(Globs(["try"]))], clock) as world:
        poll = Poll(ci, 60.0, world.store, world.observer, clock=clock, metrics=world.metrics)
        for moved in (jump, -jump, 0.0):
            before = clock.now
            poll.once()
            assert ci.since < before
            clock.move(60.0 + moved)

        poll.once()

        assert ci.since < clock.now - 60.0
