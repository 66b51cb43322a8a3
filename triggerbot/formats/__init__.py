"""File formats: what test runners and launchers leave of a run, read within bounds.

Each format is one module that offers `Format`; `formats.registry` lists them. What comes from a CI may be damaged, huge
or hostile: nothing here raises for what a file contains, a problem is returned beside everything else that was read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

from triggerbot.core.run_tests import RunTests

#: Bytes of one file, and characters of what a problem says of it.
FILE_MAX, _FOUND_MAX = 64 * 1024 * 1024, 60
#: Ids of tests that passed or were skipped, and failure lines that belong to no test, as far as they are kept.
IDS_MAX, LINES_MAX = 200_000, 50
#: Problems that are kept.
_PROBLEMS_MAX = 100


@dataclass(frozen=True, slots=True)
class File:
    """A file by its name, with `/` between folders, and what reads it."""

    name: str
    #: Its size in bytes.
    size: int
    #: Reads this many bytes from its beginning at most; raises `OSError`.
    read: Callable[[int], bytes]

    @property
    def folder(self) -> str:
        """The name of the folder that it is in."""
        return self.name.rpartition("/")[0]

    @property
    def base(self) -> str:
        """Its name without folders."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Problem:
    """What was not understood of a file; `line` counts from 1, and 0 is the file as a whole."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}" if self.line else f"{self.file}: {self.why}"


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read of the files of one run."""

    #: `None`: none of the files tells of tests.
    tests: RunTests | None = None
    #: Failure lines that belong to no test, the most telling first.
    failures: tuple[str, ...] = ()
    #: The ids of the tests that passed and that were skipped, as far as files list them.
    passed: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    #: Whether all that passed are listed.
    complete: bool = True
    problems: tuple[Problem, ...] = ()
    #: Files that were understood.
    files: int = 0

    @property
    def failed(self) -> bool:
        """Whether anything failed."""
        return bool(self.failures) or (self.tests is not None and self.tests.failed + self.tests.errors > 0)


def total(parts: Iterable[Contents]) -> Contents:
    """Add up what was read of several files of one run."""
    tests: list[RunTests] = []
    passed, skipped = set[str](), set[str]()
    failures: dict[str, None] = {}
    problems: list[Problem] = []
    number, complete = 0, True
    for part in parts:
        tests += [] if part.tests is None else [part.tests]
        failures |= dict.fromkeys(part.failures)
        problems += part.problems
        number += part.files
        complete = complete and part.complete and len(passed) < IDS_MAX
        for known, own in ((passed, part.passed), (skipped, part.skipped)):
            if len(known) < IDS_MAX:
                known.update(own)
    return Contents(
        reduce(RunTests.plus, tests) if tests else None,
        tuple(failures)[:LINES_MAX],
        frozenset(passed),
        frozenset(skipped),
        complete,
        tuple(problems[:_PROBLEMS_MAX]),
        number,
    )


class Format(Protocol):
    """One format of files."""

    name: str
    #: What its files are, for people: `JUnit XML (*.xml)`.
    describes: str
    #: How the names of its files end, where that tells; empty: that alone tells nothing.
    endings: tuple[str, ...]

    def knows(self, file: File, head: bytes) -> bool:
        """Return whether a file is of this format, by its name and its first bytes."""

    def read(self, files: Sequence[File]) -> Contents:
        """Read files of this format, all of one run; never raises for what they contain."""


def content(file: File) -> bytes | Problem:
    """Read a file, whole."""
    if file.size > FILE_MAX:
        return Problem(file.name, 0, f"larger than {FILE_MAX >> 20} MiB")
    try:
        data = file.read(FILE_MAX + 1)
    except OSError as error:
        return Problem(file.name, 0, f"cannot be read: {error.strerror or error}")
    return data if len(data) <= FILE_MAX else Problem(file.name, 0, f"larger than {FILE_MAX >> 20} MiB")


def excerpt(text: str) -> str:
    """Return the beginning of what was found instead of what was expected."""
    found = " ".join(text.split())
    return f"{found[:_FOUND_MAX]!r}" if found else "nothing"
