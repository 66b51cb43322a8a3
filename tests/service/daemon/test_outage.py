"""A CI outage as operators and developers see it: requests are held, visibly, and resume by themselves."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import TOKEN, Daemon, eventually
from tests.fakes.servers import free_ports

CONFIG = """
dry_run: false
listen: 127.0.0.1:0
systems: {{ci: {{type: generic, url: "{url}", token: "env:CI_TOKEN", webhook_secret: "env:WEBHOOK_SECRET", grace: 1s}}}}
rules: [{{projects: [try], budget: {{percent: 100, floor: 1000}}}}]
breaker: {{failures: 3, canary: 500ms, longest: 1s}}
"""
Start = Callable[[str], Daemon]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a daemon with a config; it does not outlive the test."""
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(Daemon(tmp_path, config))


def fail(ci: FakeCI, daemon: Daemon, number: int) -> None:
    """Let a job of one of many pushes fail, and send the event."""
    assert (
        daemon.hook(ci.run(f"{number:07x}", "job", result="failure", author=f"{number}@example.org")).status_code == 202
    )


@pytest.mark.slow
def test_an_outage_from_its_beginning_to_its_end(ci: FakeCI, start: Start) -> None:
    """Thirty failures while the CI takes nothing: a handful of requests; each is retriggered once after recovery."""
    daemon = start(CONFIG.format(url=ci.url))
    ci.fault("retrigger", times=None, status=503, headers={"retry-after": "1"})
    for number in range(30):
        fail(ci, daemon, number)
    breakers = eventually(lambda: daemon.health()["breakers"], "the breaker opens")
    assert list(breakers) == ["system ci"]
    assert "requests in a row failed, the last with: HTTP 503" in breakers["system ci"]
    assert daemon.health()["status"] == "ok"

    listed = daemon.command("breakers", "--json")
    one = json.loads(listed.stdout)
    assert (one["breaker"], one["trouble"]) == ("system/ci/", "requests")
    assert len(one["evidence"]) >= 3
    eventually(lambda: json.loads(daemon.command("breakers", "--json").stdout)["held"] > 15, "claims are held")
    asked = {post.body["revision"] for post in ci.posts}
    held = next(f"{number:07x}" for number in range(30) if f"{number:07x}" not in asked)
    explained = daemon.command("explain", "try", held).stdout
    assert "the breaker of system ci is open" in " ".join(explained.split())
    assert len(asked) < 15

    ci.mend()
    eventually(lambda: len(ci.accepted) == 30, "everything goes on")
    assert Counter(post.body["revision"] for post in ci.accepted) == {f"{number:07x}": 1 for number in range(30)}
    eventually(lambda: not daemon.health()["breakers"], "the breaker closes")
    assert daemon.command("breakers").stdout == "No breaker is open.\n"
    opened = [line for line in daemon.lines() if line["event"] == "breaker.opened"]
    assert opened[0]["breaker"] == "system ci"
    assert any(line["event"] == "breaker.closed" for line in daemon.lines())


@pytest.mark.slow
def test_a_person_closes_a_breaker(ci: FakeCI, start: Start) -> None:
    """A person need not wait for the next canary; an unknown name is answered with the known ones."""
    daemon = start(CONFIG.format(url=ci.url).replace("longest: 1s", "longest: 1h").replace("500ms", "1h"))
    ci.fault("retrigger", times=None, status=503)
    for number in range(5):
        fail(ci, daemon, number)
    eventually(lambda: daemon.health()["breakers"], "the breaker opens")
    ci.mend()

    wrong = daemon.command("breakers", "close", "ci")
    assert wrong.returncode == 2
    assert "no breaker 'ci' is open; open are: system/ci/" in wrong.stderr
    assert daemon.command("breakers", "close", "system/ci/").stdout == "Closed system/ci/.\n"

    eventually(lambda: len(ci.accepted) >= 1, "what was held goes on")


def test_the_cap_is_visible(ci: FakeCI, start: Start) -> None:
    """`stats` and the API show its state."""
    daemon = start(CONFIG.format(url=ci.url) + "caps: {service: 4, author: off}\n")
    for number in range(5):
        fail(ci, daemon, number)
    eventually(lambda: len(ci.accepted) == 2, "two are sent")
    waiting = eventually(
        lambda: [one for one in json.loads(daemon.command("stats", "--json").stdout)["last_hour"] if one["held"] == 3],
        "the others are held",
    )

    assert waiting[0] == {"cap": "service", "sent": 4, "held": 3}
    assert "3 claims held by the cap for service: 4 sent in the last hour." in daemon.command("stats").stdout
    assert TOKEN not in daemon.log.read_text()


@pytest.mark.slow
def test_a_redis_that_is_not_reached_at_the_start_is_no_wrong_use(tmp_path: Path) -> None:
    """After a power failure Redis may come up later than the daemon: exit code 2 would keep systemd from retrying."""
    (port,) = free_ports(1)
    config = tmp_path / "triggerbot.yml"
    config.write_text(
        f"dry_run: false\nstore: redis://127.0.0.1:{port}/0\nlisten: off\n"
        "systems: {ci: {type: generic, url: 'http://127.0.0.1:9'}}\nrules: [{projects: [try]}]\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "triggerbot", "run", "-c", str(config)],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "cannot reach the store" in done.stderr
    assert "Traceback" not in done.stderr
