"""The class of a crash: whose turn it is, as far as the end of the process says."""

import signal

from triggerbot.core.errors import CIDenied, CIUnavailable, StoreAway, StoreUnavailable, UsageError
from triggerbot.store import CrashClass

#: Signals by which somebody, or the kernel, ends a process that may be well.
_FROM_OUTSIDE = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU}
)
#: What an interpreter writes last that cannot import what it needs.
_IMPORT = ("ImportError", "ModuleNotFoundError")


def of_exception(error: BaseException) -> CrashClass:
    """Classify the exception of which a process dies."""
    match error:
        case StoreAway() | StoreUnavailable() | CIUnavailable() | ConnectionError():
            return CrashClass.AWAY
        case UsageError() | CIDenied() | ImportError():
            return CrashClass.CONFIGURATION
        case MemoryError():
            return CrashClass.KILLED
        case _:
            return CrashClass.BUG


def of_text(error: str) -> CrashClass:
    """Classify the last line that a process wrote before it could do better."""
    return CrashClass.CONFIGURATION if error.startswith(_IMPORT) else CrashClass.UNKNOWN


def of_code(code: int) -> CrashClass:
    """Classify an exit code without anything written; negative for a signal, as in `subprocess`."""
    if code >= 0:
        return CrashClass.UNKNOWN
    return CrashClass.KILLED if -code in _FROM_OUTSIDE else CrashClass.BUG
