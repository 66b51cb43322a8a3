"""One running process: the store, the web server, and the engine of the configuration, which may change meanwhile."""

import gc
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from triggerbot import logs
from triggerbot.config import Config, PulseConfig
from triggerbot.core.errors import ConfigError, PartHung, UsageError
from triggerbot.daemon.engine import Engine
from triggerbot.daemon.gauges import Gauges
from triggerbot.daemon.systemd import NOBODY
from triggerbot.liveness import Liveness, ProcessManager, Watchdog
from triggerbot.metrics import Metrics
from triggerbot.store import Store
from triggerbot.store.factory import open_store
from triggerbot.systems.registry import build
from triggerbot.web import server

log = structlog.get_logger("triggerbot.daemon")

#: Seconds that everything in flight gets to come to an end; what does not is settled by look-back at the next start.
_GRACEFUL = 6.0
#: Seconds without progress after which the web server's loop is hung, and seconds that a daemon gets to end after that.
_WEB_LIMIT, _LAST = 60.0, 15.0
#: The same for what runs by a configuration that was replaced: nobody waits for it.
_REPLACED = 120.0
#: Seconds between looks for signals, where nothing else wakes the main thread.
_LOOK = 0.5
#: Seconds between looks whether a file that holds a secret has changed.
_SECRETS_EVERY = 2.0


class _Current:
    """The application of the engine that runs now."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None  # it is there before the server listens
        await self.app(scope, receive, send)


@dataclass
class Daemon:
    """Everything that runs in one process."""

    config: Config
    store: Store
    #: Reads the configuration anew; raises `UsageError`.
    load: Callable[[], Config]
    #: Dry run was asked for on the command line, whatever the configuration says.
    dry: bool = False
    #: Its number, if it is one of several processes of one supervisor.
    worker: int | None = None
    #: Is told at once what a part died of.
    died: Callable[[BaseException], None] = lambda _: None
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    #: Who watches this process.
    outside: ProcessManager = NOBODY
    failed: bool = False

    def __post_init__(self) -> None:
        """Wire the first engine."""
        self._stop = threading.Event()
        #: A signal that arrives while another one is dealt with must not wait for it: this queue has no lock.
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        #: Held while one engine takes the place of another, and when the end begins.
        self._turning = threading.Lock()
        self._current = _Current()
        self.liveness = Liveness()
        self.metrics.registry.register(Gauges(self.store, self.clock))
        for outcome in ("taken", "refused"):
            # From the start: Prometheus takes no notice of the first of something that was not there before.
            self.metrics.reloads.labels(outcome)
        self._files = _stamps(self.config)
        self.engine = self._make(self.config)
        #: All that ever were: what still runs by a configuration that was replaced may log those.
        self._secrets = read_secrets(self.config)

    def _make(self, config: Config) -> Engine:
        """Wire an engine; raises `UsageError` if a part of it cannot be made."""
        systems = build(config)
        dry = self.dry or config.dry_run
        try:
            return Engine(config, dry, self.store, systems, self.worker, self._died, self.clock, self.metrics,
                          self.liveness)  # fmt: skip
        except UsageError:
            for system in systems.values():
                system.close()
            raise

    def _died(self, error: BaseException) -> None:
        """A part that dies unasked brings the whole down: the supervisor starts a clean one."""
        self.died(error)
        self.failed = True
        self._stop.set()
        signal.raise_signal(signal.SIGTERM)

    def _hung(self, error: PartHung) -> None:
        """A part that hangs cannot be ended, and what hangs with it might not end either."""
        log.error("daemon.part_hung", problem=str(error), exc_info=error)
        self._died(error)
        time.sleep(_LAST)
        os._exit(1)

    def run(self, listening: socket.socket | None) -> int:
        """Run until a signal says to stop; gives the exit code."""
        self._current.app = self.engine.app
        web = server.make(self._current, self._hush, self._web_beat(listening))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._told_to_stop(web))
        # As it is, without any Python around it: however many signals come, they come one by one.
        signal.signal(signal.SIGHUP, self._asked.put)  # type: ignore[arg-type]  # it is put with the signal's number
        self.engine.start()
        threading.Thread(target=self._reload_when_asked, name="reloader", daemon=True).start()
        watchman = Watchdog(self.liveness, self.outside, self._hung)
        threading.Thread(target=watchman.run, args=(self._stop,), name="watchman", daemon=True).start()
        if listening is None:
            # A signal that comes to another thread does not wake this one, which alone may deal with it.
            while not self._stop.wait(_LOOK):
                pass
        else:
            # The server catches signals while it runs and raises them again for us when it has stopped.
            web.run(sockets=[listening])
        return self._end()

    def _web_beat(self, listening: socket.socket | None) -> Callable[[], None]:
        return (lambda: None) if listening is None else self.liveness.register("web", _WEB_LIMIT).beat

    def _hush(self) -> None:
        self.engine.hush()

    def _told_to_stop(self, web: server.Server) -> None:
        # Not twice: the second signal may come while the first is within.
        if not self._stop.is_set():
            self._stop.set()
        # The signal may come before the server begins to catch it.
        web.should_exit = True

    def _end(self) -> int:
        log.info("daemon.stopping")
        self.outside.stopping()
        self._stop.set()
        with self._turning:
            engine = self.engine
        engine.stop()
        busy = engine.end(_GRACEFUL)
        self.store.close()
        log.info("daemon.stopped", unfinished=busy)
        return 1 if self.failed else 0

    # -- a configuration that changes ---------------------------------------------------------------------------

    def _reload_when_asked(self) -> None:
        """Take a new configuration when a signal says so, or a file that holds a secret has changed."""
        while not self._stop.is_set():
            asked = self._is_asked(_SECRETS_EVERY)
            if self._stop.is_set():
                return
            if asked or _stamps(self.config) != self._files:
                self.outside.reloading()
                try:
                    self.reload(anew=asked)
                except Exception:
                    # Whatever it is, the configuration of before goes on, and the next one may be taken.
                    log.exception("config.kept", config=self.config.source, problem="an error of triggerbot itself")
                    self.metrics.reloads.labels("refused").inc()
                if not self._stop.is_set():
                    self.outside.ready()

    def _is_asked(self, seconds: float) -> bool:
        """Wait so long for signals; as many as came by then are one."""
        try:
            self._asked.get(timeout=seconds)
        except queue.Empty:
            return False
        while not self._asked.empty():
            self._asked.get()
        return True

    def reload(self, *, anew: bool = True) -> bool:
        """Replace the engine by one of the configuration as it is now; a bad one is refused, and the old one stays.

        Without `anew` only the secrets are read again: nobody has said that the rest is ready to be taken.
        """
        if not anew:
            # What is no good is not tried again before it changes; where more is refused than that, it is tried alone.
            self._files = _stamps(self.config)
        try:
            config = self.load() if anew else self.config
            kept = replace(config, store=self.config.store, store_secret=self.config.store_secret,
                           store_insecure=self.config.store_insecure, listen=self.config.listen)  # fmt: skip
            later = _needs_restart(self.config, config)
            if later:
                log.warning("config.needs_restart", keys=later, problem="these change at the next start")
            # Before they are read: what changes while they are is read once more.
            files = _stamps(kept)
            secrets = read_secrets(kept)
            engine = self._make(kept)
        except UsageError as error:
            for problem in error.problems if isinstance(error, ConfigError) else (error,):
                log.error("config.refused", problem=str(problem))
            log.error("config.kept", config=self.config.source, problem="the configuration of before goes on")
            self.metrics.reloads.labels("refused").inc()
            return False
        self._secrets = list(dict.fromkeys([*self._secrets, *secrets]))
        logs.configure(secrets=self._secrets, worker=self.worker)
        self._files = files
        if not self._replace(engine):
            return False
        self.config = kept
        log.info("config.reloaded", config=kept.source, dry_run=engine.dry, systems=list(kept.systems),
                 rules=len(kept.rules))  # fmt: skip
        self.metrics.reloads.labels("taken").inc()
        return True

    def _replace(self, engine: Engine) -> bool:
        """Begin with one engine, then end the other: what comes in between is taken by either, and counts once.

        False where the end of all has begun: nobody would end that one.
        """
        with self._turning:
            if self._stop.is_set():
                return False
            old = self.engine
            engine.start()
            self._current.app = engine.app
            self.engine = engine
        old.stop()
        threading.Thread(target=_let_go, args=([old],), name="replaced", daemon=True).start()
        return True


def _let_go(replaced: list[Engine]) -> None:
    """Wait until an engine has ended, and give back its memory.

    Its parts refer to each other in circles, and for those a daemon looks very seldom by itself: see `serve`.
    """
    replaced.pop().end(_REPLACED)
    gc.collect()


def _needs_restart(before: Config, now: Config) -> list[str]:
    """Name the keys that were changed, and that a running daemon cannot change."""
    changed = {
        "store": now.store_address != before.store_address,
        "listen": now.listen != before.listen,
        # A file is gone through every hour; a Redis forgets by itself, as it was told when it was opened.
        "retention": now.retention != before.retention and not before.store_address.startswith("sqlite:"),
    }
    return [key for key, differs in changed.items() if differs]


def _stamps(config: Config) -> dict[str, tuple[int, int, int]]:
    """Tell which files hold secrets, and how they are: a file that changes may hold another one."""
    found = {}
    for secret in config.secrets():
        path = secret.file
        if path is not None:
            try:
                status = path.stat()
                found[str(path)] = status.st_mtime_ns, status.st_size, status.st_ino
            except OSError:
                found[str(path)] = 0, 0, 0
    return found


def serve(
    config: Config,
    *,
    dry: bool,
    load: Callable[[], Config] | None = None,
    worker: int | None = None,
    listening: socket.socket | None = None,
    died: Callable[[BaseException], None] = lambda _: None,
    outside: ProcessManager = NOBODY,
) -> int:
    """Run triggerbot as configured until it is told to stop; raises `UsageError` if it cannot begin.

    `load` reads the configuration anew, when that is asked for (SIGHUP). As one of several workers it has a number, and
    a socket that its supervisor listens on already.
    """
    # The store's thread gets its turn sooner than the default of 5 ms, for webhooks wait for it.
    sys.setswitchinterval(0.0005)
    # What was loaded so far stays for good: the garbage collector need not look at it ever again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    logs.configure(secrets=read_secrets(config), worker=worker)
    store = open_store(config.store_address, daemon=True, retention=config.retention)
    try:
        # After the store: where another daemon works on that, to change `listen` is no remedy.
        listening = listening or listen(config.listen)
    except UsageError:
        store.close()
        raise
    daemon = Daemon(config, store, load or (lambda: config), dry, worker, died, outside=outside)
    host, port = listening.getsockname()[:2] if listening is not None else ("", 0)
    log.info(
        "daemon.started", config=config.source, dry_run=daemon.engine.dry, store=config.store,
        systems=list(config.systems), rules=len(config.rules),
        listen=f"{host}:{port}" if listening is not None else "off",
    )  # fmt: skip
    for warning in (*config.warnings, *config.weak_secrets()) if worker in (None, 1) else ():
        log.warning("config.warning", problem=str(warning))
    return daemon.run(listening)


def listen(address: tuple[str, int] | None) -> socket.socket | None:
    """Take the address before any part begins, so that a taken one is told at once; raises `UsageError`."""
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
