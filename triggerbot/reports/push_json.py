"""A push as JSON-able values, the same for the HTTP API, the commands and the reports."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from triggerbot.core import event_json, identity
from triggerbot.core.claim import Claim
from triggerbot.core.model import Push, Run, State
from triggerbot.core.policy import limits as hourly
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.same_failure import Failing
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import calibration, glossary, superseded
from triggerbot.store import PushRecord, Summary, TimelineEntry

#: Caps listed, at most: there is one for each project and each author.
CAPS_MOST = 20
#: Metadata of a push: the earlier verdicts of its jobs, as JSON.
BEFORE = "before"
#: By the key of each job that was ever judged other than passed or pending: its last verdict, and the one before that,
#: or empty.
Before = dict[str, tuple[str, str]]
_AS_NAMED: Mapping[str, str] = {}
#: Verdicts whose coming and going is news.
_SIGNIFICANT = frozenset({Verdict.FAILED, Verdict.INTERMITTENT, Verdict.INFRA})
#: Characters of a message's first line in lists.
_TITLE_MAX = 200


def breakers(stored: Sequence[Breaker], held: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the open breakers, why they are open, and how many claims are held behind each."""
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
            "canary": None if one.canary is None else {**place(one.canary.push), "job": identity.label(one.canary.job)},
            "canaries_in_vain": one.tries,
            "evidence": [
                {
                    "at": event_json.format_time(seen.at),
                    **place(seen.push),
                    "job": identity.label(seen.job),
                    "why": seen.why,
                }
                for seen in one.evidence
            ],
        }
        for one in stored
        if one.open
    ]


def caps(sent: Mapping[str, int], held: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return what was sent in the last hour, and how many claims wait, for each cap, the most used first."""
    waiting = hourly.waiting(held)
    names = sorted({*sent, *waiting}, key=lambda name: (-waiting.get(name, 0), -sent.get(name, 0), name))
    return [{"cap": name, "sent": sent.get(name, 0), "held": waiting.get(name, 0)} for name in names[:CAPS_MOST]]


def before(metadata: Mapping[str, str]) -> Before:
    """Return the earlier verdicts of a push's jobs, from its metadata."""
    return {job: (now, was) for job, (now, was) in json.loads(metadata.get(BEFORE, "{}")).items()}


def changes(
    judged: PushVerdict, known: Before, keys: Mapping[str, str] = _AS_NAMED
) -> tuple[Before, list[tuple[str, str]]]:
    """Compare the verdicts of a push's jobs with earlier ones; return what to store, and the changes (job, text).

    `keys`: what jobs are kept under, where that is not their name.
    """
    latest, found = dict(known), []
    for job in judged.jobs:
        key = keys.get(job.job, job.job)
        last, earlier = known.get(key, ("", ""))
        if job.verdict is None or str(job.verdict) == last or not (last or job.verdict in _SIGNIFICANT):
            continue
        # Pending is skipped: the verdict before it counts.
        before = earlier if last == Verdict.PENDING else last or _first(job)
        latest[key] = str(job.verdict), before if before != job.verdict else ""
        was = f" (was {before})" if latest[key][1] else ""
        found.append((key, f"{job.verdict}{was}" + (f": {job.why}" if job.why else "")))
    return latest, found


def _first(job: JobVerdict) -> str:
    """Return the earlier verdict of a job without a stored one: passed, if its first run passed and it then failed."""
    proving = (run for run in job.runs if run.state is State.FINISHED and run.result in job.proving)
    passed = job.verdict is Verdict.INTERMITTENT and next((run.passed for run in proving), False)
    return str(Verdict.PASSED) if passed else ""


def link(address: str | None, where: Push) -> str:
    """Return the URL of a push's page; empty if the page's address is not configured."""
    if address is None:
        return ""
    query = urlencode({"system": where.system, "branch": where.branch})
    return f"{address}/pushes/{quote(where.project)}/{where.revision}?{query}"


def push(
    record: PushRecord, judged: PushVerdict, known: Before | None = None, story: Iterable[TimelineEntry] = ()
) -> dict[str, Any]:
    """Return everything known of a push; `story`: its timeline from the store."""
    records = {job.job: job for job in record.jobs}
    refused = refusals(story)
    return {
        **place(record.push),
        "author": record.facts.author,
        "message": record.facts.message,
        "time": event_json.format_time(record.facts.time),
        "base": judged.base or record.facts.base,
        "parents": list(record.facts.parents),
        "last_heard": event_json.format_time(record.last_heard),
        "health": str(judged.health),
        "why": judged.sentence,
        "final": judged.final,
        "seconds_left": None if judged.left is None else round(judged.left),
        "superseded_by": superseded.as_json(record),
        "common_failures": [{"line": one.line, "jobs": list(one.jobs)} for one in judged.common],
        "failures_to_look_at": [{"line": one.line, "jobs": list(one.jobs)} for one in judged.to_look_at],
        "budget_spent": record.spent,
        "budget_would_have_spent": record.spent_dry,
        "problems": [] if record.asks is None else list(record.asks.problems),
        "jobs": [
            {
                **_job(job, records[job.job].claims, (known or {}).get(records[job.job].key)),
                "calibration": calibration.as_json(records[job.job].calibration),
                "refusals": refused.get(job.job, []),
            }
            for job in judged.jobs
        ],
    }


def refusals(story: Iterable[TimelineEntry]) -> dict[str, list[dict[str, Any]]]:
    """Return by job which runs were not retriggered for, and the reason, oldest first."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in story:
        if entry.what == "refuse" and entry.job is not None:
            found[entry.job].append({"run_id": entry.run_id, "attempt": entry.attempt, "reason": entry.reason})
    return found


def summary(record: PushRecord, judged: PushVerdict, now: float) -> Summary:
    """Summarise a push for a line of a list; `now`: when it was judged."""
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
        to_look_at=len(judged.to_look_at),
    )


def line(one: Summary) -> dict[str, Any]:
    """Return a push in a list as JSON-able values."""
    return {
        **place(one.push),
        "author": one.author,
        "title": one.title,
        "time": event_json.format_time(one.time),
        "last_heard": event_json.format_time(one.last_heard),
        "health": one.health or None,
        "why": one.sentence,
        "jobs": dict(one.counts),
        "failures_to_look_at": one.to_look_at,
    }


def place(where: Push) -> dict[str, str]:
    """Return what identifies a push."""
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
        "passed_on_fewer_tests": job.ran_fewer is not None,
        "suspected_new": job.suspected,
        "hidden": job.hidden,
        "aside": job.aside or None,
        "base": None if job.failing is None else _at_base(job),
        "follows_from": list(job.follows),
        "event": next((run.event for run in job.runs if run.event is not None), None),
        "awaited": job.awaited,
        "runs": [_run(run) for run in job.runs],
        "claims": [_claim(claim) for claim in claims],
    }


def _at_base(job: JobVerdict) -> dict[str, Any]:
    return {
        "relation": str(job.base.relation),
        "revision": job.base.revision or None,
        "says": job.base.words,
    }


def _failing(failing: Failing) -> dict[str, Any]:
    same = failing.sameness
    return {
        "line": failing.line,
        "same": same.same,
        "failed_runs": same.of,
        "without_evidence": same.silent,
        "different_each_time": same.different,
        "one_test": same.one_test,
        "other_tests": same.other_tests,
        "others": [one.line for one in failing.others],
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
        "event": run.event,
        "retrigger_of": run.retrigger_of,
        "failures": list(run.failures),
        "allowed_to_fail": run.allowed_to_fail,
        "needs": list(run.needs),
        "tests": event_json.encode_tests(run.tests),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "state": str(claim.state),
        "action": "trigger" if claim.cause is not None else "refuse" if claim.refusal is not None else None,
        "reason": str(claim.cause or claim.refusal or ""),
        "wanted": claim.wanted,
        "asked": claim.asked,
        "dry_run": claim.dry,
        "by_a_person": claim.by_person,
        "tries": claim.tries + claim.lookups,
        # A held claim goes on when the reason ends, which has no set time.
        "due": None if claim.state.final or claim.behind else event_json.format_time(claim.due),
        "note": claim.note,
    }
