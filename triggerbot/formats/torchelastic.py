"""The error files of torch elastic: one JSON for each worker that died, `{"message": ...}`.

`message` is a text, or an object with `message`, `extraInfo` (`py_callstack`, `timestamp`) and `errorCode`. What died
first is the root cause: the others mostly died of it.
"""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from triggerbot.core.run_tests import LINE_MAX
from triggerbot.formats import LINES_MAX, Contents, File, Problem, content, excerpt

_EXPECTED = 'expected the error file of torch elastic, {"message": ...}'
#: The rank of a worker in the path of its file: `attempt_0/3/error.json`.
_FOLDER, _NUMBER = re.compile(r"(?:^|/)(\d{1,9})(?=/)"), re.compile(r"\d{1,9}")
_NAME = "error.json"
#: Where msgspec says what is wrong.
_PLACE = re.compile(r"\(byte (\d+)\)")


class _Death(NamedTuple):
    """The death of a worker; they are sorted by time, then by rank."""

    timestamp: float
    rank: float
    line: str


class TorchElastic:
    """Error files of torch elastic."""

    name = "torchelastic"
    describes = "torch elastic's error files (*.json)"
    endings: tuple[str, ...] = (".json",)

    def knows(self, file: File, head: bytes) -> bool:
        """Whether it begins as such an object, or has the name that torch elastic gives it and is damaged."""
        if not file.base.endswith(".json"):
            return False
        begins = re.match(rb'\s*\{\s*"message"\s*:', head) is not None
        return begins or (file.base == _NAME and len(head) == file.size and _is_damaged(head))

    def read(self, files: Sequence[File]) -> Contents:
        """Read the deaths of all workers: the line of the root cause comes first."""
        deaths: list[_Death] = []
        problems: list[Problem] = []
        for file in files:
            found = _read(file)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                deaths.append(found)
        lines = dict.fromkeys(one.line for one in sorted(deaths))
        return Contents(failures=tuple(lines)[:LINES_MAX], problems=tuple(problems), files=len(deaths))


TORCHELASTIC = TorchElastic()


def _read(file: File) -> _Death | Problem:
    data = content(file)
    if isinstance(data, Problem):
        return data
    try:
        value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        found = excerpt(data[:200].decode(errors="replace"))
        return Problem(file.name, _line_of(error, data), f"{_EXPECTED}, found no JSON: {found}")
    said = value.get("message") if isinstance(value, dict) else None
    told = said.get("message") if isinstance(said, dict) else said
    if not isinstance(told, str):
        return Problem(file.name, 1, f"{_EXPECTED} with a text or an object that has one, found {excerpt(str(value))}")
    return _Death(_timestamp(said), _rank(file, value), _line(told))


def _is_damaged(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return True
    return False


def _line_of(error: Exception, data: bytes) -> int:
    """Return the line of damage in JSON: where the parser says, else the last one."""
    place = _PLACE.search(str(error))
    return data[: int(place[1]) if place else len(data.rstrip())].count(b"\n") + 1


def _timestamp(said: Any) -> float:
    extra = said.get("extraInfo") if isinstance(said, dict) else None
    stamp = extra.get("timestamp") if isinstance(extra, dict) else None
    try:
        seconds = float(stamp)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return seconds if math.isfinite(seconds) else math.inf


def _rank(file: File, value: dict[str, Any]) -> float:
    told = value.get("rank")
    if isinstance(told, int):
        return float(min(told, 10**9))
    folders = _FOLDER.findall(file.name)
    numbers = folders or _NUMBER.findall(file.base)
    return float(numbers[-1]) if numbers else math.inf


def _line(message: str) -> str:
    """Return the telling line of a message: of a traceback the last one."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return "a worker died without a message"
    return (lines[-1] if lines[0].startswith("Traceback ") else lines[0])[:LINE_MAX]
