"""One worker through all its restarts: its present process, how that ended, and when the next one starts."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from triggerbot.daemon.workers import crash_class
from triggerbot.daemon.workers.crash_file import Cause, CrashFile, EarlyOutput
from triggerbot.daemon.workers.handover import GRACE, Handover
from triggerbot.liveness import Heartbeat
from triggerbot.store import CrashClass

log = structlog.get_logger("triggerbot.workers")

_STDERR = 2
#: Seconds without a heartbeat after which a worker is hung; more before the first one, because a store may take long
#: to open.
_SILENT, _STARTUP = 60.0, 600.0
#: Seconds until a worker that ended is restarted: after its first early end, and at most.
_DELAY, _DELAY_MOST = 1.0, 60.0
#: Seconds that a worker has to run for its next restart to have the shortest delay again.
_STABLE = 300.0


def delay_after(ends: int) -> float:
    """Return the seconds to wait after a number of early ends in a row: 1, 2, 4 ... 60."""
    return float(min(_DELAY_MOST, _DELAY * 2 ** min(ends - 1, 10)))


def _own_stderr() -> int:
    """Return a descriptor of this process's stderr, to hand over; of nothing if that is closed."""
    try:
        return os.dup(_STDERR)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


@dataclass(frozen=True, slots=True)
class End:
    """The end of one process."""

    #: When it died (Unix, s), or when that was noticed.
    at: float
    #: The exit code; negative for a signal, as in `subprocess`.
    code: int
    cause: Cause | None
    #: Seconds that it ran.
    lived: float
    #: Whether it was the worker's first process.
    first: bool
    pid: int = 0

    @property
    def kind(self) -> CrashClass:
        """The class of the crash."""
        return crash_class.of_code(self.code) if self.cause is None else self.cause.kind

    @property
    def ended(self) -> str:
        """The exit code or the signal, for users to read."""
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"

    @property
    def usage(self) -> str:
        """The usage error that ended the worker's first process; empty if there was none."""
        return self.cause.error if self.first and self.cause is not None and self.cause.usage else ""

    @property
    def clean(self) -> bool:
        """Whether it ended as requested, or by the signal that requested it, before it could catch that."""
        by_request = (-signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT)
        return self.cause is None and self.code in (0, *by_request)


@dataclass
class _Process:
    """One process of a worker. Times are those of `time.monotonic`."""

    popen: subprocess.Popen[bytes]
    errors: CrashFile
    early: EarlyOutput
    beats: int
    heartbeat: Heartbeat
    started: float
    #: When it was first seen to have written its cause of death, or was sent SIGABRT.
    dying: float | None = None

    def read_beats(self) -> None:
        """Read its pipe, and count a heartbeat if it wrote anything."""
        with suppress(BlockingIOError):
            if os.read(self.beats, 65_536):
                self.heartbeat.limit = _SILENT
                self.heartbeat.beat()

    def close(self) -> None:
        """Close the supervisor's end of its pipe, and its files."""
        os.close(self.beats)
        self.errors.close()
        self.early.close()


class Worker:
    """Starts a process, notices how it ends, and schedules the next. Times are those of `time.monotonic`."""

    def __init__(
        self,
        number: int,
        command: Sequence[str],
        lifeline: int,
        listening: int | None,
        mask: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.number = number
        self._command = command
        self._lifeline = lifeline
        self._listening = listening
        self._mask = mask
        self._process: _Process | None = None
        self._starts = 0
        self._early_ends = 0
        #: When to start it, or to restart it.
        self.due = 0.0

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def dying(self) -> bool:
        """Whether its process is about to end: it has written its cause of death, or was sent SIGABRT."""
        return self._process is not None and self._process.dying is not None

    @property
    def works(self) -> bool:
        """Whether its process has reported that every part of it works."""
        return self._process is not None and self._process.heartbeat.beats > 0

    @property
    def stuck(self) -> bool:
        """Whether its process hangs and could not even be killed."""
        if self._process is None:
            return False
        heartbeat = self._process.heartbeat
        return heartbeat.silent > heartbeat.limit + 3 * GRACE

    def start(self) -> int:
        """Start its process and return the process id; raises `OSError`."""
        errors, early = CrashFile(), EarlyOutput()
        beats, beating = os.pipe()
        for end in (beats, beating):
            os.set_blocking(end, False)
        stderr = _own_stderr()
        handover = Handover(self.number, errors.descriptor, beating, self._lifeline, self._listening, stderr)
        try:
            popen = subprocess.Popen(  # noqa: S603 - it is this program itself
                self._command,
                env=os.environ | handover.environment(),
                stdin=subprocess.DEVNULL,
                stderr=early.descriptor,
                pass_fds=handover.descriptors,
            )
        except OSError:
            os.close(beats)
            errors.close()
            early.close()
            raise
        finally:
            os.close(beating)
            os.close(stderr)
        heartbeat = Heartbeat(f"worker {self.number}", _STARTUP)
        self._process = _Process(popen, errors, early, beats, heartbeat, time.monotonic())
        self._starts += 1
        return popen.pid

    def poll(self, elapsed: float) -> End | None:
        """Return how its process ended, or `None` if it runs. Abort it if it hangs, kill it if it takes long to die.

        `elapsed`: the seconds since the last poll (see `Stopwatch`).
        """
        process = self._process
        if process is None:
            return None
        code = process.popen.poll()
        if code is None:
            process.read_beats()
            process.heartbeat.check(elapsed)
            self._abort_if_hung(process)
            return None
        self._process = None
        cause = process.errors.read() or process.early.read(self._mask)
        if cause is None and process.heartbeat.hung:
            cause = Cause(None, f"it hung: no sign of life for {process.heartbeat.limit:.0f} s")
        process.close()
        at = cause.at if cause is not None and cause.at is not None else time.time()
        return End(at, code, cause, time.monotonic() - process.started, self._starts == 1, process.popen.pid)

    def _abort_if_hung(self, process: _Process) -> None:
        if process.dying is None and process.errors.written():
            process.dying = time.monotonic()
        if process.dying is None and process.heartbeat.hung:
            log.error("worker.hung", worker=self.number, silent=round(process.heartbeat.silent))
            process.dying = time.monotonic()
            # SIGABRT makes the interpreter write the stacks of all threads (`crash_file.watch_signals`).
            process.popen.send_signal(signal.SIGABRT)
        if process.dying is not None and time.monotonic() - process.dying > GRACE:
            process.popen.kill()

    def schedule_restart(self, lived: float) -> float:
        """Set when it is restarted, later each time if it ran shortly (`lived`, s); return the seconds until then."""
        self._early_ends = 1 if lived >= _STABLE else self._early_ends + 1
        delay = delay_after(self._early_ends)
        self.due = time.monotonic() + delay
        return delay

    def terminate(self) -> None:
        """Send SIGTERM to its process, if there is one."""
        if self._process is not None:
            self._process.popen.terminate()

    def reload(self) -> None:
        """Let its process reload the configuration (SIGHUP), if there is one."""
        if self._process is not None:
            self._process.popen.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """Kill its process, if there is one; the next one picks up its work, as after any crash."""
        if self._process is not None:
            self._process.popen.kill()
            self._process.popen.wait()
            self._process.close()
            self._process = None
