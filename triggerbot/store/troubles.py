"""What went wrong: messages that could not be handled, and crashes of workers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

#: Crashes of workers that are stored.
CRASHES_MAX = 100
#: Dead letters that are stored, the latest: a CI that changes its message format must not fill the disk.
LETTERS_MAX = 10_000
#: A worker that crashes so often within so many seconds is in a crash loop.
LOOP_CRASHES, LOOP_SECONDS = 3, 600.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be handled, with the reason."""

    id: int
    at: float
    system: str
    intake: str
    reason: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class CrashClass(StrEnum):
    """Whose turn it is after a crash."""

    #: The configuration or the installation is wrong.
    CONFIGURATION = "configuration"
    #: An error of triggerbot, or of a library that it uses.
    BUG = "bug"
    #: The kernel, for want of memory, an operator or a machine that stopped.
    KILLED = "killed"
    #: The store or a CI could not be reached.
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Crash:
    """The unexpected end of a worker, or of the only process."""

    at: float
    #: The worker's name, such as `host/2`.
    worker: str
    #: An exit code, or the name of a signal.
    ended: str
    #: The exception and where it was raised, if the worker could still record it.
    error: str = ""
    trace: str = ""
    #: Its position among those that died together, from 1: the first is likely the cause.
    order: int = 1
    #: Its process id, and the seconds that it ran; 0 and `None` where that is not known.
    pid: int = 0
    lived: float | None = None
    kind: CrashClass = CrashClass.UNKNOWN


def crash_loops(crashes: Iterable[Crash], now: float) -> dict[str, int]:
    """Return the workers that are in a crash loop, with the number of their latest crashes."""
    recent = Counter(crash.worker for crash in crashes if 0 <= now - crash.at < LOOP_SECONDS)
    return {worker: number for worker, number in sorted(recent.items()) if number >= LOOP_CRASHES}


def in_order(newest: Sequence[Crash]) -> list[Crash]:
    """Sort crashes, given newest first, so that those that died together are in the order of their deaths."""
    groups: list[list[Crash]] = []
    for crash in newest:
        if groups and groups[-1][-1].order == crash.order + 1:
            groups[-1].append(crash)
        else:
            groups.append([crash])
    return [crash for group in groups for crash in reversed(group)]
