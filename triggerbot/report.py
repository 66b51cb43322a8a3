"""What is known of a push as JSON-able values: the page's API, the commands and reports all tell the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from triggerbot import canonical, sentences, verdict
from triggerbot import caps as hourly
from triggerbot.breaker import Breaker
from triggerbot.model import Claim, Push, Run
from triggerbot.store import PushRecord
from triggerbot.verdict import JobVerdict, PushVerdict

#: Caps that are told: those of projects and authors are as many as there are such.
CAPS_MOST = 20


def breakers(kept: Sequence[Breaker], held: Mapping[str, int]) -> list[dict[str, Any]]:
    """Tell which breakers are open, why, and how many claims are held behind each."""
    return [
        {
            "breaker": one.place.key,
            "scope": str(one.place.scope),
            "system": one.place.system,
            "name": one.place.name,
            "trouble": str(one.trouble),
            "since": canonical.format_time(one.since),
            "why": one.why,
            "held": held.get(one.place.key, 0),
            "next_canary": None if one.canary else canonical.format_time(one.probe),
            "canary": None if one.canary is None else {**place(one.canary.push), "job": one.canary.job},
            "canaries_in_vain": one.tries,
            "evidence": [
                {"at": canonical.format_time(seen.at), **place(seen.push), "job": seen.job, "why": seen.why}
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


def judge(record: PushRecord) -> PushVerdict:
    """Work out the verdict of each job of a push, and its health."""
    return verdict.of_push(verdict.of_job(job.job, job.runs, job.claims) for job in record.jobs)


def push(record: PushRecord) -> dict[str, Any]:
    """Tell everything known of a push."""
    judged = judge(record)
    claims = {job.job: job.claims for job in record.jobs}
    return {
        **place(record.push),
        "author": record.facts.author,
        "message": record.facts.message,
        "time": canonical.format_time(record.facts.time),
        "last_heard": canonical.format_time(record.last_heard),
        "health": str(judged.health),
        "why": judged.sentence,
        "budget_spent": record.spent,
        "budget_would_have_spent": record.spent_dry,
        "problems": [] if record.asks is None else list(record.asks.problems),
        "jobs": [_job(job, claims[job.job]) for job in judged.jobs],
    }


def summary(record: PushRecord) -> dict[str, Any]:
    """Tell a push in one line of a list."""
    judged = judge(record)
    return {
        **place(record.push),
        "author": record.facts.author,
        "last_heard": canonical.format_time(record.last_heard),
        "health": str(judged.health),
        "why": judged.sentence,
    }


def place(where: Push) -> dict[str, str]:
    """Name a push."""
    return {
        "system": where.system,
        "project": where.project,
        "branch": where.branch,
        "revision": where.revision,
    }


def _job(job: JobVerdict, claims: Sequence[Claim]) -> dict[str, Any]:
    return {
        "job": job.job,
        "verdict": None if job.verdict is None else str(job.verdict),
        "why": job.why,
        "runs": [_run(run) for run in job.runs],
        "claims": [_claim(claim) for claim in claims],
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "attempt": run.attempt,
        "letter": sentences.letter(run),
        "state": str(run.state),
        "result": None if run.result is None else str(run.result),
        "time": canonical.format_time(run.time),
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
        "due": None if claim.state.final else canonical.format_time(claim.due),
        "note": claim.note,
    }
