"""A job whose failure follows from another, as people and programs are told of it."""

from tests.fakes.push_report import LINK
from tests.fakes.site import House, Person
from tests.fakes.world import event, failure, push
from tests.web.page import PATH
from triggerbot.reports import PushReport
from triggerbot.reports.judge import Judge
from triggerbot.reports.reporters import markdown
from triggerbot.reports.reporters.slack import blocks


def test_what_a_gate_follows_from_is_told(house: House, visitor: Person) -> None:
    """On the page, in the API, in Markdown and in Slack; it is no failing job of its own anywhere."""
    house.ci.push("abcdef1", message="Bug 1", author="ada")
    house.hear(
        failure("test-unstable", "1", time=10.0, message="Bug 1"),
        failure("gate-unstable", "2", time=20.0, needs=("test-unstable",)),
        event("fine", "3", result="success"),
    )
    house.settle()

    text = visitor.get(PATH).text
    assert "1 follows from another" in text
    assert "follows from `test-unstable`" in text
    assert "1 job failed once, 1 follows from another, 1 passed" in text
    (told,) = visitor.get("/api/v1/pushes/try/abcdef1").json()["pushes"]
    jobs = {job["job"]: job for job in told["jobs"]}
    gate = jobs["gate-unstable"]
    assert (gate["verdict"], gate["follows_from"], gate["why"]) == (
        None, ["test-unstable"], "follows from `test-unstable`",
    )  # fmt: skip
    assert gate["runs"][0]["needs"] == ["test-unstable"]

    record = house.store.pushes.record(push())
    assert record is not None
    judged = Judge(house.store, fresh=0.0).judge(record)
    report = PushReport(record, judged, LINK, {}, ())
    page = markdown.summary(report, 60_000)
    assert "#### Follow from others" in page
    assert "follows from `test-unstable`" in page
    assert "#### Failed" in page
    assert "follows from `test-unstable`" in str(blocks.details(report))
