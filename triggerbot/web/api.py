"""The HTTP answers for programs: the JSON API below /api/v1, /metrics, and the Dockerflow endpoints."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from triggerbot import __version__
from triggerbot.core import event_json
from triggerbot.core.policy.rules import Rule
from triggerbot.liveness import Check
from triggerbot.metrics import Metrics
from triggerbot.reports import actions, push_json, push_list, statistics
from triggerbot.reports.branches import backfills
from triggerbot.reports.judge import Judge
from triggerbot.store import PushRecord, Search, Store
from triggerbot.web.responses import DEFENCE, as_json, error, plain

#: Environment variable that names the version file if it is not where Dockerflow puts it.
VERSION_FILE = "TRIGGERBOT_VERSION_FILE"
_VERSION_PATH = "/app/version.json"
#: Bytes read of the version file; real ones are far smaller.
_VERSION_BYTES_MAX = 65_536
#: Seconds in a day.
_DAY = 86_400.0
_LIST_MAX, _DAYS_MAX = 200, 3650
#: What is said of a note to somebody who may not read it.
_PRIVATE = "who may read the page finds out there"
_FILTERS = ("project", "branch", "author", "text", "health")


class Api:
    """The read-only endpoints; `health` checks each part of the daemon."""

    def __init__(
        self,
        store: Store,
        judge: Judge,
        metrics: Metrics,
        clock: Callable[[], float],
        health: Callable[[], Mapping[str, Check]],
        about: Mapping[str, Any],
        rules: Sequence[Rule] = (),
    ) -> None:
        self._store = store
        self._judge = judge
        self._metrics = metrics
        self._clock = clock
        self._health = health
        self._about = about
        self._rules = rules

    def pushes(self, request: Request) -> Response:
        """List the latest pushes, filtered by `project`, `branch`, `author`, `text` and `health`."""
        limit = _number(request, "limit", 50, _LIST_MAX)
        if limit is None:
            return error(400, f"limit is a whole number from 1 to {_LIST_MAX}")
        wanted = Search(**{name: request.query_params.get(name, "") for name in _FILTERS})
        found = push_list.pushes(self._store, self._judge, wanted, limit, self._clock())
        return as_json({"pushes": [push_json.line(one) for one in found]})

    def push(self, request: Request) -> Response:
        """Return everything known of one push; the revision may be abbreviated."""
        found = self._store.pushes.find(request.path_params["project"], request.path_params["revision"])
        records = [record for push in found if (record := self._store.pushes.record(push)) is not None]
        if not records:
            return error(404, "nothing is known of such a push")
        return as_json({"pushes": [self._as_json(record) for record in records]})

    def _as_json(self, record: PushRecord) -> dict[str, Any]:
        before, timeline = (
            push_json.before(self._store.facts.metadata(record.push)),
            self._store.pushes.timeline(record.push),
        )
        push = push_json.push(record, self._judge.judge(record), before, timeline)
        return {**push, "backfills": [backfills.as_json(one) for one in backfills.concerning(self._store, record.push)]}

    def statistics(self, request: Request) -> Response:
        """Return the statistics of the last `days`: what was decided and sent."""
        days, now = _number(request, "days", 7, _DAYS_MAX), self._clock()
        if days is None:
            return error(400, f"days is a whole number from 1 to {_DAYS_MAX}")
        dry = bool(self._about.get("dry_run"))
        return as_json(
            {"days": days, **statistics.gather(self._store, self._rules, now - days * _DAY, now, dry=dry).as_json()}
        )

    def actions(self, request: Request) -> Response:
        """List what people did, the newest first."""
        limit = _number(request, "limit", 50, _LIST_MAX)
        if limit is None:
            return error(400, f"limit is a whole number from 1 to {_LIST_MAX}")
        return as_json({"actions": [actions.as_json(one) for one in self._store.actions.read(limit)]})

    def metrics(self, request: Request) -> Response:
        """Return all metrics in the text format of Prometheus."""
        return Response(self._metrics.text(), 200, DEFENCE, "text/plain; version=0.0.4; charset=utf-8")

    def heartbeat(self, request: Request, *, detailed: bool = True) -> Response:
        """Report the health of each part (Dockerflow): 503 if any has failed.

        `detailed`: with notes, which may repeat what CIs answer about private repositories.
        """
        checks = self._health()
        if not detailed:
            checks = {name: replace(check, note=check.note and _PRIVATE) for name, check in checks.items()}
        wrong = {name: check.note for name, check in checks.items() if check.failed}
        known = (
            {"distrust": self._distrust(), "breakers": self._breakers()} if detailed and "store" not in wrong else {}
        )
        report = {
            "status": "error" if wrong else "ok",
            "checks": {name: str(check.condition) for name, check in checks.items()},
            "wrong": wrong,
            "warnings": {name: check.note for name, check in checks.items() if check.note and not check.failed},
            **known,
            **self._about,
        }
        return as_json(report, 503 if wrong else 200)

    def _breakers(self) -> dict[str, str]:
        """Return the open breakers with their reasons. They mean an outage of the CI, not of this service."""
        return {str(one.place): one.why for one in self._store.limits.breakers() if one.open}

    def _distrust(self) -> dict[str, str]:
        """Return since when and why the store is distrusted, if it is: requests then wait for look-backs."""
        distrust = self._store.distrust()
        return {} if distrust is None else {event_json.format_time(distrust.since) or "": distrust.why}

    async def lbheartbeat(self, request: Request) -> Response:
        """Report that the process answers (Dockerflow); not in a thread, since all of them may be busy."""
        return plain(200, "ok")

    def version(self, request: Request) -> Response:
        """Return which build of the program this is (Dockerflow)."""
        return as_json(read_version(os.environ))


def read_version(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `source`, `version`, `commit` and `build` from the version file; without one, only the version."""
    version = {"source": "", "version": __version__, "commit": "", "build": ""}
    try:
        with Path(environ.get(VERSION_FILE) or _VERSION_PATH).open("rb") as file:
            content = json.loads(file.read(_VERSION_BYTES_MAX))
    except (OSError, ValueError):
        return version
    fields = content if isinstance(content, dict) else {}
    return version | {str(name): str(value) for name, value in fields.items() if value not in (None, "")}


def _number(request: Request, name: str, default: int, most: int) -> int | None:
    """Parse a positive whole number of the query, capped at `most`; `None` if it is malformed or 0."""
    text = request.query_params.get(name)
    if not text:
        return default
    digits = text.lstrip("0")
    if not (digits and text.isascii() and text.isdigit()):
        return None
    return min(int(digits[:9]), most)
