"""One history from its seed, on a store of choice, and what to tell of it."""

from collections import Counter
from dataclasses import dataclass, field

import structlog

from tests.service.simulation.scenario import draw
from tests.service.simulation.stores import Ground, InMemory, Redis, Sqlite
from tests.service.simulation.world import History, World


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a history, or of several that went well."""

    seed: int
    #: What went wrong, if anything did.
    why: str = ""
    trace: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)


def quietly() -> None:
    """Write no log: rendering it would take most of the time."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50), cache_logger_on_first_use=True)


def world(seed: int, store: str = "memory", *, weighs: bool = False) -> World:
    """Begin a history; on SQLite there is one replica at a time, and its leases last as long as it does."""
    match store:
        case "sqlite":
            ground: Ground = Sqlite()
        case "redis":
            ground = Redis()
        case _:
            ground = InMemory(leases_last=store == "as-sqlite")
    forgets = not store.endswith("redis")
    scenario = draw(seed, replicas=1 if ground.leases_last else None, forgets=forgets, weighs=weighs)
    return World(scenario, ground)


def simulate(seed: int, store: str = "memory", *, weighs: bool = False) -> Told:
    """Let a history happen; `weighs`: in which retriggers go by what runs prove."""
    one = world(seed, store, weighs=weighs)
    why = ""
    try:
        one.run()
    except History as error:
        why = error.why
    happened = Counter(what for _, _, what, _ in one.trace)
    counts = Counter(
        histories=1, runs_made=len(one.taken), requests=happened["received"], kills=happened["died"],
        store_failures=happened["unavailable"], stalls=happened["stalled"], pauses=happened["paused"],
        forgot=happened["forgot"],
    )  # fmt: skip
    return Told(seed, why, tuple(one.told()), counts)


def portion(what: tuple[int, int, str]) -> list[Told]:
    """Simulate a number of histories from a seed on; return one line for all that went well."""
    first, number, store = what
    told = [simulate(seed, store) for seed in range(first, first + number)]
    if number == 1:
        return told
    well = Told(first, counts=sum((one.counts for one in told), Counter()))
    return [well, *(Told(one.seed, one.why, one.trace) for one in told if one.why)]
