"""The view of the statistics page: its figures, and the geometry of its plots as numbers for SVG, without scripts."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from triggerbot.core.decision import Cause, Refusal
from triggerbot.reports import calibration, costs, flakiness, glossary, savings
from triggerbot.reports.flakiness import Rate
from triggerbot.store import Store

HOUR, DAY = 3600.0, 86_400.0
#: The periods to choose from, in days; the first has a column for each hour, the others for each day.
PERIODS = (1, 7, 30, 90)
#: The size of the coordinate system, which browsers stretch to the room available.
WIDTH, HEIGHT = 1000.0, 100.0
#: The gap between two columns, as a share of a column's room.
_GAP = 0.2
#: The series stacked in each column: the figure's name in the store's hours, its label, and its CSS class.
_SERIES = (("sent", "Sent", "sent"), ("would_have_sent", "Would have been sent (dry run)", "would"),
           ("refused", "Refused", "refused"))  # fmt: skip
#: Most branches and intermittent jobs that are listed.
_BRANCHES_MAX, _WORST_MAX = 20, 50
#: Seconds for which statistics are cached.
_FRESH = 30.0


class Reason(NamedTuple):
    """How often one decision was made for one reason."""

    action: str
    reason: str
    means: str
    dry: bool
    jobs: int
    retriggers: int
    share: str


class Moment(NamedTuple):
    """The figures of one hour or day."""

    at: float
    figures: tuple[int, ...]
    #: Refusals by reason, the most frequent first.
    reasons: tuple[tuple[str, int], ...]


class Ended(NamedTuple):
    """How many retriggers ended in one way."""

    what: str
    number: int
    share: str


class Interval(NamedTuple):
    """How often a job is intermittent; the rate and its confidence interval as lengths of SVG."""

    estimate: Rate
    low: str
    rate: str
    high: str


class Box(NamedTuple):
    """One segment of a column or a bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float


class Columns(NamedTuple):
    """A plot of columns, each stacked from several kinds."""

    boxes: list[Box]
    #: The value of the highest column.
    top: int


class StatisticsCache:
    """Computes the page's statistics, which may take seconds, and caches them for `_FRESH`; safe for threads."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: dict[int, tuple[float, dict[str, Any]]] = {}

    def gather(self, days: int) -> dict[str, Any]:
        """Return the values of the page for one of `PERIODS`. Raises `StoreUnavailable`."""
        with self._lock:
            now = self._clock()
            at, values = self._cached.get(days, (now, None))
            if values is None or not 0 <= now - at < _FRESH:
                values = _gather(self._store, now, days)
                self._cached[days] = now, values
            return values


def parts(values: Sequence[tuple[str, int]]) -> list[Box]:
    """Divide one bar among several kinds, in proportion to their values."""
    total, x, boxes = sum(value for _, value in values), 0.0, []
    for kind, value in values:
        width = WIDTH * value / total if total else 0.0
        if width:
            boxes.append(Box(kind, round(x, 2), 0.0, round(width, 2), HEIGHT))
        x += width
    return boxes


def percent(value: float, of: float) -> str:
    """Format a share as a length of SVG."""
    return f"{100 * value / of:.1f}%" if of else "0%"


def _gather(store: Store, now: float, days: int) -> dict[str, Any]:
    worst = flakiness.everywhere(store, _WORST_MAX)
    found = store.statistics.read(now - days * DAY)
    width = HOUR if days == PERIODS[0] else DAY
    series = [one for one in _SERIES if one[0] in ("sent", "refused") or any(hour[one[0]] for hour in found["hours"])]
    moments = _moments(found["hours"], [name for name, _, _ in series], now, days, width)
    plot = _columns([one.figures for one in moments], [kind for _, _, kind in series])
    return {
        "days": days,
        "periods": PERIODS,
        "hourly": width == HOUR,
        "series": series,
        "moments": moments,
        "plot": plot,
        "totals": [sum(one.figures[index] for one in moments) for index in range(len(series))],
        "decisions": _reasons(found["decisions"]),
        "ended": _ended(found["ended"]),
        "costs": [*costs.of(found).sentences(), *savings.sentences(found["saved"])],
        "accuracy": list(calibration.accuracy(found["accuracy"]).sentences()),
        "intermittent": [
            Interval(one, percent(one.low, 1), percent(one.rate, 1), percent(one.high, 1)) for one in worst
        ],
        "branches": found["branches"][:_BRANCHES_MAX],
        "pushes": found["pushes"],
        "runs": found["runs"],
    }


def _moments(
    hours: Sequence[Mapping[str, Any]], names: Sequence[str], now: float, days: int, width: float
) -> list[Moment]:
    """Sum up the figures of hours into moments of `width` seconds, including those without any figures."""
    summed: dict[int, list[int]] = defaultdict(lambda: [0] * len(names))
    for hour in hours:
        for index, name in enumerate(names):
            summed[int(hour["hour"] // width)][index] += hour[name]
    last = int(now // width)
    first = last - int(days * DAY / width) + 1
    reasons: dict[int, Counter[str]] = defaultdict(Counter)
    for hour in hours:
        reasons[int(hour["hour"] // width)].update(hour["reasons"])
    return [
        Moment(number * width, tuple(summed[number]), tuple(reasons[number].most_common()))
        for number in range(first, last + 1)
    ]


def _reasons(decisions: Sequence[Mapping[str, Any]]) -> list[Reason]:
    most = max((one["jobs"] for one in decisions), default=0)
    return [
        Reason(
            one["action"], one["reason"], _means(one["action"], one["reason"]), one["dry_run"], one["jobs"],
            one["retriggers"] or 0, percent(one["jobs"], most),
        )
        for one in decisions
    ]  # fmt: skip


def _means(action: str, reason: str) -> str:
    return glossary.CAUSES[Cause(reason)] if action == "trigger" else glossary.REFUSALS[Refusal(reason)].means


def _ended(ended: Mapping[str, Any]) -> list[Ended]:
    words = (
        ("passed", "passed"),
        ("failed", "failed"),
        ("other", "proved nothing"),
        ("unfinished", "are not finished"),
    )
    total = sum(ended[name] for name, _ in words)
    return [Ended(text, ended[name], percent(ended[name], total)) for name, text in words]


def _columns(rows: Sequence[Sequence[int]], kinds: Sequence[str]) -> Columns:
    """Stack the values of each row into a column, in the order of their kinds, from the bottom."""
    top = max((sum(row) for row in rows), default=0)
    boxes: list[Box] = []
    room = WIDTH / max(1, len(rows))
    for number, row in enumerate(rows):
        bottom = HEIGHT
        for kind, value in zip(kinds, row, strict=True):
            height = HEIGHT * value / top if top else 0.0
            bottom -= height
            if height:
                boxes.append(
                    Box(
                        kind, round(room * (number + _GAP / 2), 2), round(bottom, 2), round(room * (1 - _GAP), 2),
                        round(height, 2),
                    )
                )  # fmt: skip
    return Columns(boxes, top)
