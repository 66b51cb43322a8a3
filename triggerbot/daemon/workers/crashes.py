"""Which workers died together, and which of them first: the first is likely the cause of the others."""

import socket
from collections.abc import Sequence
from dataclasses import replace

from triggerbot.store import Crash

#: Seconds within which deaths belong together.
TOGETHER = 3.0


def name_of(number: int) -> str:
    """Name a worker so that it can be told from those of other machines."""
    return f"{socket.gethostname()}/{number}"


def in_groups(crashes: Sequence[Crash]) -> list[list[Crash]]:
    """Put together those that died together, the earliest of each group first and all in order.

    A worker that dies again begins a group of its own: that is not the same incident.
    """
    groups: list[list[Crash]] = []
    for crash in sorted(crashes, key=lambda one: one.at):
        group = groups[-1] if groups else []
        if group and crash.at - group[0].at <= TOGETHER and all(one.worker != crash.worker for one in group):
            group.append(replace(crash, order=len(group) + 1))
        else:
            groups.append([replace(crash, order=1)])
    return groups
