"""No store may drop a field: each value type is filled by its annotations, field by field, stored, and read again."""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tests.fakes.store_items import said, seen
from tests.fakes.world import push
from triggerbot.core.claim import Claim, Operation
from triggerbot.core.model import Batch, CommentCommand, Event, Lead, PushFacts, Result, Run, State
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.core.policy.slots import SlotQueue
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Crash, DeadLetter, FailureRecord, Notice, Pause, PendingCommand, Search, Store, Summary
from triggerbot.store.documents import StoredClaim, StoredEntry, StoredJob, StoredOperation, StoredPush, dump, load

PUSH = push()


def filled(kind: Any, name: str = "x") -> Any:
    """Return a value of a type in which nothing has its default."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return filled(next(one for one in arguments if one is not type(None)), name)
    if origin in (tuple, list, frozenset):
        inner = [one for one in arguments if one is not Ellipsis]
        made = [filled(one, name) for one in inner]
        return origin(made)
    if origin in (dict, Mapping):
        return {filled(arguments[0], name): filled(arguments[1], name)}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[-1]
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct)):
        hints = typing.get_type_hints(kind)
        names = (
            [one.name for one in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else kind.__struct_fields__
        )
        return kind(**{one: filled(hints[one], one) for one in names})
    if isinstance(kind, type) and issubclass(kind, tuple):
        hints = typing.get_type_hints(kind)
        return kind(*(filled(hints[one], one) for one in kind._fields))
    simple = {str: f"{name}!", int: 7 + len(name), float: 100.5 + len(name), bool: True, bytes: b"\x00\xff", Any: name}
    return simple[kind]


@pytest.mark.parametrize(
    "kind",
    [
        StoredPush, StoredJob, StoredClaim, StoredOperation, StoredEntry, Run, Claim, Operation, Lead, CommentCommand,
        Breaker, SlotQueue, PushOptions, Batch, FailureRecord, DeadLetter, Crash, Pause,
    ],
)  # fmt: skip
def test_what_is_written_is_read(kind: type[Any]) -> None:
    """Every field, and all of them at once."""
    value = filled(kind)
    assert load(kind, dump(value)) == value


def whole(**more: Any) -> Event:
    """Return a finished event in which every field says something."""
    return dataclasses.replace(
        filled(Event), push=PUSH, state=State.FINISHED, result=Result.FAILURE, per_batch=False, **more
    )


SHARED = [one.name for one in dataclasses.fields(Run) if one.name != "job" and hasattr(Event, one.name)]


@pytest.mark.parametrize("name", SHARED)
def test_a_run_has_what_its_event_says(store: Store, name: str) -> None:
    """Told at once."""
    store.observe([seen(whole())], 1.0, dry=False)
    record = store.pushes.record(PUSH)
    assert record is not None
    assert getattr(record.jobs[0].runs[0], name) == getattr(whole(), name)


@pytest.mark.parametrize("name", SHARED)
def test_a_run_learns_what_a_later_event_says(store: Store, name: str) -> None:
    """Its batch alone never changes, and a later message that says less takes nothing away."""
    first = Event(PUSH, whole().job, whole().run_id, State.RUNNING, attempt=whole().attempt, batch=whole().batch)
    less = dataclasses.replace(first, state=State.FINISHED, result=Result.FAILURE)
    store.observe([seen(first), seen(whole()), seen(less)], 1.0, dry=False)
    record = store.pushes.record(PUSH)
    assert record is not None
    assert getattr(record.jobs[0].runs[0], name) == getattr(whole(), name)


@pytest.mark.parametrize(
    "name", [one.name for one in dataclasses.fields(PushFacts) if one.name not in ("push", "settled")]
)
def test_facts_are_kept(store: Store, name: str) -> None:
    """Of a push, and of its batches."""
    facts = dataclasses.replace(filled(PushFacts), push=PUSH)
    store.observe([Notice(facts, PushOptions())], 1.0, dry=False)
    record = store.pushes.record(PUSH)
    assert record is not None
    if name == "batches":
        assert tuple(store.pushes.work(PUSH).told.values()) == facts.batches
    else:
        assert getattr(record.facts, name) == getattr(facts, name)


def test_options_and_queues_are_kept(store: Store) -> None:
    """What a push asks for; leads, and comment commands."""
    lead, command = dataclasses.replace(filled(Lead), state=State.FINISHED), filled(CommentCommand)
    store.observe([said(filled(PushOptions), message="m"), lead, command], 1.0, dry=False)
    assert store.pushes.work(PUSH).asks == filled(PushOptions)
    assert store.leads.read(lead.group).leads == (lead,)
    assert store.commands.take(2.0, 9.0) == PendingCommand(command, 1.0)


def test_what_is_judged_is_kept(store: Store) -> None:
    """The verdict in one line, and the failures that later verdicts rest on."""
    store.observe([seen(whole())], 1.0, dry=False)
    summary = dataclasses.replace(filled(Summary), push=PUSH)
    record = dataclasses.replace(filled(FailureRecord), push=PUSH, job=whole().job)
    store.reports.judged(summary, [record], [], 5.0)
    (found,) = store.pushes.search(Search(), 5)
    assert (found.health, found.sentence, found.counts, found.judged) == (
        summary.health, summary.sentence, summary.counts, 5.0,
    )  # fmt: skip
    assert store.reports.failure_records(PUSH.project) == [record]


def test_what_operators_see_is_kept(store: Store) -> None:
    """Dead letters, crashes, a pause, breakers."""
    letter, crash, pause = filled(DeadLetter), filled(Crash), filled(Pause)
    store.letters.add([letter])
    store.crashes.add([crash])
    store.limits.pause(pause)
    breaker = dataclasses.replace(filled(Breaker), version=0)
    store.limits.save_breaker(breaker, 1.0)
    assert store.letters.read() == [dataclasses.replace(letter, id=1)]
    assert store.crashes.read() == [crash]
    assert store.limits.paused() == pause
    assert store.limits.breakers() == [breaker.next()]
