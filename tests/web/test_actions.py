"""Actions on the page: protection of forms, and recording under the person's name."""

import html
import re

import pytest

from tests.fakes.clock import Clock
from tests.fakes.site import House, Person
from tests.fakes.world import event, failure
from tests.web.page import PATH, claims
from triggerbot.core.claim import ClaimState
from triggerbot.web.session import SESSION_SECONDS

# -- forms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": "http://{host}"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_form_of_another_site_is_refused(house: House, ada: Person, headers: dict[str, str]) -> None:
    """Even with the session and the form's own token."""
    house.hear(failure())
    host = house.url.removeprefix("http://")

    answer = ada.send(ada.forms(PATH)["retrigger"], {name: value.format(host=host) for name, value in headers.items()})

    assert answer.status_code == 403
    assert claims(house) == []


def test_older_browsers_name_the_page_that_a_form_is_on(house: House, ada: Person) -> None:
    """They send Origin rather than Sec-Fetch-Site, which is accepted."""
    house.hear(failure())

    answer = ada.send(ada.forms(PATH)["retrigger"], {"origin": house.url})

    assert answer.status_code == 303


def test_a_form_needs_the_token_of_its_page(house: House, ada: Person, clock: Clock) -> None:
    """None, another's, and one that is too old are refused."""
    house.hear(failure())
    form = ada.forms(PATH)["retrigger"]
    with Person(house) as grace:
        grace.log_in("grace")
        foreign = grace.forms(PATH)["retrigger"]["form"]

    for token in ("", "x", "..", foreign, form["form"][:-1]):
        assert ada.send({**form, "form": token}).status_code == 403
    clock.move(SESSION_SECONDS - 1)
    ada.log_in()
    clock.move(2)
    assert ada.send(form).status_code == 403
    assert claims(house) == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"a": 1}', "application/json"),
        (b"form=x", "text/plain"),
        (b"a=1&" * 100, "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded"),
        (b"a=\xff\xfe", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_form_of_the_page_is_refused(house: House, ada: Person, content: bytes, kind: str) -> None:
    """Before it is parsed any further."""
    headers = {"content-type": kind, "sec-fetch-site": "same-origin"}

    assert ada.client.post("/pause", content=content, headers=headers).status_code == 400


def test_pages_are_only_changed_by_post(house: House, ada: Person) -> None:
    """A link or an image cannot act."""
    for path in ("/pause", "/resume", "/logout", f"{PATH}/retrigger"):
        assert ada.get(path).status_code in (404, 405)


# -- retriggering -----------------------------------------------------------------------------------------------


def test_a_retrigger_is_asked_for_once_however_often_the_form_is_sent(house: House, ada: Person) -> None:
    """It is recorded under the person's name; the form of a reloaded page is a new request."""
    run = house.ci.run("abcdef1", "job-unstable", result="failure")
    house.hear(failure("job-unstable", run["run_id"]))
    form = ada.forms(PATH)["retrigger"]

    answers = [ada.send(form, count="2") for _ in range(3)]
    house.settle()

    assert {answer.status_code for answer in answers} == {303}
    assert answers[0].headers["location"].startswith(f"{PATH}?system=ci&branch=try")
    (claim,) = claims(house, "job-unstable")
    assert (claim.wanted, claim.state) == (2, ClaimState.DONE)
    assert house.ci.jobs_asked() == {("abcdef1", "job-unstable"): 2}
    assert "2 further runs, ada asked for it on this page" in ada.get(PATH).text
    assert "Recorded: 2 further runs asked for" in ada.get(answers[0].headers["location"]).text

    ada.send(ada.forms(PATH)["retrigger"], count="2")
    assert len(claims(house, "job-unstable")) == 2


def test_a_confirmation_is_only_shown_to_people_who_may_act(house: House, ada: Person, visitor: Person) -> None:
    """A shared address shows no confirmation to visitors."""
    house.hear(failure())

    assert "Recorded: 3 further runs" in ada.get(PATH, asked="3").text
    assert "Recorded" not in visitor.get(PATH, asked="3").text


@pytest.mark.parametrize("count", ["0", "21", "-1", "1.5", "", "one", "99999999999999", "²"])
def test_the_number_of_runs_is_limited(house: House, ada: Person, count: str) -> None:
    """As many as the rule lets people ask for."""
    house.hear(failure())

    answer = ada.send(ada.forms(PATH)["retrigger"], count=count)

    assert answer.status_code == 400
    assert "Between 1 and 20" in answer.text
    assert claims(house) == []


def test_everything_that_fails_is_retriggered_by_one_button(house: House, ada: Person) -> None:
    """Only what fails every time; the rest is left alone."""
    house.hear(
        *(failure(f"job-{number}-unstable", str(number)) for number in range(3)),
        event("fine", "9", result="success"),
    )
    forms = re.findall(r'<form class="again all".*?</form>', ada.get(PATH).text, re.DOTALL)
    assert "each of 3 failing jobs" in forms[0]
    token = re.search(r'name="form" value="([^"]+)"', forms[0])
    action = re.search(r'action="([^"]+)"', forms[0])
    assert token is not None
    assert action is not None

    answer = ada.send({"action": html.unescape(action[1]), "form": token[1], "count": "2"})

    assert answer.headers["location"].endswith("asked=6")
    assert [len(claims(house, job)) for job in ("job-0-unstable", "job-1-unstable", "job-2-unstable", "fine")] == [
        1, 1, 1, 0,
    ]  # fmt: skip


def test_a_job_that_is_not_known_cannot_be_retriggered(house: House, ada: Person) -> None:
    """The same goes for an unknown push, and a project that no rule watches any more."""
    house.hear(failure())
    form = ada.forms(PATH)["retrigger"]

    assert ada.send(form, job="another").status_code == 400
    assert ada.send({**form, "action": "/pushes/try/fff/retrigger"}).status_code == 404
    assert ada.send({**form, "action": "/pushes/nobody/abcdef1/retrigger"}).status_code == 404


def test_a_job_of_the_longest_name_can_be_retriggered(house: House, ada: Person) -> None:
    """Escaped for a form, it is more than ten times as long."""
    name = "😀" * 4000
    house.hear(failure(name))

    assert ada.send(ada.forms(PATH)["retrigger"]).status_code == 303
    assert len(claims(house, name)) == 1


def test_from_the_page_of_a_job_one_comes_back_to_it(house: House, ada: Person) -> None:
    """The page shows what was recorded."""
    house.hear(failure())

    answer = ada.send(ada.forms(f"{PATH}?job=job")["retrigger"])

    assert "job=job" in answer.headers["location"]
    assert "Not sent yet" in ada.get(answer.headers["location"]).text


# -- the switch -------------------------------------------------------------------------------------------------


def test_pausing_and_resuming_are_recorded_with_who_did_it(house: House, ada: Person) -> None:
    """The first person to pause stays on record."""
    form = ada.forms("/")["pause"]
    assert ada.send(form, note="the CI\nis being moved").status_code == 303
    with Person(house) as grace:
        grace.log_in("grace")
        grace.send(form, note="mine")
        assert "pause" not in grace.forms("/")

        paused = house.store.limits.paused()
        assert paused is not None
        assert (paused.by, paused.note) == ("ada", "the CI is being moved")

        assert grace.send(grace.forms("/")["resume"]).status_code == 303
    assert house.store.limits.paused() is None


# -- who did what -------------------------------------------------------------------------------------------------


def test_what_people_did_is_listed(house: House, ada: Person, visitor: Person, clock: Clock) -> None:
    """On a page and in the API: once each, however often a form is sent, with who did it and where it leads."""
    house.hear(failure())
    form = ada.forms(PATH)["retrigger"]
    for _ in range(2):
        assert ada.send(form).status_code == 303
    clock.move(1)
    ada.send(ada.forms("/")["pause"] | {"note": "<b>closed</b>"})
    clock.move(1)
    ada.send(ada.forms("/")["resume"])

    found = ada.client.get("/api/v1/actions").json()["actions"]
    text = visitor.get("/actions").text

    assert [one["action"] for one in found] == ["resume", "pause", "retrigger"]
    assert {(one["by"], one["via"]) for one in found} == {("ada", "page")}
    assert (found[2]["what"], found[2]["jobs"], found[2]["count"]) == ("job", 1, 1)
    assert "paused all sending: &lt;b&gt;closed&lt;/b&gt; (on the page)" in text
    assert re.search(r'<a href="/pushes/try/[^"]+">asked for 1 further run of job at try ', text)
    assert ada.client.get("/api/v1/actions?limit=1").json()["actions"] == found[:1]
    assert ada.client.get("/api/v1/actions?limit=x").status_code == 400


def test_nobody_did_anything(visitor: Person) -> None:
    """The page says so."""
    assert "Nobody paused, resumed or asked for anything" in visitor.get("/actions").text
