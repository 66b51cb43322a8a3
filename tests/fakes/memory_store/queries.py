"""Reading from the tables in memory."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from tests.fakes.memory_store import heads
from tests.fakes.memory_store.tables import PushRow, Tables
from triggerbot.core.model import Push, PushFacts, State
from triggerbot.store import PushRecord, Work, job_records, outcomes


def work(tables: Tables, push: Push) -> Work:
    """Read what is open about a push."""
    row = tables.pushes.get(push)
    if row is None:
        return Work(push, PushFacts(push), None, (), {}, 0, 0, 0)
    claims = [claim for claim in row.claims() if not claim.state.final]
    return Work(
        push, row.facts, row.asks, tuple(claim.value() for claim in claims),
        {claim.job.name: claim.job.oldest_first() for claim in claims},
        len(row.jobs), row.spent(dry=False), row.spent(dry=True), row.facts_tries, frozenset(row.operations),
        frozenset(run.batch for job in row.jobs.values() for run in job.runs.values() if run.batch), row.batches,
        heads.read(tables, push),
    )  # fmt: skip


def known(tables: Tables, push: Push) -> dict[tuple[str, str, int], State]:
    """Read how far each run of a push is known to have come."""
    row = tables.pushes.get(push)
    runs = [] if row is None else [run for job in row.jobs.values() for run in job.runs.values()]
    return {(run.job, run.run_id, run.attempt): run.state for run in runs}


def record(tables: Tables, push: Push) -> PushRecord | None:
    """Read everything known of a push."""
    row = tables.pushes.get(push)
    if row is None:
        return None
    jobs = [
        (
            job.name,
            job.oldest_first(),
            tuple(claim.value() for claim in sorted(job.claims.values(), key=lambda one: one.id)),
        )
        for _, job in sorted(row.jobs.items())
    ]
    spent, spent_dry = row.spent(dry=False), row.spent(dry=True)
    return PushRecord(
        push, row.facts, row.asks, job_records(jobs, row.batches), spent, spent_dry, row.last_heard, row.batches,
        heads.read(tables, push),
    )  # fmt: skip


def recent(tables: Tables, limit: int, project: str | None) -> list[Push]:
    """List the pushes heard of last."""
    rows = [row for row in tables.pushes.values() if project is None or row.push.project.lower() == project.lower()]
    newest = sorted(rows, key=lambda row: row.last_heard)[::-1]
    return [row.push for row in newest[:limit]]


def statistics(tables: Tables, since: float) -> dict[str, Any]:
    """Count decisions, requests and claims since then, and what is open now."""
    lately = [row for row in tables.pushes.values() if row.last_heard >= since]
    return _told(tables, since) | {
        "claims": Counter(str(claim.state) for row in tables.pushes.values() for claim in row.claims()),
        "pushes": len(lately),
        "runs": sum(len(job.runs) for row in lately for job in row.jobs.values()),
        "dead_letters": len(tables.letters),
        "ended": outcomes.ended(_jobs(lately)),
        "machine": outcomes.machine(run for runs, _ in _jobs(lately) for run in runs),
    }


def _jobs(rows: Iterable[PushRow]) -> list[outcomes.Job]:
    """List jobs with their runs, and what each claim asked for."""
    return [
        (
            job.oldest_first(),
            [outcomes.Bought(claim.known_runs, claim.asked, claim.cause) for claim in job.claims.values()],
        )
        for row in rows
        for job in row.jobs.values()
    ]


def _told(tables: Tables, since: float) -> dict[str, Any]:
    """Add up what the stories tell."""
    decided: dict[tuple[str, str, bool], Counter[tuple[Push, str | None]]] = defaultdict(Counter)
    hours: dict[int, Counter[str]] = defaultdict(Counter)
    reasons: dict[int, Counter[str]] = defaultdict(Counter)
    branches: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    spared = Counter({"jobs": 0, "over_budget": 0})
    for row in tables.pushes.values():
        story = [entry for entry in row.story if entry.at >= since]
        branch = row.push.project, row.push.branch
        for entry in story:
            if entry.what in ("trigger", "refuse"):
                decided[entry.what, entry.reason, entry.dry][row.push, entry.job] += entry.count
            name = {"trigger": "would" if entry.dry else "decided", "accepted": "sent"}.get(entry.what)
            if name is not None:
                hours[int(entry.at / 3600) * 3600][name] += entry.count
                branches[branch][name] += entry.count
        own = [claim for claim in row.claims() if not claim.origin]
        retriggered = {claim.job.name for claim in own if claim.cause is not None and claim.refusal is None}
        spared.update(outcomes.spared(story, retriggered))
        for (_, reason), at in outcomes.refusals(story, retriggered).items():
            hour = int(at / 3600) * 3600
            hours[hour]["refused"] += 1
            reasons[hour][reason] += 1
            branches[branch]["refused"] += 1
    return {
        "spared": dict(spared),
        "decisions": [
            {"action": what, "reason": reason, "dry_run": dry, "jobs": len(jobs), "retriggers": jobs.total()}
            for what in ("trigger", "refuse")
            for (_, reason, dry), jobs in sorted(
                ((key, jobs) for key, jobs in decided.items() if key[0] == what),
                key=lambda one: (-len(one[1]), one[0]),
            )
        ],
        "hours": [
            {"hour": hour, "would_have_sent": one["would"], "sent": one["sent"], "decided": one["decided"]}
            | {"refused": one["refused"], "reasons": dict(reasons.get(hour, {}))}
            for hour, one in sorted(hours.items())
        ],
        "branches": [
            {"project": where[0], "branch": where[1], "would_have_sent": one["would"], "sent": one["sent"]}
            | {"refused": one["refused"]}
            for where, one in sorted(branches.items(), key=lambda one: (-one[1]["sent"], -one[1]["would"], one[0]))
        ],
    }
