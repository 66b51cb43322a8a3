"""The file that `TRIGGERBOT_ERROR_FILE` names, with one JSON in the layout of torch elastic's error files.

See torch/distributed/elastic/multiprocessing/errors. Kubernetes shows 4,096 bytes of /dev/termination-log, which is a
file that cannot be replaced, only written. Only the standard library is needed: another one may be what is missing.
"""

import json
import os
import time
import traceback

VARIABLE = "TRIGGERBOT_ERROR_FILE"
_BYTES_MAX = 4096
#: Characters of the message to begin with; the call stack has the rest of the room, and keeps its end.
_MESSAGE_MAX = 1000


def path() -> str:
    """Return the name of the file; empty if there is to be none."""
    return os.environ.get(VARIABLE, "")


def write(message: str, stack: str, at: float, code: int) -> str:
    """Write what ended the process, if the variable is set; return why that was impossible, or nothing."""
    if not path():
        return ""
    try:
        descriptor = os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_json(message, stack, at, code))
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def write_exception(error: BaseException) -> str:
    """Write an exception that ends the process; return as `write` does."""
    text = "".join(traceback.format_exception_only(error)).strip()
    return write(text, "".join(traceback.format_exception(error)), time.time(), 1)


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
