"""One job at the newest pushes of its project, on every backend."""

from tests.fakes.store_items import seen
from tests.fakes.world import event, push
from tests.store.judged import summary
from triggerbot.core.branch.cells import Cell, CellKind, Shown
from triggerbot.store import Store

A, B = (push(letter * 40, branch="main") for letter in "ab")
C = push("c" * 40, branch="topic")


def observed(store: Store) -> None:
    """Let a job run at two of three pushes, the last of which is on another branch."""
    for at, job, where in ((1.0, "job", A), (2.0, "other", B), (3.0, "job", C)):
        ended = event(job, f"{at:g}", push=where, result="success", time=at, started=at)
        store.observe([seen(ended)], 100.0 * at, dry=False)


def test_the_newest_pushes_first_and_where_it_did_not_run(store: Store) -> None:
    """With its runs, and of one branch alone if that is asked for."""
    observed(store)

    found = store.jobs.latest("try", "job", 10)

    assert [(one.summary.push.revision[0], len(one.records)) for one in found] == [("c", 1), ("b", 0), ("a", 1)]
    assert [run.run_id for one in found for record in one.records for run in record.runs] == ["3", "1"]
    assert [one.summary.push for one in store.jobs.latest("TRY", "job", 10, "main")] == [B, A]
    assert len(store.jobs.latest("try", "job", 1)) == 1
    assert store.jobs.latest("other", "job", 10) == []


def test_a_push_that_is_quiet_for_long_is_read_as_well(store: Store) -> None:
    """Its jobs take less room by then."""
    observed(store)
    before = store.jobs.latest("try", "job", 10)
    store.purge(-1.0, quiet=1000.0)
    assert store.jobs.latest("try", "job", 10) == before
    assert store.jobs.of_push(A, "job") == before[-1].records
    assert store.jobs.of_push(A, "none") == ()


def test_what_a_push_shows_of_it_comes_along(store: Store) -> None:
    """As it was judged last, without what it shows of other jobs."""
    observed(store)
    mine = Shown("job", "job", Cell(CellKind.FAILED, ("shape",), "line"))
    store.reports.judged(summary(A), [], [], 4.0, shown=[mine, Shown("x", "x", Cell(CellKind.PASSED))])
    assert [one.shown for one in store.jobs.latest("try", "job", 10)] == [(), (), (mine,)]


def test_jobs_are_found_by_a_part_of_their_names(store: Store) -> None:
    """In whatever case, if a run of them passed or failed lately."""
    observed(store)
    assert store.jobs.named_like("try", "JO", 300.0) == ["job"]
    assert store.jobs.named_like("try", "o", 300.0) == ["job", "other"]
    assert store.jobs.named_like("try", "none", 300.0) == []
