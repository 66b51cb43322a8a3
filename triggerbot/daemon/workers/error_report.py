"""The first cause of the end, for whoever runs us: one JSON in the file that `TRIGGERBOT_ERROR_FILE` names.

`error_file` has its layout.
"""

import re
import signal
import time

import structlog

from triggerbot.core.errors import StoreAway, UsageError
from triggerbot.daemon.workers import error_file
from triggerbot.store import Crash

log = structlog.get_logger("triggerbot.workers")

_ENDED = re.compile(r"exit code (?P<code>\d+)")


def write(crash: Crash) -> None:
    """Write a crash there, if the variable is set; a file that cannot be written is logged."""
    _write(crash.error or crash.ended, crash.trace, crash.at, _code(crash.ended))


def write_error(error: BaseException) -> None:
    """Write an exception that ends the process before there is anything to mask, such as a wrong configuration."""
    if isinstance(error, UsageError):
        # The message is for people, and names no more than what they wrote; a call stack would help nobody.
        _write(f"{type(error).__name__}: {error}", "", time.time(), 1 if isinstance(error, StoreAway) else 2)
    else:
        _warn(error_file.write_exception(error))


def _code(ended: str) -> int:
    """Return the exit code; that of a signal is negative, as in `subprocess`."""
    found = _ENDED.fullmatch(ended)
    if found:
        return int(found["code"])
    return -int(signal.Signals[ended]) if ended in signal.Signals.__members__ else 1


def _write(message: str, stack: str, at: float, code: int) -> None:
    _warn(error_file.write(message, stack, at, code))


def _warn(why: str) -> None:
    if why:
        log.warning("error_file.not_written", file=error_file.path(), error=why)
