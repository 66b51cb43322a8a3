"""How alike two shapes of failure lines are. Pure."""

import re

from triggerbot.core.verdict.lines import test_ids
from triggerbot.core.verdict.lines.shape import REST, SUITE, TEST
from triggerbot.core.verdict.lines.words import COMMON, NAME, Words, words

#: Likeness from which on two failure lines show the same failure.
ALIKE = 0.75
#: Upper limit of the likeness of two lines each of which names something that the other does not.
_OTHER_NAME_MAX = 0.5
#: Upper limit of the likeness of two lines each of which has a word of its own.
_OTHER_WORD_MAX = 0.7
#: Similarity, in percent, from which on words count as two forms of the same words.
_SAME_WORDS_MIN = 86
#: Characters from which on a line may have been truncated without a mark.
_TRUNCATED_MIN = 90
#: Names that have to agree for each one that differs.
_NAMES_PER_OTHER = 6
#: The likeness of a line to its own beginning.
_BEGINNING = 0.9
#: Common words that tell nothing, not even if only one line has them.
_EMPTY_WORDS = """
    a all an and any are as assert assertion assertionerror assertionfailederror at be but by can code command do does
    error errors err exception expected fail failed failing failure fatal file for from got had has have if in info into
    is it its job line message more my no not npm of on one or other out reason result run so task test tests than that
    the their there this to too under unhandled warn warning was were when which while with
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_NO_WORD = re.compile(r"\W")


def likeness(a: str, b: str) -> float:
    """Return how alike two shapes are, from 0 to 1.

    It is the weight of the common words as a share of the weight of the wordier shape, where names (of tests, files,
    symbols, anything quoted) weigh most and the words of any failure least. Two lines that each name something the
    other does not are not alike, however much else agrees; a truncated line is like the whole.
    """
    if a == b:
        return 1.0
    (one_test, one_rest), (other_test, other_rest) = split(a), split(b)
    if one_test and other_test:
        if _is_truncated(a, b, words(a)) or _is_truncated(b, a, words(b)):
            return _BEGINNING
        if not test_ids.is_same(test_ids.parts(one_test), test_ids.parts(other_test)):
            return 0.0
        return 1.0 if not one_rest or not other_rest else _of_texts(one_rest, other_rest)
    return _of_texts(_text(a), _text(b))


def split(shape: str) -> tuple[str, str]:
    """Return the test that a shape names, or '', and the rest."""
    if not shape.startswith((TEST, SUITE)):
        return "", shape
    test, _, rest = shape.partition(" ")[2].partition(REST)
    return test, rest


def _text(shape: str) -> str:
    test, rest = split(shape)
    return f"{test} {rest}" if test else shape


def _of_texts(a: str, b: str) -> float:
    if a == b:
        return 1.0
    one, other = words(a), words(b)
    wordier = max(one.total, other.total)
    if not wordier:
        return _ratio(a, b) / 100
    if _is_truncated(a, b, one) or _is_truncated(b, a, other):
        return _BEGINNING
    common = sum(one.weights[word] for word in one.weights.keys() & other.weights.keys())
    mine, yours = _own_words(one, other), _own_words(other, one)
    limit = 1.0
    if (mine and _ends_otherwise(other, one)) or (yours and _ends_otherwise(one, other)):
        limit = _OTHER_WORD_MAX
    elif mine and yours:
        if _are_same_words(" ".join(sorted(mine)), " ".join(sorted(yours))):
            common += min(sum(mine.values()), sum(yours.values()))
        else:
            limit = _OTHER_WORD_MAX
    if not _same_names(one, other):
        limit = _OTHER_NAME_MAX
    return min(1.0, common / wordier) * limit


def _ends_otherwise(one: Words, other: Words) -> bool:
    """Whether a line has a common word that tells something, as `timed`, and that the other lacks."""
    return any(
        weight == COMMON and len(word) > 1 and word not in _EMPTY and word not in other.weights
        for word, weight in one.weights.items()
    )


def _are_same_words(mine: str, yours: str) -> bool:
    # The first character has to agree: `visible` is not `invisible`.
    return mine[0] == yours[0] and _ratio(mine, yours) >= _SAME_WORDS_MIN


def _ratio(one: str, other: str) -> float:
    # Only lines that differ need it, and it takes a while to import.
    from rapidfuzz import fuzz

    return fuzz.ratio(one, other)


def _own_words(one: Words, other: Words) -> dict[str, int]:
    return {
        word: weight for word, weight in one.weights.items()
        if COMMON < weight < NAME and word not in other.weights
    }  # fmt: skip


def _same_names(one: Words, other: Words) -> bool:
    mine, yours = len(one.names - other.names), len(other.names - one.names)
    if not mine or not yours:
        return True
    # In a long list of names, as of leaked objects or frames, some may differ, but not the first.
    return one.first == other.first and len(one.names & other.names) >= _NAMES_PER_OTHER * max(mine, yours)


def _is_truncated(line: str, whole: str, found: Words) -> bool:
    """Whether a line is the truncated beginning of another, long enough to identify it."""
    beginning = line.rstrip(" .\u2026'>")
    marked = line[len(beginning) :].strip(" '>") in ("...", "\u2026")
    if len(beginning) >= len(whole) or not (marked or len(line) >= _TRUNCATED_MIN) or not found.names:
        return False
    if not whole.startswith(beginning) or not (marked or _NO_WORD.match(whole, len(beginning))):
        return False
    # The last word may be half a name, so it does not count.
    return bool(words(beginning.rpartition(" ")[0]).names)
