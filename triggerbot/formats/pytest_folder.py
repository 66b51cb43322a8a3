"""What pytest prints: folders of its sections in files, as Transformers writes them, or its whole output.

A folder has `stats` (the last line of the output), `summary_short` (the short test summary) and, optionally,
`failures_line` (a line for each traceback) and `errors` (the tracebacks of errors). Nothing is paired by its place in
two files: they are cut and sorted in different ways.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

from triggerbot.core.run_tests import FailingTest, RunTests, bounded
from triggerbot.formats import IDS_MAX, LINES_MAX, Contents, File, Problem, content, excerpt, total

#: The parts that are read, and those that are left alone.
_READ = ("stats", "summary_short", "failures_line", "errors")
_LEFT = ("failures_long", "failures_short", "durations", "warnings", "passes", "captured_info", "test_failures")
_PART = re.compile(rf"(?:(?P<before>tests?_.*)_)?(?P<part>{'|'.join((*_READ, *_LEFT))})(?:\.txt)?")
#: What the whole output has at its beginning or, with `-q`, at its end.
_OUTPUT = re.compile(
    rb"= (?:test session starts|short test summary info) =|"
    rb"(?:passed|failed|skipped|errors?|no tests ran)\b[^\n]* in [\d.]+s\b[^\n]*\s*\Z"
)
#: A title, in as many `=` as the terminal has room for.
_TITLE = re.compile(r"=+ .+ =+")
_SHORT, _SUBFAILED = "short test summary info", "SUBFAIL"

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COUNTED = r"\d+ [a-z]+(?: [a-z]+)?"
_SUMMARY = re.compile(
    rf"(?:(?P<none>no tests ran)|(?P<counts>{_COUNTED}(?:, {_COUNTED})*))(?: in (?P<seconds>[\d.]+)s(?: \(.*\))?)?"
)
_COUNT = re.compile(r"(\d{1,9}) (failed|passed|skipped|errors?)")
_OUTCOME = re.compile(r"(?P<what>FAILED|ERROR|PASSED|XPASS) (?P<said>\S.*)")
_PLACED = re.compile(r"(?P<path>\S+\.py):\d+: (?P<said>\S.*)")
_ERROR_OF = re.compile(r"_{2,} ?ERROR (?:at (?:setup|teardown) of|collecting) (?P<name>.+?) ?_{2,}")
_MARKED = re.compile(r"E {3,}(?P<said>\S.*)")
#: What is left of a session in which the interpreter died, and where it was then.
_FATAL = re.compile(r".*?(?P<said>Fatal Python error: .+)")
_FRAME = re.compile(r'  File "(?P<path>[^"]+)", line \d+ in (?P<name>.+)')
_STATS = "expected a summary of pytest, such as `1 failed, 2 passed in 9.9s`"


class PytestFolder:
    """Folders of pytest's reports, and its output."""

    name = "pytest"
    describes = (
        "folders of pytest's reports (stats.txt, summary_short.txt, ...), or its output (of -q by --format pytest)"
    )
    endings: tuple[str, ...] = ()

    def knows(self, file: File, head: bytes) -> bool:
        """Whether it is a part of a folder, or begins as the output does."""
        if _PART.fullmatch(file.base) is not None:
            return True
        return not file.base.endswith((".xml", ".json")) and _OUTPUT.search(head) is not None

    def read(self, files: Sequence[File]) -> Contents:
        """Read each folder; a file that is no part of one is taken for the output."""
        folders: dict[tuple[str, str], dict[str, File]] = defaultdict(dict)
        read: list[Contents] = []
        for file in files:
            part = _PART.fullmatch(file.base)
            if part is None:
                read.append(_output(file))
            elif part["part"] in _READ:
                folders[file.folder, part["before"] or ""][part["part"]] = file
        return total([*read, *map(_folder, folders.values())])


PYTEST = PytestFolder()


@dataclass
class _Read:
    """What was read of one session."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float | None = None
    #: Whether a summary was read, so that the counts are of all.
    summed: bool = False
    #: The most telling line by test, of those that failed and of those that met an error.
    failed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    #: Failures beyond the first of their test.
    repeated: int = 0
    lines: tuple[str, ...] = ()

    def summary(self, text: str) -> bool:
        """Take a line if it is a summary."""
        found = _SUMMARY.fullmatch(text.strip("= \t"))
        counts = Counter[str]()
        for number, what in _COUNT.findall((found and found["counts"]) or ""):
            counts[what.removesuffix("s") if what.startswith("error") else what] += int(number)
        if found is None or not (found["none"] or found["seconds"] or counts):
            return False
        self.summed = True
        self.counts += counts
        if found["seconds"] is not None:
            self.seconds = (self.seconds or 0.0) + _number(found["seconds"])
        return True

    def outcome(self, text: str) -> None:
        """Take a line of the short summary."""
        subtest = _subtest(text)
        outcome = _OUTCOME.fullmatch(text)
        if subtest:
            name, line = _split(subtest)
            self._fails(self.failed, name, line)
        elif outcome is not None and outcome["what"] in ("PASSED", "XPASS"):
            if len(self.passed) < IDS_MAX and outcome["what"] == "PASSED":
                self.passed.add(outcome["said"].strip())
        elif outcome is not None:
            name, line = _split(outcome["said"])
            self._fails(self.failed if outcome["what"] == "FAILED" else self.errors, name, line)

    def _fails(self, known: dict[str, str], name: str, line: str) -> None:
        self.repeated += name in self.failed or name in self.errors
        known[name] = known.get(name) or line

    def contents(self, problems: Iterable[Problem], files: int) -> Contents:
        """Return it all."""
        listed = {"failed": len(self.failed), "error": len(self.errors), "passed": len(self.passed)}
        counts = self.counts if self.summed else Counter(listed)
        failing = [FailingTest(*one) for one in (*self.failed.items(), *self.errors.items())]
        tests = RunTests(
            counts["passed"], counts["failed"], counts["error"], counts["skipped"], self.seconds, bounded(failing),
            self.repeated if self.summed else 0,
        )  # fmt: skip
        complete = self.summed and len(self.passed) >= counts["passed"]
        known = self.summed or bool(failing) or bool(self.passed)
        return Contents(
            tests if known else None, self.lines, frozenset(self.passed), complete=complete,
            problems=tuple(problems), files=files,
        )  # fmt: skip


def _folder(parts: dict[str, File]) -> Contents:
    problems: list[Problem] = []
    read = _Read()
    lines = {part: list(_lines(file, problems)) for part, file in parts.items()}
    summaries = [line for line in lines.get("stats", ()) if read.summary(line)]
    if "stats" in parts and not summaries and not problems:
        found = next((line for line in lines["stats"] if line), "")
        problems.append(Problem(parts["stats"].name, 1, f"{_STATS}, found {excerpt(found)}"))
    for line in lines.get("summary_short", ()):
        read.outcome(line)
    _add_errors(read, lines.get("errors", ()))
    _add_placed(read, lines.get("failures_line", ()))
    return read.contents(problems, len(parts) - len(problems))


def _output(file: File) -> Contents:
    problems: list[Problem] = []
    read = _Read()
    short = False
    died: list[str] = []
    lines = list(_lines(file, problems))
    for line in lines:
        _add_death(died, line)
        # Where the counts fill the line they have one `=` on each side, and with -q none.
        found = _SUMMARY.fullmatch(line.strip("= \t"))
        if found is None:
            heading = _TITLE.fullmatch(line) is not None
        else:
            heading = line.startswith("===") or found["seconds"] is not None
        if heading:
            short = _SHORT in line
            read.summary(line)
        elif short:
            read.outcome(line)
    if died and not read.summed:
        read.lines = (" in ".join(died),)
    elif not problems and not read.summed and not read.failed and not read.errors:
        problems.append(Problem(file.name, 1, f"{_STATS}, found none in the whole file"))
    # Of what cannot be imported the short summary says no more than its file.
    _add_errors(read, lines, known_only=True)
    return read.contents(problems, 1 - len(problems))


def _add_death(died: list[str], line: str) -> None:
    """Add what a line tells of the interpreter's death: of what, and then in which function first."""
    if not died and (fatal := _FATAL.fullmatch(line)) is not None:
        died.append(fatal["said"])
    elif len(died) == 1 and (frame := _FRAME.fullmatch(line)) is not None:
        # It takes both kinds of slashes.
        died.append(f"{frame['name']} ({PureWindowsPath(frame['path']).name})")


def _lines(file: File, problems: list[Problem]) -> Iterator[str]:
    data = content(file)
    if isinstance(data, Problem):
        problems.append(data)
        return
    for line in data.decode("utf-8", "replace").splitlines():
        yield _ANSI.sub("", line).rstrip()


def _subtest(text: str) -> str:
    """Return the id and message of a subtest that failed: `SUBFAILED[its name] (i=1) a.py::test - KeyError`."""
    place = text.find(_SUBFAILED)
    if place < 0 or (place > 0 and text[place - 1] != " "):
        return ""
    file = text.find(".py::", place)
    return text[text.rfind(" ", place, file) + 1 :] if file >= 0 else ""


def _split(said: str) -> tuple[str, str]:
    """Split the id of a test from its message: ` - ` may be in the parameters of the id, too."""
    place = said.find(" - ")
    while place >= 0:
        parameters = said[:place].partition("[")[2]
        if not parameters or parameters.endswith("]"):
            return said[:place].strip(), said[place + 3 :].strip()
        place = said.find(" - ", place + 1)
    return said.strip(), ""


def _add_errors(read: _Read, lines: Iterable[str], *, known_only: bool = False) -> None:
    """Add the errors of tracebacks to those that are known, by the names that pytest gives them there.

    `known_only`: what the short summary does not list is no error, for a test may print anything.
    """
    names = {_short(name): name for name in read.errors}
    name = ""
    for line in lines:
        title, marked = _ERROR_OF.fullmatch(line), _MARKED.match(line)
        if title is not None:
            name = names.get(title["name"], "" if known_only else title["name"])
            if name:
                read.errors.setdefault(name, "")
        elif marked is not None and name:
            read.errors[name] = read.errors[name] or marked["said"]
            name = ""


def _short(name: str) -> str:
    """Return the name of a test as a title of a traceback has it: without its file."""
    file, _, rest = name.partition("::")
    return rest.replace("::", ".") if rest else file


def _add_placed(read: _Read, lines: Iterable[str]) -> None:
    """Add the lines of tracebacks: to a test where its file has only this one of both, else to the run."""
    said: dict[str, dict[str, None]] = defaultdict(dict)
    for line in lines:
        if found := _PLACED.fullmatch(line):
            said[found["path"]].setdefault(found["said"])
    if not read.failed and not read.errors:
        told = (f"{path}: {line}" for path, own in said.items() for line in own)
        read.lines = tuple(line for line, _ in zip(told, range(LINES_MAX), strict=False))
        return
    silent: dict[str, list[str]] = defaultdict(list)
    for name in read.failed:
        silent[name.partition("::")[0]].append(name)
    for file, names in silent.items():
        of_file = [line for path, own in said.items() if path == file or path.endswith(f"/{file}") for line in own]
        if len(names) == len(of_file) == 1 and not read.failed[names[0]]:
            read.failed[names[0]] = of_file[0]


def _number(text: str) -> float:
    try:
        return min(float(text), 1e9)
    except ValueError:
        return 0.0
