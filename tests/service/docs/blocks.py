"""The fenced blocks of a page, each with the notes in the comments above it.

A comment is a line `<!-- word -->` or `<!-- word: value -->`, directly above the block:

    not run: WHY     the test leaves it alone
    background       a command that stays, like `triggerbot run`: it is waited for until it answers
    shows: TEXT      what the command says has TEXT in it
    soon: TEXT       the same, if not at once then when it is asked again
    exit: N          its exit code is N
    file: NAME       the text of the block is written to this file
    fragment         a part of a config, which is checked with what it leaves out added
    event            one event in triggerbot's own words
    message          a commit message; all that it asks for is understood
    answer: PATH     what the API answers there: of the same form as what it really answers

A line `<!-- then: WHAT -->` stands alone: in the reader's world something happens now (see `worlds.py`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_COMMENT = re.compile(r"<!-- ([a-z ]+?)(?:: (.*?))? -->")
_FENCE = re.compile(r"(\s*)(```+)\s*(\S*)(.*)")
#: What a comment above a block may say.
_KNOWN = frozenset({"not run", "background", "shows", "soon", "exit", "file", "fragment", "event", "message", "answer"})


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    line: int
    language: str
    text: str
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Happening:
    """Something that happens between two blocks."""

    line: int
    what: str


def read(page: Path) -> Iterator[Block | Happening]:
    """Read the blocks of a page, in order."""
    lines = enumerate(page.read_text().splitlines(), 1)
    notes: dict[str, str] = {}
    for number, line in lines:
        if (comment := _COMMENT.fullmatch(line.strip())) is not None:
            word, value = comment[1], comment[2] or ""
            if word == "then":
                yield Happening(number, value)
            else:
                assert word in _KNOWN, f"{page}:{number}: nobody knows what {word!r} means"
                notes[word] = value
        elif (fence := _FENCE.fullmatch(line)) is not None:
            assert not fence[4], f"{page}:{number}: only a language stands behind ```"
            yield Block(number, fence[3], _body(lines, fence[1], fence[2]), notes)
            notes = {}
        else:
            assert not notes, f"{page}:{number}: a comment stands directly above its block"


def _body(lines: Iterator[tuple[int, str]], indent: str, fence: str) -> str:
    body = []
    for _, line in lines:
        if line.strip() == fence:
            return "\n".join(body) + "\n"
        body.append(line.removeprefix(indent))
    raise AssertionError("a block does not end")
