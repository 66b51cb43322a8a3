"""Push order: total, the same in whatever order pushes are heard of."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.branch import order
from triggerbot.core.model import Run, State

times = st.one_of(st.none(), st.floats(0, 2e9))


def run(*, time: float | None = None, started: float | None = None) -> Run:
    """Make a run with these times."""
    return Run("job", "1", 1, State.FINISHED, None, time=time, started=started)


def test_a_push_stands_at_its_own_time_else_at_the_first_start_of_a_run() -> None:
    """A later run, or its end, moves nothing."""
    began = None
    for one in (run(time=90.0, started=50.0), run(), run(time=70.0, started=40.0), run(time=45.0)):
        began = order.earlier(began, order.start(one))
    assert order.pushed_at(10.0, began) == 10.0
    assert order.pushed_at(None, began) == began == 40.0
    assert order.pushed_at(None, order.earlier(None, order.start(run()))) is None


def test_a_push_of_which_no_time_is_known_comes_before_all_others() -> None:
    """So nothing is held against it that may be newer."""
    known, unknown = order.position(1.0, "a" * 7), order.position(None, "b" * 7)
    assert unknown < known
    assert order.newest_first([(unknown, "unknown"), (known, "known")]) == ["known", "unknown"]


@given(st.lists(times, min_size=1, max_size=5), st.randoms())
def test_the_order_is_total_and_the_same_however_pushes_are_heard_of(at: list[float | None], chance) -> None:
    """No two pushes stand at one place."""
    pushes = [(order.position(one, f"{number:07x}"), number) for number, one in enumerate(at)]
    shuffled = list(pushes)
    chance.shuffle(shuffled)
    assert order.newest_first(pushes) == order.newest_first(shuffled)
    for (one, _), (other, _) in itertools.combinations(pushes, 2):
        assert (one < other) is not (other < one)
