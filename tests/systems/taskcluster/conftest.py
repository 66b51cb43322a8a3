"""Fixtures: a Taskcluster deployment for each test, and systems for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.fakes.fixtures import clock, make_world, quiet, rule
from tests.fakes.taskcluster import CLIENT, TOKEN, FakeTaskcluster
from tests.fakes.treeherder import FakeTreeherder
from triggerbot.core.patterns import Globs
from triggerbot.systems.taskcluster.api import Credentials
from triggerbot.systems.taskcluster.pushlog import PushLog
from triggerbot.systems.taskcluster.system import Taskcluster

__all__ = ["clock", "make_world", "quiet", "rule"]


@pytest.fixture
def tc() -> Iterator[FakeTaskcluster]:
    """Serve an empty deployment."""
    with FakeTaskcluster() as fake:
        yield fake


@pytest.fixture
def th() -> Iterator[FakeTreeherder]:
    """Serve an empty Treeherder."""
    with FakeTreeherder() as fake:
        yield fake
    assert fake.unknown == []


@pytest.fixture
def connect(tc: FakeTaskcluster) -> Iterator[Callable[..., Taskcluster]]:
    """Return a function that makes systems for it; they are closed after the test."""
    with ExitStack() as stack:

        def make(*, signed: bool = True, hg: bool = True, **more: Any) -> Taskcluster:
            logs = [PushLog(Globs(["*"]), hg=f"{tc.url}/hg/{{project}}")] if hg else []
            settings = {
                "credentials": Credentials(CLIENT, TOKEN) if signed else None, "push_logs": logs, "grace": 60.0, **more,
            }  # fmt: skip
            system = Taskcluster("fx", tc.url, **settings)
            stack.callback(system.close)
            return system

        yield make


@pytest.fixture
def fx(connect: Callable[..., Taskcluster]) -> Taskcluster:
    """Return a system with all permissions."""
    return connect()
