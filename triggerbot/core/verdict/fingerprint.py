"""Failure fingerprints: failure lines, normalised to shapes and compared for likeness. Pure.

A line is masked first (`shape`): what differs from run to run is removed. Two shapes are compared word by word, where
names of tests, files and symbols weigh more than words that any failure shows. Lines that any failure may show are no
evidence: matching them made PyTorch's Dr.CI call real failures flaky.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

#: Likeness from which on two failure lines show the same failure.
ALIKE = 0.75
#: Shapes taken from a run.
SHAPES_MAX = 10
#: Characters of a line that are examined, and of a shape.
_LINE_MAX, SHAPE_MAX = 1000, 300
#: Lines, and shapes, in a cache.
_CACHED = 4096
#: Runs whose shapes are cached, and the most characters of lines for which that is worth it: pushes are judged often.
_CACHED_RUNS, _CACHED_CHARACTERS = 8192, 4096

# -- masking ----------------------------------------------------------------------------------------------------------

#: Extensions of files whose digits belong to their name: `1059498-1.html`.
_SOURCES = "html?|xhtml|m?jsx?|tsx?|css|svg|xml|py|java|kts?|go|rs|cc?|cpp|cxx|hh?|hpp|mm?|swift|cs|rb|exs?|php|sh|ini"
#: First directories of paths that are elsewhere on another machine.
_ROOTS = "home|Users|builds?|tmp|var|root|workspace|github|__w|private|mnt|data|app|runner|srv|go|codebuild|Volumes"
_TEMPORARY = frozenset({"tmp", "temp", "Temp", "folders"})
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_UNIT = "(?:[num\u00b5\u03bc]?s|secs?|m|mins?|h|hrs?|d|%|[kKMGT]?i?B|[kKMG])"
#: Kubernetes ends generated names with these (its `rand.String` has neither vowels nor digits like 0, 1 and 3).
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_QUOTES = '"`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e'
_PLAIN = {**dict.fromkeys(range(32), " "), 127: " ", ord("\\"): "/", **dict.fromkeys(map(ord, _QUOTES), "'")}
_HASH = r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,128}"
#: Variable parts that contain a space.
_PHRASE = re.compile(
    rf"""
      (?<=[!=]=\ )'[^']{{0,80}}' | '[^']{{0,80}}'(?=\ [!=]=\ )
    | \b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )?(?:\d\d?\ {_MONTH}|{_MONTH}\ \d\d?)\b
    | \b[IWEF]\d{{4}}(?=\ \d\d:) | \b(?<=thread\ )T\d+\b
    """,
    re.VERBOSE,
)
#: A piece of a line that may contain something variable: a cheap test, for most pieces do not.
_PIECE = re.compile(r"(?<!\S)[^\s\d/]*+[\d/]\S*")
_VARIABLE = re.compile(
    rf"""
      (?P<path>(?:file://)?(?<![\w.])(?:[A-Za-z]:/+|/(?:{_ROOTS})/)[^\s'():;,|<>\[\]{{}}]*)
    | (?<![0-9A-Za-z])[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}(?![0-9A-Za-z])
    | \b\d{{4}}-\d\d-\d\d[T_][\d:_.,+-]*(?:Z|UTC)?(?!\w)
    | \btmp(?:[a-z0-9_]{{8}}|\.[A-Za-z0-9]{{6,12}})\b
    | \bgw\d+(?=\]) | (?<=@)(?=\d*[a-f])[0-9a-f]{{5,8}}\b
    | (?<![0-9A-Za-z])(?:0[xX][0-9a-fA-F]+|{_HASH}|(?=[A-F]*\d)(?=\d*[A-F])[0-9A-F]{{7,128}}
        |(?=(?:[a-z]*\d){{4}})(?=\d*[a-z])[0-9a-z]{{20,64}}|(?=(?:[A-Z]*\d){{4}})(?=\d*[A-Z])[0-9A-Z]{{16,64}})(?![0-9A-Za-z])
    | (?P<file>(?<![\w.+-])[\w.+-]*\.(?:{_SOURCES})(?!\w))
    | (?<=[a-z0-9])-(?=[a-z]*\d)(?=\d*[a-z])(?!\d+[a-z]+\b)
        (?:{_RANDOM}{{8,10}}-{_RANDOM}{{5}}|{_RANDOM}{{5,6}}|[0-9a-f]{{8}}-[a-z0-9]{{4}})(?![\w-])
    | \b\d+(?:[.,:]\d+)*(?:e[+-]?\d+)?(?:{_UNIT}(?:\d+(?:\.\d+)?{_UNIT}){{0,3}})?(?!\w)
    | (?<=[A-Za-z_])\d{{9,}}
    """,
    re.VERBOSE,
)
_HASH_IN_NAME = re.compile(rf"(?<![0-9A-Za-z]){_HASH}(?![0-9A-Za-z])")
_DIGITS = re.compile(r"\d+")
_MASKS = re.compile(r"#(?:[ :.,/x+-]*#)+")
#: Prefixes that loggers put before a line.
_BEFORE = re.compile(
    r"(?:[\s\[\](){}=|:,.<>-]*(?:\[task )?#[\s\])}=|:,.>-]*)*(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL|FATAL) +- +)?"
)
_SOURCE = re.compile(rf"\.(?:{_SOURCES})$")


def shape(line: str) -> str:
    """Mask everything in a line that differs between runs, so that runs of one failure mostly have equal shapes.

    Numbers, addresses, hashes, times, temporary names and compared values become `#`; of a local path only the end
    remains. At most `SHAPE_MAX` characters; '' if no letter remains. A shape is its own shape.
    """
    return _shape(line[:_LINE_MAX])


@lru_cache(_CACHED)
def _shape(line: str) -> str:
    text = _ANSI.sub("", line).translate(_PLAIN)
    before = None
    while text != before:
        before = text
        text = _PIECE.sub(_mask, _PHRASE.sub("#", " ".join(_crash(text).split())))
        text = _BEFORE.sub("", _MASKS.sub("#", text), count=1)[:SHAPE_MAX].strip()
    return text if any(map(str.isalpha, text)) else ""


def _crash(text: str) -> str:
    """Reduce a crash to its symbol: the test in which it happened is chance."""
    crash, symbol = text.find("PROCESS-CRASH"), text.find("[@ ")
    if not 0 <= crash < symbol:
        return text
    return f"PROCESS-CRASH | application crashed {text[symbol:].partition('] |')[0].rstrip('] ')}]"


def _mask(piece: re.Match[str]) -> str:
    return _VARIABLE.sub(_masked, piece[0])


def _masked(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "path":
            return _end(found[0])
        case "file":
            # A bundler's output has a hash in its name, and numbers that change with it.
            name, hashes = _HASH_IN_NAME.subn("#", found[0])
            return _DIGITS.sub("#", name) if hashes else name
        case _:
            return "#"


def _end(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if _TEMPORARY.isdisjoint(parts):
        return "/".join(parts[-2:])
    return parts[-1] if _SOURCE.search(path) and parts[-2] not in _TEMPORARY else "#"


# -- words ------------------------------------------------------------------------------------------------------------

#: How strongly a word identifies a failure: words of any failure, other words, kinds of errors, and names.
_COMMON, _WORD, _ERROR_KIND, _NAME = 1, 4, 6, 15

#: Words that any failure may show.
_ANY_FAILURE = """
    a abort aborted aborting about above after again all an and any are as assert assertion assertionerror
    assertionfailederror at be because been before build building builds but by call called calledprocesserror can
    cancel canceled cancelled cannot caused check checks code codes command complete completed condition container
    context could crash crashed deadline detail details did do does doing done due during each else err errno error
    errored errors exceeded exception exceptions execute executing execution exit exited exiting expect expected
    expecting fail failed failing fails failure failures false fatal file files finish finished for force from
    further got had has have help here hour hours if in info information internal into is it its itself job jobs
    kill killing last least less line lines log logs longer make many marked may message min mins minute minutes
    more most mozalloc_abort ms msg must namely need never next no non non-zero none not now npm number occurred of
    off ok on one only operation or other our out output over own pass passed passing pending please pnpm previous
    process process-crash processes program raise raised reason received recent reftest report reported result
    results retry return returned returning run running runs runtimeerror same script sec second seconds secs see
    shell should sibling since so some start started status stderr stdout step steps still stop stopped subprocess
    successful successfully such suite suites summary task taskcluster taskcluster:error tasks terminate terminated
    test test-unexpected-crash test-unexpected-error test-unexpected-fail test-unexpected-pass
    test-unexpected-timeout tests than that the their them then there these they this those thrown time timed
    timeout to too total traceback true try trying twice under unexpected unexpectedly unhandled unknown
    unsuccessful until up value values wait waited waiting warn warning warnings was went were what when where which
    while will with without worker wrong yarn yet you your zero
"""
_ANY = frozenset(_ANY_FAILURE.split())
#: Values, even if quoted.
_LITERALS = frozenset({"true", "false", "none", "null", "nil", "undefined"})
_WORDS = re.compile(r"(?<!\w)'([^\s']{1,100})'(?!\w)|([^\s'(),;|<>{}\[\]=]+(?:\(\))?)")
_AROUND = ".,:;!?#*\u2026~-/%&+@^_"
_NO_WORD = re.compile(r"\W")
_ERROR = re.compile(r"(?:Error|Exception|Failure|Warning|Timeout)$")
#: The module of a kind of error: `java.lang.` of `java.lang.OutOfMemoryError`.
_ERROR_OF = re.compile(r"^(?:\w+\.)+(?=\w+(?:Error|Exception|Failure|Warning|Timeout)$)")
_HAS_NAME = re.compile(r"[A-Za-z0-9][_./:$@-]+[A-Za-z0-9]|[a-z][A-Z]|[A-Za-z]\d|\d[A-Za-z]|_|\(\)$|[A-Z][A-Z][a-z]")


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a shape with their weights, without order."""

    weights: dict[str, int]
    names: frozenset[str]
    #: The first name: usually that of the test.
    first: str
    total: int

    @property
    def specific(self) -> bool:
        """Whether there is any word that not every failure shows."""
        return any(weight > _COMMON for weight in self.weights.values())


@lru_cache(_CACHED)
def _words(text: str) -> _Words:
    weights: dict[str, int] = {}
    names: dict[str, None] = {}
    for quoted, plain in _WORDS.findall(text):
        word = _ERROR_OF.sub("", (quoted or plain).strip(_AROUND))
        weight = _weight(word, quoted=bool(quoted))
        if not weight:
            continue
        if weight == _NAME:
            names[word] = None
        else:
            word = word.lower()
        weights[word] = weight
    return _Words(weights, frozenset(names), next(iter(names), ""), sum(weights.values()))


def _weight(word: str, *, quoted: bool) -> int:
    if not any(map(str.isalpha, word)):
        return 0
    if quoted:
        return _COMMON if word.lower() in _LITERALS else _NAME
    if len(word) == 1 or word.lower() in _ANY:
        return _COMMON
    if _ERROR.search(word) and word.isalpha():
        return _ERROR_KIND
    return _NAME if _HAS_NAME.search(word) else _WORD


# -- likeness ---------------------------------------------------------------------------------------------------------

#: Upper limit of the likeness of two lines each of which names something that the other does not.
_OTHER_NAME_MAX = 0.5
#: Upper limit of the likeness of two lines each of which has a word of its own.
_OTHER_WORD_MAX = 0.7
#: Similarity, in percent, from which on words count as two forms of the same words.
_SAME_WORDS_MIN = 80
#: Characters from which on a line may have been truncated without a mark.
_TRUNCATED_MIN = 100
#: Names that have to agree for each one that differs.
_NAMES_PER_OTHER = 6
#: The likeness of a line to its own beginning.
_BEGINNING = 0.9


def likeness(a: str, b: str) -> float:
    """Return how alike two shapes are, from 0 to 1.

    It is the weight of the common words as a share of the weight of the wordier shape, where names (of tests, files,
    symbols, anything quoted) weigh most and the words of any failure least. Two lines that each name something the
    other does not are not alike, however much else agrees; a truncated line is like the whole.
    """
    if a == b:
        return 1.0
    one, other = _words(a), _words(b)
    wordier = max(one.total, other.total)
    if not wordier:
        return _ratio(a, b) / 100
    if _is_truncated(a, b, one) or _is_truncated(b, a, other):
        return _BEGINNING
    common = sum(one.weights[word] for word in one.weights.keys() & other.weights.keys())
    mine, yours = _own_words(one, other), _own_words(other, one)
    limit = 1.0
    if mine and yours:
        if _are_same_words(" ".join(sorted(mine)), " ".join(sorted(yours))):
            common += min(sum(mine.values()), sum(yours.values()))
        else:
            limit = _OTHER_WORD_MAX
    if not _same_names(one, other):
        limit = _OTHER_NAME_MAX
    return min(1.0, common / wordier) * limit


def _are_same_words(mine: str, yours: str) -> bool:
    # The first character has to agree: `visible` is not `invisible`.
    return mine[0] == yours[0] and _ratio(mine, yours) >= _SAME_WORDS_MIN


def _ratio(one: str, other: str) -> float:
    # Only lines that differ need it, and it takes a while to import.
    from rapidfuzz import fuzz

    return fuzz.ratio(one, other)


def _own_words(one: _Words, other: _Words) -> dict[str, int]:
    return {
        word: weight for word, weight in one.weights.items()
        if _COMMON < weight < _NAME and word not in other.weights
    }  # fmt: skip


def _same_names(one: _Words, other: _Words) -> bool:
    mine, yours = len(one.names - other.names), len(other.names - one.names)
    if not mine or not yours:
        return True
    # In a long list of names, as of leaked objects or frames, some may differ, but not the first.
    return one.first == other.first and len(one.names & other.names) >= _NAMES_PER_OTHER * max(mine, yours)


def _is_truncated(line: str, whole: str, words: _Words) -> bool:
    """Whether a line is the truncated beginning of another, long enough to identify it."""
    beginning = line.rstrip(" .\u2026'>")
    marked = line[len(beginning) :].strip(" '>") in ("...", "\u2026")
    if len(beginning) >= len(whole) or not (marked or len(line) >= _TRUNCATED_MIN) or not words.names:
        return False
    if not whole.startswith(beginning) or not (marked or _NO_WORD.match(whole, len(beginning))):
        return False
    # The last word may be half a name, so it does not count.
    return bool(_words(beginning.rpartition(" ")[0]).names)


# -- generic lines ----------------------------------------------------------------------------------------------------

#: Shapes of tools' lines that name something but only say that the tool failed.
_TOOLS = re.compile(
    r"""
      \w*make\S*:\ (?:\*\*\*\ (?:\[|Waiting)|Target\ .*not\ remade)
    | ninja:\ build\ stopped
    | npm\ (?:ERR!|error)\ (?:code\ E?LIFECYCLE|errno|A\ complete\ log|Test\ failed|Lifecycle\ script|\S*_logs/)
    | Build\ step\ '.*'\ (?:marked|failed|changed)
    | The\ command\ '.*'\ (?:exited|failed)
    | \[ERROR\]\ (?:Failed\ to\ execute\ goal\ .*test\ failures|->|BUILD\ FAILURE)
    | error:\ (?:could\ not\ compile|test\ failed,\ to\ rerun)
    | test\ result:\ FAILED
    | .{0,40}\bUnsuccessful\ task\ run\b
    """,
    re.VERBOSE,
)


def _is_generic(text: str) -> bool:
    """Whether any failure may show this shape: all its words are generic, or it only says that a tool failed."""
    return not _words(text).specific or _TOOLS.match(text) is not None


# -- runs -------------------------------------------------------------------------------------------------------------

#: The number of first lines of a run that may prove a failure alone: later ones may follow any failure.
_FIRST = 5


def shapes(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct shapes of a run's lines, except those that any failure may show; at most `SHAPES_MAX`."""
    if isinstance(lines, tuple) and sum(map(len, lines)) < _CACHED_CHARACTERS:
        return _cached_shapes(lines)
    return _shapes(lines)


def _shapes(lines: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for line in lines:
        text = shape(line)
        if not _is_generic(text):
            found[text] = None
            if len(found) == SHAPES_MAX:
                break
    return tuple(found)


_cached_shapes = lru_cache(_CACHED_RUNS)(_shapes)


def same(a: Collection[str], b: Collection[str]) -> bool:
    """Whether two runs, given by their shapes in order, have the same failure: a line of each is like the other's.

    If both runs have lines that name something, only those count, and one of the two lines has to be among the first.
    A line that names nothing ("Connection reset by peer") may follow many failures: it counts only if one of the runs
    has nothing better, and if it is among the first lines of both.
    """
    one, other = _run(tuple(a)), _run(tuple(b))
    if one is other:
        return bool(one.lines)
    if not one.names or not other.names:
        return any(likeness(mine, yours) >= ALIKE for mine in one.lines[:_FIRST] for yours in other.lines[:_FIRST])
    if one.names.isdisjoint(other.names):
        return False
    return any(
        min(i, j) < _FIRST and _same_named(mine, yours)
        for i, mine in enumerate(one.named)
        for j, yours in enumerate(other.named)
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """The shapes of a run, those of them that name something, and all their names."""

    lines: tuple[str, ...]
    named: tuple[str, ...]
    names: frozenset[str]


@lru_cache(_CACHED)
def _run(lines: tuple[str, ...]) -> _Run:
    named = tuple(line for line in lines if _words(line).names)
    return _Run(lines, named, frozenset().union(*(_words(line).names for line in named)))


def _same_named(mine: str, yours: str) -> bool:
    # Lines without a common name are never alike: this cheap test settles most pairs.
    return not _words(mine).names.isdisjoint(_words(yours).names) and likeness(mine, yours) >= ALIKE


#: Shapes that name a failing test: by how test runners write them, or by what tests are called.
_TEST = re.compile(
    r"""
      ::\w | \bTEST-UNEXPECTED-\w+\ \| | \bFAIL(?:ED)?:?\ \S*[A-Za-z] | (?:^|[\W_])tests?_\w | (?:^|\W)Test[A-Z]\w+
    | \w[._-](?:test|spec)s?\.\w | \w_test\.\w | ^not\ ok\b
    """,
    re.VERBOSE,
)


def names_test(shapes: Collection[str]) -> bool:
    """Whether any of a run's shapes names a test that failed."""
    return any(map(_TEST.search, shapes))
