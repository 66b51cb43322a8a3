"""Finding who broke a job: it is run at pushes of the branch that did not run it, and what that proves names one."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event
from triggerbot.core.branch.backfill import Conclusion, Found
from triggerbot.core.claim import Claim
from triggerbot.core.model import Event, Push, PushFacts, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.branches import backfills
from triggerbot.reports.branches.backfills import Asked, Backfiller
from triggerbot.store import BackfillSearch
from triggerbot.store.memory import Memory
from triggerbot.systems.answers import Accepted, Refused, Unknown

RULE = Rule(Globs(["try"]), retries=2)
PLACE = ("ci", "try", "main")
#: How a job ends at a push, by the number of the push and of the run there.
Outcome = Callable[[int, int], str]


class Branch:
    """Pushes of a branch, and a CI that carries out what it is asked for."""

    def __init__(self, world: World, ci: MemoryCI, letters: str, outcome: Outcome) -> None:
        self.world = world
        self.ci = ci
        self.outcome = outcome
        self.pushes = [Push("ci", "try", "main", f"{number:040x}") for number in range(len(letters))]
        self.backfiller = self.restart()
        self.publisher = world.publisher()
        for number, (where, letter) in enumerate(zip(self.pushes, letters, strict=True)):
            facts = PushFacts(where, "", f"dev{number}", float(100 + 100 * number))
            ci.facts[where] = facts
            ci.put(event("other", f"o{number}", push=where, result="success"))
            heard = [facts, event("other", f"o{number}", push=where, result="success")]
            result = {"S": "success", "F": "failure", "C": "cancelled"}.get(letter)
            if result is not None:
                run = event("job", f"r{number}", push=where, result=result, time=float(100 + 100 * number))
                ci.put(run)
                heard.append(run)
            world.hear(*heard)
        self.settle()

    def restart(self) -> Backfiller:
        """Return the worker as a new process has it."""
        return Backfiller(self.world.store, self.world.rules, clock=self.world.clock, metrics=self.world.metrics)

    def ask(self, by: str = "ann") -> Asked:
        """Ask who broke the job."""
        rule, now = self.world.rules[0], self.world.clock()
        return backfills.ask(self.world.store, rule, PLACE, "job", now, by=by, dry=self.world.dry)

    def end_runs(self) -> None:
        """End what the CI runs."""
        for number, where in enumerate(self.pushes):
            own = [one for one in self.ci.runs[where].values() if one.job == "job"]
            for at, run in enumerate(own):
                if run.state is not State.FINISHED:
                    ended: Event = event(
                        "job", run.run_id, push=where, result=self.outcome(number, at), retrigger_of=run.retrigger_of,
                        time=self.world.clock(),
                    )  # fmt: skip
                    self.ci.put(ended)
                    self.world.hear(ended)

    def settle(self) -> None:
        """Let everything happen that can."""
        for _ in range(8):
            self.world.drain()
            self.end_runs()
            self.world.publish(self.publisher)
        self.world.pass_time(70.0)

    def search(self) -> BackfillSearch:
        """Carry the search on to its end."""
        for _ in range(20):
            while self.backfiller.step():
                pass
            found = self.world.store.backfills.latest(PLACE, "job")
            assert found is not None
            if not found.is_open:
                return found
            self.settle()
        raise AssertionError(f"it does not end: {found}")

    def backfilled(self) -> list[int]:
        """Return at which pushes it was run for a search, in order."""
        claims = [
            (claim.created, number) for number, where in enumerate(self.pushes) for claim in self.claims(where)
            if claim.backfills
        ]  # fmt: skip
        return [number for _, number in sorted(claims)]

    def claims(self, where: Push) -> list[Claim]:
        """Return the claims of the job at a push."""
        record = self.world.store.pushes.record(where)
        assert record is not None
        return [claim for job in (*record.jobs, *record.unrun) if job.name == "job" for claim in job.claims]


MakeBranch = Callable[..., Branch]


@pytest.fixture
def make_branch(make_world: Callable[..., World], clock: Clock) -> MakeBranch:
    """Return what makes a branch in a world of its own."""

    def make(letters: str, outcome: Outcome, rule: Rule = RULE, **more: object) -> Branch:
        ci = MemoryCI()
        return Branch(make_world(ci, rules=(rule,), **more), ci, letters, outcome)

    return make


def broken_at(bad: int) -> Outcome:
    """Fail from a push on."""
    return lambda number, _: "failure" if number >= bad else "success"


@pytest.mark.parametrize("bad", [1, 2, 3, 4])
def test_the_first_bad_push_is_named(make_branch: MakeBranch, bad: int) -> None:
    """Of five pushes three did not run the job: it is run there, one at a time, and each failure is proved."""
    branch = make_branch("S???F", broken_at(bad))
    asked = branch.ask()
    since = f"fails since {branch.pushes[4].revision[:12]}, and passed last at {'0' * 12}"
    assert (asked.is_new, asked.words) == (True, f"{since}; 3 pushes in between prove nothing")
    found = branch.search()
    first_bad = branch.pushes[bad].revision
    assert found.conclusion == Conclusion(Found.FIRST_BAD, first_bad, first_bad, branch.pushes[bad - 1].revision)
    assert found.words == f"first bad: {first_bad[:12]} by dev{bad}"
    assert len(branch.backfilled()) == 2
    assert branch.backfilled()[0] == 2
    new = [one for one in branch.ci.asked if one.run_id == ""]
    assert [(one.job, one.count) for one in new] == [("job", 1)] * 2
    # What failed was run again like any failure, twice.
    for number in branch.backfilled():
        own = [one for one in branch.ci.runs[branch.pushes[number]].values() if one.job == "job"]
        assert len(own) == (3 if number >= bad else 1)
        record = branch.world.store.pushes.record(branch.pushes[number])
        assert record is not None
        assert record.spent == (2 if number >= bad else 1)


def test_nobody_is_named_where_it_is_intermittent(make_branch: MakeBranch) -> None:
    """Its retriggers pass."""
    branch = make_branch("S???F", lambda number, at: "failure" if at == 0 or number == 4 else "success")
    branch.ask()
    assert branch.search().words == "intermittent: nobody is named"
    assert branch.backfilled() == [2]


def test_where_it_cannot_be_run(make_branch: MakeBranch) -> None:
    """The CI refuses some, for good: the others narrow it down as far as they can."""
    branch = make_branch("S????F", broken_at(4))
    branch.ci.answers = [Refused("not here", healthy=True)]
    branch.ask()
    found = branch.search()
    assert found.conclusion is not None
    assert found.conclusion.found is Found.FIRST_BAD or found.conclusion.unable == 1
    assert branch.pushes.index(Push(*PLACE, found.conclusion.last)) == 4
    refused = [claim for where in branch.pushes for claim in branch.claims(where) if claim.refusal]
    assert [str(claim.refusal) for claim in refused] == ["refused_by_ci"]
    timeline = branch.world.store.pushes.timeline(branch.pushes[4], "job")
    assert f"who broke it: {found.words}" in [one.text for one in timeline if one.what == "note"]


def test_a_ci_that_cannot_run_it_at_all(make_branch: MakeBranch) -> None:
    """It says why, and nobody is named."""
    branch = make_branch("S??F", broken_at(2))
    branch.ci.no_first_runs = "this CI runs no job for the first time"
    branch.ask()
    first, last = branch.pushes[1].revision[:12], branch.pushes[3].revision[:12]
    assert branch.search().words == f"{first}..{last}, of which 2 could not be run"
    assert branch.ci.asked[-1].push == branch.pushes[3]
    notes = [one.text for one in branch.world.store.pushes.timeline(branch.pushes[1], "job")]
    assert any("this CI runs no job for the first time" in text for text in notes)


def test_what_was_cancelled_is_run_again(make_branch: MakeBranch) -> None:
    """By its run, as every retrigger."""
    branch = make_branch("SCF", broken_at(1))
    branch.ask()
    assert branch.search().words.endswith("by dev1")
    assert next(one.run_id for one in branch.ci.asked if one.push == branch.pushes[1]) == "r1"


def test_a_restart_runs_nothing_twice(make_branch: MakeBranch) -> None:
    """What was recorded is carried on by whoever comes next, also after a request whose answer was lost."""
    branch = make_branch("S???F", broken_at(3))
    branch.ci.answers = [Unknown("the answer was lost")]
    branch.ask()
    assert not branch.ask().is_new
    for _ in range(30):
        branch.backfiller = branch.restart()
        branch.backfiller.step()
        found = branch.world.store.backfills.latest(PLACE, "job")
        assert found is not None
        if not found.is_open:
            break
        branch.settle()
    assert found.words.endswith("by dev3")
    operations = [one.operation for one in branch.ci.asked if one.run_id == ""]
    assert len(set(operations)) == 2
    assert len(branch.backfilled()) == 2


def test_runs_that_came_meanwhile_are_not_asked_for(make_branch: MakeBranch) -> None:
    """The look-back before the request finds them."""
    branch = make_branch("S?F", broken_at(1))
    branch.ask()
    branch.backfiller.step()
    branch.ci.put(event("job", "theirs", push=branch.pushes[1], result="failure", time=5.0))
    assert branch.search().words.endswith("by dev1")
    assert not [one for one in branch.ci.asked if one.run_id == ""]
    (claim,) = [one for one in branch.claims(branch.pushes[1]) if one.backfills]
    assert str(claim.refusal) == "enough_runs"


def test_a_push_that_was_heard_of_late_takes_its_place(make_branch: MakeBranch) -> None:
    """Then the search goes on between the two that were neighbours."""
    branch = make_branch("S?F", broken_at(2))
    branch.ask()
    late = Push("ci", "try", "main", "f" * 40)
    facts = PushFacts(late, "", "late", 250.0)
    branch.ci.facts[late] = facts
    branch.ci.put(event("other", "o9", push=late, result="success"))
    branch.world.hear(facts, event("other", "o9", push=late, result="success"))
    branch.pushes.insert(2, late)
    found = branch.search()
    assert found.conclusion is not None
    assert found.words == f"first bad: {'f' * 12} by late"
    assert len(branch.backfilled()) == 2


def test_a_dry_run_says_what_it_would_do(make_branch: MakeBranch) -> None:
    """Nothing is sent, and nobody is named."""
    branch = make_branch("S???F", broken_at(2), dry=True)
    branch.ask()
    assert branch.search().words == (
        f"dry run: would be run at {branch.pushes[2].revision[:12]}; nothing is sent, so nobody is named"
    )
    assert branch.ci.asked == []


def test_what_needs_no_run_is_said_at_once(make_branch: MakeBranch) -> None:
    """And what does not fail, is not looked for."""
    assert make_branch("SF", broken_at(1)).ask().words == f"first bad: {1:040x}"[:23] + " by dev1"
    branch = make_branch("SFS", broken_at(9))
    assert branch.ask().words == (
        "job does not fail at the newest push of main at which that is known, so there is nobody to look for"
    )
    assert branch.world.store.backfills.latest(PLACE, "job") is None


def test_a_rule_begins_it_by_itself(make_branch: MakeBranch) -> None:
    """Once a streak shows that pushes did not run the job; at so many pushes, once for each streak."""
    branch = make_branch("S???FF", broken_at(1), replace(RULE, backfill_max=1))
    found = branch.search()
    assert (found.by, found.most) == ("", 1)
    assert found.words == f"{branch.pushes[1].revision[:12]}..{branch.pushes[2].revision[:12]}, of which 1 was not run"
    for number in (0, 1, 2, 4, 5):
        branch.world.store.reports.soon(branch.pushes[number], branch.world.clock())
    branch.settle()
    assert branch.world.store.backfills.latest(PLACE, "job") == found
    assert branch.backfilled() == [2]


def test_what_a_dry_run_would_have_done_is_done_later(make_branch: MakeBranch) -> None:
    """Once, as soon as the push is judged for real."""
    branch = make_branch("S?FF", broken_at(1), replace(RULE, backfill_max=3), dry=True)
    assert branch.search().words.startswith("dry run: would be run at")
    real = branch.world.again(dry=False)
    branch.world, branch.publisher = real, real.publisher()
    branch.backfiller = branch.restart()
    real.store.reports.soon(branch.pushes[3], real.clock())
    branch.settle()
    assert branch.search().words.endswith("by dev1")
    assert branch.backfilled() == [1, 1]
    real.close()


@pytest.mark.parametrize(("letters", "most"), [("S???FF", 0), ("S???F", 3), ("SFF", 3), ("???FF", 3)])
def test_a_rule_that_does_not_begin_it(make_branch: MakeBranch, letters: str, most: int) -> None:
    """Not by default, for one failure alone, where nothing is to be run, or where it never passed."""
    branch = make_branch(letters, broken_at(1), replace(RULE, backfill_max=most))
    assert branch.world.store.backfills.latest(PLACE, "job") is None


def test_the_budget_of_each_push_holds(make_branch: MakeBranch) -> None:
    """What it does not allow could not be run."""
    rule = replace(RULE, budget=replace(RULE.budget, percent=-1.0, floor=-1))
    branch = make_branch("S?F", broken_at(1), rule)
    branch.ask()
    assert branch.search().words.endswith("of which 1 could not be run")
    (claim,) = branch.claims(branch.pushes[1])
    assert str(claim.refusal) == "over_budget"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), number=st.integers(3, 9))
def test_whatever_happens_the_right_one_is_named_or_nobody(
    make_branch: MakeBranch, data: st.DataObject, number: int
) -> None:
    """Some pushes refuse it, some answers get lost, some jobs waver, and the process is killed at any time."""
    bad = data.draw(st.integers(1, number - 1), "first bad")
    waver = data.draw(st.none() | st.integers(1, number - 2), "wavers at")
    letters = "".join("S?C"[data.draw(st.integers(1, 2), "between")] for _ in range(number - 2))

    def outcome(where: int, at: int) -> str:
        if where == waver and at > (letters[where - 1] == "C"):
            return "failure" if at % 2 else "success"
        return "failure" if where >= bad else "success"

    branch = make_branch(f"S{letters}F", outcome, tables=Memory())
    lost = [Unknown("the answer was lost"), Refused("not here", healthy=True), Accepted()]
    branch.ci.answers = [*data.draw(st.lists(st.sampled_from(lost), max_size=4), "answers")]
    branch.ask()
    for _ in range(40):
        if data.draw(st.booleans(), "killed"):
            branch.backfiller = branch.restart()
        branch.backfiller.step()
        found = branch.world.store.backfills.latest(PLACE, "job")
        assert found is not None
        if not found.is_open:
            break
        branch.settle()
    assert found.conclusion is not None
    first = [one for one in branch.ci.asked if one.run_id == ""]
    assert len({(one.push, one.operation) for one in first}) == len({one.push for one in first})
    assert len(set(branch.backfilled())) == len(branch.backfilled()) <= found.most
    named = [branch.pushes.index(Push(*PLACE, one)) for one in (found.conclusion.first, found.conclusion.last) if one]
    match found.conclusion.found:
        case Found.FIRST_BAD:
            assert named == [bad, bad] or waver is not None
        case Found.RANGE:
            assert named[0] <= bad <= named[1] or waver is not None
        case Found.INTERMITTENT:
            assert waver is not None
        case other:
            raise AssertionError(other)
