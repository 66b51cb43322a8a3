"""What every store promises of requests and of what people do."""

from dataclasses import replace

from tests.fakes.store_items import every, operation, own, said, seen
from tests.fakes.world import event, failure, push
from tests.store.claimed import PUSH, Reopen, claimed, owed
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Decision, Refusal
from triggerbot.store import LETTERS_MAX, DeadLetter, Pause, Store


def test_a_request_is_written_down_before_it_leaves(store: Store, reopen: Reopen) -> None:
    """With all that is needed to settle it after a crash."""
    claim = owed(store)
    made = operation(claim, started=10.0)

    assert store.claims.begin(made, PUSH, "asks for 2", 10.0)

    claim = own(reopen())
    assert (claim.state, claim.operation) == (ClaimState.SENDING, made)


def test_an_accepted_request_ends_its_claim_or_owes_the_rest(store: Store) -> None:
    """Counted by what it asked for."""
    claim = owed(store)
    store.claims.begin(operation(claim, "one", 1), PUSH, "", 10.0)
    store.claims.accepted(operation(claim, "one", 1), "first", 11.0, due=99.0)
    half = own(store)
    store.claims.begin(operation(claim, "two", 1), PUSH, "", 12.0)
    store.claims.accepted(operation(claim, "two", 1), "second", 13.0)
    done = own(store)

    assert (half.state, half.asked, half.owed, half.due, half.operation) == (ClaimState.OWED, 1, 1, 99.0, None)
    assert (done.state, done.asked, done.owed, done.operation) == (ClaimState.DONE, 2, 0, None)
    assert store.due.next() is None


def test_a_request_refused_by_the_ci_gives_its_budget_back(store: Store) -> None:
    """Unless something was bought before."""
    refusal = Decision.refuse(Refusal.REFUSED_BY_CI, "HTTP 409")
    first, second = owed(store, "a"), owed(store, "b")
    store.claims.begin(operation(first, "one"), PUSH, "", 10.0)
    store.claims.refused(operation(first, "one"), refusal, 11.0)
    store.claims.begin(operation(second, "two", 1), PUSH, "", 10.0)
    store.claims.accepted(operation(second, "two", 1), "", 11.0)
    store.claims.begin(operation(second, "three", 1), PUSH, "", 12.0)
    store.claims.refused(operation(second, "three", 1), refusal, 13.0)

    nothing, half = own(store, "a"), own(store, "b")

    assert (nothing.state, nothing.refusal, nothing.asked) == (ClaimState.REFUSED, Refusal.REFUSED_BY_CI, 0)
    assert (half.state, half.refusal, half.asked) == (ClaimState.DONE, None, 1)
    assert store.pushes.work(PUSH).spent == 1


def test_a_request_postponed_is_owed_again(store: Store) -> None:
    """Later, with one more try counted; a decision or success starts the count anew."""
    claim = owed(store)
    for number in range(3):
        store.claims.begin(operation(claim, str(number)), PUSH, "", 10.0)
        store.claims.postponed(operation(claim, str(number)), 50.0 + number, "busy", 10.0)

    claim = own(store)
    assert (claim.state, claim.due, claim.tries, claim.operation) == (ClaimState.OWED, 52.0, 3, None)
    assert store.due.next() == 52.0


def test_a_request_in_doubt_stays_so_until_it_is_settled(store: Store) -> None:
    """Misses are counted, and start anew when it leaves once more."""
    claim = owed(store)
    made = operation(claim, started=10.0)
    store.claims.begin(made, PUSH, "", 10.0)
    store.claims.doubted(made, 70.0, "HTTP 500", 11.0)
    doubted = own(store)
    store.claims.doubted(made, 130.0, "not listed", 70.0, missed=True)
    missed = own(store)
    assert store.claims.resend(made, "again", 130.0)
    resent = own(store)

    assert (doubted.state, doubted.due, doubted.operation) == (ClaimState.UNKNOWN, 70.0, made)
    assert missed.operation == replace(made, misses=1)
    assert (resent.state, resent.operation) == (ClaimState.SENDING, replace(made, started=130.0, sends=2))


def test_the_same_doubt_is_told_once_for_each_request(store: Store) -> None:
    """It is looked for again and again; what went before is over once it leaves."""
    claim = owed(store)
    store.claims.wait(claim, 9.0, "HTTP 503", 5.0)
    made = operation(claim, started=10.0)
    store.claims.begin(made, PUSH, "asks", 10.0)
    sent = own(store)
    for now in (11.0, 12.0, 13.0):
        store.claims.doubted(made, now + 1, "not listed", now)
    store.claims.doubted(made, 15.0, "held", 14.0)
    store.claims.resend(made, "again", 15.0)
    resent = own(store)
    store.claims.doubted(replace(made, sends=2), 17.0, "held", 16.0)

    assert (sent.note, resent.note) == ("", "")
    assert [(entry.what, entry.text) for entry in store.pushes.timeline(PUSH)][1:] == [
        ("wait", "HTTP 503"), ("send", "asks"), ("doubt", "not listed"), ("doubt", "held"), ("send", "again"),
        ("doubt", "held"),
    ]  # fmt: skip


def test_a_claim_may_wait(store: Store) -> None:
    """For a look-up, for something to settle, or because of a failure: each is counted as what it is."""
    claim = claimed(store)
    store.claims.wait(claim, 10.0, "not known", 1.0, lookup=True)
    store.claims.wait(claim, 20.0, "down", 1.0)
    store.claims.wait(claim, 30.0, "runs", 1.0, since=1.0)

    waiting = own(store)
    assert (waiting.lookups, waiting.tries, waiting.due, waiting.note) == (1, 1, 30.0, "runs")
    (outcome,) = store.observe([seen(event(run_id="2", result="success"))], 5.0, dry=False)
    assert outcome.due
    assert own(store).due == 5.0


def test_only_what_was_held_is_woken(store: Store) -> None:
    """The end of a run does not hurry a claim that waits for its CI to recover; nor does another job's."""
    store.claims.wait(claimed(store, "a"), 30.0, "down", 1.0)
    store.claims.wait(claimed(store, "b"), 40.0, "runs", 1.0, since=1.0)

    store.observe([seen(event("a", "2", result="success")), seen(event("c", "2", result="success"))], 5.0, dry=False)

    assert (own(store, "a").due, own(store, "b").due) == (30.0, 40.0)
    store.observe([said(settled=True)], 6.0, dry=False)
    assert (own(store, "a").due, own(store, "b").due) == (30.0, 6.0)


def test_a_claim_may_end_early(store: Store) -> None:
    """Done, with what was asked for so far."""
    store.claims.finish(owed(store), "no more are needed", 5.0)

    claim = own(store)
    assert (claim.state, claim.asked, claim.note) == (ClaimState.DONE, 0, "no more are needed")


def test_a_person_may_ask_for_a_job_that_is_known(store: Store) -> None:
    """A claim of its own, beside the bot's; the same again is the same."""
    claimed(store)

    first = store.claims.ask(PUSH, "job", 5, "me-1", dry=False, now=7.0)
    again = store.claims.ask(PUSH, "job", 9, "me-1", dry=False, now=8.0)
    other = store.claims.ask(PUSH, "job", 1, "me-2", dry=False, now=8.0)

    assert first is not None
    assert other is not None
    assert (first.wanted, first.origin, first.manual, first.state, first.due) == (5, "me-1", True, ClaimState.OPEN, 7.0)
    assert again == first
    assert len({claim.id for claim in every(store)}) == 3
    assert store.claims.ask(PUSH, "nothing", 5, "me-3", dry=False, now=7.0) is None
    assert store.claims.ask(push("fffffff"), "job", 5, "me-3", dry=False, now=7.0) is None


def test_a_persons_claim_is_not_the_bots(store: Store) -> None:
    """A job asked for by a person may still be claimed for its failure."""
    store.observe([seen(event())], 1.0, dry=False)
    store.claims.ask(PUSH, "job", 5, "me", dry=False, now=2.0)

    (outcome,) = store.observe([seen(failure())], 3.0, dry=False)

    assert outcome.claimed


def test_a_pause_stops_leases_and_requests(store: Store, home) -> None:
    """On every replica, at once, also what was leased before; going on takes it up again."""
    claim = owed(store)
    other = home.open()
    pause = Pause(5.0, "me", "the CI is on fire")

    other.limits.pause(pause)

    assert store.limits.paused() == pause
    assert store.due.lease(99.0, "me", 60) is None
    assert store.due.next() is None
    assert not store.claims.begin(operation(claim), PUSH, "", 10.0)
    assert own(store).state is ClaimState.OWED
    store.limits.pause(None)
    assert other.limits.paused() is None
    assert other.due.lease(99.0, "me", 60) == PUSH
    assert store.claims.begin(operation(claim), PUSH, "", 10.0)
    other.limits.pause(pause)
    assert not store.claims.resend(operation(claim), "", 11.0)


def test_the_last_dead_letters_are_kept(store: Store) -> None:
    """A CI that speaks otherwise from some day on must not fill the disk."""
    for start in range(0, 7 * 1430, 1430):
        store.letters.add([DeadLetter(0, float(at), "ci", "webhook", "", b"") for at in range(start, start + 1430)])

    assert store.letters.count() == LETTERS_MAX
    assert store.letters.read(1)[0].at == 10.0


def test_dead_letters_are_kept_until_they_are_dropped(store: Store, reopen: Reopen) -> None:
    """Oldest first, any bytes, headers and all."""
    letters = [
        DeadLetter(0, float(number), "ci", "webhook", "a reason", b"\x00\xff{", {"a": "é"}) for number in range(3)
    ]
    store.letters.add(letters)
    store.letters.add([])

    again = reopen()
    kept = again.letters.read()

    assert [replace(letter, id=0) for letter in kept] == letters
    assert again.letters.read(limit=2) == kept[:2]
    assert again.letters.count() == len(kept)
    assert again.letters.drop([kept[0].id, kept[2].id, 10**9]) == 2
    assert again.letters.read() == [kept[1]]
