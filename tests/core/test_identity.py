"""Whose run it is: keys, names, and which jobs count."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.world import event
from triggerbot.core import identity
from triggerbot.core.identity import Kept
from triggerbot.core.model import Batch, Result, Run, RunKey, State

CI, DOCS = identity.key("CI / test", "7"), identity.key("CI / docs", "7")


def named(*jobs: str, **batches: Batch) -> list[str]:
    """Name jobs; batches are given by their ids after a b."""
    told = {name[1:]: one for name, one in batches.items()}
    found = identity.names(jobs, told)
    return [found.get(job, job) for job in jobs]


def test_keys() -> None:
    """A key says the name that a job has at every push, and its batch; other names are their own keys."""
    assert (identity.base(CI), identity.batch_of(CI), identity.is_per_batch(CI)) == ("CI / test", "7", True)
    assert (identity.base("job"), identity.batch_of("job"), identity.is_per_batch("job")) == ("job", "", False)
    assert not identity.is_per_batch(identity.clean("a\x1db"))
    assert (identity.label(CI), identity.label(CI, "push")) == ("CI / test", "CI / test (push)")
    assert identity.label("job", "push") == "job"


@pytest.mark.parametrize(
    ("jobs", "batches", "expected"),
    [
        (["job"], {}, ["job"]),
        ([CI], {}, ["CI / test"]),
        ([CI, DOCS], {"b7": Batch("7", "push")}, ["CI / test (push)", "CI / docs (push)"]),
        (
            [CI, identity.key("CI / test", "10")],
            {"b7": Batch("7", "push"), "b10": Batch("10", "push")},
            ["CI / test (push), workflow run 7", "CI / test (push)"],
        ),
        (
            [CI, identity.key("CI / test", "10")],
            {"b7": Batch("7", "push", "a.yml"), "b10": Batch("10", "push", "b.yml")},
            ["CI / test (push) [a.yml]", "CI / test (push) [b.yml]"],
        ),
        ([CI, f"{CI}\x1d12", f"{CI}\x1d9"], {}, ["CI / test", "CI / test #3", "CI / test #2"]),
        ([CI, "CI / test"], {}, ["CI / test, workflow run 7", "CI / test"]),
    ],
)
def test_names(jobs: list[str], batches: dict[str, Batch], expected: list[str]) -> None:
    """As in GitHub's list of checks, with no more than is needed to tell jobs apart."""
    assert named(*jobs, **batches) == expected


_PARTS = st.sampled_from(["a", "a (push)", "b"])
_BATCHES = st.sampled_from(["1", "2", "10", "x"])


@given(
    st.lists(st.tuples(_PARTS, st.none() | _BATCHES, st.sampled_from(["", "3", "20"])), unique=True),
    st.dictionaries(
        _BATCHES,
        st.builds(Batch, st.just(""), st.sampled_from([None, "push"]), st.sampled_from([None, "a.yml", "b.yml"])),
    ),
)
def test_no_two_jobs_are_called_the_same(parts: list[tuple[str, str | None, str]], told: dict[str, Batch]) -> None:
    """Whatever their names, batches and files."""
    keys = {name if batch is None else identity.key(name, batch) + (f"\x1d{twin}" if twin else "")
            for name, batch, twin in parts}  # fmt: skip
    found = identity.names(keys, told)
    called = [found.get(key, key) for key in keys]
    assert len(set(called)) == len(keys)
    assert not any(map(identity.is_per_batch, called))


def kept(job: str, run: str, attempt: int = 1, *, batch: str = "7", failed: bool = True) -> Kept:
    """A run as it is kept."""
    return Kept(job, RunKey(run, attempt), batch, failed)


@pytest.mark.parametrize(
    ("run", "attempt", "known", "expected"),
    [
        ("1", 1, [], CI),
        ("1", 1, [kept(CI, "1")], CI),
        ("2", 2, [kept(CI, "1")], CI),
        ("1", 1, [kept(CI, "2", 2)], CI),
        ("2", 1, [kept(CI, "1")], f"{CI}\x1d2"),
        ("2", 1, [kept(CI, "1"), kept(f"{CI}\x1d2", "2")], f"{CI}\x1d2"),
        ("3", 2, [kept(CI, "1", failed=False), kept(f"{CI}\x1d2", "2")], f"{CI}\x1d2"),
        ("3", 2, [kept(CI, "1", failed=False), kept(f"{CI}\x1d2", "2", failed=False)], CI),
        ("4", 2, [kept(CI, "1"), kept(CI, "3", 2), kept(f"{CI}\x1d2", "2")], f"{CI}\x1d2"),
        ("2", 2, [kept("CI / test", "1")], "CI / test"),
        ("2", 1, [kept("CI / test", "1", batch="6")], CI),
        ("2", 1, [kept(identity.key("CI / test", "77"), "1", batch="77")], CI),
    ],
)
def test_place(run: str, attempt: int, known: list[Kept], expected: str) -> None:
    """Attempts of a batch are of one job; two of one attempt never are; what was kept stays where it is."""
    one = event("CI / test", run, attempt=attempt, batch="7", per_batch=True, result="failure")
    assert identity.place(one, known) == expected


def test_place_of_others() -> None:
    """Where a CI has batches that share their jobs, the name is all."""
    assert identity.place(event("job", "2", batch="7"), [kept("job", "1")]) == "job"


def run(result: str = "success", attempt: int = 1, **more: Any) -> Run:
    """A finished run."""
    return Run("", "1", attempt, State.FINISHED, Result(result), **more)


def test_the_newest_counts() -> None:
    """Of the same event, file and fork, unless it was skipped; what is not known to be the same counts beside it."""
    newer = identity.key("CI / test", "10")
    same = {"7": Batch("7", "push", "a.yml", fork=False), "10": Batch("10", "push", "a.yml", fork=False)}
    assert identity.replaced({CI: [run("failure")], newer: [run()]}, same) == {CI}
    assert identity.replaced({CI: [run("failure")], newer: [run("skipped")]}, same) == set()
    assert identity.replaced({CI: [run("failure")], newer: []}, {}) == set()
    for other in (Batch("10", "schedule", "a.yml", fork=False), Batch("10", "push", "b.yml", fork=False),
                  Batch("10", "push", "a.yml", fork=True), Batch("10", None, "a.yml", fork=False)):  # fmt: skip
        assert identity.replaced({CI: [run("failure")], newer: [run()]}, same | {"10": other}) == set()


def test_forks_beside_the_project() -> None:
    """They are set aside only where the project itself ran something for the same commit and branch."""
    other = identity.key("CI / test", "10")
    told = {"7": Batch("7", fork=True), "10": Batch("10", fork=False)}
    assert identity.of_others([CI, other], told) == {CI}
    assert identity.of_others([CI], told) == identity.of_others([CI, other], {"7": told["7"]}) == set()


def test_mixed() -> None:
    """Jobs that share their name: with further runs nothing is certain, unless all passed in one attempt."""
    twin = f"{CI}\x1d2"
    assert identity.mixed({CI: [run("failure")], twin: [run()]}) == set()
    assert identity.mixed({CI: [run("failure"), run(attempt=2)], twin: [run()]}) == {CI}
    assert identity.mixed({CI: [run("failure"), run(attempt=2)], twin: [run(), run(attempt=2)]}) == set()
    assert identity.mixed({CI: [run("failure"), run(attempt=2)], DOCS: [run()]}) == set()


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("failure", "push"), ("success", "pull_request")], True),
        ([("failure", "push"), ("success", "pull_request"), ("success", "push")], False),
        ([("failure", "push"), ("success", "push")], False),
        ([("failure", None), ("success", "push")], False),
        ([("failure", None), ("success", None), ("success", "push"), ("success", "cron")], True),
        ([("failure", "push"), ("failure", "cron")], False),
    ],
)
def test_runs_of_different_events(runs: list[tuple[str, str | None]], expected: bool) -> None:
    """A pass of one event says nothing of the failure of another, nor does one of an event that is not told."""
    assert identity.differ([run(result, event=made_by) for result, made_by in runs]) is expected


def test_what_a_run_repeats_is_certain() -> None:
    """The CI says which run it repeats: so it goes to that one's job, and nothing is mixed by it."""
    twin = f"{CI}\x1d2"
    again = run(attempt=2, retrigger_of="1")
    assert identity.mixed({CI: [run("failure"), again], twin: [run("failure")]}) == set()
    assert identity.mixed({CI: [run("failure"), again, run(attempt=3)], twin: [run()]}) == {CI}
    known = [kept(CI, "1", failed=True), kept(twin, "2", failed=True)]
    for repeats, job in (("1", CI), ("2", twin), ("9", CI), (None, CI)):
        one = event("CI / test", "3", attempt=2, batch="7", per_batch=True, result="success", retrigger_of=repeats)
        assert identity.place(one, known) == job
