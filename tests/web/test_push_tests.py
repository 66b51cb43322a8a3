"""The tests of a push on its page: how many ended how, and which of a job fail, new ones marked."""

import re

from tests.fakes.site import House, Person
from tests.fakes.world import event, failure, push
from triggerbot.core.model import Push
from triggerbot.core.run_tests import FailingTest, RunTests


def hear(house: House, revision: str, *failing: str, errors: int = 0) -> Push:
    """Let a job fail with these tests, and as many errors that are not listed; others pass."""
    where = push(revision)
    house.clock.move(60.0)
    tests = RunTests(40, len(failing), errors, 3, 1.5,
                     tuple(FailingTest(test, f"Error: {test}") for test in failing))  # fmt: skip
    house.hear(
        failure("unit", f"{revision}1", push=where, time=house.clock(), tests=tests),
        event("docs", f"{revision}2", push=where, time=house.clock(), result="success", tests=RunTests(7, skipped=1)),
        event("lint", f"{revision}3", push=where, time=house.clock(), result="success"),
    )
    house.settle()
    return where


def told(text: str) -> list[str]:
    """Return what a page says of failing tests."""
    lists = re.findall(r'<details class="failing".*?</details>', text, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", one)).strip() for one in lists]


def test_a_job_shows_its_counts_and_its_failing_tests(house: House, visitor: Person) -> None:
    """Folded, new ones first and marked; of a job that passed only the counts."""
    hear(house, "0ea51e1", "test_a")
    hear(house, "abcdef1", "test_a", "test_b", errors=1)

    text = visitor.get("/pushes/try/abcdef1").text

    assert "Tests: 40 passed, 2 failed, 1 error, 3 skipped." in text
    listed = "3 failing tests, 1 of them new new test_b Error: test_b known test_a Error: test_a and 1 more"
    assert told(text) == [listed]
    assert re.search(r'docs</a> <span class="hint">tests: 7 passed, 1 skipped</span>', text)
    assert re.search(r"lint</a> <a class=\"way\"[^>]*>over time</a></li>", text)
    assert told(visitor.get("/pushes/try/abcdef1?job=unit").text) == [f"{listed}, which are not kept"]


def test_nothing_is_new_where_nothing_is_earlier(house: House, visitor: Person) -> None:
    """No push is there to compare with."""
    hear(house, "abcdef1", "test_a")

    assert told(visitor.get("/pushes/try/abcdef1").text) == ["1 failing test test_a Error: test_a"]


def test_a_page_lists_some_of_many_tests_and_the_page_of_the_job_all(house: House, visitor: Person) -> None:
    """A push with hundreds of failing jobs has to be read, too."""
    hear(house, "abcdef1", *(f"test_{number}" for number in range(1000)))

    text = visitor.get("/pushes/try/abcdef1").text
    assert text.count("<code>test_") == 50
    assert re.search(r'<a href="/pushes/try/abcdef1\?system=ci&amp;branch=try&amp;job=unit">and 950 more</a>', text)
    assert visitor.get("/pushes/try/abcdef1?job=unit").text.count("<code>test_") == 1000


def test_the_api_has_them_all(house: House, visitor: Person) -> None:
    """Run by run, with a line each."""
    hear(house, "abcdef1", "test_a")

    jobs = {job["job"]: job["runs"] for job in visitor.get("/api/v1/pushes/try/abcdef1").json()["pushes"][0]["jobs"]}
    assert jobs["unit"][0]["tests"] == {
        "passed": 40, "failed": 1, "errors": 0, "skipped": 3, "seconds": 1.5,
        "failing": [{"id": "test_a", "line": "Error: test_a"}],
    }  # fmt: skip
    assert jobs["lint"][0]["tests"] is None
