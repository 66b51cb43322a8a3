"""Who broke a job: the button on its page, and what the pages and the API say of the search."""

import pytest

from tests.fakes.site import House, Person
from tests.fakes.world import event, failure, push
from triggerbot.core.branch.backfill import Conclusion, Found
from triggerbot.core.model import PushFacts

GOOD, MIDDLE, BAD = (push(letter * 40, branch="main") for letter in "abc")
PLACE = ("ci", "try", "main")
JOB = "job-unstable"
PATH = f"/pushes/try/{BAD.revision}"


@pytest.fixture
def broken(house: House) -> House:
    """Return a house with a branch on which a job was broken by one of two pushes; the rule does not retrigger it."""
    for number, where in enumerate((GOOD, MIDDLE, BAD)):
        house.hear(PushFacts(where, "", f"<i>dev{number}</i>", 100.0 + number))
    house.hear(
        event(JOB, "1", push=GOOD, result="success"), event("else", "2", push=MIDDLE, result="success"),
        failure(JOB, "3", push=BAD),
    )  # fmt: skip
    return house


def test_a_button_begins_it_once(broken: House, ada: Person, visitor: Person) -> None:
    """For who has logged in; the pages of both pushes tell of it, and so does the API."""
    assert "backfill" not in visitor.forms(f"{PATH}?job={JOB}")
    form = ada.forms(f"{PATH}?job={JOB}")["backfill"]
    answers = [ada.send(form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert f"job={JOB}" in answers[0].headers["location"]
    (search,) = broken.store.backfills.of_branch(PLACE)
    assert (search.good, search.bad, search.by, search.dry) == (GOOD.revision, BAD.revision, "ada", False)
    assert "asked for by ada" in ada.get(f"{PATH}?job={JOB}").text
    assert "Who broke it" in visitor.get(PATH).text
    middle = f"/pushes/try/{MIDDLE.revision}"
    assert "Who broke it" not in visitor.get(middle).text
    broken.store.backfills.run_at(search.id, [MIDDLE.revision], "has it run", broken.clock(), broken.clock() + 60)
    assert "run at 1 push for it, asked for by ada" in visitor.get(middle).text
    job = visitor.get(f"{middle}?job={JOB}").text
    assert "Open: 1 run to find who broke the job" in job
    assert visitor.get(f"{middle}?job=nothing").status_code == 404
    done = Conclusion(Found.FIRST_BAD, BAD.revision, BAD.revision, MIDDLE.revision)
    broken.store.backfills.conclude(search.id, done, "<i>dev2</i>", broken.clock())
    text = visitor.get(PATH).text
    assert "first bad: cccccccccccc by &lt;i&gt;dev2&lt;/i&gt;" in text
    assert "<i>dev2" not in text
    (listed,) = ada.client.get(f"/api/v1{PATH}").json()["pushes"][0]["backfills"]
    assert (listed["state"], listed["by"], listed["author"]) == ("first_bad", "ada", "<i>dev2</i>")


def test_a_branch_has_the_button_for_what_keeps_failing(broken: House, ada: Person, visitor: Person) -> None:
    """And tells of the search, on its page and in its JSON."""
    assert "backfill" not in ada.forms("/branches/try/main")
    newer = push("d" * 40, branch="main")
    broken.hear(PushFacts(newer, "", "dev3", 200.0), failure(JOB, "5", push=newer))
    assert "backfill" not in visitor.forms("/branches/try/main")
    assert f"{newer.revision}?system=ci&amp;branch=main&amp;job={JOB}" in visitor.get("/branches/try/main").text
    assert ada.send(ada.forms("/branches/try/main")["backfill"]).status_code == 303
    (search,) = broken.store.backfills.of_branch(PLACE)
    assert (search.job, search.good, search.bad, search.by) == (JOB, GOOD.revision, BAD.revision, "ada")
    assert "asked for by ada" in visitor.get("/branches/try/main").text
    (listed,) = visitor.client.get("/api/v1/branches/try/main").json()["backfills"]
    assert (listed["job"], listed["state"]) == (JOB, "open")


def test_what_needs_no_run_is_said(broken: House, ada: Person) -> None:
    """Nothing is recorded."""
    form = ada.forms(f"{PATH}?job={JOB}")["backfill"]
    broken.hear(event(JOB, "4", push=MIDDLE, result="success"))
    answer = ada.send(form)
    assert answer.status_code == 200
    assert "First bad: cccccccccccc by &lt;i&gt;dev2&lt;/i&gt;." in answer.text
    assert broken.store.backfills.of_branch(PLACE) == ()


def test_it_has_the_protection_of_every_form(broken: House, ada: Person, visitor: Person) -> None:
    """A session, the form's own token, and our own page."""
    form = ada.forms(f"{PATH}?job={JOB}")["backfill"]
    assert ada.send(form, {"origin": "https://evil.example"}).status_code == 403
    assert ada.send({**form, "form": "x"}).status_code == 403
    assert visitor.send(form).status_code == 401
    assert ada.send({**form, "job": "no such job"}).status_code == 400
    assert ada.get(f"{PATH}/backfill").status_code in (404, 405)
    assert broken.store.backfills.of_branch(PLACE) == ()


def test_no_button_for_what_passes(broken: House, ada: Person) -> None:
    """There is nobody to look for."""
    assert "backfill" not in ada.forms(f"/pushes/try/{GOOD.revision}?job={JOB}")
