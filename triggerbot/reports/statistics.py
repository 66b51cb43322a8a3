"""Statistics since some time: what was decided, sent and refused, and its cost; for `stats` and the HTTP API alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triggerbot.core import event_json
from triggerbot.core.model import Push
from triggerbot.core.policy.rules import Rule, rule_for
from triggerbot.reports import calibration, costs, flakiness, push_json
from triggerbot.reports.costs import Costs
from triggerbot.reports.flakiness import Rate
from triggerbot.store import Pause, Store

#: Intermittent jobs listed, at most, the worst.
WORST_MAX = 20
_HOUR = 3600.0
_NUMBERS = ("sent", "would_have_sent", "refused")


@dataclass(frozen=True, slots=True)
class Statistics:
    """The sums from `since` to `until` (seconds since the epoch)."""

    since: float
    until: float
    dry: bool
    paused: Pause | None
    #: The result of `Statistics.read`, with `breakers`, `last_hour`, `rules` and `projects` added.
    found: Mapping[str, Any]
    #: Retriggers per hour: those sent, and those that a dry run would have sent.
    rates: Mapping[str, Mapping[str, Any]]
    cost: Costs
    #: Intermittent jobs, the worst first.
    worst: Sequence[Rate]

    def as_json(self) -> dict[str, Any]:
        """Return the statistics as JSON-able values."""
        paused = self.paused
        return {
            "since": event_json.format_time(self.since),
            "until": event_json.format_time(self.until),
            "dry_run": self.dry,
            "paused": None if paused is None else {
                "at": event_json.format_time(paused.at), "by": paused.by, "note": paused.note,
            },
            "per_hour": {
                key: {**rate, "busiest_hour": event_json.format_time(rate["busiest_hour"])}
                for key, rate in self.rates.items()
            },
            **self.found,
            "hours": [{**hour, "hour": event_json.format_time(hour["hour"])} for hour in self.found["hours"]],
            "costs": self.cost.as_json(),
            "accuracy": calibration.accuracy(self.found["accuracy"]).as_json(),
            "intermittent": [one.as_json() for one in self.worst],
        }  # fmt: skip


def gather(store: Store, rules: Sequence[Rule], since: float, now: float, *, dry: bool) -> Statistics:
    """Sum up everything since `since` (seconds since the epoch); raises `StoreUnavailable`."""
    found = store.statistics.read(since)
    held = store.limits.held()
    return Statistics(
        since,
        now,
        dry,
        store.limits.paused(),
        {
            **found,
            "breakers": push_json.breakers(store.limits.breakers(), held),
            "last_hour": push_json.caps(store.limits.sent(now), held),
            "rules": _by_rule(found, rules, now),
            "projects": _by_project(found["branches"]),
        },
        {key: _rate(found["hours"], key, now) for key in ("sent", "would_have_sent")},
        costs.of(found),
        flakiness.everywhere(store, WORST_MAX),
    )


def _by_project(branches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum up the branches of each project."""
    summed: dict[str, dict[str, Any]] = {}
    for row in branches:
        total = summed.setdefault(row["project"], {"project": row["project"], **dict.fromkeys(_NUMBERS, 0)})
        for key in _NUMBERS:
            total[key] += row[key]
    return list(summed.values())


def _by_rule(found: Mapping[str, Any], rules: Sequence[Rule], now: float) -> list[dict[str, Any]]:
    """Sum up what each of the present rules costs: a branch counts for the first rule that matches.

    `per_hour`: retriggers, sent or in dry run, on average since the first of them all.
    """
    summed: list[dict[str, Any]] = [
        {"rule": f"rules[{number}]", "projects": list(rule.projects.patterns), **dict.fromkeys(_NUMBERS, 0)}
        for number, rule in enumerate(rules)
    ]
    for row in found["branches"]:
        rule = rule_for(rules, Push("", row["project"], row["branch"], ""))
        if rule is not None:
            total = summed[next(number for number, one in enumerate(rules) if one is rule)]
            for key in _NUMBERS:
                total[key] += row[key]
    hours = max(1.0, (now - min((hour["hour"] for hour in found["hours"]), default=now)) / _HOUR)
    for total in summed:
        total["per_hour"] = round((total["sent"] + total["would_have_sent"]) / hours, 2)
    return summed


def _rate(hours: Sequence[Mapping[str, Any]], key: str, now: float) -> dict[str, Any]:
    """Compute retriggers per hour since the first: the mean, and the busiest hour."""
    active = [hour for hour in hours if hour[key]]
    if not active:
        return {"total": 0, "mean": 0.0, "busiest": 0, "busiest_hour": None}
    total = sum(hour[key] for hour in active)
    busiest = max(active, key=lambda hour: hour[key])
    mean = total / max(1.0, (now - active[0]["hour"]) / _HOUR)
    return {"total": total, "mean": round(mean, 2), "busiest": busiest[key], "busiest_hour": busiest["hour"]}
