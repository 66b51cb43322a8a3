"""What is known of a push as JSON-able values: the page's API, the commands and reports all tell the same."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from triggerbot.core import event_json
from triggerbot.core.model import Claim, Push, Run, State
from triggerbot.core.policy import limits as hourly
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.same_failure import Failing
from triggerbot.core.verdict.verdict import SILENT, JobVerdict, Verdict
from triggerbot.reports import glossary
from triggerbot.store import PushRecord, Summary, TimelineEntry

#: Caps that are told: those of projects and authors are as many as there are such.
CAPS_MOST = 20
#: Under this name is kept beside a push how its jobs were judged before, as JSON.
BEFORE = "before"
#: Of jobs that were ever judged other than passed or pending: the verdict, and the one before that, or nothing.
Before = dict[str, tuple[str, str]]
#: Verdicts that say something when they come or go.
_TELLING = frozenset({Verdict.FAILED, Verdict.INTERMITTENT, Verdict.INFRA})
#: Characters of a message's first line that a list shows.
_TITLE_MAX = 200


def breakers(kept: Sequence[Breaker], held: Mapping[str, int]) -> list[dict[str, Any]]:
    """Tell which breakers are open, why, and how many claims are held behind each."""
    return [
        {
            "breaker": one.place.key,
            "scope": str(one.place.scope),
            "system": one.place.system,
            "name": one.place.name,
            "trouble": str(one.trouble),
            "since": event_json.format_time(one.since),
            "why": one.why,
            "held": held.get(one.place.key, 0),
            "next_canary": None if one.canary else event_json.format_time(one.probe),
            "canary": None if one.canary is None else {**place(one.canary.push), "job": one.canary.job},
            "canaries_in_vain": one.tries,
            "evidence": [
                {"at": event_json.format_time(seen.at), **place(seen.push), "job": seen.job, "why": seen.why}
                for seen in one.evidence
            ],
        }
        for one in kept
        if one.open
    ]


def caps(sent: Mapping[str, int], held: Mapping[str, int]) -> list[dict[str, Any]]:
    """Tell what left within the last hour, and how many claims wait for each cap, the most used first."""
    waiting = hourly.waiting(held)
    names = sorted({*sent, *waiting}, key=lambda name: (-waiting.get(name, 0), -sent.get(name, 0), name))
    return [{"cap": name, "sent": sent.get(name, 0), "held": waiting.get(name, 0)} for name in names[:CAPS_MOST]]


def before(kept: Mapping[str, str]) -> Before:
    """Read how the jobs of a push were judged before, from what is kept beside it."""
    return {job: (now, was) for job, (now, was) in json.loads(kept.get(BEFORE, "{}")).items()}


def changes(judged: PushVerdict, known: Before) -> tuple[Before, list[tuple[str, str]]]:
    """Compare how the jobs of a push are judged with how they were: what to remember, and what to tell (job, text)."""
    told, found = dict(known), []
    for job in judged.jobs:
        last, earlier = known.get(job.job, ("", ""))
        if job.verdict is None or str(job.verdict) == last or not (last or job.verdict in _TELLING):
            continue
        # To be pending is no verdict that another one takes the place of.
        before = earlier if last == Verdict.PENDING else last or _first(job)
        told[job.job] = str(job.verdict), before if before != job.verdict else ""
        was = f" (was {before})" if told[job.job][1] else ""
        found.append((job.job, f"{job.verdict}{was}" + (f": {job.why}" if job.why else "")))
    return told, found


def _first(job: JobVerdict) -> str:
    """What a job was that nothing was remembered of: one that failed after it had passed."""
    proving = (run for run in job.runs if run.state is State.FINISHED and run.result not in SILENT)
    passed = job.verdict is Verdict.INTERMITTENT and next((run.passed for run in proving), False)
    return str(Verdict.PASSED) if passed else ""


def link(address: str | None, where: Push) -> str:
    """Give the address of a push's page; empty if nobody configured where people reach it."""
    if address is None:
        return ""
    query = urlencode({"system": where.system, "branch": where.branch})
    return f"{address}/pushes/{quote(where.project)}/{where.revision}?{query}"


def push(
    record: PushRecord, judged: PushVerdict, known: Before | None = None, story: Iterable[TimelineEntry] = ()
) -> dict[str, Any]:
    """Tell everything known of a push; `story`: what was decided at it, as the store tells it."""
    claims = {job.job: job.claims for job in record.jobs}
    refused = refusals(story)
    return {
        **place(record.push),
        "author": record.facts.author,
        "message": record.facts.message,
        "time": event_json.format_time(record.facts.time),
        "last_heard": event_json.format_time(record.last_heard),
        "health": str(judged.health),
        "why": judged.sentence,
        "final": judged.final,
        "seconds_left": None if judged.left is None else round(judged.left),
        "common_failures": [{"line": one.line, "jobs": list(one.jobs)} for one in judged.common],
        "budget_spent": record.spent,
        "budget_would_have_spent": record.spent_dry,
        "problems": [] if record.asks is None else list(record.asks.problems),
        "jobs": [
            {**_job(job, claims[job.job], (known or {}).get(job.job)), "refusals": refused.get(job.job, [])}
            for job in judged.jobs
        ],
    }


def refusals(story: Iterable[TimelineEntry]) -> dict[str, list[dict[str, Any]]]:
    """List by job which of its runs caused nothing, and for what reason, oldest first."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in story:
        if entry.what == "refuse" and entry.job is not None:
            found[entry.job].append({"run_id": entry.run_id, "attempt": entry.attempt, "reason": entry.reason})
    return found


def summary(record: PushRecord, judged: PushVerdict, now: float) -> Summary:
    """Put a push in one line of a list."""
    return Summary(
        push=record.push,
        health=str(judged.health),
        sentence=judged.sentence,
        author=record.facts.author,
        title=(record.facts.message or "").partition("\n")[0][:_TITLE_MAX],
        time=record.facts.time,
        last_heard=record.last_heard,
        judged=now,
        counts=judged.counts,
    )


def line(one: Summary) -> dict[str, Any]:
    """Tell a push in one line of a list."""
    return {
        **place(one.push),
        "author": one.author,
        "title": one.title,
        "time": event_json.format_time(one.time),
        "last_heard": event_json.format_time(one.last_heard),
        "health": one.health or None,
        "why": one.sentence,
        "jobs": dict(one.counts),
    }


def place(where: Push) -> dict[str, str]:
    """Name a push."""
    return {
        "system": where.system,
        "project": where.project,
        "branch": where.branch,
        "revision": where.revision,
    }


def _job(job: JobVerdict, claims: Sequence[Claim], known: tuple[str, str] | None) -> dict[str, Any]:
    return {
        "job": job.job,
        "verdict": None if job.verdict is None else str(job.verdict),
        "was": None if known is None else known[1] or None,
        "why": job.why,
        "failure": None if job.failing is None else _failing(job.failing),
        "suspected_new": job.suspected,
        "hidden": job.hidden,
        "awaited": job.awaited,
        "runs": [_run(run) for run in job.runs],
        "claims": [_claim(claim) for claim in claims],
    }


def _failing(failing: Failing) -> dict[str, Any]:
    same = failing.sameness
    return {
        "line": failing.line,
        "same": same.same,
        "failed_runs": same.of,
        "without_evidence": same.silent,
        "different_each_time": same.different,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "attempt": run.attempt,
        "letter": glossary.letter(run),
        "state": str(run.state),
        "result": None if run.result is None else str(run.result),
        "time": event_json.format_time(run.time),
        "seconds": None if run.seconds is None else round(run.seconds),
        "url": run.url,
        "step": run.step,
        "pool": run.pool,
        "retrigger_of": run.retrigger_of,
        "failures": list(run.failures),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "state": str(claim.state),
        "action": "trigger" if claim.cause is not None else "refuse" if claim.refusal is not None else None,
        "reason": str(claim.cause or claim.refusal or ""),
        "wanted": claim.wanted,
        "asked": claim.asked,
        "dry_run": claim.dry,
        "by_a_person": claim.manual,
        "tries": claim.tries + claim.lookups,
        # What is held goes on when the reason ends, whenever that is.
        "due": None if claim.state.final or claim.behind else event_json.format_time(claim.due),
        "note": claim.note,
    }
