"""A CI in memory that implements the `System` protocol: quick enough for thousands of generated histories."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.fakes.planning import plan_parallel, plan_serial
from triggerbot.core import event_json
from triggerbot.core.errors import NotKnown
from triggerbot.core.model import Event, Heard, Lead, Push, PushFacts, State
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan, plan_batch
from triggerbot.systems import NOTHING_KNOWN, Known, LookBack, ResolvedLeads
from triggerbot.systems.answers import Accepted, Answer, Refused


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was made."""

    operation: str
    push: Push
    job: str
    run_id: str
    count: int


class MemoryCI:
    """Keeps what a test puts in, lists it, and makes runs when asked."""

    forks_allowed = True
    body_max = 1 << 20

    def __init__(
        self,
        name: str = "ci",
        *,
        capacity: Capacity = Capacity.BATCH,
        parallel: bool = False,
        grace: float = 60.0,
        makes_runs: bool = True,
    ) -> None:
        self.name = name
        self.capacity = capacity
        #: Whether it needs one request per copy.
        self.parallel = parallel
        self.grace = grace
        #: Whether a retrigger shows up as pending runs.
        self.makes_runs = makes_runs
        self.facts: dict[Push, PushFacts] = {}
        self.runs: dict[Push, dict[tuple[str, str, int], Event]] = {}
        self.asked: list[Asked] = []
        #: What to answer instead of yes, next first; an exception is raised.
        self.answers: list[Answer | BaseException] = []
        #: Why it cannot run a job at a push that has no run of it; empty: it can.
        self.no_first_runs = ""
        self.looks = 0
        #: Leads that it was asked about, and what to raise instead of an answer, next first.
        self.completed: list[tuple[Lead, ...]] = []
        self.completions: list[BaseException] = []
        self._number = 0

    def put(self, *events: Event) -> None:
        """Let the CI know runs, as far as they have come."""
        for event in events:
            key = (event.job, event.run_id, event.attempt)
            known = self.runs.setdefault(event.push, {})
            if key not in known or event.state.rank >= known[key].state.rank:
                known[key] = event

    def say(self, push: Push, message: str | None = "", author: str | None = "dev@example.org") -> None:
        """Let the CI know a push's facts."""
        self.facts[push] = PushFacts(push, message, author)
        self.runs.setdefault(push, {})

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Accept everything, as something new."""
        return ""

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Read one canonical event."""
        return [event_json.decode(body, self.name)]

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List what there is."""
        self.looks += 1
        if push not in self.runs:
            raise NotKnown("no such push")
        return LookBack(tuple(self.runs[push].values()), self.facts.get(push, PushFacts(push, "")))

    def complete(self, leads: Sequence[Lead], watched: Callable[[Push], bool]) -> ResolvedLeads:
        """Resolve leads by the runs that were put here."""
        self.completed.append(tuple(leads))
        if self.completions:
            raise self.completions.pop(0)
        runs = {event.run_id: event for known in self.runs.values() for event in known.values()}
        found = [(lead, runs[lead.run_id]) for lead in leads if lead.run_id in runs]
        heard = [
            replace(event, attempt=lead.attempt, state=lead.state, result=lead.result)
            for lead, event in found
            if watched(event.push)
        ]
        return ResolvedLeads(tuple(heard), tuple(lead for lead, _ in found), "no such run")

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Plan as this capacity has it."""
        if self.capacity is Capacity.SERIAL:
            return plan_serial(wants)
        return plan_parallel(wants) if self.parallel else plan_batch(wants)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Make runs and say yes, unless told otherwise."""
        self.asked.append(Asked(operation, push, call.target.job, call.target.run_id, call.count))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            if not isinstance(answer, Accepted):
                return answer
        if self.makes_runs:
            self.make(operation, push, call)
        return Accepted()

    def runs_no_jobs(self) -> str:
        """Return why it cannot run a job for the first time; empty if it can."""
        return self.no_first_runs

    def run_job(self, operation: str, push: Push, call: Call) -> Answer:
        """Run a job that has no run at a push, as it is defined elsewhere."""
        assert call.target.run_id == ""
        if push not in self.runs:
            return Refused("no such push")
        return self.retrigger(operation, push, call)

    def make(self, operation: str, push: Push, call: Call) -> None:
        """Make the runs that a request asks for."""
        if call.target.run_id:
            listed = (one for one in self.runs[push].values() if one.run_id == call.target.run_id)
        else:
            listed = (replace(one, push=push) for runs in self.runs.values() for one in runs.values())
        origin = next(event for event in listed if event.job == call.target.job)
        for _ in range(call.count):
            self._number += 1
            self.put(
                replace(
                    origin, run_id=f"re-{self._number}", attempt=1, state=State.PENDING, result=None,
                    retrigger_of=operation,
                )
            )  # fmt: skip

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Return nothing."""
        return None

    def check(self) -> str:
        """There is nothing to try."""
        return "is a fake"

    def close(self) -> None:
        """There is nothing to let go of."""
