"""A branch as it is looked at: its jobs by its newest pushes, from the verdicts, and what keeps failing there."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from triggerbot.core import identity
from triggerbot.core.branch import by_test, cells, shards
from triggerbot.core.branch.alerts import EVERY, Alerts
from triggerbot.core.branch.cells import Cell, CellKind, Shown
from triggerbot.core.branch.grid import Grid, grid
from triggerbot.core.branch.order import newest_first, position
from triggerbot.core.branch.streaks import Row, Streak, along
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import history
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.reports.judge import Judge
from triggerbot.store import PushRecord, Store, Summary

#: Pushes of a branch that are looked at, the newest.
PUSHES_MAX = 50
_NOT_RUN = Cell(CellKind.NOT_RUN)


@dataclass(frozen=True, slots=True)
class Column:
    """A revision of a branch, with its push at each CI that was heard of there."""

    revision: str
    pushes: tuple[Summary, ...]

    @property
    def first(self) -> Summary:
        """The push that stands for all of them."""
        return self.pushes[0]


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch: its columns, newest first, its grid, and the tests that keep failing in the jobs that do."""

    project: str
    name: str
    columns: tuple[Column, ...]
    grid: Grid
    tests: tuple[Streak, ...] = ()


class Branches:
    """Looks at branches. Thread-safe.

    `systems`: the names of the CIs. What a push shows is read as it was judged last.
    """

    def __init__(self, store: Store, judge: Judge, rules: Sequence[Rule], systems: Sequence[str]) -> None:
        self._store = store
        self._judge = judge
        self._rules = rules
        self._systems = systems

    def base(self, project: str) -> str:
        """Return the base branch of a project; empty if none is certain. Raises `StoreUnavailable`."""
        for known in self._projects(project):
            found = history.base_branch(*self._store.pushes.branches(known))
            if found:
                return found
        return ""

    def named(self, path: str) -> tuple[str, str] | None:
        """Return the project and the branch of a path `PROJECT/BRANCH`, both of which may have slashes in them.

        Of several ways to read it, the longest project counts of which that branch is known. Raises `StoreUnavailable`.
        """
        for project in sorted(self._store.pushes.projects(), key=len, reverse=True):
            own, branch = path[: len(project)], path[len(project) + 1 :]
            if own.lower() == project.lower() and path[len(project) :].startswith("/") and self._columns(own, branch):
                return project, branch
        return None

    def look(
        self, project: str, branch: str, *, chosen: Globs = EVERY, merge_shards: bool | None = None
    ) -> Branch | None:
        """Look at a branch; `None` if no push of it is known. Raises `StoreUnavailable`.

        `chosen`: the jobs to look at. `merge_shards`: instead of what the rule says.
        """
        columns = self._columns(project, branch)
        if not columns:
            return None
        rows = self._rows(columns)
        wanted = self._alerts(columns[0].first.push)
        if merge_shards is not None:
            wanted = replace(wanted, merge_shards=merge_shards)
        revisions = [column.revision for column in columns]
        found = grid(rows, revisions, wanted, chosen)
        failing = {one.job for one in found.along.failing}
        tests = [test for row in found.rows if row.job in failing for test in by_test.rows(row)]
        told = along(tests, revisions, pushes=wanted.pushes).failing
        return Branch(columns[0].first.push.project, branch, columns, found, told)

    def _projects(self, project: str) -> list[str]:
        """Return the names under which a project is known: `Octo/App` is `octo/app`."""
        return [known for known in self._store.pushes.projects() if known.lower() == project.lower()]

    def _columns(self, project: str, branch: str) -> tuple[Column, ...]:
        found: dict[str, list[Summary]] = defaultdict(list)
        for known in self._projects(project):
            for system in self._systems:
                for one in self._store.pushes.of_branch(system, known, branch, PUSHES_MAX):
                    found[one.push.revision].append(one)
        placed = (
            (position(min(one.pushed_at or 0.0 for one in pushes), revision), Column(revision, tuple(pushes)))
            for revision, pushes in found.items()
        )
        return tuple(newest_first(placed)[:PUSHES_MAX])

    def _alerts(self, push: Push) -> Alerts:
        rule = rules.rule_for(self._rules, push)
        return Alerts() if rule is None else rule.alerts

    def _rows(self, columns: Sequence[Column]) -> list[Row]:
        at: dict[str, dict[int, list[Cell]]] = defaultdict(dict)
        names: dict[str, str] = {}
        pushes = [(place, one.push) for place, column in enumerate(columns) for one in column.pushes]
        stored = self._store.pushes.shown([push for _, push in pushes])
        for (place, push), known in zip(pushes, stored, strict=True):
            for job, name, cell in self._judged(push) if known is None else known:
                at[job].setdefault(place, []).append(cell)
                names[job] = name
        return [
            Row(job, tuple(_cell(own.get(place)) for place in range(len(columns))), name=names[job])
            for job, own in sorted(at.items())
        ]  # fmt: skip

    def _judged(self, push: Push) -> Sequence[Shown]:
        """Judge a push of which it is not kept what it shows."""
        record = self._store.pushes.record(push)
        return () if record is None else shown(record, self._judge.judge(record))


def _cell(found: list[Cell] | None) -> Cell:
    if found is None:
        return _NOT_RUN
    return found[0] if len(found) == 1 else shards.combined(found)


def shown(record: PushRecord, judged: PushVerdict) -> list[Shown]:
    """Return what a push shows along its branch of its jobs, without those that decide nothing."""
    found = []
    for kept, job in zip(record.jobs, judged.jobs, strict=True):
        # What fails on the base, too, fails along the branch.
        if not job.hidden or job.inherited or job.follows:
            event = job.runs[-1].event if job.runs else None
            found.append(Shown(identity.label(kept.key, event), kept.name, cells.of_verdict(job)))
    return found
