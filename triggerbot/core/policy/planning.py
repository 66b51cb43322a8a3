"""Request planning: which requests a CI needs for the retriggers that are owed.

"N times" means something different on each CI: `batch` CIs accept several copies at once, `serial` ones can only run
one copy after another. A system whose CI needs more than `plan_batch` plans for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core.model import Claim, Run


class Capacity(StrEnum):
    """What a CI can do when a job is wanted N times."""

    BATCH = "batch"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class Owed:
    """A claim with what it still needs and the runs of its job, oldest first (never empty)."""

    claim: Claim
    owed: int
    runs: tuple[Run, ...]

    @property
    def target(self) -> Run:
        """The run to retrigger: the newest, for some CIs only accept that one."""
        return self.runs[-1]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to be made: what it covers, how many copies it asks for, and of which run."""

    wants: tuple[Owed, ...]
    count: int
    target: Run
    #: Ask for the failed jobs of the target's batch together, rather than for the target alone.
    together: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests that can be made now, and what has to wait, with the reason in words."""

    calls: tuple[Call, ...] = ()
    held: tuple[tuple[Owed, str], ...] = ()


def plan_batch(wants: Sequence[Owed]) -> Plan:
    """One request a job, with the number in it."""
    return Plan(tuple(Call((want,), want.owed, want.target) for want in wants))
