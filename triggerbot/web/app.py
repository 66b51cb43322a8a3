"""The ASGI application: its routes, the limits on concurrent answers, and the answers to errors."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from triggerbot.core.errors import StoreUnavailable
from triggerbot.web.api import Api
from triggerbot.web.pages import Pages
from triggerbot.web.responses import error
from triggerbot.web.webhooks import Hooks

#: Concurrent answers of each kind (API, health, metrics): heavy use of one must leave room for webhooks and for
#: health checks.
_AT_ONCE = 2
#: Prefixes of the paths for programs.
_PROGRAMS = ("/api/", "/hooks/", "/metrics", "/__")


def build(hooks: Hooks, api: Api, pages: Pages) -> Starlette:
    """Build the application with all routes."""
    api_limit, health_limit, metrics_limit = (CapacityLimiter(_AT_ONCE) for _ in range(3))
    app = Starlette(
        routes=[
            Route("/hooks/{system}", hooks, methods=["POST"]),
            Route("/api/v1/pushes", _guarded(api.pushes, api_limit)),
            Route("/api/v1/pushes/{project:path}/{revision}", _guarded(api.push, api_limit)),
            Route("/api/v1/stats", _guarded(api.statistics, api_limit)),
            Route("/metrics", _guarded(api.metrics, metrics_limit)),
            Route("/__heartbeat__", _guarded(api.heartbeat, health_limit)),
            Route("/__lbheartbeat__", api.lbheartbeat),
            Route("/__version__", _guarded(api.version, health_limit)),
            *pages.routes(),
        ],
        exception_handlers={HTTPException: _http_error_handler(pages), Exception: _fault_handler(pages)},
    )
    # A redirect would go to the host that the request names, which is untrusted.
    app.router.redirect_slashes = False
    return app


def _guarded(
    answer: Callable[[Request], Response], limiter: CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a handler to run in a thread, and to answer 503 while the store is unavailable."""

    async def guarded(request: Request) -> Response:
        try:
            return await to_thread.run_sync(answer, request, limiter=limiter)
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
        text = "triggerbot failed at this; its log says why"
        if request.scope["path"].startswith(_PROGRAMS):
            return error(HTTPStatus.INTERNAL_SERVER_ERROR, text)
        return pages.failed(request, f"{text}.")

    return handle
