"""Every pattern is linear in the length of the text, however hostile the text is.

Steps are counted, not seconds: see `regex_steps`. A text that is twice as long may take about twice as many.
"""

import ast
import contextlib
import fnmatch
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import triggerbot
from tests.service.hostile import regex_steps as steps
from tests.service.hostile.regex_steps import Counter, TooManySteps
from triggerbot.config import fields
from triggerbot.core import patterns
from triggerbot.core.patterns import Globs
from triggerbot.core.policy import try_syntax
from triggerbot.systems.github.settings import REPOSITORY

PACKAGE = Path(triggerbot.__file__).parent
METHODS = ("match", "fullmatch", "search", "finditer", "findall", "sub", "subn", "split")

#: Patterns for lines of logs.
LINES = (
    "diagnostics._MAYBE", "generic._ENDINGS", "masks._NUMBERED", "shape._AGAIN",
    "masks._HASH_IN_NAME", "masks._IN_TEST", "masks._LETTERS", "masks._LONG_IN_DATA",
    "masks._PHRASE", "masks._PIECE", "masks._VARIABLE", "numbers.DECIDING", "roles._ASSERTION", "roles._FAILURE",
    "test_ids._AROUND", "words._WORDS",
)  # fmt: skip
#: Patterns that may take more, and why that is harmless.
BOUNDED = {
    "triggerbot.systems.github.rerun._NEVER": "sees 300 characters at most",
    **{
        f"triggerbot.core.verdict.lines.{name}": "sees a line that is cut to a thousand characters before"
        for name in LINES
    },
    "triggerbot.cli.errors._OURS": "sees the names of files in tracebacks of our own",
}
#: Values of the names in patterns that are built where they are used.
LOCAL = {"mention": re.escape("triggerbot"), "source": Path("state.db")}
#: By how much a text of twice the length may exceed twice the steps: the constant cost of a match.
SLACK = 1.15


def _patterns() -> Iterator[tuple[str, str, "re.Pattern[str]"]]:
    """Yield every pattern of triggerbot: its place, the method that uses it, and the pattern."""
    sources = {path: path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
    whole = "\n".join(sources.values())
    for path, text in sources.items():
        name = ".".join(["triggerbot", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        if "re." in text and name != patterns.__name__:
            module = importlib.import_module(name)
            for node in ast.walk(ast.parse(text)):
                yield from _of_node(node, module.__dict__, name, text, whole)


def _of_node(
    node: ast.AST, names: dict[str, object], module: str, text: str, whole: str
) -> Iterator[tuple[str, str, "re.Pattern[str]"]]:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name("re"), attr=("match" | "fullmatch" | "search") as method)):
            argument = ast.unparse(node.args[0])
            if not argument.isidentifier() or argument in names:
                yield f"{module}.{argument}", method, re.compile(str(eval(argument, names)))
        case ast.Assign(
            targets=[ast.Name(name)], value=ast.Call(func=ast.Attribute(value=ast.Name("re"), attr="compile"))
        ):
            users = text if name.startswith("_") else whole
            used = set(re.findall(rf"\b{name}\.({'|'.join(METHODS)})\(", users))
            assert used, f"{module}.{name} is used by no method that this test knows"
            made = eval(ast.unparse(node.value), {**names, **LOCAL})
            for method in sorted({"search" if one not in ("match", "fullmatch") else one for one in used}):
                yield f"{module}.{name}", method, made
        case _:
            return


def _all() -> list[tuple[str, str, "re.Pattern[str]"]]:
    forms = {"NAME": fields.NAME, "GROUP": fields.GROUP, "REPOSITORY": REPOSITORY}
    formed = [(name, "fullmatch", re.compile(form)) for name, form in forms.items()]
    yaml = [("document", "match", re.compile(text)) for text in (r"[-+]?[0-9]+\Z", r"(?:true|false)\Z")]
    return [*_patterns(), *formed, *yaml]


ALL = _all()


def hostile(pattern: "re.Pattern[str]", length: int) -> Iterator[str]:
    """Make texts of a length from parts that the pattern looks for, with an end that does not match."""
    found = steps.pieces(pattern)
    runs = "".join(found[:20])
    for piece in found:
        for before in ("", runs[:10]):
            yield (before + piece * length)[: length - 1] + "\x00"


def growth(pattern: "re.Pattern[str]", method: str, length: int = 60) -> float:
    """Return by which factor the steps of the worst text grow when it is twice as long."""
    counter = Counter(pattern)
    short, long = ([counter.count(method, text) for text in hostile(pattern, size)] for size in (length, 2 * length))
    return max(after / (before + 20) for before, after in zip(short, long, strict=True))


def test_the_patterns_are_found() -> None:
    """Otherwise the tests below would be empty."""
    names = {name for name, _, _ in ALL}

    assert len(names) > 20
    assert {"triggerbot.core.event_json._REVISION", "triggerbot.systems.github.messages._FULL_NAME"} <= names
    assert BOUNDED.keys() <= names


@pytest.mark.parametrize(
    ("method", "pattern"),
    [pytest.param(method, pattern, id=f"{name}-{method}") for name, method, pattern in ALL if name not in BOUNDED],
)
def test_a_pattern_is_linear(method: str, pattern: "re.Pattern[str]") -> None:
    """Every one in triggerbot, with the method by which it is used."""
    assert growth(pattern, method) <= 2 * SLACK


@pytest.mark.parametrize(
    ("text", "method"),
    [(r"(a+)+b", "match"), (r"(a|a)*b", "match"), (r"(?:.*,)*x", "match"), (r"\s*\s*x", "match"), (r"a+b", "search"),
     (r".*a.*b", "match"), (r"(\w+\s?)+$", "match"), (r"(limit).*(retr)", "search")],
)  # fmt: skip
def test_it_would_notice_a_bad_pattern(text: str, method: str) -> None:
    """Textbook examples, and merely quadratic ones."""
    with contextlib.suppress(TooManySteps):
        assert growth(re.compile(text), method, 24) > 2 * SLACK


@pytest.mark.parametrize(
    "text",
    ["abc", "a*b", "(a|b)+c?", "^a.*b$", r"[a-c]{2,3}x", r"(?!b).a", r"(?>a*)b", r"\bab\b", r"a*?b", "[^ab]+", r"a++b"],
)
@given(st.text("abcx \n", max_size=8))
def test_the_counter_matches_as_python_does(text: str, given_text: str) -> None:
    """Otherwise its steps would be those of another engine."""
    pattern = re.compile(text)
    for method in ("match", "fullmatch", "search"):
        ends = _ends(Counter(pattern), method, given_text)
        assert bool(ends) is (getattr(pattern, method)(given_text) is not None)


def _ends(counter: Counter, method: str, text: str) -> list[int]:
    starts = [0] if method != "search" else range(len(text) + 1)
    found = [end for start in starts for end in counter._walk(counter._tree, 0, text, start, False)]
    return [end for end in found if method != "fullmatch" or end == len(text)]


# -- globs -------------------------------------------------------------------------------------------------------

GLOBS = [
    "*a*a*a*a*a*b",
    "*-*-*-*-*",
    "a*" * 12 + "b",
    "?*?*?*x",
    "[a-z]*[a-z]*[a-z]*!",
    "*[!a]*[!a]*b",
    "**a**b**",
    "*test*/*opt*-*",
]


def glob_growth(pattern: str, text: str, length: int) -> float:
    """Return by which factor the steps of a glob grow with a text that is twice as long."""
    counter = Counter(re.compile(fnmatch.translate(pattern)))
    short, long = (counter.count("match", (text * size)[:size]) for size in (length, 2 * length))
    return long / (short + 20)


@pytest.mark.parametrize("pattern", GLOBS)
@pytest.mark.parametrize("text", ["a", "-", "a-", "ab", "test/opt-", "\n", "aaaaaaab"])
def test_a_glob_is_linear_in_the_text(pattern: str, text: str) -> None:
    """For any number of stars, and any name."""
    assert glob_growth(pattern, text, 60) <= 2 * SLACK


@given(st.text("ab*?", min_size=1, max_size=14), st.text("ab", min_size=1, max_size=4))
@example("*a" * 7, "a")
def test_any_glob_is_linear_in_the_text(pattern: str, text: str) -> None:
    """Python's translation keeps what a star has taken (an atomic group), so that nothing is tried twice."""
    assert glob_growth(pattern, text, 60) <= 2 * SLACK


def test_globs_are_what_was_counted() -> None:
    """Our own matcher of patterns is Python's translation and nothing else."""
    globs = Globs(["*a*b", "x?[0-9]"])
    globs.match("what makes it compile them")

    assert [regex.pattern for regex in globs._regexes] == [fnmatch.translate(one) for one in globs.patterns]
    huge = "a" * 1_000_000
    assert not Globs(["*a" * 50 + "b", "*-*-*-*-*b"]).match(huge)


# -- messages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    ["try: ", "triggerbot: ", "\ntriggerbot: --rebuild 5 ", "[", "[]", "--rebuild ", "--rebuild-x=[ ", "\r", '"', " "],
)
def test_a_huge_message_is_read(piece: str) -> None:
    """A megabyte of what the parser looks for; were it not linear, the test would exceed its time limit."""
    asks = try_syntax.read("try: " + piece * (1_000_000 // len(piece)), ["x"])

    assert len(asks.problems) <= 10
