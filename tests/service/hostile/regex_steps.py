"""Counts the steps of a regular expression, with a matcher that backtracks as Python's does.

Python's own engine does not count, and times differ between machines. This one walks the tree that Python
parses a pattern into (`re._parser`, of CPython 3.11 and newer), without the shortcuts that the real one takes: it
never takes fewer steps.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from re import _constants as sre
from re import _parser
from typing import Any

#: More than any pattern of ours may take for the texts of the tests.
STEPS_MAX = 300_000


class TooManySteps(Exception):
    """The match exceeds the limit of steps."""


class Counter:
    """One pattern; `steps` grows with each piece of the pattern that is tried at a place."""

    def __init__(self, pattern: "re.Pattern[str] | re.Pattern[bytes]") -> None:
        text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
        self._tree = list(_parser.parse(text, pattern.flags & ~re.UNICODE))
        self._ignore_case = bool(pattern.flags & re.IGNORECASE)
        self._multiline = bool(pattern.flags & re.MULTILINE)
        self._dot_all = bool(pattern.flags & re.DOTALL)
        self.steps = 0

    def count(self, method: str, text: str) -> int:
        """Count the steps of `match`, `fullmatch` or `search`; raise `TooManySteps` beyond the limit."""
        self.steps = 0
        starts = [0] if method in ("match", "fullmatch") else range(len(text) + 1)
        for start in starts:
            for end in self._walk(self._tree, 0, text, start, self._dot_all):
                if method != "fullmatch" or end == len(text):
                    return self.steps
        return self.steps

    def _walk(self, nodes: Sequence[Any], at: int, text: str, place: int, dot_all: bool) -> Iterator[int]:
        """Yield each place where the rest of a sequence may end, in the order in which it is tried."""
        if at == len(nodes):
            yield place
            return
        for end in self._one(*nodes[at], text, place, dot_all):
            yield from self._walk(nodes, at + 1, text, end, dot_all)

    def _one(self, kind: Any, what: Any, text: str, place: int, dot_all: bool) -> Iterator[int]:
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise TooManySteps
        if kind in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            if place < len(text) and self._fits(kind, what, text[place], dot_all):
                yield place + 1
        elif kind is sre.AT:
            if self._is_at(what, text, place):
                yield place
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            low, high, inner = what
            ends = self._repeat(inner, low, high, text, place, dot_all, greedy=kind is not sre.MIN_REPEAT)
            yield from self._first(ends) if kind is sre.POSSESSIVE_REPEAT else ends
        else:
            yield from self._group(kind, what, text, place, dot_all)

    def _group(self, kind: Any, what: Any, text: str, place: int, dot_all: bool) -> Iterator[int]:
        if kind is sre.BRANCH:
            for branch in what[1]:
                yield from self._walk(branch, 0, text, place, dot_all)
        elif kind is sre.SUBPATTERN:
            _, on, _, inner = what
            yield from self._walk(inner, 0, text, place, dot_all or bool(on & re.DOTALL))
        elif kind is sre.ATOMIC_GROUP:
            yield from self._first(self._walk(what, 0, text, place, dot_all))
        elif kind in (sre.ASSERT, sre.ASSERT_NOT):
            assert what[0] > 0, "no pattern of ours looks back"
            found = any(True for _ in self._first(self._walk(what[1], 0, text, place, dot_all)))
            if found is (kind is sre.ASSERT):
                yield place
        else:
            raise AssertionError(f"{kind} is in no pattern of ours")

    def _first(self, ends: Iterator[int]) -> Iterator[int]:
        for end in ends:
            yield end
            return

    def _repeat(
        self, inner: Any, low: int, high: Any, text: str, place: int, dot_all: bool, *, greedy: bool
    ) -> Iterator[int]:
        if low <= 0 and not greedy:
            yield place
        if high is sre.MAXREPEAT or high > 0:
            fewer = high if high is sre.MAXREPEAT else high - 1
            for end in self._walk(inner, 0, text, place, dot_all):
                if end > place or low > 0:
                    yield from self._repeat(inner, low - 1, fewer, text, end, dot_all, greedy=greedy)
        if low <= 0 and greedy:
            yield place

    def _fits(self, kind: Any, what: Any, character: str, dot_all: bool) -> bool:
        if kind is sre.ANY:
            return dot_all or character != "\n"
        forms = {character, character.lower(), character.upper()} if self._ignore_case else {character}
        if kind is sre.IN:
            return any(_is_in(what, form) for form in forms if len(form) == 1)
        return (chr(what) in forms) is (kind is sre.LITERAL)

    def _is_at(self, what: Any, text: str, place: int) -> bool:
        before, after = text[place - 1 : place] if place else "", text[place : place + 1]
        match what:
            case sre.AT_BEGINNING:
                return place == 0 or (self._multiline and before == "\n")
            case sre.AT_BEGINNING_STRING:
                return place == 0
            case sre.AT_END:
                return after == "" or text[place:] == "\n" or (self._multiline and after == "\n")
            case sre.AT_END_STRING:
                return after == ""
            case sre.AT_BOUNDARY:
                return _is_word(before) is not _is_word(after)
            case _:
                raise AssertionError(f"{what} is in no pattern of ours")


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_in(what: Sequence[Any], character: str) -> bool:
    negate = bool(what) and what[0][0] is sre.NEGATE
    return any(_member(*one, character) for one in what[negate:]) is not negate


def _member(kind: Any, what: Any, character: str) -> bool:
    if kind is sre.LITERAL:
        return ord(character) == what
    if kind is sre.RANGE:
        return bool(what[0] <= ord(character) <= what[1])
    return _CATEGORIES[what](character)


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    sre.CATEGORY_DIGIT: str.isdigit,
    sre.CATEGORY_NOT_DIGIT: lambda one: not one.isdigit(),
    sre.CATEGORY_SPACE: str.isspace,
    sre.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
    sre.CATEGORY_WORD: _is_word,
    sre.CATEGORY_NOT_WORD: lambda one: not _is_word(one),
}


def pieces(pattern: "re.Pattern[str]") -> list[str]:
    """Collect the parts of hostile texts for a pattern: its words, their letters, all of them, and a few others."""
    words: list[str] = []
    _collect(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE), words)
    return list(dict.fromkeys([*words, *"".join(words), "".join(words), *"a-/. \n0"]))


def _collect(node: Any, words: list[str]) -> None:
    """Add the literals of a part of a pattern; those in a row are one word."""
    if isinstance(node, tuple) and len(node) == 2 and node[0] is sre.RANGE:
        words.append(chr(node[1][0]))
    elif isinstance(node, (list, tuple, _parser.SubPattern)):
        parts = list(node)
        for before, one in zip([None, *parts], parts, strict=False):
            if _is_literal(one):
                if _is_literal(before):
                    words[-1] += chr(one[1])
                else:
                    words.append(chr(one[1]))
            else:
                _collect(one, words)


def _is_literal(node: Any) -> bool:
    return isinstance(node, tuple) and len(node) == 2 and node[0] in (sre.LITERAL, sre.NOT_LITERAL)
