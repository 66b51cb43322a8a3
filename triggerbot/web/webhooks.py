"""Webhooks: verified over the raw body, understood, stored, and only then answered 202."""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from triggerbot.core.errors import NotUnderstood, StoreUnavailable, Unauthenticated
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import DeadLetter, Store
from triggerbot.systems import System
from triggerbot.web.gathering import Gathering
from triggerbot.web.refused import Refused
from triggerbot.web.responses import error, plain

log = structlog.get_logger("triggerbot.hooks")

#: Seconds for a whole body to arrive.
BODY_SECONDS = 10.0
#: Bytes of each body that are always taken, and of what is larger for all requests together: nobody has proved yet who
#: sends it.
BODY_FREE, BODIES_MAX = 131_072, 64 * 1024 * 1024
#: Bytes of a body that a dead letter keeps.
_LETTER_MAX = 262_144
#: Headers worth keeping with a dead letter; none of them is a signature.
_LETTER_HEADERS = ("content-type", "x-github-event", "x-github-delivery", "webhook-id", "webhook-timestamp")


class Hooks:
    """Answers POST /hooks/<system>."""

    def __init__(
        self,
        systems: Mapping[str, System],
        observer: Observer,
        store: Store,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._systems = systems
        self._gathering = Gathering(observer)
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self.refused = Refused(clock)
        #: Bytes of large bodies that are arriving.
        self.arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one webhook (as an ASGI application of its own, which spares each request two wrappers)."""
        request = Request(scope, receive)
        answer = await self._answer(request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        system = self._systems.get(request.path_params["system"])
        if system is None:
            self._metrics.webhooks.labels("", "404").inc()
            return error(404, "no such system is configured")
        try:
            answer = await self._take(system, request)
        except Unauthenticated as refused:
            answer = self._refuse(system, 401, str(refused))
        except NotUnderstood as refused:
            answer = self._refuse(system, 400, str(refused))
        except StoreUnavailable as failed:
            log.error("hook.store_unavailable", system=system.name, error=str(failed))
            answer = error(503, "the store cannot take this now", {"retry-after": "5"})
        except _Crowded:
            answer = error(503, "too many large bodies are arriving", {"retry-after": "5"})
        except TimeoutError:
            answer = error(408, f"the body did not arrive within {BODY_SECONDS:g} s")
        except ClientDisconnect:
            answer = error(400, "the connection ended before the body did")
        self._metrics.webhooks.labels(system.name, str(answer.status_code)).inc()
        return answer

    async def _take(self, system: System, request: Request) -> Response:
        body = await self._body(request, system.body_max)
        if body is None:
            return self._refuse(system, 413, f"a body has at most {system.body_max} bytes here")
        headers = _headers(request)
        delivery = _verify(system, headers, body, self._clock())
        try:
            heard = system.parse(headers, body)
            repeated = await self._gathering.observe(heard, delivery)
        except (NotUnderstood, StoreUnavailable):
            raise
        except Exception as failure:
            # It is authentic, and triggerbot itself fails on it: keep it for a person, and go on.
            log.exception("hook.failed", system=system.name)
            await asyncio.to_thread(self._bury, system, headers, body, f"{type(failure).__name__}: {failure}")
            return plain(202, "stored")
        self.refused.accepted(system.name)
        if repeated:
            log.debug("hook.repeated", system=system.name, delivery=delivery)
            self._metrics.repeated.labels(system.name).inc()
            return plain(202, "stored before")
        return plain(202, "stored")

    def _refuse(self, system: System, status: int, why: str) -> Response:
        self.refused.refused(system.name, status, why)
        return error(status, why)

    async def _body(self, request: Request, most: int) -> bytes | None:
        """Read the raw body, never decompressed; `None` if it is too large, without reading on."""
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > most:
            return None
        chunks: list[bytes] = []
        size = large = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most:
                        return None
                    if size > BODY_FREE:
                        large += len(chunk)
                        self.arriving += len(chunk)
                        if self.arriving > BODIES_MAX:
                            raise _Crowded
                    chunks.append(chunk)
        finally:
            self.arriving -= large
        return b"".join(chunks)

    def _bury(self, system: System, headers: Mapping[str, str], body: bytes, reason: str) -> None:
        kept = {name: headers[name] for name in _LETTER_HEADERS if name in headers}
        self._metrics.dead_letters.labels(system.name).inc()
        self._store.bury([DeadLetter(0, self._clock(), system.name, "webhook", reason, body[:_LETTER_MAX], kept)])


def _headers(request: Request) -> dict[str, str]:
    """Give each header one value; of those that come several times all, as HTTP reads them (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _verify(system: System, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Have a webhook verified; what makes that fail in another way than by refusing it is refused, too."""
    try:
        return system.verify(headers, body, now)
    except Unauthenticated:
        raise
    except Exception:
        log.exception("hook.not_verified", system=system.name)
        raise Unauthenticated("this cannot be verified") from None


class _Crowded(Exception):
    """There is no room for another large body now."""
