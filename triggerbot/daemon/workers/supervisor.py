"""The supervisor: starts N workers, starts those again that died, and ends them all when told to."""

import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack

import structlog

from triggerbot import logs
from triggerbot.config import Config
from triggerbot.core import event_json
from triggerbot.core.errors import UsageError
from triggerbot.daemon.process import listen, read_secrets
from triggerbot.daemon.systemd import NOBODY, Notifier
from triggerbot.daemon.workers.crash_log import TOGETHER, CrashRecorder, in_groups, name_of
from triggerbot.daemon.workers.handover import GRACE
from triggerbot.daemon.workers.worker import End, Worker
from triggerbot.liveness import Stopwatch
from triggerbot.store import Crash
from triggerbot.store.factory import open_store

log = structlog.get_logger("triggerbot.workers")


def supervise(config: Config, number: int, command: Sequence[str], notifier: Notifier = NOBODY) -> int:
    """Run so many workers, each by the command, until a signal says to stop; gives the exit code.

    Raises:
        UsageError: the workers cannot begin.
    """
    if number > 1 and config.store_address.startswith("sqlite:"):
        raise UsageError(
            f"--workers {number}: the store {config.store} is a file that one process works on. "
            "Let the config name a Redis (store: redis://HOST/0), or use --workers 1"
        )
    logs.configure(secrets=read_secrets(config))
    with ExitStack() as stack:
        listening = _listen(config)
        if listening is not None:
            stack.callback(listening.close)
        # Nobody else has the other end: it closes when this process ends, however that comes.
        lifeline, end = os.pipe()
        stack.callback(os.close, lifeline)
        stack.callback(os.close, end)
        inherited = listening.fileno() if listening is not None else None
        workers = [Worker(one, command, lifeline, inherited) for one in range(1, number + 1)]
        log.info("supervisor.started", workers=number, listen=_place(listening))
        return _Supervisor(workers, CrashRecorder(config.store_address), notifier).run()


def _listen(config: Config) -> socket.socket | None:
    """Take the address; raises `UsageError`, of the store if another daemon works on that."""
    try:
        return listen(config.listen)
    except UsageError:
        if config.store_address.startswith("sqlite:"):
            # The worker that would find it out is never started.
            open_store(config.store_address, daemon=True).close()
        raise


def _place(listening: socket.socket | None) -> str:
    if listening is None:
        return "off"
    host, port = listening.getsockname()[:2]
    return f"{host}:{port}"


class _Supervisor:
    """Watches workers, in one thread that only ever waits for signals: the end of a child is one of them."""

    def __init__(self, workers: Sequence[Worker], keeper: CrashRecorder, notifier: Notifier) -> None:
        self._workers = workers
        self._keeper = keeper
        self._notifier = notifier
        self._ready = False
        self._stopwatch = Stopwatch()
        #: Those that are not kept yet, for others may have died together with them.
        self._crashes: list[Crash] = []
        self._usage = ""
        self._told_to_end = False
        self._signals, self._signalled = os.pipe()

    def run(self) -> int:
        """Supervise until a signal says to stop, then end all workers; gives the exit code."""
        self._hear_signals()
        self._keeper.start()
        while not self._told_to_end and not self._usage:
            self._start_due()
            self._wait(min((worker.due for worker in self._workers if not worker.alive), default=float("inf")))
            self._look()
            self._keep(time.time() - TOGETHER)
            self._notify()
        self._notifier.stopping()
        well = self._end_workers()
        self._keep(float("inf"))
        self._keeper.end()
        if self._usage:
            raise UsageError(self._usage)
        log.info("supervisor.stopped", well=well)
        return 0 if well else 1

    def _hear_signals(self) -> None:
        for end in (self._signals, self._signalled):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._signalled, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        signal.signal(signal.SIGHUP, lambda *_: self._reload())

    def _reload(self) -> None:
        """Each worker reads the configuration anew for itself, and keeps the old one if that cannot be used."""
        for worker in self._workers:
            worker.reload()

    def _end(self) -> None:
        self._told_to_end = True

    def _wait(self, until: float) -> None:
        """Wait for a signal, but not for long."""
        seconds = max(0.0, min(self._notifier.every, until - time.monotonic()))
        if select.select([self._signals], [], [], seconds)[0]:
            os.read(self._signals, 4096)

    def _notify(self) -> None:
        """Tell systemd that all is well: once every worker has begun, and as long as none is lost."""
        if not self._ready and all(worker.works for worker in self._workers):
            self._ready = True
            self._notifier.ready()
        if not any(worker.lost for worker in self._workers):
            self._notifier.alive()

    def _start_due(self) -> None:
        for worker in self._workers:
            if not worker.alive and worker.due <= time.monotonic():
                try:
                    log.info("worker.started", worker=worker.number, pid=worker.start())
                except OSError as error:
                    again = worker.put_off(0.0)
                    log.error("worker.not_started", worker=worker.number, error=str(error), again_in=again)

    def _look(self) -> None:
        """Notice who ended, and when to start it again."""
        passed = self._stopwatch.lap()
        for worker in self._workers:
            end = worker.look(passed)
            if end is None:
                continue
            again = worker.put_off(end.lived)
            if end.usage:
                self._usage = self._usage or end.usage
            elif end.code == 0 and end.cause is None:
                log.warning("worker.ended", worker=worker.number, lived=round(end.lived, 1), again_in=again)
            else:
                self._crashed(worker, end, again_in=again)

    def _crashed(self, worker: Worker, end: End, **known: float) -> None:
        error, trace = (end.cause.error, end.cause.trace) if end.cause is not None else ("", "")
        self._crashes.append(Crash(end.at, name_of(worker.number), end.ended, error, trace))
        log.error(
            "worker.died", worker=worker.number, ended=end.ended, error=error, at=event_json.format_time(end.at),
            lived=round(end.lived, 1), exception=trace, **known,
        )  # fmt: skip

    def _keep(self, before: float) -> None:
        """Keep the groups that nobody can join any more: those that began before then, once nobody is dying."""
        if any(worker.dying for worker in self._workers):
            return
        groups = in_groups(self._crashes)
        self._crashes = [crash for group in groups if group[0].at > before for crash in group]
        for group in groups:
            if group[0].at <= before:
                self._keeper.keep(group)

    def _end_workers(self) -> bool:
        """Tell all workers to end, and kill those that do not; tells whether all ended well."""
        until = time.monotonic() + GRACE
        for worker in self._workers:
            worker.terminate()
        well = True
        while any(worker.alive for worker in self._workers):
            self._wait(until)
            passed = self._stopwatch.lap()
            for worker in self._workers:
                end = worker.look(passed)
                if end is not None and not end.clean and not end.usage:
                    well = False
                    self._crashed(worker, end)
                elif worker.alive and time.monotonic() >= until:
                    well = False
                    log.error("worker.killed", worker=worker.number, why="it did not end in time")
                    worker.kill()
        return well
