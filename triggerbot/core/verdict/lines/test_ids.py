"""The failing test that a line names, as test runners write it. Pure."""

import re
from dataclasses import dataclass
from functools import cache

_EXT = r"(?:[cm]?[jt]sx?|py|rb|vue|svelte)"
#: An id of a test in Python: its parameters may contain anything but a bracket.
_PYTEST = r"[\w./+-]+\.py(?:::[\w.<>]+)+(?:\[[^\]]{0,200}\]+)?"
#: Parameters of a test in brackets, and arguments.
_PARAM, _ARGS = r"(?:\[[^\]]{0,200}\])", r"(?:\([^)]{0,200}\))"
_SUREFIRE = r"Time elapsed.{0,40}<<< (?:FAILURE|ERROR)!"
_CLASS = r"[A-Z]\w*(?:Tests?|IT|Spec|TestCase)"
_CTEST = r"Failed|Timeout|SEGFAULT|Not Run|Subprocess \w+|ILLEGAL|NUMERICAL|OTHER_FAULT|Exit code .{1,20}"
_CROSS = r"[\u2a2f\u00d7\u2715\u2717\u2716\u2718]"
_COUNT = r"(?:\d+|#)"
_SUITE = r"(?:\w+ e2e suite[.:] ?)?"
_MS = r"(?:#|[\d.]+ ?(?:ms|s|m|min|secs?|seconds|milliseconds))"
#: What a line must contain for a form to be tried, and the form. The first that matches counts.
_FORMS: tuple[tuple[str, str], ...] = (
    # Mozilla, and everything that reports through mozlog
    ("TEST-UNEXPECTED-", r"TEST-UNEXPECTED-[A-Z-]+ \| (?P<id>/[^|]+? \| .+?) - (?P<rest>assert_.*)"),
    ("TEST-UNEXPECTED-", r"TEST-UNEXPECTED-[A-Z-]+ \| (?P<id>[^|]+?) \|(?P<rest>.*)"),
    # pytest
    (".py::", rf"(?P<id>{_PYTEST})(?P<rest>.*)"),
    (".py", r"^(?:ERROR|FAILED) (?P<suite>[\w./+-]+\.py)(?: - (?P<rest>.*)|$)"),
    (" at ", r"^_* ?ERROR at (?:setup|teardown) of (?P<id>[\w.]+(?:\[[^\]]{0,200}\])?) _*$"),
    ("___", r"^_{3,} (?P<id>[\w.]*[Tt]est[\w.]*(?:\[[^\]]{0,200}\])?) _{3,}$"),
    ("test", r"^(?P<id>test_\w+(?:\[[^\]]{0,200}\])?) FAILED\b(?P<rest>.*)"),
    # DejaGnu, LLVM's lit
    ("FAIL: ", r"^FAIL: (?P<id>\S+\.exp: .+|\S+ :: \S+)"),
    # unittest
    (": ", rf"^(?:FAIL|ERROR)(?: {_PARAM})?: (?P<id>\w+ \([\w.<>]+\)(?: {_PARAM}| {_ARGS})*)(?P<rest>.*)"),
    ("...", r"^(?P<id>test\w* \([\w.<>]+\)) \.\.\. (?:FAIL|ERROR)(?P<rest>.*)"),
    # Go
    ("=== FAIL: ", r"=== FAIL: (?:\S+ )?(?P<id>\S+) \("),
    ("'fail'", r"'Action': ?'fail'.*'Test': ?'(?P<id>[^']+)'"),
    ("--- FAIL: ", r"--- FAIL: (?P<id>\S+)"),
    ("Test:", r"^Test: +(?P<id>Test\w\S*)$"),
    ("Test", r"^(?P<id>Test\w\S*) \((?:#|[\d.hms]+)\)$"),
    # JUnit, by Maven and by Gradle
    ("<<< ", rf"^(?:\[ERROR\] )?(?P<id>[\w.$]+\.\w+{_ARGS}?{_PARAM}?) (?:-- )?{_SUREFIRE}(?P<rest>.*)"),
    ("<<< ", rf"^(?:\[ERROR\] )?(?P<id>\w+{_PARAM}?\([\w.$]+\)) +{_SUREFIRE}(?P<rest>.*)"),
    (":", rf"^(?:\[ERROR\] )?(?P<id>{_CLASS}\.\w+(?:{_PARAM}|{_ARGS})?):(?:\d+|#)(?P<rest>(?:->| ).*)?$"),
    ("(", r"^(?:Failed tests: +|Tests in error: +)?(?P<id>test\w*\([\w.$]+\)): (?P<rest>.*)"),
    ("FAILED", r"^FAILED:? +(?P<id>test\w*|\S+ > .+)$"),
    (" > ", r"^(?P<id>[\w.$]+ > .{1,200}?) FAILED\b(?P<rest>.*)"),
    # jest, vitest, mocha, Playwright
    ("\u25cf ", r"^\u25cf (?!Test suite failed|Console$|Cannot log)(?P<id>.+)"),
    ("FAIL ", rf"^FAIL (?:\|?[\w@/-]+\|? )?(?P<id>\S+\.{_EXT} > .+)"),
    ("FAIL ", rf"^FAIL (?:\|?[\w@/-]+\|? )?(?P<suite>\S+\.{_EXT})(?: \(.*\)| \[.*\])?$"),
    (" Test ", rf"^{_CROSS} Test (?P<id>'[^']+'|\w+{_ARGS}) (?:failed|recorded an issue at \S+: (?P<rest>.*))"),
    ("(fail) ", r"^\(fail\) (?P<id>.+?)(?: \[[^\]]*\])?$"),
    ("", rf"^{_CROSS} (?!.*did not run successfully|(?:found )?{_COUNT} problem|[Ff]ail(?:ing|ed) [Tt]ests)(?P<id>.+)"),
    (" \u203a ", r"^(?:\d+\) )?(?P<id>\[[\w -]+\] \u203a .+)"),
    # rspec, PHPUnit, ExUnit, mocha
    ("rspec ", r"^rspec \S+ # (?P<id>.+)"),
    (") ", r"^(?:\[[^\]]{1,60}\] )?\d+\) (?P<id>.*[\w:'\])][ \u2500]*)$"),
    # TAP
    ("not ok ", r"^not ok (?:\d+|#)(?: -)? (?P<id>[^#\s].*)"),
    # googletest, CTest
    ("FAILED", r"^\[ *FAILED *\] (?P<id>[\w/]+\.[\w/]+)(?P<rest>.*)"),
    (" - ", rf"^(?:The following tests FAILED: )?(?:\d+|#) - (?P<id>\S+) (?P<rest>\((?:{_CTEST})\))"),
    ("Test #", r"Test +#(?:\d+|\#)?: ?(?P<id>\S+) \.*\*+(?P<rest>Failed|Timeout|Exception: \S+|Not Run)"),
    ("s ", r"^(?:\d+/\d+|#) (?P<id>\S.{0,120}?) +(?:FAIL|TIMEOUT|ERROR) +(?:[\d.]+s|#)"),
    ("TEST CASE:", r"^TEST CASE: +(?P<id>.+)"),
    ("error: in '", r"error: in '(?P<id>[^']+)': (?P<rest>.*)"),
    (":FAIL", r":(?P<id>test\w+):FAIL(?:: (?P<rest>.*))?"),
    ("FAIL!", r"^FAIL! +: (?P<id>\w+::\w+\([^)]*\)) ?(?P<rest>.*)"),
    # Rust
    ("panicked at", r"^thread '(?P<id>[\w<>]+(?:::[\w<>{}#]+)+)' (?:\((?:\d+|#)\) )?panicked at (?P<rest>.*)"),
    ("FAILED", r"^test (?P<id>\S.{0,200}?) \.\.\. FAILED$"),
    (" stdout ----", r"^---- (?P<id>\S.{0,200}?) stdout ----$"),
    ("FAIL [", r"^(?:TRY \d+ )?FAIL \[ *(?:[\d.]+s|#) *\] (?:\([^)]{0,40}\) )?(?P<id>\S+ \S+)$"),
    ("test", r"^(?P<id>(?=\S*test)\w+(?:::\w+)+)$"),
    # XCTest, .NET
    ("-[", r"-\[(?P<id>[\w.]+ \w+)\](?: : (?P<rest>.*))?"),
    (".test", r"error: (?P<id>\w+\.test\w+) : (?P<rest>.*)"),
    ("Failed ", rf"^Failed (?P<id>[\w.+]+(?:\(.*\))?) \[<? ?{_MS}\]$"),
    ("[FAIL]", r"(?P<id>[\w.+]+\.\w+(?:\(.*\))?) \[FAIL\]$"),
    ("X ", rf"^X (?P<id>\w[\w.]*(?:\(.*\))?) \[<? ?{_MS}\]$"),
    # Ginkgo
    ("[F", r"\[(?:FAIL|Fail)\] (?P<id>.+)"),
    ("[sig-", rf"^(?:\u2022 )?{_SUITE}(?P<id>(?:\[It\] )?\[sig-[\w-]+\] [^:]+)(?:: (?P<rest>.*))?$"),
    ("[It] ", r"^(?:\u2022 )?(?:\[Fail\] )?(?!In \[It\])(?P<id>.*\[It\] .+)"),
    # Bazel
    ("//", r"^(?:FAIL|TIMEOUT|FLAKY|FAILED): (?P<id>//[\w./:@+-]+(?: \(shard (?:\d+|#) of (?:\d+|#)\))?)"),
    ("//", r"^(?P<id>//[\w./:@+-]+) +(?P<rest>FAILED in|TIMEOUT|NO STATUS)\b"),
    # Perl, Clojure, R, Ruby's minitest, tasty, Deno
    ("Failed test '", r"Failed test '(?P<id>[^']+)'"),
    (" in (", r"^(?:FAIL|ERROR) in \((?P<id>[\w./?!*-]+)\)"),
    (".R:", r"(?:Failure|Error) \([\w./-]+\.R:[\d:#]+\): (?P<id>.+?)(?: \u2500+)?$"),
    ("#test_", r"^(?P<id>[\w:]+#test_\w+)(?: \[.*\])?:?$"),
    (": FAIL", r"^(?P<id>\w.{0,120}): FAIL(?: \((?:#|[\d.]+s)\))?$"),
    ("... FAILED", r"^(?P<id>\w.{0,200}) \.\.\. FAILED(?: \(.*\))?$"),
    # Pester
    ("[-] ", rf"^\[-\] (?P<id>\S.{{0,200}}?) {_MS}(?: \(.*\))?$"),
    # ScalaTest, Karma, Robot, Dart
    ("*** FAILED ***", r"^(?:\[info\] )?- (?P<id>.+) \*\*\* FAILED \*\*\*"),
    (" FAILED", r"^(?:Headless)?(?:Chrome|Firefox|Safari|Edge)[^()]{0,60}\([^)]{0,60}\) (?P<id>.+) FAILED$"),
    ("| FAIL |", r"^(?P<id>.+ :: .+) \| FAIL \|(?P<rest>.*)"),
    (" # ", r"^(?P<id>(?:Given|When|Then|And|But) .{1,200}?) # [\w/]+::\w+\(\)$"),
    (".feature:", r"^(?:cucumber )?\S+\.feature:(?:\d+|#) (?:# )?(?:Scenario(?: Outline)?: )?(?P<id>.+)"),
    (" [E]", r"(?P<id>\S+_test\.dart: .+) \[E\]"),
)
#: Where Mozilla's harnesses name no test but themselves.
_NO_TESTS = re.compile(
    r"^(?:automation\.py|Shutdown\w*|leakcheck\b.*|\w*Sanitizer|gtest|\(?SimpleTest/.*|Main app process.*"
    r"|application\b.*|mozrunner.*|None|unknown test\w*|Last test finished|reftest|xpcshell|mochitest"
    r"|checkLoggingFunctions|MochitestServer.*|GECKO.*|automation|runtests(?:\.py)?|This test.*)$"
)
#: What runners add to the name of a test.
_AROUND = re.compile(
    rf"(?: \(retry x?\d+\)| \({_MS}\)| {_MS}$| \(attempt \d+\)|(?<=\w):$|[\s\u2500-]+$| # (?:TODO|SKIP|time)\b.*"
    r"|(?<=\)):$| \[(?:Conformance|NodeConformance|Slow|Serial|Disruptive)\](?=$))+$"
)
#: The result and time in what else the line says.
_RESULT = re.compile(rf"^ (?:FAILED|ERROR)(?: *\[ *(?:\d+%|#)\])?$| \({_MS}\)$|^ *FAILED\b(?! in$)")
_PASSED = re.compile(r"^(?:PASSED|SKIPPED|XFAIL|XPASS|RERUN|ok\b)", re.IGNORECASE)
#: A test as a method of a class: unittest's, old Surefire's, XCTest's.
_METHOD = re.compile(r"^(?P<method>\w+(?:\[[^\]]*\])?) ?\((?P<owner>[\w.$<>]+)\)(?P<rest>.*)$")
_PARTS = re.compile(r" > | \u203a |::|[/. :]+(?![^\[(]*[\])])")


@dataclass(frozen=True, slots=True)
class Named:
    """A failing test, and what else its line says."""

    test: str
    rest: str
    #: It is the file or class of tests, not one of them.
    suite: bool = False


@cache
def _compiled(form: str) -> re.Pattern[str]:
    # Most are never needed, and all of them take a while.
    return re.compile(form)


def named(text: str) -> Named | None:
    """Return the failing test that a line names; `None` if none."""
    for needed, form in _FORMS:
        if needed in text and (found := _compiled(form).search(text)):
            groups = found.groupdict()
            suite = groups.get("suite")
            test = _AROUND.sub("", suite or groups.get("id") or "").strip()
            rest = _RESULT.sub("", groups.get("rest") or "").strip()
            if not any(map(str.isalpha, test)) or _NO_TESTS.match(test) or _PASSED.match(rest):
                return None
            return Named(_canonical(test), rest, bool(suite))
    return None


def _canonical(test: str) -> str:
    test = test.replace("[It] ", "")
    if found := _METHOD.match(test):
        owner, method = found["owner"], found["method"]
        return (owner if owner.endswith(f".{method}") else f"{owner}.{method}") + found["rest"]
    return test


def parts(test: str) -> tuple[str, ...]:
    """Return the parts of a test's id, from the outermost in."""
    return tuple(part for part in _PARTS.split(test) if part)


def is_same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether the parts of two ids name one test: the shorter may leave out where it is."""
    short, long = sorted((one, other), key=len)
    return long[len(long) - len(short) :] == short


def covers(whole: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether an id tells all that another does, and more: a test in its group, or with its path."""
    size = len(other)
    return size < len(whole) and (whole[:size] == other or whole[len(whole) - size :] == other)
