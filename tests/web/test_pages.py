"""What pages show: everything that is known, nothing executable, under headers that allow nothing else."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.fakes.clock import Clock
from tests.fakes.sampled import sampled
from tests.fakes.site import House, Person
from tests.fakes.world import event, failure, push
from tests.web.page import PATH
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Push, Result
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope
from triggerbot.core.policy.expectation import Expected
from triggerbot.liveness import Check
from triggerbot.store import Crash, CrashClass, DeadLetter, Pause, Summary

HOSTILE = "<script>alert(1)</script>\"'&"


def hear_of(house: House, number: int, **more: Any) -> Push:
    """Let one job of a push pass."""
    where = push(f"{number:07x}", project=more.pop("project", "try"), branch=more.pop("branch", "try"))
    house.clock.move(0.001)
    house.hear(event("job", str(number), push=where, result="success", **more))
    return where


def rows(answer: httpx.Response) -> list[str]:
    """Return the revisions of the pushes in a list."""
    return re.findall(r"<code>([0-9a-f]{7})</code>", answer.text)


# -- the list ---------------------------------------------------------------------------------------------------


def test_the_list_shows_the_health_of_pushes_in_words_and_why(house: House, visitor: Person) -> None:
    """The newest comes first; a push that is not judged yet says so."""
    said = "Bug 1: first line\n\nand the rest of it"
    run = house.ci.run("abcdef1", "linux", result="failure")
    house.hear(failure("linux", run["run_id"], author="ada", message=said, time=house.clock()))
    house.settle()
    hear_of(house, 2, message="Bug 2")

    text = visitor.get("/").text

    assert text.index("Bug 2") < text.index("Bug 1: first line")
    assert "the rest of it" not in text
    assert "not judged yet" in text
    assert re.search(r'<span class="badge pending">.*?pending</span>', text)
    assert "retriggers running" in text
    assert "ada" in text
    assert '<time datetime="2026-' in text


def test_pushes_are_filtered_by_what_a_form_without_script_says(house: House, visitor: Person) -> None:
    """By project, branch, author and text; each alone and together."""
    hear_of(house, 1, author="ada", message="Fix the parser")
    hear_of(house, 2, project="octo/app", branch="main", author="grace", message="Fix the lexer")
    hear_of(house, 3, project="octo/app", branch="next", author="Grace Hopper", message="100% done_")

    assert rows(visitor.get("/")) == ["0000003", "0000002", "0000001"]
    assert rows(visitor.get("/", project="octo/app")) == ["0000003", "0000002"]
    assert rows(visitor.get("/", branch="main")) == ["0000002"]
    assert rows(visitor.get("/", author="grace")) == ["0000003", "0000002"]
    assert rows(visitor.get("/", text="FIX")) == ["0000002", "0000001"]
    assert rows(visitor.get("/", text="%")) == ["0000003"]
    assert rows(visitor.get("/", project="octo/app", author="grace", text="lexer")) == ["0000002"]
    assert rows(visitor.get("/", text="nothing like it")) == []
    assert '<option value="octo/app" selected>' in visitor.get("/", project="octo/app").text


def test_pushes_are_filtered_by_their_health(house: House, visitor: Person) -> None:
    """By their last verdict; a push that is not judged yet has no health."""
    one, two, _ = (hear_of(house, number) for number in (1, 2, 3))
    for where, health in ((one, "failing"), (two, "good")):
        house.store.reports.judged(Summary(where, health, "", None, "", None, 0.0, 0.0), [], [], house.clock())

    found = {health: rows(visitor.get("/", health=health)) for health in ("failing", "good", "pending", "")}
    assert found == {
        "failing": ["0000001"], "good": ["0000002"], "pending": [], "": ["0000003", "0000002", "0000001"],
    }  # fmt: skip
    assert '<option value="failing" selected>' in visitor.get("/", health="failing").text


def test_a_list_has_a_hundred_pushes_unless_more_are_asked_for(house: House, visitor: Person) -> None:
    """At most a thousand; a value that is no number is ignored."""
    for number in range(110):
        hear_of(house, number)

    assert len(rows(visitor.get("/"))) == 100
    assert len(rows(visitor.get("/", limit="105"))) == 105
    assert len(rows(visitor.get("/", limit="999999999999"))) == 100
    assert len(rows(visitor.get("/", limit="5000"))) == 110
    assert len(rows(visitor.get("/", limit="-3"))) == 100
    assert "Show up to 1,000" in visitor.get("/").text


@pytest.mark.parametrize(
    ("path", "name", "number", "pushes"),
    [
        ("pushes", "limit", "2", 2), ("pushes", "limit", "0000000002", 2), ("pushes", "limit", "9" * 5000, 3),
        ("pushes", "limit", "", 3), ("pushes", "limit", "0", None), ("pushes", "limit", "-1", None),
        ("pushes", "limit", "²", None), ("stats", "days", "0", None), ("stats", "days", "1.5", None),
    ],
)  # fmt: skip
def test_the_api_names_an_invalid_number(
    house: House, visitor: Person, path: str, name: str, number: str, pushes: int | None
) -> None:
    """An answer to another request than the one sent would go unnoticed."""
    for one in range(3):
        hear_of(house, one)

    answer = visitor.get(f"/api/v1/{path}", **{name: number})

    if pushes is None:
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(f"{name} is a whole number from 1 to ")
    else:
        assert len(answer.json()["pushes"]) == pushes


def test_what_holds_everything_up_is_on_top_of_pages(house: House, visitor: Person) -> None:
    """A pause with who and why, and open breakers."""
    house.hear(failure())
    assert "paused" not in visitor.get("/").text
    house.store.limits.pause(Pause(house.clock(), "grace", f"moving {HOSTILE}"))
    place = BreakerKey(BreakerScope.SYSTEM, "ci")
    house.store.limits.save_breaker(
        Breaker(place, trouble=BreakerCause.REQUESTS, since=house.clock(), why="5 requests in a row failed"),
        house.clock(),
    )

    for path in ("/", PATH, f"{PATH}?job=job", "/about", "/errors", "/actions", "/statistics"):
        text = visitor.get(path).text
        assert "Everything is paused</strong> by grace" in text, path
        assert "moving &lt;script&gt;" in text
        assert "5 requests in a row failed" in text


def test_a_dry_run_says_so(make_house: Callable[..., House], clock: Clock) -> None:
    """On every page that might suggest that something is sent."""
    house = make_house(clock=clock, dry=True)
    run = house.ci.run("abcdef1", "job", result="failure")
    house.hear(failure("job", run["run_id"]))
    house.settle()
    with Person(house) as visitor:
        assert "Dry run" in visitor.get("/").text
        text = visitor.get(PATH).text
    assert "Would be retriggered" in text
    assert "nothing is sent" in text


# -- the other pages --------------------------------------------------------------------------------------------


def test_about_shows_the_rules_in_force(make_house: Callable[..., House], clock: Clock) -> None:
    """In sentences, from the live config."""
    house = make_house(clock=clock, more="caps: {service: 777}\nretention: 30d")
    with Person(house) as visitor:
        text = visitor.get("/about").text
    assert "A test job that failed is run 2 more times" in text
    assert "“*-unstable”" in text
    assert "777 in all" in text
    assert "30 d" in text
    assert "--no-retry" in text


def test_statistics_are_tables_beside_their_plots(house: House, visitor: Person) -> None:
    """By hour for a day, by day for longer; decisions with their reasons, and how retriggers ended."""
    run = house.ci.run("abcdef1", "linux", result="failure")
    house.hear(failure("linux", run["run_id"]), failure("job-unstable", "9"))
    house.hear(failure("flaky-unstable", "10"), event("flaky-unstable", "11", result="success"))
    house.settle()

    week, day = visitor.get("/statistics").text, visitor.get("/statistics", days="1").text

    assert "Retriggers a day" in week
    assert "Retriggers an hour" in day
    assert "<svg" in week
    for text in (week, day):
        assert "Sent: 2" in text
        assert "job_excluded" in text
    assert re.search(r"flaky-unstable.*?1 of 1.*?<circle", week, re.DOTALL)
    assert "an estimate" in week
    assert visitor.get("/statistics", days="nonsense").status_code == 200


def test_what_is_measured_is_told_with_its_job_and_in_the_statistics(house: House, visitor: Person) -> None:
    """The run of the sample is beside the job's own runs, and the verdict is what it was."""
    ran = event("job", "7", result="success", time=house.clock())
    sampled(house.store, ran, Result.FAILURE, house.clock())
    house.settle()

    job, statistics = visitor.get(f"/pushes/try/{ran.push.revision}", job="job").text, visitor.get("/statistics").text

    told = "asked for to measure triggerbot&#39;s own accuracy; decides nothing"
    assert told in job
    assert "1 failed and 0 passed so far" in job
    assert "passed: right in 0.0 % (0.0 to 79.3), n = 1" in statistics


def test_statistics_of_nothing_claim_nothing(house: House, visitor: Person) -> None:
    """Before the first run no missing machine time is blamed on a CI."""
    text = visitor.get("/statistics").text

    assert "No run was heard of in this time" in text
    assert "Machine time" not in text
    assert "<table" not in text


def test_errors_list_what_does_not_work_and_what_could_not_be_triggered(house: House, visitor: Person) -> None:
    """Parts, dead letters, crashes, and requests that the CI did not take, with links to their jobs."""
    run = house.ci.run("abcdef1", "linux", result="failure")
    house.ci.fault("retrigger", times=None, status=403, body=b'{"error": "no permission"}')
    house.hear(failure("linux", run["run_id"]))
    house.settle()
    house.store.letters.add([DeadLetter(0, house.clock(), "ci", "webhook", f"KeyError {HOSTILE}", b"secret body")])
    house.store.crashes.add([Crash(house.clock(), "host/2", "SIGSEGV", "ValueError: boom")])
    house.checks["queue pulse"] = Check.fail_if("the broker does not answer")
    house.checks["poll ci"] = Check.warn_if("slow today")

    text = visitor.get("/errors").text

    assert "The other 2 parts work" in text
    assert text.index("the broker does not answer") < text.index("The other 2 parts work")
    assert "the broker does not answer" in text
    assert "slow today" in text
    assert "KeyError &lt;script&gt;" in text
    assert "secret body" not in text
    assert "SIGSEGV" in text
    assert "job=linux" in text
    assert "no permission" in text or "403" in text


def test_a_branch_of_which_nothing_is_heard_is_on_every_page(house: House, visitor: Person) -> None:
    """Until something is."""
    now = house.clock()
    house.store.expectations.follow([Expected("try", "<b>main", 100.0)], {}, now)
    assert "Nothing was heard" not in visitor.get("/").text
    house.clock.move(7200.0)
    text = visitor.get("/").text
    assert "Nothing was heard of try <code>&lt;b&gt;main</code>" in text
    assert "something is expected every 1.7 min" in text


def test_the_root_cause_of_crashes_stands_above_them(house: House, visitor: Person) -> None:
    """Of those that died together, the first."""
    now = house.clock()
    house.store.crashes.add([
        Crash(now - 2, "host/2", "exit code 1", f"ValueError: {HOSTILE}", "", 1, 77, 120.0, CrashClass.BUG),
        Crash(now - 1, "host/1", "SIGKILL", order=2),
        Crash(now, "host/3", "SIGKILL", order=3),
    ])  # fmt: skip
    text = visitor.get("/errors").text
    assert "Root cause: worker 2, ValueError: &lt;script&gt;" in text
    assert "a bug of triggerbot or of a library, after 2 min, two others followed." in text


# -- nothing of it is executed ----------------------------------------------------------------------------------


def test_whatever_is_foreign_stays_text(house: House, visitor: Person) -> None:
    """Names, messages, lines, machines, steps, notes: in texts, attributes and addresses."""
    long = "n" * 300
    house.hear(
        failure(
            HOSTILE, HOSTILE, author=HOSTILE, message=HOSTILE, failures=(HOSTILE,), pool=HOSTILE, step=HOSTILE,
            url="https://ci.example/" + HOSTILE,
        ),
        failure(long, "2", failures=("x" * 3000,)),
        event(f"passed {HOSTILE}", "3", result="success", url=f"https://ci.example/{HOSTILE}"),
    )  # fmt: skip
    house.settle()

    for query in ({}, {"job": HOSTILE}, {"job": long}, {"project": HOSTILE, "text": HOSTILE}):
        for path in ("/", PATH):
            text = visitor.get(path, **query).text
            assert "<script>alert" not in text
            assert "\"'&" not in text.replace("&#34;", '"').replace("&#39;", "'") or "&amp;" in text
            assert re.findall(r"<script[^>]*>", text) == [text[text.index("<script") : text.index("></script>") + 1]]
    assert long in visitor.get(PATH).text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example/", "JaVaScRiPt:x", "ftp://x/"]
)
def test_only_addresses_of_pages_become_links(house: House, visitor: Person, url: str) -> None:
    """Any other address from a CI is left out; the letter stays."""
    house.hear(failure("job", "1", url=url), event("fine", "2", result="success", url=url))

    for query in ({}, {"job": "job"}):
        text = visitor.get(PATH, **query).text
        assert f'href="{url}' not in text
        assert 'role="img"' in text


PAGES = (
    "/",
    PATH,
    f"{PATH}?job=job",
    "/branches/try/try",
    "/about",
    "/statistics",
    "/errors",
    "/actions",
    "/login",
    "/pushes/try/fff",
    "/?fragment=1",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_headers_that_defend_it(house: House, visitor: Person, path: str) -> None:
    """A strict policy, whatever the status, and nothing in the page that needs a weaker one."""
    house.hear(failure())

    answer = visitor.get(path)

    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<[^>]+\s(on\w+|style)=", answer.text)
    assert not re.search(r'(src|href|action)="(https?:)?//', answer.text.replace("https://ci.example", ""))


def test_files_are_kept_by_browsers_for_as_long_as_they_stay_the_same(house: House, visitor: Person) -> None:
    """The address changes with the content; an old address serves the new content, uncached."""
    address = re.search(r'href="(/static/[0-9a-f]+/page\.css)"', visitor.get("/").text)
    assert address is not None

    answer = visitor.get(address[1])
    again = visitor.client.get(address[1], headers={"if-none-match": answer.headers["etag"]})
    old = visitor.get("/static/0000/page.css")

    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert again.status_code == 304
    assert old.headers["cache-control"] == "no-store"
    assert old.content == answer.content
    assert visitor.get("/static/0000/../../pages.py").status_code == 404
    assert visitor.get("/static/0000/..%2fpages.py").status_code == 404


def test_a_store_that_does_not_answer_is_said_in_a_page(house: House, visitor: Person) -> None:
    """503, with the time to retry."""

    def unavailable(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    house.store.pushes.search = unavailable  # type: ignore[method-assign, assignment]

    answer = visitor.get("/")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "the disk is full" in answer.text


def test_a_large_page_arrives_whole(house: House, visitor: Person) -> None:
    """With thousands of jobs, each of them in it."""
    house.hear(*(event(f"job-{number:04}", str(number), result="success") for number in range(3000)))

    answer = visitor.get(PATH)

    assert len(answer.content) == int(answer.headers["content-length"])
    assert answer.text.endswith("</html>")
    assert answer.text.count('<a href="?system=ci&amp;branch=try&amp;job=job-') == 3000
    assert visitor.client.head(PATH).content == b""


def test_a_path_below_which_a_proxy_serves_it_is_in_every_link(make_house: Callable[..., House], clock: Clock) -> None:
    """The proxy strips it from requests."""
    from triggerbot.web.session import Access

    house = make_house(clock=clock, access=Access(address="https://ci.example/bot", tokens=("t" * 20,)))
    house.hear(failure())
    with Person(house) as visitor:
        for path in ("/", PATH):
            links = re.findall(r'(?:href|src|action)="(/[^"]*)"', visitor.get(path).text)
            assert links
            assert [link for link in links if not link.startswith("/bot/")] == []
