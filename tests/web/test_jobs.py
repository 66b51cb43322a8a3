"""The page of a job over time, and its JSON: runs, how often it is intermittent, failures, machines and cost."""

import re

import pytest

from tests.fakes.site import House, Person
from tests.fakes.world import event, push
from triggerbot.core import event_json
from triggerbot.core.model import Push

LINE = "test_a.py::test_one FAILED"
HOSTILE = "<script>alert(1)</script>\"'&"
_ENDS = {"F": ("failure",), "S": ("success",), "I": ("failure", "success"), "K": ("skipped",)}


def hear(house: House, job: str = "linux-unstable", ends: str = "S", **more: str) -> list[Push]:
    """Let a job end at pushes as letters say, newest first; returns the pushes."""
    project, branch, pool = more.get("project", "try"), more.get("branch", "main"), more.get("pool", "t-linux")
    pushes = [push(f"{number:07x}", project=project, branch=branch) for number in range(len(ends))]
    for number, (where, letter) in enumerate(zip(pushes, ends, strict=True)):
        for again, result in enumerate(_ENDS.get(letter, ())):
            at = house.clock() - 1000 - 60 * number + again
            house.hear(
                event(
                    job, f"{number}-{again}-{job}", push=where, result=result, time=at, started=at - 9, pool=pool,
                    failures=(more.get("line", LINE),) if result == "failure" else (), author=HOSTILE, message=HOSTILE,
                )
            )  # fmt: skip
    for _ in range(3):
        house.settle()
    return pushes


def test_a_job_over_time_is_a_row_of_runs_that_lead_to_its_pushes(house: House, visitor: Person) -> None:
    """Newest first, a letter each; how often it was intermittent with its interval, and its failures counted."""
    pushes = hear(house, ends="SIFSI")

    text = visitor.get("/jobs/try/linux-unstable").text

    strip = text[text.index('<ol class="strip">') : text.index("</ol>")]
    links = re.findall(r'href="([^"]+)"[^>]*>(.)</a>', strip)
    assert "".join(letter for _, letter in links) == "SIFSI"
    for (path, _), where in zip(links, pushes, strict=True):
        answer = visitor.get(path.replace("&amp;", "&"))
        assert answer.status_code == 200
        assert where.revision in path
        assert "linux-unstable" in answer.text
    assert "Intermittent (flaky) at 40 % (12 % to 77 %): 2 of 5 pushes that ran it." in text
    assert "At 3 pushes, at 2 of them another run passed." in text
    assert LINE in text
    assert "alert(1)" in text
    assert HOSTILE not in text


def test_the_api_has_the_same(house: House, visitor: Person) -> None:
    """Runs, rate, trend, failures, branches, pools, seconds, and retriggers."""
    pushes = hear(house, ends="SIFK")

    answer = visitor.get("/api/v1/jobs/try/linux-unstable").json()

    assert [(one["revision"], one["letter"]) for one in answer["pushes"]] == [
        (where.revision, letter) for where, letter in zip(pushes, "SIFK", strict=True)
    ]
    assert answer["looked_at"] == 4
    assert (answer["intermittent"]["intermittent"], answer["intermittent"]["ran"]) == (1, 3)
    failure = answer["failures"][0]
    assert (failure["line"], failure["pushes"], failure["intermittent"]) == (LINE, 2, 1)
    assert (failure["first_revision"], failure["last_revision"]) == (pushes[2].revision, pushes[1].revision)
    assert [(one["name"], one["failed"], one["ran"]) for one in answer["branches"]] == [("main", 2, 3)]
    assert [(one["name"], one["failed"], one["ran"], one["differs"]) for one in answer["pools"]] == [
        ("t-linux", 2, 3, 0)
    ]
    assert answer["seconds"] == {"median": 9, "p95": 9}


def test_what_retriggers_cost_and_proved_is_said(house: House, visitor: Person) -> None:
    """Those that triggerbot asked for, not those that others started."""
    house.ci.outcome = lambda _: "success"
    house.ci.push("a" * 16)
    failed = house.ci.run("a" * 16, "linux", result="failure", failures=[LINE])
    house.hear(event_json.from_json(failed, "ci"))
    house.settle()
    for one in house.ci.made("a" * 16, "linux"):
        house.hear(event_json.from_json(one, "ci"))
    house.settle()

    answer = visitor.get("/api/v1/jobs/try/linux").json()

    asked = sum(house.ci.jobs_asked().values())
    assert asked
    assert (answer["retriggers"]["passed"], answer["retriggers"]["proved_intermittent"]) == (asked, 1)
    text = visitor.get("/jobs/try/linux").text
    assert f"{asked} passed, 0 failed" in text
    assert "They proved 1 failure to be intermittent." in text


def test_one_pool_is_only_blamed_with_evidence(house: House, visitor: Person) -> None:
    """Two of two prove nothing; fifteen of fifteen against none of fifteen do."""
    hear(house, "few", "FF", pool="bad")
    hear(house, "few", "SS", pool="good", branch="other")
    hear(house, "many", "F" * 15, pool="bad")
    hear(house, "many", "S" * 15, pool="good", branch="other")

    few, many = (visitor.get(f"/api/v1/jobs/try/{job}").json()["pools"] for job in ("few", "many"))

    assert {one["name"]: one["differs"] for one in few} == {"bad": 0, "good": 0}
    assert {one["name"]: one["differs"] for one in many} == {"bad": 1, "good": -1}
    assert "It fails more often on <code>bad</code>" in visitor.get("/jobs/try/many").text
    assert "No pool fails more often" in visitor.get("/jobs/try/few").text


def test_one_branch_alone(house: House, visitor: Person) -> None:
    """`branch` chooses; the page says so, and leads back."""
    hear(house, ends="FS")
    hear(house, ends="SSS", branch="other")

    answer = visitor.get("/api/v1/jobs/try/linux-unstable?branch=other").json()

    assert [one["letter"] for one in answer["pushes"]] == ["S", "S", "S"]
    assert "3 pushes of other" in visitor.get("/jobs/try/linux-unstable?branch=other").text


def test_a_job_that_did_not_run_lately_is_still_known(house: House, visitor: Person) -> None:
    """By its failures and by what it ran at, for longer than the row reaches back."""
    hear(house, "old-unstable", "I", branch="old")
    hear(house, "new", "S" * 101)

    text = visitor.get("/jobs/try/old-unstable").text

    assert "It ran at none of them" in text
    assert LINE.partition("::")[0] in text


@pytest.mark.parametrize("job", ["a/b", "a b%/ü", "v1..2", "main/", "?#", HOSTILE, "test (3.11)", "build (push)"])
def test_names_may_have_slashes_and_anything_else(house: House, visitor: Person, job: str) -> None:
    """As projects at GitHub; every name leads there from the page of its push and from its branch."""
    where = hear(house, job, "S", project="octo/try")[0]
    for page in (f"/pushes/octo/try/{where.revision}", "/branches/octo/try/main"):
        link = next(iter(re.findall(r'href="(/jobs/[^"]+)"', visitor.get(page).text)), "")
        answer = visitor.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, page
    path = link.replace("&amp;", "&").replace("/jobs/octo/try", "/api/v1/jobs/OCTO%2FTRY")
    assert visitor.get(path).json()["job"] == job


def test_what_is_not_known_is_not_found(house: House, visitor: Person) -> None:
    """In words for people, and as JSON for programs."""
    hear(house, "fine", "S")
    for path in ("try/other", "other/fine", "try", "try/", "fine"):
        answer = visitor.get(f"/jobs/{path}")
        assert answer.status_code == 404, path
        assert "Nothing is known of such a job" in answer.text
        answer = visitor.get(f"/api/v1/jobs/{path}")
        assert (answer.status_code, answer.json()) == (404, {"error": "nothing is known of such a job"})


def test_names_as_pushes_show_them_are_understood(house: House, visitor: Person) -> None:
    """With what made the CI run it, where several batches of a push have that job."""
    where = push(branch="main")
    for name in ("push", "pull_request"):
        house.hear(event("test", name, push=where, result="success", batch=name, per_batch=True, event=name))
    house.settle()

    answer = visitor.get("/api/v1/jobs/try/test (push)").json()

    assert (answer["job"], len(answer["pushes"])) == ("test", 1)
    for path in re.findall(r'href="(/jobs/[^"]+)"', visitor.get(f"/pushes/try/{where.revision}").text):
        assert path == "/jobs/try/test"
