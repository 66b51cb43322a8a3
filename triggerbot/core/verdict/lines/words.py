"""The words of a shape, and how strongly each identifies a failure. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache

#: Words that any failure shows, other words, kinds of errors, and names.
COMMON, WORD, ERROR_KIND, NAME = 1, 4, 6, 15
#: Shapes in a cache.
_CACHED = 4096

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
_ERROR = re.compile(r"(?:Error|Exception|Failure|Warning|Timeout)$")
#: Kinds of errors of any assertion.
_ASSERTED = re.compile(r"(?:\w+\.)*(?:Assertion|Comparison|Expectation|MultipleFailures)\w*$")
#: The module of a kind of error: `java.lang.` of `java.lang.OutOfMemoryError`.
_ERROR_OF = re.compile(r"^(?:\w+\.)+(?=\w+(?:Error|Exception|Failure|Warning|Timeout)$)")
_HAS_NAME = re.compile(r"[A-Za-z0-9][_./:$@-]+[A-Za-z0-9]|[a-z][A-Z]|[A-Za-z]\d|\d[A-Za-z]|_|\(\)$|[A-Z][A-Z][a-z]")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a shape with their weights, without order."""

    weights: dict[str, int]
    names: frozenset[str]
    #: The first name: usually that of the test.
    first: str
    total: int

    @property
    def specific(self) -> bool:
        """Whether there is any word that not every failure shows."""
        return any(weight > COMMON and not word.isdecimal() for word, weight in self.weights.items())


@lru_cache(_CACHED)
def words(text: str) -> Words:
    """Return the words of a shape, each with its weight."""
    weights: dict[str, int] = {}
    names: dict[str, None] = {}
    for quoted, plain in _WORDS.findall(text):
        word = _ERROR_OF.sub("", (quoted or plain).strip(_AROUND))
        weight = _weight(word, quoted=bool(quoted))
        if not weight:
            continue
        if weight == NAME:
            names[word] = None
        else:
            word = word.lower()
        weights[word] = weight
    return Words(weights, frozenset(names), next(iter(names), ""), sum(weights.values()))


def _weight(word: str, *, quoted: bool) -> int:
    if not any(map(str.isalpha, word)):
        # The numbers that are left are the failure.
        return NAME if word.isdecimal() else 0
    if quoted:
        return COMMON if word.lower() in _LITERALS else NAME
    if len(word) == 1 or word.lower() in _ANY or _ASSERTED.match(word):
        return COMMON
    if _ERROR.search(word) and word.isalpha():
        return ERROR_KIND
    return NAME if _HAS_NAME.search(word) else WORD
