"""JUnit XML of several runners is read; whatever else comes is a problem with its place, and never an error."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.written import file, read
from triggerbot.core.run_tests import FailingTest, RunTests
from triggerbot.formats import Contents, registry

#: pytest 9.2
PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="3"
 failures="2" skipped="2" tests="8" time="0.056"><testcase classname="" name="test_bad" time="0.000"><error
 message="collection failure">ImportError while importing
E   ModuleNotFoundError: No module named 'nothere'</error></testcase><testcase classname="test_a" name="test_p[a b]"
 time="0.005"><failure message="AssertionError: said - so&#10;assert 'a b' == 'c]'">x</failure></testcase><testcase
 classname="test_a" name="test_ok" time="0.000" /><testcase classname="test_a" name="test_err" time="0.000"><error
 message="failed on setup with &quot;RuntimeError: no - gpu&quot;">x</error></testcase><testcase classname="test_a"
 name="test_late"><failure message="assert 0">x</failure></testcase><testcase classname="test_a" name="test_late"><error
 message="failed on teardown with &quot;ValueError: late&quot;">x</error></testcase><testcase classname="test_a"
 name="test_xf"><skipped type="pytest.xfail" message="" /></testcase><testcase classname="test_a.TestC" name="test_sk">
<skipped type="pytest.skip" message="why">x</skipped></testcase></testsuite></testsuites>"""
#: Maven's Surefire
MAVEN = """<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.x.CartTest" time="1,234.5"
 tests="3">
<properties><property name="a" value="b"/></properties>
<testcase name="adds" classname="com.x.CartTest" time="0.1"/>
<testcase name="totals" classname="com.x.CartTest" time="0.2">
<failure message="expected:&lt;1&gt; but was:&lt;2&gt;" type="org.junit.ComparisonFailure">at com.x</failure></testcase>
<testcase name="ships" classname="com.x.CartTest"><error
 type="java.lang.NullPointerException">java.lang.NullPointerException
at com.x</error><system-out>skipped</system-out></testcase></testsuite>"""


def one(xml: str | bytes) -> Contents:
    """Read one file."""
    return read("junit", r__xml=xml)


def test_what_pytest_writes() -> None:
    """Ids are whole, errors are failing tests, and the line is the one that tells."""
    found = one(PYTEST)
    assert found.tests == RunTests(
        1, 2, 3, 2, 0.056,
        (
            FailingTest("test_bad", "ModuleNotFoundError: No module named 'nothere'"),
            FailingTest("test_a.test_p[a b]", "AssertionError: said - so"),
            FailingTest("test_a.test_err", "RuntimeError: no - gpu"),
            FailingTest("test_a.test_late", "assert 0"),
        ),
        1,
    )  # fmt: skip
    # It failed, and so did its teardown: all that failed is listed.
    assert found.tests is not None
    assert found.tests.unlisted == 0
    assert (found.passed, found.skipped) == ({"test_a.test_ok"}, {"test_a.test_xf", "test_a.TestC.test_sk"})
    assert (found.complete, found.problems, found.files) == (True, (), 1)


def test_what_maven_writes() -> None:
    """With a time as it writes it, and the kind of exception where the message does not name it."""
    assert one(MAVEN).tests == RunTests(
        1, 1, 1, 0, 1234.5,
        (
            FailingTest("com.x.CartTest.totals", "org.junit.ComparisonFailure: expected:<1> but was:<2>"),
            FailingTest("com.x.CartTest.ships", "java.lang.NullPointerException"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ('classname="tests.test_a.TestC" name="t[a b]" file="tests/test_a.py"', "tests/test_a.py::TestC::t[a b]"),
        ('classname="tests.test_a" name="t" file="tests/test_a.py"', "tests/test_a.py::t"),
        ('classname="other" name="t" file="tests/test_a.py"', "other.t"),
        ('classname="github.com/x/y" name="TestFoo/sub_case"', "github.com/x/y.TestFoo/sub_case"),
        ('classname="cart adds" name="cart adds one"', "cart adds one"),
        ('classname="test_x" name="test_xps"', "test_x.test_xps"),
        ('classname="//x:y" name="//x:y"', "//x:y"),
        ('classname="test" name="adds"', "suite.adds"),
        ('name="alone"', "suite.alone"),
        ("", "suite"),
    ],
)
def test_the_id_of_a_test(case: str, name: str) -> None:
    """As people know it."""
    found = one(f'<testsuites><testsuite name="suite"><testcase {case}/></testsuite></testsuites>')
    assert found.passed == {name}


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("<failure/><error/>", (0, 1, 0, 0)),
        ("<error/><failure/>", (0, 1, 0, 0)),
        ('<flakyFailure message="x"/>', (1, 0, 0, 0)),
        ('<failure/><rerunFailure message="x"/>', (0, 1, 0, 0)),
        ("<skipped/>", (0, 0, 0, 1)),
        ("<skipped/><error/>", (0, 0, 1, 0)),
        ('<skipped type="todo"/><failure/>', (0, 0, 0, 1)),
        ("<system-out>FAILED <![CDATA[<failure/>]]></system-out>", (1, 0, 0, 0)),
        ("<properties><failure/></properties>", (1, 0, 0, 0)),
    ],
)
def test_how_a_test_ended(body: str, counts: tuple[int, ...]) -> None:
    """Each is counted once."""
    tests = one(f'<testsuite><testcase name="a">{body}</testcase></testsuite>').tests
    assert tests is not None
    assert (tests.passed, tests.failed, tests.errors, tests.skipped) == counts


def test_colours_of_a_message_are_left_out() -> None:
    """As pytest writes the escape character, which XML has not."""
    case = '<testcase name="t"><failure message="E: #x1B[31mred#x1B[0m #x1B"/></testcase>'
    found = one(f"<testsuite>{case}</testsuite>")
    assert found.tests is not None
    assert found.tests.failing == (FailingTest("t", "E: red #x1B"),)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        # Go, by gotestsum
        (
            '<failure message="Failed">=== RUN   TestA\n    a_test.go:12: got 1\n    --- FAIL: TestA (0s)</failure>',
            "a_test.go:12: got 1",
        ),
        (
            '<failure message="a.cc:12&#x0A;Expected equality:&#x0A;  1">a.cc:12</failure>',
            "a.cc:12: Expected equality:",
        ),
        # PHPUnit
        ("<failure>Tests\\CartTest::TestA\nFailed asserting that it is.</failure>", "Failed asserting that it is."),
        ('<failure message="TestA"/>', "TestA"),
        ("<failure/>", ""),
    ],
)
def test_the_line_of_a_failure(body: str, line: str) -> None:
    """It says more than which test it is, or where."""
    tests = one(f'<testsuite><testcase name="TestA">{body}</testcase></testsuite>').tests
    assert tests is not None
    assert tests.failing == (FailingTest("TestA", line),)


def test_suites_that_list_no_cases_are_counted() -> None:
    """By what they say; that is not all that is known of their tests."""
    inner = '<testsuite tests="5" failures="1" errors="1" skipped="1"/>'
    for xml in (inner, f"<testsuites>{inner}</testsuites>", inner.replace("/>", f">{inner}</testsuite>")):
        found = one(xml)
        assert (found.tests, found.complete, found.failed) == (RunTests(2, 1, 1, 1), False, True)
    assert one(f"<testsuites>{inner}{inner}</testsuites>").tests == RunTests(4, 2, 2, 2)
    assert one('<testsuite tests="0"/>').tests == one('<testsuite tests="x" failures="-1"/>').tests == RunTests()


def test_what_did_not_run_is_skipped() -> None:
    """As googletest says it."""
    tests = one('<testsuite><testcase name="a" status="notrun"/><testcase name="b" status="run"/></testsuite>').tests
    assert tests == RunTests(1, skipped=1)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><testsuite name="&b;"/>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&a;"/></testsuite>'


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("", r"r\.xml:1: expected JUnit XML, found an empty file"),
        ("Not Found", r"r\.xml:1: expected JUnit XML, found what is no XML"),
        ("<html/>", r"r\.xml:1: expected <testsuites> or <testsuite>, found '<html>'"),
        ("\n\n<coverage>", r"r\.xml:3: expected <testsuites>"),
        ("<testsuite>\n<testcase>\n</testsuite>", r"r\.xml:3: expected JUnit XML, found what is no XML \(mismatched"),
        (BOMB, r"r\.xml:1: expected JUnit XML without entities"),
        (EXTERNAL, r"r\.xml:1: expected JUnit XML without entities"),
        ('<?xml version="1.0" encoding="nonsense"?><testsuite/>', r"r\.xml(:1)?: expected JUnit XML, found"),
        ("<testsuite>" + "<a>" * 200, r"r\.xml:1: expected at most 100 elements"),
    ],
)
def test_what_is_not_understood_is_named(xml: str, says: str) -> None:
    """With its line, and what was expected."""
    found = one(xml)
    (problem,) = found.problems
    assert re.match(says, str(problem)), problem
    assert found.failed is False


def test_the_rest_is_read() -> None:
    """Other files, and what stands before the damage."""
    found = read("junit", a__xml=PYTEST[:600], b__xml=MAVEN, c__xml="<x/>")
    assert [one.file for one in found.problems] == ["a.xml", "c.xml"]
    assert found.tests is not None
    assert {"com.x.CartTest.totals", "test_bad"} <= found.tests.ids
    assert not found.complete


def test_other_xml_is_left_alone_unless_it_is_meant() -> None:
    """A folder has more than reports."""
    files = [file("pom.xml", "<project/>"), file("r.xml", MAVEN), file("notes.txt", "hello")]
    assert (registry.read(files).files, registry.read(files).problems) == (1, ())
    meant = registry.read(files, given=["pom.xml", "notes.txt"]).problems
    assert [str(one).partition(": expected")[0] for one in meant] == ["pom.xml:1", "notes.txt:1"]


def test_elements_may_have_a_prefix() -> None:
    """Also where they are to be recognised."""
    xml = '<j:testsuite xmlns:j="urn:j"><j:testcase name="a"><j:failure/></j:testcase></j:testsuite>'
    assert read(r__xml=xml).tests == RunTests(failed=1, failing=(FailingTest("a"),))


def test_many_failures_are_counted_and_some_are_kept() -> None:
    """1,000 of 3,000."""
    cases = "".join(f'<testcase name="t{number}"><failure/></testcase>' for number in range(3000))
    tests = one(f"<testsuite>{cases}</testsuite>").tests
    assert tests is not None
    assert (tests.failed, len(tests.failing), tests.unlisted) == (3000, 1000, 2000)


PIECES = st.sampled_from([
    "<testsuite>", "</testsuite>", '<testcase name="a">', "</testcase>", "<failure/>", "<failure>", "</failure>",
    "&amp;", "<![CDATA[", "]]>", "<!--", "-->", "<?x?>", '<testcase time="nan"/>', '<testsuite time="-1e999">', "\x00",
    "ü", "&x;",
])  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join) | st.binary(max_size=80), st.integers(0, len(PYTEST)))
def test_whatever_a_file_contains_is_read(noise: str | bytes, place: int) -> None:
    """Alone, and in the middle of a good file."""
    data = noise.encode() if isinstance(noise, str) else noise
    for xml in (data, b"<testsuite>" + data, PYTEST[:place].encode() + data + PYTEST[place:].encode()):
        found = one(xml)
        assert found.problems or found.tests is not None
