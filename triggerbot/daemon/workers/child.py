"""Running the daemon in this process, as a worker or as the only one, so that the cause of a crash is reported."""

import faulthandler
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import structlog

from triggerbot import logs
from triggerbot.config import Config
from triggerbot.core.errors import StoreAway, TriggerbotError, UsageError
from triggerbot.daemon.process import read_secrets, serve
from triggerbot.daemon.running_mark import RunningMark
from triggerbot.daemon.workers import crash_class, crash_file, error_report
from triggerbot.daemon.workers.crash_file import Cause
from triggerbot.daemon.workers.crash_log import name_of
from triggerbot.daemon.workers.handover import Handover
from triggerbot.liveness import ProcessManager
from triggerbot.store import Crash, CrashClass
from triggerbot.store.factory import open_store

log = structlog.get_logger("triggerbot.workers")

_STDERR = 2
#: Exit codes.
_CRASHED, _WRONG_USE = 1, 2


def work(handover: Handover, load: Callable[[], Config], *, dry_run: bool) -> int:
    """Run the daemon as one of several workers; return the exit code, and never raise `UsageError`."""
    handover.take_stderr()
    logs.configure(worker=handover.number)
    crash_file.watch_signals(handover.errors)
    handover.end_with_supervisor()
    try:
        config = load()
        reporter = _CrashReporter(
            config, lambda cause: crash_file.write(handover.errors, cause), worker=handover.number
        )
        return reporter.serve(dry=dry_run, load=load, manager=handover.manager(), listening=handover.socket())
    except StoreAway as error:
        crash_file.write(handover.errors, Cause(time.time(), str(error), kind=crash_class.of_exception(error)))
        return _CRASHED
    except UsageError as error:
        # All workers are likely to have the same error: the supervisor shows it once.
        crash_file.write(handover.errors, Cause(time.time(), str(error), usage=True, kind=CrashClass.CONFIGURATION))
        return _WRONG_USE
    except Exception as error:
        # Before the configuration is read nothing is reported by itself; no secret has been read then either.
        log.exception("daemon.died")
        crash_file.write(handover.errors, Cause.of(error, time.time(), logs.Mask()))
        return _CRASHED


def work_alone(config: Config, load: Callable[[], Config], manager: ProcessManager, *, dry_run: bool) -> int:
    """Run the daemon as the only process, and record its own crash in the store if it still can; return the exit code.

    Raises:
        UsageError: it cannot start.
    """
    # systemd ends a hung process by SIGABRT: this writes the stacks of all threads to the journal until `RunningMark`
    # has a file for them.
    faulthandler.enable(_STDERR)
    mark = RunningMark(config.store_address, logs.Mask(read_secrets(config)))
    causes: list[Cause] = []

    def report(cause: Cause) -> None:
        # At once, for the process may end at any moment.
        causes.append(cause)
        mark.write(cause)
        error_report.write(_crash_of(cause, _CRASHED))

    code = _CrashReporter(config, report).serve(dry=dry_run, load=load, manager=manager, mark=mark)
    for cause in causes:
        crash = replace(_crash_of(cause, code), lived=mark.lived)
        try:
            with closing(open_store(config.store_address)) as store:
                mark.crashed(store, crash)
        except (TriggerbotError, OSError) as error:
            # The mark stays, and the file with the cause: the next start records it.
            log.warning("crashes.not_kept", error=str(error), crashes=1)
    return code


def _crash_of(cause: Cause, code: int) -> Crash:
    return Crash(
        cause.at or time.time(), name_of(1), f"exit code {code}", cause.error, cause.trace, pid=os.getpid(),
        kind=cause.kind,
    )  # fmt: skip


class _CrashReporter:
    """Runs the daemon, and reports the first exception of which it dies: later ones are likely consequences of it."""

    def __init__(self, config: Config, report: Callable[[Cause], None], worker: int | None = None) -> None:
        secrets = read_secrets(config)
        logs.configure(secrets=secrets, worker=worker)
        self._mask = logs.Mask(secrets)
        self._config = config
        self._report = report
        self._worker = worker
        self._reported = False
        self._lock = threading.Lock()

    def serve(
        self, *, dry: bool, load: Callable[[], Config], manager: ProcessManager, listening: socket.socket | None = None,
        mark: RunningMark | None = None,
    ) -> int:  # fmt: skip
        """Run the daemon; return the exit code."""
        threading.excepthook = self._on_thread_death
        try:
            code = serve(self._config, dry=dry, load=load, worker=self._worker, listening=listening,
                         on_death=self._on_death, manager=manager, mark=mark)  # fmt: skip
        except UsageError:
            raise
        except Exception as error:
            log.exception("daemon.died")
            self._on_death(error)
        return _CRASHED if self._reported else code

    def _on_death(self, error: BaseException) -> None:
        """Report the first error at once, for the process may end at any moment."""
        with self._lock:
            if not self._reported:
                self._reported = True
                self._report(Cause.of(error, time.time(), self._mask))

    def _on_thread_death(self, died: threading.ExceptHookArgs) -> None:
        """Report the death of a thread that is no part of the engine, and stop the process: the rest cannot work."""
        if died.exc_value is None or died.exc_type is SystemExit:
            return
        log.error("daemon.part_died", part=died.thread.name if died.thread else "", exc_info=died.exc_value)
        self._on_death(died.exc_value)
        os.kill(os.getpid(), signal.SIGTERM)
