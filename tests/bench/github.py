"""Retriggers at GitHub: how near to its limits they come, and how many API requests they and quiet times take.

Time is compressed: a GitHub with the documented limits and everything of triggerbot but intake threads share a clock.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from tests.fakes.clock import Clock
from tests.fakes.github import FakeGitHub
from tests.fakes.world import World
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.slots import APART
from triggerbot.systems.github.system import GitHub

_REPOSITORY = "octo/app"
_RULE = Rule(Globs([_REPOSITORY]), retries=1)
_WORKFLOW = "jobs: {test: {strategy: {matrix: {n: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}}}, gate: {needs: test, if: always()}}"
#: The least requests that are possible, call by call; see docs/explanation/performance.md.
_LEAST_PER_RETRIGGER, _LEAST_PER_ROUND = 3, 1


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
            return [*_burst(github, world, pushes), *_green(github, world, pushes), *_quiet(github, world)]


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
