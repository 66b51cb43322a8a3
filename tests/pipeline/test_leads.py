"""Messages that name neither push nor job: kept, asked about, and then as good as any other event."""

from collections.abc import Callable

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause
from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotKnown
from triggerbot.core.model import Group, Lead, Result, State
from triggerbot.store import LEAD_DELAY, Distrust

PUSH = push()
GROUP = Group("ci", "group")
MakeWorld = Callable[..., World]


@pytest.fixture
def memory() -> MemoryCI:
    """Have a CI in memory that knows a failed run of one job."""
    memory = MemoryCI()
    memory.say(PUSH)
    memory.put(failure())
    return memory


@pytest.fixture
def leads(make_world: MakeWorld, memory: MemoryCI) -> World:
    """Have a triggerbot that listens to that CI."""
    return make_world(memory)


def lead(run_id: str = "1", result: str | None = "failure") -> Lead:
    """Make a lead; without a `result` its run still runs."""
    state = State.RUNNING if result is None else State.FINISHED
    return Lead(GROUP, run_id, state, None if result is None else Result(result))


def test_a_failed_lead_leads_to_a_retrigger(leads: World, memory: MemoryCI) -> None:
    """The whole way, from a message that says nothing but a run's id; hearing it again changes nothing."""
    for _ in range(3):
        leads.hear(lead())
        leads.drain()

    claim = leads.claim(PUSH, "job")
    assert (claim.state, claim.cause) == (ClaimState.DONE, Cause.FAILURE)
    assert [asked.count for asked in memory.asked] == [2]
    assert leads.store.leads.read(GROUP).leads == ()


def test_what_passes_is_asked_about_together(leads: World, memory: MemoryCI) -> None:
    """Runs that tell of no failure wait a little for others, and are recorded then."""
    memory.put(event("a", "a", state="running"), event("b", "b", result="success"))
    leads.hear(lead("a", None))
    leads.drain()
    assert memory.completed == []
    leads.hear(lead("b", "success"))
    leads.pass_time(LEAD_DELAY, every=LEAD_DELAY)

    assert [{one.run_id for one in leads} for leads in memory.completed] == [{"a", "b"}]
    record = leads.store.pushes.record(PUSH)
    assert record is not None
    assert {job.job for job in record.jobs} >= {"a", "b"}


def test_a_request_is_heeded_as_soon_as_a_job_is_seen(leads: World, memory: MemoryCI) -> None:
    """A push that asks for rebuilds gets them from a lead of a run that has not even begun."""
    other = push("bbbbbbb")
    memory.say(other, "try: -b o --rebuild 3")
    memory.put(event("job", "9", state="pending", push=other))
    leads.hear(Lead(GROUP, "9", State.PENDING))
    leads.pass_time(60, every=5)

    assert leads.claim(other, "job").cause is Cause.REQUESTED
    assert [asked.count for asked in memory.asked] == [3]


def test_what_nobody_watches_is_settled_and_forgotten(leads: World, memory: MemoryCI) -> None:
    """A queue brings every project of a deployment."""
    elsewhere = push(project="elsewhere")
    memory.put(failure(run_id="7", push=elsewhere))
    leads.hear(lead("7"))
    leads.drain()

    assert leads.store.leads.read(GROUP).leads == ()
    assert leads.store.pushes.record(elsewhere) is None


@pytest.mark.parametrize("trouble", [CIUnavailable("down"), CIDenied("no scope"), RuntimeError("a bug"), NotKnown("")])
def test_a_ci_that_cannot_tell_is_asked_again(leads: World, memory: MemoryCI, trouble: Exception) -> None:
    """No trouble loses a lead, and none is asked about without a pause."""
    memory.completions = [trouble, trouble]
    leads.hear(lead())
    leads.drain()
    assert len(memory.completed) == 1

    leads.pass_time(600)

    assert leads.claim(PUSH, "job").state is ClaimState.DONE
    assert len(memory.completed) == 3


def test_the_wait_that_a_ci_asks_for_is_kept(leads: World, memory: MemoryCI) -> None:
    """Retry-After, for leads as for everything."""
    memory.completions = [CIUnavailable("limit", after=300.0)]
    leads.hear(lead())
    leads.pass_time(290)
    assert len(memory.completed) == 1
    leads.pass_time(60)
    assert len(memory.completed) == 2


def test_a_run_that_the_ci_never_knows_becomes_a_dead_letter(leads: World, memory: MemoryCI) -> None:
    """After as many looks as any job gets; its neighbours are not held up."""
    leads.hear(lead(), lead("nobody"))
    leads.drain()
    assert leads.claim(PUSH, "job").state is ClaimState.DONE
    leads.pass_time(3600)

    (letter,) = leads.store.letters.read()
    assert (letter.system, letter.intake, letter.reason) == ("ci", "lead", "no such run")
    assert b'"run_id": "nobody"' in letter.body
    assert leads.store.leads.read(GROUP).leads == ()
    assert len(memory.completed) == 6


@pytest.mark.parametrize(("trouble", "asked"), [(RuntimeError("a bug"), 3), (CIUnavailable("down"), None)])
def test_trouble_that_stays_ends_in_a_dead_letter(
    leads: World, memory: MemoryCI, trouble: Exception, asked: int | None
) -> None:
    """A bug after three tries, a CI that is down after a day."""
    memory.completions = [trouble] * 1000
    leads.hear(lead())
    leads.pass_time(2 * 86_400, every=300)

    (letter,) = leads.store.letters.read()
    assert str(trouble) in letter.reason
    assert asked is None or len(memory.completed) == asked
    assert isinstance(trouble, CIError) == ("a day" in letter.reason)


def test_leads_of_a_system_that_is_gone_become_dead_letters(make_world: MakeWorld, leads: World) -> None:
    """The config was changed while leads were waiting."""
    leads.hear(lead())
    later = leads.again(systems={})
    later.drain()

    assert [letter.reason for letter in later.store.letters.read()] == [
        "the config names no system 'ci' that could tell"
    ]
    later.close()


def test_a_crash_between_recording_and_settling_doubles_nothing(leads: World, memory: MemoryCI) -> None:
    """The same leads are asked about twice: the second time changes nothing."""
    leads.hear(lead())
    leads.drain()
    leads.hear(lead())
    leads.store.leads.put_off(GROUP, 0.0)
    leads.drain()

    assert len(memory.completed) == 2
    assert len(memory.asked) == 1


# -- a store that may have forgotten ------------------------------------------------------------------------------


def test_after_the_store_may_have_forgotten_the_ci_gets_time_to_list(
    leads: World, memory: MemoryCI, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that left before the loss may not be listed yet: nothing leaves until it must be."""
    distrust = Distrust(clock(), "it is another server")
    monkeypatch.setattr(leads.store, "distrust", lambda: distrust)
    leads.hear(failure())
    leads.pass_time(50, every=10)
    claim = leads.claim(PUSH, "job")
    assert (claim.state, memory.asked) == (ClaimState.OPEN, [])
    assert "it is another server" in claim.note

    memory.put(event("job", "earlier-1", state="pending"), event("job", "earlier-2", state="pending"))
    leads.pass_time(60, every=10)

    assert memory.asked == []
    assert leads.claim(PUSH, "job").state is ClaimState.REFUSED


def test_distrust_passes(leads: World, memory: MemoryCI, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the CI had its time and lists nothing, there was nothing to forget."""
    distrust = Distrust(clock(), "it is new")
    monkeypatch.setattr(leads.store, "distrust", lambda: distrust)
    leads.hear(failure())
    leads.pass_time(90, every=10)

    assert [asked.count for asked in memory.asked] == [2]
