"""Pairs of failures as runs show them, in many lines: of the cases in failures/*.yml, labelled before any was run.

A case has the lines of one failure and variants of it, one a line:

    run      another run of the same failure: several things that vary differ, as in nature
    still    one thing that decides nothing differs
    other    one thing that decides differs: another failure (of a generic case: nothing telling is known, ever)

A variant is a list of changes, parted by ` ;; `: `old => new`, a prefix for every line (`+gha`), lines of
failures/noise.yml before the first line or between the lines (`+before:pip`, `+between:http`), or `.` for none. A case
with another prefix or with noise is the same failure, too (unless it is generic); two cases are two failures.

Cases with `aside: true` were put aside, half of the first files by lot and all of last.yml, beyond.yml and second.yml:
they were measured once, when the comparison was finished. What that showed was mended then.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_FILES = Path(__file__).with_name("failures")
NOISE: dict[str, str] = yaml.safe_load((_FILES / "noise.yml").read_text())
_PREFIXES = {
    "gha": "2024-05-06T07:08:{second:02}.1234567Z ",
    "stamp": "[2024-05-06 07:08:{second:02},123] ",
    "tc": "[task 2024-05-06T07:08:{second:02}.123Z] 07:08:{second:02}     INFO - ",
}
#: With how many of the next cases of its kind, and of all, a case makes a pair of two failures.
_OF_KIND, _OF_ALL = 2, 1

Lines = tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two runs, and whether they show the same failure."""

    id: str
    kind: str
    #: All is alike but one thing; otherwise the pair is as in nature.
    minimal: bool
    same: bool
    aside: bool
    one: Lines
    other: Lines


def pairs() -> list[Pair]:
    """Build all pairs."""
    cases = [case for file in sorted(_FILES.glob("*.yml")) if file.name != "noise.yml" for case in _read(file)]
    found = [pair for case in cases for pair in (*_variants(case), *_noisy(case))]
    for aside in (False, True):
        half = [case for case in cases if case.get("aside", False) is aside]
        found += _crossed(half, _OF_ALL)
        for kind in sorted({case["kind"] for case in half}):
            found += _crossed([case for case in half if case["kind"] == kind], _OF_KIND)
    return list({pair.id: pair for pair in found}.values())


def _read(file: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = yaml.safe_load(file.read_text())
    return cases


def _noisy(case: dict[str, Any]) -> Iterator[Pair]:
    """Yield the failure of a case with a prefix before its lines, and with a line of noise between them."""
    if case["kind"] == "generic":
        return
    lines, chance = _lines(case), random.Random(case["id"])
    form = _PREFIXES[chance.choice(list(_PREFIXES))]
    prefixed = tuple(form.format(second=at % 60) + line for at, line in enumerate(lines))
    place = chance.randrange(1, len(lines) + 1)
    among = (*lines[:place], *chance.choice(list(NOISE.values())).splitlines(), *lines[place:])
    for name, other in (("prefixed", prefixed), ("among", among)):
        yield Pair(f"{case['id']}/{name}", case["kind"], True, True, case.get("aside", False), lines, other)


def _lines(case: dict[str, Any]) -> Lines:
    return tuple(case["lines"].splitlines())


def _variants(case: dict[str, Any]) -> Iterator[Pair]:
    for number, variant in enumerate(case["variants"].splitlines()):
        label, _, changes = variant.partition(" ")
        assert label in ("run", "still", "other"), (case["id"], variant)
        assert label == "other" or case["kind"] != "generic", case["id"]
        yield Pair(
            f"{case['id']}/{number}-{label}", case["kind"], label != "run", label != "other",
            case.get("aside", False), _lines(case), _changed(case["id"], _lines(case), changes),
        )  # fmt: skip


def _changed(case: str, lines: Lines, changes: str) -> Lines:
    for change in changes.split(" ;; "):
        match change.split(":", 1):
            case ["."]:
                pass
            case ["+before", name]:
                lines = (*NOISE[name].splitlines(), *lines)
            case ["+between", name]:
                noise = NOISE[name].splitlines()
                lines = tuple(one for at, line in enumerate(lines) for one in (line, noise[at % len(noise)]))
            case [prefix] if prefix.removeprefix("+") in _PREFIXES:
                form = _PREFIXES[prefix[1:]]
                lines = tuple(form.format(second=at % 60) + line for at, line in enumerate(lines))
            case _:
                old, arrow, new = change.partition(" => ")
                text = "\n".join(lines)
                assert arrow, f"{case}: what is {change!r}?"
                assert old in text, f"{case}: {change!r} changes nothing"
                lines = tuple(text.replace(old, new).split("\n"))
    return lines


def _crossed(cases: list[dict[str, Any]], most: int) -> Iterator[Pair]:
    for at, case in enumerate(cases):
        for step in range(1, most + 1):
            next_one = cases[(at + step) % len(cases)]
            if next_one is not case:
                first, second = sorted((case, next_one), key=lambda one: str(one["id"]))
                yield Pair(
                    f"{first['id']}~{second['id']}", first["kind"], False, False,
                    case.get("aside", False), _lines(first), _lines(second),
                )  # fmt: skip
