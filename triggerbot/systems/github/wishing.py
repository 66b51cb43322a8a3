"""What people ask for in comments on pull requests, and by the button of our check runs. Pure.

A command is a line that begins with our name (`@triggerbot retry linux`); not in quotes, nor in fenced code, where
people write about commands. Bots are not heard, so that two of them never talk to each other without end.
"""

import hashlib
import re
from collections.abc import Iterator

from triggerbot.core.model import Wish
from triggerbot.systems.github import messages, talk

#: Commands of one comment that are heard.
_COMMANDS_MAX = 10
_BOT = "Bot"
#: What the button asks for, in the words of comments.
_RETRY = "retry failed"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)", re.DOTALL)


def comment(system: str, body: bytes | str, mention: str) -> list[Wish]:
    """Understand `issue_comment`; without a `mention` nothing is for us. Raises `NotUnderstood`."""
    if messages.read(body, messages.Action).action != "created" or not mention:
        return []
    message = messages.read(body, talk.CommentMessage)
    text = message.comment.body or ""
    if message.issue.pull_request is None or _bot(message.sender) or text.startswith(talk.MARKER):
        return []
    found = list(commands(text, mention))
    if not found:
        return []
    return [
        Wish(
            system,
            id=f"comment:{message.comment.id}",
            project=messages.full_name(message.repository.full_name),
            author=messages.plain(message.sender.login, "login"),
            text="\n".join(found[:_COMMANDS_MAX]),
            pull=message.issue.number,
        )
    ]


def button(system: str, body: bytes | str) -> list[Wish]:
    """Understand `check_run`; raises `NotUnderstood`.

    GitHub sends the same bytes again if it delivers again. When somebody presses twice, something in between was
    reported, so that the bytes differ.
    """
    if messages.read(body, messages.Action).action not in ("requested_action", "rerequested"):
        return []
    message = messages.read(body, talk.CheckRunMessage)
    run, pressed = message.check_run, message.requested_action
    if not talk.is_ours(run) or _bot(message.sender):
        return []
    if message.action == "requested_action" and (pressed is None or pressed.identifier != talk.RETRY_FAILED):
        return []
    digest = hashlib.sha256(body if isinstance(body, bytes) else body.encode("utf-8", "replace")).hexdigest()
    return [
        Wish(
            system,
            id=f"action:{run.id}:{digest[:16]}",
            project=messages.full_name(message.repository.full_name),
            author=messages.plain(message.sender.login, "login"),
            text=_RETRY,
            revision=messages.sha(run.head_sha),
        )
    ]


def _bot(account: messages.Account) -> bool:
    return account.type == _BOT


def commands(text: str, mention: str) -> Iterator[str]:
    """Find the commands in a comment, without our name."""
    command = re.compile(rf" {{0,3}}@{re.escape(mention.removeprefix('@'))}[:,]?[ \t]+(\S.*)", re.IGNORECASE)
    fence = ""
    for line in re.split(r"\r\n|\r|\n", text):
        marks = _FENCE.fullmatch(line)
        if fence:
            # Code ends with marks of the same kind, at least as many, and nothing else.
            if marks is not None and marks[1].startswith(fence) and not marks[2].strip():
                fence = ""
        elif marks is not None and not (marks[1][0] == "`" and "`" in marks[2]):
            fence = marks[1]
        elif (found := command.match(line)) is not None:
            yield messages.cut(found[1].strip()) or ""
