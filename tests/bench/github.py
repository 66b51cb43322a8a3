"""Retriggers at GitHub: how near to its limits they come, and how many API requests they, reports and quiet times take.

Time is compressed: a GitHub with the documented limits and everything of triggerbot but intake threads share a clock.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.fakes.clock import Clock
from tests.fakes.github import FakeGitHub
from tests.fakes.github.watched_push import JOBS, WatchedPush
from tests.fakes.world import World
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.slots import APART
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub

_REPOSITORY = "octo/app"
_RULE = Rule(Globs([_REPOSITORY]), retries=1)
_WORKFLOW = "jobs: {test: {strategy: {matrix: {n: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}}}, gate: {needs: test, if: always()}}"
#: The least requests that are possible, call by call; see docs/explanation/performance.md.
_LEAST_PER_RETRIGGER, _LEAST_PER_ROUND, _LEAST_PER_REPORT, _LEAST_PER_TEN = 5, 1, 2, 7


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Let one job fail in each of many pushes, told by webhooks; then push what passes; then poll what is quiet."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    pushes, clock = 20 if quick else 100, Clock()
    with FakeGitHub(clock=clock) as github:
        github.contents.write(_REPOSITORY, ".github/workflows/ci.yml", _WORKFLOW)
        gh = GitHub(
            "gh", url=github.url, token=github.token, webhook_secrets=[github.webhook_secret],
            repositories=[_REPOSITORY], clock=clock, sleep=clock.move,
        )  # fmt: skip
        with World(directory / "state.db", {"gh": gh}, (_RULE,), clock) as world:
            found = [*_burst(github, world, pushes), *_green(github, world, pushes), *_quiet(github, world)]
    return [*found, *_reports(directory), *_ten_failures(directory)]


def _tell(github: FakeGitHub, world: World, number: int, ends: Callable[[int], str]) -> None:
    """Push, and hear how its jobs ended."""
    jobs = {f"test ({job})": ends(job) for job in range(10)}
    revision, now = f"{number:040x}", world.clock()
    run = github.add_run(_REPOSITORY, "CI", revision, f"change-{number}", jobs, created=now - 600)  # type: ignore[arg-type]
    for kind, job in itertools.chain([("push", "")], (("workflow_job", job) for job in jobs), [("workflow_run", "")]):
        world.hear(*world.systems["gh"].parse(*github.webhook(kind, run, job=job)))


def _burst(github: FakeGitHub, world: World, pushes: int) -> list[dict[str, Any]]:
    for number in range(1, pushes + 1):
        _tell(github, world, number, lambda job: "failure" if job == 0 else "success")
    began = world.clock()
    while len(github.posts) < pushes and world.clock() < began + 3600:
        world.pass_time(0.5, every=0.5)
    minutes = (world.clock() - began) / 60
    return [
        {
            "what": f"retriggers at GitHub, {pushes} pushes with one failure each, of what its limits allow",
            "value": pushes / minutes * APART / 60, "unit": "", "aim": "at least 0.9",
        },
        {
            "what": "API requests per retriggered job, to the least possible",
            "value": len(github.requests) / len(github.posts) / _LEAST_PER_RETRIGGER, "unit": "", "aim": "at most 1.5",
        },
    ]  # fmt: skip


def _green(github: FakeGitHub, world: World, pushes: int) -> list[dict[str, Any]]:
    before = len(github.requests)
    for number in range(1001, 1001 + pushes):
        _tell(github, world, number, lambda _: "success")
    world.pass_time(60)
    told = (len(github.requests) - before) / pushes
    return [{"what": "API requests per push without failure, by webhooks", "value": told, "unit": "", "aim": "0"}]


@contextmanager
def _watched(directory: Path) -> Iterator[WatchedPush]:
    """Let an App watch and report a push."""
    key, clock = rsa.generate_private_key(65537, 2048), Clock()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with FakeGitHub(clock=clock, app_public_key=public) as github, TemporaryDirectory(dir=directory) as place:
        gh = GitHub("gh", url=github.url, app=AppKey(github.app_id, private), clock=clock, sleep=clock.move)
        push = WatchedPush(Path(place), github, gh, clock, comment=False)
        try:
            yield push
        finally:
            push.world.close()
            gh.close()


def _reports(directory: Path) -> list[dict[str, Any]]:
    with _watched(directory) as push:
        push.all()
        push.rest(60)
        asked, sent = push.requests(), push.github.requests
    writes = sum(one.method != "GET" and "access_tokens" not in one.path for one in sent)
    return [
        {
            "what": "API requests for the report of a green push of 3 minutes, by an App, to the least possible",
            "value": asked / _LEAST_PER_REPORT, "unit": "", "aim": "at most 1.5",
        },
        {"what": "of them writes", "value": writes, "unit": "", "aim": "1"},
    ]  # fmt: skip


def _ten_failures(directory: Path) -> list[dict[str, Any]]:
    with _watched(directory) as push:
        for name in JOBS:
            push.github.talk.annotations[push.github.job(push.run, name).id] = [{}]
        push.hear("workflow_run", action="requested")
        for name in JOBS:
            push.hear("workflow_job", name, "in_progress")
        for name in JOBS:
            push.rest(43)
            push.github.finish(push.run, {name: "failure"})
            push.hear("workflow_job", name)
        push.hear("workflow_run")
        push.rest(20)
        asked = push.requests() - sum("/check-runs" in one.path for one in push.github.requests)
        asked += sum(one.path.endswith("/annotations") for one in push.github.requests)
    return [
        {
            "what": "API requests for 10 jobs that fail over 8 minutes, until rerun, to the least possible",
            "value": asked / _LEAST_PER_TEN, "unit": "", "aim": "at most 1.5",
        },
    ]  # fmt: skip


def _quiet(github: FakeGitHub, world: World) -> list[dict[str, Any]]:
    gh, clock = world.systems["gh"], world.clock
    for run in github.runs:
        github.finish(run)
    clock.move(3600 - clock() % 3600)
    gh.recent(clock() - 360)
    before, pages = len(github.requests), -(-len(github.runs) // 100)
    for _ in range(50):
        clock.move(60)
        gh.recent(clock() - 360)
    asked = github.requests[before:]
    rounds, counted = len(asked) / 50 / pages, sum(request.status != 304 for request in asked) / 50 / pages
    return [
        {
            "what": "API requests per quiet poll round and page, to the least possible",
            "value": rounds / _LEAST_PER_ROUND, "unit": "", "aim": "at most 1.5",
        },
        {
            "what": "of them counted against the rate limit",
            "value": counted, "unit": "", "aim": "0",
        },
    ]  # fmt: skip
