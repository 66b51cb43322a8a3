"""What a CI listed at the base of a push, where it was looked at: kept as metadata of the push."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from triggerbot.core import identity
from triggerbot.core.model import PROVING, Event, Kind, Push, Result, Run, State
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import base
from triggerbot.core.verdict.base import AtBase
from triggerbot.store.bases import Found
from triggerbot.store.store import Store

#: Metadata of a push: what its CI listed at the base, as JSON.
LOOKED = "base looked at"
#: Jobs at a base of which a run is kept though it proves nothing.
_AGAIN_MAX = 500


def found(store: Store, push: Push, names: Collection[str], now: float, rule: Rule | None) -> Found:
    """Return what is known of jobs, by name, at a push's base: in the store, and by the look that was made there."""
    branch, proving = ("", PROVING) if rule is None else (rule.base_branch, rule.proving)
    stored = store.bases.of(push, names, now, branch, proving)
    left = [
        name for name in names
        if not is_telling(at := stored.jobs.get(name)) or at is None or at.revision != stored.revision
    ]  # fmt: skip
    if not left or stored.revision is None:
        return stored
    looked = _load(store.facts.metadata(push).get(LOOKED, "{}"), stored.revision)
    return replace(stored, jobs={**stored.jobs, **{name: looked[name] for name in left if name in looked}})


def proving(runs: Iterable[Run], rule: Rule | None) -> list[Run]:
    """Return the runs of a job that prove its failure."""
    results = PROVING if rule is None else rule.proving
    return [run for run in runs if run.failed and run.result in results]


def is_telling(at: AtBase | None) -> bool:
    """Return whether something is known of a job at the base, and, if it failed there, with which lines."""
    return at is not None and (not at.failures or any(at.failures))


def dump(revision: str, branch: str, runs: Mapping[str, Sequence[Run]], rule: Rule) -> str:
    """Write what the runs of jobs, by name, show at a revision that was looked at on a branch."""
    jobs = {}
    for name, own in runs.items():
        # Of several of one name the newest counts.
        newest = max(own, key=lambda run: (run.time or 0.0, run.run_id)).job
        same = [run for run in own if run.job == newest]
        at = base.at(revision, same, proving=rule.proving)
        if at is not None and not identity.differ(same):
            jobs[name] = [at.passed, at.failures, at.is_open]
    # Of what proves nothing a run is kept, which could be run again.
    silent = {name: own[-1] for name, own in runs.items() if name not in jobs}
    again = {name: _as_json(run) for name, run in list(silent.items())[:_AGAIN_MAX]}
    return json.dumps({"revision": revision, "branch": branch, "jobs": jobs, "again": again})


def _as_json(run: Run) -> dict[str, Any]:
    kept = {"run_id": run.run_id, "attempt": run.attempt, "batch": run.batch, "kind": run.kind, "event": run.event}
    per_batch = identity.is_per_batch(run.job)
    return kept | {"result": run.result, "state": run.state, "time": run.time, "url": run.url, "per_batch": per_batch}


def again(store: Store, push: Push, name: str, revision: str) -> Event | None:
    """Return a run of a job that the CI listed at a push's base, where it was looked at; it proves nothing."""
    stored = json.loads(store.facts.metadata(push).get(LOOKED, "{}"))
    found = stored.get("again", {}).get(name) if stored.get("revision") == revision else None
    if found is None:
        return None
    where = push._replace(branch=stored["branch"], revision=revision)
    result = None if found["result"] is None else Result(found["result"])
    kinds = {"state": State(found["state"]), "result": result, "kind": Kind(found["kind"])}
    return Event(where, name, **{**found, **kinds})


def _load(text: str, revision: str) -> dict[str, AtBase]:
    stored = json.loads(text)
    if stored.get("revision") != revision:
        return {}
    return {
        name: AtBase(revision, passed, tuple(map(tuple, failures)), is_open)
        for name, (passed, failures, is_open) in stored["jobs"].items()
    }
