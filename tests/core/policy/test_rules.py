"""The rules of the design, one by one, each with its reason, and which goes before which."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.policy.decisions import CLAIM, RULE, RUN, facts, refused
from tests.fakes.world import event, failure, push
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import Event, Kind, Result, Run, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.owed import still_owed
from triggerbot.core.policy.rules import Facts, Rule, claims, decide, refusals, repeated, rule_for, triage
from triggerbot.core.policy.try_syntax import EVERY, PushOptions


def decided(message: str = "", *, rule: Rule | None = RULE, run: Any = None, job: str = "job", **more: Any) -> Any:
    """Decide about one run: the decision's reason and count, or `None`."""
    made = replace(RUN, job=job, **(run or {}))
    decision = decide(replace(CLAIM, job=job, run=made), rule, facts(message, **more))
    return None if decision is None else (decision.action, decision.reason, decision.count)


# -- rule 2 -----------------------------------------------------------------------------------------------------


AGAINST = [
    ("job_excluded", {"job": "a-unstable-1"}),
    ("kind_excluded", {"kind": Kind.BUILD}),
    ("result_excluded", {"result": Result.BUSTED}),
    ("author_excluded", {"author": "autoland@example.org"}),
    ("pool_excluded", {"pool": "windows"}),
    ("step_excluded", {"step": "build it"}),
    ("hidden", {"tier": 2}),
    ("hidden", {"allowed_to_fail": True}),
    ("event_excluded", {"event": "workflow_dispatch"}),
]


@pytest.mark.parametrize(("reason", "why"), AGAINST)
def test_each_reason_of_rule_2_refuses(reason: str, why: dict[str, Any]) -> None:
    """One thing that the rule does not cover is enough, and is the reason told, when heard and when decided."""
    run = {key: value for key, value in why.items() if key not in ("author", "job")}
    author = why.get("author", "dev@example.org")
    job = why.get("job", "job")

    assert decided(run=run, author=author, job=job) == refused(reason)
    heard = replace(failure(job, author=author), **run)
    assert triage(RULE, heard, author).refusal == reason


@pytest.mark.parametrize("first", range(len(AGAINST)))
def test_the_first_reason_in_the_order_of_the_design_is_told(first: int) -> None:
    """From each reason on, with all that come after it in the list, the first one is the answer."""
    together: dict[str, Any] = {}
    for _, why in AGAINST[first:]:
        together |= why
    job, author = together.pop("job", "job"), together.pop("author", "dev@example.org")

    assert decided("DONTBUILD\ntry: --no-retry", run=together, job=job, author=author) == refused(AGAINST[first][0])


def test_the_order_of_refusals_is_the_order_of_the_fixed_list() -> None:
    """The list that is promised, word for word."""
    text = """not_watched job_excluded kind_excluded result_excluded author_excluded pool_excluded step_excluded hidden
    event_excluded superseded cancelled derived starts_excluded classified dontbuild no_retry not_opted_in
    rebuild_requested
    inherited already_claimed enough_runs
    same_cause over_budget over_total not_found refused_by_ci"""

    assert [str(refusal) for refusal in Refusal] == text.split()


@pytest.mark.parametrize(
    ("event", "excluded"),
    [
        (None, False), ("push", False), ("pull_request", False), ("pull_request_target", False), ("schedule", False),
        ("merge_group", False), ("workflow_dispatch", True), ("repository_dispatch", True), ("issue_comment", True),
        ("workflow_run", True), ("dynamic", True),
    ],
)  # fmt: skip
def test_what_a_person_or_another_run_started_is_left_alone(event: str | None, excluded: bool) -> None:
    """Unless a rule covers it; and where a CI does not say what made it run something, that excludes nothing."""
    expected = refused("event_excluded") if excluded else ("trigger", "failure", 2)
    assert decided(run={"event": event}) == expected
    assert decided("try: --rebuild 2", run={"event": event})[1] == ("event_excluded" if excluded else "requested")
    for covers in (["*"], [event or "push"]):
        assert decided(run={"event": event}, rule=replace(RULE, events=Globs(covers)))[0] == "trigger"


def test_a_project_without_a_rule_is_not_watched() -> None:
    """No rule, no retrigger, whatever the push asks for."""
    assert decided(rule=None) == refused("not_watched")
    assert decided("try: --rebuild 3", rule=None) == refused("not_watched")
    assert triage(None, failure(), None).refusal is Refusal.NOT_WATCHED


def test_a_fork_is_not_watched_unless_the_system_allows_it() -> None:
    """Strangers do not spend our machine time."""
    assert decided(fork=True, forks_allowed=False) == refused("not_watched")
    assert decided("try: --rebuild 3", fork=True, forks_allowed=False) == refused("not_watched")
    assert decided(fork=True, forks_allowed=True) == ("trigger", "failure", 2)


def test_only_authors_that_the_rule_names_are_covered() -> None:
    """`authors` narrows; an author who is not known is not excluded."""
    rule = replace(RULE, authors=Globs(["dev@*"]))

    assert decided(rule=rule, author="dev@example.org") == ("trigger", "failure", 2)
    assert decided(rule=rule, author="someone@example.org") == refused("author_excluded")
    assert decided(rule=rule, author=None) == ("trigger", "failure", 2)


@pytest.mark.parametrize("value", [None, "linux-1"])
def test_a_pool_or_step_that_is_not_told_is_not_excluded(value: str | None) -> None:
    """Silence of the CI excludes nothing."""
    assert decided(run={"pool": value, "step": None}) == ("trigger", "failure", 2)


@pytest.mark.parametrize("result", list(Result))
def test_results_are_covered_as_the_rule_says_and_some_never(result: Result) -> None:
    """With every result in the rule: failures of all sorts are retriggered; cancelled, skipped and retry never."""
    rule = replace(RULE, results=frozenset(Result))
    failed = {Result.FAILURE, Result.BUSTED, Result.INFRA, Result.TIMED_OUT}

    assert decided(rule=rule, run={"result": result}) == (("trigger", "failure", 2) if result in failed else None)
    assert triage(rule, event(result=result), None).failed is (result in failed)


@pytest.mark.parametrize("state", [State.PENDING, State.RUNNING])
def test_a_run_that_is_not_finished_is_nothing_to_decide(state: State) -> None:
    """Unless the push asks."""
    assert decided(run={"state": state, "result": None}) is None
    assert decided("try: --rebuild 3", run={"state": state, "result": None}) == ("trigger", "requested", 3)


# -- rules 3 to 5 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "opt_in", "expected"),
    [
        ("", False, ("trigger", "failure", 2)),
        ("", True, refused("not_opted_in")),
        ("try: --retry", True, ("trigger", "failure", 2)),
        ("try: --no-retry", False, refused("no_retry")),
        ("try: --no-retry", True, refused("no_retry")),
        ("try: --retry --no-retry", True, refused("no_retry")),
        ("DONTBUILD", False, refused("dontbuild")),
        ("DONTBUILD", True, refused("dontbuild")),
        ("DONTBUILD\ntry: --no-retry --rebuild 3", False, refused("dontbuild")),
        ("try: --rebuild 3", False, ("trigger", "requested", 3)),
        ("try: --rebuild 3", True, ("trigger", "requested", 3)),
        ("try: --rebuild 3 --no-retry", False, ("trigger", "requested", 3)),
        ("try: --rebuild 99999999999", False, ("trigger", "requested", 20)),
        ("try: --rebuild x", False, ("trigger", "failure", 2)),
        ("try: --rebuild-talos 3", False, refused("rebuild_requested")),
        ("try: --rebuild-unknown 3", False, ("trigger", "failure", 2)),
    ],
)
def test_what_the_push_says_decides(message: str, opt_in: bool, expected: tuple[str, str, int]) -> None:
    """DONTBUILD, then what is asked for, then --no-retry, then opting in."""
    assert decided(message, rule=replace(RULE, opt_in=opt_in)) == expected


def test_a_group_is_asked_for_by_its_own_option() -> None:
    """`--rebuild-talos 3` is for talos jobs; `--rebuild` beside it for all the others."""
    message = "try: --rebuild-talos 3 --rebuild 1"

    assert decided(message, job="linux-talos-1") == ("trigger", "requested", 3)
    assert decided(message, job="other") == ("trigger", "requested", 1)


@pytest.mark.parametrize(("reason", "why"), AGAINST)
def test_a_push_may_ask_for_jobs_whatever_their_result_but_not_for_others(reason: str, why: dict[str, Any]) -> None:
    """A result or step that is not covered holds back no request; every other reason does."""
    run = {key: value for key, value in why.items() if key not in ("author", "job")}
    expected = ("trigger", "requested", 3) if reason in ("result_excluded", "step_excluded") else refused(reason)

    found = decided("try: --rebuild 3", run=run, author=why.get("author"), job=why.get("job", "job"))

    assert found == expected


@pytest.mark.parametrize("result", [Result.CANCELLED, Result.SKIPPED, Result.RETRY])
def test_a_run_that_nobody_wanted_is_not_rebuilt(result: Result) -> None:
    """Asking for more of a cancelled job would go against somebody."""
    assert decided("try: --rebuild 3", run={"result": result}) is None
    assert triage(RULE, event(result=result), None).groups == frozenset()


# -- rule 6 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retries", "runs", "expected"),
    [
        (2, 0, ("trigger", "failure", 2)), (2, 1, ("trigger", "failure", 2)), (2, 2, ("trigger", "failure", 1)),
        (2, 3, refused("enough_runs")), (2, 99, refused("enough_runs")), (0, 1, refused("enough_runs")),
    ],
)  # fmt: skip
def test_runs_that_exist_already_count(retries: int, runs: int, expected: tuple[str, str, int]) -> None:
    """Of N wanted, N less the further runs there are is asked for; none left: refused. The same for requests."""
    assert decided(rule=replace(RULE, retries=retries), runs=runs) == expected
    if retries:
        requested = decided(f"try: --rebuild {retries}", runs=runs)
        assert requested == (expected if expected[0] == "refuse" else ("trigger", "requested", expected[2]))


# -- rule 8, triage, which rule ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "asks", "reason"),
    [
        ({"state": ClaimState.DONE}, None, Refusal.ALREADY_CLAIMED),
        ({"state": ClaimState.DONE}, PushOptions(), Refusal.ALREADY_CLAIMED),
        ({"state": ClaimState.DONE}, PushOptions({EVERY: 3}), Refusal.REBUILD_REQUESTED),
        ({"refusal": Refusal.DONTBUILD}, PushOptions({EVERY: 3}), Refusal.DONTBUILD),
        ({"refusal": Refusal.NO_RETRY}, PushOptions(), Refusal.NO_RETRY),
        ({"refusal": Refusal.NOT_OPTED_IN}, PushOptions(), Refusal.NOT_OPTED_IN),
        ({"refusal": Refusal.OVER_BUDGET}, PushOptions(), Refusal.ALREADY_CLAIMED),
        ({"refusal": Refusal.NOT_FOUND}, None, Refusal.ALREADY_CLAIMED),
    ],
)
def test_a_second_failure_is_told_why_it_leads_to_nothing(
    earlier: Any, asks: PushOptions | None, reason: Refusal
) -> None:
    """A reason that holds for the whole push stays; else the job was dealt with before."""
    assert repeated(replace(CLAIM, **earlier), asks) is reason


@pytest.mark.parametrize(
    ("project", "branch", "found"),
    [("try", "main", 0), ("try", "x", 1), ("other", "main", 2), ("try-2", "main", 2), ("Try", "main", 2)],
)
def test_the_first_rule_that_matches_is_the_rule(project: str, branch: str, found: int) -> None:
    """Project and branch both; later rules do not matter, even if they are narrower."""
    rules = [
        Rule(Globs(["try"]), branches=Globs(["main"])),
        Rule(Globs(["try"])),
        Rule(Globs(["*"])),
        Rule(Globs(["try"]), branches=Globs(["main"]), retries=9),
    ]

    assert rule_for(rules, push(project=project, branch=branch)) is rules[found]
    assert rule_for(rules[:2], push(project="none")) is None
    assert rule_for([], push()) is None


def test_an_event_makes_a_claim_if_it_failed_or_is_asked_for() -> None:
    """A message that is not known yet asks for nothing yet."""
    pending, failed = triage(RULE, event("talos-1"), None), triage(RULE, failure("talos-1"), None)

    assert pending.groups == {EVERY, "talos"}
    assert [claims(pending, asked) for asked in (None, set(), {"talos"}, {EVERY}, {"other"})] == [
        False, False, True, True, False,
    ]  # fmt: skip
    assert all(claims(failed, asked) for asked in (None, set(), {"other"}))


def test_without_further_runs_all_is_still_owed() -> None:
    """Return what is owed less the runs that appeared since the decision, whoever started them."""
    claim = replace(CLAIM, state=ClaimState.OWED, cause=Cause.FAILURE, wanted=3, known_runs=1)
    runs = [replace(RUN, run_id=str(number)) for number in range(6)]
    owed = [still_owed(claim, runs[:count], one_at_a_time=False) for count in (0, 1, 2, 3, 4, 5)]

    assert owed == [3, 3, 2, 1, 0, 0]
    assert still_owed(replace(claim, asked=2), runs[:1], one_at_a_time=False) == 1
    assert still_owed(replace(claim, asked=3), runs[:1], one_at_a_time=False) == 0


@pytest.mark.parametrize("silent", ["cancelled", "skipped", "retry", "unknown", "infra", "timed_out"])
def test_a_run_that_proves_nothing_since_is_still_owed(silent: str) -> None:
    """Count only runs that prove something as further runs; a time-out counts where the rule covers it."""
    claim = replace(CLAIM, state=ClaimState.OWED, cause=Cause.FAILURE, wanted=2, known_runs=2)
    before = [replace(RUN, run_id="0", result=Result(silent)), RUN]
    since = [*before, replace(RUN, run_id="2", result=Result(silent)), replace(RUN, run_id="3", state=State.RUNNING)]

    assert still_owed(claim, since[:3], one_at_a_time=False) == 2
    assert still_owed(claim, since, one_at_a_time=False) == 1
    covered = replace(RULE, results=frozenset({"failure", "infra", "timed_out"})).proving
    assert still_owed(claim, since[:3], one_at_a_time=False, proving=covered) == (1 if silent == "timed_out" else 2)


def test_a_pass_ends_a_serial_pass_for_failures_only() -> None:
    """What the push or a person asked for is carried out whatever the results."""
    claim = replace(CLAIM, state=ClaimState.OWED, cause=Cause.FAILURE, wanted=3, asked=1, known_runs=1)
    runs = [RUN, replace(RUN, run_id="2", result=Result.SUCCESS)]
    owed = {
        cause: still_owed(replace(claim, cause=cause), runs, one_at_a_time=True) for cause in Cause
    }  # fmt: skip

    others = (Cause.REQUESTED, Cause.MANUAL, Cause.CONTROL, Cause.BACKFILL, Cause.CALIBRATION)
    assert owed == {Cause.FAILURE: 0} | dict.fromkeys(others, 2)
    assert still_owed(claim, runs, one_at_a_time=False) == 2


# -- for anything -----------------------------------------------------------------------------------------------


RUNS = st.builds(
    Run, st.sampled_from(["job", "talos-1", "a-unstable"]), st.just("1"), st.just(1), st.sampled_from(State),
    st.none() | st.sampled_from(Result), kind=st.sampled_from(Kind), tier=st.integers(0, 3),
    pool=st.none() | st.sampled_from(["linux", "mac"]), step=st.none() | st.sampled_from(["build", "test"]),
)  # fmt: skip


ASKS = st.builds(
    PushOptions, st.dictionaries(st.sampled_from([EVERY, "talos"]), st.integers(1, 99)), st.booleans(), st.booleans(),
    st.booleans(),
)  # fmt: skip


FACTS = st.builds(
    Facts, ASKS, st.none() | st.sampled_from(["dev@example.org", "autoland@x"]), st.booleans(), st.booleans(),
    st.integers(0, 9),
)  # fmt: skip


@given(RUNS, FACTS, st.sampled_from([None, RULE, replace(RULE, opt_in=True), replace(RULE, results=frozenset(Result))]))
def test_a_decision_is_total_deterministic_and_within_bounds(run: Run, known: Facts, rule: Rule | None) -> None:
    """Any facts lead to the same one decision, with a reason, and to no more runs than may be."""
    claim = replace(CLAIM, job=run.job, run=run)

    decision = decide(claim, rule, known)

    assert decision == decide(claim, rule, known)
    if decision is None:
        assert not run.failed
    elif decision.cause is None:
        assert decision.refusal is not None
        assert decision.count == 0
    else:
        assert decision.refusal is None
        most = 2 if decision.cause is Cause.FAILURE else 20
        assert 1 <= decision.count <= most - max(0, known.runs - 1)
        assert not known.asks.dontbuild
        assert not list(refusals(rule, replace(run, result=Result.FAILURE, step=None), known.author))
        if decision.cause is Cause.FAILURE:
            assert run.failed
            assert not known.asks.rebuild
            assert not known.asks.no_retry


@given(RUNS, st.none() | st.sampled_from(["dev@example.org", "autoland@x"]))
def test_what_triage_refuses_is_refused_when_decided(run: Run, author: str | None) -> None:
    """Triage says nothing that the decision would not: a failure refused when heard never becomes a retrigger."""
    heard = Event(
        push(), run.job, "1", run.state, run.result, kind=run.kind, tier=run.tier, pool=run.pool, step=run.step
    )
    seen = triage(RULE, heard, author)

    decision = decide(replace(CLAIM, job=run.job, run=run), RULE, facts(author=author))

    if seen.refusal is not None:
        assert decision == Decision.refuse(seen.refusal)
    assert seen.failed is (decision is not None and decision.cause is Cause.FAILURE)
