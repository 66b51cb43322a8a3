"""Failures that a person has classified: nobody waits for more of them, and each would have to be classified, too."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core.decision import Decision, Refusal
from triggerbot.core.event_json import format_time


class FailureClass(StrEnum):
    """What a failure is classified as, in Treeherder's words."""

    FIXED_BY_COMMIT = "fixed by commit"
    EXPECTED_FAIL = "expected fail"
    INTERMITTENT = "intermittent"
    INFRA = "infra"
    NEW = "new failure not classified"
    AUTOCLASSIFIED = "autoclassified intermittent"
    NEEDS_BUG = "intermittent needs bugid"


#: Classes that settle a failure: a rule retriggers none of them, unless it says otherwise.
BY_DEFAULT = frozenset({FailureClass.FIXED_BY_COMMIT, FailureClass.EXPECTED_FAIL, FailureClass.INTERMITTENT})


@dataclass(frozen=True, slots=True)
class Classification:
    """How a failure is classified."""

    name: FailureClass
    #: The person who did; `None`: the CI itself.
    by: str | None
    at: float | None = None

    @property
    def settles(self) -> bool:
        """Whether somebody decided it: what the CI classifies as intermittent by itself may be anything."""
        return self.by is not None or self.name is FailureClass.AUTOCLASSIFIED

    def __str__(self) -> str:
        """Say what, by whom and when."""
        when = format_time(self.at)
        return f"classified as `{self.name}` by {self.by or 'the CI itself'}" + (f" at {when}" if when else "")


def refusal(known: Classification | None, left_alone: Collection[FailureClass]) -> Decision | None:
    """Return the refusal of a failure that somebody has classified as one of those that a rule leaves alone."""
    if known is None or not known.settles or known.name not in left_alone:
        return None
    return Decision.refuse(Refusal.CLASSIFIED, str(known))
