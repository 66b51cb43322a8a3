"""One running process: the store, the systems, the intakes, the dispatcher and the web server, wired and watched."""

import gc
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog
import uvicorn

from triggerbot import logs
from triggerbot.classify import Classifier
from triggerbot.config import Config, FileConfig, PollConfig, PulseConfig
from triggerbot.dispatch import Dispatcher
from triggerbot.errors import StoreRefused, StoreUnavailable, UsageError
from triggerbot.intakes.file import File
from triggerbot.intakes.poll import Poll
from triggerbot.intakes.pulse import Pulse
from triggerbot.metrics import Metrics
from triggerbot.observe import Observer
from triggerbot.send import Setting
from triggerbot.store import Store
from triggerbot.store.opening import open_store
from triggerbot.systems import Reads, System
from triggerbot.systems.registry import build, classifying
from triggerbot.weather import Weather
from triggerbot.web import app, server
from triggerbot.web.api import Api
from triggerbot.web.hooks import Hooks

log = structlog.get_logger("triggerbot.daemon")

#: Pushes that are worked on at once; most of that time is spent waiting for CIs.
_DISPATCHERS = 4  # for each system, up to so many in all:
_DISPATCHERS_MOST = 32
#: Seconds between looks for what is older than the retention.
_PURGE_EVERY = 3600.0
#: The cursor that a look at the health moves.
_LOOKED = "health"
#: Seconds that everything in flight gets to come to an end; what does not is settled by look-back at the next start.
_GRACEFUL = 6.0


@dataclass
class Daemon:
    """Everything that runs in one process."""

    config: Config
    dry: bool
    store: Store
    systems: Mapping[str, System]
    #: Its number, if it is one of several processes of one supervisor.
    worker: int | None = None
    #: Is told at once what a part died of.
    died: Callable[[BaseException], None] = lambda _: None
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    failed: bool = False

    def __post_init__(self) -> None:
        """Wire the parts."""
        self._stop = threading.Event()
        self.observer = Observer(
            self.store, self.config.rules, dry=self.dry, clock=self.clock, metrics=self.metrics, on_due=self._wake,
            weather=Weather(self.config.bounds.breakers, self.clock),
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            self.store,
            self.systems,
            self.observer,
            Setting(self.config.rules, self.dry, self.config.bounds),
            clock=self.clock,
            metrics=self.metrics,
        )
        self._polls = self._make_polls()
        self._pulses = self._make_pulses()
        self._classifiers = [
            Classifier(one.system, one.notes, self.store, dry=self.dry)
            for one in (classifying(self.config) if self._first else ())
        ]
        self._threads = self._make_threads()

    def _wake(self) -> None:
        self.dispatcher.wake()

    @property
    def _first(self) -> bool:
        return self.worker in (None, 1)

    def _make_polls(self) -> list[Poll]:
        """A poll for each that is configured, and a sweep for every other system; one worker is enough for them."""
        if not self._first:
            return []
        every = {
            name: settings.sweep for name, settings in self.config.systems.items() if settings.sweep is not None
        } | {intake.system: intake.every for intake in self.config.intakes if isinstance(intake, PollConfig)}
        return [
            Poll(self.systems[name], seconds, self.store, self.observer, clock=self.clock, metrics=self.metrics)
            for name, seconds in every.items()
        ]

    def _make_pulses(self) -> list[Pulse]:
        """One for each queue; every worker consumes all of them."""
        return [
            Pulse(
                intake,
                intake.address(),
                _reader(self.systems[intake.system]),
                self.store,
                self.observer,
                clock=self.clock,
                metrics=self.metrics,
                on_gap=partial(self._hurry, intake.system),
            )
            for intake in self.config.intakes
            if isinstance(intake, PulseConfig)
        ]

    def _hurry(self, system: str) -> None:
        """Sweep at once: something is known to have been missed."""
        for poll in self._polls:
            if poll.name == system:
                poll.hurry()

    def _make_threads(self) -> list[threading.Thread]:
        files = [
            File(intake.system, Path(intake.path), self.store, self.observer, clock=self.clock, metrics=self.metrics)
            for intake in self.config.intakes
            if isinstance(intake, FileConfig) and self._first
        ]
        dispatchers = min(_DISPATCHERS_MOST, _DISPATCHERS * max(1, len(self.systems)))
        targets: list[tuple[str, Callable[[threading.Event], None]]] = [
            *((f"dispatcher-{number}", self.dispatcher.run) for number in range(dispatchers)),
            *((f"poll-{number}", poll.run) for number, poll in enumerate(self._polls)),
            *((f"pulse-{number}", pulse.run) for number, pulse in enumerate(self._pulses)),
            *((f"file-{number}", file.run) for number, file in enumerate(files)),
            *((f"classify-{number}", one.run) for number, one in enumerate(self._classifiers)),
            ("guard", self.dispatcher.guard.run),
            ("housekeeping", self._keep_house),
        ]
        return [threading.Thread(target=self._guard, args=target, name=target[0], daemon=True) for target in targets]

    def _guard(self, name: str, target: Callable[[threading.Event], None]) -> None:
        """A part that dies unasked brings the whole down: the supervisor starts a clean one."""
        try:
            target(self._stop)
        except Exception as error:
            log.exception("daemon.part_died", part=name)
            self.died(error)
            self.failed = True
            self._stop.set()
            signal.raise_signal(signal.SIGTERM)

    def _keep_house(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                gone = self.store.purge(self.clock() - self.config.retention)
            except (StoreUnavailable, StoreRefused) as error:
                log.warning("store.not_purged", error=str(error))
                gone = 0
            if gone:
                log.info("store.purged", pushes=gone)
            stop.wait(_PURGE_EVERY)

    def health(self) -> dict[str, str]:
        """Tell what is wrong with each part; an empty text is a part that works."""
        late = {
            f"poll {name}": "no answer lately"
            for name, poll in ((poll.name, poll) for poll in self._polls)
            if poll.late(self.clock())
        }
        cut_off = {f"queue {pulse.name}": pulse.trouble(self.clock()) for pulse in self._pulses}
        dead = {thread.name: "died" for thread in self._threads if thread.ident is not None and not thread.is_alive()
                and not thread.name.startswith("poll")}  # fmt: skip
        # Only what changes something is really written: it tells whether there is room, and whether that is allowed.
        now = self.clock()
        self.store.observe([], now, dry=self.dry, cursor=(_LOOKED, repr(now)))
        return {"store": "", **late, **cut_off, **dead}

    def run(self, listening: socket.socket | None) -> int:
        """Run until a signal says to stop; gives the exit code."""
        server = self._make_server()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._told_to_stop(server))
        for thread in self._threads:
            thread.start()
        if listening is None:
            self._stop.wait()
        else:
            # The server catches signals while it runs and raises them again for us when it has stopped.
            server.run(sockets=[listening])
        return self._end()

    def _told_to_stop(self, server: uvicorn.Server) -> None:
        self._stop.set()
        # The signal may come before the server begins to catch it.
        server.should_exit = True

    def _make_server(self) -> uvicorn.Server:
        hooks = Hooks(self.systems, self.observer, self.store, self.metrics, self.clock)
        api = Api(self.store, self.metrics, self.clock, self.health, {"dry_run": self.dry})
        return server.make(app.build(hooks, api))

    def _end(self) -> int:
        log.info("daemon.stopping")
        until = time.monotonic() + _GRACEFUL
        self._stop.set()
        for _ in self._threads:
            self.dispatcher.wake()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        busy = [thread.name for thread in self._threads if thread.is_alive()]
        self.store.close()
        if not busy:
            for system in self.systems.values():
                system.close()
        log.info("daemon.stopped", unfinished=busy)
        return 1 if self.failed else 0


def serve(
    config: Config,
    *,
    dry: bool,
    worker: int | None = None,
    listening: socket.socket | None = None,
    died: Callable[[BaseException], None] = lambda _: None,
) -> int:
    """Run triggerbot as configured until it is told to stop; raises `UsageError` if it cannot begin.

    As one of several workers it has a number, and a socket that its supervisor listens on already.
    """
    # The store's thread gets its turn sooner than the default of 5 ms, for webhooks wait for it.
    sys.setswitchinterval(0.0005)
    # What was loaded so far stays for good: the garbage collector need not look at it ever again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    systems = build(config)
    logs.configure(secrets=read_secrets(config), worker=worker)
    listening = listening or listen(config.listen)
    store = open_store(config.store_address, daemon=True, retention=config.retention)
    daemon = Daemon(config, dry, store, systems, worker, died)
    host, port = listening.getsockname()[:2] if listening is not None else ("", 0)
    log.info(
        "daemon.started", config=config.source, dry_run=dry, store=config.store, systems=list(config.systems),
        rules=len(config.rules), listen=f"{host}:{port}" if listening is not None else "off",
    )  # fmt: skip
    for warning in (*config.warnings, *config.weak_secrets()) if worker in (None, 1) else ():
        log.warning("config.warning", problem=str(warning))
    return daemon.run(listening)


def _reader(system: System) -> Reads:
    """Take a system as one whose messages arrive over AMQP; raises `UsageError` if they do not."""
    if not isinstance(system, Reads):
        raise UsageError(f"system {system.name} sends no messages over AMQP: take its pulse intake out of the config")
    return system


def listen(address: tuple[str, int] | None) -> socket.socket | None:
    """Take the address before anything else begins, so that a taken one is told at once; raises `UsageError`."""
    if address is None:
        return None
    host, port = address
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(2048)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}; change `listen`") from None
    return listening


def read_secrets(config: Config) -> list[str]:
    """Read every secret once more, for the log to mask; raises `ConfigError` if one cannot be had."""
    found = [secret.read() for secret in config.secrets()]
    addresses = [config.store, *(intake.url for intake in config.intakes if isinstance(intake, PulseConfig)), *found]
    return found + [password for one in addresses if isinstance(one, str) for password in _passwords(one)]


def _passwords(address: str) -> set[str]:
    """Find the password of an address, as it is written there and as it is."""
    try:
        password = urlsplit(address).password if "://" in address else None
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()
