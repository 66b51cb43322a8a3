"""The shape of a failure line: the test that it names, and what remains once all that varies is masked. Pure."""

import re
from functools import lru_cache

from triggerbot.core.run_tests import NAMED, SAID
from triggerbot.core.verdict.lines import masks, test_ids
from triggerbot.core.verdict.lines.numbers import DECIDING

#: Characters of a line that are examined, and of a shape.
LINE_MAX, SHAPE_MAX = 1000, 300
#: Lines in a cache.
_CACHED = 4096
#: Begin the shape of a line that names a failing test, or a file or class of tests; parts it from the rest.
TEST, SUITE, REST = "\u00abtest\u00bb ", "\u00absuite\u00bb ", " \u00a6 "
#: Begins the shape of a crash, before its symbol.
CRASH = "PROCESS-CRASH | application crashed "
#: Characters of the id of a test in a shape.
_TEST_MAX = 220

#: Prefixes that CIs and loggers put before a line, unmasked and masked.
_STAMP = (
    r"(?:\d{4}[-/]\d\d[-/]\d\d[T _]?)?\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?|\d{4}-\d\d-\d\d"
    r"|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d(?: [A-Z]{3,4}\b)?"
    r"(?: \d{4}\b| [a-z][\w.]*-[\w.-]*\d[\w.-]*(?= ))?|\d{6} \d{6} \d+"
    r"|\d\d?/[A-Z][a-z]{2}/\d{4}:[\d:]+(?: [+-]\d{4})?"
)
_RAW = re.compile(
    rf"^(?:\[task (?:{_STAMP})\] \d\d:\d\d:\d\d +(?:[A-Z]+ +- +)?"
    rf"|\d\d:\d\d:\d\d {{1,}}(?:INFO|WARNING|ERROR|CRITICAL|FATAL) +- +"
    rf"|(?:\[task )?[\[(]?(?:{_STAMP})[\])]?(?:[\s:|,\])]|- (?=[A-Z\[(/]))*"
    r"|##\[error\]|::error(?: [^:]{0,200})?::|\[task |\u2502 "
    r"|[\[(]\d\d?:\d\d[\])] ?|t = +\d+\.\d+s |#\d+ \d+\.\d+ |[a-z][\w.-]{0,40}-\d+ +\| )+"
)
_DIGIT = re.compile(r"\d")
_AGAIN = re.compile(r"\d|(?<![\w.-])[a-f]{4}|:/|/(?:home|tmp|var)/")
_LEVELS = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE"
_MASKED = re.compile(rf"(?:[\s\[\](){{}}=|:,.<>-]*(?:\[task )?#[\s\])}}=|:,.>-]*)*(?:(?:{_LEVELS}) +- +)?")


def shape(line: str) -> str:
    """Mask everything in a line that differs between runs, so that runs of one failure mostly have equal shapes.

    Numbers, addresses, hashes, times, temporary names and compared values become `#`; of a local path only the end
    remains. A line that names a failing test is `TEST`, the test, `REST` and what else it says. At most `SHAPE_MAX`
    characters; '' if no letter remains. A shape is its own shape.
    """
    return _shape(line[:LINE_MAX])


@lru_cache(_CACHED)
def _shape(line: str) -> str:
    text = bare(line)
    if text.startswith((TEST, SUITE)):
        return text[:SHAPE_MAX].strip()
    if text.startswith(NAMED):
        # The id of a test as its runner knows it: nothing in it has to look like one.
        test, _, rest = text.removeprefix(NAMED).partition(SAID.rstrip())
        return _of_test(test_ids.Named(test.strip(), rest))
    text = _crash(text)
    found = test_ids.named(text)
    if found is None:
        plain = _plain(text)
        # What was behind a prefix may name a test, too.
        found = test_ids.named(plain) if plain != text else None
        if found is None:
            return plain
    return _of_test(found)


def bare(line: str) -> str:
    """Return a line without what logs put before it, its kinds of quotes, slashes and spaces made alike."""
    return _bare(line[:LINE_MAX])


@lru_cache(_CACHED)
def _bare(line: str) -> str:
    if "\x1b" in line:
        line = masks.ANSI.sub("", line)
    return _RAW.sub("", " ".join(line.translate(masks.PLAIN).split()), count=1)


def _of_test(found: test_ids.Named) -> str:
    test = masks.masked_id(found.test).replace(REST, " ")[:_TEST_MAX].strip()
    rest = _plain(found.rest.strip(" -|:"))
    mark = SUITE if found.suite else TEST
    return f"{mark}{test}{REST if rest else ''}{rest}"[:SHAPE_MAX].strip()


def _plain(text: str) -> str:
    before = None
    text = _masked(_RAW.sub("", text, count=1))
    while text != before:
        before = text
        # What has nothing of these is masked for good.
        if _AGAIN.search(text):
            text = _masked(text)
        text = _MASKED.sub("", _RAW.sub("", text, count=1), count=1)[:SHAPE_MAX].strip()
    return text if any(map(str.isalpha, text)) else ""


def _masked(text: str) -> str:
    """Mask a text but for the numbers that are the failure."""
    if not _DIGIT.search(text):
        return masks.masked(text)
    done, at = [], 0
    for found in DECIDING.finditer(text):
        start, end = found.span(found.lastindex or 0)
        done += [masks.masked(text[at:start]), text[start:end]]
        at = end
    return "".join([*done, masks.masked(text[at:])])


def _crash(text: str) -> str:
    """Reduce a crash to its symbol: the test in which it happened is chance."""
    crash, symbol = text.find("PROCESS-CRASH"), text.find("[@ ")
    if not 0 <= crash < symbol:
        return text
    return f"{CRASH}{text[symbol:].partition('] |')[0].rstrip('] ')}]"
