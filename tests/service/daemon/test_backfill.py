"""Who broke a job: a real daemon finds out over HTTP, also if it is killed on the way."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import Daemon, eventually

#: Five pushes; the job passed at the first, did not run at three, and fails at the last.
PUSHES = [f"{number}" * 40 for number in range(1, 6)]


def fill(daemon: Daemon, ci: FakeCI, bad: int) -> None:
    """Push five times, and run the job at the first and the last."""

    def outcome(event: dict[str, Any]) -> str:
        return "failure" if event["job"] == "job" and PUSHES.index(event["revision"]) >= bad else "success"

    ci.outcome = outcome
    for number, revision in enumerate(PUSHES):
        ci.push(revision, author=f"dev{number}@example.org").time = 1_790_000_000.0 + 3600 * number
        daemon.hook(ci.run(revision, "build", result="success"))
    daemon.hook(ci.run(PUSHES[0], "job", result="success"))
    daemon.hook(ci.run(PUSHES[-1], "job", result="failure"))
    eventually(
        lambda: all(daemon.push(revision).get("author") for revision in PUSHES)
        and daemon.job(PUSHES[-1], "job").get("verdict") == "failed" and not daemon.job(PUSHES[-1], "job")["awaited"],
        "the pushes are known, and the failure is proved",
    )  # fmt: skip


@pytest.mark.parametrize("killed", [False, True])
def test_the_first_bad_push_is_named(make_daemon: Callable[..., Daemon], ci: FakeCI, *, killed: bool) -> None:
    """A person asks; it is run at two of the three pushes, once each, and what failed is proved by retriggers."""
    daemon = make_daemon(sweep="1s")
    daemon.start()
    fill(daemon, ci, bad=3)
    asked = daemon.command("backfill", "try", "try", "job")
    assert asked.returncode == 0, asked.stderr
    assert "Fails since 555555555555, and passed last at 111111111111; 3 pushes in between prove" in asked.stdout
    if killed:
        eventually(lambda: [post for post in ci.posts if post.body["run_id"] is None], "it is run at the first push")
        daemon.kill()
        daemon.start()

    found = eventually(
        lambda: next((one for one in daemon.push(PUSHES[-1])["backfills"] if one["state"] != "open"), None), "it ends"
    )

    assert (found["sentence"], found["state"]) == ("first bad: 444444444444 by dev3@example.org", "first_bad")
    assert [revision[0] for revision in found["asked"]] == ["3", "4"]
    first = [post for post in ci.accepted if post.body["run_id"] is None]
    assert [(post.body["revision"][0], post.count) for post in first] == [("3", 1), ("4", 1)]
    assert len(ci.runs(PUSHES[2], "job")) == 1
    # Its own failure was retriggered as any other, twice.
    assert len(ci.runs(PUSHES[3], "job")) == 3
    assert ci.runs(PUSHES[1], "job") == []
    claims = daemon.job(PUSHES[2], "job")["claims"]
    assert [(claim["reason"], claim["asked"]) for claim in claims] == [("backfill", 1)]
    listed = daemon.command("backfill", "try", "try")
    assert "job: first bad: 444444444444 by dev3@example.org (asked for by a command)" in listed.stdout
    story = daemon.command("explain", "try", PUSHES[2], "job").stdout
    assert "Decided (backfill): asks for 1 further run, because it tells at which push of the branch the job" in story
