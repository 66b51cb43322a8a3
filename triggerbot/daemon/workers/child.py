"""Running the daemon so that what it dies of is not lost: as a worker in its seat, or as the only process."""

import faulthandler
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

import structlog

from triggerbot import logs
from triggerbot.config import Config
from triggerbot.core.errors import StoreAway, UsageError
from triggerbot.daemon.process import read_secrets, serve
from triggerbot.daemon.workers import crash_file
from triggerbot.daemon.workers.crash_file import Cause
from triggerbot.daemon.workers.crash_log import name_of, record
from triggerbot.daemon.workers.handover import Handover
from triggerbot.liveness import ProcessManager
from triggerbot.store import Crash

log = structlog.get_logger("triggerbot.workers")

_STDERR = 2
#: Exit codes.
_CRASHED, _WRONG_USE = 1, 2


def work(seat: Handover, load: Callable[[], Config], *, dry_run: bool) -> int:
    """Run the daemon as one of several workers; gives the exit code, and never raises `UsageError`."""
    logs.configure(worker=seat.number)
    crash_file.watch_signals(seat.errors)
    seat.end_with_supervisor()
    try:
        config = load()
        witness = _Witness(config, lambda cause: crash_file.write(seat.errors, cause), worker=seat.number)
        return witness.serve(dry=dry_run, load=load, outside=seat.outside(), listening=seat.socket())
    except StoreAway as error:
        crash_file.write(seat.errors, Cause(time.time(), str(error)))
        return _CRASHED
    except UsageError as error:
        # All workers are likely to have the same one: it is the supervisor who says so, once.
        crash_file.write(seat.errors, Cause(time.time(), str(error), usage=True))
        return _WRONG_USE


def work_alone(config: Config, load: Callable[[], Config], outside: ProcessManager, *, dry_run: bool) -> int:
    """Run the daemon as the only process, which keeps its own crashes as far as it can; gives the exit code.

    Raises:
        UsageError: it cannot begin.
    """
    # systemd ends what hangs by SIGABRT: then the stacks of all threads are in its journal.
    faulthandler.enable(_STDERR)
    causes: list[Cause] = []
    code = _Witness(config, causes.append).serve(dry=dry_run, load=load, outside=outside)
    for cause in causes:
        record(
            config.store_address,
            [Crash(cause.at or time.time(), name_of(1), f"exit code {code}", cause.error, cause.trace)],
        )
    return code


class _Witness:
    """Runs the daemon, and tells the first exception of which it dies: what comes after it is likely a consequence."""

    def __init__(self, config: Config, tell: Callable[[Cause], None], worker: int | None = None) -> None:
        secrets = read_secrets(config)
        logs.configure(secrets=secrets, worker=worker)
        self._mask = logs.Mask(secrets)
        self._config = config
        self._tell = tell
        self._worker = worker
        self._told = False
        self._lock = threading.Lock()

    def serve(
        self, *, dry: bool, load: Callable[[], Config], outside: ProcessManager, listening: socket.socket | None = None
    ) -> int:
        """Run it; gives the exit code."""
        threading.excepthook = self._thread_died
        try:
            code = serve(self._config, dry=dry, load=load, worker=self._worker, listening=listening, died=self._died,
                         outside=outside)  # fmt: skip
        except UsageError:
            raise
        except Exception as error:
            log.exception("daemon.died")
            self._died(error)
        return _CRASHED if self._told else code

    def _died(self, error: BaseException) -> None:
        """Tell at once, for nobody knows how much time there is."""
        with self._lock:
            if not self._told:
                self._told = True
                self._tell(Cause.of(error, time.time(), self._mask))

    def _thread_died(self, hooked: threading.ExceptHookArgs) -> None:
        """A thread that nobody guards brings the whole down, too: without it the rest would only seem to work."""
        if hooked.exc_value is None or hooked.exc_type is SystemExit:
            return
        log.error("daemon.part_died", part=hooked.thread.name if hooked.thread else "", exc_info=hooked.exc_value)
        self._died(hooked.exc_value)
        os.kill(os.getpid(), signal.SIGTERM)
