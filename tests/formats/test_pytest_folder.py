"""What pytest prints is read as pytest means it: counts, ids with spaces, errors. The lines are pytest's own (9.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.written import file, read
from triggerbot.core.run_tests import FailingTest, RunTests
from triggerbot.formats import registry

SHORT = """\
=========================== short test summary info ============================
PASSED test_a.py::test_p[c]]
PASSED test_a.py::test_ok
SKIPPED [1] test_a.py:18: why - not
XFAIL test_a.py::test_xf
XPASS test_a.py::test_xp
ERROR test_bad.py
ERROR test_a.py::test_err - RuntimeError: no - gpu
ERROR test_a.py::test_late - ValueError: late
FAILED test_a.py::test_p[a b] - AssertionError: said - so
FAILED test_a.py::test_p[a - b] - AssertionError: said - so
FAILED test_a.py::test_late - assert 0
SUBFAILED[custom message] (i=1) test_a.py::TestC::test_m - assert 1 == 2
SUBFAILED(i=2) test_a.py::TestC::test_m - assert 1 == 2
FAILED test_a.py::TestC::test_m - contains 2 failed subtests
"""
SUMMARY = "==== 6 failed, 2 passed, 1 skipped, 1 xfailed, 1 xpassed, 3 errors in 71.60s (0:01:11) ===="
ERRORS = """\
==================================== ERRORS ====================================
_________________________ ERROR collecting test_bad.py _________________________
ImportError while importing test module '/home/x/test_bad.py'.
test_bad.py:1: in <module>
    import nothere
E   ModuleNotFoundError: No module named 'nothere'
__________________________ ERROR at setup of test_err __________________________
E   RuntimeError: something else
_______________________ ERROR at teardown of TestC.test_t ______________________
E   OSError: gone
"""
FAILING = (
    FailingTest("test_a.py::test_p[a b]", "AssertionError: said - so"),
    FailingTest("test_a.py::test_p[a - b]", "AssertionError: said - so"),
    FailingTest("test_a.py::test_late", "assert 0"),
    FailingTest("test_a.py::TestC::test_m", "assert 1 == 2"),
    FailingTest("test_bad.py"),
    FailingTest("test_a.py::test_err", "RuntimeError: no - gpu"),
)


@pytest.mark.parametrize(
    ("summary", "tests"),
    [
        ("1 failed, 2 passed, 1 xfailed, 3 xpassed in 9.9s", RunTests(2, 1, seconds=9.9)),
        ("=== 43 passed in 71.60s (0:01:11) ===", RunTests(43, seconds=71.6)),
        ("= 15 failed, 6 passed, 1 skipped, 3 subtests passed in 1.03s =", RunTests(6, 15, 0, 1, 1.03)),
        ("= 1 passed, 2 warnings in 90061.00s (1 day, 1:01:01) =", RunTests(1, seconds=90061.0)),
        ("no tests ran in 0.01s", RunTests(seconds=0.01)),
        ("============ no tests ran in 0.01s ============", RunTests(seconds=0.01)),
        ("1 error in 0.12s", RunTests(errors=1, seconds=0.12)),
        ("2 failed, 1 passed, 3 skipped, 4 deselected, 2 errors in 1.0s", RunTests(1, 2, 2, 3, 1.0)),
        ("\x1b[31m=== \x1b[1m1 failed\x1b[0m, \x1b[32m2 passed\x1b[0m in 3.0s ===\x1b[0m", RunTests(2, 1, seconds=3.0)),
        ("1 failed, 2 passed, 5 subtests passed in 1.5s", RunTests(2, 1, seconds=1.5)),
        ("1 passed, 1 rerun in 2.0s", RunTests(1, seconds=2.0)),
        ("12 passed", RunTests(12)),
    ],
)
def test_a_summary_is_counted_as_pytest_means_it(summary: str, tests: RunTests) -> None:
    """Neither are expected failures failures, nor is a number in parentheses a time."""
    found = read(stats__txt=summary + "\n")
    assert (found.tests, found.problems) == (tests, ())


def test_a_folder_of_reports() -> None:
    """Ids with spaces and dashes are whole, errors are failing tests, what failed says more than how often."""
    found = read(gpu___stats__txt=SUMMARY, gpu___summary_short__txt=SHORT, gpu___failures_long__txt="\x00 left alone")
    assert found.tests == RunTests(2, 6, 3, 1, 71.6, FAILING, 3)
    assert found.passed == {"test_a.py::test_p[c]]", "test_a.py::test_ok"}
    assert (found.complete, found.problems, found.files, found.failed) == (True, (), 2, True)


def test_parts_may_have_other_names() -> None:
    """As Transformers once wrote them, and without an ending; what only sounds like one is left alone."""
    found = read(tests_torch_stats__txt="1 passed in 1s", tests_tf_stats__txt="2 passed in 1s", stats="4 passed in 1s")
    assert found.tests == RunTests(7, seconds=3.0)
    assert read(link_errors__txt="x", other_stats__txt="y").files == 0


def test_errors_are_joined_by_their_names() -> None:
    """Each adds its line to the test that has none, or is a failing test by itself."""
    found = read(gpu___stats__txt=SUMMARY, gpu___summary_short__txt=SHORT, gpu___errors__txt=ERRORS)
    assert found.tests is not None
    lines = {one.id: one.line for one in found.tests.failing}
    assert lines["test_bad.py"] == "ModuleNotFoundError: No module named 'nothere'"
    assert lines["test_a.py::test_err"] == "RuntimeError: no - gpu"
    assert lines["TestC.test_t"] == "OSError: gone"


def test_lines_of_tracebacks_are_not_paired_by_their_place() -> None:
    """Only where a file has one failing test that says nothing, and one line."""
    short = "FAILED tests/test_a.py::test_one\nFAILED tests/test_b.py::test_two\nFAILED tests/test_b.py::test_three\n"
    lines = "/x/tests/test_b.py:7: KeyError: 'b'\n/x/tests/test_a.py:3: ValueError: a\n/x/lib/c.py:1: OSError: c\n"
    found = read(summary_short__txt=short, failures_line__txt=f"=== FAILURES ===\n{lines}")
    assert found.tests is not None
    assert [one.line for one in found.tests.failing] == ["ValueError: a", "", ""]
    alone = read(failures_line__txt=f"=== FAILURES ===\n{lines}")
    assert alone.tests is None
    assert alone.failures[0] == "/x/tests/test_b.py: KeyError: 'b'"


def test_the_whole_output() -> None:
    """Only its summary counts; what tests print is not taken for one."""
    text = f"=== test session starts ===\nFAILED is what a test printed\n1 failed is another\n{SHORT}{SUMMARY}\n"
    found = read(log__txt=text)
    assert found.tests == RunTests(2, 6, 3, 1, 71.6, FAILING, 3)
    assert found.tests.unlisted == 0
    assert not found.problems


@pytest.mark.parametrize(
    "summary", ["= 1 failed, 2 passed, 1 skipped in 1.03s =", "1 failed, 2 passed, 1 skipped in 1.03s"]
)
def test_the_summary_of_the_output_may_fill_its_line_or_stand_alone(summary: str) -> None:
    """Long ones leave room for one `=`, and with -q there is none; a number that a test prints is no summary."""
    text = (
        f"=== test session starts ===\n3 passed\n= 1 passed =\n{SHORT.splitlines()[0]}\nFAILED a.py::t - E\n{summary}\n"
    )
    assert read(log__txt=text).tests == RunTests(2, 1, 0, 1, 1.03, (FailingTest("a.py::t", "E"),))


def test_the_death_of_the_interpreter_is_a_failure() -> None:
    """It leaves no summary; where it was then tells most. A test that prints the like and ends is none."""
    head = "=== test session starts ===\ncollected 2 items\n\n"
    death = """test_crash.py .Fatal Python error: Segmentation fault

Current thread 0x00007f56c6e5eb80 (most recent call first):
  File "/home/x/test_crash.py", line 4 in test_dies
  File "/home/x/_pytest/python.py", line 187 in pytest_pyfunc_call
"""
    found = read(log__txt=head + death)
    assert (found.tests, found.failed, found.problems) == (None, True, ())
    assert found.failures == ("Fatal Python error: Segmentation fault in test_dies (test_crash.py)",)
    assert read(log__txt=f"{head}{death}1 passed in 1.0s\n").failures == ()


def test_the_last_line_may_fill_the_terminal() -> None:
    """It has fewer `=` then."""
    text = f"=== test session starts ===\n{SHORT}= {SUMMARY.strip('= ')} =\n"
    assert read(log__txt=text).tests == RunTests(2, 6, 3, 1, 71.6, FAILING, repeated=3)


def test_what_cannot_be_imported_says_why() -> None:
    """The short summary does not; what a test prints is no error for that."""
    printed = ERRORS.replace("test_bad.py", "other.py")
    found = read(log__txt=f"=== test session starts ===\n{ERRORS}{printed}{SHORT}{SUMMARY}\n").tests
    assert found is not None
    lines = {one.id: one.line for one in found.failing}
    assert lines.keys() == {one.id for one in FAILING}
    assert lines["test_bad.py"] == "ModuleNotFoundError: No module named 'nothere'"


@pytest.mark.parametrize("text", ["FFF\n1 failed, 2 passed in 3.0s\n", f"{SHORT}\x1b[31m1 failed in 3.0s\x1b[0m\n"])
def test_output_that_is_meant_is_known_by_its_end(text: str) -> None:
    """With `-q` it has no heading, and a log may begin with something else."""
    files = [file("log.txt", "fetching\n" * 1000 + text), file("build.txt", "Done in 3.0s\n")]
    found = registry.read(files, given=["log.txt", "build.txt"])
    assert found.tests is not None
    assert (found.tests.failed, found.tests.seconds) == (1, 3.0)
    assert [one.file for one in found.problems] == ["build.txt"]


def test_what_is_not_understood_is_named_and_the_rest_is_read() -> None:
    """With file and line, and what was expected."""
    found = read(
        a___stats__txt="oops\n", a___summary_short__txt="FAILED t.py::a - E\n", b___stats__txt="1 passed in 1s"
    )
    (problem,) = found.problems
    assert (
        str(problem)
        == "a/stats.txt:1: expected a summary of pytest, such as `1 failed, 2 passed in 9.9s`, found 'oops'"
    )
    assert found.tests == RunTests(1, 1, seconds=1.0, failing=(FailingTest("t.py::a", "E"),))
    assert [one.line for one in read("pytest", x__log=b"\xff\x00").problems] == []


LINES = st.lists(
    st.text(max_size=30) | st.sampled_from([*SHORT.splitlines(), SUMMARY, *ERRORS.splitlines(), "=== x ==="]),
    max_size=20,
)


@given(LINES, LINES, LINES, LINES)
def test_whatever_a_folder_contains_is_read(
    stats: list[str], short: list[str], lines: list[str], errors: list[str]
) -> None:
    """Nothing is raised, and what is counted adds up."""
    found = read(
        "pytest",
        stats__txt="\n".join(stats),
        summary_short__txt="\n".join(short),
        failures_line__txt="\n".join(lines),
        errors__txt="\n".join(errors),
    )
    assert found.tests is None or min(found.tests.passed, found.tests.failed, found.tests.errors) >= 0
