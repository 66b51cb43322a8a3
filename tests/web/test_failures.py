"""The page of a failure over time, and its JSON: where it is seen, since when, and how often another run passed."""

import html
import re

import pytest

from tests.fakes.site import House, Person
from tests.fakes.world import event, push
from triggerbot.core.model import Head, HeadKind, Push
from triggerbot.core.run_tests import FailingTest, RunTests

LINE = "TypeError: net.open is not a function"
HOSTILE = "TypeError: <script>alert(1)</script>\"'& is wrong"


def fails(
    house: House, job: str, where: Push, *lines: str, ago: float = 1000, passes: bool = False, **more: str
) -> None:
    """Let a job fail at a push, and pass when it runs again."""
    at = house.clock() - ago
    tests = RunTests(1, 1, failing=(FailingTest(more["test"], LINE),)) if "test" in more else None
    house.hear(
        event(job, f"{job}-1", push=where, result="failure", time=at, started=at - 9, failures=lines, tests=tests)
    )
    if passes:
        house.hear(event(job, f"{job}-2", push=where, result="success", time=at + 60, started=at))


def judged(house: House) -> None:
    """Judge every push."""
    for _ in range(4):
        house.settle()


def test_every_push_and_job_that_shows_a_line(house: House, visitor: Person) -> None:
    """With what began first, jobs that fail alike at one push, and how often another run passed."""
    old, new = push("aaaaaaa", branch="one"), push("bbbbbbb", branch="two")
    fails(house, "linux-unstable", old, LINE, ago=9000, passes=True)
    fails(house, "linux-unstable", new, LINE)
    fails(house, "mac-unstable", new, LINE)
    fails(house, "mac-unstable", push("ccccccc"), "SyntaxError: unexpected token")
    judged(house)

    answer = visitor.get("/api/v1/failures/try", line=LINE).json()

    assert (answer["pushes"], answer["first_revision"], answer["last_revision"]) == (2, "aaaaaaa", "bbbbbbb")
    assert answer["jobs"] == [{"job": "linux-unstable", "pushes": 2}, {"job": "mac-unstable", "pushes": 1}]
    assert answer["branches"] == [{"branch": "one", "pushes": 1}, {"branch": "two", "pushes": 1}]
    assert (answer["ran_again"]["times"], answer["ran_again"]["passed"]) == (1, 1)
    assert {(one["revision"], one["job"]) for one in answer["seen"]} == {
        ("aaaaaaa", "linux-unstable"), ("bbbbbbb", "linux-unstable"), ("bbbbbbb", "mac-unstable"),
    }  # fmt: skip


def test_its_lines_lead_there_and_back(house: House, visitor: Person) -> None:
    """From the push, the job at it and the job over time; each link of the page leads to a page."""
    where = push("aaaaaaa", branch="main")
    fails(house, "linux-unstable", where, HOSTILE)
    judged(house)
    for page in ("/pushes/try/aaaaaaa", "/pushes/try/aaaaaaa?job=linux-unstable", "/jobs/try/linux-unstable"):
        found = re.findall(r'href="(/failures/[^"]+)"', visitor.get(page).text)
        assert found, page
        answer = visitor.get(html.unescape(found[0]))
        assert answer.status_code == 200, page
    assert HOSTILE not in answer.text
    assert html.escape(HOSTILE, quote=False).split("'")[0].replace('"', "&#34;") in answer.text
    for link in set(re.findall(r'href="(/(?:pushes|jobs|branches)/[^"]+)"', answer.text)):
        assert visitor.get(html.unescape(link)).status_code == 200, link


@pytest.mark.parametrize("test", ["test_a.py::test_b", "a test: that says [3]", "Суть › über"])
def test_a_test_is_found_whatever_is_said_of_it(house: House, visitor: Person, test: str) -> None:
    """By its id; and its line, as people read it, finds the same failure."""
    fails(house, "linux-unstable", push("aaaaaaa"), test=test)
    judged(house)

    page = visitor.get("/pushes/try/aaaaaaa?job=linux-unstable").text
    link = next(one for one in re.findall(r'href="(/failures/[^"]+)"', page) if "test=" in one)

    assert visitor.get(html.unescape(link)).status_code == 200
    for asked in ({"test": test}, {"line": f"{test}: {LINE}"}):
        answer = visitor.get("/api/v1/failures/try", **asked).json()
        assert answer["jobs"] == [{"job": "linux-unstable", "pushes": 1}], asked
    assert visitor.get("/api/v1/failures/try", test="another").status_code == 404


def test_it_is_said_whether_the_base_branch_shows_it(house: House, visitor: Person) -> None:
    """Where that branch is known."""
    for number in range(5):
        house.hear(event("fine", f"{number}", push=push(f"{number:07x}", branch="main"), result="success"))
    fails(house, "linux-unstable", push("aaaaaaa", branch="topic"), LINE)
    judged(house)
    assert visitor.get("/api/v1/failures/try", line=LINE).json()["base"] == {
        "branch": "main", "pushes": 0, "every_run_failed": 0, "last_seen": None,
        "says": "not seen on the base branch main",
    }  # fmt: skip
    fails(house, "linux-unstable", push("0000001", branch="main"), LINE)
    judged(house)
    base = visitor.get("/api/v1/failures/try", line=LINE).json()["base"]
    assert (base["pushes"], base["every_run_failed"]) == (1, 1)
    assert "seen on the base branch main, too, at 1 push" in base["says"]


def test_what_no_push_shows_is_not_found(house: House, visitor: Person) -> None:
    """With why; a line that any failure may show is no failure of its own, and nothing links to it."""
    fails(house, "linux-unstable", push("aaaaaaa"), "Process completed with exit code 1.")
    judged(house)
    for path, said in (
        ("/failures/try?line=ValueError:+unheard", "No push shows it"),
        ("/failures/other?line=ValueError:+unheard", "No push shows it"),
        ("/failures/try", "No push shows it"),
        ("/failures/try?line=Process+completed+with+exit+code+1.", "Any failure may show such a line"),
    ):
        answer = visitor.get(path)
        assert answer.status_code == 404, path
        assert said in answer.text
    assert visitor.get("/api/v1/failures/try").status_code == 400
    assert visitor.get("/api/v1/failures/try?line=ValueError:+unheard").json() == {"error": "no such failure is kept"}
    assert "/failures/" not in visitor.get("/pushes/try/aaaaaaa").text


def test_the_text_filter_finds_jobs_tests_failures_and_pull_requests(house: House, visitor: Person) -> None:
    """Beside the pushes that match; each leads to its page."""
    where = push("aaaaaaa", branch="topic")
    fails(house, "linux-unstable", where, LINE)
    fails(house, "mac-unstable", where, test="test_a.py::test_b")
    house.hear(Head("ci", "try", "topic", HeadKind.OPENED, "aaaaaaa", house.clock(), detail="12"))
    judged(house)
    for text, path in (
        ("NET.open is not", "/failures/try?line="),
        ("test_b", "/failures/try?test="),
        ("linux-uns", "/jobs/try/linux-unstable"),
        ("#12", "/?project=try&amp;branch=topic"),
    ):
        found = visitor.get("/", text=text).text
        assert "is also in" in found, text
        link = next(one for one in re.findall(r'<a class="way" href="([^"]+)"', found) if one.startswith(path))
        assert visitor.get(html.unescape(link)).status_code == 200, text
    assert "is also in" not in visitor.get("/", text="nothing like it").text
    assert "is also in" not in visitor.get("/", text="net.open is not", project="other").text
