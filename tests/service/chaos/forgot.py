"""An older copy of the store comes back, while requests of people and budgets are under way, again and again."""

import random
import shutil
import time
from pathlib import Path
from typing import Any

from tests.service.chaos.checker import Job, Verdict
from tests.service.chaos.harness import WANTED, Stage, StoreName, stage
from triggerbot.core.model import Push
from triggerbot.core.policy.budget import Budget
from triggerbot.store.factory import open_store
from triggerbot.store.sqlite.backup import backup

#: The jobs of each push, all of which fail; so many runs of the first are asked for.
JOBS = tuple(f"job-{number}" for number in range(8))
ASKED = 7
#: The most runs that a push may get.
MOST = WANTED * Budget().most(len(JOBS)) + ASKED
#: Seconds until the CI lists all, with some more.
_LAG, _LISTED = 0.3, 1.3
_FEW = {"delay": 20, "500_after": 8, "cut_after": 4, "503": 3}


def forgot(store: StoreName, runs: int, seed: int) -> tuple[Verdict, dict[str, Any]]:
    """Put older copies in the store's place: of a file while the daemon is down, of a Redis while it works."""
    dice = random.Random(seed)
    begun = time.monotonic()
    with stage(
        store, "webhook", seed, posts=_FEW, reads={}, lag=_LAG, sweep="1s", budget=Budget(), marks=seed % 2 == 0
    ) as made:
        life, revisions, asked = made.start_up(), [], 0
        for number in range(runs):
            revisions.append(f"{number:07x}")
            made.feeder.feed(*made.ground.fail(revisions[-1], list(JOBS)))
            first = dice.random() < 0.5
            asked += first and _ask(made, revisions[-1])
            time.sleep(dice.choice((0.0, dice.uniform(0, 0.3), dice.uniform(0, 1.5))))
            copy = made.directory / "copy"
            _copy(made, copy)
            asked += not first and _ask(made, revisions[-1])
            time.sleep(dice.uniform(0.05, 1.5))
            if made.redis is None:
                life.kill()
                time.sleep(_LISTED)
            _go_back(made, copy)
            if made.redis is None:
                life = made.start_up()
        made.ground.calm()
        settled = _settle(made)
        alive = life.alive
        life.kill()
        verdict = _judge(made, revisions)
        made.keep_files = not (verdict.good and settled and alive)
        about = {
            "copies": runs, "asks": asked, "made": sum(made.ground.made().values()), "most": runs * MOST,
            "settled": settled and alive, "log": made.history(), "seconds": round(time.monotonic() - begun),
        }  # fmt: skip
        if made.keep_files:
            about["directory"] = str(made.directory)
    return verdict, about


def _address(made: Stage) -> str:
    return f"sqlite:{made.home / 'state.db'}" if made.redis is None else made.redis.url()


def _ask(made: Stage, revision: str) -> bool:
    """Ask for runs of a job as soon as it is known, as the command does; return whether it was."""
    store = open_store(_address(made))
    try:
        for _ in range(100):
            push = Push("ci", "try", "try", revision)
            if store.claims.ask(push, JOBS[0], ASKED, f"ask-{revision}", dry=False, now=time.time()) is not None:
                return True
            time.sleep(0.02)
        return False
    finally:
        store.close()


def _copy(made: Stage, copy: Path) -> None:
    """Copy the store while the daemon works on it."""
    if made.redis is None:
        copy.unlink(missing_ok=True)
        backup(made.home / "state.db", copy)
    else:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(made.redis.directory, copy)


def _go_back(made: Stage, copy: Path) -> None:
    """Put the copy in the store's place."""
    if made.redis is None:
        for end in ("", "-wal", "-shm"):
            (made.home / f"state.db{end}").unlink(missing_ok=True)
        shutil.copy(copy, made.home / "state.db")
    else:
        made.redis.kill()
        shutil.rmtree(made.redis.directory)
        shutil.copytree(copy, made.redis.directory)
        made.redis.start()


def _settle(made: Stage, patience: float = 180.0, quiet: float = 6.0) -> bool:
    """Wait until all is acknowledged, and nothing more was requested for some seconds."""
    until, known, since = time.monotonic() + patience, -1, time.monotonic()
    while time.monotonic() < until:
        now = sum(made.ground.made().values())
        if now != known or not made.feeder.idle:
            known, since = now, time.monotonic()
        if time.monotonic() - since > quiet:
            return True
        time.sleep(0.1)
    return False


def _judge(made: Stage, revisions: list[str]) -> Verdict:
    """Count what is over what was asked for and budgeted, for each job and each push as a whole."""
    runs = made.ground.made()
    over: list[Job] = []
    for revision in revisions:
        own = {job: runs[revision, job] for job in JOBS}
        over += [(revision, job) for job, had in own.items() if had > WANTED + (ASKED if job == JOBS[0] else 0)]
        over += [(revision, "all jobs")] * (sum(own.values()) > MOST)
    jobs = [(revision, job) for revision in revisions for job in JOBS]
    return Verdict(
        attempted=len(jobs), acknowledged=len(set(made.feeder.acknowledged)), ok=len(jobs) - len(over), recovered=0,
        lost=(), doubled=tuple(over), unexpected=tuple(sorted(set(runs) - set(jobs))),
    )  # fmt: skip
