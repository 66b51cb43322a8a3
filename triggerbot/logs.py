"""Logs: one line a decision, for people on a terminal and as JSON elsewhere; no secret in any of them."""

import logging
import sys
from collections.abc import Collection
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

#: Longer values are cut: a hostile name must not flood the log.
_VALUE_MAX = 500
_MASK = "***"


class _Masked:
    """Replaces known secrets wherever they might turn up, and cuts what is too long."""

    def __init__(self, secrets: Collection[str]) -> None:
        # A very short secret would blot out ordinary text.
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 6)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if isinstance(value, (list, tuple)):
            return [self._clean(part) for part in value[:20]]
        if not isinstance(value, str):
            return value
        for secret in self._secrets:
            value = value.replace(secret, _MASK)
        return value if len(value) <= _VALUE_MAX else value[:_VALUE_MAX] + "…"


def configure(*, secrets: Collection[str] = (), stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Set up logging of this process, to stderr unless told otherwise."""
    out = sys.stderr if stream is None else stream
    terminal = out.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _Masked(secrets),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
