"""A branch as a whole, told of by a real daemon: what keeps failing there, once, whatever becomes of the daemon."""

import time
from pathlib import Path

import httpx

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import TOKEN, Daemon, eventually
from tests.fakes.receiver import Receiver

CONFIG = """
dry_run: false
store: sqlite:state.db
listen: 127.0.0.1:0
systems:
  ci: {{type: generic, url: "{ci}", token: env:CI_TOKEN, webhook_secret: env:WEBHOOK_SECRET, grace: 1s, sweep: "off"}}
rules:
  - {{projects: [try], retries: 0}}
reports:
  - webhook: {{url: "{address}", secret: env:REPORT_SECRET, streaks: [try]}}
"""
PUSHES = ["aaaaaaa", "bbbbbbb", "ccccccc"]


def test_what_keeps_failing_is_told_once(tmp_path: Path) -> None:
    """From the second push in a row on; a daemon that is killed and started again repeats and loses nothing."""
    with FakeCI(token=TOKEN) as ci, Receiver(time.time) as receiver:
        config = CONFIG.format(ci=ci.url, address=receiver.origin)

        def told() -> list[tuple[str, list[str]]]:
            return [
                (one["type"], one["data"]["started"])
                for one in receiver.known.values()
                if one["type"].startswith("branch.")
            ]

        with Daemon(tmp_path, config, {"REPORT_SECRET": Receiver.secret}) as daemon:
            for number, revision in enumerate(PUSHES[:2]):
                daemon.hook(ci.run(revision, "linux-1", result="failure", time=f"2026-11-20T0{number}:00:00Z"))
            eventually(told, "what keeps failing is told")
            daemon.kill()
            daemon.start()
            daemon.hook(ci.run(PUSHES[2], "linux-1", result="failure", time="2026-11-20T02:00:00Z"))
            daemon.hook(ci.run(PUSHES[2], "mac-1", result="success", time="2026-11-20T02:00:00Z"))
            address = f"{daemon.url}/api/v1/branches/try/try"
            eventually(lambda: httpx.get(address).json()["failing"][0]["pushes"] == 3, "the third push is known")
            assert told() == [("branch.failing", ["linux-1"])]
