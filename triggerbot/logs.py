"""Logs: one line a decision, for people on a terminal and as JSON elsewhere; no secret in any of them.

What goes to systemd's journal begins with its priority (sd-daemon(3)) and leaves the time to the journal.
"""

import contextlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote, quote_plus

from triggerbot.core.model import Push

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

#: Longer values are cut: a hostile name must not flood the log.
_VALUE_MAX = 500
#: The values that are tracebacks; they tell the most at both their ends.
_TRACES = ("exception", "trace")
_TRACE_MAX = 20_000
#: Priorities as the journal has them (syslog(3)).
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
#: Parts of a list or a mapping.
_PARTS_MAX = 20
_MASK = "***"
#: What is said again and again while the store is away or a secret is wrong; once in so many seconds is enough.
_REPEATED = frozenset({"store.unavailable", "guard.store_unavailable", "hook.store_unavailable", "hook.refused"})
_REPEATED_EVERY = 60.0
#: Characters of the shortest secret that can be masked.
_SECRET_MIN = 6


class Mask:
    """Replaces known secrets in a text, however they are written there."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        written = {form for secret in secrets for form in _forms(secret)}
        # A very short secret would blot out ordinary text; and what is part of another must not spoil that.
        self._secrets = sorted((form for form in written if len(form) >= _SECRET_MIN), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Mask them."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text


def _forms(secret: str) -> Iterator[str]:
    """Yield how a secret may be written: as it is, in an address, in JSON, without its prefix, or a line of a key."""
    for form in (secret, secret.removeprefix("whsec_"), *(secret.splitlines()[1:-1])):
        yield from (form, quote(form, safe=""), quote_plus(form), json.dumps(form)[1:-1], repr(form)[1:-1])


def cut_trace(trace: str) -> str:
    """Leave out the middle of a traceback that is too long."""
    half = _TRACE_MAX // 2
    return trace if len(trace) <= _TRACE_MAX else f"{trace[:half]}\n…\n{trace[-half:]}"


class _Masked:
    """Masks secrets wherever they might turn up, and cuts what is too long."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    def __call__(self, _: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
        return {
            key: cut_trace(self._mask(value)) if key in _TRACES and isinstance(value, str) else self._clean(value)
            for key, value in event.items()
        }

    def _clean(self, value: object) -> object:
        match value:
            case None | bool() | int() | float():
                return value
            case list() | tuple():
                return [self._clean(part) for part in value[:_PARTS_MAX]]
            case dict():
                return {self._clean(str(name)): self._clean(part) for name, part in list(value.items())[:_PARTS_MAX]}
            case _:
                # An exception, say: the renderer would write it out after us.
                text = self._mask(str(value))
                return text if len(text) <= _VALUE_MAX else text[:_VALUE_MAX] + "…"


class _Foreign(logging.Handler):
    """Takes what libraries log in their own way, so that it is masked and looks like the rest."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record of a library."""
        with contextlib.suppress(Exception):  # as the standard library has it: a log line never breaks anything
            exc_info = record.exc_info if record.exc_info and record.exc_info[0] else None
            get_logger("triggerbot.foreign").log(
                record.levelno, "library", library=record.name, message=record.getMessage(), exc_info=exc_info
            )


class _Signed:
    """Writes on each line which worker it is of."""

    def __init__(self, worker: int) -> None:
        self._worker = worker

    def __call__(self, _: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
        return {**event, "worker": self._worker}


class _Seldom:
    """Lets through only some of the lines that would fill the log in a long outage, and says how many it kept back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: By event and system: when one was let through last, and how many were kept back since.
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, _: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
        name = event.get("event")
        if name not in _REPEATED:
            return event
        # What strangers send to one system must not hide what is wrong with another.
        key = name, str(event.get("system", ""))
        with self._lock:
            now = self._clock()
            at, kept_back = self._last.get(key, (-_REPEATED_EVERY, 0))
            if now - at < _REPEATED_EVERY:
                self._last[key] = at, kept_back + 1
                from structlog import DropEvent

                raise DropEvent
            self._last[key] = now, 0
        return {**event, "repeated": kept_back} if kept_back else event


class _Prioritised:
    """Writes the priority before each line."""

    def __init__(self, renderer: "Processor") -> None:
        self._renderer = renderer

    def __call__(self, logger: "WrappedLogger", name: str, event: "EventDict") -> str:
        return f"<{_PRIORITIES.get(event.get('level', ''), 6)}>{self._renderer(logger, name, event)!s}"


def _is_journal(out: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether this stream is the one that systemd has connected to its journal (systemd.exec(5))."""
    try:
        status = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class _Lines:
    """Writes lines. One that cannot be written, for the disk is full, costs that line and nothing else."""

    _lock = threading.Lock()

    def __init__(self, out: TextIO, *_: object) -> None:
        self._out = out

    def msg(self, message: str) -> None:
        """Write a line and its end at once: several processes may share the stream."""
        with contextlib.suppress(OSError), self._lock:
            self._out.write(message + "\n")
            self._out.flush()

    log = debug = info = warn = warning = err = error = critical = fatal = exception = failure = msg


def configure(
    *,
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
    level: int = logging.INFO,
    worker: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Set up logging of this process, to stderr unless told otherwise; `worker`: its number, if there are several."""
    import structlog

    _PENDING.clear()
    out = sys.stderr if stream is None else stream
    journal = _is_journal(out, os.environ)
    renderer: Processor = structlog.dev.ConsoleRenderer() if out.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _Seldom(clock),
            structlog.processors.add_log_level,
            *([] if journal else [structlog.processors.TimeStamper(fmt="iso", utc=True)]),
            structlog.processors.format_exc_info,
            *([] if worker is None else [_Signed(worker)]),
            _Masked(Mask(secrets)),
            _Prioritised(renderer) if journal else renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_Lines, out),
        cache_logger_on_first_use=False,
    )
    # Without a handler of ours Python would write warnings of libraries to stderr as they are.
    logging.lastResort = _Foreign(logging.WARNING)


def configure_errors() -> None:
    """Set up logging of a command: errors alone, to stderr. Where nothing logs, structlog is never imported.

    Importing structlog takes longer than most commands do. What may be imported after this gets its logger of
    `get_logger`, which sets logging up with the first line.
    """
    if "structlog" in sys.modules:
        configure(level=logging.ERROR)
        return
    _PENDING[:] = [partial(configure, level=logging.ERROR)]
    logging.lastResort = _Foreign(logging.WARNING)


#: What sets up logging with the first line; at most one.
_PENDING: list[Callable[[], None]] = []


class _Logger:
    """A logger of structlog that is made when it first logs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        import structlog

        while _PENDING:
            _PENDING.pop()()
        return getattr(structlog.get_logger(self._name), method)


def get_logger(name: str) -> Any:
    """Make a logger for a module that a command may import late; others ask structlog itself."""
    return _Logger(name)


def push_fields(push: Push) -> dict[str, str]:
    """Return the fields that name a push in a log line."""
    return {"system": push.system, "project": push.project, "branch": push.branch, "revision": push.revision}
