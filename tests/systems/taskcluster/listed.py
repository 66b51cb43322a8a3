"""A push on a fake Taskcluster that a fake Treeherder lists, and what is told of it."""

from collections.abc import Callable

from tests.fakes.taskcluster import FakeTaskcluster
from triggerbot.core.model import Event, Lead, Push
from triggerbot.systems import Known
from triggerbot.systems.taskcluster.system import Taskcluster

REVISION = "c7766d0b4a121985a8b07e6721d66ccab57bbf76"
PUSH = Push("fx", "try", "try", REVISION)
JOB = "test-linux/opt-mochitest-1"
Connect = Callable[..., Taskcluster]


def told(fx: Taskcluster, tc: FakeTaskcluster, task: str, number: int = -1) -> list[Event]:
    """Return the events of the message about a run."""
    leads = [one for one in fx.parse_message(*tc.message(task, number)) if isinstance(one, Lead)]
    heard = fx.complete(leads, lambda _: True).heard if leads else ()
    return [one for one in heard if isinstance(one, Event)]


def kept(tc: FakeTaskcluster, group: str) -> Known:
    """Return what the store knows of a push: its message, and its group."""
    return Known(facts=True, batches=frozenset({group}))
