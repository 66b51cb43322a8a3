"""Structured logging of this process: rendering for terminals, JSON and systemd's journal, secrets masked in all.

A line for the journal starts with its priority (sd-daemon(3)) and has no timestamp, for the journal adds its own.
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

from triggerbot.core.formatting import plain, plain_lines
from triggerbot.core.model import Push

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

#: Characters of a value; longer ones are cut, so that a hostile name cannot flood the log.
_VALUE_MAX = 500
#: The fields that hold tracebacks. A long one is cut in the middle: both its ends matter most.
_TRACES = ("exception", "trace")
_TRACE_MAX = 20_000
#: Priorities of the journal (syslog(3)).
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
#: Items of a list or mapping; further ones are left out.
_ITEMS_MAX = 20
_MASK = "***"
#: Events that repeat while the store is unavailable or a secret is wrong, logged once in `_REPEATED_EVERY` seconds.
_REPEATED = frozenset({"store.unavailable", "guard.store_unavailable", "hook.store_unavailable", "hook.refused"})
_REPEATED_EVERY = 60.0
#: Characters of the shortest secret that is masked: a shorter one would blot out ordinary text.
_SECRET_MIN = 6


class Mask:
    """Replaces known secrets in a text, in every form in which they may be written there."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # Longest first: a secret that is part of another one must not leave the rest of that readable.
        self._secrets = sorted((form for form in forms if len(form) >= _SECRET_MIN), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text with every secret masked."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms of a secret: as it is, URL-quoted, in JSON, as a repr, without its prefix, each line of a key."""
    for form in (secret, secret.removeprefix("whsec_"), *(secret.splitlines()[1:-1])):
        yield from (form, quote(form, safe=""), quote_plus(form), json.dumps(form)[1:-1], repr(form)[1:-1])


def cut_trace(trace: str) -> str:
    """Cut the middle out of a traceback that is too long."""
    half = _TRACE_MAX // 2
    return trace if len(trace) <= _TRACE_MAX else f"{trace[:half]}\n…\n{trace[-half:]}"


class _MaskSecrets:
    """Processor: masks secrets in every field, and cuts values that are too long."""

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
                return [self._clean(item) for item in value[:_ITEMS_MAX]]
            case dict():
                return {self._clean(str(name)): self._clean(item) for name, item in list(value.items())[:_ITEMS_MAX]}
            case _:
                # Anything else, such as an exception, would be turned into text by the renderer, after the masking.
                text = self._mask(str(value))
                return text if len(text) <= _VALUE_MAX else text[:_VALUE_MAX] + "…"


def _escape(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """Processor: escape what a terminal would take for commands; JSON does so itself."""
    return {plain(key): plain_lines(value) if isinstance(value, str) else value for key, value in event.items()}


class _LibraryHandler(logging.Handler):
    """Passes records of libraries (standard `logging`) on to structlog, so that they are masked and look alike."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record of a library."""
        with contextlib.suppress(Exception):  # as in the standard library: logging never breaks the program
            exc_info = record.exc_info if record.exc_info and record.exc_info[0] else None
            get_logger("triggerbot.foreign").log(
                record.levelno, "library", library=record.name, message=record.getMessage(), exc_info=exc_info
            )


class _AddWorker:
    """Processor: adds the number of the worker."""

    def __init__(self, worker: int) -> None:
        self._worker = worker

    def __call__(self, _: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
        return {**event, "worker": self._worker}


class _LimitRepeats:
    """Processor: drops most of the lines that would fill the log in a long outage, and counts those it dropped."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: By event and system: when a line was logged last, and how many were dropped since.
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, _: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
        name = event.get("event")
        if name not in _REPEATED:
            return event
        # By system: a flood of bad webhooks for one system must not hide the trouble of another.
        key = name, str(event.get("system", ""))
        with self._lock:
            now = self._clock()
            at, dropped = self._last.get(key, (-_REPEATED_EVERY, 0))
            if now - at < _REPEATED_EVERY:
                self._last[key] = at, dropped + 1
                from structlog import DropEvent

                raise DropEvent
            self._last[key] = now, 0
        return {**event, "repeated": dropped} if dropped else event


class _RenderWithPriority:
    """Renderer: puts the journal's priority before each line."""

    def __init__(self, renderer: "Processor") -> None:
        self._renderer = renderer

    def __call__(self, logger: "WrappedLogger", name: str, event: "EventDict") -> str:
        return f"<{_PRIORITIES.get(event.get('level', ''), 6)}>{self._renderer(logger, name, event)!s}"


def _is_journal(out: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether systemd has connected this stream to its journal (`JOURNAL_STREAM`, systemd.exec(5))."""
    try:
        status = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class _LineWriter:
    """Logger: writes lines to a stream. A line that cannot be written (a full disk, a closed stream) is dropped."""

    _lock = threading.Lock()

    def __init__(self, out: TextIO, *_: object) -> None:
        self._out = out

    def msg(self, message: str) -> None:
        """Write the line and its line end in one call: several processes may share the stream."""
        with contextlib.suppress(OSError, ValueError), self._lock:
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
    """Configure logging of this process, to stderr by default; `worker`: its number if it is one of several."""
    import structlog

    _PENDING.clear()
    out = sys.stderr if stream is None else stream
    journal = _is_journal(out, os.environ)
    renderer: Processor = structlog.dev.ConsoleRenderer() if out.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _LimitRepeats(clock),
            structlog.processors.add_log_level,
            *([] if journal else [structlog.processors.TimeStamper(fmt="iso", utc=True)]),
            structlog.processors.format_exc_info,
            *([] if worker is None else [_AddWorker(worker)]),
            _MaskSecrets(Mask(secrets)),
            *([_escape] if out.isatty() else []),
            _RenderWithPriority(renderer) if journal else renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_LineWriter, out),
        cache_logger_on_first_use=False,
    )
    # Without this handler Python would write warnings of libraries to stderr unmasked.
    logging.lastResort = _LibraryHandler(logging.WARNING)


def configure_errors() -> None:
    """Set up logging of a command: errors alone, to stderr. Where nothing logs, structlog is never imported.

    Importing structlog takes longer than most commands do. What may be imported after this gets its logger of
    `get_logger`, which sets logging up with the first line.
    """
    if "structlog" in sys.modules:
        configure(level=logging.ERROR)
        return
    _PENDING[:] = [partial(configure, level=logging.ERROR)]
    logging.lastResort = _LibraryHandler(logging.WARNING)


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
