"""What several tests of GitHub use: one push, and the way from a look-back to a rerun."""

from typing import Any

from tests.fakes.github import FakeGitHub
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.model import Event, Push, Run
from triggerbot.core.policy.planning import Call, Owed
from triggerbot.systems.answers import Answer
from triggerbot.systems.github.system import GitHub

SHA = "0123456789abcdef0123456789abcdef01234567"
PUSH = Push("gh", "octo/app", "main", SHA)


def want(event: Event, owed: int = 1) -> Owed:
    """Want an event's job again."""
    run = Run(event.job, event.run_id, event.attempt, event.state, event.result, batch=event.batch)
    return Owed(Claim(1, PUSH, event.job, ClaimState.OWED, run, dry=False, created=0, due=0), owed, (run,))


def newest(gh: GitHub, *jobs: str, push: Push = PUSH) -> list[Owed]:
    """Want jobs by the newest run that a look-back finds."""
    found = {event.job: event for event in gh.look_back(push).events}
    return [want(found[job]) for job in jobs]


def plan(gh: GitHub, *jobs: str, push: Push = PUSH) -> tuple[Call, ...]:
    """Look back and plan, as the dispatcher does."""
    back = gh.look_back(push)
    return gh.plan(newest(gh, *jobs, push=push), back.busy, back.events).calls


def rerun(gh: GitHub, *jobs: str, push: Push = PUSH) -> Answer:
    """Rerun jobs, which takes one call."""
    [call] = plan(gh, *jobs, push=push)
    return gh.retrigger("op", push, call)


def failed(github: FakeGitHub, **settings: Any) -> int:
    """Add a workflow run in which one of two jobs failed."""
    return github.add_run("octo/app", "CI", SHA, "main", {"test": "failure", "lint": "success"}, **settings)


def call_for(run_id: str, batch: str = "1", *, together: bool = False) -> Call:
    """Make a call by ids alone."""
    run = Run("CI / test", run_id, 1, "finished", "failure", batch=batch)  # type: ignore[arg-type]
    return Call((), 1, run, together)
