"""A branch of which something is expected, at a real daemon: its silence and its end are reported once."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import Daemon, eventually
from tests.fakes.receiver import Receiver
from tests.service.daemon.conftest import CONFIG
from triggerbot.store.factory import open_file

RULE = """
    branches: [main, "release/*"]
    expect: {every: 4s}
reports:
  - webhook: {url: "%s", secret: env:DASHBOARD_SECRET}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Listen."""
    with Receiver(time.time) as made:
        yield made


def types(receiver: Receiver) -> list[str]:
    """Return what was told of branches, each once and in order."""
    return [one["type"] for one in receiver.known.values() if one["type"].startswith("branch.")]


def unfinished(directory: Path) -> bool:
    """Return whether something of a branch is still to be reported."""
    with closing(open_file(directory / "state.db")) as store:
        return any(one.changes for one in store.expectations.every())


@pytest.mark.slow
def test_silence_is_reported_once_over_a_crash(tmp_path: Path, ci: FakeCI, receiver: Receiver) -> None:
    """Health, metrics and page say so meanwhile."""
    config = CONFIG.format(url=ci.url, dry_run="false", grace="1s", sweep="off", intakes="")
    with Daemon(tmp_path, config + RULE % receiver.origin, {"DASHBOARD_SECRET": Receiver.secret}) as daemon:
        assert daemon.health()["checks"]["branch try main"] == "ok"
        eventually(lambda: types(receiver) == ["branch.silent"], "its silence is reported")
        # What it was still busy with when it was killed would be taken up only after its lease.
        eventually(lambda: not unfinished(tmp_path), "it is done")
        daemon.kill()
        daemon.start()
        health = daemon.health()
        assert health["status"] == "ok"
        assert "nothing was heard for" in health["warnings"]["branch try main"]
        assert daemon.metric('triggerbot_branch_silent_seconds{branch="main",project="try"}') >= 4
        assert "Nothing was heard of try <code>main</code>" in httpx.get(daemon.url).text

        run = ci.run("0123456", "job", result="success", branch="main")
        assert daemon.hook(run).status_code == 202
        eventually(lambda: types(receiver)[:2] == ["branch.silent", "branch.heard"], "its end is reported")
        silent = next(one["data"] for one in receiver.known.values() if one["type"] == "branch.silent")
        assert (silent["project"], silent["branch"], silent["known"]) == ("try", "main", False)
        ids = [headers["webhook-id"] for _, headers, _ in receiver.requests]
        assert len(set(ids)) == len(ids)


@pytest.mark.slow
def test_a_dry_run_says_so_in_its_log(tmp_path: Path, ci: FakeCI, receiver: Receiver) -> None:
    """And sends nothing."""
    config = CONFIG.format(url=ci.url, dry_run="true", grace="1s", sweep="off", intakes="")
    with Daemon(tmp_path, config + RULE % receiver.origin, {"DASHBOARD_SECRET": Receiver.secret}) as daemon:
        line = eventually(
            lambda: next((one for one in daemon.lines() if one["event"] == "report"), None), "it is in the log"
        )
        assert line["sentence"].startswith("Nothing was heard of try main for ")
        assert line["dry_run"] is True
        eventually(lambda: any(one["event"] == "branch.silent" for one in daemon.lines()), "it is noticed")
        assert receiver.requests == []
