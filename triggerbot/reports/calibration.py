"""How often triggerbot is right: samples of verdicts that are final, and the shares that their further runs show."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triggerbot.core.formatting import plural
from triggerbot.core.policy import calibration
from triggerbot.core.policy.calibration import Measured
from triggerbot.core.policy.rules import Rule, rule_for
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.reports.flakiness import interval
from triggerbot.store import PushRecord, Store
from triggerbot.store.records import Calibration

#: What is measured, in words, and what it means that it was right.
WORDS: Mapping[Measured, tuple[str, str]] = {
    Measured.KNOWN: ("intermittent, as at other pushes", "it passes again"),
    Measured.INTERMITTENT: ("intermittent", "it passes again"),
    Measured.FAILED: ("fails every time", "it fails on"),
    Measured.REFUSED: ("failed once, not retriggered", "it fails on"),
    Measured.PASSED: ("passed", "it passes again"),
}
#: Why the further runs of a sample were asked for.
PURPOSE = "asked for to measure triggerbot's own accuracy; decides nothing"


class Sampler:
    """Claims samples of pushes whose verdict is final."""

    def __init__(self, store: Store, rules: Sequence[Rule], clock: Callable[[], float], *, dry: bool) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._dry = dry

    def sample(self, record: PushRecord, judged: PushVerdict) -> float | None:
        """Claim samples of a push, if its verdict is final; return when to look again, if it may be by then."""
        rule = rule_for(self._rules, record.push)
        if rule is None or not rule.calibration or not judged.final or record.facts.fork:
            return None
        now = self._clock()
        quiet = record.last_heard + calibration.QUIET
        keys = {job.job: job.key for job in record.jobs if job.calibration is None}
        jobs = [(keys[job.job], job) for job in judged.jobs if job.job in keys]
        found = tuple(calibration.samples(record.push, jobs, rule, record.facts.author))
        if found and now < quiet:
            return quiet
        if found:
            self._store.calibration.ask(record.push, found, rule.budget, dry=self._dry, now=now)
        return None


@dataclass(frozen=True, slots=True)
class Share:
    """A share of samples, with its 95 % confidence interval."""

    hits: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Its lower and upper end."""
        return interval(self.hits, self.of)

    def as_json(self) -> dict[str, Any]:
        """Return the share as JSON-able values."""
        low, high = self.interval
        return {
            "number": self.hits,
            "n": self.of,
            "share": round(self.hits / self.of, 4) if self.of else None,
            "low": round(low, 4),
            "high": round(high, 4),
        }

    def __str__(self) -> str:
        """Describe the share in words."""
        low, high = self.interval
        return f"{100 * self.hits / self.of:.1f} % ({100 * low:.1f} to {100 * high:.1f}), n = {self.of}"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often what was said held, by what was said."""

    #: How often each was right, of the samples that were answered.
    right: Mapping[Measured, Share]
    #: Samples whose further runs are to come, or proved nothing.
    open: int

    @property
    def let_through(self) -> Share:
        """Regressions let through: jobs that are called intermittent and fail on."""
        shares = [share for one, share in self.right.items() if one.lets_through]
        return Share(sum(share.of - share.hits for share in shares), sum(share.of for share in shares))

    def sentences(self) -> Iterator[str]:
        """Yield it in words, regressions let through first; nothing if nothing is measured."""
        if self.let_through.of:
            yield f"Regressions let through, of jobs called intermittent: {self.let_through}"
        for one, (name, _) in WORDS.items():
            if one in self.right:
                yield f"{name}: right in {self.right[one]}"
        if self.open:
            yield f"{plural(self.open, 'sample')} not answered yet."

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "regressions_let_through": self.let_through.as_json(),
            "right": {str(one): share.as_json() for one, share in self.right.items()},
            "open": self.open,
            "text": list(self.sentences()),
        }


def accuracy(sums: Sequence[Mapping[str, Any]]) -> Accuracy:
    """Return the accuracy that sums show; see `accuracy` of `Statistics.read`."""
    right = {Measured(one["measured"]): Share(one["right"], of) for one in sums if (of := one["right"] + one["wrong"])}
    return Accuracy({one: right[one] for one in WORDS if one in right}, sum(one["open"] for one in sums))


def words(found: Calibration) -> str:
    """Describe what is measured of one job, and what has come of it."""
    claim, passed = found.claim, sum(run.passed for run in found.runs)
    if claim.refusal is not None:
        return f"sampled, and not run again: {claim.refusal}"
    runs = plural(claim.wanted, "further run")
    if claim.dry:
        return f"{runs} would be {PURPOSE}. Dry run: nothing is sent"
    failed = sum(run.failed for run in found.runs)
    came = f"; {failed} failed and {passed} passed so far" if found.runs else ""
    return f"{runs}, {PURPOSE}{came}"


def as_json(found: Calibration | None) -> dict[str, Any] | None:
    """Return what is measured of one job as JSON-able values."""
    if found is None:
        return None
    return {
        "measured": None if found.measured is None else str(found.measured),
        "answer": None if found.answer is None else str(found.answer),
        "text": words(found),
        "wanted": found.claim.wanted,
        "asked": found.claim.asked,
        "dry_run": found.claim.dry,
        "runs": [{"run_id": run.run_id, "attempt": run.attempt, "result": run.result} for run in found.runs],
    }
