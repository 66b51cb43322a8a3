"""Which requests a CI needs for what is owed: 'N times' means another thing on each CI; planned purely.

`batch` CIs take a number with one request, `parallel` ones a request for each copy, and `serial` ones can only run
one copy after another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core.model import Claim, Run, State


class Capacity(StrEnum):
    """What a CI can do when a job is wanted N times."""

    BATCH = "batch"
    PARALLEL = "parallel"
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


def plan_parallel(wants: Sequence[Owed]) -> Plan:
    """One request a copy; the next is planned when this one is settled."""
    return Plan(tuple(Call((want,), 1, want.target) for want in wants))


def plan_serial(wants: Sequence[Owed]) -> Plan:
    """One copy at a time: a job with a run that is not finished has to wait."""
    calls: list[Call] = []
    held: list[tuple[Owed, str]] = []
    for want in wants:
        if any(run.state is not State.FINISHED for run in want.runs):
            held.append((want, "waits until the run before it has finished"))
        else:
            calls.append(Call((want,), 1, want.target))
    return Plan(tuple(calls), tuple(held))
