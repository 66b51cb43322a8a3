"""Logs: one line a decision, for people on a terminal and as JSON elsewhere; no secret in any of them."""

import logging
import sys
from collections.abc import Collection
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

#: Longer values are cut: a hostile name must not flood the log.
_VALUE_MAX = 500
#: The values that are tracebacks; they tell the most at both their ends.
_TRACES = ("exception", "trace")
_TRACE_MAX = 20_000
_MASK = "***"


class Mask:
    """Replaces known secrets in a text."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        # A very short secret would blot out ordinary text.
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 6)

    def __call__(self, text: str) -> str:
        """Mask them."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text


def cut_trace(trace: str) -> str:
    """Leave out the middle of a traceback that is too long."""
    half = _TRACE_MAX // 2
    return trace if len(trace) <= _TRACE_MAX else f"{trace[:half]}\n…\n{trace[-half:]}"


class _Masked:
    """Masks secrets wherever they might turn up, and cuts what is too long."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {
            key: cut_trace(self._mask(value)) if key in _TRACES and isinstance(value, str) else self._clean(value)
            for key, value in event.items()
        }

    def _clean(self, value: object) -> object:
        if isinstance(value, (list, tuple)):
            return [self._clean(part) for part in value[:20]]
        if not isinstance(value, str):
            return value
        value = self._mask(value)
        return value if len(value) <= _VALUE_MAX else value[:_VALUE_MAX] + "…"


class _Signed:
    """Writes on each line which worker it is of."""

    def __init__(self, worker: int) -> None:
        self._worker = worker

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**event, "worker": self._worker}


def configure(
    *,
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
    level: int = logging.INFO,
    worker: int | None = None,
) -> None:
    """Set up logging of this process, to stderr unless told otherwise; `worker`: its number, if there are several."""
    out = sys.stderr if stream is None else stream
    terminal = out.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([] if worker is None else [_Signed(worker)]),
            _Masked(Mask(secrets)),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # A line and its end in one write: several processes may share the stream.
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
