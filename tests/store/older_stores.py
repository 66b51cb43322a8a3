"""Stores as earlier versions wrote them, from the dumps in `older`."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakes.redis_server import RedisServer
from triggerbot.core.model import Group, Push
from triggerbot.store import FailureRecord, Search, Store

OLDER = Path(__file__).parent / "older"
META = "{triggerbot}:meta"
#: What a program that knows only layout 3 does before anything else.
OLD_CHECK = "return tonumber(redis.call('HGET', KEYS[1], 'layout') or '1') > 3 and 'NEWER' or 'OK'"


def write_sqlite(path: Path, version: int) -> None:
    """Write the file of a version."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((OLDER / f"sqlite-{version}.sql").read_text())
        connection.execute(f"PRAGMA user_version = {version}")


def write_redis(server: RedisServer, layout: int) -> None:
    """Write the keys of a layout; the first had those of the second, and no number."""
    client = server.client()
    client.flushall()
    for line in (OLDER / f"redis-{max(2, layout)}.jsonl").read_text().split("\n"):
        if line:
            client.execute_command(*json.loads(line))  # type: ignore[no-untyped-call]
    if layout == 1:
        client.hdel(META, "layout")


def expected(name: str) -> dict[str, Any]:
    """Read what the program that wrote a store answered."""
    found: dict[str, Any] = json.loads((OLDER / f"{name}.json").read_text())
    return found


def _slim(value: Any) -> Any:
    """Leave out what says nothing, as the answers of the earlier version do."""
    if isinstance(value, dict):
        return {name: _slim(own) for name, own in value.items() if own not in (None, "", [], {}, False, 0)}
    return [_slim(own) for own in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return _slim(json.loads(msgspec.json.encode(value)))


def of_push(store: Store, push: Push) -> dict[str, Any]:
    """Return what a store knows of a push, in the form of those answers."""
    record = _plain(store.pushes.record(push))
    # Those versions did not say what the CI told of batches and branches.
    for name in ("told", "heads"):
        record.pop(name, None)
    del record["push"], record["facts"]["push"]
    for job in record["jobs"]:
        for claim in job.get("claims", ()):
            del claim["push"]
            claim["run"] = [claim["run"]["run_id"], claim["run"]["attempt"]]
            claim.get("operation", {}).pop("push", None)
    found = {"push": list(push), "record": record, "timeline": _plain(store.pushes.timeline(push))}
    return _slim({**found, "metadata": _plain(store.facts.metadata(push))})  # type: ignore[no-any-return]


def of_rest(store: Store, now: float) -> dict[str, Any]:
    """Return what a store knows apart from single pushes, in the form of those answers."""
    records = [one for project in ("try", "octo/App") for one in store.reports.failure_records(project)]

    def place(one: FailureRecord) -> tuple[Push, str, float]:
        return one.push, one.job, one.at

    found = {
        "search": sorted(_plain(store.pushes.search(Search(), 1000)), key=lambda one: one["push"]),
        "judged": _plain(store.pushes.judged_since(0.0, 1000)),
        "records": _plain(sorted(records, key=place)),
        "held": dict(store.limits.held()),
        "sent": dict(store.limits.sent(now)),
        "breakers": _plain(store.limits.breakers()),
        "paused": _plain(store.limits.paused()),
        "leads": [_plain(store.leads.read(Group("ci", name))) for name in ("g 1", "g2")],
        "letters": _plain(store.letters.read()),
        "crashes": _plain(store.crashes.read(100)),
        "statistics": _plain(store.statistics.read(0.0)),
        "next_due": store.due.next(),
    }
    # Those versions did not weigh what runs prove, nor class crashes, nor put pushes in order.
    for one in found["search"]:
        one.pop("pushed_at", None)
        one.pop("to_look_at", None)
    del found["statistics"]["saved"]
    for crash in found["crashes"]:
        assert crash.pop("kind") == "unknown"
    return _slim(found)  # type: ignore[no-any-return]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return what writes the store of an earlier version anew, and returns its address."""

    def write(name: str) -> str:
        kind, _, version = name.partition("-")
        if kind == "redis":
            server: RedisServer = request.getfixturevalue("redis_server")
            write_redis(server, int(version))
            return server.url()
        path = tmp_path / "state.db"
        for one in tmp_path.glob("state.db*"):
            one.unlink()
        write_sqlite(path, int(version))
        return f"sqlite:{path}"

    return write


Make = Callable[[str], str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where `make` writes a file."""
    return tmp_path / "state.db"


def agrees(store: Store, answers: Mapping[str, Any]) -> None:
    """Compare what a store answers with what the earlier version did."""
    for one in answers["pushes"]:
        assert of_push(store, Push(*one["push"])) == one
    rest = of_rest(store, answers["now"])
    assert rest == {name: answers[name] for name in rest}
