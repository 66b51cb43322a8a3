"""A fake CI and a real daemon that watches it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import TOKEN, Daemon

CONFIG = """
dry_run: {dry_run}
store: sqlite:state.db
listen: 127.0.0.1:0
systems:
  ci:
    type: generic
    url: {url}
    token: env:CI_TOKEN
    webhook_secret: env:WEBHOOK_SECRET
    grace: {grace}
    sweep: {sweep}
{intakes}
rules:
  - projects: [try]
    exclude_jobs: ["*-unstable*"]
    lookup: {{attempts: 2, delay: 1s}}
"""


@pytest.fixture
def ci() -> Iterator[FakeCI]:
    """A CI that requires a token."""
    with FakeCI(token=TOKEN) as made:
        yield made


@pytest.fixture
def make_daemon(tmp_path: Path, ci: FakeCI) -> Iterator[Callable[..., Daemon]]:
    """Return a function that makes daemons for the CI; none outlives the test."""
    made: list[Daemon] = []

    def make(*, dry_run: bool = False, grace: str = "1s", sweep: str = "off", intakes: str = "") -> Daemon:
        config = CONFIG.format(
            url=ci.url,
            dry_run=str(dry_run).lower(),
            grace=grace,
            sweep=sweep,
            intakes=intakes and f"intakes: {intakes}",
        )
        daemon = Daemon(tmp_path, config)
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        daemon.end()


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon]) -> Daemon:
    """One running daemon."""
    made = make_daemon()
    made.start()
    return made
