"""Foreign text in reports: wherever it comes from, it is text there, and never markup, a link or a mention.

Each foreign field holds hostile text between two marks, which occur nowhere else. In Markdown, read by a real parser, a
mark may stand in a code span alone, at Slack in a code span; beside that only in the address of a run's own link.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.fakes.push_report import Clean
from triggerbot.core.branch.novelty import Change, Finding
from triggerbot.core.branch.streaks import Along, Beginning, Fresh, Isolated, Streak
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Branch, Push, PushFacts, Result, Run, State
from triggerbot.core.run_tests import FailingTest, RunTests
from triggerbot.core.verdict import health, verdict
from triggerbot.core.verdict.base import Relation, Standing
from triggerbot.core.verdict.same_failure import Common
from triggerbot.reports import BranchReport, PushReport
from triggerbot.reports.novelty import JobReport, NoveltyReport
from triggerbot.reports.reporters import branch_markdown, markdown
from triggerbot.reports.reporters.branch_changes import Changes
from triggerbot.reports.reporters.github.reporter import check_run
from triggerbot.reports.reporters.slack import blocks, branch_blocks, tests_blocks
from triggerbot.reports.reporters.slack.markup import Message
from triggerbot.store import JobRecord, PushRecord

MARK = "zqmarkqz"
LINK = "https://triggerbot.example/pushes/octo/app/0123"
#: What GitHub's Markdown, or Slack's, makes more of than text.
CONSTRUCTS = [
    "@dev",
    "@octo/team",
    "#12",
    "octo/app#12",
    "GH-12",
    "0123456789abcdef0123456789abcdef01234567",
    "octo/app@0123456",
    "https://evil.example/x",
    "www.evil.example",
    "me@evil.example",
    "<https://evil.example>",
    "[x](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "[x][y]\n\n[y]: https://evil.example",
    "[^1]\n\n[^1]: note",
    "<img src=x onerror=y>",
    "<details><summary>x</summary>",
    "<!-- x",
    "--> x",
    "</sub></sub>",
    "**x**",
    "__x__",
    "*x",
    "_x_",
    "~~x~~",
    "`",
    "``",
    "```",
    "~~~",
    "``` js",
    "\n\n    code",
    "\n> [!NOTE]\n> x",
    "\n# x",
    "\nx\n===",
    "\n- [ ] x",
    "\n1. x",
    "\n| a | b |\n|---|---|\n| c | d |",
    "\n***\n",
    "\\",
    "\\`",
    "&lt;b&gt;",
    "&#64;dev",
    "&commat;dev",
    ":tada:",
    "$x$",
    "$`x`$",
    "$$\nx\n$$",
    "\r",
    "\u2028",
    "\u0000",
    "\ud800",
    "\u202e",
    "\u200b",
    "\x1b[31m",
    "<!channel>",
    "<!here>",
    "<@U0001>",
    "<#C0001>",
    "<https://evil.example|x>",
    "&amp;",
    "@here",
    "mailto:a@b.c",
    "tel:1",
    "javascript:alert(1)",
    "](https://evil.example)",
    ")",
    "]",
    "|",
    "  ",
    "\t",
    "; not retriggered: x",
    "",
]
hostile = st.lists(st.sampled_from(CONSTRUCTS) | st.text(max_size=8), max_size=6).map("".join)
#: Text outside code spans in which GitHub would see a mention, a reference or an address.
_MEANS = re.compile(r"@\w|#\d|GH-\d|://|www\.|\b[0-9a-f]{7,40}\b|<!|:\w+:|\$[^ ]")


def report(foreign: str) -> PushReport:
    """Report a push that has this in every field that a CI, a commit or a person fills."""
    text = f"{MARK}{foreign}{MARK}"
    push = Push("gh", text, text, "0123456789abcdef0123456789abcdef01234567")
    jobs = [
        _job(f"{text} failed", push, "OO", tests=_tests(text, 3)),
        _job(f"{text} once", push, "O", Claim(1, push, "", ClaimState.REFUSED, _run(text, "O", 0), dry=False, created=0,
                                              due=0, refusal=Refusal.REFUSED_BY_CI, note=text)),
        _job(f"{text} alike", push, "OO"),
        _job(f"{text} shaky", push, "OG"),
        _job(f"{text} infra", push, "X"),
        _job(f"{text} other", push, "OO", line=f"{text} another"),
        _job(f"{text} waits", push, "O", Claim(2, push, "", ClaimState.OWED, _run(text, "O", 0), dry=False, created=0,
                                               due=9e9, wanted=2, note=text, tries=1)),
    ]  # fmt: skip
    record = PushRecord(push, PushFacts(push, text, text), None, tuple(jobs), 0, 0, 0.0)
    judged = [verdict.of_job(one.job, one.runs, one.claims, Clean(), now=1.0) for one in jobs]
    judged[0] = verdict.following(judged[0], [text, f"{text} 2"], [])
    judged[2] = verdict.beside(judged[2], aside="", mixed=True)
    judged[5] = verdict.beside(judged[5], aside="", mixed=True)
    for number in (1, 5):
        judged[number] = verdict.against_base(judged[number], Standing(Relation.PASSES, "ba5e" * 10))
    return PushReport(record, health.of_push(judged), LINK, {}, (), compare=lambda: _novelty(text, push))


def _tests(text: str, number: int) -> RunTests:
    return RunTests(5, number, 1, 1, failing=tuple(FailingTest(f"{text} {one}", text) for one in range(number)))


def _novelty(text: str, push: Push) -> NoveltyReport:
    """Hold the failing tests of two jobs, one of which gets no reply of its own, against another push."""
    changes = (Change.NEW, Change.KNOWN, Change.UNKNOWN)
    findings = tuple(Finding(change, "", f"{text} {number}", text) for number, change in enumerate(changes))
    job = JobReport(
        f"{text} failed", "failed", text, text, text, f"https://ci.example/{text}", _tests(text, 3), findings
    )
    return NoveltyReport((job, replace(job, job=f"{text} other")), push.project, push.branch, push.revision)


def _job(
    name: str, push: Push, letters: str, *claims: Claim, line: str = "", tests: RunTests | None = None
) -> JobRecord:
    runs = tuple(replace(_run(name, letter, number, line), tests=tests) for number, letter in enumerate(letters))
    return JobRecord(name, runs, tuple(replace(one, job=name) for one in claims))


def _run(text: str, letter: str, number: int, line: str = "") -> Run:
    result = {"O": Result.FAILURE, "G": Result.SUCCESS, "X": Result.INFRA}[letter]
    failures = (line or f"tests/a.py:{number}: {text}",) if letter == "O" else ()
    return Run(
        text, f"{text}{number}", 1, State.FINISHED, result, url=f"https://ci.example/{text}", time=float(number),
        failures=failures, event=f"{text} event {number}", pool=text, step=text,
    )  # fmt: skip


# -- GitHub ---------------------------------------------------------------------------------------------------------


def github(text: str) -> list[Token]:
    """Read Markdown as GitHub does: CommonMark with HTML, tables and strikethrough."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    return [piece for token in tokens for piece in (token, *(token.children or []))]


def means_nothing_at_github(text: str) -> None:
    """Check that foreign text stands in code spans and in addresses of runs, and that nothing else is made of it."""
    shown = 0
    for piece in github(text):
        match piece.type:
            case "code_inline":
                assert "\n" not in piece.content
                shown += piece.content.count(MARK)
            case "link_open":
                assert str(piece.attrs["href"]).startswith(("https://ci.example/", LINK))
            case "html_inline":
                assert piece.content in ("<sub>", "</sub>")
            case "text":
                assert MARK not in piece.content
                assert not _MEANS.search(piece.content), piece.content
            case "inline":
                continue
            case _:
                # Only what our own layout is made of.
                assert piece.type.removesuffix("_open").removesuffix("_close") in _OURS, piece.type
    assert shown


_OURS = {"paragraph", "heading", "bullet_list", "list_item", "strong", "link", "softbreak"}


@given(hostile)
@example("` x")
@example("``")
@example("\n```")
def test_at_github(foreign: str) -> None:
    """In a comment and in the summary of a check run."""
    told = report(foreign)
    means_nothing_at_github(markdown.comment(told, 60_000, "triggerbot"))
    means_nothing_at_github(markdown.summary(told, 60_000))


@given(hostile, st.integers(800, 6000))
def test_at_github_where_room_is_short(foreign: str, room: int) -> None:
    """What does not fit is left out as a whole, never cut in the middle."""
    means_nothing_at_github(markdown.comment(report(foreign), room, "triggerbot"))


@given(hostile)
def test_in_a_check_run(foreign: str) -> None:
    """Beside its summary it says nothing of others at all."""
    content = check_run(report(foreign))
    means_nothing_at_github(content["output"].pop("summary"))
    assert MARK not in str(content)


def branch(foreign: str) -> BranchReport:
    """Report a branch that has this in every field that a CI, a commit or a person fills."""
    text, sha = f"{MARK}{foreign}{MARK}", "0123456789abcdef0123456789abcdef01234567"
    streak = Streak(text, sha, sha, 2, None, 1, (sha,), sha, (), 2, 2, text)
    along = Along(
        (streak, replace(streak, job="other", test=text, same_failure=True), replace(streak, job="third")),
        (Fresh(text, sha, text),),
        (Isolated(text, sha, text),),
        (Beginning(sha, (text, "other"), Common(text, (text, "other"))),),
    )
    return BranchReport(
        Branch("gh", text, text), along, (replace(streak, job=f"{text} quiet"),), {sha: text},
        "https://triggerbot.example/pushes/octo/app/0123",
    )  # fmt: skip


@given(hostile)
def test_a_branch_at_github(foreign: str) -> None:
    """In the issue of a branch and in a comment on it; a title has no markup."""
    told = branch(foreign)
    means_nothing_at_github(branch_markdown.body(told, 60_000))
    means_nothing_at_github(branch_markdown.change(told, Changes(told.along.failing, (f"{MARK}{foreign}",))))


@given(hostile)
def test_a_branch_at_slack(foreign: str) -> None:
    """In the message of a branch and in a reply."""
    told = branch(foreign)
    means_nothing_at_slack(
        branch_blocks.message(told), branch_blocks.reply(told, Changes(told.along.failing, (f"{MARK}{foreign}",)))
    )


# -- Slack ----------------------------------------------------------------------------------------------------------


def said(message: Message) -> Iterator[str]:
    """Yield the texts of a message's blocks."""
    for block in message.blocks:
        assert block["text"]["verbatim"] is True
        yield block["text"]["text"]


@given(hostile)
def test_at_slack(foreign: str) -> None:
    """In a code span without `&`, `<` and `>`, or in the address of a run."""
    told = report(foreign)
    novelty = told.compare()
    means_nothing_at_slack(blocks.message(told), blocks.details(told))
    means_nothing_at_slack(blocks.message(told, tests_blocks.summary(novelty)))
    failed = next(job for job in told.judged.jobs if job.job == novelty.jobs[0].job)
    for reply in (
        tests_blocks.of_job(told.push, novelty.jobs[0], LINK),
        tests_blocks.ended(told.push, failed),
        tests_blocks.rest(told.push, novelty.jobs, LINK),
    ):
        means_nothing_at_slack(reply)


def means_nothing_at_slack(*messages: Message) -> None:
    """Check that foreign text stands in code spans and in addresses of runs, and that nothing else is made of it."""
    shown = 0
    for message in messages:
        for text in said(message):
            if text.startswith("```"):
                # A table: preformatted, and nothing in it ends that.
                assert re.fullmatch(r"```\n[^`]*\n```", text)
                assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)
                shown += MARK in text
                continue
            for span in re.findall(r"`([^`\n]*)`", text):
                shown += MARK in span
                assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", span)
            outside = re.sub(r"`[^`\n]*`", "", text)
            for link in re.findall(r"<[^>]*>", outside):
                assert link.startswith((f"<{LINK}", "<https://ci.example/"))
                assert re.fullmatch(r"<[^|<>]*\|[^|<>]*>", link)
            assert MARK not in re.sub(r"<[^|>]*\|", "", outside)
            assert "`" not in outside
        # Notifications have no formatting, and call nobody.
        assert not re.search(r"[<>]|@(here|channel|everyone|\w)", message.text)
    assert shown
