"""What every store promises of what is heard and decided, whichever backend keeps it."""

import threading
from dataclasses import replace

import pytest

from tests.fakes.store_items import FAILURE, every, own, said, seen
from tests.fakes.world import event, failure, push
from tests.store.claimed import PUSH, Reopen, claimed, in_threads
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import PROVING, Result, RunKey, State
from triggerbot.core.policy.budget import Budget, within_budget
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.store import Store

# -- observe ----------------------------------------------------------------------------------------------------


def test_a_failure_makes_one_claim_however_often_it_is_heard(store: Store) -> None:
    """The same event again, alone or within one batch, changes nothing."""
    first, second = store.observe([seen(failure()), seen(failure())], 1.0, dry=False)
    (third,) = store.observe([seen(failure())], 2.0, dry=False)

    assert (first.claimed, second.claimed, third.claimed) == (True, False, False)
    assert third.earlier is not None
    (claim,) = every(store)
    assert (claim.state, claim.dry, claim.created, claim.due, claim.origin) == (ClaimState.OPEN, False, 1.0, 1.0, "")
    assert claim.run.key == RunKey("1", 1)


def test_nothing_else_makes_a_claim(store: Store) -> None:
    """A run that did not fail, or whose failure the rule does not cover, is recorded and no more."""
    store.observe(
        [seen(event()), seen(event("b", result="success")), seen(failure("c"), refusal=Refusal.HIDDEN)], 1.0, dry=False
    )

    assert every(store) == []
    assert store.due.next() is None or store.due.next() > 1.0
    assert set(store.pushes.known(PUSH)) == {("job", "1", 1), ("b", "1", 1), ("c", "1", 1)}


def test_each_push_has_its_own_claims(store: Store) -> None:
    """Pushes differ by system, project, branch and revision alike."""
    pushes = [PUSH, push("abcdef2"), push(project="other"), push(branch="other"), push(system="other")]
    store.observe([seen(failure(push=one)) for one in pushes], 1.0, dry=False)

    assert [len(every(store, one)) for one in pushes] == [1] * 5


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (2, 0, 1), (1, 2, 0)])
def test_a_run_never_goes_back(store: Store, order: tuple[int, ...]) -> None:
    """Whatever the order of its messages, it ends as far as it has come."""
    messages = [event(), event(state="running"), failure(step="run tests", failures=("a line",))]
    for number in order:
        store.observe([seen(messages[number])], 1.0, dry=False)

    assert store.pushes.known(PUSH) == {("job", "1", 1): State.FINISHED}
    run = own(store).run
    assert (run.state, run.result, run.step, run.failures) == (
        State.FINISHED, Result.FAILURE, "run tests", ("a line",),
    )  # fmt: skip


def test_a_result_stands(store: Store) -> None:
    """A second result of the same run is not believed."""
    store.observe([seen(failure()), seen(event(result="success"))], 1.0, dry=False)

    assert own(store).run.result is Result.FAILURE


def test_attempts_are_runs_of_their_own(store: Store) -> None:
    """One run id, two attempts: two runs."""
    store.observe([seen(failure(attempt=1)), seen(failure(attempt=2))], 1.0, dry=False)

    assert [run.key for run in store.pushes.work(PUSH).runs["job"]] == [RunKey("1", 1), RunKey("1", 2)]


def test_texts_survive_as_they_are(store: Store, reopen: Reopen) -> None:
    """Quotes, percent signs, other scripts, line ends: all come back."""
    name = "job 'x' \"y\" % _ \\ é 漢字 🐙\n;--"
    store.observe([seen(failure(name, run_id=name, url=name, pool=name, failures=(name,)))], 1.0, dry=False)

    run = own(reopen(), name).run

    assert (run.job, run.run_id, run.url, run.pool, run.failures) == (name, name, name, name, (name,))


def test_facts_that_are_known_stay(store: Store) -> None:
    """What is said first of a push holds; what was not said is filled in."""
    store.observe([said(message=None, author="a"), said(author="b", time=7.0, fork=True)], 1.0, dry=False)
    store.observe(
        [said(PushOptions(), message="first"), said(PushOptions({EVERY: 3}), message="second")], 1.0, dry=False
    )

    work = store.pushes.work(PUSH)

    assert (work.facts.author, work.facts.time, work.facts.fork, work.facts.message) == ("a", 7.0, True, "first")
    assert work.asks == PushOptions()


def test_a_push_that_asks_gets_claims_of_what_was_heard_before(store: Store) -> None:
    """When the message becomes known, every job that it asks for is claimed, pending or finished, once."""
    store.observe([seen(event("a")), seen(event("b", result="success")), seen(failure("c"))], 1.0, dry=False)
    asks = PushOptions({EVERY: 3})

    first, second = store.observe([said(asks, message="m"), said(asks, message="m")], 2.0, dry=False)
    (late,) = store.observe([seen(event("d"))], 3.0, dry=False)

    assert (first.due, second.due, late.claimed) == (True, False, True)
    assert [claim.job for claim in every(store)] == ["c", "a", "b", "d"]


def test_a_message_without_asks_claims_nothing(store: Store) -> None:
    """Nor does one that asks for another group."""
    store.observe([seen(event("a")), said(PushOptions({"talos": 3}), message="m"), seen(event("b"))], 1.0, dry=False)

    assert every(store) == []


def test_a_cursor_moves_with_its_batch(store: Store, reopen: Reopen) -> None:
    """Also with an empty batch; each name is its own."""
    assert store.cursor("a") is None
    store.observe([seen(failure())], 1.0, dry=False, cursor=("a", "1"))
    store.observe([], 1.0, dry=False, cursor=("a", "2"))
    store.observe([], 1.0, dry=False, cursor=("b", "x"))

    again = reopen()

    assert (again.cursor("a"), again.cursor("b"), again.cursor("c")) == ("2", "x", None)


def test_observing_soon_answers_by_a_future(store: Store) -> None:
    """Many at once, each with its own answer."""
    futures = [store.observe_soon([seen(failure(str(number)))], 1.0, dry=False) for number in range(50)]

    assert [future.result(timeout=10)[0].claimed for future in futures] == [True] * 50


# -- leases -----------------------------------------------------------------------------------------------------


def test_a_push_is_leased_to_one_at_a_time(store: Store) -> None:
    """Until it is given back, nobody else gets it; others that are due are."""
    claimed(store)
    store.observe([seen(failure(push=push("abcdef2")))], 1.0, dry=False)

    leased = [store.due.lease(5.0, "me", 60), store.due.lease(5.0, "you", 60), store.due.lease(5.0, "them", 60)]

    assert leased == [PUSH, push("abcdef2"), None]
    assert store.due.next() is None
    store.due.release(PUSH, "me")
    assert store.due.next() == 0.0
    assert store.due.lease(5.0, "you", 60) == PUSH


def test_nothing_is_leased_before_it_is_due_or_after_the_end(store: Store) -> None:
    """Due times are kept by the push's open claims."""
    claim = claimed(store, now=5.0)
    assert store.due.lease(4.9, "me", 60) is None
    store.claims.wait(claim, 50.0, "later", 5.0)
    assert (store.due.lease(49.0, "me", 60), store.due.next()) == (None, 50.0)
    store.claims.decide(own(store), Decision.refuse(Refusal.NO_RETRY), None, 50.0)
    assert (store.due.lease(1e9, "me", 60), store.due.next()) == (None, None)


def test_a_lease_dies_with_its_process(store: Store, reopen: Reopen) -> None:
    """After a restart everything that was worked on is due again, at the latest when the lease has expired."""
    claimed(store)
    assert store.due.lease(5.0, "me", 60) == PUSH

    assert reopen().due.lease(65.5, "me again", 60) == PUSH


# -- decide -----------------------------------------------------------------------------------------------------


def test_a_decision_to_trigger_owes(store: Store) -> None:
    """The claim says why, how many, and how many runs there were."""
    claim = claimed(store)

    assert store.claims.decide(claim, FAILURE, Budget(), 3.0) == FAILURE

    claim = own(store)
    assert (claim.state, claim.cause, claim.wanted, claim.asked, claim.owed) == (
        ClaimState.OWED, Cause.FAILURE, 2, 0, 2,
    )  # fmt: skip
    assert (claim.known_runs, claim.due) == (1, 3.0)


def test_a_decision_in_dry_run_is_final(store: Store) -> None:
    """Recorded as what would have been; nothing is due any more."""
    store.claims.decide(claimed(store, dry=True), FAILURE, Budget(), 3.0)

    assert own(store).state is ClaimState.WOULD
    assert store.pushes.work(PUSH).claims == ()
    assert store.due.next() is None


def test_a_refusal_is_final(store: Store) -> None:
    """With its reason and detail."""
    store.claims.decide(claimed(store), Decision.refuse(Refusal.HIDDEN, "tier 2"), None, 3.0)

    claim = own(store)
    assert (claim.state, claim.refusal, claim.cause, claim.note) == (
        ClaimState.REFUSED, Refusal.HIDDEN, None, "tier 2",
    )  # fmt: skip


@pytest.mark.parametrize(("others", "left"), [(0, 2), (1, 1), (2, 0), (5, 0)])
def test_runs_that_came_while_it_was_decided_count(store: Store, others: int, left: int) -> None:
    """A decision that knew one run, recorded when there are more: only what is missing is owed."""
    claim = claimed(store)
    store.observe([seen(event(run_id=f"other-{number}")) for number in range(others)], 2.0, dry=False)

    answer = store.claims.decide(claim, replace(FAILURE, runs=1), Budget(), 3.0)

    assert answer is not None
    assert (answer.count, own(store).owed) == (left, left)
    assert answer.refusal is (None if left else Refusal.ENOUGH_RUNS)
    assert store.pushes.work(PUSH).spent == bool(left)


def test_nothing_to_say_drops_the_claim(store: Store) -> None:
    """And a later failure may claim the job anew."""
    claim = claimed(store)

    assert store.claims.decide(claim, None, None, 3.0) is None
    assert store.claims.decide(claim, FAILURE, None, 3.0) is None
    assert every(store) == []
    (outcome,) = store.observe([seen(failure(run_id="2"))], 4.0, dry=False)
    assert outcome.claimed


def test_the_budget_is_spent_where_nobody_comes_between(store: Store) -> None:
    """Of many failures, the floor and one more; then `over_budget`; requests and people's wishes are not counted."""
    claims = [claimed(store, f"job-{number}") for number in range(9)]
    answers = [store.claims.decide(claim, FAILURE, Budget(5, 4), 3.0) for claim in claims]

    assert [answer.reason for answer in answers if answer] == ["failure"] * 5 + ["over_budget"] * 4
    assert (store.pushes.work(PUSH).spent, store.pushes.work(PUSH).spent_dry, store.pushes.work(PUSH).total) == (
        5,
        0,
        9,
    )
    other = claimed(store, "asked")
    assert store.claims.decide(other, Decision.trigger(Cause.REQUESTED, 3), Budget(0, 0), 3.0).reason == "requested"
    assert store.pushes.work(PUSH).spent == 5


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize(("percent", "floor"), [(5, 4), (30, 0), (33.4, 1), (0, 0), (100, 2)])
def test_a_decision_says_what_was_spent_when_it_was_recorded(
    store: Store, percent: float, floor: int, dry: bool
) -> None:
    """Not what whoever decided had seen: several jobs of a push are decided at once."""
    claims = [claimed(store, f"job-{number}", dry=dry) for number in range(9)]
    budget, decision = Budget(percent, floor), Decision(Cause.FAILURE, None, 2, "", 1)
    store.observe([seen(failure("job-1", "job-1-again"))], 2.0, dry=dry)
    told = [store.claims.decide(claim, decision, budget, 3.0) for claim in claims]

    expected = []
    for number in range(9):
        known = Decision(Cause.FAILURE, None, 1, "", 2) if number == 1 else decision
        expected.append(within_budget(known, budget, min(number, budget.most(9)), 9, dry=dry))
    assert told == expected
    assert [own(store, f"job-{number}").note for number in range(9)] == [one.detail for one in expected]
    story = [entry for entry in store.pushes.timeline(PUSH) if entry.what in ("trigger", "refuse") and entry.at == 3.0]
    assert [entry.text for entry in story] == [one.detail for one in expected]


def test_a_dry_run_has_a_budget_of_its_own(store: Store) -> None:
    """What would have been spent takes nothing from what may be."""
    for number in range(5):
        store.claims.decide(claimed(store, f"dry-{number}", dry=True), FAILURE, Budget(0, 4), 3.0)
    real = store.claims.decide(claimed(store, "real"), FAILURE, Budget(0, 4), 3.0)

    assert real == FAILURE
    assert (store.pushes.work(PUSH).spent, store.pushes.work(PUSH).spent_dry) == (1, 5)


def test_the_budget_holds_among_threads(store: Store) -> None:
    """Eight threads deciding at once spend no more than one would."""
    claims = [claimed(store, f"job-{number}") for number in range(24)]
    start = threading.Barrier(8)

    def decide(mine: int) -> None:
        start.wait()
        for claim in claims[mine::8]:
            store.claims.decide(claim, FAILURE, Budget(0, 6), 3.0)

    in_threads(8, decide)

    assert store.pushes.work(PUSH).spent == 7
    assert sum(claim.state is ClaimState.OWED for claim in every(store)) == 7


@pytest.mark.parametrize(
    ("appeared", "count"), [("success", 1), ("running", 1), ("infra", 2), ("cancelled", 2), ("timed_out", 1)]
)
def test_what_appears_while_it_is_decided_is_deducted_if_it_counts(store: Store, appeared: str, count: int) -> None:
    """Runs that prove nothing are no runs; the decision says with which results a run counts."""
    claim = claimed(store)
    end = {"state": "running"} if appeared == "running" else {"result": appeared}
    store.observe([seen(event(run_id="2", time=9.0, **end))], 2.0, dry=False)
    covered = PROVING | {Result.TIMED_OUT}

    decision = store.claims.decide(claim, Decision(Cause.FAILURE, None, 2, "", 1, covered), None, 3.0)

    assert decision is not None
    assert decision.count == count
    assert (own(store).wanted, own(store).known_runs) == (count, 2)


@pytest.mark.parametrize(("told", "truth"), [("failure", "infra"), ("cancelled", "timed_out")])
@pytest.mark.parametrize("first", [True, False])
def test_a_result_is_corrected_and_never_taken_back(store: Store, told: str, truth: str, first: bool) -> None:
    """What the CI says later of how a run ended is more precise, in whatever order it is heard."""
    rough, fine = seen(event(result=told, time=5.0)), seen(event(result=truth, time=5.0))
    answers = [
        store.observe([one], 1.0, dry=False)[0] for one in ([fine, rough] if first else [rough, fine, fine, rough])
    ]

    record = store.pushes.record(PUSH)
    assert record is not None
    (run,) = record.jobs[0].runs
    assert (run.result, run.time) == (Result(truth), 5.0)
    assert [answer.news for answer in answers] == ([True, False] if first else [True, True, False, False])


@pytest.mark.parametrize("later", ["success", "cancelled", "infra", "timed_out", "unknown"])
def test_no_other_end_of_a_run_is_changed(store: Store, later: str) -> None:
    """A message that contradicts what is known changes nothing, unless it says the same more precisely."""
    store.observe([seen(event(result="busted"))], 1.0, dry=False)
    (answer,) = store.observe([seen(event(result=later))], 2.0, dry=False)

    record = store.pushes.record(PUSH)
    assert record is not None
    assert (record.jobs[0].runs[0].result, answer.news) == (Result.BUSTED, False)


@pytest.mark.parametrize("started", [None, 6.0])
@pytest.mark.parametrize("what", [None, "push"])
def test_what_made_a_run_and_that_it_may_fail_are_told_apart(
    store: Store, what: str | None, started: float | None
) -> None:
    """Each may be told with the end of a run or after it, with or without the other."""
    end = failure(time=7.0, started=started, event=what)
    begun = event(time=1.0)
    allowed = replace(end, allowed_to_fail=True)
    for order in ([end, allowed], [begun, end, allowed], [begun, allowed], [replace(begun, event=what), allowed]):
        store.purge(99.0)
        for number, one in enumerate(order):
            store.observe([seen(one)], float(number), dry=False)
        record = store.pushes.record(PUSH)
        assert record is not None
        (run,) = record.jobs[0].runs
        assert (run.event, run.allowed_to_fail, run.started) == (what, True, started)


def test_that_a_run_is_allowed_to_fail_may_be_told_at_any_time(store: Store) -> None:
    """And is never taken back; what is known of the run stays."""
    told = replace(failure(time=7.0, started=6.0, failures=("boom",), batch="b"), allowed_to_fail=True)
    plain = replace(told, allowed_to_fail=False)
    for order in ([told], [plain, told, plain], [event(time=1.0, batch="b", allowed_to_fail=True), plain]):
        store.purge(99.0)
        for number, one in enumerate(order):
            store.observe([seen(one)], float(number), dry=False)
        record = store.pushes.record(PUSH)
        assert record is not None
        (run,) = record.jobs[0].runs
        assert (run.allowed_to_fail, run.time, run.started, run.failures, run.batch, run.result) == (
            True, 7.0, 6.0, ("boom",), "b", Result.FAILURE,
        )  # fmt: skip


def _all(store: Store) -> list[object]:
    one, ran = store.pushes, store.reports.ran("try", ["job-1", "late", "other"])
    views = (one.record, one.work, one.known, one.timeline)
    return [*(view(PUSH) for view in views), one.timeline(PUSH, "late"), store.statistics.read(0.0), ran]


def test_a_quiet_push_takes_less_room_and_is_as_before(store: Store) -> None:
    """Whatever is read of it; and when something comes of it again it goes on."""
    store.observe([seen(event(f"job-{number}", result="success", time=5.0)) for number in range(20)], 1.0, dry=False)
    store.observe([seen(failure("late", pool="linux", failures=("a line",)))], 2.0, dry=False)
    store.claims.decide(own(store, "late"), FAILURE, Budget(), 2.0)
    before = _all(store)

    assert [store.purge(-1.0, 100.0), store.purge(-1.0, 100.0)] == [0, 0]
    assert before == _all(store)
    store.observe([seen(event("job-1", "2", result="failure", time=9.0)), seen(event("new"))], 200.0, dry=False)
    record = store.pushes.record(PUSH)
    assert record is not None
    assert [(job.job, len(job.runs)) for job in record.jobs if job.job in ("job-1", "job-2", "late", "new")] == [
        ("job-1", 2), ("job-2", 1), ("late", 1), ("new", 1),
    ]  # fmt: skip
    assert store.pushes.work(PUSH).total == 22
    store.purge(-1.0, 300.0)
    assert store.pushes.record(PUSH) == record
