"""The mark of a process without a supervisor, which the next start, or a replica, finds if the process is killed.

It is in the store, with the name of a file into which the interpreter writes what it dies of. A store in a file has one
daemon, so whatever mark is found there is of a process that is gone; a copy of that store is recognised by the file,
which is another one or none. In a Redis each process shows that it lives, and looks for marks of those that do not.
"""

import faulthandler
import os
import re
import stat
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import structlog

from triggerbot.core.errors import StoreRefused, StoreUnavailable
from triggerbot.daemon import alive
from triggerbot.daemon.alive import Fate
from triggerbot.daemon.workers import crash_file
from triggerbot.daemon.workers.crash_file import Cause
from triggerbot.daemon.workers.crash_log import name_of
from triggerbot.store import Crash, CrashClass, Store
from triggerbot.store.marks import Mark

log = structlog.get_logger("triggerbot.workers")

#: Seconds between signs of life: in the file, which costs nothing, and in a store of several.
_TOUCH_EVERY, _EVERY = 1.0, 10.0
#: Seconds since the last sign of life after which a Redis may have been put back: the mark alone proves nothing.
_OLD = 900.0
_STDERR = 2
_MOST = 1_000_000
#: The names of crash files, which is all that is read because a mark names it.
_NAME = re.compile(r".*-crash(?:-[0-9a-f]{32})?")
#: What the interpreter writes for a signal.
_SIGNALS = {
    "Segmentation fault": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Floating point exception": "SIGFPE",
    "Floating-point exception": "SIGFPE",
    "Illegal instruction": "SIGILL",
}
_NO_TRACE = "it left no trace: SIGKILL by somebody, or by the kernel for want of memory (its log says so)"


class RunningMark:
    """The mark of this process."""

    def __init__(self, address: str, mask: Callable[[str], str], clock: Callable[[], float] = time.time) -> None:
        scheme, _, path = address.partition(":")
        #: Only one daemon can have the store open.
        self._alone = scheme == "sqlite"
        self._in_memory = path.endswith(":memory:")
        self._mask = mask
        self._clock = clock
        self._id = uuid.uuid4().hex
        beside = Path(f"{Path(path).absolute()}-crash")
        self._file = beside if self._alone else _directory() / f"triggerbot-crash-{self._id}"
        self._descriptor: int | None = None
        self._mark: Mark | None = None
        self._is_put = False
        #: By id: the last sign of life of other processes, and since when it is that (monotonic, s).
        self._others: dict[str, tuple[float, float]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, store: Store) -> None:
        """Record the crashes of processes that are gone, and mark this one as running."""
        if self._in_memory:
            return
        with suppress(StoreUnavailable, StoreRefused):
            self._look(store)
        self._open_file()
        started, inode = self._clock(), 0 if self._descriptor is None else os.fstat(self._descriptor).st_ino
        self._mark = Mark(
            self._id, name_of(1), os.getpid(), alive.began(os.getpid()), alive.namespace(), alive.boot(), started,
            started, alive.uptime(), "" if self._descriptor is None else str(self._file), inode,
        )  # fmt: skip
        with suppress(StoreUnavailable, StoreRefused):
            self._put(store, self._mark)
        self._thread = threading.Thread(target=self._run, args=(store,), name="mark", daemon=True)
        self._thread.start()

    def write(self, cause: Cause) -> None:
        """Write the cause of the end, for the case that this process gets no further."""
        if self._descriptor is not None:
            crash_file.write(self._descriptor, cause)

    def stop(self, store: Store, *, clean: bool) -> None:
        """Show no more signs of life; `clean`: take the mark away, for this is no crash."""
        self._halt()
        if not clean:
            return
        with suppress(StoreUnavailable, StoreRefused):
            store.marks.settle(self._id, None)
            self._forget_file()

    def crashed(self, store: Store, crash: Crash) -> None:
        """Record the crash of this process in place of its mark."""
        self._halt()
        if not store.marks.settle(self._id, crash):
            store.crashes.add([crash])
        self._forget_file()

    @property
    def lived(self) -> float | None:
        """The seconds since it began."""
        return None if self._mark is None else round(max(0.0, self._clock() - self._mark.started), 1)

    def _halt(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_EVERY)

    def _run(self, store: Store) -> None:
        shown = time.monotonic()
        while not self._stop.wait(_TOUCH_EVERY):
            try:
                if self._descriptor is not None:
                    os.utime(self._descriptor)
                if time.monotonic() - shown < _EVERY:
                    continue
                shown = time.monotonic()
                self._show_life(store)
                if not self._alone:
                    self._look(store)
            except (StoreUnavailable, StoreRefused):
                # Whoever needs the store says that it is away.
                continue
            except Exception:
                # What only describes crashes must not cause one.
                log.exception("mark.failed")

    def _show_life(self, store: Store) -> None:
        # That a file has one daemon is proof enough: there the file beside it shows until when this one lived.
        if self._mark is not None and not (self._alone and self._is_put):
            self._mark = replace(self._mark, seen=self._clock(), seen_up=alive.uptime())
            self._put(store, self._mark)

    def _put(self, store: Store, mark: Mark) -> None:
        store.marks.put(mark)
        self._is_put = True

    # -- the marks of others ------------------------------------------------------------------------------------

    def _look(self, store: Store) -> None:
        marks = [mark for mark in store.marks.every() if mark.id != self._id]
        now = time.monotonic()
        known = self._others
        self._others = {}
        for mark in marks:
            seen, since = known.get(mark.id, (mark.seen, now))
            self._others[mark.id] = (mark.seen, since if seen == mark.seen else now)
            fate = self._fate(mark, now - self._others[mark.id][1])
            if fate is not Fate.RUNS:
                self._settle(store, mark, fate)

    def _fate(self, mark: Mark, unheard: float) -> Fate:
        if not self._alone:
            return alive.fate(mark, unheard)
        return Fate.KILLED if mark.boot == alive.boot() and mark.seen_up <= alive.uptime() else Fate.REBOOTED

    def _settle(self, store: Store, mark: Mark, fate: Fate) -> None:
        written = _written(mark)
        if written is None and (self._alone or self._clock() - mark.seen > _OLD):
            # A copy of a store of which that process knew nothing, or an older state of a Redis.
            if store.marks.settle(mark.id, None):
                log.info("mark.of_another_store", worker=mark.worker, pid=mark.pid)
            return
        crash = self._crash(mark, fate, *(written or ("", mark.seen)))
        if store.marks.settle(mark.id, crash):
            log.error(
                "daemon.died_before", worker_name=crash.worker, pid=crash.pid, ended=crash.ended, error=crash.error,
                kind=str(crash.kind), lived=crash.lived, exception=crash.trace,
            )  # fmt: skip
        if written is not None:
            Path(mark.file).unlink(missing_ok=True)

    def _crash(self, mark: Mark, fate: Fate, raw: str, seen: float) -> Crash:
        cause = crash_file.parse(self._mask(raw))
        seen = max(seen, mark.seen)
        if cause is not None:
            ended = "exit code 1" if cause.at is not None else _signal(cause.error)
            error, trace, kind, seen = cause.error, cause.trace, cause.kind, cause.at or seen
        else:
            ended, error, trace, kind = *_TEXTS[fate], "", CrashClass.KILLED
        return Crash(seen, mark.worker, ended, error, trace, 1, mark.pid, round(max(0.0, seen - mark.started), 1), kind)

    # -- the file -----------------------------------------------------------------------------------------------

    def _open_file(self) -> None:
        """Let the interpreter write into a file what it dies of, rather than to stderr."""
        try:
            self._file.unlink(missing_ok=True)
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            log.warning("mark.no_file", file=str(self._file), error=str(error))
            return
        faulthandler.enable(self._descriptor)

    def _forget_file(self) -> None:
        if self._descriptor is not None:
            faulthandler.enable(_STDERR)
            os.close(self._descriptor)
            self._descriptor = None
            self._file.unlink(missing_ok=True)


_TEXTS = {
    Fate.KILLED: ("killed", _NO_TRACE),
    Fate.REBOOTED: ("machine restarted", "the machine was started again while it ran, or it went on on another one"),
    Fate.UNHEARD: (
        "no sign of life",
        "nothing is heard of it: it was killed, or lost its machine or the store",
    ),
}


def _directory() -> Path:
    """Return a directory that may outlive this process: that which systemd gives it, or that of temporary files."""
    return Path(os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or tempfile.gettempdir()).absolute()


def _signal(error: str) -> str:
    return next((name for text, name in _SIGNALS.items() if text in error), "a fatal error")


def _written(mark: Mark) -> tuple[str, float] | None:
    """Return what is in the file of a mark, and when it last changed; `None` if that file is not there (any more)."""
    if not mark.file or not _NAME.fullmatch(Path(mark.file).name):
        return None
    try:
        descriptor = os.open(mark.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        own = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_ino == mark.inode
        return (file.read(_MOST).decode(errors="replace"), status.st_mtime) if own else None
