"""Reports at GitHub: check run, status and comment, made once and edited in place."""

import json
from dataclasses import replace

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.github.fixtures import app, clock, connect, github, key
from tests.fakes.push_report import LINK, Clean, job, told
from tests.reports.reporters.github import (
    FAILED,
    GOOD,
    HERE,
    LATER,
    NEXT,
    SHA,
    Connect,
    Reports,
    by_token,
    check,
    comment,
    plain,
    pull,
    reports,
    writes,
)
from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.reports import PushReport
from triggerbot.systems.github import client
from triggerbot.systems.github.auth import AppKey

__all__ = ["app", "by_token", "clock", "connect", "github", "key", "pull", "reports"]

PENDING = told(HERE, job("CI / test", "."))
#: It failed, and runs again.
AGAIN = told(HERE, job("CI / test", "O."))


def test_edited_in_place(github: FakeGitHub, reports: Reports) -> None:
    """One check run and one comment are made, and edited as verdicts come; what changes nothing is not sent."""
    for _ in range(2):
        reports.report(AGAIN)
    assert writes(github) == [("POST", "check-runs"), ("POST", "issuescomments")]
    assert check(github).says["status"] == "in_progress"
    for _ in range(2):
        reports.report(FAILED)
    assert writes(github)[2:] == [("PATCH", "check-runs"), ("PATCH", "issues/comments")]
    assert (check(github).says["status"], check(github).says["conclusion"]) == ("completed", "failure")
    assert comment(github).body.startswith("<!-- triggerbot -->\n**Failing**: 1 job failed once.\n")
    for _ in range(2):
        reports.report(GOOD)
    assert writes(github)[4:] == [("PATCH", "check-runs"), ("PATCH", "issues/comments")]
    assert check(github).says["conclusion"] == "success"
    assert comment(github).body.startswith("<!-- triggerbot -->\n**All is well**: 1 passed.\n")
    reports.report(PENDING)
    assert (check(github).says["status"], check(github).says["conclusion"]) == ("in_progress", None)


def test_check_run(github: FakeGitHub, reports: Reports) -> None:
    """A check run says it in one sentence, links to the page, and has a button while something fails."""
    reports.report(FAILED)
    says = check(github).says
    assert (says["name"], says["head_sha"], says["external_id"]) == ("triggerbot", SHA, "change")
    assert says["details_url"] == LINK
    assert says["output"]["title"] == "1 job failed once"
    assert "CI / test" in says["output"]["summary"]
    assert [action["identifier"] for action in says["actions"]] == ["retry_failed"]
    reports.report(told(HERE, job("CI / test", "OG"), link=""))
    assert check(github).says["actions"] == []


@pytest.mark.parametrize(
    ("what", "conclusion"),
    [
        (GOOD, "success"),
        (FAILED, "failure"),
        (told(HERE, job("a", "X")), "neutral"),
        (told(HERE, job("a", "X"), job("b", "O")), "failure"),
        (told(HERE, job("a", "G"), job("b", "-")), "success"),
        (told(HERE, job("a", "O"), job("b", ".")), "failure"),
        (told(HERE, job("a", "OG")), "success"),
        (told(HERE, job("a", "OG"), background=Clean()), "neutral"),
        (told(HERE, job("a", "-")), "success"),
        (AGAIN, None),
    ],
)
def test_conclusion(github: FakeGitHub, reports: Reports, what: PushReport, conclusion: str | None) -> None:
    """Good, bad, or neither: what proves nothing, and what the push is suspected of."""
    reports.report(what)
    assert check(github).says["conclusion"] == conclusion


def test_long_sentence(github: FakeGitHub, reports: Reports, by_token: Reports) -> None:
    """A title, and a commit status, have 140 characters at most."""
    long = replace(FAILED, judged=replace(FAILED.judged, sentence="2 jobs fail every time, " * 10))
    reports.report(long)
    assert len(check(github).says["output"]["title"]) == 140
    by_token.report(long)
    assert len(github.talk.statuses[0].says["description"]) == 140


def test_commit_status(github: FakeGitHub, by_token: Reports) -> None:
    """With a token there is a commit status instead, set only when it changes."""
    github.repositories.add("octo/app")
    for what in (PENDING, AGAIN, AGAIN, FAILED, FAILED, told(HERE, job("CI / other", "O")), GOOD):
        by_token.report(what)
    assert [one.says["state"] for one in github.talk.statuses] == ["pending", "failure", "success"]
    assert github.talk.statuses[1].says == {
        "context": "triggerbot",
        "state": "failure",
        "description": "1 job failed once",
        "target_url": LINK,
    }
    assert github.talk.checks == {}
    assert comment(github).author == github.talk.owner


def test_only_what_is_configured(github: FakeGitHub, connect: Connect, app: AppKey, pull: int) -> None:
    """Check run and comment can be had alone."""
    system = connect(app=app, transport=plain())
    Reports(system, comment=False).report(FAILED)
    assert writes(github) == [("POST", "check-runs")]
    Reports(system, check=False).report(FAILED)
    assert writes(github)[1:] == [("POST", "issuescomments")]


def test_wants(reports: Reports) -> None:
    """It reports the pushes of its own GitHub that the config names."""
    reporter = reports.reporter
    assert reporter.name == "github:gh"
    assert reporter.wants(HERE)
    for other in (HERE._replace(branch="quiet"), HERE._replace(system="x"), HERE._replace(project="no repository")):
        assert not reporter.wants(other)
    reporter.close()


def test_nothing_failed(github: FakeGitHub, reports: Reports) -> None:
    """A push at which nothing fails is not commented on, and GitHub is asked once whether there is a comment."""
    for what in (PENDING, GOOD, told(HERE, job("CI / test", "XG")), told(HERE, job("CI / test", "GG"))):
        reports.report(what)
    assert github.talk.comments == {}
    assert sum(one.path.endswith("/comments") for one in github.requests) == 1
    reports.report(FAILED)
    assert "Failing" in comment(github).body


def test_somebody_asked(github: FakeGitHub, reports: Reports) -> None:
    """Who asks something is answered, though nothing fails."""
    reports.report(told(HERE, job("CI / test", "G"), answers=[("comment:5", "Asked for 3 further runs.")]))
    assert "#### Answers\n\n- Asked for 3 further runs.\n" in comment(github).body


def test_one_comment_for_all_pushes(github: FakeGitHub, reports: Reports, pull: int) -> None:
    """The next push of a pull request edits the comment of the one before, which is silent from then on."""
    reports.report(FAILED)
    github.talk.push(pull, LATER)
    reports.report(told(NEXT, job("CI / test", ".")))
    assert comment(github).body.startswith("<!-- triggerbot -->\n**Pending**")
    said = comment(github).body
    reports.report(told(HERE, job("CI / test", "OG")))
    assert comment(github).body == said
    reports.report(told(NEXT, job("CI / test", "G")))
    assert "All is well" in comment(github).body
    assert len(github.talk.checks) == 2


def test_comments_of_others(github: FakeGitHub, reports: Reports, pull: int) -> None:
    """A comment that only looks like ours is left alone; ours is found behind hundreds of others."""
    fake = github.talk.say(pull, "mallory", "<!-- triggerbot -->\nAll is well!")
    quote = github.talk.say(pull, "triggerbot-test[bot]", "> <!-- triggerbot -->", "Bot")
    for number in range(150):
        github.talk.say(pull, "dev", f"comment {number}")
    reports.report(FAILED)
    reports.kept.clear()
    reports.report(GOOD)
    assert (fake.body[-12:], quote.body[:1]) == ("All is well!", ">")
    assert len(github.talk.comments) == 153
    assert writes(github).count(("POST", "issuescomments")) == 1


def test_endless_comments(github: FakeGitHub, reports: Reports, pull: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there are more comments than can be read, nobody knows whether ours is there: none is made."""
    monkeypatch.setattr(client, "_PAGES_MAX", 1)
    for number in range(101):
        github.talk.say(pull, "dev", f"comment {number}")
    with pytest.raises(CIUnavailable, match="more than"):
        reports.report(FAILED)
    assert len(github.talk.comments) == 101


def test_no_commit(github: FakeGitHub, reports: Reports) -> None:
    """A commit that GitHub does not find is on no pull request."""
    with pytest.raises(NotKnown):
        reports.report(told(NEXT, job("CI / test", "O")))
    assert github.talk.comments == {}


def test_no_pull_request(github: FakeGitHub, reports: Reports, pull: int) -> None:
    """Pushes that are no pull request's head, or of another branch with the same commit, are not commented on."""
    for push in (HERE._replace(branch="main"), NEXT):
        github.talk.files[push.revision] = []
        reports.report(told(push, job("CI / test", "O")))
    assert github.talk.comments == {}
    github.talk.push(pull, LATER)
    reports.report(FAILED)
    assert github.talk.comments == {}


@pytest.mark.parametrize("kind", ["check-runs", "statuses"])
def test_progress_once_a_minute(
    github: FakeGitHub, reports: Reports, by_token: Reports, clock: Clock, kind: str
) -> None:
    """A busy push leaves writes to others; a change of the verdict waits for nothing, and nothing is lost."""
    of = {"check-runs": reports, "statuses": by_token}[kind]
    began, sent = clock(), writes(github)
    for done in range(200):
        jobs = [job(f"CI / {number}", "G" if number < done else ".") for number in range(200)]
        of.report(told(HERE, job("CI / first", "O."), *jobs))
        clock.sleep(1.0)
    assert len(writes(github)) - len(sent) == 8
    assert of.again == began + 240.0

    of.report(told(HERE, job("CI / 0", "O"), job("CI / 1", ".")))
    assert len(writes(github)) - len(sent) == 10
    of.report(told(HERE, job("CI / 0", "O"), job("CI / 1", "O")))
    assert len(writes(github)) - len(sent) == 12
    of.report(told(HERE, job("CI / 0", "OO"), job("CI / 1", "O")))
    assert len(writes(github)) - len(sent) == 12
    clock.now = of.again
    of.report(told(HERE, job("CI / 0", "OO"), job("CI / 1", "O")))
    assert len(writes(github)) - len(sent) > 12
    assert of.again is None


def test_opened_later(github: FakeGitHub, reports: Reports, clock: Clock, pull: int) -> None:
    """A pull request that is opened after the push is commented on when there is news."""
    one = github.talk.pulls.pop(pull)
    github.talk.files[SHA] = []
    reports.report(FAILED)
    github.talk.pulls[pull] = one
    clock.sleep(60.0)
    reports.report(told(HERE, job("CI / test", "OO")))
    assert "Failing" in comment(github).body


def test_closed(github: FakeGitHub, reports: Reports, pull: int) -> None:
    """A comment is brought up to date after the pull request was merged; none is made then."""
    reports.report(FAILED)
    github.talk.pulls[pull].state = "closed"
    reports.report(GOOD)
    assert "All is well" in comment(github).body
    github.talk.comments.clear()
    reports.kept[HERE] = json.dumps({"pull": pull})
    reports.report(FAILED)
    assert github.talk.comments == {}


def test_fork(github: FakeGitHub, reports: Reports, pull: int) -> None:
    """The pull request of a fork, which GitHub does not find by its commit, is found all the same."""
    del github.talk.pulls[pull]
    for number in range(1, 4):
        github.talk.add_pull("octo/app", f"{number:040}", f"b{number}", number=number)
    github.talk.add_pull("octo/app", SHA, "change", "stranger", number=9, head_repository="stranger/app")
    reports.report(told(HERE, job("CI / test", "O"), fork=True))
    assert comment(github).pull == 9
    assert len(github.talk.checks) == 1


def test_no_fork(github: FakeGitHub, reports: Reports) -> None:
    """What is known to be no fork's is not looked for in the list of all pull requests."""
    push = HERE._replace(branch="main")
    reports.report(told(push, job("CI / test", "O"), fork=False))
    assert not any(one.path.endswith("/pulls") and "commits" not in one.path for one in github.requests)


def test_several_pull_requests(github: FakeGitHub, reports: Reports, pull: int) -> None:
    """Of several pull requests with the same head the first is commented on."""
    github.talk.add_pull("octo/app", SHA, "change", number=99)
    reports.report(FAILED)
    assert comment(github).pull == pull


def test_deleted(github: FakeGitHub, reports: Reports) -> None:
    """A comment that somebody deletes is not made again at this push."""
    reports.report(FAILED)
    github.talk.comments.clear()
    for what in (GOOD, FAILED, told(HERE, job("CI / test", "OO"))):
        reports.report(what)
    assert github.talk.comments == {}
