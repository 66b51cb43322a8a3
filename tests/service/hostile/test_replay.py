"""Replayed webhooks: they are answered as before, and not observed again."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.daemon import SECRET, Daemon
from tests.service.hostile import forged_webhooks as forging
from tests.service.hostile.forged_webhooks import Hook
from tests.service.hostile.target import Target
from triggerbot.core.errors import StoreUnavailable

BODY = json.dumps(forging.EVENT).encode()


def generic() -> Hook:
    """Write a webhook of the generic system."""
    return forging.generic(BODY)


def github() -> Hook:
    """Write a delivery of GitHub."""
    return forging.github(json.dumps(forging.PAYLOADS["workflow_job"]).encode())


def post(target: Target, *hooks: Hook) -> list[int]:
    """Send webhooks one after the other."""

    async def send() -> list[int]:
        return [await target.post(hook.path, hook.headers, hook.body) for hook in hooks]

    return asyncio.run(send())


def repeated(target: Target) -> float:
    """Count those that had been stored before."""
    return target.counted("triggerbot_webhooks_repeated_total")


@pytest.mark.parametrize("make", [generic, github])
def test_the_same_again_is_answered_and_not_observed(target: Target, make: Callable[[], Hook]) -> None:
    """The sender gets the same answer as before; a counter counts the copy."""
    hook = make()
    assert post(target, hook) == [202]
    before = target.stored()

    assert post(target, hook, hook, hook) == [202] * 3

    assert (target.stored(), repeated(target)) == (before, 3)
    assert target.counted("triggerbot_events_total") == 4
    assert target.counted(f'triggerbot_events_total{{outcome="repeated",system="{hook.path[-2:]}"}}') == 3


@pytest.mark.parametrize("make", [generic, github])
def test_what_is_not_signed_makes_no_other_webhook_of_it(target: Target, make: Callable[[], Hook]) -> None:
    """Anybody who recorded one can change unsigned headers, such as GitHub's delivery id."""
    hook = make()
    other = (
        hook.with_header(b"x-github-delivery", b"another")
        .with_header(b"user-agent", b"me")
        .with_header(b"cookie", b"1")
    )

    assert post(target, hook, other) == [202, 202]

    assert repeated(target) == 1


def test_a_sender_that_signs_anew_says_the_same(target: Target) -> None:
    """Another try has the same id and another time, and may be signed with the other secret."""
    early = forging.generic(
        BODY, forging.GENERIC_SECRETS[0], stamp=int(float(generic().header(b"webhook-timestamp"))) - 60
    )
    late = forging.generic(BODY, forging.GENERIC_SECRETS[1])

    assert post(target, early, late) == [202, 202]

    assert repeated(target) == 1


def test_other_messages_are_observed(target: Target) -> None:
    """The same event under another id, and another event under the same id: a careless sender loses nothing."""
    other = json.dumps({**forging.EVENT, "run_id": "r-2"}).encode()

    assert post(target, generic(), forging.generic(BODY, name="msg_2"), forging.generic(other)) == [202] * 3

    assert (repeated(target), target.stored()["runs"]) == (0, 2)


def test_a_delivery_of_github_that_claims_to_be_of_another_kind(target: Target) -> None:
    """The event's name is not signed: under another one it is not understood, and the true one is still observed."""
    hook = github()

    assert post(target, hook.with_header(b"x-github-event", b"workflow_run")) == [400]
    assert post(target, hook) == [202]

    assert (repeated(target), target.stored()["runs"]) == (0, 1)


@pytest.mark.parametrize("make", [generic, github])
def test_what_could_not_be_stored_gets_in_later(
    target: Target, monkeypatch: pytest.MonkeyPatch, make: Callable[[], Hook]
) -> None:
    """After a 503 the sender tries again, and must not be taken for a repeater."""
    hook = make()
    submit = target.store.observe_soon

    def full(*_: Any, **__: Any) -> "Future[Any]":
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(target.store, "observe_soon", full)
    assert post(target, hook) == [503]
    monkeypatch.setattr(target.store, "observe_soon", submit)

    assert post(target, hook) == [202]

    assert (repeated(target), target.stored()["runs"]) == (0, 1)


def test_what_triggerbot_failed_on_gets_in_later(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the fault is fixed, GitHub's button *Redeliver* brings it."""
    hook = github()
    system = target.systems["gh"]
    monkeypatch.setattr(system, "parse", lambda *_: 1 / 0)
    assert post(target, hook) == [202]
    assert target.stored()["letter"] == 1
    monkeypatch.undo()

    assert post(target, hook) == [202]

    assert (repeated(target), target.stored()["runs"]) == (0, 1)


def test_what_triggerbot_can_neither_take_nor_keep_is_answered_500(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the sender delivers it again."""
    hook = github()
    monkeypatch.setattr(target.systems["gh"], "parse", lambda *_: 1 / 0)
    monkeypatch.setattr(target.store.letters, "add", lambda *_: 1 / 0, raising=False)
    assert post(target, hook) == [500]
    assert target.counted('triggerbot_webhooks_total{status="500",system="gh"}') == 1
    monkeypatch.undo()

    assert post(target, hook) == [202]


@pytest.mark.parametrize(
    "path", ["/hooks", "/hooks/", "/hooks/other", "/hooks/gh/", "/hooks/gh/x", "/x/hooks/gh", "/hooks/g"]
)
def test_other_paths_lead_to_no_system(target: Target, path: str) -> None:
    """Whatever is sent there."""
    hook = github()
    assert asyncio.run(target.post(path, hook.headers, hook.body)) == 404
    assert target.stored() == {}


def test_copies_that_come_together(target: Target) -> None:
    """Even then only one of them is observed."""
    hook = generic()

    async def storm() -> list[int]:
        return await asyncio.gather(*(target.post(hook.path, hook.headers, hook.body) for _ in range(100)))

    assert set(asyncio.run(storm())) == {202}
    assert (repeated(target), target.counted("triggerbot_events_total")) >= (99, 1)
    assert target.stored()["deliveries"] == 1


CONFIG = """
dry_run: false
store: sqlite:state.db
listen: 127.0.0.1:0
systems:
  ci: {type: generic, url: 'http://127.0.0.1:9', webhook_secret: env:WEBHOOK_SECRET, sweep: off}
rules:
  - projects: [try]
"""


def test_a_daemon_that_was_killed_knows_what_it_had_answered(tmp_path: Path) -> None:
    """Events that were answered 202 are on the disk, with their delivery ids."""
    hook = forging.generic(BODY, SECRET)
    with Daemon(tmp_path, CONFIG) as daemon:
        for expected in (0, 1):
            answer = httpx.post(f"{daemon.url}{hook.path}", content=hook.body, headers=list(hook.headers))
            assert answer.status_code == 202
            assert daemon.metric('triggerbot_webhooks_repeated_total{system="ci"}') == expected
            daemon.kill()
            daemon.start()
