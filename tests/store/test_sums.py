"""The sums of the statistics: at any time what counting everything anew gives."""

from collections import Counter, defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.store_items import FAILURE, every, operation, said, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Decision, Refusal
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Store, statistics
from triggerbot.store.engine import Reader
from triggerbot.store.factory import open_memory
from triggerbot.store.ledger import Book
from triggerbot.store.memory import Memory, MemoryEngine
from triggerbot.store.names import RECENT, push_of

HOUR = 3600.0
PUSHES = [push(f"{number:07x}", branch=branch) for number, branch in enumerate(("try", "main", "try"))]
STEPS = st.lists(
    st.tuples(st.sampled_from(["fail", "pass", "decide", "refuse", "send", "purge", "say", "read"]), st.integers(0, 2)),
    max_size=25,
)


def recounted(memory: Memory, since: float) -> dict[str, Any]:
    """Count all pushes anew, without the sums."""

    def view(reader: Reader) -> dict[str, Any]:
        hours: dict[int, Counter[str]] = defaultdict(Counter)
        for _, part in reader.first(RECENT, 1000):
            for (hour, field), value in statistics.contribution(Book(reader).ledger(push_of(part))).items():
                hours[hour][field] += value
        always = hours.pop(-1, Counter())
        return statistics.statistics({hour: own for hour, own in hours.items() if hour >= since // HOUR * HOUR}, always)

    return MemoryEngine(memory).read(view)


def take(store: Store, what: str, number: int, now: float) -> None:
    """Take one step at one of the pushes."""
    where = PUSHES[number]
    run, job = f"{now:.0f}", f"job-{now % 3:.0f}"
    owed = [claim for claim in every(store, where) if claim.state in (ClaimState.OPEN, ClaimState.OWED)]
    match what:
        case "fail":
            store.observe([seen(failure(job, run, push=where, started=now - 60, time=now))], now, dry=number == 2)
        case "pass":
            passed = event(job, run, push=where, result="success", started=now - 30.5, time=now)
            store.observe([seen(passed)], now, dry=False)
        case "say":
            store.observe([said(PushOptions({"*": 2}), where, message="m")], now, dry=False)
        case "decide" | "refuse" if owed:
            refusal = Decision.refuse(Refusal.HIDDEN)
            store.claims.decide(owed[0], FAILURE if what == "decide" else refusal, Budget(), now)
        case "send" if owed and owed[0].state is ClaimState.OWED:
            made = operation(owed[0], f"op-{now}", owed[0].owed)
            if store.claims.begin(made, where, "", now) is True:
                store.claims.accepted(made, "yes", now)
        case "read":
            store.statistics.read(0.0)
        case "purge":
            # Packed, not deleted: what is deleted stays in the sums of its hours.
            store.purge(-1.0, now - HOUR)


@given(steps=STEPS, apart=st.sampled_from([60.0, 1500.0, HOUR]))
def test_they_are_what_counting_anew_gives(steps: list[tuple[str, int]], apart: float) -> None:
    """Whatever was done, in whatever order, read in between or not."""
    memory = Memory()
    store = open_memory(memory)
    for number, (what, which) in enumerate(steps):
        take(store, what, which, 10_000.0 + number * apart)

    for since in (0.0, 10_000.0 + len(steps) * apart / 2):
        assert store.statistics.read(since) == recounted(memory, since)


def test_what_is_deleted_goes_with_its_hours(store: Store) -> None:
    """The sums of an hour last as long as a push of it may; what is open is of the pushes that there are."""
    for number, where in enumerate(PUSHES):
        store.observe([seen(failure(push=where), asks=PushOptions())], number * HOUR, dry=False)
        store.claims.decide(every(store, where)[0], Decision.refuse(Refusal.HIDDEN), None, number * HOUR)
    before = store.statistics.read(0.0)
    assert (before["pushes"], before["claims"]) == (3, {"refused": 3})

    assert store.purge(0.5 * HOUR) == 1
    later = store.statistics.read(0.0)
    assert (later["pushes"], later["claims"]) == (3, {"refused": 2})
    assert [hour["hour"] for hour in later["hours"]] == [0, 3600, 7200]

    assert store.purge(1.5 * HOUR) == 1
    assert store.statistics.read(0.0)["pushes"] == 2
    assert [hour["hour"] for hour in store.statistics.read(0.0)["hours"]] == [3600, 7200]
