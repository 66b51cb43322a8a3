"""Statistics: what each push adds to the sums of each hour, and reading these sums.

A push adds what `contribution` says, and what it added is stored beside it. When it has changed, the difference is
added: so the sums are at any time what counting all pushes anew would give. Pushes that have changed are listed until
they are counted, which is done whenever somebody reads the sums.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from triggerbot.core.decision import Refusal
from triggerbot.core.policy.calibration import Measured, answer, measured
from triggerbot.store import outcomes
from triggerbot.store.documents import encode, load, seconds_of
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import LETTERS, UNCOUNTED, join, push_of, split
from triggerbot.store.records import TimelineEntry
from triggerbot.store.room import Room

T = TypeVar("T")
Run = Callable[[Callable[[Transaction], T]], T]
#: What a push adds: by hour (its first second) and field. Durations are in milliseconds, for sums of fractions drift.
Contribution = dict[tuple[int, str], int]
#: The kind of the document with what a push has added.
_ADDED = "s"
_HOUR = 3600
#: The hour of what is counted whenever it was.
_ALWAYS = -1
#: Pushes that one transaction counts (all their jobs are read, so others wait some 5 ms for each), and hours that are
#: read at once.
_COUNTED, _HOURS_MAX = 4, 100_000
#: The index of the hours that have sums.
_HOURS = "hours"


def _hour(at: float) -> int:
    return int(at // _HOUR) * _HOUR


def _key(hour: int) -> str:
    return join("hour", str(hour))


def contribution(ledger: Ledger) -> Contribution:
    """Return what a push adds to the sums. This is the one place that says what is counted, and under which hour."""
    head = ledger.stored
    if head is None:
        return {}
    found: Counter[tuple[int, str]] = Counter()
    claims, jobs = ledger.all_claims(), ledger.jobs()
    last = _hour(head.last)
    bought: dict[str, list[outcomes.Bought]] = defaultdict(list)
    for claim in claims:
        found[_ALWAYS, _field("claims", claim.state)] += 1
        bought[claim.job].append(outcomes.Bought(claim.known_runs, claim.asked, claim.cause))
        measures = measured(claim.origin)
        if measures is not None and claim.asked and claim.job in jobs:
            runs = [run for run in jobs[claim.job].oldest_first(claim.job) if run.calibrates]
            found[last, _field("accuracy", measures, answer(measures, runs, claim.wanted) or "open")] += 1
    # Most jobs have no claim, so nothing of them was bought.
    listed = [(jobs[key].oldest_first(key), own) for key, own in bought.items() if key in jobs]
    found[last, "pushes"] += 1
    found[last, "runs"] += sum(len(job.runs) for job in jobs.values())
    for group, counted in (
        ("ended", outcomes.ended(listed)),
        ("machine", outcomes.machine(seconds_of(run) for job in jobs.values() for run in job.runs)),
    ):
        for name, value in counted.items():
            found[last, _field(group, name)] += round(1000 * value) if name == "seconds" else int(value)
    asked = {claim.id: claim.asked for claim in claims}
    weighed = (
        outcomes.Weighed(one.asked, one.most, asked.get(one.like, 0) if one.refusal is Refusal.SAME_CAUSE else None)
        for one in claims
        if one.state.final and not one.dry
    )
    for (what, name), value in outcomes.saved(weighed).items():
        found[last, _field("saved", what, name)] += value
    own = [claim for claim in claims if not claim.origin]
    retriggered = {claim.job for claim in own if claim.cause is not None and claim.refusal is None}
    _add_timeline(found, ledger, retriggered)
    return {key: value for key, value in found.items() if value}


def _field(*parts: object) -> str:
    return join(*map(str, parts))


def _add_timeline(found: Counter[tuple[int, str]], ledger: Ledger, retriggered: set[str]) -> None:
    entries = [
        TimelineEntry(one.at, one.what, one.job or None, one.text, one.reason, one.count, one.dry)
        for one in ledger.timeline()
    ]
    where = ledger.push.project, ledger.push.branch
    #: When each job was decided on so, last: so the jobs since a time are the sum of the hours since then.
    decided: dict[tuple[str, str, bool, str | None], float] = {}
    for entry in entries:
        hour = _hour(entry.at)
        if entry.what in ("trigger", "refuse"):
            kind = entry.what, entry.reason, entry.dry
            decided[*kind, entry.job] = entry.at
            found[hour, _field("decided", *kind, "retriggers")] += entry.count
        name = {"trigger": "would" if entry.dry else "decided", "accepted": "sent"}.get(entry.what)
        if name is not None:
            found[hour, name] += entry.count
            found[hour, _field("branch", *where, name)] += entry.count
    for (what, reason, dry, _), at in decided.items():
        found[_hour(at), _field("decided", what, reason, dry, "jobs")] += 1
    for job_spared in outcomes.spared(entries, retriggered).values():
        for name, at in job_spared._asdict().items():
            if at > -math.inf:
                found[_hour(at), _field("spared", name)] += 1
    for (_, reason), at in outcomes.refusals(entries, retriggered).items():
        found[_hour(at), _field("refused", reason)] += 1
        found[_hour(at), _field("branch", *where, "refused")] += 1


# -- keeping the sums -------------------------------------------------------------------------------------------------


def count(run: Run[int]) -> None:
    """Count the pushes that have changed since they were counted."""
    while run(_count_some) == _COUNTED:
        pass


def _count_some(transaction: Transaction) -> int:
    changed = [part for _, part in transaction.first(UNCOUNTED, _COUNTED)]
    book = Book(transaction)
    book.load(map(push_of, changed))
    for part in changed:
        _count_one(transaction, book.ledger(push_of(part)))
        transaction.rank(UNCOUNTED, part, None)
    book.save(transaction)
    return len(changed)


def _count_one(transaction: Transaction, ledger: Ledger) -> None:
    """Add what a push has come to add since it was counted."""
    doc = Doc(ledger.part, _ADDED)
    stored = transaction.get([doc])[0]
    added = [] if stored is None else load(_Added, stored)
    before: Contribution = {(hour, field): value for hour, field, value in added}
    now = contribution(ledger)
    if ledger.stored is None:
        return
    ledger.stored.uncounted = False
    if now == before:
        return
    transaction.put(doc, encode([(hour, field, value) for (hour, field), value in now.items()]))
    for hour, field in before.keys() | now.keys():
        transaction.add(_key(hour), {field: now.get((hour, field), 0) - before.get((hour, field), 0)})
        transaction.rank(_HOURS, _key(hour), float(hour))


_Added = list[tuple[int, str, int]]


def forget(transaction: Transaction, ledger: Ledger) -> None:
    """Take out what is counted whenever it was, for a push that is deleted; its hours keep what they have."""
    stored = transaction.get([Doc(ledger.part, _ADDED)])[0]
    for hour, field, value in [] if stored is None else load(_Added, stored):
        if hour == _ALWAYS:
            transaction.add(_key(hour), {field: -value})
    transaction.rank(UNCOUNTED, ledger.part, None)


def purge(transaction: Transaction, before: float) -> None:
    """Delete the sums of the hours that ended before that."""
    old = transaction.first(_HOURS, _HOURS_MAX, least=0.0, most=before - _HOUR)
    for (_, key), fields in zip(old, transaction.sums([key for _, key in old]), strict=True):
        transaction.add(key, {field: -value for field, value in fields.items()})
        transaction.rank(_HOURS, key, None)


# -- reading them -----------------------------------------------------------------------------------------------------


def read(view: Reader, since: float) -> dict[str, Any]:
    """Read the sums since the hour of a time, and what is open now."""
    hours = view.first(_HOURS, _HOURS_MAX, least=float(_hour(since)))
    found = view.sums([key for _, key in hours])
    sums = {int(number): fields for (number, _), fields in zip(hours, found, strict=True)}
    always = view.sums([_key(_ALWAYS)])[0]
    return statistics(sums, always, view.size(LETTERS))


#: What is counted of what evidence and common causes saved.
_SAVED = {"evidence": ("jobs", "asked", "most"), "same_cause": ("jobs", "retriggers")}


def statistics(
    hours: Mapping[int, Mapping[str, float]], always: Mapping[str, float], dead_letters: int = 0
) -> dict[str, Any]:
    """Render sums, by hour and field, as `Statistics.read` returns them."""
    total: Counter[str] = Counter()
    for fields in hours.values():
        total.update({name: int(value) for name, value in fields.items()})
    groups = _grouped(total)
    ended = dict.fromkeys(("passed", "failed", "other", "unfinished", "seconds", "timed", "proved"), 0)
    ended |= {name: value for (name,), value in groups["ended"].items()}
    machine = {name: value for (name,), value in groups["machine"].items()}
    spared = {name: value for (name,), value in groups["spared"].items()}
    return {
        "decisions": _decisions(groups["decided"]),
        "hours": [one for hour, fields in sorted(hours.items()) if (one := _of_hour(hour, fields)) is not None],
        "branches": _branches(groups["branch"]),
        "claims": {name: int(value) for (name,), value in _grouped(always)["claims"].items()},
        "pushes": total["pushes"],
        "runs": total["runs"],
        "dead_letters": dead_letters,
        "ended": ended | {"seconds": ended["seconds"] / 1000},
        "machine": {"seconds": machine.get("seconds", 0) / 1000, "runs": machine.get("runs", 0)},
        "spared": {"jobs": spared.get("jobs", 0), "over_budget": spared.get("over_budget", 0)},
        "saved": {
            what: {name: groups["saved"].get((what, name), 0) for name in names} for what, names in _SAVED.items()
        },
        "accuracy": _accuracy(groups["accuracy"]),
    }


def _grouped(fields: Mapping[str, float]) -> dict[str, dict[tuple[str, ...], int]]:
    found: dict[str, dict[tuple[str, ...], int]] = defaultdict(dict)
    for field, value in fields.items():
        group, *rest = split(field)
        if value:
            found[group][tuple(rest)] = int(value)
    return found


def _decisions(fields: Mapping[tuple[str, ...], int]) -> list[dict[str, Any]]:
    kinds = {key[:3] for key in fields if len(key) == 4}
    found: list[dict[str, Any]] = [
        {"action": action, "reason": reason, "dry_run": dry == "True",
         "jobs": fields.get((action, reason, dry, "jobs"), 0),
         "retriggers": fields.get((action, reason, dry, "retriggers"), 0)}
        for action, reason, dry in kinds
    ]  # fmt: skip
    found.sort(key=lambda one: (one["action"] != "trigger", -one["jobs"], one["reason"], one["dry_run"]))
    return found


def _accuracy(fields: Mapping[tuple[str, ...], int]) -> list[dict[str, Any]]:
    """Return of what is measured how many samples it was right and wrong for, and how many are still open."""
    names = ("right", "wrong", "open")
    return [
        {"measured": str(one), **{name: fields.get((one, name), 0) for name in names}}
        for one in Measured
        if any((one, name) in fields for name in names)
    ]


def _of_hour(hour: int, fields: Mapping[str, float]) -> dict[str, Any] | None:
    reasons = {reason: value for (reason,), value in _grouped(fields)["refused"].items()}
    names = ("would", "sent", "decided")
    would, sent, decided = (int(fields.get(name, 0)) for name in names)
    if not reasons and not any(name in fields for name in names):
        return None
    return {
        "hour": hour, "would_have_sent": would, "sent": sent, "decided": decided,
        "refused": sum(reasons.values()), "reasons": reasons,
    }  # fmt: skip


def _branches(fields: Mapping[tuple[str, ...], int]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (project, branch, name), value in fields.items():
        found[project, branch][name] = value
    listed: list[dict[str, Any]] = [
        {"project": project, "branch": branch, "would_have_sent": one.get("would", 0), "sent": one.get("sent", 0),
         "refused": one.get("refused", 0)}
        for (project, branch), one in found.items()
        if one.keys() & {"would", "sent", "refused"}
    ]  # fmt: skip
    listed.sort(key=lambda one: (-one["sent"], -one["would_have_sent"], one["project"], one["branch"]))
    return listed


class Statistics(Room):
    """The statistics."""

    def count(self) -> None:
        """Count the pushes that have changed, which takes a while where many have; `read` does it, too."""
        count(self.engine.run)

    def read(self, since: float, *, exact: bool = True) -> dict[str, Any]:
        """Count decisions, requests and claims since a time, and how retriggers ended.

        `exact=False`: without what has changed since somebody counted, but at once.
        """
        if exact:
            self.count()
        return self.engine.read(lambda view: read(view, since))
