"""Reports at GitHub whatever breaks in between: crashes, doubt, refusals, limits."""

import json
import re
from typing import Any

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.github.fixtures import app, clock, connect, github, key
from tests.fakes.portal import Portal
from tests.fakes.push_report import job, told
from tests.reports.reporters.github import (
    FAILED,
    GOOD,
    HERE,
    LATER,
    NEXT,
    SHA,
    Connect,
    Crash,
    Reports,
    by_token,
    check,
    comment,
    plain,
    pull,
    reports,
    writes,
)
from triggerbot.core.decision import Refusal
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.policy.slots import Rank
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.limits import OwnSlots

__all__ = ["app", "by_token", "clock", "connect", "github", "key", "pull", "reports"]


@pytest.mark.parametrize("lives", range(7))
def test_crash(github: FakeGitHub, reports: Reports, clock: Clock, lives: int) -> None:
    """Wherever the daemon dies, there is one check run and one comment, and in the end they say what is true."""
    reports.lives = lives
    for what in (FAILED, GOOD, FAILED):
        try:
            reports.report(what)
        except Crash:
            reports.lives = 1_000_000
    clock.now += 31
    reports.report(told(HERE, job("CI / test", "OG")))
    assert check(github).says["conclusion"] == "success"
    assert comment(github).body.startswith("<!-- triggerbot -->\n**Good**")
    assert writes(github).count(("POST", "check-runs")) == 1
    assert writes(github).count(("POST", "issuescomments")) == 1


@pytest.mark.parametrize("path", ["check-runs", "/issues/"])
@pytest.mark.parametrize("status", [502, 0, 408])
@pytest.mark.parametrize("applied", [True, False])
def test_in_doubt(github: FakeGitHub, reports: Reports, clock: Clock, path: str, status: int, applied: bool) -> None:
    """An answer in doubt is settled by looking: what was made is found, and only what is surely missing is made."""
    github.talk.lag = 10.0
    github.fail_next(status, "", method="POST", path=path, applied=applied)
    with pytest.raises(CIUnavailable):
        reports.report(FAILED)
    clock.now += 5
    with pytest.raises(CIUnavailable) as caught:
        reports.report(FAILED)
    assert caught.value.after is not None
    assert 20 < caught.value.after <= 25
    clock.now += caught.value.after
    reports.report(FAILED)
    assert "Failing" in comment(github).body
    assert check(github).says["conclusion"] == "failure"
    made = {"check-runs": "check-runs", "/issues/": "issuescomments"}[path]
    assert writes(github).count(("POST", made)) == (1 if applied else 2)


def test_edit_in_doubt(github: FakeGitHub, reports: Reports) -> None:
    """An edit is repeated at the next round."""
    reports.report(FAILED)
    github.fail_next(502, method="PATCH", path="check-runs")
    github.fail_next(0, method="PATCH", path="comments", applied=True)
    with pytest.raises(CIUnavailable):
        reports.report(GOOD)
    reports.report(GOOD)
    assert check(github).says["conclusion"] == "success"
    assert "All is well" in comment(github).body


def test_a_page_of_something_in_front_is_no_answer(github: FakeGitHub, connect: Connect, pull: int) -> None:
    """A login page that says 200 has reported nothing, and is not taken for GitHub."""
    with Portal(github.url, passes=False) as portal:
        reports = Reports(connect(url=portal.origin), comment=False)
        with pytest.raises(CIUnavailable, match="speaks no JSON"):
            reports.report(FAILED)
    assert portal.writes == 1
    assert not any('"says": "' in kept for kept in reports.kept.values())


def test_clock_set_back(github: FakeGitHub, reports: Reports, clock: Clock) -> None:
    """A clock that is set back does not hold a report up."""
    github.fail_next(502, method="POST", path="check-runs")
    with pytest.raises(CIUnavailable):
        reports.report(FAILED)
    clock.now -= 86_400
    github.issued.clear()
    reports.report(FAILED)
    assert check(github).says["conclusion"] == "failure"


def test_checks_denied(github: FakeGitHub, reports: Reports) -> None:
    """What is missing for one report is named, and does not hinder the other."""
    del github.granted["checks"]
    with pytest.raises(CIDenied, match="`checks: write`"):
        reports.report(FAILED)
    assert "Failing" in comment(github).body
    assert github.talk.checks == {}


def test_comments_denied(github: FakeGitHub, reports: Reports) -> None:
    """So it is with comments; and what may be read but not edited is not taken for deleted."""
    github.granted["pull_requests"] = "read"
    with pytest.raises(CIDenied, match="`pull_requests: write` or `issues: write`"):
        reports.report(FAILED)
    assert check(github).says["conclusion"] == "failure"
    github.granted["pull_requests"] = "write"
    github.clock.now += 31  # type: ignore[attr-defined]
    reports.report(FAILED)
    github.fail_next(404, "Not Found", method="PATCH", path="comments")
    with pytest.raises(CIDenied, match="pull_requests: write"):
        reports.report(GOOD)
    reports.report(GOOD)
    assert "All is well" in comment(github).body


def test_locked(github: FakeGitHub, reports: Reports) -> None:
    """Where the conversation is locked nothing can be mended: no comment is made, and the check run goes on."""
    github.fail_next(403, "Unable to create comment because issue is locked.", method="POST", path="/comments")
    reports.report(FAILED)
    reports.report(GOOD)
    assert check(github).says["conclusion"] == "success"
    assert github.talk.comments == {}


def test_what_can_be_asked(github: FakeGitHub, connect: Connect, app: AppKey, pull: int) -> None:
    """Where people may ask, the comment says how; the check run, where nobody can write, does not."""
    reports = Reports(connect(app=app, transport=plain()), mention="@CI-bot")
    reports.report(FAILED)
    assert "Comment `@CI-bot retry failed`, `@CI-bot retry JOB`, `@CI-bot why JOB` to ask" in comment(github).body
    assert "@CI-bot" not in json.dumps(check(github).says)


def test_statuses_denied(github: FakeGitHub, by_token: Reports) -> None:
    """A token without the permission for statuses, or none for pull requests, is told which it lacks."""
    del github.granted["statuses"]
    with pytest.raises(CIDenied, match="`statuses: write`"):
        by_token.report(FAILED)
    github.granted = {"statuses": "write"}
    with pytest.raises(CIDenied, match="`pull_requests: read`"):
        by_token.report(GOOD)


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (422, "Validation Failed", "Validation Failed"),
        (404, "Not Found", "statuses: write"),
        (301, "Moved Permanently", "new name"),
        (401, "Bad credentials", "Bad credentials"),
    ],
)
def test_refused(github: FakeGitHub, by_token: Reports, status: int, message: str, words: str) -> None:
    """Whatever else GitHub refuses is for a person to look at, in its own words."""
    github.fail_next(status, message, path="statuses")
    with pytest.raises(CIDenied, match=words):
        by_token.report(FAILED)


def test_commit_gone(github: FakeGitHub, reports: Reports, by_token: Reports) -> None:
    """A commit that is not there any more is not reported."""
    gone = told(HERE._replace(revision="ef" * 20), job("CI / test", "O"))
    for one in (reports, by_token):
        with pytest.raises(NotKnown):
            one.report(gone)


def test_rate_limit(github: FakeGitHub, reports: Reports, clock: Clock) -> None:
    """A limit says when to come again; until then nothing is sent."""
    github.fail_next(
        403, "You have exceeded a secondary rate limit", {"retry-after": "60"}, method="POST", path="check-"
    )
    with pytest.raises(CIUnavailable) as caught:
        reports.report(FAILED)
    assert (caught.value.after, caught.value.healthy) == (60.0, True)
    sent = len(github.requests)
    with pytest.raises(CIUnavailable) as caught:
        reports.report(FAILED)
    assert caught.value.after == 60.0
    assert len(github.requests) == sent
    clock.now += 61
    reports.report(FAILED)
    assert check(github).says["conclusion"] == "failure"


def test_turns(github: FakeGitHub, connect: Connect, app: AppKey, clock: Clock, pull: int) -> None:
    """A report whose turn to write it is not is made as soon as it is, and reads nothing before."""
    system = connect(app=app, transport=plain())
    slots = OwnSlots(clock)
    system.share(slots)
    busy = Reports(system, comment=False)
    busy.report(FAILED)
    github.talk.push(pull, LATER)
    for number in range(3):
        slots.ask(system.queue("octo/app"), f"rerun {number}", Rank.RERUN)
    read = len(github.requests)
    with pytest.raises(CIUnavailable) as caught:
        busy.report(told(NEXT, job("CI / test", "O")))
    assert len(github.requests) == read
    assert caught.value.after is not None
    assert caught.value.after > 1.0
    assert caught.value.healthy
    clock.now += caught.value.after
    busy.report(told(NEXT, job("CI / test", "O")))
    assert {one.sha for one in github.talk.checks.values()} == {SHA, LATER}


def test_a_turn_without_a_write(github: FakeGitHub, connect: Connect, app: AppKey, clock: Clock, pull: int) -> None:
    """A report that finds that there is nothing to write gives its turn back."""
    system = connect(app=app, transport=plain())
    slots = OwnSlots(clock)
    system.share(slots)
    github.talk.push(pull, LATER)  # the commit is no longer the head of the pull request
    Reports(system, check=False).report(FAILED)
    assert writes(github) == []
    assert slots.ask(system.queue("octo/app"), "another", Rank.RERUN) == 0.0


def test_unsent(github: FakeGitHub, reports: Reports, clock: Clock) -> None:
    """What GitHub surely did not make is not waited for: it is made as soon as GitHub allows."""
    again = {"retry-after": "2"}
    github.fail_next(403, "You have exceeded a secondary rate limit", again, method="POST", path="check-runs")
    with pytest.raises(CIUnavailable):
        reports.report(FAILED)
    clock.now += 2.5
    reports.report(FAILED)
    assert check(github).says["conclusion"] == "failure"
    assert "Failing" in comment(github).body


def test_soonest_error(github: FakeGitHub, reports: Reports) -> None:
    """Of two errors the one is told that may pass."""
    del github.granted["checks"]
    github.fail_next(502, method="POST", path="comments")
    with pytest.raises(CIUnavailable):
        reports.report(FAILED)


def test_not_installed(github: FakeGitHub, reports: Reports) -> None:
    """Where the App is not installed, somebody has to install it."""
    github.not_installed.add("octo/app")
    with pytest.raises(CIDenied, match="not installed"):
        reports.report(FAILED)


@pytest.mark.parametrize("kept", ["", "no json", "[]", '{"check": {"id": "x"}}'])
def test_forgotten(github: FakeGitHub, reports: Reports, kept: str) -> None:
    """If what was kept is lost or damaged, what was made is found again."""
    reports.report(FAILED)
    reports.kept[HERE] = kept
    reports.report(GOOD)
    assert check(github).says["conclusion"] == "success"
    assert "All is well" in comment(github).body


def test_two_branches(github: FakeGitHub, reports: Reports) -> None:
    """A commit on two branches has a check run for each: neither hides the other."""
    other = HERE._replace(branch="release/<1>")
    reports.report(FAILED)
    reports.report(told(other, job("CI / test", "G")))
    reports.kept.clear()
    reports.report(FAILED)
    reports.report(told(other, job("CI / test", "OG")))
    assert {one.says["name"]: one.says["conclusion"] for one in github.talk.checks.values()} == {
        "triggerbot": "failure",
        "triggerbot (release/<1>)": "success",
    }
    assert len(github.talk.comments) == 1


def test_a_thousand_jobs(github: FakeGitHub, reports: Reports) -> None:
    """A push at which a thousand jobs fail is reported within GitHub's limits."""
    names = (f"CI / <script>@dev #12 `{number}` {'é' * 300}" for number in range(1000))
    jobs = [
        job(name, "OOO", lines=["src/a.py:1: AssertionError: <b>1</b>"] * (number % 2), refusal=Refusal.OVER_BUDGET)
        for number, name in enumerate(names)
    ]
    reports.report(told(HERE, *jobs, fresh=frozenset(one.job for one in jobs[:500])))
    summary: Any = check(github).says["output"]["summary"]
    for text in (summary, comment(github).body):
        assert 10_000 < len(text.encode()) < 65_535
        assert re.search(r"and \[\d+ more\]", text)
