"""The file into which a dying worker writes the cause, and how its supervisor reads it.

It has no name, only descriptors: nothing is left over, however all of this ends. What the interpreter itself writes
there when a signal such as SIGSEGV hits it (`faulthandler`) is understood, too.
"""

import faulthandler
import json
import os
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, Self

from triggerbot.logs import cut_trace

#: Bytes; what a worker writes is far less.
_MOST = 1_000_000
#: Characters of the exception's own text.
_ERROR_MAX = 1000


@dataclass(frozen=True, slots=True)
class Cause:
    """What a process dies of, as far as it can still tell."""

    #: When; `None`: it could not tell.
    at: float | None
    #: The exception, without where it came from.
    error: str
    #: Its traceback, or the stacks of all threads where a signal ended it.
    trace: str = ""
    #: It is no crash: it was started in a way that cannot work.
    usage: bool = False

    @classmethod
    def of(cls, error: BaseException, at: float, mask: Callable[[str], str]) -> Self:
        """Describe an exception, with secrets masked."""
        told = mask("".join(traceback.format_exception_only(error)).strip())
        trace = mask("".join(traceback.format_exception(error)))
        return cls(at, told if len(told) <= _ERROR_MAX else told[:_ERROR_MAX] + "…", cut_trace(trace))


def write(descriptor: int, cause: Cause) -> None:
    """Tell the supervisor; a failure is the supervisor's to notice, who then knows only how the process ended."""
    with suppress(OSError):
        os.write(descriptor, json.dumps(asdict(cause)).encode() + b"\n")


def watch_signals(descriptor: int) -> None:
    """Let the interpreter write down where it was when a signal such as SIGSEGV ends it."""
    faulthandler.enable(descriptor, all_threads=True)


class CrashFile:
    """The supervisor's side of one worker's file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115 - it lives with its worker

    @property
    def descriptor(self) -> int:
        """What the worker inherits."""
        return self._file.fileno()

    def written(self) -> bool:
        """Tell whether the worker wrote to it: it is about to end."""
        return os.fstat(self._file.fileno()).st_size > 0

    def read(self) -> Cause | None:
        """Read what the worker died of; `None`: it could not tell."""
        raw = os.pread(self._file.fileno(), _MOST, 0).decode(errors="replace")
        if not raw:
            return None
        try:
            return Cause(**json.loads(raw.partition("\n")[0]))
        except (ValueError, TypeError):
            return Cause(None, raw.partition("\n")[0], cut_trace(raw))

    def close(self) -> None:
        """Let go of it, and with it of the file."""
        self._file.close()
