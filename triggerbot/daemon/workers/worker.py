"""One worker, through all its lives: a process, the file that tells why it died, and when the next one starts."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from triggerbot.daemon.workers.crash_file import Cause, CrashFile
from triggerbot.daemon.workers.handover import GRACE, Handover
from triggerbot.liveness import Heartbeat

log = structlog.get_logger("triggerbot.workers")

#: Seconds without a sign of life after which a worker is hung; until the first one more, for a store may take long to
#: open.
_SILENT, _BEGIN = 60.0, 600.0
#: Seconds until a worker that ended is started again: after its first early end, and at most.
_DELAY, _DELAY_MOST = 1.0, 60.0
#: Seconds; a worker that ran for so long begins with the shortest delay again.
_WELL = 300.0


def delay_after(ends: int) -> float:
    """Tell how many seconds to wait after so many early ends in a row: 1, 2, 4 ... 60."""
    return float(min(_DELAY_MOST, _DELAY * 2 ** min(ends - 1, 10)))


@dataclass(frozen=True, slots=True)
class End:
    """The end of one process."""

    #: Unix time: when it died, or else when that was seen.
    at: float
    #: As `subprocess` has it: negative for a signal.
    code: int
    cause: Cause | None
    #: Seconds that it ran.
    lived: float
    #: It was the worker's first process.
    first: bool

    @property
    def ended(self) -> str:
        """Name the exit code or the signal."""
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"

    @property
    def usage(self) -> str:
        """What cannot work, where that showed at the very start."""
        return self.cause.error if self.first and self.cause is not None and self.cause.usage else ""

    @property
    def clean(self) -> bool:
        """Tell whether it ended as if told to, or died of the telling, before it could listen to it."""
        told = (-signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT)
        return self.cause is None and self.code in (0, *told)


@dataclass
class _Life:
    """One process; `dying`: when it was first seen that it wrote what it dies of, or was told to die."""

    process: subprocess.Popen[bytes]
    errors: CrashFile
    beats: int
    heart: Heartbeat
    began: float
    dying: float | None = None

    def listen(self) -> None:
        """Hear its signs of life."""
        with suppress(BlockingIOError):
            if os.read(self.beats, 65_536):
                self.heart.limit = _SILENT
                self.heart.beat()

    def close(self) -> None:
        """Let go of what it wrote to."""
        os.close(self.beats)
        self.errors.close()


class Worker:
    """Starts its process, and notices how that ends. Times are those of `time.monotonic`."""

    def __init__(self, number: int, command: Sequence[str], lifeline: int, listening: int | None) -> None:
        self.number = number
        self._command = command
        self._lifeline = lifeline
        self._listening = listening
        self._life: _Life | None = None
        self._lives = 0
        self._early_ends = 0
        #: When to start it (again).
        self.due = 0.0

    @property
    def alive(self) -> bool:
        """Tell whether there is a process."""
        return self._life is not None

    @property
    def dying(self) -> bool:
        """Tell whether it has written what it dies of, and lives still."""
        return self._life is not None and self._life.dying is not None

    @property
    def works(self) -> bool:
        """Tell whether its process has said that every part of it works."""
        return self._life is not None and self._life.heart.beats > 0

    @property
    def lost(self) -> bool:
        """Tell whether its process hangs and could not even be killed."""
        return self._life is not None and self._life.heart.silent > self._life.heart.limit + 3 * GRACE

    def start(self) -> int:
        """Start its process and give that one's id; raises `OSError`."""
        errors = CrashFile()
        beats, beating = os.pipe()
        for end in (beats, beating):
            os.set_blocking(end, False)
        seat = Handover(self.number, errors.descriptor, beating, self._lifeline, self._listening)
        try:
            process = subprocess.Popen(  # noqa: S603 - it is this program itself
                self._command,
                env=os.environ | seat.environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=seat.descriptors,
            )
        except OSError:
            os.close(beats)
            errors.close()
            raise
        finally:
            os.close(beating)
        self._life = _Life(process, errors, beats, Heartbeat(f"worker {self.number}", _BEGIN), time.monotonic())
        self._lives += 1
        return process.pid

    def look(self, passed: float) -> End | None:
        """Tell how it ended, if it did. One that hangs is told to die, and one that takes too long to die is killed.

        `passed`: the seconds since the last look (see `Stopwatch`).
        """
        life = self._life
        if life is None:
            return None
        code = life.process.poll()
        if code is None:
            life.listen()
            life.heart.check(passed)
            self._hasten(life)
            return None
        self._life = None
        cause = life.errors.read()
        if cause is None and life.heart.hung:
            cause = Cause(None, f"it hung: no sign of life for {life.heart.limit:.0f} s")
        life.close()
        at = cause.at if cause is not None and cause.at is not None else time.time()
        return End(at, code, cause, time.monotonic() - life.began, self._lives == 1)

    def _hasten(self, life: _Life) -> None:
        if life.dying is None and life.errors.written():
            life.dying = time.monotonic()
        if life.dying is None and life.heart.hung:
            log.error("worker.hung", worker=self.number, silent=round(life.heart.silent))
            life.dying = time.monotonic()
            # The interpreter writes down what all threads were doing (`errorfile.watch_signals`).
            life.process.send_signal(signal.SIGABRT)
        if life.dying is not None and time.monotonic() - life.dying > GRACE:
            life.process.kill()

    def put_off(self, lived: float) -> float:
        """Set when it starts again, later each time if it lived shortly; gives the seconds until then."""
        self._early_ends = 1 if lived >= _WELL else self._early_ends + 1
        delay = delay_after(self._early_ends)
        self.due = time.monotonic() + delay
        return delay

    def terminate(self) -> None:
        """Ask its process to end, if there is one."""
        if self._life is not None:
            self._life.process.terminate()

    def reload(self) -> None:
        """Ask its process to read the configuration anew, if there is one."""
        if self._life is not None:
            self._life.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End its process, if there is one; what it was doing is found by the next, as after any death."""
        if self._life is not None:
            self._life.process.kill()
            self._life.process.wait()
            self._life.close()
            self._life = None
