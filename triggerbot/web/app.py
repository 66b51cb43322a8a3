"""The routes."""

from collections.abc import Callable
from functools import wraps

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from triggerbot.errors import StoreUnavailable
from triggerbot.web.answers import error
from triggerbot.web.api import Api
from triggerbot.web.hooks import Hooks
from triggerbot.web.pages import Pages


def build(hooks: Hooks, api: Api, pages: Pages) -> Starlette:
    """Put the routes together."""
    app = Starlette(
        routes=[
            Route("/hooks/{system}", hooks, methods=["POST"]),
            Route("/api/v1/pushes", _guarded(api.pushes)),
            Route("/api/v1/pushes/{project:path}/{revision}", _guarded(api.push)),
            Route("/api/v1/stats", _guarded(api.statistics)),
            Route("/metrics", _guarded(api.metrics)),
            Route("/__heartbeat__", _guarded(api.heartbeat)),
            Route("/__lbheartbeat__", _guarded(api.lbheartbeat)),
            Route("/__version__", _guarded(api.version)),
            *pages.routes(),
        ]
    )
    # It would lead to whatever host the request names.
    app.router.redirect_slashes = False
    return app


def _guarded(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Answer 503 while the store cannot be read."""

    @wraps(answer)
    def guarded(request: Request) -> Response:
        try:
            return answer(request)
        except StoreUnavailable as failed:
            return error(503, str(failed), {"retry-after": "5"})

    return guarded
