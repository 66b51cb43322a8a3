"""Which lines of a project's failures prove nothing, for failures of other jobs, or passing runs, show them, too."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from triggerbot.core.model import Push
from triggerbot.core.verdict import fingerprint
from triggerbot.store import FailureRecord, PushRecord

#: For a line to be generic: failures of other jobs at other pushes that have to be known; the share of them that shows
#: the line; and at how many pushes, since one broken push may show a real failure a hundred times.
_SAMPLE_MIN, _SHARE, _PUSHES_MIN = 20, 0.1, 3


class _Failures:
    """A count of failures from which those of one job and those of one push are excluded in constant time."""

    def __init__(self, sightings: Iterable[FailureRecord]) -> None:
        self._jobs: Counter[str] = Counter()
        #: A push may have several jobs of one name.
        self._at: dict[Push, Counter[str]] = defaultdict(Counter)
        for one in sightings:
            self._jobs[one.job] += 1
            self._at[one.push][one.job] += 1
        self._number = self._jobs.total()
        #: Pushes at which nothing but this job failed.
        self._alone = Counter(job for jobs in self._at.values() if len(jobs) == 1 for job in jobs)

    def elsewhere(self, push: Push, job: str) -> tuple[int, int]:
        """Count the failures of other jobs at other pushes, and the other pushes."""
        here = self._at.get(push, Counter())
        number = self._number - self._jobs[job] - here.total() + here[job]
        return number, len(self._at) - bool(here) - self._alone[job] + (here.keys() == {job})


class GenericLines:
    """The lines of a project's failures that prove nothing, for failures elsewhere show them, too. Thread-safe."""

    def __init__(self, sightings: Sequence[FailureRecord]) -> None:
        self._with_lines = _Failures(one for one in sightings if one.shapes)
        self._showing: dict[str, list[FailureRecord]] = defaultdict(list)
        #: By line, built when first needed: a push that breaks everything needs the same one for each of its jobs.
        self._lines: dict[str, _Failures] = {}
        self.passing: set[str] = set()
        for one in sightings:
            self.passing.update(one.passing)
            for shape in one.shapes:
                self._showing[shape].append(one)

    def generic(self, push: Push, job: str, shape: str) -> bool:
        """Return whether a line proves nothing about a job of a push."""
        if shape in self.passing:
            return True
        if len(self._showing.get(shape, ())) < _PUSHES_MIN:
            return False
        if shape not in self._lines:
            self._lines[shape] = _Failures(self._showing[shape])
        showing, pushes = self._lines[shape].elsewhere(push, job)
        if pushes < _PUSHES_MIN:
            return False
        total, _ = self._with_lines.elsewhere(push, job)
        return total >= _SAMPLE_MIN and showing > _SHARE * total


def passing(record: PushRecord) -> frozenset[str]:
    """Return the shapes that runs of a push show which passed."""
    return frozenset(
        shape
        for job in record.jobs
        for run in job.runs
        if run.passed and run.evidence
        for shape in fingerprint.shapes(run.evidence)
    )
