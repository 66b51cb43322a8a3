"""What a push shows along its branch, kept on every backend."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.store_items import said
from tests.fakes.world import push
from tests.store.judged import summary
from triggerbot.core.branch.cells import Cell, CellKind, Shown
from triggerbot.store import Store

A, B, C = (push(letter * 40)._replace(branch="main") for letter in "abc")
texts = st.text(max_size=20)
cells = st.sampled_from(CellKind).map(Cell) | st.builds(
    Cell, st.just(CellKind.FAILED), st.lists(texts, max_size=3).map(tuple), texts, st.frozensets(texts, max_size=3),
    tests_known=st.booleans(),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(texts.filter(bool), st.tuples(texts.filter(bool), cells), min_size=1, max_size=6))
def test_it_is_read_as_it_was_judged(store: Store, jobs: dict[str, tuple[str, Cell]]) -> None:
    """Whatever jobs, lines and tests are called."""
    shown = [Shown(job, *more) for job, more in jobs.items()]
    store.observe([said(where=A, time=1.0)], 1.0, dry=False)
    store.reports.judged(summary(A), [], [], 2.0, shown=shown)
    [found] = store.pushes.shown([A])
    assert found is not None
    assert sorted(found, key=lambda one: one.job) == sorted(shown, key=lambda one: one.job)


def test_a_branch_lists_its_pushes_in_order(store: Store) -> None:
    """The newest first, without those of forks; one that was not judged shows nothing yet."""
    for at, where in ((2.0, B), (1.0, A), (3.0, C)):
        store.observe([said(where=where, time=at, fork=True if where == C else None)], 9.0, dry=False)
    store.observe([said(where=push("d" * 40))], 9.0, dry=False)

    assert [(one.push, one.pushed_at) for one in store.pushes.of_branch("ci", "try", "main", 5)] == [(B, 2.0), (A, 1.0)]
    assert [one.push for one in store.pushes.of_branch("ci", "try", "main", 1)] == [B]
    assert store.pushes.of_branch("ci", "try", "try", 5) == []
    assert store.pushes.of_branch("ci", "try", "other", 5) == []
    assert store.pushes.shown([A, B]) == [None, None]
