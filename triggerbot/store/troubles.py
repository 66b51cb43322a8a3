"""What went wrong: messages that could not be handled, and crashes of workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: Crashes of workers that are stored.
CRASHES_MAX = 100
#: Dead letters that are stored, the latest: a CI that changes its message format must not fill the disk.
LETTERS_MAX = 10_000


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


@dataclass(frozen=True, slots=True)
class Crash:
    """The unexpected end of a worker."""

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


def in_order(newest: Sequence[Crash]) -> list[Crash]:
    """Sort crashes, given newest first, so that those that died together are in the order of their deaths."""
    groups: list[list[Crash]] = []
    for crash in newest:
        if groups and groups[-1][-1].order == crash.order + 1:
            groups[-1].append(crash)
        else:
            groups.append([crash])
    return [crash for group in groups for crash in reversed(group)]
