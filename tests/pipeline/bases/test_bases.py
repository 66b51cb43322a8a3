"""What fails on the base, too, is left alone; what is not known is called that, and the verdict follows the base."""

from dataclasses import replace

import pytest

from tests.fakes.clock import Clock
from tests.fakes.world import World, event, failure
from tests.pipeline.bases.on_base import (
    BASE,
    EARLIER,
    HERE,
    LOGIN,
    REFUND,
    RULE,
    MakeWorld,
    OnlyMain,
    asked,
    fail,
    judged,
    passes,
    settle_base,
)
from tests.reports.board import Board
from triggerbot.core.decision import Cause
from triggerbot.core.model import Head, HeadKind, PushFacts
from triggerbot.core.verdict.base import Relation
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.reports import push_json
from triggerbot.reports.judge import Judge
from triggerbot.store.memory import Memory
from triggerbot.systems.answers import Later


def test_what_fails_on_the_base_too_is_not_retriggered(world: World, ci: OnlyMain) -> None:
    """The push is judged without it; page and API tell it apart; nothing is spent."""
    settle_base(world, ci)
    fail(world, ci, HERE)
    passes_other = event("other", "o1", push=HERE, result="success")
    world.hear(passes_other)
    world.drain()
    claim = world.claim(HERE, "job")
    assert (str(claim.refusal), claim.note) == ("inherited", "fails on the base too (ba5eba5eba5e)")
    assert asked(ci) == 0
    record = world.store.pushes.record(HERE)
    assert record is not None
    assert (record.spent, record.facts.base) == (0, BASE.revision)
    found = Judge(world.store, world.clock, rules=world.rules, fresh=0.0).judge(record)
    assert (found.health, found.sentence) == (Health.GOOD, "1 fails on the base too, 1 passed")
    said = push_json.push(record, found)
    assert said["base"] == BASE.revision
    assert said["jobs"][0]["base"] == {
        "relation": "inherited", "revision": BASE.revision, "says": "fails on the base too (ba5eba5eba5e)",
    }  # fmt: skip


def test_another_failure_there_is_new_here(world: World, ci: OnlyMain) -> None:
    """And is retriggered as any other."""
    settle_base(world, ci, REFUND)
    fail(world, ci, HERE)
    world.drain()
    assert asked(ci) == 1
    assert judged(world).base.relation is Relation.DIFFERENT


def test_what_passes_on_the_base_is_the_strongest_verdict(world: World, ci: OnlyMain) -> None:
    """Once it has failed here every time."""
    passes(world, ci, BASE)
    for number in (1, 2, 3):
        fail(world, ci, HERE, run_id=f"h{number}")
        world.drain()
    assert judged(world).verdict is Verdict.FAILED
    assert judged(world).why.endswith("; passes on the base (ba5eba5eba5e), fails here")


def test_nothing_known_says_so(world: World, ci: OnlyMain) -> None:
    """The previous commit of the same branch is no base, whatever failed there."""
    ci.facts[HERE] = replace(ci.facts[HERE], base=None)
    before = HERE._replace(revision="f00d" * 10)
    fail(world, ci, before)
    world.drain()
    world.clock.move(60)
    fail(world, ci, HERE)
    board = Board()
    publisher = world.publisher(board)
    world.drain()
    world.publish(publisher)
    assert judged(world).base.words == "nothing is known of the base"
    assert asked(ci) == 1
    assert all(not report.fresh for report in board.reports)


@pytest.mark.parametrize("told_by", ["look-back", "event", "facts"])
def test_whoever_tells_the_base(world: World, ci: OnlyMain, told_by: str) -> None:
    """An event, facts heard of, or the look-back that a decision rests on."""
    settle_base(world, ci)
    if told_by != "look-back":
        ci.facts[HERE] = replace(ci.facts[HERE], base=None)
    if told_by == "facts":
        world.hear(PushFacts(HERE, "a change", base=BASE.revision))
    failed = failure("job", "h1", push=HERE, failures=LOGIN, base=BASE.revision if told_by == "event" else None)
    ci.put(failed)
    world.hear(failed)
    world.drain()
    assert str(world.claim(HERE, "job").refusal) == "inherited"


def test_a_base_without_the_job_is_passed_over(world: World, ci: OnlyMain) -> None:
    """For what the base itself is based on; a run there that proves nothing is none."""
    ci.facts[BASE] = replace(ci.facts[BASE], base=EARLIER.revision)
    ci.facts[EARLIER] = PushFacts(EARLIER, "long ago")
    world.hear(PushFacts(BASE, "before", base=EARLIER.revision))
    world.hear(event("job", "b1", push=BASE, result="cancelled"))
    for number in (1, 2, 3):
        fail(world, ci, EARLIER, run_id=f"e{number}")
        world.drain()
    fail(world, ci, HERE)
    world.drain()
    assert judged(world).base.revision == EARLIER.revision
    assert str(world.claim(HERE, "job").refusal) == "inherited"


@pytest.mark.parametrize("default", [True, False])
def test_on_a_base_branch_the_push_before_is_the_base(
    make_world: MakeWorld, ci: OnlyMain, kept: Memory | None, default: bool
) -> None:
    """On the default branch, as the CI tells it, or the rule's `base_branch`."""
    rule = RULE if default else replace(RULE, base_branch="main")
    world = make_world(ci, rules=(rule,), tables=kept)
    if default:
        world.hear(Head("ci", "try", "main", HeadKind.DEFAULT))
    settle_base(world, ci)
    world.clock.move(60)
    later = BASE._replace(revision="cafe" * 10)
    ci.facts[later] = PushFacts(later, "after")
    fail(world, ci, later)
    world.drain()
    assert str(world.claim(later, "job").refusal) == "inherited"


def test_the_rule_names_the_branch_where_the_ci_tells_nothing(
    make_world: MakeWorld, ci: OnlyMain, kept: Memory | None
) -> None:
    """Then its newest push from before this one is the base; a fork's branch of that name is another."""
    ci.facts[HERE] = replace(ci.facts[HERE], base=None)
    world = make_world(ci, rules=(replace(RULE, base_branch="main"),), tables=kept)
    settle_base(world, ci)
    world.clock.move(60)
    of_fork = BASE._replace(revision="f0f0" * 10)
    world.hear(PushFacts(of_fork, "", fork=True), event("job", "f1", push=of_fork, result="success"))
    world.clock.move(60)
    fail(world, ci, HERE)
    world.drain()
    assert str(world.claim(HERE, "job").refusal) == "inherited"
    assert judged(world).base.revision == BASE.revision


def test_the_base_that_fails_later_takes_the_failure_along(world: World, ci: OnlyMain) -> None:
    """Reports are edited."""
    world.hear(PushFacts(BASE, "before"))
    fail(world, ci, HERE)
    board = Board()
    publisher = world.publisher(board)
    world.drain()
    world.publish(publisher)
    assert board.reports[-1].judged.jobs[0].base.relation is Relation.UNKNOWN
    for number in (2, 3):
        fail(world, ci, HERE, run_id=f"h{number}")
    world.publish(publisher)
    assert board.reports[-1].judged.health is Health.FAILING
    settle_base(world, ci)
    world.publish(publisher)
    world.publish(publisher)
    last = [one for one in board.reports if one.push == HERE][-1]
    assert last.judged.jobs[0].inherited
    assert last.judged.health is not Health.FAILING


def test_the_base_that_passes_after_all_has_the_failure_claimed_anew(world: World, ci: OnlyMain) -> None:
    """What was inherited is then the push's own, or intermittent, and gets its retriggers."""
    settle_base(world, ci)
    fail(world, ci, HERE)
    publisher = world.publisher(Board())
    world.drain()
    world.publish(publisher)
    assert asked(ci) == 0
    passes(world, ci, BASE, "ba5e-4")
    world.publish(publisher)
    world.publish(publisher)
    world.drain()
    assert judged(world).base.relation is Relation.INTERMITTENT
    assert asked(ci) == 1


def test_a_base_that_is_not_settled_decides_nothing(world: World, ci: OnlyMain) -> None:
    """Its own retriggers run still: one failure there may be an intermittent one."""
    fail(world, ci, BASE)
    world.drain()
    fail(world, ci, HERE)
    world.drain()
    assert judged(world).base.relation is Relation.UNSETTLED
    assert asked(ci) == 1


def test_another_run_is_decided_anew(world: World, ci: OnlyMain) -> None:
    """Somebody runs it again, and it fails in another way than the base does."""
    settle_base(world, ci)
    fail(world, ci, HERE)
    world.drain()
    assert str(world.claim(HERE, "job").refusal) == "inherited"
    fail(world, ci, HERE, REFUND, "h2")
    world.drain()
    # Two runs fail differently here, one of them as on the base: the newest is what was decided about.
    assert world.claim(HERE, "job").run.run_id == "h2"


def test_a_base_that_was_never_heard_of_is_looked_at_once(
    make_world: MakeWorld, ci: OnlyMain, kept: Memory | None
) -> None:
    """It becomes no push of its own: nobody asked for a report of it, nor for its retriggers."""
    world = make_world(ci, rules=(replace(RULE, base_branch="main"),), tables=kept)
    for number in (1, 2):
        ci.put(failure("job", f"b{number}", push=BASE, failures=LOGIN, time=5.0 + number))
    ci.put(event("other", "b3", push=BASE, result="success"))
    fail(world, ci, HERE)
    other = failure("other", "h9", push=HERE, failures=REFUND)
    ci.put(other)
    world.drain()
    world.hear(other)
    world.drain()
    assert str(world.claim(HERE, "job").refusal) == "inherited"
    assert asked(ci, BASE) == 0
    assert sum(one.revision == BASE.revision for one in ci.looked) == 1
    assert world.store.pushes.find("try", BASE.revision) == []
    record = world.store.pushes.record(HERE)
    assert record is not None
    jobs = {one.job: one for one in Judge(world.store, world.clock, rules=world.rules, fresh=0.0).judge(record).jobs}
    assert (jobs["job"].inherited, jobs["other"].base.relation) == (True, Relation.PASSES)


def test_a_ci_that_does_not_answer_for_the_base_holds_nothing_up(world: World, ci: OnlyMain) -> None:
    """It was asked once; nothing is known."""
    ci.down = HERE._replace(revision=BASE.revision)
    fail(world, ci, HERE)
    world.drain()
    assert asked(ci) == 1
    assert judged(world).base.relation is Relation.UNKNOWN
    assert sum(one.revision == BASE.revision for one in ci.looked) == 1


def test_what_a_person_asks_for_is_carried_out(world: World, ci: OnlyMain, clock: Clock) -> None:
    """Whatever the base says; so is what the push itself asks for."""
    settle_base(world, ci)
    ci.facts[HERE] = replace(ci.facts[HERE], message="try: -p all --rebuild 3")
    fail(world, ci, HERE)
    world.drain()
    assert str(world.claim(HERE, "job").cause) == "requested"


def test_what_is_owed_still_is_not_sent_once_the_base_fails_too(world: World, ci: OnlyMain) -> None:
    """A request was put off, and the base's runs came meanwhile."""
    ci.answers = [Later("come back", 3600.0)]
    fail(world, ci, HERE)
    world.drain()
    assert (str(world.claim(HERE, "job").state), asked(ci)) == ("owed", 1)
    settle_base(world, ci)
    world.pass_time(4000, every=500)
    assert str(world.claim(HERE, "job").refusal) == "inherited"
    assert asked(ci) == 1


def test_what_is_refused_for_the_base_is_not_claimed_anew_in_vain(world: World, ci: OnlyMain) -> None:
    """A failed run shows the base's failure and another line, and the verdict goes by another run than the decision."""
    settle_base(world, ci)
    fail(world, ci, HERE, LOGIN)
    world.drain()
    fail(world, ci, HERE, REFUND, "h2")
    fail(world, ci, HERE, REFUND, "h3")
    publisher = world.publisher(Board())
    for _ in range(6):
        world.drain()
        world.publish(publisher)
    told = [one for one in world.store.pushes.timeline(HERE, "job") if one.what in ("refuse", "trigger")]
    assert len(told) <= 3


def test_a_forks_runs_at_the_base_are_no_evidence(make_world: MakeWorld, ci: OnlyMain, kept: Memory | None) -> None:
    """Where the CI is asked for them as well."""
    world = make_world(ci, rules=(replace(RULE, base_branch="main"),), tables=kept)
    ci.facts[BASE] = replace(ci.facts[BASE], fork=True)
    ci.put(failure("job", "b1", push=BASE, failures=LOGIN, time=5.0))
    fail(world, ci, HERE)
    world.drain()
    assert judged(world).base.relation is Relation.UNKNOWN
    assert asked(ci) == 1


@pytest.mark.parametrize("told", ["by the order", "by a short revision"])
def test_a_push_is_never_its_own_base(make_world: MakeWorld, ci: OnlyMain, kept: Memory | None, told: str) -> None:
    """A branch that was cut from main without a commit is based on what main's commit is; it passes there."""
    cut = BASE._replace(branch="cut")
    by_order = told == "by the order"
    ci.facts[BASE] = replace(ci.facts[BASE], base=EARLIER.revision)
    ci.facts[cut] = PushFacts(cut, "cut", base=None if by_order else cut.revision[:12])
    world = make_world(ci, rules=(replace(RULE, base_branch="main") if by_order else RULE,), tables=kept)
    passes(world, ci, EARLIER)
    world.clock.move(60)
    passes(world, ci, BASE)
    world.clock.move(60)
    for number in (1, 2, 3):
        fail(world, ci, cut, run_id=f"c{number}")
        world.drain()
    assert judged(world, cut).base.relation is (Relation.PASSES if by_order else Relation.UNKNOWN)
    assert not judged(world, cut).hidden


@pytest.mark.parametrize("late", [False, True])
def test_a_line_that_proves_nothing_is_not_inherited(world: World, ci: OnlyMain, late: bool) -> None:
    """What a run shows that passed is no failure; decision and verdict agree, also where that comes later."""
    settle_base(world, ci)
    publisher = world.publisher()
    shown = event("other", "o1", push=HERE, result="success", failures=LOGIN)
    if not late:
        ci.put(shown)
        world.hear(shown)
    fail(world, ci, HERE)
    world.drain()
    world.publish(publisher)
    assert (str(world.claim(HERE, "job").refusal) == "inherited") is late
    ci.put(shown)
    world.hear(shown)
    for _ in range(3):
        world.publish(publisher)
        world.drain()
    assert asked(ci) == 1
    record = world.store.pushes.record(HERE)
    assert record is not None
    found = {one.job: one for one in Judge(world.store, world.clock, rules=world.rules, fresh=0.0).judge(record).jobs}
    assert found["job"].base.relation is Relation.UNTOLD
    assert not found["job"].hidden


GENERIC = "tests/setup.py::test_cluster: RuntimeError: the test cluster did not come up"


def show_elsewhere(world: World) -> None:
    """Let intermittent jobs at other pushes show a line, and be judged."""
    for at in range(4):
        where = BASE._replace(revision=f"e15e{at}" * 8)
        for number in range(8):
            name, now = f"far-{number}", world.clock.now
            world.hear(failure(name, f"{at}-{number}", push=where, failures=(GENERIC,), time=now))
            world.hear(event(name, f"{at}-{number}g", push=where, result="success", time=now))
    world.publish(world.publisher(Board()), 120.0)


def test_a_line_that_any_failure_of_the_project_shows_inherits_nothing(world: World, ci: OnlyMain) -> None:
    """The decision goes by the lines that the verdict goes by: it was refused for what the verdict calls silent."""
    show_elsewhere(world)
    settle_base(world, ci, (GENERIC,))
    fail(world, ci, HERE, (GENERIC,))
    world.drain()

    claim = world.claim(HERE, "job")
    assert (claim.cause, claim.refusal) == (Cause.FAILURE, None)
    assert judged(world).base.relation is Relation.UNTOLD
