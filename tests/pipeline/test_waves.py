"""Retriggers by what runs prove: a wave, a look at what came of it, and the next one or the end."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import failure
from tests.pipeline.weighed import NEVER, OFTEN, PUSH, Site
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Kind, Result
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.evidence import NO_HISTORY, UntilProved
from triggerbot.core.policy.planning import Capacity
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.judge import Judge
from triggerbot.systems.answers import Later, Refused, Unknown
from triggerbot.web import push_view

CAPACITIES = pytest.mark.parametrize(
    ("capacity", "parallel"), [(Capacity.BATCH, False), (Capacity.BATCH, True), (Capacity.SERIAL, False)]
)


@CAPACITIES
def test_two_failures_prove_it_without_history(
    tmp_path: Path, clock: Clock, capacity: Capacity, parallel: bool
) -> None:
    """One at a time, two in all, on every system; and the verdict says what that is worth."""
    site = Site(tmp_path, clock, MemoryCI(capacity=capacity, parallel=parallel), NO_HISTORY)
    site.hear(failure())

    assert site.live(*["failure"] * 9) == [1, 1]

    assert (site.claim.state, site.claim.cause, site.claim.asked) == (ClaimState.DONE, Cause.FAILURE, 2)
    assert site.claim.note == "no more runs are needed: fails every time; 4 % that it is intermittent"
    assert site.why().partition("; no line tells")[0] == "fails every time; 4 % that it is intermittent"
    assert [count for _, count in site.decisions()] == [1, 1]
    assert site.decisions()[0][0].endswith("50 % that it is intermittent; at most 4 further runs")
    assert site.decisions()[1][0] == "15 % that it is intermittent; asked for 1 of at most 4 further runs"


@CAPACITIES
def test_a_pass_ends_it(tmp_path: Path, clock: Clock, capacity: Capacity, parallel: bool) -> None:
    """On every system, also where a number could be asked for."""
    site = Site(tmp_path, clock, MemoryCI(capacity=capacity, parallel=parallel), NO_HISTORY)
    site.hear(failure())

    assert site.live("success") == [1]

    assert (site.claim.state, site.claim.asked, site.claim.weight) == (ClaimState.DONE, 1, None)
    assert site.claim.note == "no more runs are needed: it passed"
    assert site.why().startswith("failed 1 and passed 1 of 2")


@pytest.mark.parametrize(("capacity", "sizes"), [(Capacity.BATCH, [2, 1, 1]), (Capacity.SERIAL, [1, 1, 1, 1])])
def test_what_is_often_intermittent_is_not_proved(
    tmp_path: Path, clock: Clock, capacity: Capacity, sizes: list[int]
) -> None:
    """The cap ends it; where a CI takes a number, the first wave is of two."""
    site = Site(tmp_path, clock, MemoryCI(capacity=capacity), OFTEN)
    site.hear(failure())

    assert site.live(*["failure"] * 9) == sizes

    assert (
        site.why().partition("; no line tells")[0] == "failed 5 of 5, not proved: this job fails so at 55 % of pushes"
    )
    assert (site.claim.state, site.claim.asked) == (ClaimState.DONE, 4)


def test_one_is_enough_where_it_never_was(tmp_path: Path, clock: Clock) -> None:
    """One failure is not every time, however sure."""
    site = Site(tmp_path, clock, MemoryCI(), NEVER)
    site.hear(failure())

    assert site.live(*["failure"] * 9) == [1]

    assert site.why().partition("; no line tells")[0] == "fails every time; less than 1 % that it is intermittent"


def test_a_build_runs_again_once(tmp_path: Path, clock: Clock) -> None:
    """Few recover."""
    site = Site(tmp_path, clock, MemoryCI(), OFTEN)
    site.hear(failure(kind=Kind.BUILD))

    assert site.live(*["failure"] * 9) == [1]

    assert (
        site.why().partition("; no line tells")[0] == "failed 2 of 2, not proved: this job fails so at 55 % of pushes"
    )


def test_what_proves_nothing_is_made_up_for(tmp_path: Path, clock: Clock) -> None:
    """Errors of the CI and cancelled runs weigh nothing, but count for what may be asked for."""
    site = Site(tmp_path, clock, MemoryCI(), NO_HISTORY)
    site.hear(failure())

    assert site.live("infra", "cancelled", "failure", "infra") == [1, 1, 1, 1]

    assert site.claim.note == (
        "no more runs are needed: failed 2 of 2, not proved: too little is known of how often this job is intermittent"
    )


def test_nothing_but_errors_of_the_ci(tmp_path: Path, clock: Clock) -> None:
    """Nothing is claimed of a failure that was never repeated."""
    site = Site(tmp_path, clock, MemoryCI(), NO_HISTORY)
    site.hear(failure())

    assert site.live(*["infra"] * 9) == [1, 1, 1, 1]

    assert site.claim.note == "no more runs are needed: 4 further runs proved nothing"
    assert site.why() == "failed once; not settled: all 4 retriggers met infrastructure errors"


def test_runs_of_others_are_weighed(tmp_path: Path, clock: Clock) -> None:
    """Somebody ran it again meanwhile, and waits for nothing more than that."""
    site = Site(tmp_path, clock, MemoryCI(), NO_HISTORY)
    site.hear(failure())
    site.world.pass_time(60)
    site.hear(failure(run_id="click", time=clock()))

    assert site.live("failure", "failure") == [1]
    assert (site.claim.state, site.claim.asked) == (ClaimState.DONE, 1)
    assert site.why().startswith("fails every time; 4 %")


def test_runs_that_there_are_already_may_be_enough(tmp_path: Path, clock: Clock) -> None:
    """Three failures, or a pass, before anything is decided."""
    for number, result in enumerate(("failure", "success")):
        path = tmp_path / str(number)
        path.mkdir()
        site = Site(path, clock, MemoryCI(), NO_HISTORY)
        runs = [replace(failure(run_id=str(one)), result=Result(result) if one else Result.FAILURE) for one in range(3)]
        site.ci.put(*runs)
        site.world.hear(*runs)

        assert site.live() == []
        assert site.claim.refusal is Refusal.ENOUGH_RUNS
        assert ("fails every time" if number == 0 else "it is intermittent") in site.claim.note


def test_a_restart_between_waves_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    """What was asked for is known, and so is what came of it."""
    site = Site(tmp_path, clock, MemoryCI(), OFTEN)
    site.hear(failure())
    sizes = []
    for _ in range(6):
        site.world.pass_time(60)
        site.world.close()
        site.world = site.world.again()
        sizes.append(site.end(*["failure"] * 9))
    site.world.pass_time(60)

    assert sizes == [2, 1, 1, 0, 0, 0]
    assert (site.claim.state, site.claim.asked) == (ClaimState.DONE, 4)


def test_another_process_has_decided_on_the_wave(tmp_path: Path, clock: Clock) -> None:
    """The second to say so changes nothing."""
    site = Site(tmp_path, clock, MemoryCI(), OFTEN)
    site.hear(failure())
    site.world.pass_time(60)
    claim, weight = site.claim, UntilProved().weigh(OFTEN, 2)

    again = site.world.store.claims.further(claim, 1, weight, "why", clock())

    assert again is not None
    assert (again.wanted, again.asked) == (3, 2)
    assert site.world.store.claims.further(claim, 1, weight, "why", clock()) is None


@pytest.mark.parametrize("answer", [Later("busy", 60.0), Unknown("who knows"), Refused("too old")])
def test_a_second_wave_that_is_not_taken(tmp_path: Path, clock: Clock, answer: object) -> None:
    """Later, in doubt, or never: never twice."""
    site = Site(tmp_path, clock, MemoryCI(), NO_HISTORY)
    site.hear(failure())
    site.world.pass_time(60)
    site.ci.answers = [answer]

    site.end("failure")
    for _ in range(40):
        site.world.pass_time(60)
        site.end("failure")

    refused = isinstance(answer, Refused)
    assert (site.claim.state, site.claim.asked) == (ClaimState.DONE, 1 if refused else 2)
    assert len(site.ci.runs[PUSH]) == (2 if refused else 3)


def test_a_number_stays_a_number(tmp_path: Path, clock: Clock) -> None:
    """What was decided by evidence goes on as it was where the rule says a number by now; and the other way round."""
    site = Site(tmp_path, clock, MemoryCI(), OFTEN)
    site.hear(failure())
    site.world.pass_time(60)
    site.world = site.world.again(rules=[Rule(Globs(["try"]))])

    assert site.live(*["failure"] * 9) == [2]
    assert site.claim.state is ClaimState.DONE


def test_dry_run_decides_on_the_first_wave(tmp_path: Path, clock: Clock) -> None:
    """And says how far it may go; what would come of it nobody knows."""
    site = Site(tmp_path, clock, MemoryCI(), OFTEN)
    site.world = site.world.again(dry=True)
    site.hear(failure())
    site.world.pass_time(60)

    assert (site.claim.state, site.claim.wanted) == (ClaimState.WOULD, 2)
    assert site.decisions()[0][0].endswith("at most 4 further runs")


@pytest.mark.parametrize("listed", [True, False])
def test_a_run_that_does_not_end_is_not_awaited_for_ever(tmp_path: Path, clock: Clock, listed: bool) -> None:
    """After a day the claim ends, and says why."""
    site = Site(tmp_path, clock, MemoryCI(makes_runs=listed), NO_HISTORY)
    site.hear(failure())
    site.world.pass_time(30 * 3600, every=600)

    why = "has not ended within a day" if listed else "never showed up"
    assert (site.claim.state, site.claim.note) == (ClaimState.DONE, f"the run that was asked for {why}")
    assert site.ci.looks < 200


def test_a_run_of_a_batch_is_weighed_when_it_ends(tmp_path: Path, clock: Clock) -> None:
    """Though the batch, such as a task group, goes on: what can be asked for at any time does not wait for it."""
    site = Site(tmp_path, clock, MemoryCI(), NO_HISTORY)
    site.hear(failure(batch="group"))
    site.world.drain()

    sizes = []
    for _ in range(3):
        site.world.drain()
        clock.move(1)
        sizes.append(site.end(*["failure"] * 9))

    assert sizes == [1, 1, 0]
    assert site.claim.state is ClaimState.DONE


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        (["success"], "1 further run, because a run of it failed; no more were needed: it passed."),
        (
            ["failure"] * 9,
            "2 further runs, because a run of it failed; no more were needed: fails every time; 4 % that it ",
        ),
    ],
)
def test_the_page_says_what_ended_it(tmp_path: Path, clock: Clock, ends: list[str], says: str) -> None:
    """With the chance that it is intermittent all the same."""
    site = Site(tmp_path, clock, MemoryCI(), NO_HISTORY)
    site.hear(failure())
    site.live(*ends)
    record = site.world.store.pushes.record(PUSH)
    assert record is not None

    judged = Judge(site.world.store, clock, fresh=0.0).judge(record)
    [group] = push_view.groups(judged, record, site.world.store.pushes.timeline(PUSH), {})

    [decision] = group.together[0].first.decisions
    assert decision.text.startswith(says)
