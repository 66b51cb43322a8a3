"""The search for who broke a job: it ends at the planted push, and names nobody where runs contradict each other."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.branch import backfill
from triggerbot.core.branch.backfill import Conclusion, Found, Place, RunAt, Tried, Wait
from triggerbot.core.branch.cells import CellKind

_LETTERS = {kind.letter: kind for kind in CellKind}
_TRIED = {"x": Tried.YES, "d": Tried.WOULD}


def row(letters: str) -> list[Place]:
    """Make a row, oldest first: by the letters of cells; at `x` it could not be run, at `d` it would be."""
    return [
        Place(f"r{at}", _LETTERS.get(letter, CellKind.NOT_RUN), _TRIED.get(letter, Tried.NO))
        for at, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("SF", Conclusion(Found.FIRST_BAD, "r1", "r1", "r0")),
        ("S?F", RunAt(("r1",))),
        ("S???F", RunAt(("r2",))),
        ("S??F", RunAt(("r1",))),
        ("S?P?F", Wait(("r2",))),
        ("S?A?F", Wait(("r2",))),
        ("SKCXF", RunAt(("r2",))),
        ("S?F?F", RunAt(("r1",))),
        ("SPSF", Conclusion(Found.FIRST_BAD, "r3", "r3", "r2")),
        ("S?x?F", RunAt(("r1",))),
        ("SxxxF", Conclusion(Found.RANGE, "r1", "r4", "r0", unable=3)),
        ("S?SFF", Conclusion(Found.FIRST_BAD, "r3", "r3", "r2")),
        ("SxFF", Conclusion(Found.RANGE, "r1", "r2", "r0", unable=1)),
        ("SIF", Conclusion(Found.INTERMITTENT, last="r1")),
        ("SF?SF", Conclusion(Found.INTERMITTENT, last="r3")),
        ("S?d?F", Conclusion(Found.WOULD, last="r2")),
        ("F", Conclusion(Found.NO_GOOD, "r0", "r0")),
        ("??F", RunAt(("r0",))),
        ("xxF", Conclusion(Found.NO_GOOD, "r2", "r2")),
        ("S?S", Conclusion(Found.NOTHING, good="r2")),
        ("", Conclusion(Found.NOTHING)),
    ],
)
def test_one_step(letters: str, expected: backfill.Step) -> None:
    """What is known decides."""
    assert backfill.step(row(letters), most=9) == expected


def test_a_limit_ends_it() -> None:
    """What was not run for its sake is told apart from what could not be run."""
    ended = backfill.step(row("S?x?F"), most=0)
    assert ended == Conclusion(Found.RANGE, "r1", "r4", "r0", unable=1, left=2)
    assert ended.words() == "r1..r4, of which 1 could not be run and 2 were not run"
    assert backfill.step(row("S?????F"), most=1, at_once=3) == RunAt(("r3",))


def test_several_at_once_divide_the_range() -> None:
    """Into parts as equal as the pushes allow."""
    assert backfill.step(row("S????????F"), most=9, at_once=2) == RunAt(("r3", "r6"))
    assert backfill.step(row("S?F"), most=9, at_once=2) == RunAt(("r1",))


def test_words() -> None:
    """One sentence each."""
    assert Conclusion(Found.FIRST_BAD, "a" * 40, "a" * 40).words("dev") == f"first bad: {'a' * 12} by dev"
    assert Conclusion(Found.FIRST_BAD, "a", "a").words() == "first bad: a by an unknown author"
    assert Conclusion(Found.RANGE, "a", "b", unable=3).words() == "a..b, of which 3 could not be run"
    assert Conclusion(Found.INTERMITTENT).words("dev") == "intermittent: nobody is named"
    assert "nobody is named" in Conclusion(Found.NO_GOOD, "a", "a").words("dev")
    assert "dev" not in Conclusion(Found.NOTHING, good="a").words("dev")
    assert (
        backfill.start_words(row("S??F")) == "fails since r3, and passed last at r0; 2 pushes in between prove nothing"
    )
    assert backfill.start_words(row("S?F")).endswith("1 push in between proves nothing")
    assert backfill.start_words(row("SS")) == ""
    assert backfill.gaps(row("S?x?F")) == 2
    assert backfill.gaps(row("S?I?F")) == 0


@given(
    number=st.integers(2, 60),
    data=st.data(),
    at_once=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_search_ends_and_names_only_whom_it_proves(
    number: int, data: st.DataObject, at_once: int, seed: int
) -> None:
    """For every planted first bad push, whatever cannot be run, and with late pushes, and if a job wavers."""
    bad = data.draw(st.integers(1, number - 1), "first bad")
    unable = data.draw(st.sets(st.integers(1, number - 1)), "cannot be run") - {number - 1}
    wavers = data.draw(st.sets(st.integers(1, number - 2), max_size=2) if number > 2 else st.just(set()), "wavers")
    most = data.draw(st.integers(0, number), "limit")
    chance = random.Random(seed)
    places = [Place(f"r{at}", CellKind.NOT_RUN) for at in range(number)]
    places[0], places[-1] = replace(places[0], cell=CellKind.PASSED), replace(places[-1], cell=CellKind.FAILED)
    asked: list[str] = []
    seen_wavering = False
    for _ in range(4 * number + 4):
        done = backfill.step(places, most - len(asked), at_once)
        if isinstance(done, Conclusion):
            break
        if isinstance(done, Wait):
            # What was asked for ends in any order, some of it later.
            revision = chance.choice(done.revisions)
            at = int(revision[1:])
            seen_wavering = seen_wavering or (at in wavers and at not in unable)
            cell = CellKind.INTERMITTENT if at in wavers else CellKind.FAILED if at >= bad else CellKind.PASSED
            ended = Place(revision, cell, Tried.YES)
            places[at] = Place(revision, CellKind.INFRA, Tried.YES) if at in unable else ended
            continue
        assert 1 <= len(done.revisions) <= at_once
        for revision in done.revisions:
            assert revision not in asked
            asked.append(revision)
            places[int(revision[1:])] = Place(revision, CellKind.PENDING, Tried.YES)
    else:
        raise AssertionError("it does not end")
    assert len(asked) <= most
    if seen_wavering:
        assert done.found is Found.INTERMITTENT
        return
    assert done.found in (Found.FIRST_BAD, Found.RANGE)
    first, last = int(done.first[1:]), int(done.last[1:])
    assert first <= bad <= last
    assert (done.found is Found.FIRST_BAD) is (first == last)
    if not unable and not wavers and most >= number:
        assert (done.found, last) == (Found.FIRST_BAD, bad)
        if at_once == 1:
            assert len(asked) <= max(1, (number - 1).bit_length())
    assert done.unable + done.left == last - first if done.found is Found.RANGE else done.unable == 0


@pytest.mark.parametrize(
    ("letters", "at", "expected"),
    [
        ("SS??FF", "", "S??F"),
        ("S??F?FP?", "", "S??F"),
        ("S?F?S", "", ""),
        ("S?FSSF", "r2", "S?F"),
        ("S?FSSF", "r3", ""),
        ("S?FSSF", "r1", ""),
        ("??FF", "", "??F"),
        ("SI?F", "", "I?F"),
        ("S?F", "r9", ""),
        ("", "", ""),
    ],
)
def test_what_a_search_goes_over(letters: str, at: str, expected: str) -> None:
    """From the last push at which it passed to the first of the streak."""
    found = backfill.beginning(row(letters), at)
    assert "".join(one.cell.letter for one in found) == expected
    if found:
        assert backfill.between(row(letters), found[0].revision, found[-1].revision) == found
    assert backfill.between(row("S?F"), "gone", "r2") == row("S?F")
    assert backfill.between(row("S?F"), "r0", "gone") == []


def test_what_takes_too_long_ends_with_what_is_known() -> None:
    """What was waited for could not be run."""
    ended = backfill.step(row("S?P?F"), most=9, over=True)
    assert ended == Conclusion(Found.RANGE, "r1", "r4", "r0", unable=1, left=2)
