"""Costs and savings of retriggers, computed purely. Estimates are marked as such and given with their formula."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from triggerbot.core import event_json
from triggerbot.core.decision import Cause
from triggerbot.core.formatting import duration, plural

#: Minutes that a person spends on a failure that their change did not cause: to find the log, read it, request another
#: run and come back to it. An assumption; nobody has measured it.
MINUTES_A_FAILURE = 10.0
_DAY = 86_400
_COUNTED = ("sent", "would_have_sent", "decided", "refused")
_ENDED = ("passed", "failed", "other", "unfinished")


@dataclass(frozen=True, slots=True)
class Day:
    """The decisions and retriggers of one day (UTC), which began at `at` (seconds since the epoch)."""

    at: float
    sent: int = 0
    would_have_sent: int = 0
    decided: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Spent:
    """Machine time of retriggers, in seconds."""

    #: Of the retriggers whose duration is known, and their number.
    known: float
    timed: int
    #: Of all that have finished: an estimate. `None`: no run's duration is known.
    estimate: float | None
    #: Its share of the machine time of all runs: an estimate, too.
    share: float | None


@dataclass(frozen=True, slots=True)
class Spared:
    """Machine time saved by refusals: an estimate, failures times retriggers each times seconds each."""

    #: Jobs that failed and were never retriggered; and those of them for which the budget was used up.
    failures: int
    over_budget: int
    #: Retriggers per failure that was retriggered, on average; `None`: there was none.
    retriggers_each: float | None
    seconds_each: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class People:
    """Time saved for people who need not retrigger by hand: an estimate, failures times minutes each."""

    #: Failures that automatic retriggers proved intermittent: without those requested by people or pushes.
    failures: int
    minutes_each: float

    @property
    def seconds(self) -> float:
        """The total, in seconds."""
        return self.failures * self.minutes_each * 60


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of retriggering over some time."""

    days: tuple[Day, ...]
    #: Retriggers, and all runs, of the pushes observed in that time.
    retriggers: int
    runs: int
    #: Retriggers by how they ended: passed, failed, other (they prove nothing), unfinished.
    ended: Mapping[str, int]
    spent: Spent
    spared: Spared
    people: People

    @property
    def share(self) -> float | None:
        """The share of retriggers among all runs; `None`: there were no runs."""
        return self.retriggers / self.runs if self.runs else None

    def sentences(self) -> list[str]:
        """Describe the costs in sentences; estimates are marked as such, with their formula."""
        return [self._counted(), self._spent(), self._spared(), self._people()]

    def as_json(self) -> dict[str, Any]:
        """Return the costs as JSON-able values; seconds are rounded, and `null` where not known."""
        return {
            "days": [{**asdict(day), "at": event_json.format_time(day.at)} for day in self.days],
            "retriggers": self.retriggers,
            "runs": self.runs,
            "share": _rounded(self.share, 4),
            "ended": dict(self.ended),
            "machine": {
                "known_seconds": round(self.spent.known),
                "timed": self.spent.timed,
                "seconds_estimate": _rounded(self.spent.estimate),
                "share_estimate": _rounded(self.spent.share, 4),
            },
            "spared": {
                "failures": self.spared.failures,
                "over_budget": self.spared.over_budget,
                "retriggers_each": _rounded(self.spared.retriggers_each, 2),
                "seconds_each": _rounded(self.spared.seconds_each),
                "seconds_estimate": _rounded(self.spared.seconds),
            },
            "people": {
                "failures": self.people.failures,
                "minutes_each_assumed": self.people.minutes_each,
                "seconds_estimate": round(self.people.seconds),
            },
            "text": self.sentences(),
        }

    def _counted(self) -> str:
        if not self.retriggers:
            return f"No retrigger among {plural(self.runs, 'run')}."
        ended = ", ".join(f"{self.ended[name]} {_WORDS[name]}" for name in _ENDED if self.ended[name])
        share = f", {_percent(self.share)} of {plural(self.runs, 'run')}" if self.share is not None else ""
        return f"{plural(self.retriggers, 'retrigger')}{share}: {ended}."

    def _spent(self) -> str:
        spent = self.spent
        if not self.retriggers:
            return "Machine time of retriggers: none."
        if spent.estimate is None:
            return "Machine time of retriggers: nobody knows, for the CI does not tell when runs begin."
        share = "" if spent.share is None else f", {_percent(spent.share)} of that of all runs"
        measured = f"measured: {duration(spent.known)} of {plural(spent.timed, 'retrigger')}"
        return f"Machine time of retriggers: about {duration(spent.estimate)}{share} (an estimate; {measured})."

    def _spared(self) -> str:
        spared = self.spared
        budget = f", {spared.over_budget} of them for the budget" if spared.over_budget else ""
        what = f"{plural(spared.failures, 'failure')} not retriggered{budget}"
        if spared.seconds is None or spared.retriggers_each is None or spared.seconds_each is None:
            return f"Machine time spared: no estimate; {what}."
        formula = (
            f"{what}, × {spared.retriggers_each:.1f} retriggers that a failure got on average, "
            f"× {duration(spared.seconds_each)} each"
        )
        return f"Machine time spared: about {duration(spared.seconds)} (an estimate: {formula})."

    def _people(self) -> str:
        each = f"× {self.people.minutes_each:g} min each, which is an assumption"
        proved = f"{plural(self.people.failures, 'failure')} that retriggers proved intermittent"
        formula = f"{proved} and nobody had to ask for, {each}"
        return f"People's time saved: about {duration(self.people.seconds)} (an estimate: {formula})."


_WORDS = {
    "passed": "passed",
    "failed": "failed",
    "other": "proved nothing",
    "unfinished": "not finished",
}


def of(found: Mapping[str, Any], *, minutes: float = MINUTES_A_FAILURE) -> Costs:
    """Compute the costs from the result of `Statistics.read`; `minutes`: what a failure costs a person."""
    ended = {name: int(found["ended"][name]) for name in _ENDED}
    each = _mean_seconds(found)
    return Costs(
        days=per_day(found["hours"]),
        retriggers=sum(ended.values()),
        runs=found["runs"],
        ended=ended,
        spent=_spent(found, sum(ended.values()) - ended["unfinished"], each),
        spared=_spared(found, each),
        people=People(int(found["ended"]["proved"]), minutes),
    )


def per_day(hours: Iterable[Mapping[str, Any]]) -> tuple[Day, ...]:
    """Sum up the hours of `Statistics.read` by days, oldest first; days without an entry are left out."""
    summed: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_COUNTED, 0))
    for hour in hours:
        day = summed[int(hour["hour"] // _DAY) * _DAY]
        for name in _COUNTED:
            day[name] += hour[name]
    return tuple(Day(float(at), **summed[at]) for at in sorted(summed))


def _mean_seconds(found: Mapping[str, Any]) -> float | None:
    """Return the mean duration of a retrigger: of those that are timed, or else of all runs."""
    ended, machine = found["ended"], found["machine"]
    if ended["timed"]:
        return float(ended["seconds"] / ended["timed"])
    return float(machine["seconds"] / machine["runs"]) if machine["runs"] else None


def _spent(found: Mapping[str, Any], finished: int, each: float | None) -> Spent:
    ended, machine = found["ended"], found["machine"]
    estimate = None if each is None else each * finished
    everything = machine["seconds"] / machine["runs"] * found["runs"] if machine["runs"] else 0.0
    share = None if estimate is None or not everything else min(1.0, estimate / everything)
    return Spent(float(ended["seconds"]), int(ended["timed"]), estimate, share)


def _spared(found: Mapping[str, Any], each: float | None) -> Spared:
    failures, over_budget = int(found["spared"]["jobs"]), int(found["spared"]["over_budget"])
    decided = [one for one in found["decisions"] if one["reason"] == Cause.FAILURE and not one["dry_run"]]
    retriggered = sum(one["jobs"] for one in decided)
    many = sum(one["retriggers"] for one in decided) / retriggered if retriggered else None
    seconds = None if many is None or each is None else failures * many * each
    return Spared(failures, over_budget, many, each, seconds)


def _rounded(value: float | None, digits: int | None = None) -> float | None:
    return None if value is None else round(value, digits)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
