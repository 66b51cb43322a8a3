"""Reading from the tables in memory."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from simulation.tables import PushRow, Tables
from triggerbot.model import Push, PushFacts, State
from triggerbot.store import JobRecord, PushRecord, Work, counting


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
        frozenset(run.batch for job in row.jobs.values() for run in job.runs.values() if run.batch),
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
    jobs = tuple(
        JobRecord(
            job.name,
            job.oldest_first(),
            tuple(claim.value() for claim in sorted(job.claims.values(), key=lambda one: one.id)),
        )
        for _, job in sorted(row.jobs.items())
    )
    spent, spent_dry = row.spent(dry=False), row.spent(dry=True)
    return PushRecord(push, row.facts, row.asks, jobs, spent, spent_dry, row.first_heard, row.last_heard)


def recent(tables: Tables, limit: int, project: str | None) -> list[Push]:
    """List the pushes heard of last."""
    rows = [row for row in tables.pushes.values() if project in (None, row.push.project)]
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
        "ended": counting.ended(_jobs(lately)),
        "machine": counting.machine(run for runs, _ in _jobs(lately) for run in runs),
    }


def _jobs(rows: Iterable[PushRow]) -> list[counting.Job]:
    """List jobs with their runs, and how many runs each claim knew and asked for."""
    return [
        (job.oldest_first(), [(claim.known_runs, claim.asked) for claim in job.claims.values()])
        for row in rows
        for job in row.jobs.values()
    ]


def _told(tables: Tables, since: float) -> dict[str, Any]:
    """Add up what the stories tell."""
    decided: dict[tuple[str, str, bool], list[int]] = defaultdict(lambda: [0, 0])
    hours: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    reasons: dict[int, Counter[str]] = defaultdict(Counter)
    branches: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in tables.pushes.values():
        for entry in (entry for entry in row.story if entry.at >= since):
            would = entry.count if entry.what == "trigger" and entry.dry else 0
            sent = entry.count if entry.what == "accepted" else 0
            if entry.what in ("trigger", "refuse"):
                one = decided[entry.what, entry.reason, entry.dry]
                one[:] = [one[0] + 1, one[1] + entry.count]
            if entry.what in ("trigger", "accepted", "refuse"):
                real = entry.count if entry.what == "trigger" and not entry.dry else 0
                hour = hours[int(entry.at / 3600) * 3600]
                hour[:] = [hour[0] + would, hour[1] + sent, hour[2] + real, hour[3] + (entry.what == "refuse")]
                if entry.what == "refuse":
                    reasons[int(entry.at / 3600) * 3600][entry.reason] += 1
                branch = branches[row.push.project, row.push.branch]
                branch[:] = [branch[0] + would, branch[1] + sent, branch[2] + (entry.what == "refuse")]
    order = sorted(decided.items(), key=lambda one: -one[1][0])
    order.sort(key=lambda one: one[0][0], reverse=True)
    return {
        "decisions": [
            {"action": what, "reason": reason, "dry_run": dry, "jobs": jobs, "retriggers": count}
            for (what, reason, dry), (jobs, count) in order
        ],
        "hours": [
            {"hour": hour, "would_have_sent": one[0], "sent": one[1], "decided": one[2], "refused": one[3]}
            | {"reasons": dict(reasons.get(hour, {}))}
            for hour, one in sorted(hours.items())
        ],
        "branches": [
            {"project": where[0], "branch": where[1], "would_have_sent": one[0], "sent": one[1], "refused": one[2]}
            for where, one in sorted(branches.items(), key=lambda one: (-one[1][1], -one[1][0]))
        ],
    }
