"""From a claim to a retrigger, over real HTTP, on a clock that the test moves: nothing doubled, nothing lost."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from fakes.ci import FakeCI
from fakes.clock import Clock
from fakes.system import MemoryCI
from fakes.world import World, event, failure, push

from triggerbot.core import event_json
from triggerbot.core.model import Cause, ClaimState, Refusal
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Budget, Rule
from triggerbot.core.verdict.verdict import Verdict, of_job
from triggerbot.store import Pause
from triggerbot.systems import System
from triggerbot.systems.generic import Generic

PUSH = push()
REVISION = PUSH.revision
MakeWorld = Callable[..., World]


def hear(world: World, *told: dict[str, Any]) -> None:
    """Take what webhooks of the fake CI would tell."""
    world.hear(*(event_json.from_json(one, "ci") for one in told))


def failed(ci: FakeCI, world: World, job: str = "job", **more: Any) -> None:
    """Let a job fail at the CI, and hear of it."""
    hear(world, ci.run(REVISION, job, result="failure", **more))


def counts(ci: FakeCI) -> list[int]:
    """How many runs each accepted request made."""
    return [post.count for post in ci.accepted]


# -- when all goes well -----------------------------------------------------------------------------------------


def test_a_failure_is_retriggered_and_judged(ci: FakeCI, world: World) -> None:
    """The whole way: failure, look-back, one POST for two runs, their ends, the verdict."""
    failed(ci, world)

    world.drain()

    (post,) = ci.posts
    assert post.accepted
    assert {key: post.body[key] for key in ("project", "branch", "revision", "job", "run_id", "count")} == {
        "project": "try", "branch": "try", "revision": REVISION, "job": "job", "run_id": "1001", "count": 2,
    }  # fmt: skip
    assert post.headers["authorization"] == "Bearer token"
    claim = world.claim(PUSH, "job")
    assert (claim.state, claim.cause, claim.asked) == (ClaimState.DONE, Cause.FAILURE, 2)
    hear(world, *(ci.finish(run, "success") for run in post.runs))
    world.pass_time(3600)
    record = world.store.record(PUSH)
    assert record is not None
    (job,) = record.jobs
    assert of_job(job.job, job.runs, job.claims).verdict is Verdict.INTERMITTENT
    assert len(ci.posts) == 1


def test_failures_of_retriggers_cause_nothing_more(ci: FakeCI, world: World) -> None:
    """Both new runs fail, too, and are told over and over: one claim, one request."""
    failed(ci, world)
    world.drain()
    for run in ci.posts[0].runs * 3:
        hear(world, ci.finish(run, "failure"))
        world.pass_time(300)

    assert len(ci.posts) == 1


def test_nothing_is_sent_for_what_passes(ci: FakeCI, world: World) -> None:
    """A push that is all green costs no POST."""
    for job in "abc":
        hear(world, ci.run(REVISION, job, result="success"))

    world.pass_time(600)

    assert ci.posts == []


def test_facts_and_runs_of_a_push_are_read_once_for_many_jobs(ci: FakeCI, world: World) -> None:
    """Three failures of one push, due at once: one look-back serves them all."""
    for job in "abc":
        failed(ci, world, job)

    world.drain()

    assert len(ci.gets) == 1
    assert sorted(post.body["job"] for post in ci.posts) == ["a", "b", "c"]


def test_what_the_look_back_lists_is_taken_like_anything_heard(ci: FakeCI, world: World) -> None:
    """A failure whose webhook was lost is found beside another, and retriggered as well."""
    ci.run(REVISION, "lost", result="failure")
    failed(ci, world)

    world.drain()

    assert ci.jobs_asked() == {(REVISION, "job"): 2, (REVISION, "lost"): 2}


@pytest.mark.parametrize("others", [1, 2, 5])
def test_runs_that_the_ci_lists_already_count(ci: FakeCI, world: World, others: int) -> None:
    """Somebody retriggered by hand before us: only what is missing is asked for."""
    told = ci.run(REVISION, "job", result="failure")
    for _ in range(others):
        ci.run(REVISION, "job")
    hear(world, told)

    world.drain()

    assert counts(ci) == ([1] if others == 1 else [])
    assert world.claim(PUSH, "job").refusal is (None if others == 1 else Refusal.ENOUGH_RUNS)


def test_names_of_any_characters_reach_the_ci(make_world: MakeWorld, ci: FakeCI) -> None:
    """Slashes, dots, percent signs, other scripts: in the path and in the body they are what they were."""
    name = "a/b ?#%41é漢"
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, rules=(Rule(Globs(["*"])),))
    for project, branch in ((name, name), ("..", ".")):
        hear(world, ci.run(REVISION, name, project=project, branch=branch, result="failure"))

    world.drain()
    system.close()

    assert [(post.body["project"], post.body["branch"], post.accepted) for post in ci.posts] == [
        (name, name, True), ("..", ".", True),
    ]  # fmt: skip


# -- what the push says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("a change DONTBUILD", Refusal.DONTBUILD), ("try: --no-retry", Refusal.NO_RETRY),
        ("try: --rebuild-x 1\ntriggerbot: --no-retry", Refusal.NO_RETRY),
    ],
)  # fmt: skip
def test_the_message_is_known_only_by_look_back(ci: FakeCI, world: World, message: str, refusal: Refusal) -> None:
    """And decides all the same."""
    ci.push(REVISION, message=message)
    failed(ci, world)

    world.drain()

    assert ci.posts == []
    assert world.claim(PUSH, "job").refusal is refusal


def test_the_author_is_known_only_by_look_back(make_world: MakeWorld, ci: FakeCI) -> None:
    """And is excluded all the same."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, rules=(Rule(Globs(["try"]), exclude_authors=Globs(["autoland@*"])),))
    ci.push(REVISION, author="autoland@example.org")
    failed(ci, world)

    world.drain()
    system.close()

    assert ci.posts == []
    assert world.claim(PUSH, "job").refusal is Refusal.AUTHOR_EXCLUDED


def test_rebuilds_that_only_the_look_back_tells_cover_all_jobs(ci: FakeCI, world: World) -> None:
    """`--rebuild 3`: every job, those heard before and after, pending or finished, once, whatever its result."""
    ci.push(REVISION, message="try: -u all --rebuild 3")
    hear(world, ci.run(REVISION, "pending"), ci.run(REVISION, "passed", result="success"))
    failed(ci, world, "failed")
    ci.run(REVISION, "unheard", state="running")

    world.pass_time(60)
    hear(world, ci.run(REVISION, "late"))
    world.pass_time(60)

    assert ci.jobs_asked() == {(REVISION, job): 3 for job in ("pending", "passed", "failed", "unheard", "late")}
    for run in ci.runs(REVISION):
        if run["state"] != "finished":
            hear(world, ci.finish(run["run_id"], "failure"))
    world.pass_time(600)
    assert len(ci.posts) == 5


def test_the_budget_binds_and_says_so(ci: FakeCI, world: World) -> None:
    """Of nine failed jobs of a small push five are retriggered; the others are told as over budget."""
    for number in range(9):
        failed(ci, world, f"job-{number}")

    world.drain()

    assert len(ci.accepted) == 5
    reasons = [claim.refusal for claim in world.claims(PUSH).values()]
    assert reasons.count(Refusal.OVER_BUDGET) == 4


def test_not_all_runs_of_many_are_listed(ci: FakeCI, world: World) -> None:
    """But it is said how many more there are."""
    ci.push(REVISION, message="try: --rebuild 8")
    failed(ci, world)
    world.drain()

    note = world.claim(PUSH, "job").note
    assert note.startswith("the CI accepted it: ")
    assert note.endswith(" and 3 more")


def test_an_answer_that_is_no_json_names_its_call(ci: FakeCI, world: World) -> None:
    """As other answers do that are of no use."""
    ci.fault("look_back", status=200, body=b"<html>")
    failed(ci, world)
    world.drain()

    assert world.claim(PUSH, "job").note.startswith("the look-back at try abcdef1: the answer is no JSON: ")


def test_budget_that_comes_back_is_there_at_once(make_world: MakeWorld, ci: FakeCI, clock: Clock) -> None:
    """A request in doubt is refused when it is sent again: what fails next is retriggered in its place."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, rules=(Rule(Globs(["try"]), budget=Budget(0, 0)),))
    ci.fault("retrigger", status=500)
    ci.fault("retrigger", status=409)
    failed(ci, world, "first")
    world.drain()
    while not (first := world.claim(PUSH, "first")).state.final:
        clock.now = first.due
        if first.operation is not None and first.operation.misses == 1:
            failed(ci, world, "second")
        world.drain()
    system.close()

    assert first.refusal is Refusal.REFUSED_BY_CI
    assert world.claim(PUSH, "second").state is ClaimState.DONE
    assert counts(ci) == [2]


# -- every sort of answer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 409, 410, 422])
def test_a_refusal_is_final_and_gives_its_budget_back(ci: FakeCI, world: World, status: int) -> None:
    """Asked once, never again."""
    ci.fault("retrigger", status=status)
    failed(ci, world)

    world.drain()
    world.pass_time(7200)

    assert len(ci.posts) == 1
    assert (world.claim(PUSH, "job").refusal, world.store.work(PUSH).spent) == (Refusal.REFUSED_BY_CI, 0)


@pytest.mark.parametrize("status", [429, 503])
def test_later_means_not_before(ci: FakeCI, world: World, status: int) -> None:
    """`Retry-After` is waited for to the second, and then it is asked once more, under another operation."""
    ci.fault("retrigger", status=status, headers={"Retry-After": "300"})
    failed(ci, world)

    world.drain()
    world.pass_time(299, every=13)
    assert len(ci.posts) == 1
    world.pass_time(2, every=1)

    assert counts(ci) == [2]
    assert len(ci.posts) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 425, 429])
def test_what_an_operator_must_mend_is_tried_again_in_the_end(ci: FakeCI, world: World, status: int) -> None:
    """Never fast, and not lost: with the fault gone, it is asked for."""
    ci.fault("retrigger", status=status, times=3)
    failed(ci, world)

    world.drain()
    assert len(ci.posts) == 1
    world.pass_time(7200)

    assert counts(ci) == [2]
    assert len(ci.posts) == 4


def test_a_wrong_token_waits_for_an_operator(make_world: MakeWorld, ci: FakeCI) -> None:
    """401 to reads: nothing is sent, nothing is lost, and the reads get rarer."""
    system = Generic("ci", ci.url, token="wrong")
    world = make_world(system)
    failed(ci, world)

    world.drain()
    world.pass_time(3600)
    system.close()

    assert ci.posts == []
    claim = world.claim(PUSH, "job")
    assert claim.state is ClaimState.OPEN
    assert "token" in claim.note


UNCLEAR = [
    {"status": 500}, {"status": 502}, {"status": 503}, {"status": 504}, {"status": 408}, {"status": 599},
    {"cut": "before"}, {"cut": "within", "status": 201, "body": b'{"runs": ["1'},
]  # fmt: skip


@pytest.mark.parametrize("fault", UNCLEAR, ids=str)
@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("accept", [True, False])
def test_an_unclear_answer_never_doubles_and_never_loses(
    ci: FakeCI, world: World, fault: dict[str, Any], accept: bool, marks: bool
) -> None:
    """Taken or not, marked or not: in the end there are two new runs, exactly."""
    ci.marks = marks
    ci.fault("retrigger", accept=accept, **fault)
    failed(ci, world)

    world.drain()
    assert len(ci.posts) == 1
    world.pass_time(3600)

    assert counts(ci) == [2]
    assert world.claim(PUSH, "job").state is ClaimState.DONE
    assert len({post.operation for post in ci.posts}) == 1


@pytest.mark.parametrize("lag", [{"lag_looks": 1}, {"lag_seconds": 59.0}, {"lag_seconds": 30.0}])
def test_a_list_that_lags_less_than_the_grace_doubles_nothing(ci: FakeCI, world: World, lag: dict[str, Any]) -> None:
    """The run is taken, the answer is lost, and the list shows it late: it is found, not sent again."""
    for name, value in lag.items():
        setattr(ci, name, value)
    ci.fault("retrigger", status=500, accept=True)
    failed(ci, world)

    world.drain()
    world.pass_time(3600, every=7)

    assert counts(ci) == [2]
    assert len(ci.posts) == 1


def test_a_ci_that_never_says_anything_clear_is_given_up(ci: FakeCI, world: World) -> None:
    """Six times at most, ever more slowly, all under one operation; then it is refused, and the budget comes back."""
    ci.fault("retrigger", status=500, times=None)
    failed(ci, world)

    world.drain()
    world.pass_time(86_400, every=60)

    assert len(ci.posts) == 6
    assert len({post.operation for post in ci.posts}) == 1
    assert (world.claim(PUSH, "job").refusal, world.store.work(PUSH).spent) == (Refusal.REFUSED_BY_CI, 0)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b'{"runs": 7}', b'{"runs": [null, {}, 1.5]}', b"\xff\xfe", b"[" * 200_000]
)
def test_a_yes_is_a_yes_whatever_it_says_besides(ci: FakeCI, world: World, body: bytes) -> None:
    """2xx is accepted; its body is a help, and no more."""
    ci.fault("retrigger", status=202, body=body, accept=True)
    failed(ci, world)

    world.drain()
    world.pass_time(3600)

    assert len(ci.posts) == 1
    assert world.claim(PUSH, "job").state is ClaimState.DONE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("accept", [True, False])
def test_a_redirect_is_not_followed(ci: FakeCI, world: World, status: int, accept: bool) -> None:
    """Neither the token nor the request goes elsewhere, and the run is asked for once in the end."""
    with FakeCI() as elsewhere:
        ci.fault("retrigger", status=status, headers={"Location": elsewhere.url + "/retrigger"}, accept=accept)
        failed(ci, world)
        world.drain()
        world.pass_time(3600)

        assert elsewhere.posts == []
        assert elsewhere.gets == []
    assert counts(ci) == [2]


@pytest.mark.parametrize("place", ["http://[", "//", "javascript:1", "http://" + "x" * 300, "http://a:b:c", "\\\\", ""])
def test_a_redirect_to_nowhere_ends_nothing(ci: FakeCI, world: World, place: str) -> None:
    """A Location that is no URL is an unclear answer like others."""
    ci.fault("look_back", status=302, headers={"Location": place})
    ci.fault("retrigger", status=302, headers={"Location": place})
    failed(ci, world)

    world.drain()
    world.pass_time(7200)

    assert counts(ci) == [2]


# -- when the look-back fails -----------------------------------------------------------------------------------

NONSENSE = [
    {"status": 200, "body": b"no json"}, {"status": 200, "body": b"[]"}, {"status": 200, "body": b"null"},
    {"status": 200, "body": b"{}"}, {"status": 200, "body": b'{"runs": {}}'}, {"status": 200, "body": b'{"runs": [1]}'},
    {"status": 200, "body": b'{"runs": [], "time": "yesterday"}'}, {"status": 200, "body": b"[" * 100_000},
    {"status": 200, "body": b'{"runs": "' + b"x" * (33 << 20) + b'"}'}, {"status": 204, "body": b""},
    {"status": 403}, {"status": 429}, {"status": 302}, {"status": 418},
    {"status": 503, "headers": {"Retry-After": "9"}},
]  # fmt: skip


@pytest.mark.parametrize("fault", NONSENSE, ids=lambda fault: f"{fault['status']}-{fault.get('body', b'')[:24]!r}")
def test_without_a_look_back_nothing_is_sent_and_nothing_lost(ci: FakeCI, world: World, fault: dict[str, Any]) -> None:
    """Nonsense, wrong types, huge answers, refusals: the claim waits, longer each time, and goes on afterwards."""
    ci.fault("look_back", times=None, **fault)
    failed(ci, world)

    dues = []
    for _ in range(4):
        world.drain()
        claim = world.claim(PUSH, "job")
        assert claim.state is ClaimState.OPEN
        dues.append(claim.due - world.clock())
        world.clock.now = claim.due
    assert ci.posts == []
    assert all(due >= 5 for due in dues)
    assert dues == sorted(dues)
    ci.mend()
    world.pass_time(1200)

    assert counts(ci) == [2]


def test_a_ci_that_is_down_is_waited_for(make_world: MakeWorld, ci: FakeCI, rule: Rule) -> None:
    """No connection at all: the same."""
    told = ci.run(REVISION, "job", result="failure")
    with FakeCI() as gone:
        url = gone.url
    down, up = Generic("ci", url, token="token"), Generic("ci", ci.url, token="token")
    world = make_world(down)
    hear(world, told)
    world.drain()
    assert world.claim(PUSH, "job").state is ClaimState.OPEN
    world.close()

    with world.again(systems={"ci": up}) as later:
        later.pass_time(60)
    for system in (down, up):
        system.close()

    assert counts(ci) == [2]


def test_a_job_that_the_ci_does_not_know_is_looked_up_some_times(ci: FakeCI, world: World, clock: Clock) -> None:
    """`lookup`: asked again each 90 seconds, 5 times, and then refused as not found."""
    ci.push(REVISION)
    world.hear(failure("ghost"))

    world.drain()
    world.pass_time(7200, every=10)

    assert len(ci.gets) == 6
    claim = world.claim(PUSH, "ghost")
    assert (claim.refusal, claim.lookups) == (Refusal.NOT_FOUND, 5)


@pytest.mark.parametrize("looks", [1, 4])
def test_a_push_that_the_ci_knows_late_is_found(ci: FakeCI, world: World, looks: int) -> None:
    """404 for a while: nothing is lost by it."""
    ci.push(REVISION, unknown_looks=looks)
    failed(ci, world)

    world.drain()
    world.pass_time(900)

    assert counts(ci) == [2]


def test_the_end_of_patience_is_a_day(ci: FakeCI, world: World) -> None:
    """A look-back that fails for more than a day ends the claim, with the reason."""
    ci.fault("look_back", times=None, status=429)
    failed(ci, world)

    world.pass_time(90_000, every=450)

    assert world.claim(PUSH, "job").refusal is Refusal.REFUSED_BY_CI
    assert len(ci.gets) < 250


# -- crashes ----------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The process is killed."""


class Crashing:
    """A system whose process dies at a chosen point: before or after a call goes through."""

    def __init__(self, system: System, call: str, after: bool) -> None:
        self._system, self._call, self._after, self._armed = system, call, after, True

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._system, name)
        if name != self._call or not self._armed:
            return found

        def crash(*arguments: Any, **named: Any) -> Any:
            self._armed = False
            if self._after:
                found(*arguments, **named)
            raise Crash

        return crash


STORE_STEPS = ["observe", "lease", "work", "decide", "begin", "accepted", "release"]


@pytest.mark.parametrize("call", ["look_back", "plan", "retrigger"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("lag", [0.0, 45.0])
def test_a_crash_around_any_call_loses_and_doubles_nothing(
    make_world: MakeWorld, ci: FakeCI, call: str, after: bool, lag: float
) -> None:
    """Killed before or after it went through: a new process on the same store ends with two new runs, exactly."""
    ci.lag_seconds = lag
    system = Generic("ci", ci.url, token="token")
    world = make_world(Crashing(system, call, after))
    failed(ci, world)
    with pytest.raises(Crash):
        world.drain()
    world.close()

    with world.again(systems={"ci": system}) as later:
        later.drain()
        later.pass_time(3600, every=11)
        assert later.claim(PUSH, "job").state is ClaimState.DONE
    system.close()

    assert counts(ci) == [2]


@pytest.mark.parametrize("step", STORE_STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_around_any_step_of_the_store_loses_and_doubles_nothing(
    make_world: MakeWorld, ci: FakeCI, step: str, after: bool
) -> None:
    """Killed before or after anything is written: what was heard comes again, and ends with two runs, exactly."""
    from triggerbot.pipeline.dispatcher import Dispatcher
    from triggerbot.pipeline.observer import Observer
    from triggerbot.pipeline.sender import DispatchSettings

    system = Generic("ci", ci.url, token="token")
    world = make_world(system)
    told = event_json.from_json(ci.run(REVISION, "job", result="failure"), "ci")
    store: Any = Crashing(world.store, step, after)  # type: ignore[arg-type]
    observer = Observer(store, world.rules, dry=False, clock=world.clock, metrics=world.metrics)
    dispatcher = Dispatcher(
        store, {"ci": system}, observer, DispatchSettings(world.rules), clock=world.clock, metrics=world.metrics
    )
    try:
        store.observe([observer.triage(told).item], world.clock(), dry=False)
        for _ in range(9):
            dispatcher.step()
    except Crash:
        pass
    world.close()

    with world.again() as later:
        later.hear(told)
        later.drain()
        later.pass_time(3600, every=11)
        assert later.claim(PUSH, "job").state is ClaimState.DONE
    system.close()

    assert counts(ci) == [2]


def test_what_was_abandoned_while_sending_is_looked_for_first(make_world: MakeWorld, ci: FakeCI) -> None:
    """After a crash between writing down and sending, the first thing that happens is no POST."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(Crashing(system, "retrigger", False))
    failed(ci, world)
    with pytest.raises(Crash):
        world.drain()
    world.close()

    with world.again(systems={"ci": system}) as later:
        later.drain()
        later.pass_time(119, every=7)
        assert ci.posts == []
        later.pass_time(60, every=7)
    system.close()

    assert counts(ci) == [2]


# -- pause, dry run, people -------------------------------------------------------------------------------------


def test_a_pause_holds_everything_and_resuming_goes_on(ci: FakeCI, world: World, clock: Clock) -> None:
    """Hearing goes on while sending stands still; nothing is lost by it."""
    world.store.pause(Pause(clock(), "me", "no"))
    failed(ci, world)
    world.pass_time(7200)
    assert ci.posts == []
    assert ci.gets == []
    world.store.pause(None)

    world.drain()

    assert counts(ci) == [2]


class Pausing:
    """Pauses in the very moment between look-back and sending."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.world: World | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "plan" and self.world is not None:
            self.world.store.pause(Pause(0.0, "me"))
        return getattr(self._system, name)


def test_a_pause_holds_what_was_leased_already(make_world: MakeWorld, ci: FakeCI) -> None:
    """The last gate before the first byte looks at the pause."""
    system = Generic("ci", ci.url, token="token")
    pausing = Pausing(system)
    world = make_world(pausing)
    pausing.world = world
    failed(ci, world)

    world.drain()
    assert ci.posts == []
    assert world.claim(PUSH, "job").state is ClaimState.OWED
    pausing.world = None
    world.store.pause(None)
    world.drain()
    system.close()

    assert counts(ci) == [2]


def test_a_dry_run_sends_nothing_and_tells_what_it_would(make_world: MakeWorld, ci: FakeCI) -> None:
    """The budget, too, is that of a real run."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, dry=True)
    for number in range(7):
        failed(ci, world, f"job-{number}")

    world.drain()
    world.pass_time(3600)
    system.close()

    assert ci.posts == []
    claims = list(world.claims(PUSH).values())
    assert [claim.state for claim in claims].count(ClaimState.WOULD) == 5
    assert [claim.refusal for claim in claims].count(Refusal.OVER_BUDGET) == 2
    assert all(claim.dry for claim in claims)
    assert {entry.count for entry in world.store.timeline(PUSH) if entry.what == "trigger"} == {2}


@pytest.mark.parametrize("decided", [True, False])
def test_what_was_claimed_in_dry_run_is_never_sent(make_world: MakeWorld, ci: FakeCI, decided: bool) -> None:
    """Not even after the switch to a real run, decided before it or after."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, dry=True)
    failed(ci, world)
    if decided:
        world.drain()
    world.close()

    with world.again(dry=False) as later:
        failed(ci, later)
        later.pass_time(3600)
        assert ci.posts == []
        failed(ci, later, "new")
        later.pass_time(60)
    system.close()

    assert ci.jobs_asked() == {(REVISION, "new"): 2}


def test_a_switch_to_dry_run_sends_nothing_that_was_owed(make_world: MakeWorld, ci: FakeCI) -> None:
    """What was decided waits, and goes on when it is real again."""
    system = Generic("ci", ci.url, token="token")
    ci.fault("retrigger", status=429, headers={"Retry-After": "60"})
    world = make_world(system)
    failed(ci, world)
    world.drain()
    assert len(ci.posts) == 1
    world.close()
    with world.again(dry=True) as dry:
        dry.pass_time(7200)
        assert len(ci.posts) == 1

    with world.again(dry=False) as real:
        real.pass_time(600)
    system.close()

    assert counts(ci) == [2]


def test_a_switch_to_dry_run_resends_nothing_in_doubt(make_world: MakeWorld, ci: FakeCI) -> None:
    """It is settled by looking only."""
    system = Generic("ci", ci.url, token="token")
    ci.fault("retrigger", status=500, accept=False)
    world = make_world(system)
    failed(ci, world)
    world.drain()
    world.close()

    with world.again(dry=True) as dry:
        dry.pass_time(7200)
    system.close()

    assert len(ci.posts) == 1


def test_a_person_gets_what_they_ask_for(ci: FakeCI, world: World, clock: Clock) -> None:
    """Besides the bot's own, whatever the push says, not held back by runs or budget, and once."""
    ci.push(REVISION, message="DONTBUILD")
    hear(world, ci.run(REVISION, "job", result="success"))
    for _ in range(2):
        world.store.ask(PUSH, "job", 7, "me-1", dry=False, now=clock())
        world.drain()

    assert counts(ci) == [7]


def test_a_person_in_dry_run_gets_an_answer_and_no_runs(make_world: MakeWorld, ci: FakeCI, clock: Clock) -> None:
    """Told what would have been."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, dry=True)
    failed(ci, world)
    world.store.ask(PUSH, "job", 7, "me-1", dry=True, now=clock())

    world.drain()
    system.close()

    assert ci.posts == []
    record = world.store.record(PUSH)
    assert record is not None
    assert {claim.state for claim in record.jobs[0].claims} == {ClaimState.WOULD}


# -- several systems, odd configurations ------------------------------------------------------------------------


def test_a_system_that_the_config_lost_keeps_its_claims(make_world: MakeWorld, ci: FakeCI) -> None:
    """Taken out and put back: nothing is sent meanwhile, nothing is lost."""
    system = Generic("ci", ci.url, token="token")
    world = make_world()
    failed(ci, world)
    world.drain()
    world.pass_time(600)
    assert ci.posts == []
    world.close()

    with world.again(systems={"ci": system}) as later:
        later.pass_time(900)
    system.close()

    assert counts(ci) == [2]


def test_one_ci_that_is_down_does_not_hold_up_another(make_world: MakeWorld) -> None:
    """Each push is dealt with for itself."""
    good, bad = MemoryCI("good"), MemoryCI("bad")
    events = [failure(push=push(system=name)) for name in ("good", "bad")]
    good.say(events[0].push)
    good.put(events[0])
    world = make_world(good, bad)
    world.hear(*reversed(events))

    world.drain()

    assert [asked.push.system for asked in good.asked] == ["good"]
    assert world.claim(events[1].push, "job").state is ClaimState.OPEN


def test_a_system_with_a_bug_ends_neither_the_dispatcher_nor_the_claim(make_world: MakeWorld) -> None:
    """What it raises is noted, and it is tried again later: looked for, not sent on a guess."""
    system = MemoryCI()
    system.say(PUSH)
    system.put(failure())
    system.answers = [ZeroDivisionError("a bug")]
    world = make_world(system)
    world.hear(failure())

    while world.dispatcher.step():
        pass
    claim = world.claim(PUSH, "job")
    assert claim.operation is not None
    assert "a bug" in claim.note
    world.pass_time(3600)

    assert len({asked.operation for asked in system.asked}) == 1
    assert len(system.asked) == 2
    assert world.claim(PUSH, "job").state is ClaimState.DONE


def test_a_parallel_ci_is_asked_once_a_copy(make_world: MakeWorld) -> None:
    """Three wanted: three requests for one each, under three operations."""
    system = MemoryCI(parallel=True)
    system.say(PUSH, "try: --rebuild 3")
    system.put(event())
    world = make_world(system)
    world.hear(event(message="try: --rebuild 3"))

    world.drain()

    assert [asked.count for asked in system.asked] == [1, 1, 1]
    assert len({asked.operation for asked in system.asked}) == 3


def test_rules_say_how_much(make_world: MakeWorld) -> None:
    """`retries` and the budget of the first rule that matches hold."""
    system = MemoryCI()
    system.say(PUSH)
    failures = [failure(f"job-{number}") for number in range(4)]
    system.put(*failures)
    rules = (Rule(Globs(["try"]), retries=5, budget=Budget(0, 1)), Rule(Globs(["*"])))
    world = make_world(system, rules=rules)
    world.hear(*failures)

    world.drain()

    assert [asked.count for asked in system.asked] == [5, 5]


def test_many_threads_send_what_one_would(ci: FakeCI, world: World) -> None:
    """Four threads dispatch while two hear the same failures again and again: one request for each job."""
    told = [
        event_json.from_json(ci.run(f"{number:07x}", job, result="failure"), "ci")
        for number in range(6)
        for job in "abc"
    ]
    errors: list[BaseException] = []
    heard = threading.Event()

    def hearing() -> None:
        for _ in range(4):
            world.hear(*told)
            for one in told:
                world.hear(one)

    def dispatching() -> None:
        while not heard.is_set() or world.dispatcher.step():
            world.dispatcher.step()

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)

    hearers = [threading.Thread(target=guarded, args=(hearing,)) for _ in range(2)]
    dispatchers = [threading.Thread(target=guarded, args=(dispatching,)) for _ in range(4)]
    for thread in hearers + dispatchers:
        thread.start()
    for thread in hearers:
        thread.join(30)
    heard.set()
    for thread in dispatchers:
        thread.join(30)
    world.drain()

    assert errors == []
    assert ci.jobs_asked() == {(one.push.revision, one.job): 2 for one in told}
    assert len(ci.posts) == len(told)


def test_the_ci_may_be_slow(ci: FakeCI, world: World) -> None:
    """A slow answer is an answer."""
    ci.fault("look_back", delay=0.05)
    ci.fault("retrigger", delay=0.05)
    failed(ci, world)

    world.drain()

    assert counts(ci) == [2]
    assert len(ci.posts) == 1


@pytest.mark.parametrize("accept", [True, False])
def test_a_redirect_after_acceptance_with_a_lagging_list_doubles_nothing(
    ci: FakeCI, world: World, accept: bool
) -> None:
    """`303 See other` is how some servers say yes: whatever was meant, there are two new runs in the end."""
    ci.lag_seconds = 45
    ci.fault("retrigger", status=303, headers={"Location": "/runs"}, accept=accept)
    failed(ci, world)

    world.drain()
    world.pass_time(3600, every=7)

    assert counts(ci) == [2]


def test_hearing_of_the_new_runs_before_the_answer_changes_nothing(ci: FakeCI, world: World) -> None:
    """The webhooks of the retriggers overtake the answer that was lost."""
    ci.fault("retrigger", status=500, accept=True)
    failed(ci, world)
    world.drain()
    for run in ci.posts[0].runs:
        hear(world, ci.finish(run, "failure"))

    world.pass_time(3600)

    assert len(ci.posts) == 1
    assert world.claim(PUSH, "job").state is ClaimState.DONE


def test_a_person_and_the_bot_each_get_theirs_at_once(ci: FakeCI, world: World, clock: Clock) -> None:
    """Both due in the same visit, both answers lost after acceptance: 2 and 3 runs, whichever is looked for first."""
    ci.fault("retrigger", status=500, accept=True, times=2)
    failed(ci, world)
    world.store.ask(PUSH, "job", 3, "me", dry=False, now=clock())

    world.drain()
    world.pass_time(7200)

    assert sorted(counts(ci)) == [2, 3]


@pytest.mark.parametrize("first", [True, False])
def test_a_person_and_the_bot_each_get_theirs_if_one_was_not_taken(
    ci: FakeCI, world: World, clock: Clock, first: bool
) -> None:
    """Two doubts about one job at once, one taken and one not: the marks tell which."""
    ci.fault("retrigger", status=500, accept=first)
    ci.fault("retrigger", status=500, accept=not first)
    failed(ci, world)
    world.store.ask(PUSH, "job", 3, "me", dry=False, now=clock())

    world.drain()
    world.pass_time(7200)

    assert sorted(counts(ci)) == [2, 3]


def test_the_same_without_marks(ci: FakeCI, world: World, clock: Clock) -> None:
    """Without marks two doubts cannot be told apart: then at most what was wanted is sent, never more."""
    ci.marks = False
    ci.fault("retrigger", status=500, accept=True)
    ci.fault("retrigger", status=500, accept=False)
    failed(ci, world)
    world.store.ask(PUSH, "job", 3, "me", dry=False, now=clock())

    world.drain()
    world.pass_time(7200)

    assert len(counts(ci)) <= 2
    assert sum(counts(ci)) <= 5


def test_an_event_that_says_nothing_of_author_or_message_ends_all_the_same(ci: FakeCI, world: World) -> None:
    """A CI that says `null` to both: the push asks for nothing, and its failures are retriggered."""
    ci.push(REVISION, message=None, author=None)
    failed(ci, world)

    world.pass_time(600)

    assert counts(ci) == [2]
