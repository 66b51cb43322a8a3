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

from triggerbot.daemon.workers import crash_class
from triggerbot.logs import cut_trace
from triggerbot.store import CrashClass

#: Bytes to read; what a worker writes is far less.
_MOST = 1_000_000
#: Characters of the exception's message.
_ERROR_MAX = 1000
#: Characters of what a worker wrote to stderr before it took its handover, the last.
_EARLY_MAX = 2000


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
    kind: CrashClass = CrashClass.BUG

    @classmethod
    def of(cls, error: BaseException, at: float, mask: Callable[[str], str]) -> Self:
        """Describe an exception, with secrets masked."""
        text = mask("".join(traceback.format_exception_only(error)).strip())
        trace = mask("".join(traceback.format_exception(error)))
        short = text if len(text) <= _ERROR_MAX else text[:_ERROR_MAX] + "…"
        return cls(at, short, cut_trace(trace), kind=crash_class.of_exception(error))


def write(descriptor: int, cause: Cause) -> None:
    """Write a cause to the file; if that fails, the supervisor knows only how the process ended."""
    with suppress(OSError):
        os.write(descriptor, json.dumps(asdict(cause)).encode() + b"\n")


def watch_signals(descriptor: int) -> None:
    """Let the interpreter write the stacks of all threads to the file when a signal such as SIGSEGV ends it."""
    faulthandler.enable(descriptor, all_threads=True)


def parse(raw: str) -> Cause | None:
    """Return the cause that a process wrote, or the interpreter for it; `None` if nothing was written."""
    if not raw:
        return None
    try:
        own = json.loads(raw.partition("\n")[0])
        return Cause(**own | {"kind": CrashClass(own["kind"])})
    except (ValueError, TypeError, LookupError):
        return Cause(None, raw.partition("\n")[0], cut_trace(raw))


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
        return parse(os.pread(self._file.fileno(), _MOST, 0).decode(errors="replace"))

    def close(self) -> None:
        """Close the file, and thereby delete it."""
        self._file.close()


class EarlyOutput:
    """What a worker writes to stderr before it has taken its handover: an import that fails leaves no other trace."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115 - it lives with its worker

    @property
    def descriptor(self) -> int:
        """The descriptor that is the worker's stderr at first."""
        return self._file.fileno()

    def read(self, mask: Callable[[str], str]) -> Cause | None:
        """Return the end of it as a cause, with secrets masked: its last line is the error; `None` if there is none.

        What the worker has passed on to its own stderr is gone from here.
        """
        size = os.fstat(self.descriptor).st_size
        # Masked before it is cut: half a secret would not be found.
        text = mask(os.pread(self.descriptor, size, max(0, size - _MOST)).decode(errors="replace")).strip()[
            -_EARLY_MAX:
        ]
        if not text:
            return None
        last = text.splitlines()[-1].strip()[:_ERROR_MAX]
        return Cause(None, last, text, kind=crash_class.of_text(last))

    def close(self) -> None:
        """Close the file, and thereby delete it."""
        self._file.close()


def pass_on(early: int, stderr: int) -> None:
    """Let stderr be the supervisor's from now on, and write there what was written to the early output."""
    size = os.fstat(early).st_size
    with suppress(OSError):
        os.write(stderr, os.pread(early, size, 0))
    os.ftruncate(early, 0)
    os.dup2(stderr, early)
    os.close(stderr)
