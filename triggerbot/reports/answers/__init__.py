"""What commands that only read answer: the same whether the command runs beside the store or asks a daemon for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triggerbot.config import Config
from triggerbot.store import Store

#: What commands and the API agree on: the arguments of a question.
Question = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its parts, each a text and how it is styled on a terminal."""

    parts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each row with how it is styled."""

    columns: Sequence[str]
    rows: Sequence[tuple[Sequence[str], str]]


Block = Line | Table


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a question: for programs, for people, and as an exit code."""

    exit: int
    #: `None`: there is none, for the question was wrong.
    json: Any
    said: Sequence[Block] = ()
    #: Why there is no answer, beside which only `json` counts.
    error: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is asked of."""

    store: Store
    config: Config
    #: Whether the daemon only records what it would do.
    dry: bool
    now: float


#: Answers a question. Raises `UsageError` if it is wrong, and `StoreUnavailable`.
Answers = Callable[[Asked, Question], Answer]


def line(text: str = "", style: str = "") -> Line:
    """Return a line of one part."""
    return Line([(text, style)])
