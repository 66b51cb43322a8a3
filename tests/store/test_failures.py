"""The failures of jobs: each job keeps its own, and what one push proves has others judged again."""

from dataclasses import replace

from tests.fakes.store_items import seen
from tests.fakes.world import event, failure, push
from tests.store.judged import OTHER, PUSH, Reopen, hear, sighting, summary
from triggerbot.core.model import Push, PushFacts
from triggerbot.store import FAILURE_RECORDS_MAX, FailureRecord, Notice, Ran, Store, Window
from triggerbot.store.documents import StoredPush, dump, load
from triggerbot.store.engine import Doc, Transaction
from triggerbot.store.names import FAILURES, join, part_of, within
from triggerbot.store.names import PUSH as HEADER

DAY = 86_400.0


def at(number: int) -> Push:
    """Name one of many pushes."""
    return push(f"{number:07x}")


def flaps(where: Push, number: float, line: str = "a line", job: str = "job") -> FailureRecord:
    """A job that failed and passed."""
    return FailureRecord(where, job, number, 1, 1, (line,), (), "ann", first=number - 2, proved=number)


def test_what_breaks_many_jobs_does_not_displace_another(store: Store, reopen: Reopen) -> None:
    """A job's own failures stay, while the list of the project ends with the newest."""
    one = flaps(PUSH, 5.0, job="flaky")
    hear(store, "flaky")
    store.reports.judged(summary(), [one], [], 6.0)
    jobs = [f"job-{number}" for number in range(FAILURE_RECORDS_MAX)]
    for first in range(0, len(jobs), 1000):
        store.observe([seen(event(job, "1", push=OTHER)) for job in jobs[first : first + 1000]], 1.0, dry=False)
    many = [replace(sighting(job, 7.0, OTHER), passed=0) for job in jobs]
    store.reports.judged(summary(OTHER), many, [], 8.0)
    again = reopen()

    assert one not in again.reports.failure_records("try")
    assert again.reports.windows("try", ["flaky", "job-1", "never"]) == {
        "flaky": Window((one,)), "job-1": Window((many[1],)), "never": Window(),
    }  # fmt: skip


def test_of_a_job_the_newest_of_each_failure_are_kept(store: Store) -> None:
    """What it shows often does not displace what it shows rarely; since when all are kept is said."""
    rare = [flaps(at(number), float(number), "rare") for number in (0, 1)]
    often = [flaps(at(number), float(number)) for number in range(2, 130)]
    for one in [*rare, *often]:
        hear(store, where=one.push)
        store.reports.judged(summary(one.push), [one], [], one.at)

    (window,) = store.reports.windows("try", ["job"]).values()

    assert 100 <= len(window.records) <= 120
    assert list(window.records[-2:]) == rare[::-1]
    assert list(window.records[:-2]) == often[: -len(window.records) + 1 : -1]
    assert window.since == window.records[-3].at
    assert len(store.reports.failure_records("try")) == len(window.records)


def test_what_is_kept_of_a_job_goes_with_its_push(store: Store) -> None:
    """Its failures, and that it waits for others to prove something."""
    store.observe([seen(event(result="success")), seen(event(result="success", push=OTHER))], 1.0, dry=False)
    store.reports.judged(summary(), [flaps(PUSH, 9.0)], [], 10.0, unsettled={"job"})
    for where in (PUSH, OTHER):
        store.facts.put_off(where, None)
    assert store.purge(20.0) == 2
    store.observe([seen(event(result="success", push=where)) for where in (PUSH, OTHER)], 30.0, dry=False)
    while (taken := store.reports.take(100.0, 60.0)) is not None:
        store.reports.end(taken, None)
    store.reports.judged(summary(OTHER), [flaps(OTHER, 5.0)], [], 110.0)

    assert store.reports.windows("try", ["job"])["job"].records == (flaps(OTHER, 5.0),)
    assert store.reports.take(200.0, 60.0) is None


def test_a_proof_has_doubtful_pushes_judged_again(store: Store) -> None:
    """Those of which the same job is doubtful and whose last run ended after the failure began; once."""
    late, early, known, elsewhere = at(1), at(2), at(3), at(4)
    for where in (PUSH, late, early, known, elsewhere):
        hear(store, "job", "else", where=where)
    for where, end, job, unsettled in (
        (late, 20.0, "job", {"job"}), (early, 9.0, "job", {"job"}), (known, 20.0, "job", set()),
        (elsewhere, 20.0, "else", {"else"}),
    ):  # fmt: skip
        store.reports.judged(summary(where), [flaps(where, end, job=job)], [], 21.0, unsettled=unsettled)
    while (taken := store.reports.take(100.0, 60.0)) is not None:
        store.reports.end(taken, None)
    proof = flaps(PUSH, 12.0)
    store.reports.judged(summary(), [replace(proof, passed=0)], [], 110.0)
    store.reports.judged(summary(), [replace(proof, outage=True)], [], 111.0)
    assert store.reports.take(200.0, 60.0) is None
    store.reports.judged(summary(), [proof], [], 112.0)

    assert store.reports.take(200.0, 60.0) == late
    store.reports.end(late, None)
    store.reports.judged(summary(), [proof], [], 210.0)
    assert store.reports.take(300.0, 60.0) is None


def test_a_pool_that_was_ill_stays_so_for_what_failed_in_it(store: Store) -> None:
    """It may be well when the push is judged again; whether there was an outage is told anew each time."""
    hear(store)
    store.reports.judged(summary(), [replace(flaps(PUSH, 5.0), ill=True, outage=True)], [], 6.0)
    store.reports.judged(summary(), [flaps(PUSH, 5.0)], [], 7.0)

    assert [(one.ill, one.outage) for one in store.reports.failure_records("try")] == [(True, False)]


def test_jobs_are_counted_by_branch(store: Store) -> None:
    """At the same pushes, in the same days; those of an outage count for nothing."""
    pushes = [at(1), at(2), push("3bcdef0", branch="main")]
    for day, where in enumerate(pushes):
        jobs = [event(job, "1", result="success", push=where) for job in ("job", f"only-{day}")]
        store.observe(list(map(seen, jobs)), day * DAY, dry=False)

    def counted(branch: str | None, since: float = 0.0) -> dict[str, int]:
        return dict(store.reports.ran("try", None, since, branch).at)

    assert counted(None) == {"job": 3, "only-0": 1, "only-1": 1, "only-2": 1}
    assert counted("try") == {"job": 2, "only-0": 1, "only-1": 1}
    assert counted("try", DAY) == {"job": 1, "only-1": 1}
    assert store.reports.ran("try", ["job", "x"], branch="main") == Ran({"job": 1, "x": 0})
    store.reports.judged(summary(pushes[2]), [], [], 1.0, outage=True)
    store.observe([seen(event("late", "1", result="success", push=pushes[2]))], 2 * DAY, dry=False)
    assert (counted("main"), counted(None)["job"]) == ({}, 2)
    store.reports.judged(summary(pushes[2]), [], [], 1.0)
    assert counted("main") == {"job": 1, "late": 1, "only-2": 1}
    store.reports.judged(summary(pushes[2]), [], [], 1.0, outage=True)
    for where in pushes:
        store.facts.put_off(where, None)
    assert store.purge(10 * DAY) == 3
    assert (counted("main"), counted("try"), counted(None)) == ({}, {}, {})


def test_a_fork_does_not_count_for_a_branch_of_its_name(store: Store) -> None:
    """That it is one may be heard of later."""
    where = push("1bcdef0", branch="main")
    store.observe([seen(event("job", "1", result="success", push=where))], 1.0, dry=False)
    store.reports.judged(summary(where), [], [], 1.0)
    assert store.reports.ran("try", None, branch="main").at == {"job": 1}
    store.observe([Notice(PushFacts(where, fork=True))], 2.0, dry=False)
    store.reports.judged(summary(where), [], [], 3.0)
    store.observe([seen(event("late", "1", result="success", push=where))], 4.0, dry=False)

    assert store.reports.ran("try", None, branch="main").at == {}
    assert store.reports.ran("try", None).at == {"job": 1, "late": 1}


def test_records_of_earlier_versions_are_read(store: Store) -> None:
    """They are in the list of the project alone, and their pushes were not counted by branch."""
    hear(store, where=PUSH)
    store.observe([seen(event("job", "9", result="success"))], 1.0, dry=False)
    old = FailureRecord(PUSH, "job", 5.0, 1, 1, ("a line",))
    part = part_of(PUSH)

    def write(transaction: Transaction) -> None:
        transaction.put(Doc(part, FAILURES, "job"), dump(old))
        transaction.rank(join(FAILURES, "try"), within(part, "job"), 5.0)
        (data,) = transaction.get([Doc(part, HEADER)])
        assert data is not None
        head = load(StoredPush, data)
        head.by_branch = False
        transaction.put(Doc(part, HEADER), dump(head))
        transaction.add(join("ran", "try", "0", "try"), {"job": -1})

    store.reports.engine.run(write)
    assert store.reports.failure_records("try") == [old]
    assert store.reports.windows("try", ["job"]) == {"job": Window()}
    store.reports.judged(summary(), [], [], 6.0, outage=True)
    store.reports.judged(summary(), [], [], 6.0)
    assert store.reports.ran("try", ["job"], branch="try").at == {"job": 0}

    store.reports.judged(summary(), [flaps(PUSH, 7.0)], [], 8.0)
    assert store.reports.windows("try", ["job"]) == {"job": Window((flaps(PUSH, 7.0),))}


def test_branches_are_counted(store: Store) -> None:
    """The newest pushes of a project."""
    for number, branch in enumerate(["main", "main", "change"]):
        store.observe([seen(failure(push=push(f"{number}bcdef0", branch=branch)))], 1.0, dry=False)

    assert store.pushes.branches("try") == ({"main": 2, "change": 1}, ())
    assert store.pushes.branches("none") == ({}, ())
