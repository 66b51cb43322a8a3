"""Reads the annotations of jobs: of many with one query where GitHub answers that, or else of one after another."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import structlog

from triggerbot.core.errors import CIError
from triggerbot.core.model import Event, Push, Result
from triggerbot.systems.github import endings, messages, reporting
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.graphql import GraphQL

_log = structlog.get_logger(__name__)

#: Jobs to ask about at one time, one by one: where more fail at once, it is not one machine that went away.
_AT_ONCE = 20
#: Jobs that one query is about; GitHub takes a hundred.
_TOGETHER = 100
#: Jobs whose annotations, and whose names at GraphQL, are remembered.
_KEPT, _NAMES = 5000, 50_000
_QUERY = """
query($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on CheckRun {
      annotations(first: 50) {
        nodes { path annotationLevel title message location { start { line } } }
      }
    }
  }
}
"""


class _Start(msgspec.Struct, frozen=True):
    line: int | None = None


class _Location(msgspec.Struct, frozen=True):
    start: _Start | None = None


class _Node(msgspec.Struct, frozen=True, rename="camel"):
    """An annotation, as GraphQL has it."""

    path: str | None = None
    annotation_level: str | None = None
    title: str | None = None
    message: str | None = None
    location: _Location | None = None

    def as_listed(self) -> messages.Annotation:
        """Return it as the REST API has it."""
        start = self.location.start if self.location else None
        return messages.Annotation(
            path=self.path or "",
            start_line=start.line if start else None,
            annotation_level=(self.annotation_level or "").lower(),
            title=self.title,
            message=self.message,
        )


class _Nodes(msgspec.Struct, frozen=True):
    nodes: list[_Node | None] | None = None


class _CheckRun(msgspec.Struct, frozen=True):
    annotations: _Nodes | None = None


class Annotations:
    """The annotations of jobs, as failure lines. Thread-safe."""

    def __init__(self, system: str, client: Client, graph: GraphQL) -> None:
        self._system = system
        self._client = client
        self._graph = graph
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        #: By the ids of jobs: what GraphQL calls them.
        self._names: OrderedDict[str, str] = OrderedDict()

    def learn(self, jobs: Iterable[messages.Job]) -> None:
        """Remember what GraphQL calls jobs."""
        with self._lock:
            for job in jobs:
                if job.node_id:
                    self._names[str(job.id)] = job.node_id
            _trim(self._names, _NAMES)

    def are_named(self, job_ids: Iterable[str]) -> bool:
        """Return whether all these jobs can be asked about together."""
        with self._lock:
            return all(job_id in self._names for job_id in job_ids)

    def known(self, job_id: str) -> tuple[str, ...] | None:
        """Return what was read of a job before; `None` if nothing was."""
        with self._lock:
            return self._known.get(job_id) or None

    def together(self, push: Push, job_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Read the annotations of several jobs with one query; those that it does not tell of are left out."""
        with self._lock:
            names = {job_id: self._names[job_id] for job_id in job_ids if job_id in self._names}
        asked = list(names)[:_TOGETHER]
        if len(asked) < 2:
            return {}
        data = self._graph.read(push.project, _QUERY, {"ids": [names[job_id] for job_id in asked]})
        found = _lines(asked, data)
        with self._lock:
            self._known |= found
            _trim(self._known, _KEPT)
        return found

    def settle(self, push: Push, events: Sequence[Event]) -> list[Event]:
        """Return the events with the results that the annotations tell, as far as GitHub lets us read them.

        Without the permission, or without an answer, the conclusions hold. Where several failed all are asked about,
        so that an error of GitHub's own is known before anything is rerun; for one that failed in a step it is not.
        """
        settled, left = list(events), _AT_ONCE
        asked = [one for one in events if endings.is_unclear(one) or one.result is Result.FAILURE]
        with self._lock:
            unknown = [one.run_id for one in asked if one.run_id not in self._known]
        self.together(push, unknown)
        #: When jobs were cancelled for another reason than their length: so were those that ended with them.
        cancelled: list[float] = []
        for place, event in enumerate(settled):
            together = event.result is Result.CANCELLED and any(abs((event.time or 0.0) - at) < 5 for at in cancelled)
            with self._lock:
                lines = self._known.get(event.run_id)
            if together or not (endings.is_unclear(event) or (lines and event.result is Result.FAILURE)):
                continue
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
            _trim(self._known, _KEPT)
        return lines


def _lines(asked: Sequence[str], data: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """Return the failure lines of jobs from an answer, which has a node for each in order, or nothing for it."""
    try:
        nodes = msgspec.convert((data or {}).get("nodes") or [], list[_CheckRun | None])
    except msgspec.ValidationError as error:
        _log.warning("annotations.not_understood", error=str(error))
        return {}
    found = {}
    for job_id, node in zip(asked, nodes, strict=False):
        if node is not None and node.annotations is not None:
            listed = [one.as_listed() for one in node.annotations.nodes or () if one is not None]
            found[job_id] = reporting.lines_of(listed)
    return found


def _trim(cache: OrderedDict[str, Any], most: int) -> None:
    while len(cache) > most:
        cache.popitem(last=False)
