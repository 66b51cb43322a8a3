"""Statistics: counting decisions, requests and their outcomes."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from triggerbot.store import admin, outcomes
from triggerbot.store.documents import StoredClaim, StoredEntry, StoredJob, StoredPush, load
from triggerbot.store.engine import Reader
from triggerbot.store.ledger import RECENT, Book, push_of
from triggerbot.store.records import TimelineEntry

_EVERYTHING = 10_000_000


def _pushes(view: Reader) -> Iterator[tuple[StoredPush, dict[str, StoredJob], list[StoredClaim], list[TimelineEntry]]]:
    for _, part in view.first(RECENT, _EVERYTHING):
        ledger = Book(view).ledger(push_of(part))
        if ledger.stored is None:
            continue
        entries = [load(StoredEntry, data) for data in view.log(part)]
        story = [
            TimelineEntry(one.at, one.what, one.job or None, one.text, one.reason, one.count, one.dry)
            for one in entries
        ]
        yield ledger.stored, ledger.jobs(), ledger.all_claims(), story


def statistics(view: Reader, since: float) -> dict[str, Any]:
    """Count decisions, requests and their outcomes since a time, and what is open now."""
    everything = list(_pushes(view))
    lately = [one for one in everything if one[0].last >= since]
    jobs = [
        (job.oldest_first, [_bought(claim) for claim in claims if claim.job == key])
        for _, own, claims, _ in lately
        for key, job in own.items()
    ]
    return _told(everything, since) | {
        "claims": dict(Counter(str(claim.state) for _, _, claims, _ in everything for claim in claims)),
        "pushes": len(lately),
        "runs": sum(len(runs) for runs, _ in jobs),
        "dead_letters": admin.count_dead_letters(view),
        "ended": outcomes.ended(jobs),
        "machine": outcomes.machine(run for runs, _ in jobs for run in runs),
    }


def _bought(claim: StoredClaim) -> outcomes.Bought:
    return outcomes.Bought(claim.known_runs, claim.asked, claim.cause)


def _told(everything: Any, since: float) -> dict[str, Any]:
    """Add up what the timelines tell."""
    decided: dict[tuple[str, str, bool], Counter[Any]] = defaultdict(Counter)
    hours: dict[int, Counter[str]] = defaultdict(Counter)
    reasons: dict[int, Counter[str]] = defaultdict(Counter)
    branches: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    spared = Counter({"jobs": 0, "over_budget": 0})
    for head, _, claims, whole in everything:
        story = [entry for entry in whole if entry.at >= since]
        branch = head.push.project, head.push.branch
        for entry in story:
            if entry.what in ("trigger", "refuse"):
                decided[entry.what, entry.reason, entry.dry][head.push, entry.job] += entry.count
            name = {"trigger": "would" if entry.dry else "decided", "accepted": "sent"}.get(entry.what)
            if name is not None:
                hours[int(entry.at / 3600) * 3600][name] += entry.count
                branches[branch][name] += entry.count
        own = [claim for claim in claims if not claim.origin]
        retriggered = {claim.job for claim in own if claim.cause is not None and claim.refusal is None}
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
