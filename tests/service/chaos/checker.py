"""Checks a run in the terms of Jepsen's checkers: nothing is lost, nothing is done twice."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: A job of a push: its revision and name.
Job = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a run; all but the last three are plain counts."""

    #: Failures that were fed, and those of them that were acknowledged.
    attempted: int
    acknowledged: int
    #: Acknowledged, and retriggered as often as wanted.
    ok: int
    #: Not acknowledged, but retriggered all the same: a crash came between the store and the answer.
    recovered: int
    #: Acknowledged, and retriggered too seldom.
    lost: tuple[Job, ...]
    #: Retriggered more often than wanted.
    doubled: tuple[Job, ...]
    #: Retriggered though it was never fed.
    unexpected: tuple[Job, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is lost, doubled or unexpected."""
        return not (self.lost or self.doubled or self.unexpected)

    def counts(self) -> dict[str, int]:
        """Return the figures."""
        return {
            "attempted": self.attempted, "acknowledged": self.acknowledged, "ok": self.ok,
            "recovered": self.recovered, "lost": len(self.lost), "doubled": len(self.doubled),
            "unexpected": len(self.unexpected),
        }  # fmt: skip


def check(attempted: Iterable[Job], acknowledged: Iterable[Job], made: Mapping[Job, int], wanted: int) -> Verdict:
    """Compare what was fed with the CI's own log; `made` counts the runs that each job got."""
    fed, safe, runs = set(attempted), set(acknowledged), Counter(made)
    return Verdict(
        attempted=len(fed),
        acknowledged=len(safe),
        ok=sum(runs[job] == wanted for job in safe),
        recovered=sum(runs[job] > 0 for job in fed - safe),
        lost=tuple(sorted(job for job in safe if runs[job] < wanted)),
        doubled=tuple(sorted(job for job in fed if runs[job] > wanted)),
        unexpected=tuple(sorted(job for job, number in runs.items() if number and job not in fed)),
    )


def bound(failures: int, trials: int) -> float | None:
    """Return the upper end of the 95 % interval of the failure rate after no failure in all trials (rule of three)."""
    return 3 / trials if trials and not failures else None
