"""A store as plain dicts, for the state machine: obviously right."""

from dataclasses import dataclass, field

from triggerbot.core.claim import ClaimState, Operation
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Event, Push, Result, RunKey, State
from triggerbot.core.policy.try_syntax import PushOptions

FINAL = (ClaimState.DONE, ClaimState.REFUSED, ClaimState.WOULD)
Key = tuple[Push, str, str]


@dataclass
class ModelClaim:
    """What is true of a claim, without rows or transactions."""

    key: Key
    run: RunKey
    dry: bool
    state: ClaimState = ClaimState.OPEN
    wanted: int = 0
    asked: int = 0
    tries: int = 0
    lookups: int = 0
    spent: bool = False
    held: bool = False
    due: float = 0.0
    known_runs: int = 0
    refusal: Refusal | None = None
    operation: Operation | None = None


@dataclass
class Model:
    """A store as plain dicts."""

    runs: dict[tuple[Push, str, RunKey], tuple[State, Result | None]] = field(default_factory=dict)
    asks: dict[Push, PushOptions] = field(default_factory=dict)
    claims: dict[Key, ModelClaim] = field(default_factory=dict)
    paused: bool = False

    def hear(self, heard: Event, now: float, dry: bool) -> bool:
        """Record a run, wake what waited for it, and claim; tells whether it made a claim."""
        place = (heard.push, heard.job, heard.key)
        known = self.runs.get(place)
        news = known is None or heard.state.rank > known[0].rank
        if news:
            self.runs[place] = (heard.state, heard.result)
        if heard.state is State.FINISHED:
            for claim in self.claims.values():
                if claim.key[:2] == place[:2] and claim.held and claim.state not in FINAL:
                    claim.due, claim.held = now, False
        asks = self.asks.get(heard.push)
        rebuilds = asks is not None and bool(asks.rebuild)
        wanted = heard.failed or (rebuilds and heard.result is not Result.CANCELLED)
        earlier = self.claims.get((heard.push, heard.job, ""))
        derived = earlier and earlier.refusal is Refusal.DERIVED and earlier.run != heard.key
        lost = earlier and earlier.refusal is Refusal.NOT_FOUND
        if wanted and ((news and derived) or lost):
            del self.claims[heard.push, heard.job, ""]
        return wanted and self.claim(heard.push, heard.job, heard.key, now, dry)

    def claim(self, where: Push, job: str, run: RunKey, now: float, dry: bool) -> bool:
        """One claim of the bot for a push and job, ever."""
        key = (where, job, "")
        if key in self.claims:
            return False
        self.claims[key] = ModelClaim(key, run, dry, due=now)
        return True

    def say(self, where: Push, asks: PushOptions, now: float, dry: bool) -> None:
        """The first message holds, and claims what it asks for."""
        if where in self.asks:
            return
        self.asks[where] = asks
        if asks.rebuild:
            for (known, job, run), (_, result) in list(self.runs.items()):
                if known == where and result is not Result.CANCELLED:
                    self.claim(where, job, run, now, dry)

    def jobs(self, where: Push) -> set[str]:
        """The different jobs of a push."""
        return {job for known, job, _ in self.runs if known == where}

    def spent(self, where: Push, dry: bool) -> int:
        """The jobs that were retriggered for failures."""
        return sum(claim.spent for claim in self.claims.values() if claim.key[0] == where and claim.dry is dry)
