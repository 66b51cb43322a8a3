"""How a failure stands to the base of its push: each row of the table, and what proves nothing."""

import pytest

from triggerbot.core.model import Result, Run, State
from triggerbot.core.verdict import base, fingerprint, verdict
from triggerbot.core.verdict.base import AtBase, Relation, Standing
from triggerbot.core.verdict.verdict import Verdict

REV = "ba5e" * 10
LOGIN, REFUND = "test_login.py:7: AssertionError: no session", "test_refund.py:3: KeyError: 'amount'"


def run(number: int, result: Result | None, *lines: str) -> Run:
    """Return a run of the job, finished if it has a result."""
    state = State.RUNNING if result is None else State.FINISHED
    return Run("job", str(number), 1, state, result, failures=lines, time=float(number))


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ((), Relation.UNKNOWN),
        ([(Result.SUCCESS,)], Relation.PASSES),
        ([(Result.FAILURE, LOGIN)], Relation.INHERITED),
        ([(Result.FAILURE, REFUND), (Result.FAILURE, LOGIN)], Relation.INHERITED),
        ([(Result.BUSTED, LOGIN), (Result.INFRA,), (Result.CANCELLED,)], Relation.INHERITED),
        ([(Result.FAILURE, REFUND)], Relation.DIFFERENT),
        ([(Result.FAILURE, LOGIN), (Result.SUCCESS,)], Relation.INTERMITTENT),
        ([(Result.FAILURE, REFUND), (Result.SUCCESS,)], Relation.DIFFERENT),
        ([(Result.FAILURE,)], Relation.UNTOLD),
        ([(Result.FAILURE,), (Result.SUCCESS,)], Relation.INTERMITTENT),
        ([(Result.FAILURE, LOGIN), (None,)], Relation.UNSETTLED),
        ([(Result.SUCCESS,), (None,)], Relation.PASSES),
        ([(Result.INFRA,)], Relation.UNKNOWN),
        ([(Result.CANCELLED,)], Relation.UNKNOWN),
        ([(Result.SKIPPED,)], Relation.UNKNOWN),
        ([(Result.TIMED_OUT, LOGIN)], Relation.UNKNOWN),
        ([(None,)], Relation.UNKNOWN),
    ],
)
def test_what_the_base_says(there: list[tuple[Result | None, str]], expected: Relation) -> None:
    """Runs that prove nothing say nothing."""
    known = base.at(REV, [run(number, *one) for number, one in enumerate(there)])
    assert base.compare([fingerprint.shapes([LOGIN])], known).relation is expected


def test_two_failures_of_which_nothing_is_told_are_not_known_to_be_the_same() -> None:
    """Nor is one of them."""
    silent = base.at(REV, [run(1, Result.FAILURE)])
    telling = base.at(REV, [run(1, Result.FAILURE, LOGIN)])
    assert base.compare([()], silent).relation is Relation.UNTOLD
    assert base.compare([()], telling).relation is Relation.UNTOLD


ONE, TWO = "test_login.py::test_login: AssertionError: no session", "test_refund.py::test_refund: KeyError: 'amount'"
OTHER = "test_login.py::test_login: TypeError: not a session"
CRASHED = (
    "PROCESS-CRASH | application crashed [@ mozilla::layout] | dom/tests/test_a.html",
    "TEST-UNEXPECTED-FAIL | dom/tests/test_a.html | application terminated with exit code 139",
)
MANY = tuple(f"test_many.py::test_{number}: ValueError: {number}x" for number in "abcdefghijklmnop")


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        pytest.param([[ONE]], [[ONE, TWO]], Relation.INHERITED, id="less than there"),
        pytest.param([[ONE, TWO]], [[ONE], [TWO]], Relation.INHERITED, id="each in a run of its own there"),
        pytest.param([[ONE], []], [[ONE]], Relation.INHERITED, id="a run that tells nothing"),
        pytest.param([[ONE, TWO]], [[ONE]], Relation.DIFFERENT, id="a further test"),
        pytest.param([[TWO, ONE]], [[ONE]], Relation.DIFFERENT, id="a further test, first"),
        pytest.param(
            [["E   OSError: down", TWO]], [["E   OSError: down"]], Relation.DIFFERENT, id="a test, there none"
        ),
        pytest.param([[ONE], [TWO]], [[ONE]], Relation.DIFFERENT, id="in a further run"),
        pytest.param([[OTHER]], [[ONE]], Relation.DIFFERENT, id="another message"),
        pytest.param([CRASHED], [[CRASHED[0].replace("a.html", "b.html")]], Relation.INHERITED, id="a crash elsewhere"),
        pytest.param([MANY[1:]], [MANY], Relation.INHERITED, id="more tests than are compared, one less than there"),
        pytest.param([[TWO, *MANY]], [MANY], Relation.DIFFERENT, id="more tests than are compared, and a further one"),
    ],
)
def test_everything_that_fails_has_to_fail_there(
    here: list[list[str]], there: list[list[str]], expected: Relation
) -> None:
    """What fails beside it came with the push, in whatever run of the job: that is not hidden by what fails there."""
    known = AtBase(REV, 0, tuple(map(tuple, there)))
    assert base.compare([fingerprint.shapes(lines) for lines in here], known).relation is expected


def test_a_time_out_counts_where_the_rule_covers_it() -> None:
    """As everywhere."""
    known = base.at(REV, [run(1, Result.TIMED_OUT, LOGIN)], proving=frozenset({Result.TIMED_OUT}))
    assert base.compare([fingerprint.shapes([LOGIN])], known).relation is Relation.INHERITED


def test_each_relation_is_said_in_one_clause() -> None:
    """With the revision where there is one; and what is not known is not called anything else."""
    said = {relation: Standing(relation, REV).words for relation in Relation}
    assert said[Relation.UNKNOWN] == "nothing is known of the base"
    assert said[Relation.INHERITED] == "fails on the base too (ba5eba5eba5e)"
    assert said[Relation.PASSES] == "passes on the base (ba5eba5eba5e), fails here"
    assert len(set(said.values())) == len(Relation)


@pytest.mark.parametrize("results", [[Result.FAILURE], [Result.FAILURE] * 3, [Result.FAILURE, Result.SUCCESS]])
def test_only_what_fails_every_time_is_inherited(results: list[Result]) -> None:
    """A pass at the push's own revision proves more than the base does."""
    runs = [run(number, result, *([LOGIN] if result.failed else [])) for number, result in enumerate(results)]
    job = verdict.of_job("job", runs, ())
    shapes = () if job.failing is None else job.failing.shapes
    held = verdict.against_base(job, base.compare([shapes], AtBase(REV, 0, ((LOGIN,),))))
    assert held.inherited is (job.verdict is Verdict.FAILED)
    assert held.hidden is held.inherited
    if held.inherited:
        assert held.why.endswith("fails on the base too (ba5eba5eba5e), so the push is judged without it")
