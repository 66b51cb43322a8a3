"""The daemon through its life: crashes, restarts, dry run, pausing, stopping, sweeping."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import Daemon, eventually

REVISION = "0123456789abcdef"


def test_a_kill_while_the_request_is_under_way_doubles_and_loses_nothing(daemon: Daemon, ci: FakeCI) -> None:
    """The CI takes the request and answers slowly; the daemon is killed; the next finds what came of it."""
    ci.fault("retrigger", delay=3.0, status=200, body=b"{}", accept=True)
    daemon.hook(ci.run(REVISION, "job", result="failure"))
    eventually(lambda: ci.posts, "the CI took the request, and has not answered yet")
    daemon.kill()

    daemon.start()

    job = eventually(
        lambda: (one := daemon.job(REVISION, "job")).get("claims", [{}])[0].get("state") == "done" and one, "settled"
    )
    assert job["claims"][0]["asked"] == 2
    assert len(ci.accepted) == 1


@pytest.mark.slow
def test_kills_at_any_moment_double_and_lose_nothing(daemon: Daemon, ci: FakeCI) -> None:
    """Ten jobs fail, and after each webhook the daemon is killed and started again: each job gets its two runs."""
    for number in range(10):
        assert daemon.hook(ci.run(REVISION, f"passing-{number}", result="success")).status_code == 202
    for number in range(5):
        assert daemon.hook(ci.run(REVISION, f"job-{number}", result="failure")).status_code == 202
        daemon.kill()
        daemon.start()

    eventually(lambda: len(ci.jobs_asked()) == 5, "every job is asked for")
    assert set(ci.jobs_asked().values()) == {2}


def test_dry_run_sends_nothing_and_what_it_decided_is_never_sent(
    make_daemon: Callable[..., Daemon], ci: FakeCI
) -> None:
    """`run --dry-run` goes before the config; a real run on the same store leaves what was decided before alone."""
    daemon = make_daemon(dry_run=False)
    daemon.start("--dry-run")
    daemon.hook(ci.run(REVISION, "before", result="failure"))
    eventually(lambda: daemon.job(REVISION, "before").get("claims", [{}])[0].get("state") == "would", "it would have")
    stats = httpx.get(f"{daemon.url}/api/v1/stats").json()
    assert stats["decisions"][0] == {
        "action": "trigger", "reason": "failure", "dry_run": True, "jobs": 1, "retriggers": 2,
    }  # fmt: skip
    assert daemon.stop() == 0

    daemon.start()
    daemon.hook(ci.run(REVISION, "before", result="failure"))
    daemon.hook(ci.run(REVISION, "after", result="failure"))

    eventually(lambda: ci.posts, "the CI is asked")
    assert [post.body["job"] for post in ci.posts] == ["after"]


def test_pause_stops_all_sending_and_resume_goes_on(daemon: Daemon, ci: FakeCI) -> None:
    """A failure during a pause is retriggered after the resume."""
    assert daemon.command("pause", "--note", "CI is ill").returncode == 0
    daemon.hook(ci.run(REVISION, "job", result="failure"))
    eventually(lambda: daemon.job(REVISION, "job"), "it is heard")
    assert "paused" in httpx.get(daemon.url).text
    assert ci.posts == []

    assert daemon.command("resume").returncode == 0

    eventually(lambda: len(ci.accepted) == 1, "the CI is asked")


def test_a_person_may_ask_for_more(daemon: Daemon, ci: FakeCI) -> None:
    """`retrigger` of a job that passed is carried out by the running daemon."""
    daemon.hook(ci.run(REVISION, "job", result="success"))

    asked = daemon.command("retrigger", "try", REVISION[:10], "job", "-n", "3")

    assert asked.returncode == 0, asked.stderr
    eventually(lambda: [post.count for post in ci.accepted] == [3], "the CI is asked")


def test_the_sweep_finds_what_no_webhook_brought(make_daemon: Callable[..., Daemon], ci: FakeCI) -> None:
    """With every webhook lost, the list of recent runs is enough."""
    ci.run(REVISION, "job", result="failure")

    daemon = make_daemon(sweep="1s")
    daemon.start()

    eventually(lambda: len(ci.accepted) == 1, "the CI is asked")


def test_polling_is_an_intake_of_its_own(make_daemon: Callable[..., Daemon], ci: FakeCI) -> None:
    """Polling finds new runs while the daemon runs, and repeated answers change nothing."""
    daemon = make_daemon(intakes="[{poll: {system: ci, every: 1s}}]")
    daemon.start()
    ci.run(REVISION, "job", result="failure")
    eventually(lambda: len(ci.accepted) == 1, "the CI is asked")
    asked = sum("/runs?" in path for path in ci.gets)
    eventually(lambda: sum("/runs?" in path for path in ci.gets) > asked + 1, "it polls on")

    assert len(ci.posts) == 1


@pytest.mark.slow
def test_a_file_is_followed_as_it_grows(make_daemon: Callable[..., Daemon], ci: FakeCI) -> None:
    """Lines added to the file are read once, also across a restart; an invalid line becomes a dead letter."""
    daemon = make_daemon(intakes="[{file: {system: ci, path: events.jsonl}}]")
    daemon.start()
    path = daemon.directory / "events.jsonl"
    with path.open("a") as file:
        file.write("nonsense\n" + json.dumps(ci.run(REVISION, "one", result="failure")) + "\n")
    eventually(lambda: len(ci.accepted) == 1, "the CI is asked")
    assert daemon.stop() == 0
    with path.open("a") as file:
        file.write(json.dumps(ci.run(REVISION, "two", result="failure")) + "\n")

    daemon.start()

    eventually(lambda: len(ci.accepted) == 2, "the CI is asked again")
    assert len(daemon.command("dead-letters", "list", "--json").stdout.splitlines()) == 1


@pytest.mark.slow
def test_a_ci_that_is_down_is_asked_again_and_explain_says_so(daemon: Daemon, ci: FakeCI) -> None:
    """While the CI answers nonsense the claim stays; `explain` says so; afterwards it goes on by itself."""
    ci.fault("look_back", times=2, status=200, body=b"<html>")
    daemon.hook(ci.run(REVISION, "job", result="failure"))
    eventually(lambda: "no JSON" in daemon.job(REVISION, "job").get("claims", [{}])[0].get("note", ""), "it waits")

    explained = daemon.command("explain", "try", REVISION, "job")

    assert explained.returncode == 0
    assert "no JSON" in explained.stdout
    eventually(lambda: len(ci.accepted) == 1, "the CI is asked in the end")


def test_sigterm_ends_it_cleanly(daemon: Daemon) -> None:
    """On SIGTERM it stops with exit code 0 and nothing unfinished."""
    assert daemon.stop() == 0
    assert daemon.lines()[-1]["event"] == "daemon.stopped"
    assert daemon.lines()[-1]["unfinished"] == []


@pytest.mark.slow
def test_a_ci_that_hangs_does_not_hold_up_the_end(daemon: Daemon, ci: FakeCI) -> None:
    """It stops while a CI keeps it waiting; the next start resumes the unfinished work."""
    ci.fault("look_back", delay=15.0, status=500)
    daemon.hook(ci.run(REVISION, "job", result="failure"))
    eventually(lambda: ci.gets, "the CI is asked")

    assert daemon.stop() == 0

    assert daemon.lines()[-1]["unfinished"]
    daemon.start()
    eventually(lambda: len(ci.accepted) == 1, "the CI is asked in the end")


def test_reading_for_long_leaves_no_connection_open(daemon: Daemon) -> None:
    """There are only as many connections as concurrent readers, however many threads have read the store."""
    for _ in range(5):
        threads = [threading.Thread(target=httpx.get, args=(f"{daemon.url}/__heartbeat__",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    opened = []
    for found in Path(f"/proc/{daemon.pid}/fd").iterdir():
        # A connection of the last reader may be closing.
        with contextlib.suppress(FileNotFoundError):
            opened.append(str(found.readlink()))
    assert sum(name.endswith("state.db") for name in opened) <= 8 + 4 + 4


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--workers", "1")])
def test_a_second_daemon_on_the_same_store_does_not_start(daemon: Daemon, options: tuple[str, ...]) -> None:
    """Two daemons on one file: the second says so and exits with 2, though its address is taken, too."""
    address = daemon.url.removeprefix("http://")
    daemon.config.write_text(daemon.config.read_text().replace("127.0.0.1:0", address))

    second = daemon.command("run", *options)

    assert second.returncode == 2
    assert "another triggerbot works on the store" in second.stderr
    assert "cannot listen" not in second.stderr


def test_an_address_that_is_taken_is_reported_at_once(make_daemon: Callable[..., Daemon]) -> None:
    """The port is in use: exit 2, and the message says what to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        daemon = make_daemon()
        port = taken.getsockname()[1]
        daemon.config.write_text(daemon.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))

        ended = daemon.command("run")

    assert ended.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr


@pytest.mark.parametrize("missing", ["WEBHOOK_SECRET", "CI_TOKEN"])
def test_a_secret_that_is_missing_is_named_before_anything_starts(
    make_daemon: Callable[..., Daemon], missing: str
) -> None:
    """Exit 2, with the line of the config and the variable."""
    daemon = make_daemon()
    daemon.config.write_text(daemon.config.read_text().replace(f"env:{missing}", "env:NO_SUCH_VARIABLE"))

    ended = daemon.command("run")

    assert ended.returncode == 2
    assert "NO_SUCH_VARIABLE" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_health_and_version_answer(daemon: Daemon) -> None:
    """The endpoints that Dockerflow names."""
    assert httpx.get(f"{daemon.url}/__heartbeat__").json()["status"] == "ok"
    assert httpx.get(f"{daemon.url}/__lbheartbeat__").status_code == 200
    assert httpx.get(f"{daemon.url}/__version__").json()["version"]
