"""Thousands of histories, each from its seed: nothing lost, nothing doubled, whatever goes wrong on the way."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.service.simulation.history import simulate, world
from triggerbot.core.model import Push
from triggerbot.core.policy import elsewhere, reconcile
from triggerbot.pipeline import sender
from triggerbot.systems import System
from triggerbot.systems.answers import Answer, Unknown

#: Seeds that once went wrong, as far as what they stand for is still the same.
KEPT = [
    int(line.split()[0])
    for line in (Path(__file__).with_name("seeds.txt")).read_text().splitlines()
    if line and not line.startswith("#")
]
#: Histories of one test, so that several processes share them.
PORTION = 250


def went_well(seed: int, store: str = "memory", *, weighs: bool = False) -> None:
    """Let a history happen; if it goes wrong, tell all of it."""
    told = simulate(seed, store, weighs=weighs)
    if told.why:
        pytest.fail("\n".join([*told.trace[-200:], f"seed {seed} on {store}: {told.why}"]))


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(PORTION, 1000, PORTION))]
)
def test_histories(first: int) -> None:
    """On plain dicts, which is the quickest."""
    for seed in range(first, first + PORTION):
        went_well(seed)


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(PORTION, 1000, PORTION))]
)
def test_histories_in_which_failures_are_weighed(first: int) -> None:
    """Retriggers come in waves, as many as it takes: nothing lost, nothing doubled, and never more than they may be."""
    for seed in range(first, first + PORTION):
        went_well(seed, weighs=True)


@pytest.mark.parametrize("seed", KEPT)
def test_what_once_went_wrong(seed: int) -> None:
    """Each of these seeds has shown a fault."""
    went_well(seed)


@pytest.mark.parametrize(("store", "model", "first"), [
    ("sqlite", "as-sqlite", 100),
    pytest.param("sqlite", "as-sqlite", 120, marks=pytest.mark.slow),
    pytest.param("redis", "as-redis", 140, marks=pytest.mark.slow),
    pytest.param("redis", "as-redis", 150, marks=pytest.mark.slow),
])  # fmt: skip
def test_the_real_stores_are_as_the_model(store: str, model: str, first: int) -> None:
    """The same history takes the same course, step by step, whatever keeps it."""
    for seed in range(first, first + (20 if store == "sqlite" else 10)):
        told, expected = simulate(seed, store), simulate(seed, model)
        assert (told.why, expected.why) == ("", ""), f"seed {seed}"
        assert told.trace == expected.trace, f"seed {seed}"


@pytest.mark.slow
def test_a_seed_is_a_history() -> None:
    """It happens the same way again."""
    seeds = range(40)
    first = [world(seed).run().fingerprint() for seed in seeds]

    assert [world(seed).run().fingerprint() for seed in seeds] == first
    assert len(set(first)) == len(first)


@pytest.mark.slow
def test_a_seed_is_the_same_history_in_every_process() -> None:
    """Nothing depends on the order of a set, or on the machine."""
    traces = [
        subprocess.run(
            [sys.executable, "-m", "tests.service.simulation", "--runs", "1", "--seed", "11", "--jobs", "1", "--trace"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": number},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[1:-1]
        for number in ("1", "2")
    ]

    assert traces[0] == traces[1]
    assert traces[0][:-1] == world(11).run().told()


# -- it notices ---------------------------------------------------------------------------------------------------


def twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once if there is no answer."""
    post = sender.Sender._post

    def again(self: sender.Sender, system: System, push: Push, operation: Any, call: Any, tries: int) -> None:
        class Twice:
            def __getattr__(self, name: str) -> Any:
                return getattr(system, name)

            def retrigger(self, *request: Any) -> Answer:
                answer = system.retrigger(*request)
                return system.retrigger(*request) if isinstance(answer, Unknown) else answer

        post(self, Twice(), push, operation, call, tries)

    monkeypatch.setattr(sender.Sender, "_post", again)


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take whatever came of a request for nothing."""
    monkeypatch.setattr(reconcile, "came_of", lambda *_: [])


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a request that nobody answered for accepted."""
    settle = sender.Sender._settle

    def done(self: sender.Sender, system: System, operation: Any, answer: Answer, *more: Any) -> None:
        if isinstance(answer, Unknown):
            self.accept(system, operation, "surely")
        else:
            settle(self, system, operation, answer, *more)

    monkeypatch.setattr(sender.Sender, "_settle", done)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a request up that may be sent again."""
    monkeypatch.setattr(reconcile, "RESENDS", 1)


@pytest.mark.parametrize(("breaks", "said"), [
    (twice, "not written down"), (blind, "doubled"), (forgetful, "lost"), (impatient, "refused for no reason"),
])  # fmt: skip
def test_it_notices(monkeypatch: pytest.MonkeyPatch, breaks: Callable[..., None], said: str) -> None:
    """A dispatcher that is broken like this does not get through."""
    breaks(monkeypatch)

    assert any(said in simulate(seed).why for seed in range(200))


@pytest.mark.parametrize(("ignores", "seed", "said"), [
    ("since_asked", 205, "doubled"), ("spent", 338, "beyond the budget"), ("beyond_counted", 2957, "doubled"),
])  # fmt: skip
def test_it_notices_what_a_store_forgot(monkeypatch: pytest.MonkeyPatch, ignores: str, seed: int, said: str) -> None:
    """If runs of which the store knows no request did not count, an older copy of it would repeat them."""
    went_well(seed)
    monkeypatch.setattr(elsewhere, ignores, lambda *_: 0)

    assert said in simulate(seed).why
