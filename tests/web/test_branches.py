"""The page of a branch, and its JSON: jobs by pushes, and what keeps failing there."""

import re
from urllib.parse import quote

import pytest

from tests.fakes.site import House, Person
from tests.fakes.world import event, push
from triggerbot.core.model import Push
from triggerbot.store import Pause

LINE = "test_a.py::test_one FAILED"
HOSTILE = "<script>alert(1)</script>\"'&"


def hear(house: House, project: str = "try", branch: str = "main", **jobs: str) -> list[Push]:
    """Let jobs end at the pushes of a branch as letters say, newest first; returns the pushes."""
    letters = list(zip(*jobs.values(), strict=True))
    pushes = [push(f"{number:07x}", project=project, branch=branch) for number in range(len(letters))]
    for number, (where, ends) in enumerate(zip(pushes, letters, strict=True)):
        at = house.clock() - 1000 - 60 * number
        for job, letter in zip(jobs, ends, strict=True):
            if letter != "?":
                result = {"F": "failure", "S": "success", "K": "skipped"}[letter]
                lines = (LINE,) if letter == "F" else ()
                house.hear(
                    event(
                        job, f"{number}-{job}", push=where, result=result, time=at, started=at - 9, failures=lines,
                        author=HOSTILE, message=HOSTILE,
                    )
                )  # fmt: skip
    return pushes


def test_a_branch_is_a_grid_of_jobs_by_pushes(house: House, visitor: Person) -> None:
    """What keeps failing on top, isolated failures apart; each push and each failure leads to its page."""
    hear(house, **{"linux-unstable": "FF?FS", "mac-unstable": "SFSSS", "win-unstable": "FSSSS", "fine": "SSSSS"})

    text = visitor.get("/branches/try/main").text

    assert "1 job keeps failing, 1 job fails at the newest push only, 1 isolated failure, 5 pushes looked at." in text
    assert re.search(
        r"Failing since <a href=\"/pushes/try/0000003[^>]*>0000003</a>, good at <a [^>]*>0000004</a>", text
    )
    assert text.index("Keeps failing") < text.index("Fails at the newest push") < text.index("Isolated failures")
    grid = text[text.index('<table class="grid">') :]
    rows = {
        name: re.findall(r"<td[^>]*>(?:<a[^>]*>)?(.)", row)
        for name, row in re.findall(r'<tr id="[^"]+"><th scope="row"><a[^>]*>([^<]+)</a></th>(.*?)</tr>', grid)
    }
    assert {name: "".join(letters) for name, letters in rows.items()} == {
        "linux-unstable": "FF?FS", "mac-unstable": "SFSSS", "win-unstable": "FSSSS", "fine": "SSSSS",
    }  # fmt: skip
    assert list(rows)[:2] == ["linux-unstable", "win-unstable"]
    assert HOSTILE not in text
    assert "alert(1)" in text
    for path in set(re.findall(r'href="(/pushes/[^"]+)"', text)):
        assert visitor.get(path.replace("&amp;", "&")).status_code == 200, path


def test_the_api_has_the_same_with_the_grid(house: House, visitor: Person) -> None:
    """One letter for each job and push; `jobs` chooses."""
    pushes = hear(house, **{"linux-unstable": "FFS", "fine": "SKS"})

    answer = visitor.get("/api/v1/branches/try/main").json()

    assert list(answer)[:4] == ["branch", "failing", "newest_only", "isolated"]
    assert [(one["AlertObject"], one["sha"], one["same_failure"]) for one in answer["failing"]] == [
        ("linux-unstable", pushes[1].revision, True)
    ]
    assert answer["grid"]["jobs"] == [{"job": "fine", "letters": "SKS"}, {"job": "linux-unstable", "letters": "FFS"}]
    assert [one["sha"] for one in answer["grid"]["pushes"]] == [one.revision for one in pushes]
    assert answer["grid"]["pushes"][0]["systems"] == ["ci"]
    assert visitor.get("/api/v1/branches/try/main?jobs=fi*").json()["failing"] == []


def test_many_that_begin_to_fail_together_are_one_message(house: House, visitor: Person) -> None:
    """With the failure that they share."""
    hear(house, **{f"job-{number}-unstable": "FFS" for number in range(6)})
    said = (
        f"6 jobs began to fail at 0000001: likely one cause, or the machines; all of them with the same failure: {LINE}"
    )
    assert said in visitor.get("/branches/try/main").text
    assert visitor.get("/api/v1/branches/try/main").json()["began_together"] == [
        {"sha": "0000001", "jobs": [f"job-{number}-unstable" for number in range(6)], "common_failure": LINE}
    ]


@pytest.mark.parametrize("branch", ["release/1.2", "a b%/ü", "v1..2", "main/", "?#", HOSTILE])
def test_names_may_have_slashes_and_anything_else(house: House, visitor: Person, branch: str) -> None:
    """As projects at GitHub and branches anywhere; however the address is encoded."""
    hear(house, "octo/try", branch, fine="S")
    link = re.findall(r'<span class="place"><a href="([^"]+)"', visitor.get("/").text)[0]
    for path in (
        link,
        f"/branches/octo/try/{quote(branch, safe='')}",
        f"/branches/OCTO%2FTRY/{quote(branch, safe='')}",
    ):
        assert visitor.get(path).status_code == 200, path
    path = f"/api/v1/branches/octo/try/{quote(branch, safe='')}"
    assert visitor.get(path).json()["branch"] == branch


def test_what_is_not_known_is_not_found(house: House, visitor: Person) -> None:
    """In words for people, and as JSON for programs."""
    hear(house, fine="S")
    for path in ("try/other", "other/main", "try", "try/", "main"):
        assert visitor.get(f"/branches/{path}").status_code == 404
        assert "Nothing is known of such a branch" in visitor.get(f"/branches/{path}").text
        answer = visitor.get(f"/api/v1/branches/{path}")
        assert (answer.status_code, answer.json()) == (404, {"error": "nothing is known of such a branch"})


def test_the_page_follows_what_is_judged_anew(house: House, visitor: Person) -> None:
    """What a push shows is kept only until then."""
    hear(house, **{"linux-unstable": "FFS"})
    house.settle()
    assert visitor.get("/api/v1/branches/try/main").json()["failing"]
    house.hear(event("linux-unstable", "again", push=push("0000000", branch="main"), result="success"))
    house.settle()
    house.settle()
    answer = visitor.get("/api/v1/branches/try/main").json()
    assert (answer["failing"], answer["grid"]["jobs"][0]["letters"]) == ([], "IFS")


def test_a_pause_is_shown_there_too(house: House, visitor: Person) -> None:
    """As on every page."""
    hear(house, fine="S")
    house.store.limits.pause(Pause(house.clock(), "ada"))
    assert "Everything is paused" in visitor.get("/branches/try/main").text
