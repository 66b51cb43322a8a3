"""The page of a push and of a job."""

import html
import re
from collections.abc import Callable

from tests.fakes.clock import Clock
from tests.fakes.site import House, Person
from tests.fakes.world import event, failure, push
from tests.web.page import PATH
from triggerbot.core.model import Head, HeadKind, Result, State


def test_a_push_lists_its_jobs_with_every_run_the_worst_first(house: House, visitor: Person) -> None:
    """The string of runs as people know it, each run in words and with its address; passing jobs are folded."""
    where = push()
    house.ci.push("abcdef1", message="Bug 1", author="ada")
    house.hear(
        failure("flaky", "1", url="https://ci.example/1", message="Bug 1", author="ada", time=1_795_000_000.0),
        event("flaky", "2", result="success", url="https://ci.example/2", time=1_795_000_100.0, retrigger_of="x"),
        failure("broken-unstable", "3", failures=("TypeError: no",)),
        event("slow", "4", state=State.RUNNING),
        event("fine", "5", result="success"),
        event("gone", "6", result=Result.CANCELLED),
    )
    house.settle()

    text = visitor.get(PATH).text

    order = [text.index(f">{job}<") for job in ("broken-unstable", "flaky", "slow", "fine", "gone")]
    assert order == sorted(order)
    assert 'aria-label="O: run 1 of 2 failed, 2026-11-18' in text
    assert 'aria-label="G: run 2 of 2 passed, a retrigger, 2026-11-18' in text
    assert 'href="https://ci.example/2" target="_blank" rel="noopener noreferrer"' in text
    assert "TypeError: no" in text
    assert "<summary>" in text.partition("1 job passed")[0].rpartition("<details")[2]
    assert where.revision in text


def test_a_superseded_push_names_the_newer_commit(house: House, visitor: Person) -> None:
    """On its page, on those of its jobs, and in the API, with what a rerun may do."""
    house.hear(failure("job", "1", time=1.0))
    house.settle()
    assert "superseded" not in visitor.get(PATH).text
    for revision, at in (("abcdef1", 1.0), ("b" * 40, 2.0)):
        house.hear(Head("ci", "try", "try", HeadKind.PUSHED, revision, at))
    house.settle()
    for path in (PATH, f"{PATH}?job=job"):
        text = visitor.get(path).text
        assert "This push is superseded: the newest commit of try is bbbbbbbbbbbb, and a rerun may cancel" in text
    found = visitor.get(f"/api/v1{PATH}").json()["pushes"][0]
    assert found["superseded_by"]["revision"] == "b" * 40


def test_why_a_job_was_not_retriggered_is_explained_once(house: House, visitor: Person) -> None:
    """The reason by its name, what it means, and what can be done; the last only for the first job of several."""
    house.hear(*(failure(f"job-{number}-unstable", str(number)) for number in range(3)))

    text = visitor.get(PATH).text

    assert text.count("<strong>Not retriggered</strong> <code>job_excluded</code>") == 3
    assert text.count("The rule leaves jobs of this name alone") == 3
    assert text.count("asks for it by hand") == 1


def test_what_a_job_waits_for_is_said_as_it_is(house: House, visitor: Person) -> None:
    """Not that it waits for a turn, where it waits for another job to go first."""
    house.hear(failure("job", "1"))
    (claim,) = house.store.pushes.work(push()).claims
    note = "waits for linux-1 to go first: as linux-1, same failure"
    house.store.claims.wait(claim, claim.due + 600.0, note, claim.due, since=claim.due)

    text = html.unescape(visitor.get(PATH).text)

    assert "It waits for linux-1 to go first: as linux-1, same failure." in text
    assert "its turn" not in text
    assert "a decision is due" not in text


def test_failures_in_common_are_shown_once(house: House, visitor: Person) -> None:
    """One cause is shown with its jobs, which refer to it."""
    line = "TypeError: net.open is not a function"
    house.hear(*(failure(f"job-{number}-unstable", str(number), failures=(line,)) for number in range(9)))

    text = visitor.get(PATH).text

    assert text.count(f'<pre class="line">{line}</pre>') == 1
    assert "9 jobs show the same failure" in text
    assert "and 3 further jobs" in text
    assert text.count("failure 1 in common") == 9
    assert "8 further jobs fail alike" in text
    assert "9 jobs failed once with the same failure" in text


def test_jobs_that_fail_alike_are_folded_below_one_that_is_retriggered(
    make_house: Callable[..., House], clock: Clock
) -> None:
    """The others may have been refused; a failure of its own stays apart."""
    house = make_house(clock=clock, dry=True)
    for name, line in (("a-unstable", "x.py::test_a"), ("b", "x.py::test_a"), ("c-unstable", "y.py::test_b")):
        run = house.ci.run("abcdef1", name, result="failure")
        house.hear(failure(name, run["run_id"], failures=(f"{line}: AssertionError: 1 != 2",)))
    house.settle()

    with Person(house) as visitor:
        text = visitor.get(PATH).text

    assert "3 jobs failed once; 2 failures to look at" in text
    places = [text.index(part) for part in (">b</a></h3>", "1 further job fails alike", ">a-unstable</a></h3>")]
    assert places == sorted(places)
    assert text.index("</details>\n</li>") < text.index(">c-unstable</a></h3>")


def test_the_budget_is_shown_by_the_rule_in_force(house: House, visitor: Person) -> None:
    """Used and total are shown, and the jobs that it did not reach say so."""
    for number in range(8):
        run = house.ci.run("abcdef1", f"job-{number}", result="failure")
        house.hear(failure(run["job"], run["run_id"]))
    house.settle()

    text = visitor.get(PATH).text

    assert "5 of 5 jobs were retriggered for failures" in text
    assert "over_budget" in text


def test_options_of_a_message_are_shown_with_their_errors(house: House, visitor: Person) -> None:
    """Options such as rebuild are shown, with their errors."""
    house.hear(event("job", "1", result="success", message="Bug 1\n\ntry: -b do --rebuild 3 --rebuild x"))

    text = visitor.get(PATH).text

    assert "3 further runs of every test job" in text
    assert text.count("--rebuild wants a whole number") == 1


def test_a_cut_revision_leads_to_the_push_or_to_a_choice(house: House, visitor: Person) -> None:
    """Several pushes of one revision are told apart by branch and system; an unknown one is a 404 with words."""
    house.hear(event("job", "1", result="success"))
    house.hear(event("job", "2", push=push(branch="next"), result="success"))

    both = visitor.get("/pushes/try/abc", job="job")
    one = visitor.get("/pushes/try/ABC", branch="next")

    assert "Which push?" in both.text
    assert "branch=next&amp;job=job" in both.text
    assert "Which push?" not in one.text
    for path in ("/pushes/try/fff", "/pushes/try/nothex", "/pushes/nobody/abcdef1", "/pushes//"):
        answer = visitor.get(path)
        assert answer.status_code == 404, path
    assert "Nothing is known of such a push" in visitor.get("/pushes/try/fff").text


def test_a_job_shows_its_whole_timeline(house: House, visitor: Person) -> None:
    """Its runs with all failure lines, decisions, requests and answers, in order."""
    house.ci.push("abcdef1", message="Bug 1", author="ada")
    run = house.ci.run("abcdef1", "linux", result="failure")
    lines = ("first line", "second line")
    house.hear(failure("linux", run["run_id"], failures=lines, time=house.clock(), pool="t-linux"))
    house.settle()

    text = visitor.get(PATH, job="linux").text

    assert [word in text for word in ("first line", "second line", "t-linux")] == [True] * 3
    order = [text.index(word) for word in ("Decided (failure)", "Request:", "Answer:")]
    assert order == sorted(order)
    assert visitor.get(PATH, job="unknown").status_code == 404


def test_a_push_shows_what_its_retriggers_cost(house: House, visitor: Person) -> None:
    """Runs, and machine time as far as it is known."""
    house.hear(
        failure("flaky", "1", started=100.0, time=160.0),
        event("flaky", "2", result="success", started=200.0, time=320.0, retrigger_of="1"),
    )
    assert "Cost:" not in visitor.get(PATH).text
    run = house.ci.run("abcdef1", "linux", result="failure")
    house.hear(failure("linux", run["run_id"], started=100.0, time=160.0))
    house.settle()
    house.hear(
        event("linux", "91", result="success", started=400.0, time=520.0),
        event("linux", "92", state=State.RUNNING, time=400.0),
    )

    text = visitor.get(PATH).text

    assert re.search(r"Cost: 2 of its 5 runs are retriggers, 2 min of machine time", text)
    assert "1 of 2" in text
    house.hear(event("linux", "93", result="success", started=600.0, time=660.0))
    assert "Cost: 2 of its 6 runs" in visitor.get(PATH).text
    labelled = re.findall(r"(Run|run) (\d) of 4 [^\"<]*, a retrigger", visitor.get(PATH).text)
    assert {number for _, number in labelled} == {"2", "3"}


def test_a_passed_job_is_found_where_several_pushes_have_one_revision(house: House, visitor: Person) -> None:
    """Its link leads to the job of the push that shows it."""
    for branch in ("try", "next&more"):
        house.hear(event("fine", branch, push=push(branch=branch), result="success"))
    page = visitor.get(PATH, branch="next&more").text
    link = re.search(r'<a href="([?][^"]*job=fine)"', page)
    assert link is not None

    answer = visitor.get(PATH + html.unescape(link[1]))

    assert "Run next&amp;more" in answer.text


def test_what_can_be_typed_is_set_as_code_and_nothing_foreign_is(house: House, visitor: Person) -> None:
    """Backticks of failure lines and messages stay as they are."""
    house.hear(
        failure("job-unstable", failures=("`x` is no `triggerbot` of mine",), message="`y`\n\ntry: --rebuild `<b>`")
    )

    push, job = visitor.get(PATH).text, visitor.get(PATH, job="job-unstable").text

    assert "<code>triggerbot retrigger</code> asks for it by hand" in push
    assert "<code>triggerbot retrigger</code> asks for it by hand" in job
    for text in (push, job):
        assert text.count("`x` is no `triggerbot` of") == text.count("is no ") > 0
        assert "<b>" not in text
    assert "`y`" in push


def test_what_fails_on_the_base_too_is_told_apart(house: House, visitor: Person) -> None:
    """With its reason, in a group of its own, and the push is not failing for it."""
    base = push("ba5e" * 10)
    house.ci.push("abcdef1")
    house.hear(
        failure("broken", "1", push=base, kind="build", failures=("x.py:1: KeyError: 'a'",)),
        failure("broken", "2", kind="build", base=base.revision, failures=("x.py:1: KeyError: 'a'",)),
        event("fine", "3", result="success"),
    )
    house.settle()
    text = html.unescape(visitor.get(PATH).text)
    assert "1 fails on the base too" in text
    assert "fails on the base too (ba5eba5eba5e), so the push is judged without it" in text
    found = visitor.get(f"/api/v1{PATH}").json()["pushes"][0]
    assert (found["base"], found["health"]) == (base.revision, "good")
