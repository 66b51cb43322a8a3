"""Ways out of the pages: to commit, pull request, workflow run and logs, in words that say where they lead."""

import html
import re
from collections.abc import Callable

import pytest

from tests.fakes.clock import Clock
from tests.fakes.site import House, Person
from tests.fakes.world import event
from triggerbot.core.model import Head, HeadKind, Push

AT = "https://github.com/octo/app"
PUSH = Push("gh", "octo/app", "topic", "a" * 40)
_OUT = re.compile(r'<a class="way out" href="([^"]+)" target="_blank" rel="noopener noreferrer">([^<]+)</a>')


def out(text: str) -> dict[str, str]:
    """Return the ways out of a page, by their words."""
    return {html.unescape(words): html.unescape(url) for url, words in _OUT.findall(text)}


@pytest.fixture
def house(make_house: Callable[..., House], clock: Clock) -> House:
    """A house with a GitHub, of which a push failed once and was run again."""
    made = make_house(clock=clock, systems="  gh: {type: github, token: env:GITHUB_TOKEN}\n")
    for number in (1, 2):
        made.hear(
            event(
                "test", f"{number}", push=PUSH, result="failure", attempt=number, batch="77", per_batch=True,
                url=f"{AT}/actions/runs/77/job/{number}", failures=("TypeError: no such thing",),
            )
        )  # fmt: skip
    made.hear(Head("gh", "octo/app", "topic", HeadKind.OPENED, "", clock(), detail="12"))
    return made


def test_a_push_leads_to_its_commit_pull_request_workflow_run_and_logs(house: House) -> None:
    """Each failed run has its own log."""
    with Person(house) as visitor:
        found = out(visitor.get(f"/pushes/octo/app/{PUSH.revision}").text)
    assert found == {
        "Commit aaaaaaaaaaaa at GitHub": f"{AT}/commit/{PUSH.revision}",
        "Pull request 12 at GitHub": f"{AT}/pull/12",
        "Workflow run 77 at GitHub": f"{AT}/actions/runs/77",
        "Log of run 1 at GitHub": f"{AT}/actions/runs/77/job/1",
        "Log of run 2 at GitHub": f"{AT}/actions/runs/77/job/2",
    }


def test_a_job_leads_to_the_log_and_the_workflow_run_of_each_run(house: House) -> None:
    """As well as to what the push leads to."""
    with Person(house) as visitor:
        found = out(visitor.get(f"/pushes/octo/app/{PUSH.revision}?job=test").text)
    assert found["Log at GitHub"] == f"{AT}/actions/runs/77/job/2"
    assert found["Workflow run 77, attempt 2 at GitHub"] == f"{AT}/actions/runs/77/attempts/2"
    assert found["Pull request 12 at GitHub"] == f"{AT}/pull/12"


def test_any_other_ci_leads_to_what_it_told_of_a_run(house: House) -> None:
    """Nothing is guessed, and no other kind of address is believed."""
    where = Push("ci", "try", "try", "b" * 40)
    house.hear(event("one", "1", push=where, result="failure", url="https://ci.example.org/1"))
    house.hear(event("two", "2", push=where, result="failure", url="javascript:alert(1)"))
    house.hear(
        event("three", "3", push=where._replace(system="gone"), result="failure", url="https://ci.example.org/3")
    )
    with Person(house) as visitor:
        here = visitor.get(f"/pushes/try/{where.revision}?system=ci").text
        gone = visitor.get(f"/pushes/try/{where.revision}?system=gone").text
    assert out(here) == {"Run at the CI": "https://ci.example.org/1"}
    assert "javascript:" not in here
    assert out(gone) == {"Run at the CI": "https://ci.example.org/3"}
