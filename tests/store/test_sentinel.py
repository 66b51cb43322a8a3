"""A Redis behind Sentinel: the master is found, and found again after a fail-over."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.daemon import eventually
from tests.fakes.sentinels import Watched
from tests.fakes.store_items import seen
from tests.fakes.world import event, push
from tests.store.on_redis import at
from triggerbot.core.errors import StoreAway, StoreUnavailable, StoreUnusable
from triggerbot.store import Store
from triggerbot.store.factory import open_store
from triggerbot.store.redis import sentinels

#: Seconds in which the sentinels agree on a new master, with much to spare.
_FAIL_OVER = 30.0


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """Have servers, of which all know each other."""
    with Watched(tmp_path) as servers:
        eventually(servers.is_replicated, "a replica")
        eventually(servers.is_watched, "sentinels that know each other")
        yield servers


def _insist(act: Callable[[], object]) -> None:
    """Do something as the daemon does: again, until the store can be reached."""
    until = time.monotonic() + _FAIL_OVER
    while True:
        try:
            act()
        except StoreUnavailable:
            assert time.monotonic() < until, "no fail-over"
            time.sleep(0.1)
        else:
            return


def _jobs(store: Store) -> list[str]:
    record = store.pushes.record(push())
    return [] if record is None else sorted(job.job for job in record.jobs)


@pytest.mark.slow
def test_a_fail_over(watched: Watched) -> None:
    """It works on with the replica, which has all that was acknowledged; why it is distrusted is said."""
    store = at(watched.url())
    other = at(watched.url())
    for number in range(50):
        store.observe([seen(event(f"job-{number:02}"))], 1.0, dry=False)
    before = _jobs(other)
    assert len(before) == 50
    eventually(watched.is_replicated, "all at the replica")
    watched.first.kill()
    watched.kill_sentinel(0)

    _insist(lambda: store.observe([seen(event("later"))], 2.0, dry=False))

    assert _jobs(store) == _jobs(other) == sorted([*before, "later"])
    assert watched.client(watched.second).info("replication")["role"] == "master"
    store._engine._link.watch()  # what its thread does every five seconds
    found = store.distrust()
    assert found is not None
    assert "fail-over" in found.why
    watched.first.start()
    # The old master comes back as a replica, which is not mistaken for the master.
    _insist(lambda: other.observe([seen(event("last"))], 3.0, dry=False))
    assert "last" in _jobs(store)
    store.close()
    other.close()


@pytest.mark.slow
def test_writes_that_the_replica_never_got(watched: Watched) -> None:
    """What a fail-over lost is noticed with the next change, for the new master has fewer writes than were seen."""
    store = at(watched.url())
    store.observe([seen(event("kept"))], 1.0, dry=False)
    eventually(watched.is_replicated, "all at the replica")
    # The replica hears no more of the master, as when the network between them is cut.
    watched.client(watched.second).config_set("masterauth", "wrong")
    watched.client(watched.first).execute_command("CLIENT", "KILL", "TYPE", "replica")
    for number in range(5):
        store.observe([seen(event(f"lost-{number}"))], 2.0, dry=False)
    watched.first.kill()

    _insist(lambda: store.observe([seen(event("later"))], 3.0, dry=False))

    assert _jobs(store) == ["kept", "later"]
    found = store.distrust()
    assert found is not None
    assert "older state" in found.why
    store.close()


@pytest.mark.slow
def test_what_is_wrong_is_said(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which sentinel says what; passwords are in no message."""
    monkeypatch.setattr("triggerbot.store.redis.connection._REPEATS", 0)
    with pytest.raises(StoreAway, match="knows no service other"):
        open_store(watched.url("other"))
    with pytest.raises(StoreUnusable, match="check user and password") as refused:
        open_store(watched.url(password="hunter2"))
    assert "hunter2" not in str(refused.value)
    with pytest.raises(StoreAway, match="does not answer") as refused:
        open_store(watched.url().replace(Watched.SENTINEL_PASSWORD, "hunter2"))
    assert "hunter2" not in str(refused.value)
    assert Watched.PASSWORD not in str(refused.value)
    for number in range(3):
        watched.kill_sentinel(number)
    monkeypatch.setattr(sentinels, "_PATIENCE", 0.2)
    with pytest.raises(StoreAway, match="no sentinel names a master") as refused:
        open_store(watched.url())
    assert "-pass" not in str(refused.value)
