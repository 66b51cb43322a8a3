"""What every store promises, whichever backend keeps it."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.items import FAILURE, every, operation, own, said, seen
from fakes.world import event, failure, push

from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Cause, Claim, ClaimState, Decision, Refusal, Result, RunKey, State
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope, Canary, Evidence
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.rules import Budget, within_budget
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.store import LETTERS_MAX, DeadLetter, Pause, Store

PUSH = push()
Reopen = Callable[[], Store]


def claimed(store: Store, job: str = "job", *, now: float = 0.0, dry: bool = False):
    """Let one job fail, and give back its claim."""
    store.observe([seen(failure(job, f"{job}-1"), asks=PushOptions())], now, dry=dry)
    return own(store, job)


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
    assert store.next_due() is None or store.next_due() > 1.0
    assert set(store.known(PUSH)) == {("job", "1", 1), ("b", "1", 1), ("c", "1", 1)}


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

    assert store.known(PUSH) == {("job", "1", 1): State.FINISHED}
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

    assert [run.key for run in store.work(PUSH).runs["job"]] == [RunKey("1", 1), RunKey("1", 2)]


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

    work = store.work(PUSH)

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

    leased = [store.lease(5.0, "me", 60), store.lease(5.0, "you", 60), store.lease(5.0, "them", 60)]

    assert leased == [PUSH, push("abcdef2"), None]
    assert store.next_due() is None
    store.release(PUSH, "me")
    assert store.next_due() == 0.0
    assert store.lease(5.0, "you", 60) == PUSH


def test_nothing_is_leased_before_it_is_due_or_after_the_end(store: Store) -> None:
    """Due times are kept by the push's open claims."""
    claim = claimed(store, now=5.0)
    assert store.lease(4.9, "me", 60) is None
    store.wait(claim, 50.0, "later", 5.0)
    assert (store.lease(49.0, "me", 60), store.next_due()) == (None, 50.0)
    store.decide(own(store), Decision.refuse(Refusal.NO_RETRY), None, 50.0)
    assert (store.lease(1e9, "me", 60), store.next_due()) == (None, None)


def test_a_lease_dies_with_its_process(store: Store, reopen: Reopen) -> None:
    """After a restart everything that was worked on is due again, at the latest when the lease has expired."""
    claimed(store)
    assert store.lease(5.0, "me", 60) == PUSH

    assert reopen().lease(65.5, "me again", 60) == PUSH


# -- decide -----------------------------------------------------------------------------------------------------


def test_a_decision_to_trigger_owes(store: Store) -> None:
    """The claim says why, how many, and how many runs there were."""
    claim = claimed(store)

    assert store.decide(claim, FAILURE, Budget(), 3.0) == FAILURE

    claim = own(store)
    assert (claim.state, claim.cause, claim.wanted, claim.asked, claim.owed) == (
        ClaimState.OWED, Cause.FAILURE, 2, 0, 2,
    )  # fmt: skip
    assert (claim.known_runs, claim.due) == (1, 3.0)


def test_a_decision_in_dry_run_is_final(store: Store) -> None:
    """Recorded as what would have been; nothing is due any more."""
    store.decide(claimed(store, dry=True), FAILURE, Budget(), 3.0)

    assert own(store).state is ClaimState.WOULD
    assert store.work(PUSH).claims == ()
    assert store.next_due() is None


def test_a_refusal_is_final(store: Store) -> None:
    """With its reason and detail."""
    store.decide(claimed(store), Decision.refuse(Refusal.HIDDEN, "tier 2"), None, 3.0)

    claim = own(store)
    assert (claim.state, claim.refusal, claim.cause, claim.note) == (
        ClaimState.REFUSED, Refusal.HIDDEN, None, "tier 2",
    )  # fmt: skip


@pytest.mark.parametrize(("others", "left"), [(0, 2), (1, 1), (2, 0), (5, 0)])
def test_runs_that_came_while_it_was_decided_count(store: Store, others: int, left: int) -> None:
    """A decision that knew one run, recorded when there are more: only what is missing is owed."""
    claim = claimed(store)
    store.observe([seen(event(run_id=f"other-{number}")) for number in range(others)], 2.0, dry=False)

    answer = store.decide(claim, replace(FAILURE, runs=1), Budget(), 3.0)

    assert answer is not None
    assert (answer.count, own(store).owed) == (left, left)
    assert answer.refusal is (None if left else Refusal.ENOUGH_RUNS)
    assert store.work(PUSH).spent == bool(left)


def test_nothing_to_say_drops_the_claim(store: Store) -> None:
    """And a later failure may claim the job anew."""
    claim = claimed(store)

    assert store.decide(claim, None, None, 3.0) is None
    assert store.decide(claim, FAILURE, None, 3.0) is None
    assert every(store) == []
    (outcome,) = store.observe([seen(failure(run_id="2"))], 4.0, dry=False)
    assert outcome.claimed


def test_the_budget_is_spent_where_nobody_comes_between(store: Store) -> None:
    """Of many failures, the floor and one more; then `over_budget`; requests and people's wishes are not counted."""
    claims = [claimed(store, f"job-{number}") for number in range(9)]
    answers = [store.decide(claim, FAILURE, Budget(5, 4), 3.0) for claim in claims]

    assert [answer.reason for answer in answers if answer] == ["failure"] * 5 + ["over_budget"] * 4
    assert (store.work(PUSH).spent, store.work(PUSH).spent_dry, store.work(PUSH).total) == (5, 0, 9)
    other = claimed(store, "asked")
    assert store.decide(other, Decision.trigger(Cause.REQUESTED, 3), Budget(0, 0), 3.0).reason == "requested"
    assert store.work(PUSH).spent == 5


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize(("percent", "floor"), [(5, 4), (30, 0), (33.4, 1), (0, 0), (100, 2)])
def test_a_decision_says_what_was_spent_when_it_was_recorded(
    store: Store, percent: float, floor: int, dry: bool
) -> None:
    """Not what whoever decided had seen: several jobs of a push are decided at once."""
    claims = [claimed(store, f"job-{number}", dry=dry) for number in range(9)]
    budget, decision = Budget(percent, floor), Decision(Cause.FAILURE, None, 2, "", 1)
    store.observe([seen(failure("job-1", "job-1-again"))], 2.0, dry=dry)
    told = [store.decide(claim, decision, budget, 3.0) for claim in claims]

    expected = []
    for number in range(9):
        known = Decision(Cause.FAILURE, None, 1, "", 2) if number == 1 else decision
        expected.append(within_budget(known, budget, min(number, budget.most(9)), 9, dry=dry))
    assert told == expected
    assert [own(store, f"job-{number}").note for number in range(9)] == [one.detail for one in expected]
    story = [entry for entry in store.timeline(PUSH) if entry.what in ("trigger", "refuse") and entry.at == 3.0]
    assert [entry.text for entry in story] == [one.detail for one in expected]


def test_a_dry_run_has_a_budget_of_its_own(store: Store) -> None:
    """What would have been spent takes nothing from what may be."""
    for number in range(5):
        store.decide(claimed(store, f"dry-{number}", dry=True), FAILURE, Budget(0, 4), 3.0)
    real = store.decide(claimed(store, "real"), FAILURE, Budget(0, 4), 3.0)

    assert real == FAILURE
    assert (store.work(PUSH).spent, store.work(PUSH).spent_dry) == (1, 5)


def test_the_budget_holds_among_threads(store: Store) -> None:
    """Eight threads deciding at once spend no more than one would."""
    claims = [claimed(store, f"job-{number}") for number in range(24)]
    start = threading.Barrier(8)

    def decide(mine: int) -> None:
        start.wait()
        for claim in claims[mine::8]:
            store.decide(claim, FAILURE, Budget(0, 6), 3.0)

    in_threads(8, decide)

    assert store.work(PUSH).spent == 7
    assert sum(claim.state is ClaimState.OWED for claim in every(store)) == 7


# -- a request --------------------------------------------------------------------------------------------------


def owed(store: Store, job: str = "job", *, now: float = 0.0) -> Claim:
    """A claim that was decided: two retriggers of it remain."""
    store.decide(claimed(store, job, now=now), FAILURE, Budget(), 3.0)
    return own(store, job)


def test_a_request_is_written_down_before_it_leaves(store: Store, reopen: Reopen) -> None:
    """With all that is needed to settle it after a crash."""
    claim = owed(store)
    made = operation(claim, started=10.0)

    assert store.begin(made, PUSH, "asks for 2", 10.0)

    claim = own(reopen())
    assert (claim.state, claim.operation) == (ClaimState.SENDING, made)


def test_an_accepted_request_ends_its_claim_or_owes_the_rest(store: Store) -> None:
    """Counted by what it asked for."""
    claim = owed(store)
    store.begin(operation(claim, "one", 1), PUSH, "", 10.0)
    store.accepted(operation(claim, "one", 1), "first", 11.0, due=99.0)
    half = own(store)
    store.begin(operation(claim, "two", 1), PUSH, "", 12.0)
    store.accepted(operation(claim, "two", 1), "second", 13.0)
    done = own(store)

    assert (half.state, half.asked, half.owed, half.due, half.operation) == (ClaimState.OWED, 1, 1, 99.0, None)
    assert (done.state, done.asked, done.owed, done.operation) == (ClaimState.DONE, 2, 0, None)
    assert store.next_due() is None


def test_a_request_refused_by_the_ci_gives_its_budget_back(store: Store) -> None:
    """Unless something was bought before."""
    refusal = Decision.refuse(Refusal.REFUSED_BY_CI, "HTTP 409")
    first, second = owed(store, "a"), owed(store, "b")
    store.begin(operation(first, "one"), PUSH, "", 10.0)
    store.refused(operation(first, "one"), refusal, 11.0)
    store.begin(operation(second, "two", 1), PUSH, "", 10.0)
    store.accepted(operation(second, "two", 1), "", 11.0)
    store.begin(operation(second, "three", 1), PUSH, "", 12.0)
    store.refused(operation(second, "three", 1), refusal, 13.0)

    nothing, half = own(store, "a"), own(store, "b")

    assert (nothing.state, nothing.refusal, nothing.asked) == (ClaimState.REFUSED, Refusal.REFUSED_BY_CI, 0)
    assert (half.state, half.refusal, half.asked) == (ClaimState.DONE, None, 1)
    assert store.work(PUSH).spent == 1


def test_a_request_postponed_is_owed_again(store: Store) -> None:
    """Later, with one more try counted; a decision or success starts the count anew."""
    claim = owed(store)
    for number in range(3):
        store.begin(operation(claim, str(number)), PUSH, "", 10.0)
        store.postponed(operation(claim, str(number)), 50.0 + number, "busy", 10.0)

    claim = own(store)
    assert (claim.state, claim.due, claim.tries, claim.operation) == (ClaimState.OWED, 52.0, 3, None)
    assert store.next_due() == 52.0


def test_a_request_in_doubt_stays_so_until_it_is_settled(store: Store) -> None:
    """Misses are counted, and start anew when it leaves once more."""
    claim = owed(store)
    made = operation(claim, started=10.0)
    store.begin(made, PUSH, "", 10.0)
    store.doubted(made, 70.0, "HTTP 500", 11.0)
    doubted = own(store)
    store.doubted(made, 130.0, "not listed", 70.0, missed=True)
    missed = own(store)
    assert store.resend(made, "again", 130.0)
    resent = own(store)

    assert (doubted.state, doubted.due, doubted.operation) == (ClaimState.UNKNOWN, 70.0, made)
    assert missed.operation == replace(made, misses=1)
    assert (resent.state, resent.operation) == (ClaimState.SENDING, replace(made, started=130.0, sends=2))


def test_the_same_doubt_is_told_once_for_each_request(store: Store) -> None:
    """It is looked for again and again; what went before is over once it leaves."""
    claim = owed(store)
    store.wait(claim, 9.0, "HTTP 503", 5.0)
    made = operation(claim, started=10.0)
    store.begin(made, PUSH, "asks", 10.0)
    sent = own(store)
    for now in (11.0, 12.0, 13.0):
        store.doubted(made, now + 1, "not listed", now)
    store.doubted(made, 15.0, "held", 14.0)
    store.resend(made, "again", 15.0)
    resent = own(store)
    store.doubted(replace(made, sends=2), 17.0, "held", 16.0)

    assert (sent.note, resent.note) == ("", "")
    assert [(entry.what, entry.text) for entry in store.timeline(PUSH)][1:] == [
        ("wait", "HTTP 503"), ("send", "asks"), ("doubt", "not listed"), ("doubt", "held"), ("send", "again"),
        ("doubt", "held"),
    ]  # fmt: skip


def test_a_claim_may_wait(store: Store) -> None:
    """For a look-up, for something to settle, or because of a failure: each is counted as what it is."""
    claim = claimed(store)
    store.wait(claim, 10.0, "not known", 1.0, lookup=True)
    store.wait(claim, 20.0, "down", 1.0)
    store.wait(claim, 30.0, "runs", 1.0, since=1.0)

    waiting = own(store)
    assert (waiting.lookups, waiting.tries, waiting.due, waiting.note) == (1, 1, 30.0, "runs")
    (outcome,) = store.observe([seen(event(run_id="2", result="success"))], 5.0, dry=False)
    assert outcome.due
    assert own(store).due == 5.0


def test_only_what_was_held_is_woken(store: Store) -> None:
    """The end of a run does not hurry a claim that waits for its CI to recover; nor does another job's."""
    store.wait(claimed(store, "a"), 30.0, "down", 1.0)
    store.wait(claimed(store, "b"), 40.0, "runs", 1.0, since=1.0)

    store.observe([seen(event("a", "2", result="success")), seen(event("c", "2", result="success"))], 5.0, dry=False)

    assert (own(store, "a").due, own(store, "b").due) == (30.0, 40.0)
    store.observe([said(settled=True)], 6.0, dry=False)
    assert (own(store, "a").due, own(store, "b").due) == (30.0, 6.0)


def test_a_claim_may_end_early(store: Store) -> None:
    """Done, with what was asked for so far."""
    store.finish(owed(store), "no more are needed", 5.0)

    claim = own(store)
    assert (claim.state, claim.asked, claim.note) == (ClaimState.DONE, 0, "no more are needed")


# -- what people do ---------------------------------------------------------------------------------------------


def test_a_person_may_ask_for_a_job_that_is_known(store: Store) -> None:
    """A claim of its own, beside the bot's; the same again is the same."""
    claimed(store)

    first = store.ask(PUSH, "job", 5, "me-1", dry=False, now=7.0)
    again = store.ask(PUSH, "job", 9, "me-1", dry=False, now=8.0)
    other = store.ask(PUSH, "job", 1, "me-2", dry=False, now=8.0)

    assert first is not None
    assert other is not None
    assert (first.wanted, first.origin, first.manual, first.state, first.due) == (5, "me-1", True, ClaimState.OPEN, 7.0)
    assert again == first
    assert len({claim.id for claim in every(store)}) == 3
    assert store.ask(PUSH, "nothing", 5, "me-3", dry=False, now=7.0) is None
    assert store.ask(push("fffffff"), "job", 5, "me-3", dry=False, now=7.0) is None


def test_a_persons_claim_is_not_the_bots(store: Store) -> None:
    """A job asked for by a person may still be claimed for its failure."""
    store.observe([seen(event())], 1.0, dry=False)
    store.ask(PUSH, "job", 5, "me", dry=False, now=2.0)

    (outcome,) = store.observe([seen(failure())], 3.0, dry=False)

    assert outcome.claimed


def test_a_pause_stops_leases_and_requests(store: Store, home) -> None:
    """On every replica, at once, also what was leased before; going on takes it up again."""
    claim = owed(store)
    other = home.open()
    pause = Pause(5.0, "me", "the CI is on fire")

    other.pause(pause)

    assert store.paused() == pause
    assert store.lease(99.0, "me", 60) is None
    assert store.next_due() is None
    assert not store.begin(operation(claim), PUSH, "", 10.0)
    assert own(store).state is ClaimState.OWED
    store.pause(None)
    assert other.paused() is None
    assert other.lease(99.0, "me", 60) == PUSH
    assert store.begin(operation(claim), PUSH, "", 10.0)
    other.pause(pause)
    assert not store.resend(operation(claim), "", 11.0)


def test_the_last_dead_letters_are_kept(store: Store) -> None:
    """A CI that speaks otherwise from some day on must not fill the disk."""
    for start in range(0, 7 * 1430, 1430):
        store.add_dead_letters(
            [DeadLetter(0, float(at), "ci", "webhook", "", b"") for at in range(start, start + 1430)]
        )

    assert store.count_dead_letters() == LETTERS_MAX
    assert store.dead_letters(1)[0].at == 10.0


def test_dead_letters_are_kept_until_they_are_dropped(store: Store, reopen: Reopen) -> None:
    """Oldest first, any bytes, headers and all."""
    letters = [
        DeadLetter(0, float(number), "ci", "webhook", "a reason", b"\x00\xff{", {"a": "é"}) for number in range(3)
    ]
    store.add_dead_letters(letters)
    store.add_dead_letters([])

    again = reopen()
    kept = again.dead_letters()

    assert [replace(letter, id=0) for letter in kept] == letters
    assert again.dead_letters(limit=2) == kept[:2]
    assert again.count_dead_letters() == len(kept)
    assert again.drop_dead_letters([kept[0].id, kept[2].id, 10**9]) == 2
    assert again.dead_letters() == [kept[1]]


# -- reading ----------------------------------------------------------------------------------------------------


def test_a_story_is_told_in_order(store: Store) -> None:
    """Decision, request, answer: each with its job, count and run."""
    claim = owed(store)
    owed(store, "other")
    store.begin(operation(claim), PUSH, "asks for 2", 10.0)
    store.accepted(operation(claim), "accepted", 11.0)

    story = store.timeline(PUSH, "job")

    assert [(entry.what, entry.job, entry.count, entry.at) for entry in story] == [
        ("trigger", "job", 2, 3.0), ("send", "job", 2, 10.0), ("accepted", "job", 2, 11.0),
    ]  # fmt: skip
    assert (story[0].reason, story[0].run_id, story[0].attempt) == ("failure", "job-1", 1)
    assert len(store.timeline(PUSH)) == 4
    assert store.timeline(push("fffffff")) == []


def test_a_story_is_not_told_twice(store: Store) -> None:
    """The same refusal of the same run, heard a hundred times, is one line; of another run, another."""
    refused = [seen(failure(run_id=run), refusal=Refusal.HIDDEN) for run in ("1", "2")]
    for _ in range(100):
        store.observe(refused, 1.0, dry=False)

    assert [(entry.what, entry.reason, entry.run_id) for entry in store.timeline(PUSH)] == [
        ("refuse", "hidden", "1"), ("refuse", "hidden", "2"),
    ]  # fmt: skip


def test_a_problem_in_the_message_is_told(store: Store) -> None:
    """The push's story has the complaint."""
    store.observe([said(PushOptions(problems=("--rebuild wants a number",)), message="m")], 1.0, dry=False)

    assert [(entry.what, entry.text) for entry in store.timeline(PUSH)] == [("note", "--rebuild wants a number")]


def test_pushes_are_found_by_the_beginning_of_a_revision(store: Store) -> None:
    """In one project, in any case; nothing is a pattern."""
    for revision in ("abcdef1", "abcdef2", "abc0000"):
        store.observe([seen(event(push=push(revision)))], 1.0, dry=False)

    assert {one.revision for one in store.find("try", "ABCDEF")} == {"abcdef1", "abcdef2"}
    assert [one.revision for one in store.find("try", "abcdef1")] == ["abcdef1"]
    assert store.find("other", "abc") == []
    assert store.find("try", "%") == []
    assert store.find("try", "b") == []


def test_the_latest_pushes_come_first(store: Store) -> None:
    """At most as many as asked for, of one project if asked for."""
    for number in range(3):
        where = push(f"abcdef{number}", project="odd" if number == 1 else "try")
        store.observe([seen(event(push=where))], float(number * 100), dry=False)

    assert [one.revision[-1] for one in store.recent(2)] == ["2", "1"]
    assert [one.revision[-1] for one in store.recent(9, "try")] == ["2", "0"]


def test_what_is_not_known_is_nothing(store: Store) -> None:
    """Reading of an unknown push neither fails nor makes one."""
    assert store.record(PUSH) is None
    assert store.known(PUSH) == {}
    assert (store.work(PUSH).claims, store.work(PUSH).total) == ((), 0)
    store.put_off_facts(PUSH, 5.0)
    assert store.recent(9) == []


def test_statistics_count_decisions(store: Store) -> None:
    """By action, reason and mode."""
    owed(store, "a")
    store.decide(claimed(store, "b"), Decision.refuse(Refusal.HIDDEN), None, 3.0)

    counted = store.statistics(0.0)["decisions"]

    assert {(one["action"], one["reason"], one["jobs"]) for one in counted} == {
        ("trigger", "failure", 1), ("refuse", "hidden", 1),
    }  # fmt: skip
    assert store.statistics(1e12)["decisions"] == []


# -- forgetting and enduring ------------------------------------------------------------------------------------


def test_old_pushes_are_forgotten_whole(store: Store) -> None:
    """With claims and story; what is still open, or heard of lately, stays."""
    old, still_open, new = push("abcdef1"), push("abcdef2"), push("abcdef3")
    store.observe([seen(failure(push=one), asks=PushOptions()) for one in (old, still_open)], 10.0, dry=False)
    store.observe([seen(failure(push=new), asks=PushOptions())], 1000.0, dry=False)
    for one in (old, new):
        store.decide(own(store, where=one), Decision.refuse(Refusal.HIDDEN), None, 10.0)

    assert store.purge(500.0) == 1
    assert store.purge(500.0) == 0
    assert store.record(old) is None
    assert store.timeline(old) == []
    assert [len(every(store, one)) for one in (still_open, new)] == [1, 1]


def test_many_old_pushes_are_forgotten(store: Store) -> None:
    """More than one portion's worth, and every one of them."""
    store.observe([seen(event(push=push(f"{number:07x}"))) for number in range(450)], 10.0, dry=False)
    for number in range(450):
        store.put_off_facts(push(f"{number:07x}"), None)

    assert store.purge(500.0) == 450
    assert store.recent(9) == []


def test_everything_is_there_after_a_restart(store: Store, reopen: Reopen) -> None:
    """Facts, runs, claims, requests, the pause."""
    claim = owed(store)
    store.begin(operation(claim), PUSH, "", 10.0)
    store.observe([said(PushOptions({EVERY: 3}, no_retry=True), message="m", author="a")], 11.0, dry=False)
    store.pause(Pause(1.0, "me"))
    before = (store.record(PUSH), store.work(PUSH), store.timeline(PUSH), store.paused())

    again = reopen()

    assert (again.record(PUSH), again.work(PUSH), again.timeline(PUSH), again.paused()) == before


def test_a_closed_store_says_so(store: Store) -> None:
    """Neither hangs nor loses anything silently; closing twice is nothing special."""
    store.close()
    store.close()

    with pytest.raises(StoreUnavailable):
        store.observe([seen(failure())], 1.0, dry=False)


def test_eight_threads_hearing_the_same_make_one_claim_each(store: Store) -> None:
    """Whoever is first: of all their outcomes, exactly one claimed each job."""
    events = [seen(failure(f"job-{number}")) for number in range(40)]
    claims: list[str] = []
    lock, start = threading.Lock(), threading.Barrier(8)

    def hear(mine: int) -> None:
        start.wait()
        for place in range(0, 40, 5):
            batch = events[place : place + 5][:: 1 if mine % 2 else -1]
            outcomes = store.observe(batch, 1.0, dry=False)
            with lock:
                claims.extend(item.event.job for item, outcome in zip(batch, outcomes, strict=True) if outcome.claimed)

    in_threads(8, hear)

    assert sorted(claims) == sorted(f"job-{number}" for number in range(40))
    assert len(every(store)) == 40


def test_eight_threads_lease_different_pushes(store: Store) -> None:
    """No push is worked on twice at a time."""
    pushes = [push(f"{number:07x}")._replace(system=f"ci-{number % 16}") for number in range(64)]
    store.observe([seen(failure(push=where)) for where in pushes], 1.0, dry=False)
    leased: list[str] = []
    start = threading.Barrier(8)

    def lease(mine: int) -> None:
        start.wait()
        while (one := store.lease(5.0, str(mine), 60)) is not None:
            leased.append(one.revision)

    in_threads(8, lease)

    assert sorted(leased) == [f"{number:07x}" for number in range(64)]


def test_a_system_that_hangs_leaves_the_others_their_turn(store: Store) -> None:
    """So many pushes of one system are worked on at once; what is due elsewhere comes before the rest of it."""
    slow = [push(f"{number:07x}")._replace(system="slow") for number in range(20)]
    other = push("abcdef1")._replace(system="other")
    store.observe([seen(failure(push=where)) for where in [*slow, other]], 1.0, dry=False)

    leased = []
    while (one := store.lease(5.0, "me", 60)) is not None:
        leased.append(one)

    assert len(leased) == 5
    assert other in leased
    assert store.next_due() is None
    store.release(leased[0], "me")
    assert store.next_due() == 1.0


def test_a_caller_who_gives_up_waiting_costs_nobody_else_an_answer(store: Store) -> None:
    """A cancelled future (an HTTP client gone) is its own loss."""
    for _ in range(50):
        store.observe_soon([seen(failure())], 1.0, dry=False).cancel()

    assert store.observe_soon([seen(failure())], 1.0, dry=False).result(timeout=5)


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run in so many threads at once, and tell what went wrong in any of them."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors, errors


# -- breakers, caps, and what is held behind them ---------------------------------------------------------------

PLACE = BreakerKey(BreakerScope.SYSTEM, "ci")


def an_open_breaker(version: int = 0, place: BreakerKey = PLACE) -> Breaker:
    """A breaker with everything in it."""
    evidence = Evidence(1.5, BreakerCause.REQUESTS, PUSH, "job", "HTTP 503 \u2713")
    canary = Canary(PUSH, "job", 7, 3.25)
    return Breaker(place, version, BreakerCause.REQUESTS, 2.0, (evidence,), "why", 1, 12.0, canary)


def test_a_breaker_is_kept_as_it_is(store: Store) -> None:
    """Under the version that it has then; names may hold anything."""
    odd = BreakerKey(BreakerScope.POOL, "ci", "a/b \x1f {1}")

    assert store.save_breaker(an_open_breaker(), 1.0)
    assert store.save_breaker(an_open_breaker(place=odd), 1.0)

    assert {one.place: one for one in store.breakers()} == {
        PLACE: an_open_breaker(1), odd: an_open_breaker(1, odd),
    }  # fmt: skip


def test_who_saw_an_old_breaker_does_not_change_it(store: Store) -> None:
    """Of two who change the same version, one does."""
    assert store.save_breaker(an_open_breaker(), 1.0)

    assert not store.save_breaker(an_open_breaker(), 1.0)
    assert store.save_breaker(an_open_breaker(1), 1.0)
    assert not store.save_breaker(an_open_breaker(1), 1.0)
    assert [one.version for one in store.breakers()] == [2]


def test_what_is_held_waits_until_it_is_let_go_the_oldest_first(store: Store) -> None:
    """Or until the time that it is held at most."""
    claims = [owed(store, f"job-{number}", now=float(number)) for number in range(4)]
    for claim in reversed(claims):
        store.hold(claim, "cap x", 1000.0, "held: for a reason", 10.0)
    assert store.held() == {"cap x": 4}
    assert store.next_due() == 1000.0
    assert (own(store, "job-0").note, own(store, "job-0").behind) == ("held: for a reason", "cap x")
    assert store.work(PUSH).claims[0].behind == "cap x"

    assert store.release_held("cap x", 2, 20.0) == 2

    assert [own(store, f"job-{number}").behind for number in range(4)] == ["", "", "cap x", "cap x"]

    assert store.held() == {"cap x": 2}
    assert [claim.job for claim in sorted(store.work(PUSH).due(21.0), key=lambda one: one.due)] == ["job-0", "job-1"]
    assert store.release_held("cap x", -1, 30.0) == 2
    assert store.held() == {}
    assert store.release_held("cap x", -1, 30.0) == 0
    odd = BreakerKey(BreakerScope.POOL, "ci", "a/b \x1f {1}").key
    store.hold(claims[0], odd, 1000.0, "held", 40.0)
    assert own(store, "job-0").behind == odd


def test_a_breaker_that_closes_lets_go_of_all_behind_it(store: Store) -> None:
    """At once, in the same step; and of nothing that is held behind others."""
    first, second = owed(store, "a"), owed(store, "b")
    store.save_breaker(an_open_breaker(), 1.0)
    store.hold(first, PLACE.key, 1000.0, "held", 2.0)
    store.hold(second, "cap x", 1000.0, "held", 2.0)

    store.save_breaker(Breaker(PLACE, 1), 5.0)

    assert store.held() == {"cap x": 1}
    assert [claim.job for claim in store.work(PUSH).due(5.0)] == ["a"]


def test_what_came_to_its_end_is_held_no_more(store: Store) -> None:
    """It is not counted, and not made due."""
    claim = owed(store)
    store.hold(claim, "cap x", 1000.0, "held", 2.0)
    store.finish(claim, "enough", 3.0)

    assert store.held() == {}
    assert store.release_held("cap x", -1, 4.0) == 0
    assert own(store).state is ClaimState.DONE


def test_a_request_in_doubt_is_not_held(store: Store) -> None:
    """It has its own time to be looked for."""
    claim = owed(store)
    store.begin(operation(claim), PUSH, "", 2.0)
    store.doubted(operation(claim), 60.0, "no answer", 3.0)

    store.hold(own(store), "cap x", 1000.0, "held", 4.0)

    assert store.held() == {}
    assert own(store).due == 60.0


def test_nothing_leaves_through_a_breaker_that_opened_meanwhile(store: Store) -> None:
    """Whoever passed an earlier version has to ask again; whoever passed this one is its canary."""
    claim = owed(store)
    assert store.save_breaker(an_open_breaker(), 1.0)
    other = {BreakerKey(BreakerScope.POOL, "ci", "arm"): 0}

    assert store.begin(operation(claim), PUSH, "", 2.0, passes={PLACE: 0, **other}) is False
    assert own(store).state is ClaimState.OWED
    assert store.begin(operation(claim), PUSH, "", 2.0, passes={PLACE: 1, **other}) is True


def test_a_closed_breaker_stops_nothing(store: Store) -> None:
    """In whatever version."""
    claim = owed(store)
    store.save_breaker(Breaker(PLACE), 1.0)

    assert store.begin(operation(claim), PUSH, "", 2.0, passes={PLACE: 0}) is True


def test_a_cap_holds_for_every_hour(store: Store) -> None:
    """It counts retriggers, not requests; an hour later there is room again."""
    claims = [owed(store, f"job-{number}") for number in range(4)]
    caps = {"service": 5, "author \x1f": None}

    def begin(number: int, now: float) -> bool | Capped:
        return store.begin(operation(claims[number], f"op-{number}", started=now), PUSH, "", now, caps=caps)

    assert begin(0, 7200.0) is True
    assert begin(1, 7230.0) is True
    assert begin(2, 9000.0) == Capped("service", 5, 4)
    assert own(store, "job-2").state is ClaimState.OWED
    assert store.sent(9000.0) == {"service": 4, "author \x1f": 4}
    assert begin(2, 10799.0) == Capped("service", 5, 4)
    assert begin(2, 10861.0) is True
    assert begin(3, 10862.0) is True
    assert store.sent(10862.0)["service"] == 4


@pytest.mark.parametrize("end", ["refused", "postponed"])
def test_what_was_not_taken_counts_against_no_cap(store: Store, end: str) -> None:
    """Once, however often that is told."""
    claim, other = owed(store), owed(store, "other")
    one = operation(claim, started=7200.0)
    store.begin(operation(other, "other", started=7200.0), PUSH, "", 7200.0, caps={"service": 9})
    store.begin(one, PUSH, "", 7200.0, caps={"service": 9})
    assert store.sent(7200.0) == {"service": 4}

    for _ in range(3):
        if end == "refused":
            store.refused(one, Decision.refuse(Refusal.REFUSED_BY_CI, "gone"), 7201.0)
        else:
            store.postponed(one, 7300.0, "busy", 7201.0)

    assert store.sent(7201.0) == {"service": 2}
    store.accepted(operation(other, "other"), "yes", 7202.0)
    assert store.sent(7202.0) == {"service": 2}


def test_breakers_and_holds_are_there_after_a_restart(store: Store, reopen: Reopen) -> None:
    """Like all else."""
    store.hold(owed(store), "cap x", 1000.0, "held", 2.0)
    store.save_breaker(an_open_breaker(), 1.0)

    again = reopen()

    assert again.held() == {"cap x": 1}
    assert again.breakers() == [an_open_breaker(1)]


def test_old_breakers_are_forgotten_but_no_open_one(store: Store) -> None:
    """Names of pools and steps are foreign text: they must not pile up."""
    store.save_breaker(Breaker(PLACE), 1.0)
    store.save_breaker(an_open_breaker(place=BreakerKey(BreakerScope.POOL, "ci", "arm")), 1.0)

    store.purge(2.0)

    assert [one.place.name for one in store.breakers()] == ["arm"]
