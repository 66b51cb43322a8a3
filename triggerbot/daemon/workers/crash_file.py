"""The crash file: a dying worker writes the cause into it, and its supervisor reads it.

The file has no name, only descriptors, so nothing is left behind however the processes end. What the interpreter writes
into it (`faulthandler`) when a signal such as SIGSEGV ends the worker is read as well.
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

#: Bytes to read; what a worker writes is far less.
_MOST = 1_000_000
#: Characters of the exception's message.
_ERROR_MAX = 1000


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of death of a process, as far as it could write it down."""

    #: When it died (Unix, s); `None`: it did not say.
    at: float | None
    #: The exception, without traceback.
    error: str
    #: Its traceback, or the stacks of all threads if a signal ended the process.
    trace: str = ""
    #: It is a usage error, not a crash.
    usage: bool = False

    @classmethod
    def of(cls, error: BaseException, at: float, mask: Callable[[str], str]) -> Self:
        """Describe an exception, with secrets masked."""
        text = mask("".join(traceback.format_exception_only(error)).strip())
        trace = mask("".join(traceback.format_exception(error)))
        return cls(at, text if len(text) <= _ERROR_MAX else text[:_ERROR_MAX] + "…", cut_trace(trace))


def write(descriptor: int, cause: Cause) -> None:
    """Write a cause to the file; if that fails, the supervisor knows only how the process ended."""
    with suppress(OSError):
        os.write(descriptor, json.dumps(asdict(cause)).encode() + b"\n")


def watch_signals(descriptor: int) -> None:
    """Let the interpreter write the stacks of all threads to the file when a signal such as SIGSEGV ends it."""
    faulthandler.enable(descriptor, all_threads=True)


class CrashFile:
    """The supervisor's side of one worker's file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115 - it lives with its worker

    @property
    def descriptor(self) -> int:
        """The descriptor that the worker inherits."""
        return self._file.fileno()

    def written(self) -> bool:
        """Return whether the worker has written to it, which means that it is about to end."""
        return os.fstat(self._file.fileno()).st_size > 0

    def read(self) -> Cause | None:
        """Return what the worker wrote; `None` if it wrote nothing."""
        raw = os.pread(self._file.fileno(), _MOST, 0).decode(errors="replace")
        if not raw:
            return None
        try:
            return Cause(**json.loads(raw.partition("\n")[0]))
        except (ValueError, TypeError):
            return Cause(None, raw.partition("\n")[0], cut_trace(raw))

    def close(self) -> None:
        """Close the file, and thereby delete it."""
        self._file.close()
