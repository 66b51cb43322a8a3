"""YAML text as plain values, with the line of each; what YAML allows and a config does not need is refused.

Plain words are read as YAML 1.2 has it, and as editors do: `off`, `no`, `12:30` and dates are text, only `true` and
`false` are truth values. (YAML 1.1, PyYAML's own way, would turn `branches: [no]` into a truth value.)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from triggerbot.config.secrets import PATTERN, Reference
from triggerbot.core.errors import ConfigError, Problem

#: Where a value stands: keys and list positions from the top.
Place = tuple[str | int, ...]

#: Bytes; a hundred times more than any config needs.
FILE_MAX = 1_000_000
#: Values, counted each time that an alias repeats them, so that aliases cannot multiply without end.
_NODES_MAX = 50_000
#: Levels of nesting; a config needs seven.
_DEPTH_MAX = 40
#: Digits of a number that is taken for one; Python refuses to convert absurdly long ones.
_DIGITS_MAX = 18

_NULL, _BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))


@dataclass
class Document:
    """The values of a YAML file, and where they stand."""

    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest one around it that is in the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problem(self, place: Place, message: str) -> Problem:
        """Make a problem of the value at a place; positions in a list that was not written as one are left out."""
        while place and isinstance(place[-1], int) and place not in self.lines:
            place = place[:-1]
        return Problem(self.line(place), dotted(place), message)


def dotted(place: Place) -> str:
    """Write a place as people do: `rules[0].retries`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{printable(part, 80)}" for part in place)
    return "".join(parts).removeprefix(".")


def parse(text: str, source: str) -> Document:
    """Read YAML text; mistakes that leave the rest readable are among `problems`, any other raises `ConfigError`."""
    if len(text) > FILE_MAX:
        raise ConfigError(source, (Problem(None, "", f"the file is larger than {FILE_MAX} bytes"),))
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        reader = _Reader(loader.tagged, source)
        reader.document.value = None if node is None else reader.read(node, ())
    except yaml.YAMLError as error:
        raise ConfigError(source, (_syntax(error, text),)) from None
    except (ValueError, OverflowError):
        # PyYAML lets "\UFFFFFFFF" through to chr().
        message = "this is no YAML: an escape like \\UFFFFFFFF stands for no character"
        raise ConfigError(source, (Problem(None, "", message),)) from None
    return reader.document


class _Loader(yaml.SafeLoader):
    """Composes nodes without recursing too deeply, and notes which of them carry tags."""

    #: In the order in which they are tried; whatever matches none is text.
    yaml_implicit_resolvers: dict[Any, Any] = {  # noqa: RUF012 - the base class declares it so
        None: [
            (_NULL, re.compile(r"(?:~|null|Null|NULL|)\Z")),
            (_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")),
            (_INT, re.compile(r"[-+]?[0-9]+\Z")),
            (_FLOAT, re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")),
        ]
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.tagged: list[int] = []
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = _line(event)
        self._depth += 1
        self._nodes += 1
        if self._depth > _DEPTH_MAX:
            raise _Refused(line, f"nested more than {_DEPTH_MAX} levels deep")
        if self._nodes > _NODES_MAX:
            raise _Refused(line, f"more than {_NODES_MAX} values in one file")
        if getattr(event, "tag", None) is not None:
            self.tagged.append(line)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Refused(yaml.YAMLError):
    """Something is YAML, but more than a config may be."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(message)


class _Reader:
    """Turns nodes into values (lists become tuples), noting lines and mistakes on the way.

    A text that may say where a secret is kept carries its place along: who reads the secret later reports that.
    """

    def __init__(self, tagged: list[int], source: str) -> None:
        self._source = source
        message = "YAML tags (words that begin with !) are not used here; write such text in quotes"
        self.document = Document(problems=[Problem(line, "", message) for line in tagged])
        self._nodes = 0

    def read(self, node: yaml.Node, place: Place) -> Any:
        line = _line(node)
        self._nodes += 1
        if self._nodes > _NODES_MAX or len(place) > _DEPTH_MAX:
            raise _Refused(line, "aliases (words that begin with *) repeat too much here; write it out")
        self.document.lines.setdefault(place, line)
        if isinstance(node, yaml.MappingNode):
            return dict(self._entries(node, place))
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.read(item, (*place, position)) for position, item in enumerate(node.value))
        return self._scalar(node, place)

    def _entries(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(line, place, "a key must be plain text, not a list or mapping")
                continue
            key = self._sound(key_node.value, line, place)
            if key in first:
                self._complain(line, (*place, key), f"this key is given twice, on line {first[key]} and line {line}")
                continue
            first[key] = self.document.lines[(*place, key)] = line
            yield key, self.read(value_node, (*place, key))

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        text: str = node.value
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL:
            return text.lower() == "true"
        if node.tag == _INT and len(text) <= _DIGITS_MAX:
            return int(text)
        if node.tag in (_INT, _FLOAT):
            return float(text)
        sound = self._sound(text, _line(node), place)
        if re.fullmatch(PATTERN, sound):
            return Reference(sound, self.document.line(place), dotted(place), self._source)
        return sound

    def _sound(self, text: str, line: int, place: Place) -> str:
        """Refuse what no file name, address or database could hold: NUL, and halves of surrogate pairs."""
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            self._complain(line, place, "this text contains a character that is none (NUL, or half a surrogate pair)")
            return printable(text, len(text))
        return text

    def _complain(self, line: int, place: Place, message: str) -> None:
        self.document.problems.append(Problem(line, dotted(place), message))


def _line(part: yaml.Node | yaml.Event) -> int:
    return part.start_mark.line + 1 if part.start_mark else 1


def _syntax(error: yaml.YAMLError, text: str) -> Problem:
    """Say in words what PyYAML found; never with an excerpt, which could be a secret."""
    if isinstance(error, _Refused):
        return Problem(error.line, "", error.message)
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(line, "", "this is no text file: it contains a control character")
    what = f"{getattr(error, 'context', None) or ''}: {getattr(error, 'problem', None) or ''}".strip(": ")
    # What is never closed is noticed at the end of the file; where it was opened is where to look.
    began = "context_mark" if "quoted scalar" in what or "parsing a flow" in what else "problem_mark"
    mark = getattr(error, began, None) or getattr(error, "problem_mark", None)
    return Problem(mark.line + 1 if mark else None, "", f"this is no YAML: {_plainly(what)}")


#: What PyYAML says (a part of it) -> what we say. Names of aliases, anchors and tags are left out with it.
_SYNTAX = (
    ("'\\t'", "a tab: YAML is indented with spaces only"),
    ("scanning an alias", '* begins an alias here; put a pattern in quotes, such as "*"'),
    ("undefined alias", '* begins an alias here, and it is not defined; put a pattern in quotes, such as "*.x"'),
    ("scanning an anchor", "& begins an anchor here; put such text in quotes"),
    ("duplicate anchor", "an anchor (&) is defined twice"),
    ("tag", "! begins a tag here; put such text in quotes"),
    ("single document", "only one document: remove what follows the line ---"),
    ("directive", "% begins a directive here; put such text in quotes"),
    ("incompatible YAML", "remove the line that begins with %YAML"),
    (
        "mapping values are not allowed",
        "a second colon in one line, or wrong indentation; put text with ': ' in quotes",
    ),
    ("could not find expected ':'", "a key without a colon, or wrong indentation: write 'key: value'"),
    ("scanning a quoted scalar", "a quotation mark or escape is wrong: is the closing quote there?"),
    ("cannot start any token", "@ and ` cannot begin a text: put it in quotes"),
    ("parsing a flow", "a bracket is not closed, or a comma is missing"),
    ("parsing a block", "wrong indentation, or a bracket or quote that is not closed"),
)


def _plainly(what: str) -> str:
    return next((words for part, words in _SYNTAX if part in what), printable(what))


# -- foreign text made fit for a message -----------------------------------------------------------------------------

#: Characters; enough to recognise what was written.
_SHOWN_MAX = 60


def printable(text: str, most: int = 200) -> str:
    """Escape what could disturb a terminal or cannot be encoded, and cut what is too long."""
    cut = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in cut)


def shown(value: Any, *, secret: bool = False) -> str:
    """Say in words what was written, as in `got text 'x'`; the content of a secret is never part of it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number" if secret else f"the number {value}"
    if isinstance(value, str):
        return "text" if secret else f"text '{printable(value, _SHOWN_MAX)}'"
    return "a list" if isinstance(value, tuple | list) else "a mapping"
