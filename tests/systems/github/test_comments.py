"""What people ask for in comments and by buttons: who is heard, and what of what they write is a command."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.github import FakeGitHub
from tests.fakes.github.reporting_payloads import FakeCheck, FakeComment
from tests.systems.github.cases import SHA
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, NotUnderstood
from triggerbot.core.model import Branch, CommentCommand
from triggerbot.systems import Asker, TakesCommands
from triggerbot.systems.github import messages, parse
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub

Connect = Callable[..., GitHub]
#: Its `parse` is pure, so that one will do for all.
PARSER = GitHub("gh", token="t")


@pytest.fixture
def pull(github: FakeGitHub) -> int:
    """Open a pull request of dev's."""
    github.repositories.add("octo/app")
    return github.talk.add_pull("octo/app", SHA, "change", "dev", number=7).number


@pytest.fixture
def check(github: FakeGitHub) -> FakeCheck:
    """Have a check run of ours."""
    return FakeCheck(5, "octo/app", SHA, github.clock(), {"name": "triggerbot", "status": "completed"})


def wish(**changes: object) -> CommentCommand:
    """Ask for something in a comment on the pull request."""
    values = {"system": "gh", "id": "comment:1", "project": "octo/app", "author": "dev", "text": "x", "pull": 7}
    return CommentCommand(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "commands"),
    [
        ("@triggerbot retry failed", ["retry failed"]),
        ("thanks!\r\n@TriggerBot \t rebuild 3  \r\n@triggerbot why CI / test", ["rebuild 3", "why CI / test"]),
        ("   @triggerbot retry x", ["retry x"]),
        ("@triggerbot: retry x\n@triggerbot, retry y\n@triggerbot:retry z", ["retry x", "retry y"]),
        ("ask @triggerbot retry x", []),
        ("@triggerbots retry x", []),
        ("@triggerbot", []),
        ("@triggerbot   ", []),
        ("@other retry x", []),
        ("> @triggerbot retry x", []),
        ("> quoted\u2028@triggerbot retry x", []),
        ("    @triggerbot retry x", []),
        ("```\n@triggerbot retry x\n```\n@triggerbot retry y", ["retry y"]),
        ("~~~ text\n@triggerbot retry x\n```\n@triggerbot retry y\n~~~~\n@triggerbot retry z", ["retry z"]),
        ("````\n```\n@triggerbot retry x\n```` no end\n@triggerbot retry y", []),
        ("``` is no ``` fence\n@triggerbot retry x", ["retry x"]),
        ("<!-- triggerbot -->\n@triggerbot retry x", []),
        ("\n".join(f"@triggerbot retry {number}" for number in range(12)), [f"retry {number}" for number in range(10)]),
    ],
)
def test_commands(github: FakeGitHub, pull: int, body: str, commands: list[str]) -> None:
    """A command is a line that begins with our name; not in quotes, in code, or in our own comment."""
    said = github.talk.say(pull, "ann", body)
    heard = PARSER.parse(*github.comment_webhook(said))
    text = "\n".join(commands)
    expected = CommentCommand("gh", f"comment:{said.id}", "octo/app", "ann", text, pull=pull) if commands else None
    assert list(heard) == ([expected] if expected else [])


@pytest.mark.parametrize("mention", ["CI.bot", "@CI.bot"])
def test_another_mention(github: FakeGitHub, connect: Connect, pull: int, mention: str) -> None:
    """A team may call it otherwise, and write that with the mark or without."""
    said = github.talk.say(pull, "ann", "@ci.bot retry x\n@ciXbot retry y\n@triggerbot retry z")
    [heard] = connect(mention=mention).parse(*github.comment_webhook(said))
    assert isinstance(heard, CommentCommand)
    assert heard.text == "retry x"


def test_not_heard(github: FakeGitHub, gh: GitHub, pull: int) -> None:
    """Bots, comments on issues, and what is edited or deleted ask for nothing."""
    said = github.talk.say(pull, "ann", "@triggerbot retry x")
    by_bot = github.talk.say(pull, "dependabot[bot]", "@triggerbot retry x", "Bot")
    for headers, body in (
        github.comment_webhook(by_bot),
        github.comment_webhook(said, on_issue=True),
        github.comment_webhook(said, action="edited"),
        github.comment_webhook(said, action="deleted"),
    ):
        assert list(gh.parse(headers, body)) == []


def test_on_the_issue_of_a_branch(github: FakeGitHub, gh: GitHub, pull: int) -> None:
    """It is about that branch as a whole, whoever wrote the issue: only who may write to the repository is obeyed."""
    branch = Branch("gh", "octo/app", "main")
    said = github.talk.say(pull, "ann", "@triggerbot silence linux-1")
    text = f"{messages.BRANCH_MARKER.format(branch.mark)}\nwhatever"
    [heard] = gh.parse(*github.comment_webhook(said, on_issue=True, issue=text))
    assert heard == CommentCommand("gh", f"comment:{said.id}", "octo/app", "ann", "silence linux-1", about=branch.mark)
    assert not gh.parse(*github.comment_webhook(said, on_issue=True, issue=f"x {text}"))  # somebody quotes it


def test_redelivered(github: FakeGitHub, gh: GitHub, pull: int, check: FakeCheck) -> None:
    """What GitHub delivers again is the same wish, whatever else its headers say; another press of a button is not."""
    said = github.talk.say(pull, "ann", "@triggerbot retry x")
    for headers, body in (github.comment_webhook(said), github.button_webhook(check, "ann")):
        again = headers | {"x-github-delivery": "other"}
        assert gh.verify(headers, body, 0.0) == gh.verify(again, body, 9.0)
        assert gh.parse(headers, body) == gh.parse(again, body)
    [first] = gh.parse(*github.button_webhook(check, "ann"))
    # Pressed again after what was reported in between.
    check.says |= {"output": {"title": "1 retrigger running", "summary": "x"}}
    [second] = gh.parse(*github.button_webhook(check, "ann"))
    assert isinstance(first, CommentCommand)
    assert isinstance(second, CommentCommand)
    assert first.id != second.id


def test_button(github: FakeGitHub, gh: GitHub, check: FakeCheck) -> None:
    """The button, and GitHub's own for running a check again, ask to retry what failed at the commit."""
    for action in ("requested_action", "rerequested"):
        [heard] = gh.parse(*github.button_webhook(check, "ann", action=action))
        assert isinstance(heard, CommentCommand)
        assert (heard.author, heard.text, heard.revision, heard.pull) == ("ann", "retry failed", SHA, None)
        assert heard.id.startswith("action:5:")


def test_other_buttons(github: FakeGitHub, gh: GitHub, check: FakeCheck) -> None:
    """Check runs of others, other buttons and other news of ours ask for nothing."""
    assert list(gh.parse(*github.button_webhook(check, "ann", identifier="other"))) == []
    assert list(gh.parse(*github.button_webhook(check, "ann", action="completed"))) == []
    check.says["name"] = "triggerbots"
    assert list(gh.parse(*github.button_webhook(check, "ann"))) == []
    check.says["name"] = "triggerbot (release)"
    assert len(gh.parse(*github.button_webhook(check, "ann"))) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("issue_comment", b""),
        ("issue_comment", b'{"action": 5}'),
        ("issue_comment", b'{"action": "created"}'),
        ("issue_comment", b'{"action": "created", "comment": {"id": 1}, "issue": 2}'),
        ("check_run", b"[]"),
        ("check_run", b'{"action": "rerequested"}'),
        ("check_run", b'{"action": "requested_action", "check_run": {"id": -1}}'),
    ],
)
def test_not_understood(kind: str, body: bytes) -> None:
    """What is not of GitHub's form is not understood."""
    with pytest.raises(NotUnderstood):
        PARSER.parse({"x-github-event": kind}, body)


def test_impossible_repository(github: FakeGitHub, gh: GitHub, pull: int) -> None:
    """A repository that cannot be is not understood."""
    said = github.talk.say(pull, "ann", "@triggerbot retry x")
    message = json.loads(github.comment_webhook(said)[1])
    message["repository"]["full_name"] = "../app"
    with pytest.raises(NotUnderstood):
        gh.parse({"x-github-event": "issue_comment"}, json.dumps(message).encode())


@given(st.text(st.sampled_from("@triggerbot `~>\n\r\t retry\0é"), max_size=300))
def test_any_text(text: str) -> None:
    """Whatever people write, each command is one line of it that can be kept."""
    for command in parse.commands(text, "triggerbot"):
        assert command
        assert command == command.strip()
        assert not set(command) & set("\n\r\0")


def test_is_asked(gh: GitHub) -> None:
    """It offers what a system offers where people can ask (mypy checks the types)."""
    system: TakesCommands = gh
    assert isinstance(system, TakesCommands)


@pytest.mark.parametrize(
    ("role", "asker"),
    [
        (("admin", "admin"), Asker(may_write=True, is_author=False)),
        (("write", "write"), Asker(may_write=True, is_author=False)),
        (("read", "maintain"), Asker(may_write=True, is_author=False)),
        (("read", "triage"), Asker(may_write=False, is_author=False)),
        (("none", ""), Asker(may_write=False, is_author=False)),
        (None, Asker(may_write=False, is_author=False)),
    ],
)
@pytest.mark.usefixtures("pull")
def test_asker(github: FakeGitHub, gh: GitHub, role: tuple[str, str] | None, asker: Asker) -> None:
    """Who may write to the repository is asked of GitHub; whom it does not know may not."""
    if role is not None:
        github.talk.roles["ann"] = role
    assert gh.asker(wish(author="ann")) == replace(asker, pushes_of="ann")


@pytest.mark.usefixtures("pull")
def test_author(gh: GitHub) -> None:
    """The author of the pull request is known as such, by comment and by button."""
    assert gh.asker(wish(author="DEV")).is_author
    assert gh.asker(wish(author="dev", pull=None, revision=SHA)).is_author
    assert not gh.asker(wish(author="ann", pull=None, revision=SHA)).is_author


@pytest.mark.usefixtures("pull")
def test_revision(github: FakeGitHub, gh: GitHub) -> None:
    """A comment is about the head of its pull request as it is now, a button about its commit."""
    assert gh.revision(wish()) == SHA
    github.talk.push(7, "ab" * 20)
    assert gh.revision(wish()) == "ab" * 20
    assert gh.revision(wish(pull=None, revision=SHA)) == SHA
    with pytest.raises(NotKnown):
        gh.revision(wish(pull=8))
    with pytest.raises(NotKnown):
        gh.revision(wish(pull=None))
    with pytest.raises(NotKnown):
        gh.asker(wish(project="../.."))


def reactions(comment: FakeComment) -> list[str]:
    """List how a comment was reacted to."""
    return [content for _, content in comment.reactions]


def test_react(github: FakeGitHub, gh: GitHub, pull: int) -> None:
    """A comment gets one reaction, however often it is given; a button gets none."""
    said = github.talk.say(pull, "ann", "@triggerbot retry x")
    for _ in range(2):
        gh.react(wish(id=f"comment:{said.id}"), heard=True)
    assert reactions(said) == ["+1"]
    gh.react(wish(id=f"comment:{said.id}"), heard=False)
    assert reactions(said) == ["+1", "confused"]
    sent = len(github.requests)
    gh.react(wish(id="action:5:abc", pull=None, revision=SHA), heard=True)
    assert len(github.requests) == sent


def test_react_without_permission(github: FakeGitHub, gh: GitHub, pull: int) -> None:
    """What is missing is named."""
    said = github.talk.say(pull, "ann", "@triggerbot retry x")
    github.granted["pull_requests"] = "read"
    with pytest.raises(CIDenied, match="pull_requests: write"):
        gh.react(wish(id=f"comment:{said.id}"), heard=True)
    github.granted.clear()
    with pytest.raises(CIDenied, match="pull_requests: read"):
        gh.revision(wish())


@pytest.mark.usefixtures("pull")
def test_react_in_doubt(github: FakeGitHub, connect: Connect, app: AppKey) -> None:
    """An answer in doubt, a token withdrawn or a limit is a matter of trying again."""
    said = github.talk.say(7, "ann", "@triggerbot retry x")
    gh, about = connect(app=app), wish(id=f"comment:{said.id}")
    github.fail_next(502, path="reactions", applied=True)
    github.fail_next(0, path="reactions", applied=True)
    github.fail_next(403, "You have exceeded a secondary rate limit", {"retry-after": "60"}, path="reactions")
    for after in (None, None, 60.0):
        with pytest.raises(CIUnavailable) as caught:
            gh.react(about, heard=True)
        assert caught.value.after == after
    github.clock.now += 61  # type: ignore[attr-defined]
    github.issued.clear()
    with pytest.raises(CIUnavailable) as caught:
        gh.react(about, heard=True)
    assert caught.value.after == 5.0
    gh.react(about, heard=True)
    assert reactions(said) == ["+1"]


def test_names() -> None:
    """The button's name is what its webhook brings back, and fits."""
    assert len(messages.RETRY_FAILED) <= 20
