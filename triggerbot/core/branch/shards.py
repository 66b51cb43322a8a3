"""Shards: the pieces in which a CI runs one job, merged, for a failure moves between them. Pure.

PyTorch numbers them within the name, `test (default, 1, 5, linux.2xlarge)` being the first of five; Mozilla at its
end, `mochitest-3`. Numbers may mean anything (`python-3`, `win11-2009`, `build (18, 20)`), so they are taken for those
of shards only where the other jobs of the branch make that certain.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from triggerbot.core.branch.cells import LEFT_OUT, Cell, CellKind
from triggerbot.core.branch.streaks import Row

#: The last brackets of a name, and in them the number of a shard beside that of all.
_BRACKETS = re.compile(r"(?P<before>.*[(\[])(?P<inside>[^()\[\]]*)(?P<after>[)\]][^()\[\]]*)", re.DOTALL)
_PAIR = re.compile(r"(?:^|,)\s*(?P<number>[0-9]{1,4})\s*(?P<by>[,/])\s*(?P<of>[0-9]{1,4})\s*(?:$|,)")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")


class Shard(NamedTuple):
    """A job as one piece of another: that one's name, its number, and how many there are (0: not told)."""

    job: str
    number: int
    of: int = 0


def shards(jobs: Iterable[str]) -> dict[str, Shard]:
    """Return which of the jobs of a branch are shards, and of what."""
    names = set(jobs)
    groups: dict[str, dict[str, Shard]] = defaultdict(dict)
    certain: set[str] = set()
    for name in names:
        shard, is_plain = _in_brackets(name) or _at_the_end(name) or (None, False)
        if shard is not None:
            groups[shard.job][name] = shard
            certain |= {shard.job} if is_plain else set()
    found: dict[str, Shard] = {}
    for job, own in groups.items():
        if _are_shards(own.values(), is_plain=job in certain):
            # Where a job has the bare name itself, the merged one is told from it.
            merged = f"{job}-*" if job in names else job
            found |= {name: shard._replace(job=merged) for name, shard in own.items()}
    return found


def _are_shards(group: Collection[Shard], *, is_plain: bool) -> bool:
    """Whether jobs whose names differ in their numbers only are shards of one.

    `is_plain`: the names say so themselves, if there are two of one total. Otherwise most numbers from 1 on are needed.
    """
    if is_plain:
        return any(len({one.number for one in group if one.of == total}) > 1 for total in {one.of for one in group})
    numbers = {one.number for one in group}
    return len(numbers) > 1 and 1 in numbers and 2 * len(numbers) > max(numbers)


def _in_brackets(name: str) -> tuple[Shard, bool] | None:
    """Return what the brackets in a name tell of its shard, and whether it is plain that they do."""
    brackets = _BRACKETS.fullmatch(name)
    pair = None if brackets is None else _PAIR.search(brackets["inside"])
    if brackets is None or pair is None or not 1 <= int(pair["number"]) <= int(pair["of"]):
        return None
    around = (brackets["inside"][: pair.start()], brackets["inside"][pair.end() :])
    rest = ", ".join(text for part in around if (text := part.strip(" ,")))
    before, after = brackets["before"], brackets["after"]
    job = f"{before}{rest}{after}" if rest else f"{before[:-1].rstrip()}{after[1:]}"
    shard = Shard(job, int(pair["number"]), int(pair["of"]))
    return (shard, bool(rest) or pair["by"] == "/") if job else None


def _at_the_end(name: str) -> tuple[Shard, bool] | None:
    """Return what a number at the end of a name tells of its shard; never plain."""
    job, _, number = name.rpartition("-")
    # `2026-11-3` is a date.
    is_named = any(character.isalpha() for character in job.rpartition("-")[2])
    return (Shard(job, int(number)), False) if is_named and _NUMBER.fullmatch(number) else None


def merged(rows: Sequence[Row], known: Mapping[str, Shard]) -> list[Row]:
    """Return the rows of a branch with the shards of each job as one row, where its first one was.

    `known`: the shards among all jobs of the branch.
    """
    of_job: dict[str, list[Row]] = {}
    for row in rows:
        of_job.setdefault(known[row.job].job if row.job in known else row.job, []).append(row)
    return [_merged(job, own, known) for job, own in of_job.items()]


def _merged(job: str, rows: Sequence[Row], known: Mapping[str, Shard]) -> Row:
    if len(rows) == 1:
        return rows[0] if rows[0].job == job else Row(job, rows[0].cells, rows[0].test)
    pieces = [known[row.job] for row in rows]
    at_each_push = zip(*(row.cells for row in rows), strict=True)
    return Row(job, tuple(combined(_expected(cells, pieces)) for cells in at_each_push))


def _expected(cells: Sequence[Cell], shards: Sequence[Shard]) -> Sequence[Cell]:
    """Leave out the shards that the job did not have at this push, for it had another number of them."""
    heard = [shard for cell, shard in zip(cells, shards, strict=True) if cell.kind is not CellKind.NOT_RUN]
    totals = {shard.of for shard in heard}
    most = max((shard.number for shard in heard), default=0)
    return [
        cell for cell, shard in zip(cells, shards, strict=True)
        if (shard.of in totals if shard.of else shard.number <= most)
    ]  # fmt: skip


#: What decides of several that are not failed: what is still open, what is proved intermittent, what is missing.
_DECIDING = (
    CellKind.AWAITED, CellKind.PENDING, CellKind.INTERMITTENT, CellKind.INFRA, CellKind.CANCELLED, CellKind.UNPROVED,
    *(kind for kind in CellKind if kind in LEFT_OUT), CellKind.PASSED,
)  # fmt: skip


def combined(cells: Sequence[Cell]) -> Cell:
    """Return what a job did at a push by what its shards did: it failed if one did, and passed if all did."""
    failed = [cell for cell in cells if cell.kind is CellKind.FAILED]
    if len(failed) == 1:
        return failed[0]
    if failed:
        return Cell(
            CellKind.FAILED,
            tuple(dict.fromkeys(shape for cell in failed for shape in cell.shapes)),
            next((cell.line for cell in failed if cell.line), ""),
            frozenset[str]().union(*(cell.tests for cell in failed)),
            tests_known=all(cell.tests_known for cell in failed),
        )
    kinds = {cell.kind for cell in cells}
    return Cell(next((kind for kind in _DECIDING if kind in kinds), CellKind.NOT_RUN))
