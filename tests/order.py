"""The order of tests, and which of them share a process of pytest-xdist.

Slow tests start first, so that no process is left with one at the end. Tests of a module stay together, which
starts its servers once; those that take seconds each go to the next free process.
"""

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Modules and directories whose tests take seconds each.
_LONG = ("tests/service/", "tests/store/test_machine", "tests/pipeline/test_properties", "tests/config/test_properties")
#: Those among them whose tests share a server or a browser that takes seconds to start.
_SHARED = ("tests/service/browser/", "tests/service/pulse/")


class Scheduler(LoadScopeScheduling):
    """Hands out the next module or test to each process."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)  # type: ignore[arg-type]

    def _split_scope(self, nodeid: str) -> str:
        alone = nodeid.startswith(_LONG) and not nodeid.startswith(_SHARED)
        return nodeid if alone else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduler:
    """Schedule tests as described above, regardless of `--dist`."""
    return Scheduler(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow tests first; apart from that the order stays random."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> Sequence[bool]:
    slow = item.get_closest_marker("slow") is not None
    long = item.nodeid.startswith(_LONG)
    generated = item.get_closest_marker("hypothesis") is not None
    return (not (slow and item.nodeid.startswith(_SHARED)), not slow, not long, not generated)
