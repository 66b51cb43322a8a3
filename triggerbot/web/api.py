"""The JSON of the pages for programs, below /api/v1, and which build of the program this is."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from triggerbot import __version__
from triggerbot.core import event_json
from triggerbot.core.policy.rules import Rule
from triggerbot.liveness import Check
from triggerbot.metrics import Metrics
from triggerbot.reports import push_json, statistics
from triggerbot.reports.judge import Judge
from triggerbot.store import PushRecord, Search, Store, Summary
from triggerbot.web.responses import DEFENCE, as_json, error, plain

#: Seconds in a day.
_DAY = 86_400.0
_LIST_MAX, _DAYS_MAX = 200, 3650
_WANTED = ("project", "branch", "author", "text", "health")


class Api:
    """The reading side. `health` looks at each part of the daemon."""

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
        """List the pushes heard of last; `project`, `branch`, `author`, `text`, `health` choose among them."""
        limit = _number(request, "limit", 50, _LIST_MAX)
        if limit is None:
            return error(400, f"limit is a whole number from 1 to {_LIST_MAX}")
        wanted = Search(**{name: request.query_params.get(name, "") for name in _WANTED})
        found = self._store.search(wanted, limit)
        return as_json({"pushes": [push_json.line(one if one.health else self._judged(one)) for one in found]})

    def _judged(self, one: Summary) -> Summary:
        """Judge a push now that was not judged yet."""
        record = self._store.record(one.push)
        return one if record is None else push_json.summary(record, self._judge.judge(record), self._clock())

    def push(self, request: Request) -> Response:
        """Tell everything about one push; the revision may be cut."""
        found = self._store.find(request.path_params["project"], request.path_params["revision"])
        records = [record for push in found if (record := self._store.record(push)) is not None]
        if not records:
            return error(404, "nothing is known of such a push")
        return as_json({"pushes": [self._told(record) for record in records]})

    def _told(self, record: PushRecord) -> dict[str, Any]:
        before, story = push_json.before(self._store.metadata(record.push)), self._store.timeline(record.push)
        return push_json.push(record, self._judge.judge(record), before, story)

    def statistics(self, request: Request) -> Response:
        """Count what was decided and sent lately."""
        days, now = _number(request, "days", 7, _DAYS_MAX), self._clock()
        if days is None:
            return error(400, f"days is a whole number from 1 to {_DAYS_MAX}")
        dry = bool(self._about.get("dry_run"))
        return as_json(
            {"days": days, **statistics.gather(self._store, self._rules, now - days * _DAY, now, dry=dry).as_json()}
        )

    def metrics(self, request: Request) -> Response:
        """Give all metrics to Prometheus."""
        return Response(self._metrics.text(), 200, DEFENCE, "text/plain; version=0.0.4; charset=utf-8")

    def heartbeat(self, request: Request) -> Response:
        """Tell how each part is (Dockerflow)."""
        checks = self._health()
        wrong = {name: check.note for name, check in checks.items() if check.failed}
        known = {} if "store" in wrong else {"distrust": self._distrust(), "breakers": self._breakers()}
        told = {
            "status": "error" if wrong else "ok",
            "checks": {name: str(check.condition) for name, check in checks.items()},
            "wrong": wrong,
            "warnings": {name: check.note for name, check in checks.items() if check.note and not check.failed},
            **known,
            **self._about,
        }
        return as_json(told, 503 if wrong else 200)

    def _breakers(self) -> dict[str, str]:
        """Tell which breakers are open, and why: the CI is ill then, not this service."""
        return {str(one.place): one.why for one in self._store.breakers() if one.open}

    def _distrust(self) -> dict[str, str]:
        """Tell since when and why the store is not trusted, if it is not: requests wait for look-backs then."""
        distrust = self._store.distrust()
        return {} if distrust is None else {event_json.format_time(distrust.since) or "": distrust.why}

    async def lbheartbeat(self, request: Request) -> Response:
        """Tell that the process answers (Dockerflow); in no thread, for all of them may be busy."""
        return plain(200, "ok")

    def version(self, request: Request) -> Response:
        """Tell which program this is (Dockerflow)."""
        return as_json(read_version(os.environ))


def _number(request: Request, name: str, default: int, most: int) -> int | None:
    """Read a number of the query, at most so much; `None` if it is none."""
    text = request.query_params.get(name)
    if not text:
        return default
    digits = text.lstrip("0")
    if not (digits and text.isascii() and text.isdigit()):
        return None
    return min(int(digits[:9]), most)


#: Names the file, if it is not where Dockerflow has it.
VERSION_FILE = "TRIGGERBOT_VERSION_FILE"
_VERSION_PLACE = "/app/version.json"
#: Bytes; what is written there is far less.
_VERSION_BYTES_MAX = 65_536


def read_version(environ: Mapping[str, str]) -> dict[str, str]:
    """Read `source`, `version`, `commit` and `build`; without a file only the version is known."""
    told = {"source": "", "version": __version__, "commit": "", "build": ""}
    try:
        with Path(environ.get(VERSION_FILE) or _VERSION_PLACE).open("rb") as file:
            written = json.loads(file.read(_VERSION_BYTES_MAX))
    except (OSError, ValueError):
        return told
    found = written if isinstance(written, dict) else {}
    return told | {str(name): str(value) for name, value in found.items() if value not in (None, "")}
