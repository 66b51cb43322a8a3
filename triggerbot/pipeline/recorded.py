"""A recorded history as a system: the file itself is the look-back, and nothing can be asked for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from triggerbot.core import event_json
from triggerbot.core.errors import Unauthenticated
from triggerbot.core.model import Event, Heard, Push
from triggerbot.core.policy import planning
from triggerbot.core.policy.planning import Call, Capacity, Plan, Want
from triggerbot.systems import NOTHING_KNOWN, Answer, Known, LookBack, Refused


class Recorded:
    """Knows the jobs heard of so far; the store has their runs."""

    capacity = Capacity.BATCH
    grace = 0.0
    forks_allowed = True
    body_max = 1 << 20

    def __init__(self, name: str) -> None:
        self.name = name
        self._jobs: dict[Push, set[str]] = defaultdict(set)

    def heard(self, event: Event) -> None:
        """Take an event of the file as known from now on."""
        self._jobs[event.push].add(event.job)

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Accept nothing: a recorded history has no webhooks."""
        raise Unauthenticated("a recorded history has no webhooks")

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Read one line of a file."""
        return [event_json.decode(body)]

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List what was heard so far."""
        return LookBack((), None, jobs=self._jobs[push])

    def plan(self, wants: Sequence[Want], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """One request a job, as the generic system has it."""
        return planning.plan_batch(wants)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Refuse: history cannot be added to."""
        return Refused("a recorded history cannot be retriggered")

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Tell nothing."""
        return None

    def check(self) -> str:
        """There is nothing to try."""
        return "is a recorded history"

    def close(self) -> None:
        """There is nothing to let go of."""
