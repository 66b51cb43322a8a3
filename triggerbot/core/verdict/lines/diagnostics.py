"""Failures that are told in several lines: what decides stands below their first one, and is put beside it. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from triggerbot.core.verdict.lines.roles import Line, Role, read
from triggerbot.core.verdict.lines.shape import bare

#: Lines of a run that are examined.
LINES_MAX = 5_000
#: Lines below the first in which the rest of it may stand.
_BELOW = 14

#: What stands between by chance.
_SAID = (Role.FAILURE, Role.ASSERTION)
_NOT_SAID = (Role.NOTHING, Role.WARNING, Role.FRAME)
#: The first line of such a failure, what below tells the rest (`None`: the first that is said), and how far below.
_FORMS: tuple[tuple[re.Pattern[str], re.Pattern[str] | None, int], ...] = (
    # Rust: a panic, and an error with its place
    (re.compile(r"thread '.*' (?:\(\d+\) )?panicked at \S+:$"), None, 4),
    (re.compile(r"error(?:\[E\d+\])?: (?!could not|aborting|test|process)"), re.compile(r"--> \S"), 3),
    # Node: the expression
    (re.compile(r"AssertionError .*The expression evaluated to a falsy value:$"), re.compile(r"assert"), 4),
    # ShellCheck: the file
    (re.compile(r"In \S+ line \d+:$"), re.compile(r".*\bSC\d{4}\b"), 4),
    # the linker of macOS: the symbol
    (re.compile(r"Undefined symbols for architecture"), re.compile(r"'.+', referenced from:"), 2),
    # javac: the symbol
    (re.compile(r".*\bcannot find symbol$"), re.compile(r"(?:\[ERROR\] +)?symbol *:"), 2),
    # Playwright: what was waited for
    (
        re.compile(r"(?:\w*Error: )?(?:Timed out|\w+\.\w+: (?:Test )?[Tt]imeout|.*expect\(.*\)\.)"),
        re.compile(r"(?:Locator:|- waiting for) "),
        6,
    ),
    # testify: the message
    (re.compile(r"Error: \S"), re.compile(r"Messages: +\S"), 8),
    # Checkov: the resource
    (re.compile(r"Check: [A-Z]\w*_\d+: "), re.compile(r"FAILED for resource: "), 2),
    # Flyway: what is wrong with the migration
    (re.compile(r"(?:ERROR: )?Migration \S+ failed\.?$"), re.compile(r"Message *: \S"), 6),
    # jest: an HTTP status
    (re.compile(r"Expected: [23]\d\d$"), re.compile(r"Received: [1-5]\d\d$"), 2),
    # Gomega
    (re.compile(r"(?:\[FAILED\] )?Expected$"), re.compile(r"(?:to|not to) \w+"), 3),
    # sanitizers: where, in the sources of the project
    (
        re.compile(r"(?:=+\d+=+ ?)?(?:ERROR|WARNING): (?:\w+Sanitizer|libFuzzer): "),
        re.compile(
            r"#\d+ (?:0x[0-9a-f]+ in )?(?!operator |malloc|calloc|realloc|free|__|std::)\S.* (?!\(?/usr|\(?/lib)\S+:\d+"
        ),
        _BELOW,
    ),
)
#: A test that begins, and one that ends.
_RUNS = re.compile(r"\[ RUN \] (\S+)$|=== RUN (\S+)$")
_ENDS = re.compile(r"\[ (?:OK|FAILED|SKIPPED) \]|--- (?:PASS|FAIL|SKIP)|=== (?:PAUSE)")
#: What may be a prefix of all lines; what says that something failed is none.
_PREFIX = re.compile(
    r"(?!\[? ?(?:[A-Z-]*(?:FAIL|Fail|ERR(?!OR\]? )|Err|FATAL|PANIC)|It\]|sig-|E\b|error|fail|fatal|panic|not ok))"
    r"(?:\[[^\]]{1,60}\] ?|[\w./@-]{1,40}(?:\[\d+\])?(?: \||:) "
    r"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR) (?:- )?)"
)
_DIGITS = re.compile(r"\d+")
#: Lines that are looked at for prefixes, and the least; the share of them that has to have one; and how many they have.
_SAMPLE, _SAMPLE_MIN, _SHARE, _PREFIXES_MAX = 200, 3, 0.9, 2
_MAYBE = re.compile("|".join(f"(?:{first.pattern})" for first, _, _ in _FORMS))
_CAUSE = re.compile(r"> \S")
_PATH = re.compile(r"^(?:[A-Za-z]:)?[\w./@+-]*/[\w.@+-]+\.\w{1,6}$")
#: What is said of the file above.
_AT = re.compile(r"^\d+:\d+ +error |^(?:Package )?[Ss]ize limit has exceeded ")
_NUMBERED = re.compile(r"^\d+\) (?!\[)[^\u203a]*[^:\s]$")
_FRAME_OF_PYTHON = re.compile(r"^File '[^']+', line \d+")
_NESTED_MAX = 4


def read_all(lines: Iterable[str]) -> Iterator[tuple[int, Line]]:
    """Yield the lines of a run with what they are, those that belong together as one, each with its place."""
    places, given = _unprefixed(*_flat(lines))
    path, frame, after = "", -1, 0
    running: tuple[int, str] | None = None
    for at, raw in enumerate(given):
        if at < after:
            continue
        line = read(raw)
        text = line.text
        column = _column(raw, text)
        if 0 <= frame < column:
            # The source of a frame.
            continue
        frame = column if _FRAME_OF_PYTHON.match(text) else -1
        if _PATH.match(text):
            path = text
        elif path and _AT.match(text):
            line = _joined(f"{path}:{text}", line)
        else:
            line, after = _with_below(line, given, at)
        if found := _RUNS.match(text):
            running = at, found[1] or found[2]
        elif running and _is_end(text, running[1]):
            running = None
        yield places[at], line
    if running:
        # It came to no end: the run crashed in it.
        yield places[running[0]], read(f"test {running[1]} ... FAILED")


def _flat(lines: Iterable[str]) -> tuple[list[int], list[str]]:
    """Return the lines with each line break in them as another line, and the place of each."""
    places, flat = [], []
    for place, line in enumerate(islice(lines, LINES_MAX)):
        for part in line.splitlines() if "\n" in line else (line,):
            places.append(place)
            flat.append(part)
    return places[:LINES_MAX], flat[:LINES_MAX]


def _unprefixed(places: list[int], given: list[str]) -> tuple[list[int], list[str]]:
    """Leave out a prefix that nearly all lines have: the name of a job, a machine or a stream."""
    for _ in range(_PREFIXES_MAX):
        found = [_PREFIX.match(f"{bare(line)} ") for line in given[:_SAMPLE] if line.strip()]
        keys = Counter(_DIGITS.sub("#", one[0]) for one in found if one)
        if not keys or len(found) < _SAMPLE_MIN:
            break
        key, number = keys.most_common(1)[0]
        if number < _SHARE * len(found):
            break
        given = [_without(line, key) for line in given]
    return places, given


def _without(line: str, key: str) -> str:
    text = bare(line)
    found = _PREFIX.match(f"{text} ")
    return text[found.end() :] if found and _DIGITS.sub("#", found[0]) == key else line


def _column(raw: str, text: str) -> int:
    return raw.find(text.partition(" ")[0])


def _is_end(text: str, test: str) -> bool:
    """Whether a line tells of the end of a test."""
    return test in text and _ENDS.match(text) is not None


def _with_below(line: Line, given: list[str], at: int) -> tuple[Line, int]:
    """Join a line with the lines below that tell the rest; return the place after those that need no look any more."""
    if _CAUSE.match(line.text):
        return _causes(line, given, at)
    if _NUMBERED.match(line.text):
        return _numbered(line, given, at)
    for first, rest, depth in _FORMS if _MAYBE.match(line.text) else ():
        if first.match(line.text):
            return _rest(line, given, at, rest, depth)
    return line, 0


def _rest(line: Line, given: list[str], at: int, rest: re.Pattern[str] | None, depth: int) -> tuple[Line, int]:
    below = [read(one) for one in given[at + 1 : at + 1 + depth]]
    if rest is None and any(one.role in _SAID for one in below):
        # Only noise may stand before it.
        below = [one if one.role in _SAID else Line("", "", Role.NOTHING) for one in below]
    for place, one in enumerate(below):
        if one.text and one.role not in _NOT_SAID if rest is None else rest.match(one.text):
            found = [line.text, one.text]
            if line.text.startswith("Expected: "):
                found = [f"expected status {line.text.split()[1]}, received status {one.text.split()[1]}"]
            if line.text.endswith("Expected"):
                found = [line.text, *(between.text for between in below[: place + 2])]
            return _joined(" ".join(found), line), at + 2 + place if rest is None else 0
    return line, 0


def _causes(line: Line, given: list[str], at: int) -> tuple[Line, int]:
    """Join the causes that Gradle nests: the innermost decides."""
    causes, last = [line.text], at
    for place, below in enumerate(given[at + 1 : at + _BELOW], at + 1):
        more = read(below)
        if _CAUSE.match(more.text):
            causes.append(more.text)
            last = place
        elif more.role not in _NOT_SAID:
            break
    if len(causes) == 1:
        return line, 0
    return _joined(" ".join(reversed(causes)), line), last + 1


def _numbered(line: Line, given: list[str], at: int) -> tuple[Line, int]:
    """Join the name of a test that is nested below a number, as mocha writes it: it ends with a colon."""
    names = [line.text]
    for place, below in enumerate(given[at + 1 : at + 1 + _NESTED_MAX], at + 1):
        name = read(below)
        if not name.text:
            break
        if name.role in _NOT_SAID:
            continue
        names.append(name.text)
        if name.text.endswith(":"):
            return _joined(" \u203a ".join(names), line), place + 1
    return line, 0


def _joined(text: str, line: Line) -> Line:
    joined = read(text)
    return joined if joined.role <= Role.ASSERTION else line
