"""Which push is the newest of its branch, and what ends because of it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.world import event, failure, push
from triggerbot.core import heads
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.heads import Told
from triggerbot.core.model import Batch, Head, HeadKind, PushFacts, Run, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.superseded import (
    SLACK,
    Branch,
    Newer,
    Superseded,
    ending,
    guarded,
    newer,
    of_heard,
    warning,
)

A, B, C = "a" * 40, "b" * 40, "c" * 40
PUSH = push(A, project="octo/app", branch="topic", system="gh")
OURS, THEIRS = Batch("7", "push", "ci.yml", fork=False), Batch("8", "pull_request", "ci.yml", fork=True)


def told(*said: tuple[str, str, float] | Head) -> list[Told]:
    """Keep what is said, as a store does: (kind, revision, at), or a head."""
    kept: dict[str, float] = {}
    for one in said:
        head = one if isinstance(one, Head) else said_of(one[0], one[1], one[2])
        for mark in heads.marks(head, 0.0):
            known = kept.get(mark.text, mark.at)
            kept[mark.text] = min(known, mark.at) if mark.least else max(known, mark.at)
    return [one for one in (heads.told(text, at) for text, at in kept.items()) if one is not None]


def said_of(kind: str, revision: str, at: float, **more: Any) -> Head:
    """Say something of the branch."""
    return Head("gh", "octo/app", "topic", HeadKind(kind), revision, at, **more)


def revision(*said: tuple[str, str, float] | Head, batch: Batch | None = OURS) -> str | None:
    """Return the commit that took the place of A: `None` if none did, `gone` if the branch is gone."""
    found = newer(PUSH, told(*said), batch)
    return None if found is None else found.revision or "gone"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], None),
        ([("pushed", A, 1.0)], None),
        ([("pushed", A, 1.0), ("pushed", B, 2.0)], B),
        ([("pushed", B, 2.0), ("pushed", A, 1.0)], B),
        ([("pushed", A, 3.0), ("pushed", B, 2.0)], None),
        ([("pushed", A, 1.0), ("pushed", B, 2.0), ("pushed", A, 3.0)], None),
        ([("pushed", A, 1.0), ("pushed", B, 2.0), ("pushed", C, 3.0)], C),
        # What is not known of A itself proves nothing, and what was at the same moment cannot be told apart.
        ([("pushed", B, 2.0)], None),
        ([("pushed", A, 2.0), ("pushed", B, 2.0)], None),
        # By the runs alone; a rerun begins none, and a later workflow run of an older commit may be late.
        ([("ran", A, 1.0), ("ran", B, 2.0)], B),
        ([("ran", A, 1.0), ("ran", B, 2.0), ("ran", A, 2.0 + SLACK / 2)], B),
        ([("ran", A, 1.0), ("ran", B, 2.0), ("ran", A, 3.0 + SLACK)], None),
        ([("pushed", A, 1.0), ("ran", A, 5.0), ("pushed", B, 4.0)], B),
        ([("pushed", B, 100.0), ("ran", A, 99.0)], B),
        # A deleted branch, and one that was made again.
        ([("pushed", A, 1.0), ("gone", "", 2.0)], "gone"),
        ([("pushed", A, 1.0), ("gone", "", 1.0)], "gone"),
        ([("gone", "", 2.0)], "gone"),
        ([("pushed", A, 1.0), ("gone", "", 2.0), ("pushed", A, 3.0)], None),
        ([("pushed", A, 1.0), ("gone", "", 2.0), ("pushed", B, 3.0)], B),
        # An entry of a merge queue takes its own commit along, and no other.
        ([("ran", A, 1.0), ("gone", A, 2.0)], "gone"),
        ([("ran", A, 1.0), ("gone", B, 2.0)], None),
        ([("ran", A, 1.0), ("gone", A, 2.0), ("pushed", A, 3.0)], None),
        ([("default", "", 5.0), ("pushed", A, 1.0)], None),
    ],
)
def test_the_newest_commit_of_a_branch(said: list[tuple[str, str, float]], expected: str | None) -> None:
    """In whatever order it is told."""
    assert revision(*said) == expected
    assert revision(*reversed(said)) == expected
    assert revision(*said, batch=None) == expected


def test_a_forks_branch_is_another() -> None:
    """It may have the name of one in the project, and the same commit; several forks may have it."""
    own = [said_of("ran", A, 1.0), said_of("ran", B, 2.0)]
    fork = [said_of("ran", A, 1.0, fork="Else/App")]
    assert revision(*own, *fork) == B
    assert revision(*own, *fork, batch=THEIRS) is None
    newest = said_of("ran", C, 3.0, fork="else/app")
    assert revision(*own, *fork, newest, batch=THEIRS) == C
    assert revision(*own, *fork, newest) == B
    other = said_of("ran", A, 9.0, fork="third/app")
    assert revision(*own, *fork, newest, other, batch=THEIRS) is None, "the other fork may be meant"
    assert revision(*own, batch=THEIRS) is None, "nothing is known of the fork"


def test_a_closed_pull_request() -> None:
    """Nobody waits for its runs; those of the push are another matter. It may be opened again."""
    pull = replace(THEIRS, fork=False)
    pushed = ("pushed", A, 1.0)
    closed = said_of("closed", "", 2.0, detail="12")
    assert newer(PUSH, told(pushed, closed), pull) == Newer("", "its pull request #12 was closed")
    assert revision(pushed, closed) is None
    assert revision(pushed, closed, said_of("opened", "", 3.0, detail="12"), batch=pull) is None
    assert revision(pushed, closed, said_of("opened", "", 1.0, detail="12"), batch=pull) == "gone"
    assert revision(pushed, closed, said_of("opened", "", 1.0, detail="13"), batch=pull) is None, "another is open"
    assert revision(pushed, replace(closed, fork="else/app"), batch=pull) is None


@pytest.mark.parametrize(
    ("cancelled", "source", "expected"),
    [(110.0, "ci.yml", True), (95.0, "ci.yml", True), (300.0, "ci.yml", False), (110.0, "other.yml", False)],
)
def test_a_guarded_branch(cancelled: float, source: str, expected: bool) -> None:
    """Runs of an older commit were cancelled when those of a newer one began: by the group, not by a person."""
    said = told(("ran", A, 1.0), ("ran", B, 100.0), said_of("cancelled", A, cancelled, detail=source))
    assert guarded(said, OURS) is expected
    newest = told(("ran", A, 1.0), ("ran", B, 100.0), said_of("cancelled", B, 110.0, detail="ci.yml"))
    assert not guarded(newest, OURS)


@pytest.mark.parametrize(
    ("branch", "skips"),
    [
        (Branch(None, pulls=True, default=False), True),
        (Branch(None, pulls=True, default=True), False),
        (Branch(None, pulls=True, default=True, guarded=True), True),
        (Branch(None, pulls=False, default=False), False),
        (Branch(True, pulls=False, default=True), True),
        (Branch(False, pulls=True, default=False, guarded=True), False),
    ],
)
def test_where_superseded_pushes_are_left_alone(branch: Branch, skips: bool) -> None:
    """As the rule says, or else where there are pull requests, outside a default branch that is not guarded."""
    assert branch.skips is skips


def test_a_rule_says_it_by_branch() -> None:
    """By patterns, in the case in which branches are written; to retrigger goes first."""
    said = Superseded(skip=Globs(["*"]), retrigger=Globs(["Release/*"]))
    assert [said.skips(one) for one in ("topic", "Release/1", "release/1")] == [True, False, True]
    assert Superseded().skips("topic") is None


def test_what_ends() -> None:
    """What nobody waits for any more; what a person asks for never does."""
    run = Run("job", "1", 1, State.FINISHED, None)
    claim = Claim(1, PUSH, "job", ClaimState.OWED, run, dry=False, created=0.0, due=0.0)
    newest = Newer(B, "why")
    found = [
        ending(claim, newest, skips=True, stopped=True),
        ending(claim, None, skips=True, replaced="9", stopped=True),
        ending(claim, newest, skips=False, stopped=True),
    ]
    assert [one and one.refusal for one in found] == [Refusal.SUPERSEDED, Refusal.SUPERSEDED, Refusal.CANCELLED]
    assert ending(claim, newest, skips=False) is None
    assert ending(claim, None, skips=True) is None
    assert ending(replace(claim, origin="me"), newest, skips=True, replaced="9", stopped=True) is None


def test_a_person_is_warned() -> None:
    """With the newer commit, and what a rerun may do to its CI."""
    assert warning(None) == ""
    assert warning(Newer("", "its branch was deleted")) == "this push is superseded: its branch was deleted"
    assert "may cancel its CI" in warning(Newer(B, "the newest commit of topic is bbbb"))


def test_where_the_ci_tells_nothing_of_branches() -> None:
    """The newest push counts by its time, if the rule wants superseded ones skipped."""
    skip = Superseded(skip=Globs(["*"]))
    facts = PushFacts(PUSH, time=5.0)
    assert of_heard(skip, facts) == said_of("pushed", A, 5.0)
    assert of_heard(skip, failure(push=PUSH, time=9.0, started=7.0)) == said_of("seen", A, 7.0)
    assert of_heard(skip, failure(push=PUSH, time=9.0)) == said_of("seen", A, 9.0)
    for nothing in (PushFacts(PUSH), event(push=PUSH), failure(push=PUSH, time=9.0, per_batch=True)):
        assert of_heard(skip, nothing) is None
    assert of_heard(Superseded(), facts) is None


def test_marks_are_read_as_they_were_kept() -> None:
    """Whatever is in a name; one of a later version is left alone."""
    strange = said_of("cancelled", A, 2.0, fork="x\x1fy", detail="a\0b\x1fc")
    [one] = told(strange)
    assert one == Told(HeadKind.CANCELLED, "x y", A, "ab c", 2.0)
    assert heads.told("later\x1f\x1f\x1f", 1.0) is None
    assert heads.told("", 1.0) is None
    assert heads.marks(said_of("gone", "", 2.0), 9.0)[0].at == 2.0
    assert heads.marks(replace(said_of("gone", "", 2.0), at=None), 9.0)[0].at == 9.0
