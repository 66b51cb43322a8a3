"""The supervisor process: starts N workers, restarts those that died, and ends all of them at a signal."""

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
from triggerbot.daemon.workers import error_report
from triggerbot.daemon.workers.crash_log import INCIDENT_SECONDS, CrashRecorder, group_by_incident, name_of
from triggerbot.daemon.workers.handover import GRACE
from triggerbot.daemon.workers.worker import End, Worker
from triggerbot.liveness import Stopwatch
from triggerbot.store import Crash
from triggerbot.store.factory import open_store

log = structlog.get_logger("triggerbot.workers")


def supervise(config: Config, number: int, command: Sequence[str], notifier: Notifier = NOBODY) -> int:
    """Run a number of workers, each by the command, until a signal stops them; return the exit code.

    Raises:
        UsageError: the workers cannot start.
    """
    if number > 1 and config.store_address.startswith("sqlite:"):
        raise UsageError(
            f"--workers {number}: the store {config.store} is a file that one process works on. "
            "Let the config name a Redis (store: redis://HOST/0), or use --workers 1"
        )
    secrets = read_secrets(config)
    logs.configure(secrets=secrets)
    mask = logs.Mask(secrets)
    with ExitStack() as stack:
        listening = _listen(config)
        if listening is not None:
            stack.callback(listening.close)
        # Only this process has the write end, which is closed when it ends in whatever way.
        lifeline, end = os.pipe()
        stack.callback(os.close, lifeline)
        stack.callback(os.close, end)
        inherited = listening.fileno() if listening is not None else None
        workers = [Worker(one, command, lifeline, inherited, mask) for one in range(1, number + 1)]
        log.info("supervisor.started", workers=number, listen=_address(listening))
        return _Supervisor(workers, CrashRecorder(config.store_address), notifier).run()


def _listen(config: Config) -> socket.socket | None:
    """Bind the address and listen; raises `UsageError`, about the store if another daemon uses that."""
    try:
        return listen(config.listen)
    except UsageError:
        if config.store_address.startswith("sqlite:"):
            # Opening the store reports it as in use, which a worker would do if one were started.
            open_store(config.store_address, daemon=True).close()
        raise


def _address(listening: socket.socket | None) -> str:
    if listening is None:
        return "off"
    host, port = listening.getsockname()[:2]
    return f"{host}:{port}"


class _Supervisor:
    """Watches workers, in one thread that only waits for signals: the end of a child is one (SIGCHLD)."""

    def __init__(self, workers: Sequence[Worker], recorder: CrashRecorder, notifier: Notifier) -> None:
        self._workers = workers
        self._recorder = recorder
        self._notifier = notifier
        self._ready = False
        self._stopwatch = Stopwatch()
        #: Crashes that are not recorded yet, because more may follow in the same incident.
        self._crashes: list[Crash] = []
        self._usage_error = ""
        self._stopping = False
        self._signals, self._wakeup = os.pipe()

    def run(self) -> int:
        """Supervise until a signal stops it, then end all workers; return the exit code."""
        self._catch_signals()
        self._recorder.start()
        while not self._stopping and not self._usage_error:
            self._start_due()
            self._wait(min((worker.due for worker in self._workers if not worker.alive), default=float("inf")))
            self._poll_workers()
            self._record_incidents(time.time() - INCIDENT_SECONDS)
            self._notify()
        self._notifier.stopping()
        clean = self._end_workers()
        self._record_incidents(float("inf"))
        self._recorder.end()
        if self._usage_error:
            raise UsageError(self._usage_error)
        log.info("supervisor.stopped", well=clean)
        return 0 if clean else 1

    def _catch_signals(self) -> None:
        """Let each signal wake `_wait`, by a byte on the pipe."""
        for end in (self._signals, self._wakeup):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        signal.signal(signal.SIGHUP, lambda *_: self._reload())

    def _reload(self) -> None:
        """Let each worker reload the configuration; it keeps the old one if the new one cannot be used."""
        for worker in self._workers:
            worker.reload()

    def _stop(self) -> None:
        self._stopping = True

    def _wait(self, until: float) -> None:
        """Wait for a signal, until a time (monotonic, s) and no longer than the interval of notifications."""
        seconds = max(0.0, min(self._notifier.every, until - time.monotonic()))
        if select.select([self._signals], [], [], seconds)[0]:
            os.read(self._signals, 4096)

    def _notify(self) -> None:
        """Notify systemd that everything works: once every worker has started, and as long as none is stuck."""
        if not self._ready and all(worker.works for worker in self._workers):
            self._ready = True
            self._notifier.ready()
        if not any(worker.stuck for worker in self._workers):
            self._notifier.alive()

    def _start_due(self) -> None:
        for worker in self._workers:
            if not worker.alive and worker.due <= time.monotonic():
                try:
                    log.info("worker.started", worker=worker.number, pid=worker.start())
                except OSError as error:
                    again = worker.schedule_restart(0.0)
                    log.error("worker.not_started", worker=worker.number, error=str(error), again_in=again)

    def _poll_workers(self) -> None:
        """Notice the workers that ended, and schedule their restarts."""
        elapsed = self._stopwatch.lap()
        for worker in self._workers:
            end = worker.poll(elapsed)
            if end is None:
                continue
            again = worker.schedule_restart(end.lived)
            if end.usage:
                self._usage_error = self._usage_error or end.usage
            elif end.code == 0 and end.cause is None:
                log.warning("worker.ended", worker=worker.number, lived=round(end.lived, 1), again_in=again)
            else:
                self._add_crash(worker, end, again_in=again)

    def _add_crash(self, worker: Worker, end: End, **fields: float) -> None:
        error, trace = (end.cause.error, end.cause.trace) if end.cause is not None else ("", "")
        self._crashes.append(
            Crash(
                end.at, name_of(worker.number), end.ended, error, trace, pid=end.pid, lived=round(end.lived, 1),
                kind=end.kind,
            )
        )  # fmt: skip
        log.error(
            "worker.died", worker=worker.number, pid=end.pid, ended=end.ended, error=error, kind=str(end.kind),
            at=event_json.format_time(end.at), lived=round(end.lived, 1), exception=trace, **fields,
        )  # fmt: skip

    def _record_incidents(self, before: float) -> None:
        """Record the incidents that began before a time (Unix, s), unless a dying worker may still belong to one."""
        if any(worker.dying for worker in self._workers):
            return
        groups = group_by_incident(self._crashes)
        self._crashes = [crash for group in groups if group[0].at > before for crash in group]
        for group in groups:
            if group[0].at <= before:
                self._recorder.add(group)
                error_report.write(group[0])

    def _end_workers(self) -> bool:
        """Terminate all workers, kill those that do not end in time, and return whether all ended cleanly."""
        until = time.monotonic() + GRACE
        for worker in self._workers:
            worker.terminate()
        clean = True
        while any(worker.alive for worker in self._workers):
            self._wait(until)
            elapsed = self._stopwatch.lap()
            for worker in self._workers:
                end = worker.poll(elapsed)
                if end is not None and not end.clean and not end.usage:
                    clean = False
                    self._add_crash(worker, end)
                elif worker.alive and time.monotonic() >= until:
                    clean = False
                    log.error("worker.killed", worker=worker.number, why="it did not end in time")
                    worker.kill()
        return clean
