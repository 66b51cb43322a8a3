"""Silencing: reports of a job of a branch end until its streak does, for somebody knows of it."""

import uuid
from collections.abc import Sequence

from triggerbot.core.branch.grid import Grid
from triggerbot.core.model import Branch, Push
from triggerbot.core.patterns import Globs
from triggerbot.store import Store
from triggerbot.store.actions import Act, Action, Via
from triggerbot.store.branches import Silence


def silence(store: Store, branch: Branch, found: Grid, pattern: str, by: str, via: Via, now: float) -> list[str]:
    """Silence the jobs of a branch that keep failing and match; return them. Raises `StoreUnavailable`."""
    since = {one.job: one.since for one in reversed(found.along.failing) if not one.test}
    jobs = _matching(sorted(since), pattern)
    action = _action(Act.SILENCE, branch, jobs, pattern, by, via, now)
    for job in jobs:
        store.branches.silence(branch, job, Silence(since[job], by, now), now, action)
    return jobs


def hear(store: Store, branch: Branch, pattern: str, by: str, via: Via, now: float) -> list[str]:
    """Hear of silenced jobs of a branch again; return those that match. Raises `StoreUnavailable`."""
    jobs = _matching(sorted(store.branches.read(branch).silenced), pattern)
    action = _action(Act.HEAR, branch, jobs, pattern, by, via, now)
    for job in jobs:
        store.branches.silence(branch, job, None, now, action)
    return jobs


def _action(act: Act, branch: Branch, jobs: Sequence[str], pattern: str, by: str, via: Via, now: float) -> Action:
    return Action(uuid.uuid4().hex, now, act, by, via, Push(*branch, revision=""), what=pattern, jobs=len(jobs))


def _matching(jobs: Sequence[str], pattern: str) -> list[str]:
    """Return the job of this name, or else the jobs that match it as a pattern."""
    return [pattern] if pattern in jobs else [job for job in jobs if Globs([pattern]).match(job)]
