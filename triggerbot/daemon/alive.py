"""Whether the process of a mark is still there, and what tells processes and machines apart."""

import socket
import time
from enum import Enum, auto
from pathlib import Path

from triggerbot.store.marks import Mark

#: Seconds without a sign of life after which a process that cannot be looked at is gone.
GONE = 90.0
#: The clock that counts while the machine sleeps, too, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Fate(Enum):
    """What became of the process of a mark."""

    RUNS = auto()
    #: It ended without taking its mark away.
    KILLED = auto()
    #: Its machine was started again.
    REBOOTED = auto()
    #: Nothing is heard of it, and it ran on a machine or in a container that cannot be looked at.
    UNHEARD = auto()


def began(pid: int) -> int:
    """Return when a process began, in ticks since the boot; 0 if there is none, or that cannot be read."""
    try:
        # The name, in parentheses, may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, LookupError):
        return 0


def uptime() -> float:
    """Return the seconds since this machine was started."""
    return time.clock_gettime(_CLOCK)


def boot() -> str:
    """Return what names this boot of the machine; empty where that cannot be read."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def namespace() -> str:
    """Return what names the process ids that can be looked at; empty where that cannot be read."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def fate(mark: Mark, unheard: float) -> Fate:
    """Return what became of the process of a mark on a store of several; `unheard`: seconds since it last changed."""
    same_host = mark.worker.rpartition("/")[0] == socket.gethostname()
    up = uptime()
    if same_host and mark.boot == boot() and mark.seen_up <= up:
        if mark.began and mark.namespace and mark.namespace == namespace():
            return Fate.RUNS if began(mark.pid) == mark.began else Fate.KILLED
        # Another container of this machine, or what this one was before it was started again: the clock is the same.
        return Fate.KILLED if up - mark.seen_up > GONE else Fate.RUNS
    if unheard <= GONE:
        return Fate.RUNS
    return Fate.REBOOTED if same_host else Fate.UNHEARD
