"""Slots for writes: a second apart, 500 an hour, reruns first, and a slot of one's own for everybody."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.policy import slots
from triggerbot.core.policy.slots import Rank, SlotQueue

NOW = 1_795_000_000.0


class Queue:
    """A queue with a clock."""

    def __init__(self) -> None:
        self.state = SlotQueue()
        self.now = NOW

    def ask(self, caller: str, rank: Rank = Rank.RERUN) -> float:
        """Ask for a slot and return the seconds until it."""
        self.state, time = slots.ask(self.state, caller, rank, self.now)
        return time - self.now

    def leave(self, caller: str, *, used: bool = True) -> None:
        """Leave."""
        self.state = slots.leave(self.state, caller, self.now, used=used)


def test_each_has_a_slot_of_its_own() -> None:
    """Promise slots a second apart, and the same one to a writer that asks again."""
    queue = Queue()
    assert [queue.ask(name) for name in "abcd"] == [0.0, 1.0, 2.0, 3.0]
    assert [queue.ask(name) for name in "dcba"] == [3.0, 2.0, 1.0, 0.0]
    queue.leave("a")
    assert [queue.ask(name) for name in "bcd"] == [1.0, 2.0, 3.0]
    assert queue.ask("a") == 4.0


def test_who_comes_late_delays_nobody() -> None:
    """The pace is that of the slots, not of those who come."""
    queue = Queue()
    names = [str(number) for number in range(40)]
    due = {name: queue.now + queue.ask(name) for name in names}
    for name in names:
        queue.now = due[name] + 0.9
        assert queue.ask(name) <= 0
        queue.leave(name)
    assert queue.now == NOW + 39.9


def test_a_slot_that_is_not_used_goes_to_the_next() -> None:
    """Those behind move up, as they learn when they ask."""
    queue = Queue()
    for name in "abc":
        queue.ask(name)
    queue.leave("a", used=False)
    assert [queue.ask(name) for name in "bc"] == [0.0, 1.0]


def test_who_does_not_come_loses_the_slot() -> None:
    """It counts only if it may have been used."""
    queue = Queue()
    queue.ask("told")
    queue.ask("waiting")
    queue.now += 20
    assert queue.ask("other") == 0.0
    assert sorted(one.caller for one in queue.state.waiting) == ["other", "told"]
    queue.now += 45
    queue.ask("other")
    assert sum(queue.state.taken.values()) == 1


def test_reruns_go_before_reports() -> None:
    """A report that waits makes room; so does progress for a verdict; who was told to write does so."""
    queue = Queue()
    assert queue.ask("first", Rank.PROGRESS) == 0.0
    assert queue.ask("progress", Rank.PROGRESS) == 1.0
    assert queue.ask("verdict", Rank.VERDICT) == 1.0
    assert queue.ask("rerun", Rank.RERUN) == 1.0
    assert [queue.ask("verdict", Rank.VERDICT), queue.ask("progress", Rank.PROGRESS)] == [2.0, 3.0]


def test_what_turns_into_a_verdict_goes_first() -> None:
    """The rank is what it is now."""
    queue = Queue()
    for name in "abc":
        queue.ask(name, Rank.PROGRESS)
    assert queue.ask("c", Rank.VERDICT) == 1.0


def test_an_hour() -> None:
    """500 writes at most; the 501st comes when there is room, and everybody has a time of their own."""
    queue = Queue()
    for number in range(500):
        queue.now += queue.ask(str(number))
        queue.leave(str(number))
    assert queue.now == NOW + 499
    assert 3000 < queue.ask("more") < 3600
    waits = {queue.ask(str(number)) for number in range(1000, 1100)}
    assert len(waits) == 100


def test_reports_leave_room() -> None:
    """Half of an hour is for reruns, however many reports there are."""
    queue = Queue()
    for number in range(250):
        queue.now += queue.ask(str(number), Rank.VERDICT)
        queue.leave(str(number))
    assert queue.ask("report", Rank.VERDICT) > 3000
    assert queue.ask("rerun") == 1.0


def test_clock_set_back() -> None:
    """Nobody waits for a day."""
    queue = Queue()
    for name in "abc":
        queue.ask(name)
    queue.leave("a")
    queue.now -= 86_400
    assert [queue.ask(name) for name in "bcd"] == [0.0, 1.0, 2.0]


def test_a_queue_has_an_end() -> None:
    """More writers than it holds come back later."""
    queue = Queue()
    for number in range(slots.WAITING_MAX):
        queue.ask(str(number))
    assert queue.ask("more") > slots.WAITING_MAX / 2
    assert len(queue.state.waiting) == slots.WAITING_MAX


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"), st.sampled_from(list(Rank)), st.booleans(), st.floats(0, 200, allow_nan=False)
        ),
        max_size=60,
    )
)
def test_never_above_the_limits(steps: list[tuple[str, Rank, bool, float]]) -> None:
    """Keep slots a second apart and within the limits of a minute and an hour, for any order of requests."""
    queue, used = Queue(), []
    for caller, rank, uses, seconds in steps:
        queue.now += seconds
        queue.state, time = slots.ask(queue.state, caller, rank, queue.now)
        assert len({one.time for one in queue.state.waiting}) == len(queue.state.waiting)
        if time <= queue.now:
            queue.leave(caller, used=uses)
            used += [time] * uses
    used.sort()
    assert all(after - before >= 0.999 for before, after in itertools.pairwise(used))
    assert max(Counter(int(time // 60) for time in used).values(), default=0) <= 80


def test_repositories_take_turns() -> None:
    """A hundred writes in one repository do not hold up another's one, nor later another's few."""
    queue = Queue()
    for number in range(100):
        queue.ask(f"octo/busy rerun {number}")
    assert queue.ask("octo/calm rerun") == 1.0
    queue.leave("octo/busy rerun 0")
    order = []
    for _ in range(6):
        queue.now += 1
        if queue.now == NOW + 2:
            for number in range(3):
                queue.ask(f"octo/third rerun {number}")
        mine = min(queue.state.waiting, key=lambda one: one.time).caller
        assert queue.ask(mine) <= 0
        queue.leave(mine)
        order.append(mine.split()[0].removeprefix("octo/"))
    assert order == ["calm", "third", "busy", "third", "busy", "third"]


def test_a_project_is_the_same_in_any_case() -> None:
    """However a webhook and the config spell it, its writers take their turns as one."""
    assert slots.caller("Octo/App", "rerun main Abc") == slots.caller("octo/app", "rerun main Abc")
    assert slots.caller("octo/app", "rerun main Abc") != slots.caller("octo/app", "rerun Main Abc")


def test_who_comes_again_and_again_goes_not_before_those_who_wait() -> None:
    """A repository with one write at a time, again and again, shares with the one that has many."""
    queue = Queue()
    for number in range(20):
        queue.ask(f"a/a {number}")
    served = []
    for number in range(10):
        queue.ask(f"b/b {number}")
        for _ in range(2):
            mine = min(queue.state.waiting, key=lambda one: one.time).caller
            queue.now += max(0.0, queue.ask(mine))
            queue.ask(mine)
            queue.leave(mine)
            served.append(mine[0])
    assert served.count("a") == served.count("b") == 10


def test_ranks_go_before_turns() -> None:
    """Another repository's report waits for the reruns of this one."""
    queue = Queue()
    for number in range(3):
        queue.ask(f"a/a rerun {number}")
    assert queue.ask("b/b report", Rank.VERDICT) == 3.0


def test_closed_until_a_time() -> None:
    """Nobody writes before a rate limit ends, then all do in order; one who was told to write and asks again waits."""
    queue = Queue()
    assert [queue.ask(name) for name in "ab"] == [0.0, 1.0]
    queue.state = slots.leave(queue.state, "", queue.now, used=False, closed=NOW + 100)
    assert [queue.ask(name) for name in "abc"] == [100.0, 101.0, 102.0]
    queue.now += 100
    assert [queue.ask(name) for name in "abc"] == [0.0, 1.0, 2.0]


def test_closed_for_the_one_who_was_refused() -> None:
    """The write that was refused counts as one; a shorter limit told later does not open the queue."""
    queue = Queue()
    queue.ask("a")
    for seconds in (100, 50):
        queue.state = slots.leave(queue.state, "a", queue.now, used=True, closed=NOW + seconds)
    assert queue.state.last == NOW
    assert queue.ask("a") == 100.0


def test_closed_by_a_clock_that_was_set_back() -> None:
    """A limit that ends further ahead than any lasts is none."""
    queue = Queue()
    queue.state = slots.leave(queue.state, "", queue.now, used=False, closed=NOW + 3000)
    queue.now -= 86_400
    assert queue.ask("a") == 0.0
