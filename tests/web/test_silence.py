"""The button on the page of a branch by which nobody hears of a job any more until it passes."""

import pytest

from tests.fakes.site import House, Person
from tests.fakes.world import failure, push
from triggerbot.core.model import PushFacts

FIRST, SECOND = (push(letter * 40, branch="main") for letter in "ab")
JOB = "job-unstable"
PATH = "/branches/try/main"


@pytest.fixture
def broken(house: House) -> House:
    """Return a house with a job that keeps failing on a branch; the rule does not retrigger it."""
    for number, where in enumerate((FIRST, SECOND)):
        house.hear(PushFacts(where, "", "dev", 100.0 + number), failure(JOB, str(number), push=where))
    return house


def silenced(house: House) -> dict[str, str]:
    """List the silenced jobs, and who wanted that."""
    return {job: one.by for job, one in house.store.branches.read(FIRST.along).silenced.items()}


def test_silence_and_hear_again(broken: House, ada: Person, visitor: Person) -> None:
    """For who has logged in; everybody sees by whom."""
    assert "silence" not in visitor.forms(PATH)
    form = ada.forms(PATH)["silence"]
    assert ada.send(form).status_code == 303
    assert silenced(broken) == {JOB: "ada"}
    assert "Silenced by ada until it passes" in visitor.get(PATH).text

    again = ada.forms(PATH)["silence"]
    assert again["end"] == "yes"
    assert ada.send(again).headers["location"] == PATH
    assert silenced(broken) == {}
    assert "Silenced by" not in visitor.get(PATH).text


def test_it_has_the_protection_of_every_form(broken: House, ada: Person, visitor: Person) -> None:
    """A session, the form's own token, and our own page."""
    form = ada.forms(PATH)["silence"]
    assert ada.send(form, {"origin": "https://evil.example"}).status_code == 403
    assert ada.send({**form, "form": "x"}).status_code == 403
    assert visitor.send(form).status_code == 401
    assert silenced(broken) == {}
