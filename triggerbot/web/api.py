"""What people and programs may read: pushes, statistics, metrics, health. Nothing here changes anything."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import triggerbot
from triggerbot import canonical, report
from triggerbot.errors import StoreUnavailable
from triggerbot.metrics import Metrics
from triggerbot.store import Store
from triggerbot.web.answers import as_json, error, plain

#: Seconds in a day.
_DAY = 86_400.0
_LIST_MAX = 200


class Api:
    """The reading side. `health` tells how each part of the daemon is: its name, and what is wrong or nothing."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        clock: Callable[[], float],
        health: Callable[[], Mapping[str, str]],
        about: Mapping[str, Any],
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._health = health
        self._about = about

    def front(self, request: Request) -> Response:
        """Say in a few lines what runs here and where to look."""
        paused = self._store.paused()
        lines = [
            f"triggerbot {triggerbot.__version__}" + (", dry run: nothing is sent" if self._about["dry_run"] else ""),
            f"paused by {paused.by}" if paused else "at work",
            *(f"the store may have forgotten something: {why}" for why in self._distrust().values()),
            *(f"the breaker of {place} is open: {why}" for place, why in self._breakers().items()),
            "",
            "GET /api/v1/pushes                       the pushes heard of last",
            "GET /api/v1/pushes/PROJECT/REVISION      one push: health, jobs, runs, and why each was (not) retriggered",
            "GET /api/v1/stats?days=7                 what was decided and sent",
            "GET /metrics, /__heartbeat__, /__lbheartbeat__, /__version__",
        ]
        return plain(200, "\n".join(lines))

    def pushes(self, request: Request) -> Response:
        """List the pushes heard of last."""
        limit = _number(request.query_params.get("limit"), 50, _LIST_MAX)
        found = self._store.recent(limit, request.query_params.get("project"))
        records = [record for push in found if (record := self._store.record(push)) is not None]
        return as_json({"pushes": [report.summary(record) for record in records]})

    def push(self, request: Request) -> Response:
        """Tell everything about one push; the revision may be cut."""
        found = self._store.find(request.path_params["project"], request.path_params["revision"])
        records = [record for push in found if (record := self._store.record(push)) is not None]
        if not records:
            return error(404, "nothing is known of such a push")
        return as_json({"pushes": [report.push(record) for record in records]})

    def statistics(self, request: Request) -> Response:
        """Count what was decided and sent lately."""
        days = _number(request.query_params.get("days"), 7, 3650)
        held = self._store.held()
        return as_json(
            {
                "days": days,
                **self._store.statistics(self._clock() - days * _DAY),
                "breakers": report.breakers(self._store.breakers(), held),
                "last_hour": report.caps(self._store.sent(self._clock()), held),
            }
        )

    def metrics(self, request: Request) -> Response:
        """Give all metrics to Prometheus."""
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def heartbeat(self, request: Request) -> Response:
        """Tell whether each part works (Dockerflow)."""
        try:
            wrong = {name: state for name, state in self._health().items() if state}
        except StoreUnavailable as failed:
            wrong = {"store": str(failed)}
        known = {} if "store" in wrong else {"distrust": self._distrust(), "breakers": self._breakers()}
        return as_json(
            {"status": "error" if wrong else "ok", "wrong": wrong, **known, **self._about}, 503 if wrong else 200
        )

    def _breakers(self) -> dict[str, str]:
        """Tell which breakers are open, and why: the CI is ill then, not this service."""
        return {str(one.place): one.why for one in self._store.breakers() if one.open}

    def _distrust(self) -> dict[str, str]:
        """Tell since when and why the store is not trusted, if it is not: requests wait for look-backs then."""
        distrust = self._store.distrust()
        return {} if distrust is None else {canonical.format_time(distrust.since) or "": distrust.why}

    def lbheartbeat(self, request: Request) -> Response:
        """Tell that the process answers (Dockerflow)."""
        return plain(200, "ok")

    def version(self, request: Request) -> Response:
        """Tell which program this is (Dockerflow)."""
        return as_json({"version": triggerbot.__version__, "source": "", "commit": "", "build": ""})


def _number(text: str | None, default: int, most: int) -> int:
    return min(int(text), most) if text and text.isascii() and text.isdigit() and len(text) < 9 else default
