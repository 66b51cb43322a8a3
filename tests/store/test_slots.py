"""What every store promises of slots for writes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.redis_server import RedisServer
from tests.store.claimed import Reopen
from tests.store.conftest import Home
from triggerbot.core.policy.slots import Rank
from triggerbot.store import Store
from triggerbot.store.factory import open_store

NOW = 1_795_000_000.0


def test_writers_of_one_account_write_one_after_another(store: Store, home: Home) -> None:
    """On all replicas together; another account's have a queue of their own."""
    other = home.open()
    assert store.limits.ask_slot("a \x1f {1}", "one", Rank.RERUN, NOW) == NOW
    assert other.limits.ask_slot("a \x1f {1}", "two", Rank.RERUN, NOW) == NOW + 1
    assert other.limits.ask_slot("a \x1f {1}", "one", Rank.RERUN, NOW) == NOW
    assert other.limits.ask_slot("b", "three", Rank.RERUN, NOW) == NOW


def test_a_promise_outlives_the_process(store: Store, reopen: Reopen) -> None:
    """So does what was written."""
    store.limits.ask_slot("a", "one", Rank.RERUN, NOW)
    store.limits.ask_slot("a", "two", Rank.RERUN, NOW)
    store.limits.leave_slot("a", "one", NOW, used=True)
    again = reopen()
    assert again.limits.ask_slot("a", "two", Rank.RERUN, NOW) == NOW + 1
    assert again.limits.ask_slot("a", "three", Rank.RERUN, NOW) == NOW + 2


def test_who_has_not_written_gives_the_slot_back(store: Store) -> None:
    """Who is not in the queue gives nothing back."""
    store.limits.ask_slot("a", "one", Rank.RERUN, NOW)
    store.limits.leave_slot("a", "one", NOW, used=False)
    store.limits.leave_slot("a", "nobody", NOW, used=True)
    assert store.limits.ask_slot("a", "two", Rank.PROGRESS, NOW) == NOW
    assert store.limits.ask_slot("a", "three", Rank.PROGRESS, NOW) == NOW + 1
    assert store.limits.ask_slot("a", "four", Rank.RERUN, NOW) == NOW + 1


#: Asks for ten slots; its arguments are the store's address and the writer's name.
PROGRAM = f"""
import sys
from triggerbot.core.policy.slots import Rank
from triggerbot.store.factory import open_store
store = open_store(sys.argv[1])
for number in range(10):
    print(store.limits.ask_slot("a", sys.argv[2] + str(number), Rank.RERUN, {NOW}))
store.close()
"""


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_processes_that_race(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """No two are promised the same slot, and no slot is left out."""
    address = f"sqlite:{tmp_path / 'state.db'}"
    if kind == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        server.client().flushall()
        address = server.url()
    open_store(address).close()
    began = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, address, name], stdout=subprocess.PIPE, text=True)
        for name in "abcd"
    ]
    times = [float(line) for one in began for line in one.communicate(timeout=60)[0].split()]
    assert sorted(times) == [NOW + number for number in range(40)]


def test_threads_that_race(store: Store) -> None:
    """The same within a process."""
    with ThreadPoolExecutor(8) as pool:
        times = list(pool.map(lambda number: store.limits.ask_slot("a", str(number), Rank.RERUN, NOW), range(40)))
    assert sorted(times) == [NOW + number for number in range(40)]
