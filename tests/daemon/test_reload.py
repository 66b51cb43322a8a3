"""Replacing one engine by another, within this process, where the critical moments can be chosen."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path

import pytest

from tests.fakes.daemon import eventually
from tests.fakes.reported import logged
from tests.fakes.world import failure, push
from triggerbot.cli.config import load
from triggerbot.config import Config
from triggerbot.core.errors import StoreRefused, StoreUnavailable
from triggerbot.core.policy.rules import Triage
from triggerbot.daemon import process as module
from triggerbot.daemon.process import Daemon
from triggerbot.store import Observation
from triggerbot.store.factory import open_file
from triggerbot.systems import registry

CONFIG = """
dry_run: true
store: sqlite:state.db
listen: off
systems:
  ci: {type: generic, url: "http://127.0.0.1:9", token: file:secret, sweep: off}
rules:
  - projects: [try]
"""


class Outside:
    """A process manager that calls what a test wants at the moments that are reported to it."""

    every = 0.01

    def __init__(self, ready: Callable[[], None], stopping: Callable[[], None] = lambda: None) -> None:
        self._ready, self._stopping = ready, stopping

    def ready(self) -> None:
        self._ready()
        self._ready = lambda: None

    def reloading(self) -> None:
        pass

    def alive(self) -> None:
        pass

    def stopping(self) -> None:
        self._stopping()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """Write a config; restore the signal handlers afterwards."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("a-token-of-a-ci")
    path = tmp_path / "triggerbot.yml"
    path.write_text(CONFIG)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield load(path)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def send_signal(number: signal.Signals) -> None:
    """Send a signal to this process."""
    os.kill(os.getpid(), number)


def named(*names: str) -> list[threading.Thread]:
    """List the live threads with these names."""
    return [thread for thread in threading.enumerate() if thread.name in names]


def test_nothing_begins_after_the_end_has_begun(tmp_path: Path, config: Config) -> None:
    """A config that is read while the daemon stops is not taken: nobody would end what it starts."""
    ending = threading.Event()

    def read() -> Config:
        send_signal(signal.SIGTERM)
        ending.wait()
        return config

    outside = Outside(lambda: send_signal(signal.SIGHUP), ending.set)
    daemon = Daemon(config, open_file(tmp_path / "state.db"), read, manager=outside)
    first = daemon.engine

    assert daemon.run(None) == 0
    for thread in named("reloader"):
        thread.join()

    assert daemon.engine is first
    # Engines of other tests may still be ending; a leaked one would stay.
    eventually(lambda: not named("dispatcher-0"), "nothing runs")


def test_an_engine_that_cannot_begin_leaves_nothing_behind(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last thread cannot start: those before it end, and the old engine goes on."""
    store = open_file(tmp_path / "state.db")
    daemon = Daemon(config, store, lambda: config)
    first = daemon.engine
    first.start()
    start = threading.Thread.start

    def full(thread: threading.Thread) -> None:
        if thread.name == "housekeeping":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            daemon.reload()

    assert daemon.engine is first
    eventually(lambda: len(named("dispatcher-0", "guard")) == 2, "only those of the first are left")
    first.stop()
    assert first.join(20.0) == []
    store.close()


def test_a_secret_that_changes_while_it_is_read_is_read_once_more(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two writes in quick succession the second one takes effect."""
    monkeypatch.setattr(module, "_SECRETS_EVERY", 0.01)
    secret, tokens = tmp_path / "secret", []

    def built(read: Config) -> object:
        made = registry.build(read)
        tokens.append(secret.read_text())
        match len(tokens):
            case 2:
                secret.write_text("the-third-token")
            case 3:
                send_signal(signal.SIGTERM)
        return made

    monkeypatch.setattr(module, "build", built)

    def rotate() -> None:
        secret.write_text("the-second-token")

    outside = Outside(rotate)
    daemon = Daemon(config, open_file(tmp_path / "state.db"), lambda: config, manager=outside)
    patience = threading.Timer(20.0, send_signal, [signal.SIGTERM])
    patience.start()

    assert daemon.run(None) == 0
    patience.cancel()

    assert tokens == ["a-token-of-a-ci", "the-second-token", "the-third-token"]


@pytest.mark.parametrize("error", [StoreUnavailable, StoreRefused])
@pytest.mark.parametrize("verb", ["observe", "letters.count", "limits.breakers"])
def test_the_health_of_a_store_that_fails(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch, error: type[Exception], verb: str
) -> None:
    """Report a store that is unreachable or has a damaged key in the heartbeat, with all the rest."""
    store = open_file(tmp_path / "state.db")
    daemon = Daemon(config, store, lambda: config)

    def fail(*_: object, **__: object) -> None:
        raise error("a damaged key")

    room, _, name = verb.rpartition(".")
    monkeypatch.setattr(attrgetter(room)(store) if room else store, name, fail)

    checks = daemon.engine.health.checks()

    assert checks["store"].failed
    assert checks["store"].note == "a damaged key"
    assert "system ci" in checks
    store.close()


def test_a_system_that_was_renamed_is_warned_of(
    tmp_path: Path, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reload that gives a CI another name says what comes of that."""
    store = open_file(tmp_path / "state.db")
    store.observe([Observation(failure(push=push(system="ci")), Triage(failed=True))], 1.0, dry=False)
    renamed = config.model_copy(update={"systems": {"new": config.systems["ci"]}})
    daemon = Daemon(config, store, lambda: renamed)
    daemon.engine.start()

    assert daemon.reload()

    assert "pushes of ci, which the config does not name, and none of new" in capsys.readouterr().err
    daemon.engine.stop()
    assert daemon.engine.join(20.0) == []
    eventually(lambda: not named("dispatcher-0", "guard", "replaced"), "the first has ended, too")
    store.close()


@pytest.mark.parametrize("store", ["sqlite:a.db", "redis://127.0.0.1:9/0"])
def test_what_needs_a_restart(tmp_path: Path, store: str) -> None:
    """A new retention holds at once, for every kind of store is purged by the daemon."""
    (tmp_path / "t.yml").write_text(CONFIG.replace("sqlite:state.db", store))
    before = load(tmp_path / "t.yml")
    after = before.model_copy(update={"retention": before.retention * 2, "listen": "127.0.0.1:1"})

    assert module._needs_restart(before, after) == ["listen"]


@pytest.mark.parametrize(
    ("listen", "more", "told"),
    [("0.0.0.0:0", "", True), ("0.0.0.0:0", "page: {read: login}", False), ("0.0.0.0:0", "page: {read: anyone}", False),
     ("127.0.0.1:0", "", False)],
)  # fmt: skip
def test_that_reading_needs_a_login_is_told_once(
    config: Config, tmp_path: Path, listen: str, more: str, *, told: bool
) -> None:
    """At the first start, where the config leaves it open: an upgrade must not close the page in silence."""
    (tmp_path / "triggerbot.yml").write_text(CONFIG.replace("listen: off", f"listen: {listen}") + more)
    loaded = load(tmp_path / "triggerbot.yml")
    for first in (True, False):
        store = open_file(tmp_path / "state.db")
        with logged() as lines:
            Daemon(loaded, store, lambda: loaded).tell_readers()
        store.close()

        assert [line["event"] for line in lines] == (["page.login_required"] if told and first else [])
        assert all("page.read: anyone" in line["problem"] for line in lines)
