"""Reads the annotations of jobs whose conclusion alone does not tell how they ended, each once."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import structlog

from triggerbot.core.errors import CIError
from triggerbot.core.model import Event, Push, Result
from triggerbot.systems.github import endings, reporting
from triggerbot.systems.github.client import Client

_log = structlog.get_logger(__name__)

#: Jobs to ask about at one time: where more fail at once, it is not one machine that went away.
_AT_ONCE = 20
#: Jobs whose annotations are remembered.
_KEPT = 5000


class Annotations:
    """The annotations of jobs, as failure lines. Thread-safe."""

    def __init__(self, system: str, client: Client) -> None:
        self._system = system
        self._client = client
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def known(self, job_id: str) -> tuple[str, ...] | None:
        """Return what was read of a job before; `None` if nothing was."""
        with self._lock:
            return self._known.get(job_id) or None

    def settle(self, push: Push, events: Sequence[Event]) -> list[Event]:
        """Return the events with the results that the annotations tell, as far as GitHub lets us read them.

        Without the permission, or without an answer, the conclusions hold.
        """
        settled, left = list(events), _AT_ONCE
        #: When jobs were cancelled for another reason than their length: so were those that ended with them.
        cancelled: list[float] = []
        for place, event in enumerate(settled):
            together = event.result is Result.CANCELLED and any(abs((event.time or 0.0) - at) < 5 for at in cancelled)
            if together or not endings.is_unclear(event):
                continue
            with self._lock:
                lines = self._known.get(event.run_id)
            if lines is None and left > 0:
                left -= 1
                try:
                    lines = self._read(push, event.run_id)
                except CIError as error:
                    _log.info("annotations.not_read", system=self._system, project=push.project, error=str(error))
                    left = 0
            if lines and event.result is not None:
                settled[place] = replace(event, result=endings.by_annotations(event.result, lines))
            if settled[place].result is Result.CANCELLED:
                cancelled.append(event.time or 0.0)
        return settled

    def _read(self, push: Push, job_id: str) -> tuple[str, ...]:
        lines = reporting.annotations(self._client, push, job_id)
        with self._lock:
            self._known[job_id] = lines
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return lines
