"""Bugs of the first version in what is kept and told, mended: each test says what happened, and stays."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure
from tests.pipeline.heard import PUSH, REVISION, hear
from triggerbot.core import event_json
from triggerbot.core.claim import ClaimState, Operation
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.errors import NotUnderstood, StoreUnavailable, StoreUnusable, Unauthenticated
from triggerbot.core.policy.rules import Triage
from triggerbot.store import Observation, Store
from triggerbot.store.factory import open_file
from triggerbot.store.sqlite.writer import Writer
from triggerbot.systems.answers import Later
from triggerbot.systems.webhook_signatures import verify_standard

# -- kept for ever, or not told ---------------------------------------------------------------------------------


def test_a_wait_of_years_is_not_taken_at_its_word(ci: FakeCI, world: World) -> None:
    """`Retry-After: 99999999` does not park a claim for three years: after a day it ends like any other."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", status=429, headers={"Retry-After": "99999999"})
    hear(world, told)

    world.drain()
    world.pass_time(2 * 86_400, every=600)

    assert world.claim(PUSH, "job").state in (ClaimState.DONE, ClaimState.REFUSED)


def test_budget_is_given_back_by_a_claim_that_bought_nothing(make_world: Callable[..., World], clock: Clock) -> None:
    """Somebody else's runs made ours needless before anything was sent: the job was not retriggered by us."""
    system = MemoryCI()
    system.say(PUSH)
    system.put(failure())
    world = make_world(system)
    world.hear(failure())
    system.answers = [Later("busy", 60.0)]
    world.drain()
    others = (event(run_id="2"), event(run_id="3"))
    system.put(*others)
    world.hear(*others)

    world.pass_time(3600)

    claim = world.claim(PUSH, "job")
    assert (claim.state, claim.asked) == (ClaimState.DONE, 0)
    assert world.store.pushes.work(PUSH).spent == 0


def test_the_story_tells_that_the_ci_refused_what_a_person_asked_for(ci: FakeCI, world: World, clock: Clock) -> None:
    """The bot's own claim was refused by the CI before: the person's refusal is told besides."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", times=None, status=409)
    hear(world, told)
    world.drain()
    world.store.claims.ask(PUSH, "job", 1, "person-1", dry=False, now=clock())
    world.drain()

    told_refusals = [entry for entry in world.store.pushes.timeline(PUSH) if entry.what == "refuse"]

    assert len(ci.posts) == 2
    assert len(told_refusals) == 2


# -- order ------------------------------------------------------------------------------------------------------


def test_what_the_look_back_says_of_a_run_goes_before_what_a_hint_left_out(
    make_world: Callable[..., World], clock: Clock
) -> None:
    """A webhook without a tier, of a job that the CI itself lists as tier 3: hidden, so not retriggered."""
    system = MemoryCI()
    system.say(PUSH)
    system.put(failure(tier=3))
    world = make_world(system)
    world.hear(failure())

    world.drain()

    assert system.asked == []


def test_what_a_job_is_does_not_depend_on_a_poor_early_message(make_world: Callable[..., World], clock: Clock) -> None:
    """The pending run was told as a build; its failure, and the look-back, say test: it is retriggered."""
    system = MemoryCI()
    system.say(PUSH)
    system.put(failure(kind="test"))
    world = make_world(system)

    world.hear(event(kind="other"), failure(kind="test"))
    world.drain()

    assert [asked.count for asked in system.asked] == [2]


# -- the store --------------------------------------------------------------------------------------------------


def observed(store: Store) -> Any:
    """Make one claim and read it."""
    store.observe([Observation(failure(), Triage(failed=True, groups=frozenset({"*"})))], 0.0, dry=False)
    return store.pushes.work(PUSH).claims[0]


def test_a_claim_never_leaves_a_final_state_even_if_decided_twice(tmp_path: Path) -> None:
    """A second worker that still holds the claim as open (a lease that ran out) cannot decide it anew."""
    store = open_file(tmp_path / "state.db")
    try:
        claim = observed(store)
        store.claims.decide(claim, Decision.refuse(Refusal.DONTBUILD), None, 1.0)

        store.claims.decide(claim, Decision.trigger(Cause.FAILURE, 2), None, 2.0)

        (found,) = store.claims.read(PUSH, {claim.id})
        assert (found.state, found.refusal) == (ClaimState.REFUSED, Refusal.DONTBUILD)
    finally:
        store.close()


def test_an_operation_does_not_begin_for_a_claim_that_has_ended(tmp_path: Path) -> None:
    """`begin` is the last gate before money is spent: it says no for a claim that is done."""
    store = open_file(tmp_path / "state.db")
    try:
        claim = observed(store)
        store.claims.decide(claim, Decision.trigger(Cause.FAILURE, 2), None, 1.0)
        store.claims.finish(claim, "done", 2.0)

        began = store.claims.begin(Operation("op", PUSH, (claim.id,), 2, 3.0), PUSH, "again", 3.0)

        assert not began
        assert store.claims.read(PUSH, {claim.id})[0].state is ClaimState.DONE
    finally:
        store.close()


def test_acceptance_is_counted_once_however_often_it_is_told(tmp_path: Path) -> None:
    """`accepted` is repeatable by its operation: a replay after a lost answer counts nothing twice."""
    store = open_file(tmp_path / "state.db")
    try:
        claim = observed(store)
        store.claims.decide(claim, Decision.trigger(Cause.FAILURE, 2), None, 1.0)
        operation = Operation("op", PUSH, (claim.id,), 1, 2.0)
        store.claims.begin(operation, PUSH, "", 2.0)
        store.claims.accepted(operation, "", 3.0)
        store.claims.accepted(operation, "", 3.0)

        found = store.claims.read(PUSH, {claim.id})[0]

        assert (found.asked, found.state) == (1, ClaimState.OWED)
    finally:
        store.close()


def test_a_writer_that_cannot_start_says_so_instead_of_never_answering(tmp_path: Path) -> None:
    """The file is gone wrong between opening and the writer's own connection: callers get `StoreUnavailable`."""

    def connect() -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    writer = Writer(connect, None)

    with pytest.raises(StoreUnavailable):
        writer.submit(lambda _: None).result(timeout=2)


def test_a_daemon_lock_that_cannot_be_opened_is_an_unusable_store(tmp_path: Path) -> None:
    """No permission (here: a directory in its place) is `StoreUnusable` with a sentence, not a bare OSError."""
    (tmp_path / "state.db-daemon").mkdir()
    with pytest.raises(StoreUnusable):
        open_file(tmp_path / "state.db", daemon=True)


# -- at the border ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "0500-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]
)
def test_every_time_that_is_understood_can_be_written(time: str) -> None:
    """What `decode` takes, `encode` writes and `decode` reads again; or it is not understood in the first place."""
    told = {
        "project": "p", "branch": "b", "revision": "abcdef1", "job": "j", "run_id": "1", "state": "pending",
        "time": time,
    }  # fmt: skip
    try:
        heard = event_json.from_json(told)
    except NotUnderstood:
        return

    assert event_json.from_json(event_json.encode(heard)) == heard


def test_a_signature_over_an_id_that_is_no_text_is_refused_like_any_other() -> None:
    """A lone surrogate in `webhook-id` is `Unauthenticated`, and nothing else."""
    headers = {"webhook-id": "\ud800", "webhook-timestamp": "10", "webhook-signature": "v1,AAAA"}

    with pytest.raises(Unauthenticated):
        verify_standard(headers, b"", ["secret"], 10.0)


def test_a_retry_after_out_of_all_range_is_none(ci: FakeCI, world: World) -> None:
    """A `Retry-After` with a time zone like a telephone number does not make the client raise."""
    told = ci.run(REVISION, "job", result="failure")
    header = {"Retry-After": "Fri, 20 Nov 2026 19:31:02 +99999999999999999999"}
    ci.fault("look_back", status=429, headers=header)
    ci.fault("retrigger", status=429, headers=header)
    hear(world, told)

    world.drain()
    world.pass_time(3600)

    assert ci.jobs_asked() == {(REVISION, "job"): 2}


# -- told twice --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["try: --rebuild 3", "DONTBUILD", "try: --no-retry"])
def test_hearing_a_second_failure_again_tells_no_second_refusal(make_world: Callable[..., World], message: str) -> None:
    """Two failures of one job are heard before the message is known; once it is, the same event adds no new reason.

    The first time the second failure is told as `already_claimed`; heard again it is told once more, with the reason
    that holds for the push: the story, its statistics and `explain` have two refusals of one run.
    """
    system = MemoryCI()
    system.say(PUSH, message)
    both = (failure(run_id="1"), failure(run_id="2"))
    system.put(*both)
    world = make_world(system)
    world.hear(*both)
    world.pass_time(60)
    before = world.store.pushes.timeline(PUSH)

    world.hear(*both)
    world.pass_time(60)

    assert world.store.pushes.timeline(PUSH) == before


@pytest.mark.parametrize("dry", [False, True])
def test_a_refusal_that_is_counted_is_in_the_story(make_world: Callable[..., World], dry: bool) -> None:
    """A push asks for rebuilds, so its jobs are claimed before they end; then the claimed run itself fails.

    The log and the metrics had `rebuild_requested`; the story, `explain` and the statistics had nothing of it.
    """
    world = make_world(MemoryCI(), dry=dry)
    asked = event(message="try: --rebuild 2")
    world.hear(asked)

    world.hear(failure(message="try: --rebuild 2"))

    labels = {"action": "refuse", "reason": "rebuild_requested", "mode": "dry" if dry else "real"}
    counted = world.metrics.registry.get_sample_value("triggerbot_decisions_total", labels)
    told = [entry.reason for entry in world.store.pushes.timeline(PUSH) if entry.what == "refuse"]
    assert (counted, told) == (1.0, ["rebuild_requested"])
