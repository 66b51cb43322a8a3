"""The first cause of the end, for whoever runs us: one JSON in the file that `TRIGGERBOT_ERROR_FILE` names.

Its layout is that of torch elastic's error files (torch/distributed/elastic/multiprocessing/errors). Kubernetes shows
4,096 bytes of /dev/termination-log, which is a file that cannot be replaced, only written.
"""

import json
import os
import re
import signal
import time
import traceback

import structlog

from triggerbot.core.errors import StoreAway, UsageError
from triggerbot.store import Crash

log = structlog.get_logger("triggerbot.workers")

VARIABLE = "TRIGGERBOT_ERROR_FILE"
_BYTES_MAX = 4096
#: Characters of the message to begin with; the call stack has the rest of the room, and keeps its end.
_MESSAGE_MAX = 1000
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
        text = "".join(traceback.format_exception_only(error)).strip()
        _write(text, "".join(traceback.format_exception(error)), time.time(), 1)


def _code(ended: str) -> int:
    """Return the exit code; that of a signal is negative, as in `subprocess`."""
    found = _ENDED.fullmatch(ended)
    if found:
        return int(found["code"])
    return -int(signal.Signals[ended]) if ended in signal.Signals.__members__ else 1


def _write(message: str, stack: str, at: float, code: int) -> None:
    path = os.environ.get(VARIABLE)
    if not path:
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_json(message, stack, at, code))
    except (OSError, ValueError) as error:
        log.warning("error_file.not_written", file=path, error=str(error))


def _json(message: str, stack: str, at: float, code: int) -> bytes:
    def whole(message: str, stack: str) -> bytes:
        extra = {"py_callstack": stack, "timestamp": str(int(at))}
        return json.dumps({"message": {"message": message, "extraInfo": extra, "errorCode": code}}).encode()

    message = message[:_MESSAGE_MAX]
    while len(whole(message, stack)) > _BYTES_MAX and stack:
        over = len(whole(message, stack)) - _BYTES_MAX
        # A character may take six bytes, so the end is approached.
        stack = stack[max(1, over // 6) :]
    while len(whole(message, stack)) > _BYTES_MAX:
        message = message[: len(message) // 2]
    return whole(message, stack)
