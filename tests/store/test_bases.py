"""What a store knows of the base of a push, on every backend."""

from dataclasses import replace

import pytest

from tests.fakes.store_items import own, said, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.decision import Decision, Refusal
from triggerbot.core.model import Batch, Event, Head, HeadKind, Push
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Store

A, B, C = (push(letter * 40)._replace(branch="main") for letter in "abc")
HERE = push("d" * 40)


def passed(where: Push, number: str = "1", **more: object) -> Event:
    """Return a run that passed."""
    return event("job", number, push=where, result="success", **more)


def test_the_base_is_found_on_any_branch(store: Store) -> None:
    """By its revision, of the same project and system alone."""
    store.observe([said(where=HERE, base=A.revision), seen(passed(A))], 1.0, dry=False)
    found = store.bases.of(HERE, ["job", "other"], 2.0)
    assert (found.revision, found.visited) == (A.revision, (A.revision,))
    assert {name: at.passed for name, at in found.jobs.items()} == {"job": 1}
    for elsewhere in (HERE._replace(project="else"), HERE._replace(system="other")):
        store.observe([said(where=elsewhere, base=A.revision)], 1.0, dry=False)
        assert store.bases.of(elsewhere, ["job"], 2.0).jobs == {}


def test_the_walk_goes_back_by_what_was_told(store: Store) -> None:
    """A circle of bases ends it."""
    items = [
        said(where=HERE, base=A.revision), said(where=A, base=B.revision), said(where=B, base=C.revision),
        said(where=C, base=A.revision), seen(failure("job", "1", push=C, failures=("x.py:1: KeyError: no",))),
    ]  # fmt: skip
    store.observe(items, 1.0, dry=False)
    found = store.bases.of(HERE, ["job"], 2.0)
    assert found.visited == (A.revision, B.revision, C.revision)
    assert found.jobs["job"].failures == (("x.py:1: KeyError: no",),)
    assert found.jobs["job"].is_open
    assert store.bases.of(HERE, ["none"], 2.0).jobs == {}


@pytest.mark.parametrize("default", [True, False])
def test_the_base_branch_has_its_pushes_in_order(store: Store, default: bool) -> None:
    """The default branch, or the one that the rule names; of it the newest push before this one, heard of whenever."""
    for at, where in ((3, C), (1, A), (2, B)):
        store.observe([said(where=where, time=float(at)), seen(passed(where, str(at)))], 9.0 - at, dry=False)
    if default:
        store.observe([Head("ci", "try", "main", HeadKind.DEFAULT)], 4.0, dry=False)
    branch = "" if default else "main"
    assert store.bases.of(C, ["job"], 9.0, branch).revision == B.revision
    assert store.bases.of(A, ["job"], 9.0, branch).revision is None
    store.observe([said(where=HERE, time=2.5)], 9.0, dry=False)
    assert store.bases.of(HERE, ["job"], 9.0, branch).revision == (None if default else B.revision)


def test_a_forks_runs_are_no_evidence(store: Store) -> None:
    """Neither its pushes nor its batches; nor is a fork's branch called `main` the base branch."""
    fork = said(where=A, fork=True, batches=(Batch("1", fork=True),))
    theirs = replace(failure("job", "1", push=B, batch="2"), per_batch=True)
    batch = said(where=B, batches=(Batch("2", fork=True),))
    store.observe([fork, seen(passed(A)), batch, seen(theirs)], 1.0, dry=False)
    for number, base in enumerate((A, B)):
        where = HERE._replace(revision=f"{number}" * 40)
        store.observe([said(where=where, base=base.revision)], 2.0, dry=False)
        assert store.bases.of(where, ["job"], 3.0).jobs == {}


def test_whoever_rests_on_a_push_is_judged_again_with_it(store: Store) -> None:
    """Also where that push comes later; and what is deleted follows nothing any more."""
    store.observe([said(where=HERE, base=A.revision), seen(failure("job", "1", push=HERE))], 1.0, dry=False)
    assert store.reports.take(10.0, 5.0) == HERE
    store.reports.end(HERE, None)
    store.bases.follow(HERE, [A.revision], 11.0)
    store.bases.follow(HERE, [A.revision], 12.0)
    assert store.reports.take(20.0, 5.0) is None
    store.bases.tell(A, 20.0)
    assert store.reports.take(30.0, 5.0) == HERE
    store.reports.end(HERE, None)
    store.claims.decide(own(store, "job", HERE), Decision.refuse(Refusal.INHERITED), None, 31.0)
    store.observe([said(PushOptions(), where=HERE)], 32.0, dry=False)
    assert store.purge(1000.0) >= 1
    store.bases.tell(A, 1001.0)
    assert store.reports.take(2000.0, 5.0) is None


def test_what_is_not_inherited_after_all_is_claimed_anew(store: Store) -> None:
    """Once; and only what was refused for that."""
    store.observe([seen(failure("job", "1", push=HERE))], 1.0, dry=False)
    first = own(store, "job", HERE)
    assert not store.bases.renew(first, 2.0)
    store.claims.decide(first, Decision.refuse(Refusal.INHERITED), None, 3.0)
    assert store.bases.renew(first, 4.0)
    assert not store.bases.renew(first, 5.0)
    assert own(store, "job", HERE).refusal is None
    assert [claim.due for claim in store.pushes.work(HERE).claims] == [4.0]


def test_a_control_run_is_claimed_once_for_all_that_rest_on_it(store: Store) -> None:
    """Two pushes of one base, and two processes."""
    other = HERE._replace(revision="e" * 40)
    cancelled = event("job", "b1", push=A, result="cancelled")
    store.observe([seen(failure("job", "1", push=one)) for one in (HERE, other)] + [seen(cancelled)], 1.0, dry=False)
    asked = [store.bases.control(own(store, "job", one), A.revision, None, 2.0) for one in (HERE, HERE, other)]
    assert asked == [(A, True), (A, False), (A, False)]
    (claim,) = store.pushes.work(A).claims
    assert (claim.control, claim.wanted, claim.run.run_id) == (True, 1, "b1")
    assert store.bases.control(own(store, "job", HERE), B.revision, None, 2.0) == (None, False)
