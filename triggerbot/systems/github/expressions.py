"""Evaluates the expressions of workflow files (`${{ ... }}`), as far as what they come to is known; purely.

The language is documented under "Evaluate expressions in workflows and actions". Of its contexts only `github` is known
here, as far as the event and the branch tell; of its functions `contains`, `startsWith` and `endsWith`. What strangers
wrote is never executed, and its length and depth are limited.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum, auto


class Special(Enum):
    """Values that are no plain ones."""

    #: Nobody knows here.
    UNKNOWN = auto()
    #: Another one for each workflow run.
    UNIQUE = auto()


Value = str | bool | float | Special

#: Characters of an expression, its parts, and levels of its parentheses; nobody writes more.
_LENGTH_MAX, _TOKENS_MAX, _DEPTH_MAX = 2000, 300, 20
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>\|\||&&|==|!=|[!(),])"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.[\w*-]+|\[[^\]]{0,100}\])*))"
)
_OPENS, _CLOSES = "${{", "}}"


def evaluate(text: str, known: Mapping[str, Value]) -> Value:
    """Return what a value of a workflow file comes to: a plain text as it is, expressions evaluated.

    `known`: contexts by their paths in lower case, such as `github.ref`.
    """
    found = split(text.strip())
    if len(found) == 1 and found[0][1]:
        return _Parser(found[0][0], known).value()
    return "".join(parts) if isinstance(parts := pieces(text, known), list) else parts


def pieces(text: str, known: Mapping[str, Value]) -> list[str] | Special:
    """Return a text with its expressions evaluated, in pieces; or what is special about one of them."""
    found, unknown = [], False
    for piece, is_expression in split(text):
        value = _Parser(piece, known).value() if is_expression else piece
        if value is Special.UNIQUE:
            return Special.UNIQUE
        unknown = unknown or value is Special.UNKNOWN
        found.append(_text(value))
    return Special.UNKNOWN if unknown else found


def split(text: str) -> list[tuple[str, bool]]:
    """Return a text in pieces, and which of them are expressions."""
    found: list[tuple[str, bool]] = []
    at = 0
    while (opens := text.find(_OPENS, at)) >= 0 and (closes := text.find(_CLOSES, opens)) >= 0:
        found += [(text[at:opens], False), (text[opens + len(_OPENS) : closes].strip(), True)]
        at = closes + len(_CLOSES)
    return [(piece, is_expression) for piece, is_expression in [*found, (text[at:], False)] if piece or is_expression]


def truth(value: Value) -> bool | None:
    """Return whether a value counts as true; `None` if it is unknown."""
    if value is Special.UNKNOWN:
        return None
    return value is Special.UNIQUE or value not in ("", False, 0)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else ""


class _NotUnderstood(Exception):
    """The expression is none, or uses what is not known here."""


class _Parser:
    """Parses and evaluates one expression."""

    def __init__(self, text: str, known: Mapping[str, Value]) -> None:
        self._known = known
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        self._wrong = len(text) > _LENGTH_MAX
        place = 0
        while not self._wrong and text[place:].strip():
            match = _TOKEN.match(text, place)
            self._wrong = match is None or len(self._tokens) > _TOKENS_MAX
            if match is not None:
                self._tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
                place = match.end()

    def value(self) -> Value:
        """Return what the expression comes to."""
        if self._wrong:
            return Special.UNKNOWN
        try:
            found = self._either(0)
        except _NotUnderstood:
            return Special.UNKNOWN
        return found if self._at == len(self._tokens) else Special.UNKNOWN

    def _take(self, *signs: str) -> str:
        """Return the next token and go on, if it is one of these signs; else the empty string."""
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "sign":
            sign = self._tokens[self._at][1]
            if sign in signs:
                self._at += 1
                return sign
        return ""

    def _either(self, depth: int) -> Value:
        if depth > _DEPTH_MAX:
            raise _NotUnderstood
        left = self._both(depth)
        while self._take("||"):
            right = self._both(depth)
            first = truth(left)
            left = Special.UNKNOWN if first is None else left if first else right
        return left

    def _both(self, depth: int) -> Value:
        left = self._compared(depth)
        while self._take("&&"):
            right = self._compared(depth)
            first = truth(left)
            left = Special.UNKNOWN if first is None else right if first else left
        return left

    def _compared(self, depth: int) -> Value:
        left = self._plain(depth)
        while sign := self._take("==", "!="):
            right = self._plain(depth)
            if isinstance(left, Special) or isinstance(right, Special):
                left = Special.UNKNOWN
            else:
                left = (_text(left).lower() == _text(right).lower()) is (sign == "==")
        return left

    def _plain(self, depth: int) -> Value:
        if self._take("!"):
            if depth > _DEPTH_MAX:
                raise _NotUnderstood
            held = truth(self._plain(depth + 1))
            return Special.UNKNOWN if held is None else not held
        if self._take("("):
            value = self._either(depth + 1)
            if not self._take(")"):
                raise _NotUnderstood
            return value
        if self._at >= len(self._tokens):
            raise _NotUnderstood
        kind, token = self._tokens[self._at]
        self._at += 1
        match kind:
            case "text":
                return token[1:-1].replace("''", "'")
            case "number":
                return float(token)
            case "name":
                return self._named(token.lower(), depth)
        raise _NotUnderstood

    def _named(self, name: str, depth: int) -> Value:
        if self._take("("):
            return self._called(name, depth)
        if name in ("true", "false"):
            return name == "true"
        if name == "null":
            return ""
        return self._known.get(name, Special.UNKNOWN)

    def _called(self, name: str, depth: int) -> Value:
        values: list[Value] = []
        while not self._take(")"):
            values.append(self._either(depth + 1))
            if not self._take(",") and not (self._at < len(self._tokens) and self._tokens[self._at][1] == ")"):
                raise _NotUnderstood
        if Special.UNIQUE in values:
            return Special.UNIQUE if name in ("format", "join", "tojson") else Special.UNKNOWN
        function = _FUNCTIONS.get(name)
        texts = [_text(value).lower() for value in values if not isinstance(value, Special)]
        return function(*texts) if function is not None and len(texts) == len(values) == 2 else Special.UNKNOWN


_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def of_run(event: str, branch: str) -> Mapping[str, Value]:
    """Return what is known of the `github` context of a run for this event on a branch."""
    pull = event in ("pull_request", "pull_request_target")
    # Which pull request it is does not matter, but that it is the same for all runs of one.
    ref = "refs/pull/0/merge" if event == "pull_request" else f"refs/heads/{branch}"
    known: dict[str, Value] = {
        "github.event_name": event,
        "github.workflow": "workflow",
        "github.repository": "repository",
        "github.job": "job",
        "github.head_ref": branch if pull else "",
        "github.event.pull_request.number": "0" if pull else "",
        "github.event.number": "0" if pull else "",
        "github.event.pull_request.head.ref": branch if pull else "",
        "github.ref": ref,
        "github.ref_name": ref.removeprefix("refs/heads/").removeprefix("refs/pull/"),
        "github.ref_type": "branch",
    }
    if event == "pull_request_target":
        # It runs on the branch that the pull request is for.
        known |= {"github.ref": Special.UNKNOWN, "github.ref_name": Special.UNKNOWN}
    for unique in ("run_id", "run_number", "sha", "event.after", "event.head_commit.id", "event.pull_request.head.sha"):
        known[f"github.{unique}"] = Special.UNIQUE
    if not pull:
        known["github.event.pull_request.head.sha"] = ""
    else:
        known["github.event.after"] = Special.UNKNOWN
        known["github.event.head_commit.id"] = ""
    return known
