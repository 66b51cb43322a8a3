"""Reports at GitHub: made once, edited in place, whatever breaks in between; against a GitHub with its own rules."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.github.fixtures import app, clock, connect, github, key
from tests.fakes.github.reporting_payloads import FakeCheck, FakeComment
from tests.fakes.push_report import LINK, Clean, job, told
from triggerbot.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.model import Push, Refusal
from triggerbot.publish import Reporter, Told
from triggerbot.publish.github import GitHubReporter
from triggerbot.systems.github import AppKey, GitHub, client

__all__ = ["app", "clock", "connect", "github", "key"]

SHA = "0123456789abcdef0123456789abcdef01234567"
LATER = "ab" * 20
HERE = Push("gh", "octo/app", "change", SHA)
NEXT = HERE._replace(revision=LATER)
FAILED = told(HERE, job("CI / test", "O"))
GOOD = told(HERE, job("CI / test", "G"))
PENDING = told(HERE, job("CI / test", "."))

Connect = Callable[..., GitHub]


class Crash(Exception):
    """The daemon dies."""


class Reports:
    """A reporter with what is kept for it, as the publisher keeps it."""

    def __init__(self, system: GitHub, *, check: bool = True, comment: bool = True, mention: str = "") -> None:
        self.reporter: Reporter = GitHubReporter(
            "gh", system.desk, check=check, comment=comment, wants=lambda push: push.branch != "quiet", mention=mention
        )
        self.kept: dict[Push, str] = {}
        #: When it wants to report again, as the last report said.
        self.again: float | None = None
        #: How often something may be kept until the daemon dies.
        self.lives = 1_000_000

    def report(self, what: Told) -> None:
        """Report once."""
        self.again = self.reporter.report(what, self.kept.get(what.push, ""), lambda text: self._keep(what.push, text))

    def _keep(self, push: Push, text: str) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Crash
        self.kept[push] = text


@pytest.fixture
def pull(github: FakeGitHub) -> int:
    """Open a pull request with the commit as its head."""
    github.repositories.add("octo/app")
    return github.talk.add_pull("octo/app", SHA, "change").number


def plain() -> httpx.HTTPTransport:
    """Speak HTTP without reading certificates that nobody here has, which takes longer than most of these tests."""
    return httpx.HTTPTransport(verify=False)


@pytest.fixture
def reports(connect: Connect, app: AppKey, pull: int) -> Reports:
    """Report as an App."""
    return Reports(connect(app=app, transport=plain()))


@pytest.fixture
def by_token(connect: Connect, pull: int) -> Reports:
    """Report with a token."""
    return Reports(connect(transport=plain()))


def writes(github: FakeGitHub) -> list[tuple[str, str]]:
    """List what was written for people: method, and the last words of the address."""
    sent = [one for one in github.requests if one.method != "GET" and "access_tokens" not in one.path]
    return [(one.method, re.sub(r"^/repos/octo/app/|/?\d+/?", "", one.path)) for one in sent]


def check(github: FakeGitHub) -> FakeCheck:
    """Give the one check run."""
    [one] = github.talk.checks.values()
    return one


def comment(github: FakeGitHub) -> FakeComment:
    """Give the one comment."""
    [one] = github.talk.comments.values()
    return one


def test_edited_in_place(github: FakeGitHub, reports: Reports) -> None:
    """One check run and one comment are made, and edited as verdicts come; what changes nothing is not sent."""
    for _ in range(2):
        reports.report(PENDING)
    assert writes(github) == [("POST", "check-runs")]
    assert check(github).says["status"] == "in_progress"
    for _ in range(2):
        reports.report(FAILED)
    assert writes(github)[1:] == [("PATCH", "check-runs"), ("POST", "issuescomments")]
    assert (check(github).says["status"], check(github).says["conclusion"]) == ("completed", "failure")
    assert comment(github).body.startswith("<!-- triggerbot -->\n**Failing**: 1 job failed once.\n")
    for _ in range(2):
        reports.report(GOOD)
    assert writes(github)[3:] == [("PATCH", "check-runs"), ("PATCH", "issues/comments")]
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
        (told(HERE, job("a", "X")), "failure"),
        (told(HERE, job("a", "O"), job("b", ".")), "failure"),
        (told(HERE, job("a", "OG")), "success"),
        (told(HERE, job("a", "OG"), background=Clean()), "neutral"),
        (told(HERE, job("a", "-")), "neutral"),
        (PENDING, None),
        (told(HERE), None),
    ],
)
def test_conclusion(github: FakeGitHub, reports: Reports, what: Told, conclusion: str | None) -> None:
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
    for what in (PENDING, PENDING, FAILED, FAILED, told(HERE, job("CI / other", "O")), GOOD):
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


# -- the comment ------------------------------------------------------------------------------------------------------


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
        of.report(told(HERE, *jobs))
        clock.sleep(1.0)
    assert len(writes(github)) - len(sent) == 4
    assert of.again == began + 240.0

    of.report(told(HERE, job("CI / 0", "O"), job("CI / 1", ".")))
    assert len(writes(github)) - len(sent) == 6, "and the comment"
    of.report(told(HERE, job("CI / 0", "O"), job("CI / 1", "O")))
    assert len(writes(github)) - len(sent) == 8
    of.report(told(HERE, job("CI / 0", "OO"), job("CI / 1", "O")))
    assert len(writes(github)) - len(sent) == 8
    clock.now = of.again
    of.report(told(HERE, job("CI / 0", "OO"), job("CI / 1", "O")))
    assert len(writes(github)) - len(sent) > 8
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


# -- trouble ----------------------------------------------------------------------------------------------------------


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
    assert (caught.value.after, caught.value.well) == (60.0, True)
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
    busy = Reports(connect(app=app, transport=plain(), sleep=lambda _: None))
    busy.report(FAILED)
    github.talk.push(pull, LATER)
    read = len(github.requests)
    with pytest.raises(CIUnavailable) as caught:
        busy.report(told(NEXT, job("CI / test", "O")))
    assert len(github.requests) == read
    assert caught.value.after == 2.0
    clock.now += caught.value.after
    busy.report(told(NEXT, job("CI / test", "O")))
    assert {one.sha for one in github.talk.checks.values()} == {SHA, LATER}


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
