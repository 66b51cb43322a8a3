"""JUnit XML, as nearly every test runner writes it: `testsuites`, `testsuite`, `testcase`.

It is read as a stream, so that its size does not matter, and without entities, which could blow up or load files.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import ParseError  # nosec B405

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from triggerbot.core.run_tests import FAILING_MAX, LINE_MAX, FailingTest, RunTests, bounded
from triggerbot.formats import IDS_MAX, Contents, File, Problem, content, excerpt, total

#: Elements within each other, characters of a text that are read, and bytes that are parsed at once.
_DEPTH_MAX, _TEXT_MAX, _CHUNK = 100, 20_000, 1 << 16
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SUITE = re.compile(r"<(?:[\w.-]+:)?testsuite")
_ROOTS = ("testsuites", "testsuite")
_FAILED = ("failure", "error")
_COUNTS = ("tests", "failures", "errors", "skipped")
#: Words with which runners say of a test, in an attribute, that it did not run.
_NOT_RUN = frozenset({"notrun", "disabled", "skipped", "suppressed"})
#: What pytest says around an error, or instead of it.
_AROUND = re.compile(r'failed on (?:setup|teardown) with "(?P<said>.*)"', re.DOTALL)
_SILENT = frozenset({"", "collection failure", "test failure", "failed"})
#: A change of colour as pytest writes it, for XML has no escape character.
_ESCAPED = re.compile(r"#x1B\[[0-9;]*[A-Za-z]")
#: What Go prints around the output of a test; and where googletest says that something failed, in a line by itself.
_PROGRESS, _PLACE = re.compile(r"(?:===|---) [A-Z]+:?\s"), re.compile(r"\S+:\d+:?")
#: What Node gives for the class of every test, and how it marks those that are known to fail.
_NO_CLASS, _EXPECTED = "test", frozenset({"todo"})
#: How pytest marks the message of an exception in a traceback.
_MARKED = re.compile(r"^E {3,}(\S.*)", re.MULTILINE)


class JUnit:
    """JUnit XML."""

    name = "junit"
    describes = "JUnit XML (*.xml)"
    endings: tuple[str, ...] = (".xml",)

    def knows(self, file: File, head: bytes) -> bool:
        """Whether it begins as XML with a suite of tests; what is called XML and is none may have been."""
        text = head.decode("utf-16" if head[:2] in _UTF_16 else "utf-8", "replace").lstrip("\ufeff \t\r\n")
        return _SUITE.search(text) is not None if text.startswith("<") else file.base.endswith(".xml")

    def read(self, files: Sequence[File]) -> Contents:
        """Read each file by itself."""
        return total(map(_read, files))


JUNIT = JUnit()


def _read(file: File) -> Contents:
    data = content(file)
    if isinstance(data, Problem):
        return Contents(problems=(data,))
    suites = _Suites()
    parser = DefusedXMLParser(target=suites)
    try:
        for at in range(0, len(data), _CHUNK):
            parser.feed(data[at : at + _CHUNK])
        parser.close()
    except _Unexpected as error:
        return suites.contents(Problem(file.name, parser.parser.CurrentLineNumber, str(error)))
    except ParseError as error:
        found = f"what is no XML ({str(error).partition(':')[0]})" if data.strip() else "an empty file"
        expected = f"expected JUnit XML, found {found}"
        return suites.contents(Problem(file.name, error.position[0], expected))
    except DefusedXmlException:
        line = parser.parser.CurrentLineNumber
        return suites.contents(Problem(file.name, line, "expected JUnit XML without entities of its own"))
    except (ValueError, LookupError, RecursionError) as error:
        return suites.contents(
            Problem(file.name, 0, f"expected JUnit XML, found an encoding that is unknown ({error})")
        )
    return suites.contents()


class _Unexpected(Exception):
    """What was expected at this place."""


class _Case:
    """A test case while it is read."""

    def __init__(self, attributes: Mapping[str, str], suites: Sequence[str]) -> None:
        self.name = attributes.get("name", "").strip()
        self.id = _id(attributes, [one for one in suites if one])
        self.seconds = _seconds(attributes.get("time"))
        words = {attributes.get(name, "").lower() for name in ("status", "result")}
        self.skipped = bool(words & _NOT_RUN)
        #: It is known to fail, so that its failure is none.
        self.expected = False
        #: `failure` or `error`; a test that has both failed.
        self.ending = ""
        self.line = ""


class _Suites:
    """Collects the test cases of a file, as the parser comes upon them."""

    def __init__(self) -> None:
        self._depth = 0
        self._open: list[str] = []
        self._suites: list[str] = []
        self._case: _Case | None = None
        self._within: Mapping[str, str] | None = None
        self._text: list[str] = []
        self._length = 0
        self._counts = {"passed": 0, "failure": 0, "error": 0, "skipped": 0}
        self._failing: list[FailingTest] = []
        self._failed: set[str] = set()
        self._repeated = 0
        self._passed: set[str] = set()
        self._skipped: set[str] = set()
        #: Seconds as the root says, as its suites do, and as the cases do.
        self._times: tuple[list[float], list[float], list[float]] = ([], [], [])
        #: What the root says of its cases, and its suites together, for those that list none.
        self._told: tuple[Counter[str], Counter[str]] = Counter(), Counter()
        self._is_suite = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        name = tag.rpartition("}")[2]
        if not self._open and name not in _ROOTS:
            raise _Unexpected(f"expected <testsuites> or <testsuite>, found {excerpt(f'<{name}>')}")
        if len(self._open) >= _DEPTH_MAX:
            raise _Unexpected(f"expected at most {_DEPTH_MAX} elements within each other")
        self._is_suite = True
        if name in _ROOTS:
            self._suites.append(attributes.get("name", ""))
            if len(self._open) < len(self._told):
                self._told[len(self._open)].update(_counts(attributes))
            self._time(min(len(self._open), 1), attributes)
        elif name == "testcase":
            self._case = _Case(attributes, self._suites)
            self._time(2, attributes)
        elif self._case is not None and self._open[-1] == "testcase":
            self._within, self._text, self._length = attributes, [], 0
        self._open.append(name)

    def data(self, text: str) -> None:
        """Take a piece of text."""
        if self._within is not None and self._length < _TEXT_MAX:
            self._text.append(text[: _TEXT_MAX - self._length])
            self._length += len(text)

    def end(self, tag: str) -> None:
        """End an element."""
        name = tag.rpartition("}")[2]
        self._open.pop()
        if name in _ROOTS:
            self._suites.pop()
        elif self._case is not None and name == "testcase":
            self._count(self._case)
            self._case = None
        elif self._case is not None and self._within is not None and self._open[-1] == "testcase":
            if name in _FAILED:
                self._case.line = self._case.line or _line(self._within, "".join(self._text), self._case.name)
                self._case.ending = "failure" if "failure" in (name, self._case.ending) else name
            if name == "skipped":
                self._case.skipped = True
                self._case.expected = self._within.get("type", "").lower() in _EXPECTED
            self._within = None

    def close(self) -> None:
        """End the file."""

    def contents(self, problem: Problem | None = None) -> Contents:
        """Return what was read, up to a problem if there is one."""
        problems = () if problem is None else (problem,)
        if not self._is_suite:
            return Contents(problems=problems)
        counts: Mapping[str, int] = self._counts
        if not any(counts.values()):
            counts = next((told for told in self._told if told), counts)
        seconds = next((math.fsum(times) for times in self._times if times), None)
        tests = RunTests(
            counts["passed"], counts["failure"], counts["error"], counts["skipped"],
            None if seconds is None else round(seconds, 3), bounded(self._failing), self._repeated,
        )  # fmt: skip
        complete = problem is None and counts["passed"] <= len(self._passed)
        return Contents(tests, (), frozenset(self._passed), frozenset(self._skipped), complete, problems, 1)

    def _time(self, level: int, attributes: Mapping[str, str]) -> None:
        seconds = _seconds(attributes.get("time"))
        # Suites within suites are counted by the outer one.
        if seconds is not None and (level == 2 or len(self._open) <= 1):
            self._times[level].append(seconds)

    def _count(self, case: _Case) -> None:
        if case.ending and not case.expected:
            self._counts[case.ending] += 1
            # pytest writes a case of its own for an error in the teardown of a test that failed.
            self._repeated += case.id in self._failed
            if len(self._failed) < IDS_MAX:
                self._failed.add(case.id)
            if len(self._failing) < 2 * FAILING_MAX:
                self._failing.append(FailingTest(case.id, case.line[:LINE_MAX]))
        elif case.skipped:
            self._counts["skipped"] += 1
            if len(self._skipped) < IDS_MAX:
                self._skipped.add(case.id)
        else:
            self._counts["passed"] += 1
            if len(self._passed) < IDS_MAX:
                self._passed.add(case.id)


def _counts(attributes: Mapping[str, str]) -> Counter[str]:
    """Return what a suite says of its cases."""
    told = {name: int(text) for name in _COUNTS if (text := attributes.get(name, "")).isdecimal() and len(text) < 10}
    failed, errors, skipped = (told.get(name, 0) for name in ("failures", "errors", "skipped"))
    passed = max(0, told.get("tests", 0) - failed - errors - skipped)
    return +Counter(passed=passed, failure=failed, error=errors, skipped=skipped)


def _id(attributes: Mapping[str, str], suites: Sequence[str]) -> str:
    """Return the id of a test: as pytest writes it where its file is told, else its class and its name."""
    owner, name = attributes.get("classname", "").strip(), attributes.get("name", "").strip()
    file = attributes.get("file", "").strip()
    module = file.removesuffix(".py").replace("/", ".")
    if file.endswith(".py") and (owner == module or owner.startswith(f"{module}.")):
        classes = owner[len(module) + 1 :].split(".") if owner != module else []
        return "::".join([file, *classes, name])
    if owner == _NO_CLASS and suites:
        owner = ".".join(suites)
    if not owner:
        owner = suites[-1] if suites and suites[-1] != "pytest" else ""
    if not name or not owner or _begins(name, owner):
        return name or owner or "unnamed"
    return f"{owner}.{name}"


def _begins(name: str, owner: str) -> bool:
    """Whether a name has that of its class already: `test_x` is none of `test_xps`."""
    rest = name.removeprefix(owner)
    return name == owner or (rest != name and not (rest[0].isalnum() or rest[0] == "_"))


def _line(attributes: Mapping[str, str], text: str, name: str) -> str:
    """Return the most telling line about a failure of the test of this name."""
    said = _ESCAPED.sub("", attributes.get("message", "")).strip()
    around = _AROUND.search(said)
    said = around["said"] if around else said
    if said.lower() in _SILENT:
        marked = _MARKED.search(text)
        said = marked[1] if marked else text
    line = _first(said, name)
    kind = attributes.get("type", "").strip()
    # pytest's own kinds are none of an exception.
    return f"{kind}: {line}" if _names_exception(kind) and kind.rpartition(".")[2] not in line else line or kind


def _first(said: str, name: str) -> str:
    """Return the first line that tells more than which test it was; a place alone is joined by what follows it."""
    lines = [one.strip() for one in said.splitlines() if one.strip()]
    telling = [one for one in lines if not _PROGRESS.match(one) and not (name and one.endswith(name))] or lines
    if len(telling) > 1 and _PLACE.fullmatch(telling[0]):
        return f"{telling[0].rstrip(':')}: {telling[1]}"
    return telling[0] if telling else ""


def _names_exception(kind: str) -> bool:
    return kind[-5:] in ("Error", "ption", "ilure") and not kind.startswith("pytest.") and " " not in kind


def _seconds(text: str | None) -> float | None:
    """Parse seconds; Maven writes `1,234.5`."""
    try:
        seconds = float((text or "").replace(",", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None
