"""Bugs that were found in the first version and mended: each test says what happened, and stays."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.ci import FakeCI
from fakes.clock import Clock
from fakes.system import MemoryCI
from fakes.world import World, event, failure, push

from triggerbot.core import event_json
from triggerbot.core.errors import NotUnderstood, StoreUnavailable, StoreUnusable, Unauthenticated
from triggerbot.core.model import Cause, ClaimState, Decision, Operation, Push, Refusal
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.planning import Capacity
from triggerbot.core.policy.rules import Rule, Triage
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.replay import RecordedSystem
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.store import Observation
from triggerbot.store.sqlite import SqliteStore
from triggerbot.store.sqlite.writer import Writer
from triggerbot.systems import NOTHING_KNOWN, Accepted, Known, Later, LookBack, Unknown
from triggerbot.systems.webhook_signatures import verify_standard

PUSH = push()
REVISION = PUSH.revision


def hear(world: World, told: dict[str, Any]) -> None:
    """Take what a webhook of the fake CI would tell."""
    world.hear(event_json.from_json(told, "ci"))


# -- endless loops ----------------------------------------------------------------------------------------------


def test_a_push_without_a_message_does_not_keep_the_dispatcher_busy_for_ever(
    make_world: Callable[..., World], clock: Clock
) -> None:
    """A look-back over a recorded history says no message: then the facts are not due again at once (replay hangs)."""
    recorded = RecordedSystem("ci")
    world = make_world(recorded, dry=True)
    for heard in (event(state="pending"), failure()):
        recorded.record(heard)
        world.hear(heard)
        clock.move(10)

    world.drain()

    assert world.claim(PUSH, "job").state is ClaimState.WOULD


@pytest.mark.parametrize("after", ["0", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_refusal_for_now_without_a_wait_is_not_repeated_without_a_pause(ci: FakeCI, world: World, after: str) -> None:
    """`Retry-After: 0` (or a time gone by) on a POST does not make us send as fast as we can."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", times=None, status=429, headers={"Retry-After": after})
    hear(world, told)

    world.drain()

    assert len(ci.posts) <= 2


def test_a_busy_look_back_without_a_wait_is_not_repeated_without_a_pause(ci: FakeCI, world: World) -> None:
    """`Retry-After: 0` on a read does not make us read as fast as we can."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("look_back", times=None, status=503, headers={"Retry-After": "0"})
    hear(world, told)

    world.drain()

    assert len(ci.gets) <= 2


# -- doubled ----------------------------------------------------------------------------------------------------


def test_a_request_in_doubt_is_settled_though_no_rule_watches_its_project_any_more(
    ci: FakeCI, world: World, clock: Clock
) -> None:
    """A restart with a rule that names another project, after a lost answer, does not send the same again (6 times)."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", cut="before", accept=True)
    hear(world, told)
    world.drain()
    assert len(ci.accepted) == 1
    world.close()

    with world.again(rules=(Rule(Globs(["another"])),)) as later:
        later.pass_time(7200)

    assert len(ci.accepted) == 1


def test_a_run_that_we_do_not_understand_is_no_proof_that_there_is_none(ci: FakeCI, world: World) -> None:
    """The new runs are listed with a result of the CI's own; the request in doubt is not sent again for that."""
    told = ci.run(REVISION, "job", result="failure")
    ci.outcome = lambda _: "neutral"
    ci.fault("retrigger", status=500, accept=True)
    hear(world, told)
    world.drain()

    world.pass_time(7200)

    assert len(ci.accepted) == 1


def test_a_look_back_without_the_run_that_failed_is_no_proof_that_nothing_came(ci: FakeCI, world: World) -> None:
    """A list that lacks even what was there before says nothing of what came after: it is no miss."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", status=500, accept=True)
    hear(world, told)
    world.drain()
    ci.fault("look_back", times=3, status=200, body=b'{"author": "a", "message": "", "runs": []}')

    world.pass_time(200, every=61)

    assert len(ci.accepted) == 1


def test_runs_that_appear_while_we_decide_count(tmp_path: Path, rule: Rule, clock: Clock) -> None:
    """A run that somebody starts between our reading the runs and our decision is one that exists already."""
    system = MemoryCI()
    system.say(PUSH)
    system.put(failure())
    world = World(tmp_path / "state.db", {"ci": system}, [rule], clock)
    calls = 0

    def tick() -> float:
        nonlocal calls
        calls += 1
        if calls == moment:
            system.put(event(run_id="by-a-person"))
            world.hear(event(run_id="by-a-person"))
        return clock()

    with world:
        world.hear(failure())
        # Every moment at which the dispatcher asks the time is a moment at which a webhook may come in.
        moment = 3
        dispatcher = Dispatcher(
            world.store, {"ci": system}, world.observer, DispatchSettings([rule]), clock=tick, metrics=world.metrics
        )
        while dispatcher.step():
            pass
        assert calls >= moment

    assert sum(asked.count for asked in system.asked) == 1


# -- lost -------------------------------------------------------------------------------------------------------


def test_what_came_of_another_request_of_ours_is_no_answer_to_this_one(ci: FakeCI, world: World, clock: Clock) -> None:
    """Runs that name another operation, listed late, do not settle a person's request that was never accepted."""
    ci.lag_seconds = 30
    told = ci.run(REVISION, "job", result="failure")
    hear(world, told)
    world.drain()
    assert [post.count for post in ci.accepted] == [2]
    world.store.ask(PUSH, "job", 3, "person-1", dry=False, now=clock())
    ci.fault("retrigger", status=500, accept=False)

    world.drain()
    world.pass_time(7200)

    assert [post.count for post in ci.accepted] == [2, 3]


def test_copies_of_one_job_asked_for_one_by_one_are_told_apart(
    make_world: Callable[..., World], rule: Rule, clock: Clock
) -> None:
    """On a parallel CI the first copy, listed late, does not settle the second, which was never accepted."""
    system = LaggingCI(capacity=Capacity.PARALLEL, grace=60)
    system.say(PUSH)
    system.put(failure())
    world = make_world(system)
    system.answers = [Accepted(), Unknown("HTTP 500")]
    world.hear(failure())
    world.drain()

    world.pass_time(7200)

    assert system.made == 2


class LaggingCI(MemoryCI):
    """Lists a new run only at the third look-back after it was made."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._late: list[list[Any]] = []
        self.made = 0

    def make(self, operation: str, push: Push, call: Any) -> None:
        """Make the runs, out of sight."""
        self.made += call.count
        before = dict(self.runs[push])
        super().make(operation, push, call)
        new = [one for key, one in self.runs[push].items() if key not in before]
        self.runs[push] = before
        self._late.append([2, new])

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """Show what is old enough."""
        for late in self._late:
            late[0] -= 1
            if late[0] < 0:
                self.put(*late[1])
        return super().look_back(push, known)


def test_the_message_is_asked_for_though_the_author_is_known(ci: FakeCI, world: World, clock: Clock) -> None:
    """An event with an author and no message: the push's message is fetched, for it may ask for rebuilds (rule 4)."""
    ci.push(REVISION, message="try: -u all --rebuild 3")
    hear(world, ci.run(REVISION, "job", state="running", author="dev@example.org"))

    world.pass_time(300)

    assert [post.count for post in ci.accepted] == [3]


def test_a_cancelled_run_beside_a_good_one_does_not_lose_what_the_push_asks_for(
    make_world: Callable[..., World], clock: Clock
) -> None:
    """A job with a passed and, later, a cancelled run is rebuilt as asked, whenever the message becomes known."""
    system = MemoryCI()
    runs = (event(run_id="1", result="success"), event(run_id="2", result="cancelled"))
    system.say(PUSH, "try: --rebuild 3")
    system.put(*runs)
    world = make_world(system)
    world.hear(*runs)

    world.pass_time(300)

    assert sum(asked.count for asked in system.asked) == 2


def test_a_claim_whose_run_was_cancelled_passes_on_to_the_next_run(
    make_world: Callable[..., World], clock: Clock
) -> None:
    """The run that made us claim is cancelled and replaced before we get to it: the job is still rebuilt as asked."""
    system = MemoryCI()
    asks = "try: --rebuild 3"
    system.say(PUSH, asks)
    heard = (
        event(run_id="1", message=asks),
        event(run_id="1", result="cancelled", message=asks),
        event(run_id="2", message=asks),
        event(run_id="2", result="success", message=asks),
    )
    system.put(*heard)
    world = make_world(system)
    world.hear(*heard)

    world.drain()

    assert sum(asked.count for asked in system.asked) == 2


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
    assert world.store.work(PUSH).spent == 0


def test_the_story_tells_that_the_ci_refused_what_a_person_asked_for(ci: FakeCI, world: World, clock: Clock) -> None:
    """The bot's own claim was refused by the CI before: the person's refusal is told besides."""
    told = ci.run(REVISION, "job", result="failure")
    ci.fault("retrigger", times=None, status=409)
    hear(world, told)
    world.drain()
    world.store.ask(PUSH, "job", 1, "person-1", dry=False, now=clock())
    world.drain()

    told_refusals = [entry for entry in world.store.timeline(PUSH) if entry.what == "refuse"]

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


def observed(store: SqliteStore) -> Any:
    """Make one claim and read it."""
    store.observe([Observation(failure(), Triage(failed=True, groups=frozenset({"*"})))], 0.0, dry=False)
    return store.work(PUSH).claims[0]


def test_a_claim_never_leaves_a_final_state_even_if_decided_twice(tmp_path: Path) -> None:
    """A second worker that still holds the claim as open (a lease that ran out) cannot decide it anew."""
    store = SqliteStore(tmp_path / "state.db")
    try:
        claim = observed(store)
        store.decide(claim, Decision.refuse(Refusal.DONTBUILD), None, 1.0)

        store.decide(claim, Decision.trigger(Cause.FAILURE, 2), None, 2.0)

        (found,) = store.claims(PUSH, {claim.id})
        assert (found.state, found.refusal) == (ClaimState.REFUSED, Refusal.DONTBUILD)
    finally:
        store.close()


def test_an_operation_does_not_begin_for_a_claim_that_has_ended(tmp_path: Path) -> None:
    """`begin` is the last gate before money is spent: it says no for a claim that is done."""
    store = SqliteStore(tmp_path / "state.db")
    try:
        claim = observed(store)
        store.decide(claim, Decision.trigger(Cause.FAILURE, 2), None, 1.0)
        store.finish(claim, "done", 2.0)

        began = store.begin(Operation("op", (claim.id,), 2, 3.0), PUSH, "again", 3.0)

        assert not began
        assert store.claims(PUSH, {claim.id})[0].state is ClaimState.DONE
    finally:
        store.close()


def test_acceptance_is_counted_once_however_often_it_is_told(tmp_path: Path) -> None:
    """`accepted` is repeatable by its operation: a replay after a lost answer counts nothing twice."""
    store = SqliteStore(tmp_path / "state.db")
    try:
        claim = observed(store)
        store.decide(claim, Decision.trigger(Cause.FAILURE, 2), None, 1.0)
        operation = Operation("op", (claim.id,), 1, 2.0)
        store.begin(operation, PUSH, "", 2.0)
        store.accepted(operation, "", 3.0)
        store.accepted(operation, "", 3.0)

        found = store.claims(PUSH, {claim.id})[0]

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
    store = SqliteStore(tmp_path / "state.db")
    try:
        with pytest.raises(StoreUnusable):
            store.claim_daemon()
    finally:
        store.close()


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
    before = world.store.timeline(PUSH)

    world.hear(*both)
    world.pass_time(60)

    assert world.store.timeline(PUSH) == before


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
    told = [entry.reason for entry in world.store.timeline(PUSH) if entry.what == "refuse"]
    assert (counted, told) == (1.0, ["rebuild_requested"])
