"""The daemon process: store, web server, signals, and the engine, which a changed configuration replaces."""

import gc
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from triggerbot import logs
from triggerbot.config import Config, PulseSettings
from triggerbot.config.warnings import renamed
from triggerbot.core.errors import ConfigError, PartHung, StoreRefused, StoreUnavailable, UsageError
from triggerbot.daemon.engine import Engine
from triggerbot.daemon.gauges import Gauges
from triggerbot.daemon.running_mark import RunningMark
from triggerbot.daemon.systemd import NOBODY
from triggerbot.liveness import Liveness, ProcessManager, Watchdog
from triggerbot.metrics import Metrics
from triggerbot.store import Store
from triggerbot.store.factory import open_store, systems_of
from triggerbot.systems.registry import build
from triggerbot.web import server

log = structlog.get_logger("triggerbot.daemon")

#: Seconds for everything in flight to end at a stop; what does not end is settled by look-back at the next start.
_GRACEFUL = 6.0
#: Seconds without progress after which the web server's loop is hung, and seconds for a hung daemon to end then.
_WEB_LIMIT, _HUNG_GRACE = 60.0, 15.0
#: Seconds for everything in flight of a replaced engine, for which nothing waits.
_REPLACED_GRACE = 120.0
#: Seconds between checks for signals, where nothing else wakes the main thread.
_SIGNALS_EVERY = 0.5
#: The cursor that remembers who was told who may read, and what they are told.
_READERS = "told who may read"
_LOGIN_REQUIRED = (
    "`listen` is an address that other machines reach, so only who has logged in may read the page, the API and the "
    "metrics: set page.token or page.user_header, and page.metrics_token for Prometheus, or page.read: anyone as before"
)
#: Keys that a running daemon cannot change.
_FIXED = ("store", "store_insecure", "listen")
#: Seconds between checks of the files of secrets for changes.
_SECRETS_EVERY = 2.0


class _CurrentApp:
    """An ASGI application that passes requests to that of the present engine."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None  # set before the server listens
        await self.app(scope, receive, send)


@dataclass
class Daemon:
    """Everything that runs in one process. Its `failed` is set once a part died or hung."""

    config: Config
    store: Store
    #: Loads the configuration again; raises `UsageError`.
    load: Callable[[], Config]
    #: Dry run by the command line, which overrides the configuration.
    dry: bool = False
    #: Its number, if it is one of several processes of one supervisor.
    worker: int | None = None
    #: Called at once with the exception of which a part died.
    on_death: Callable[[BaseException], None] = lambda _: None
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    #: What supervises this process.
    manager: ProcessManager = NOBODY
    #: What is left of this process if it is killed; `None`: its supervisor sees that.
    mark: RunningMark | None = None
    failed: bool = False

    def __post_init__(self) -> None:
        """Make the first engine."""
        self._stop = threading.Event()
        #: The signals that request a reload. The handler of a signal may interrupt that of another one, so it must not
        #: wait for a lock: `SimpleQueue.put` is reentrant.
        self._reload_requests: queue.SimpleQueue[int] = queue.SimpleQueue()
        #: Held while an engine is replaced, and when the stop begins.
        self._replacing = threading.Lock()
        self._current = _CurrentApp()
        self.liveness = Liveness()
        self.metrics.registry.register(Gauges(self.store, self.clock))
        for outcome in ("taken", "refused"):
            # From the start: Prometheus sees no increase in a series that starts at 1.
            self.metrics.reloads.labels(outcome)
        self._secret_files = _secret_files(self.config)
        self.engine = self._make_engine(self.config)
        #: All secrets so far: an engine that was replaced may still log those of its configuration.
        self._secrets = read_secrets(self.config)

    def _make_engine(self, config: Config) -> Engine:
        """Make an engine; raises `UsageError` if one of its parts cannot be made."""
        systems = build(config)
        dry = self.dry or config.dry_run
        try:
            return Engine(config, dry, self.store, systems, self.worker, self._part_died, self.clock, self.metrics,
                          self.liveness)  # fmt: skip
        except UsageError:
            for system in systems.values():
                system.close()
            raise

    def _part_died(self, error: BaseException) -> None:
        """Stop the whole process because a part died: its supervisor starts a clean one."""
        self.on_death(error)
        self.failed = True
        self._stop.set()
        signal.raise_signal(signal.SIGTERM)

    def _part_hung(self, error: PartHung) -> None:
        """Stop the whole process, and exit if it does not end: a hung thread cannot be ended by itself."""
        log.error("daemon.part_hung", problem=str(error), exc_info=error)
        self._part_died(error)
        time.sleep(_HUNG_GRACE)
        os._exit(1)

    def run(self, listening: socket.socket | None) -> int:
        """Run until a signal stops it; return the exit code."""
        self._current.app = self.engine.app
        web = server.make(self._current, self._end_streams, self._web_beat(listening))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._on_stop_signal(web))
        # `put` itself, without Python code around it that a further signal could interrupt.
        signal.signal(signal.SIGHUP, self._reload_requests.put)  # type: ignore[arg-type]  # puts the signal's number
        self.engine.start()
        threading.Thread(target=self._reload_on_request, name="reloader", daemon=True).start()
        watchdog = Watchdog(self.liveness, self.manager, self._part_hung)
        threading.Thread(target=watchdog.run, args=(self._stop,), name="watchman", daemon=True).start()
        if listening is None:
            # Python handles signals in this thread only, and one that another thread receives does not wake it.
            while not self._stop.wait(_SIGNALS_EVERY):
                pass
        else:
            # The server catches signals while it runs, and raises them again for the handlers above when it stops.
            web.run(sockets=[listening])
        return self._shut_down()

    def _web_beat(self, listening: socket.socket | None) -> Callable[[], None]:
        return (lambda: None) if listening is None else self.liveness.register("web", _WEB_LIMIT).beat

    def _end_streams(self) -> None:
        self.engine.end_streams()

    def _on_stop_signal(self, web: server.Server) -> None:
        # Not twice: the second signal may interrupt `set` of the first, which holds a lock.
        if not self._stop.is_set():
            self._stop.set()
        # The signal may come before the server catches signals itself.
        web.should_exit = True

    def _shut_down(self) -> int:
        log.info("daemon.stopping")
        self.manager.stopping()
        self._stop.set()
        with self._replacing:
            engine = self.engine
        engine.stop()
        busy = engine.join(_GRACEFUL)
        if self.mark is not None:
            self.mark.stop(self.store, clean=not self.failed)
        self.store.close()
        log.info("daemon.stopped", unfinished=busy)
        return 1 if self.failed else 0

    # -- a configuration that changes ---------------------------------------------------------------------------

    def _reload_on_request(self) -> None:
        """Reload the configuration at each SIGHUP, and the secrets alone when one of their files has changed."""
        while not self._stop.is_set():
            requested = self._wait_for_request(_SECRETS_EVERY)
            if self._stop.is_set():
                return
            if requested or _secret_files(self.config) != self._secret_files:
                self.manager.reloading()
                try:
                    self.reload(secrets_only=not requested)
                except Exception:
                    # The present configuration stays in use, and this thread has to survive for the next reload.
                    log.exception("config.kept", config=self.config.source, problem="an error of triggerbot itself")
                    self.metrics.reloads.labels("refused").inc()
                if not self._stop.is_set():
                    self.manager.ready()

    def _wait_for_request(self, seconds: float) -> bool:
        """Wait for a request to reload, and return whether there was one; several at once count as one."""
        try:
            self._reload_requests.get(timeout=seconds)
        except queue.Empty:
            return False
        while not self._reload_requests.empty():
            self._reload_requests.get()
        return True

    def reload(self, *, secrets_only: bool = False) -> bool:
        """Replace the engine by one of the present configuration; return false, and keep the old one, if it is refused.

        `secrets_only`: read the secrets again but not the configuration, which may be half edited.
        """
        if secrets_only:
            # A bad secret is not tried again before its file changes. A refused configuration does not set this, so the
            # secrets are then tried alone.
            self._secret_files = _secret_files(self.config)
        try:
            config = self.config if secrets_only else self.load()
            usable = config.model_copy(update={key: getattr(self.config, key) for key in _FIXED})
            later = _needs_restart(self.config, config)
            if later:
                log.warning("config.needs_restart", keys=later, problem="these change at the next start")
            # Before the secrets are read, so that a change meanwhile is noticed afterwards.
            files = _secret_files(usable)
            secrets = read_secrets(usable)
            engine = self._make_engine(usable)
        except UsageError as error:
            for problem in error.problems if isinstance(error, ConfigError) else (error,):
                log.error("config.refused", problem=str(problem))
            log.error("config.kept", config=self.config.source, problem="the configuration of before goes on")
            self.metrics.reloads.labels("refused").inc()
            return False
        self._secrets = list(dict.fromkeys([*self._secrets, *secrets]))
        logs.configure(secrets=self._secrets, worker=self.worker)
        self._secret_files = files
        if not self._replace(engine):
            return False
        self.config = usable
        if not secrets_only:
            self.warn_of_renamed()
        log.info("config.reloaded", config=usable.source, dry_run=engine.dry, systems=list(usable.systems),
                 rules=len(usable.rules))  # fmt: skip
        self.metrics.reloads.labels("taken").inc()
        return True

    def warn_of_renamed(self) -> None:
        """Log that a system was probably renamed."""
        if self.worker not in (None, 1):
            return
        with suppress(StoreUnavailable, StoreRefused):
            for warning in renamed(self.config, systems_of(self.store)):
                log.warning("config.warning", problem=str(warning))

    def tell_readers(self) -> None:
        """Log once for each store that only who has logged in may read, where the config does not say so itself."""
        if self.worker not in (None, 1) or self.config.anyone_reads or self.config.page.read is not None:
            return
        with suppress(StoreUnavailable, StoreRefused):
            if self.store.cursor(_READERS) is None:
                log.warning("page.login_required", problem=_LOGIN_REQUIRED)
                self.store.observe([], self.clock(), dry=True, cursor=(_READERS, "told"))

    def _replace(self, engine: Engine) -> bool:
        """Start the new engine, then stop the old one; an event that both receive in between counts once.

        Return false if the process has begun to stop: nothing would stop the new engine then.
        """
        with self._replacing:
            if self._stop.is_set():
                return False
            old = self.engine
            engine.start()
            self._current.app = engine.app
            self.engine = engine
        old.stop()
        threading.Thread(target=_free, args=([old],), name="replaced", daemon=True).start()
        return True


def _free(replaced: list[Engine]) -> None:
    """Wait until a replaced engine has ended, and free its memory.

    Its parts form reference cycles, which the garbage collector of a daemon rarely looks for: see `serve`. It is passed
    in a list, so that no frame keeps a reference to it.
    """
    replaced.pop().join(_REPLACED_GRACE)
    gc.collect()


def _needs_restart(before: Config, now: Config) -> list[str]:
    """Return the changed keys that take effect only at the next start."""
    changed = {
        "store": now.store_address != before.store_address,
        "listen": now.listen != before.listen,
    }
    return [key for key, differs in changed.items() if differs]


def _secret_files(config: Config) -> dict[str, tuple[int, int, int]]:
    """Return the files of secrets with modification time (ns), size and inode, to notice when one changes."""
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
    on_death: Callable[[BaseException], None] = lambda _: None,
    manager: ProcessManager = NOBODY,
    mark: RunningMark | None = None,
) -> int:
    """Run triggerbot until it is stopped, and return the exit code; raises `UsageError` if it cannot start.

    `load` loads the configuration again for a reload (SIGHUP). One of several workers gets its number, and a socket on
    which its supervisor listens already; `on_death` is called at once with the exception of which a part died.
    """
    # Shorter than the default of 5 ms, so that the store's thread runs sooner: webhooks wait for it.
    sys.setswitchinterval(0.0005)
    # What was loaded so far stays for good, so the garbage collector does not have to scan it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    logs.configure(secrets=read_secrets(config), worker=worker)
    store = open_store(config.store_address, daemon=True)
    try:
        # After the store: if another daemon uses that, an error about `listen` would suggest the wrong fix.
        listening = listening or listen(config.listen)
    except UsageError:
        store.close()
        raise
    daemon = Daemon(config, store, load or (lambda: config), dry, worker, on_death, manager=manager, mark=mark)
    host, port = listening.getsockname()[:2] if listening is not None else ("", 0)
    log.info(
        "daemon.started", config=config.source, dry_run=daemon.engine.dry, store=str(config.store),
        systems=list(config.systems), rules=len(config.rules),
        listen=f"{host}:{port}" if listening is not None else "off",
    )  # fmt: skip
    for warning in (*config.warnings, *config.weak_secrets()) if worker in (None, 1) else ():
        log.warning("config.warning", problem=str(warning))
    daemon.warn_of_renamed()
    daemon.tell_readers()
    if mark is not None:
        mark.begin(store)
    return daemon.run(listening)


def listen(address: tuple[str, int] | None) -> socket.socket | None:
    """Bind the address and listen, before any part starts; raises `UsageError` if it is in use or cannot be bound."""
    if address is None:
        return None
    host, port = address
    try:
        family, kind, protocol, _, bound = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(bound)
        listening.listen(2048)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}; change `listen`") from None
    return listening


def read_secrets(config: Config) -> list[str]:
    """Return every secret and every password in an address, for the log to mask; raises `ConfigError`."""
    found = [secret.read() for secret in config.secrets()]
    addresses = [config.store, *(intake.url for intake in config.intakes if isinstance(intake, PulseSettings)), *found]
    return found + [password for one in addresses if isinstance(one, str) for password in _passwords(one)]


def _passwords(address: str) -> set[str]:
    """Return the password in an address, as written there and unquoted."""
    try:
        password = urlsplit(address).password if "://" in address else None
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()
