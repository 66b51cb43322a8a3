"""The ASGI application: its routes, the limits on concurrent answers, and the answers to errors."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from triggerbot.core.errors import StoreUnavailable
from triggerbot.web.api import Api
from triggerbot.web.gate import Check, Gate
from triggerbot.web.pages import Pages
from triggerbot.web.responses import FAULT, error
from triggerbot.web.webhooks import Hooks

#: Concurrent answers of each kind (API, health, metrics): heavy use of one must leave room for webhooks and for
#: health checks.
_AT_ONCE = 2
#: Prefixes of the paths for programs.
_HOOKS = "/hooks/"
_PROGRAMS = ("/api/", _HOOKS, "/metrics", "/__")


class _Application(Starlette):
    """The application; webhooks, which may be many, go to their handler without its middlewares and routes."""

    def __init__(self, hooks: Hooks, **options: Any) -> None:
        super().__init__(**options)
        self._hooks = hooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            system = path[len(_HOOKS) :]
            if path.startswith(_HOOKS) and system and "/" not in system:
                scope["path_params"] = {"system": system}
                return await self._hooks(scope, receive, send)
        await super().__call__(scope, receive, send)


def build(hooks: Hooks, api: Api, pages: Pages) -> Starlette:
    """Build the application with all routes."""
    gate = pages.gate
    api_limit, health_limit, metrics_limit = (CapacityLimiter(_AT_ONCE) for _ in range(3))
    app = _Application(
        hooks,
        routes=[
            Route("/hooks/{system}", hooks, methods=["POST"]),
            Route("/api/v1/pushes", _guarded(api.pushes, api_limit, gate.of_programs)),
            Route("/api/v1/pushes/{project:path}/{revision}", _guarded(api.push, api_limit, gate.of_programs)),
            Route("/api/v1/branches/{path:path}", _guarded(pages.branches.json, api_limit, gate.of_programs)),
            Route("/api/v1/failures/{project:path}", _guarded(pages.failures.json, api_limit, gate.of_programs)),
            Route("/api/v1/jobs/{path:path}", _guarded(pages.jobs.json, api_limit, gate.of_programs)),
            Route("/api/v1/stats", _guarded(api.statistics, api_limit, gate.of_programs)),
            Route("/api/v1/actions", _guarded(api.actions, api_limit, gate.of_programs)),
            Route("/api/v1/answers/{command}", _guarded(pages.answers, api_limit, gate.of_programs)),
            Route("/metrics", _guarded(api.metrics, metrics_limit, gate.of_metrics)),
            Route("/__heartbeat__", _guarded(_heartbeat(api, gate), health_limit)),
            Route("/__lbheartbeat__", api.lbheartbeat),
            Route("/__version__", _guarded(api.version, health_limit)),
            *pages.routes(),
        ],
        exception_handlers={HTTPException: _http_error_handler(pages), Exception: _fault_handler(pages)},
    )
    # A redirect would go to the host that the request names, which is untrusted.
    app.router.redirect_slashes = False
    return app


def _heartbeat(api: Api, gate: Gate) -> Callable[[Request], Response]:
    """Return the health for everybody; what is wrong in detail is for those who may read."""

    def heartbeat(request: Request) -> Response:
        try:
            detailed = gate.of_metrics(request) is None
        except StoreUnavailable:
            detailed = False
        return api.heartbeat(request, detailed=detailed)

    return heartbeat


def _guarded(
    answer: Callable[[Request], Response], limiter: CapacityLimiter, check: Check = lambda _: None
) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a handler to run in a thread, unless `check` refuses, and to answer 503 while the store is unavailable."""

    def checked(request: Request) -> Response:
        return check(request) or answer(request)

    async def guarded(request: Request) -> Response:
        try:
            return await to_thread.run_sync(checked, request, limiter=limiter)
        except StoreUnavailable as failed:
            return error(503, str(failed), {"retry-after": "5"})

    return guarded


def _http_error_handler(pages: Pages) -> Callable[[Request, Exception], Response]:
    """Return the handler of unknown paths and methods: a page for people, JSON for programs."""

    def handle(request: Request, raised: Exception) -> Response:
        assert isinstance(raised, HTTPException)
        if raised.status_code == HTTPStatus.NOT_FOUND and not request.scope["path"].startswith(_PROGRAMS):
            return pages.unknown(request)
        return error(raised.status_code, raised.detail.lower(), raised.headers)

    return handle


def _fault_handler(pages: Pages) -> Callable[[Request, Exception], Response]:
    """Return the handler of our own faults: a 500 without details, which are for the log only."""

    def handle(request: Request, _raised: Exception) -> Response:
        if request.scope["path"].startswith(_PROGRAMS):
            return error(HTTPStatus.INTERNAL_SERVER_ERROR, FAULT)
        return pages.failed(request, f"{FAULT}.")

    return handle
