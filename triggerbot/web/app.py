"""The routes."""

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

#: Answers for programs that are made at the same time: however many ask, there is room for what is observed, and for
#: those who look whether the daemon lives.
_AT_ONCE = 2
#: What the paths for programs begin with.
_PROGRAMS = ("/api/", "/hooks/", "/metrics", "/__")


def build(hooks: Hooks, api: Api, pages: Pages) -> Starlette:
    """Put the routes together."""
    reading, looking, measuring = (CapacityLimiter(_AT_ONCE) for _ in range(3))
    app = Starlette(
        routes=[
            Route("/hooks/{system}", hooks, methods=["POST"]),
            Route("/api/v1/pushes", _guarded(api.pushes, reading)),
            Route("/api/v1/pushes/{project:path}/{revision}", _guarded(api.push, reading)),
            Route("/api/v1/stats", _guarded(api.statistics, reading)),
            Route("/metrics", _guarded(api.metrics, measuring)),
            Route("/__heartbeat__", _guarded(api.heartbeat, looking)),
            Route("/__lbheartbeat__", api.lbheartbeat),
            Route("/__version__", _guarded(api.version, looking)),
            *pages.routes(),
        ],
        exception_handlers={HTTPException: _refusing(pages), Exception: _failing(pages)},
    )
    # It would lead to whatever host the request names.
    app.router.redirect_slashes = False
    return app


def _guarded(
    answer: Callable[[Request], Response], limiter: CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Answer in a thread, and 503 while the store cannot be read."""

    async def guarded(request: Request) -> Response:
        try:
            return await to_thread.run_sync(answer, request, limiter=limiter)
        except StoreUnavailable as failed:
            return error(503, str(failed), {"retry-after": "5"})

    return guarded


def _refusing(pages: Pages) -> Callable[[Request, Exception], Response]:
    """Say that there is no such path or method: to people in a page, to programs in JSON."""

    def refused(request: Request, raised: Exception) -> Response:
        assert isinstance(raised, HTTPException)
        if raised.status_code == HTTPStatus.NOT_FOUND and not request.scope["path"].startswith(_PROGRAMS):
            return pages.unknown(request)
        return error(raised.status_code, raised.detail.lower(), raised.headers)

    return refused


def _failing(pages: Pages) -> Callable[[Request, Exception], Response]:
    """Say that it is our fault; what it was is for the log only."""

    def failed(request: Request, _raised: Exception) -> Response:
        text = "triggerbot failed at this; its log says why"
        if request.scope["path"].startswith(_PROGRAMS):
            return error(HTTPStatus.INTERNAL_SERVER_ERROR, text)
        return pages.failed(request, f"{text}.")

    return failed
