"""The webhook endpoint: verified, written in batches (one commit for many), refusals recorded in log and health.

A request is still answered only after its own events are on the disk; it shares the way there.

A wrong secret is the likeliest first mistake, and the sweep hides it. Strangers who try their luck are no trouble.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from triggerbot.core.errors import NotUnderstood, StoreUnavailable, Unauthenticated
from triggerbot.core.model import Heard
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import DeadLetter, Outcome, Store
from triggerbot.systems import System
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
        self._gathering = WebhookBatches(observer)
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self.refused = RejectedWebhooks(clock)
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
        self._store.add_dead_letters(
            [DeadLetter(0, self._clock(), system.name, "webhook", reason, body[:_LETTER_MAX], kept)]
        )


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


#: Requests that share one commit at most.
_MOST = 200


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """One request."""

    heard: Sequence[Heard]
    delivery: str
    #: Whether it had been stored before.
    answer: "asyncio.Future[bool]"


class WebhookBatches:
    """Belongs to one event loop; crosses over to the store's thread once a batch rather than once a request."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._waiting: list[_Waiting] = []
        self._busy = False
        #: After a fault, so many requests go one by one.
        self._singly = 0

    async def observe(self, heard: Sequence[Heard], delivery: str = "") -> bool:
        """Have what a webhook told observed, unless the same delivery (see `System.verify`) was stored before.

        Returns when it is durable, and tells whether it was before; raises what observing it raised.
        """
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(heard, delivery, answer))
        if not self._busy:
            self._send()
        return await answer

    def _send(self) -> None:
        most = 1 if self._singly else _MOST
        self._singly = max(0, self._singly - 1)
        batch, self._waiting = self._waiting[:most], self._waiting[most:]
        self._busy = bool(batch)
        if not batch:
            return
        loop = asyncio.get_running_loop()
        # The same delivery twice in one batch is observed once, like the same in two.
        firsts = {one.delivery or id(one): one for one in reversed(batch)}
        sent = [one for one in batch if firsts[one.delivery or id(one)] is one]
        heard = [thing for one in sent for thing in one.heard]
        deliveries = [one.delivery for one in sent for _ in one.heard]
        try:
            stored = self._observer.observe_soon(heard, deliveries=deliveries)
        except Exception as error:  # noqa: BLE001 - it belongs to the request that caused it
            loop.call_soon(self._fail, batch, error)
        else:
            stored.add_done_callback(lambda done: loop.call_soon_threadsafe(self._end, batch, sent, done))

    def _end(self, batch: list[_Waiting], sent: list[_Waiting], stored: "Future[list[Outcome]]") -> None:
        error = stored.exception()
        if error is not None:
            return self._fail(batch, error)
        outcomes = iter(stored.result())
        told = {one: [next(outcomes) for _ in one.heard] for one in sent}
        fresh = {one for one, each in told.items() if not any(outcome.repeated for outcome in each)}
        for one in batch:
            if not one.answer.done():  # whoever asked may have gone away
                one.answer.set_result(one not in fresh)
        self._send()

    def _fail(self, batch: list[_Waiting], error: BaseException) -> None:
        if len(batch) > 1 and not isinstance(error, StoreUnavailable):
            # One request's fault is no other's: each is tried by itself.
            self._singly = len(batch)
            self._waiting = batch + self._waiting
        else:
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
        self._send()


#: Seconds after which refusals are no longer told of.
_KEPT = 86_400.0


@dataclass(frozen=True, slots=True)
class _Row:
    """Refusals of one system with no good webhook in between."""

    number: int
    last: float
    why: str


class RejectedWebhooks:
    """Counts refusals; written by the thread that serves, read by any."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: dict[str, _Row] = {}

    def accepted(self, system: str) -> None:
        """A good one came."""
        self._rows.pop(system, None)

    def refused(self, system: str, status: int, why: str) -> None:
        """One was refused with this HTTP status."""
        row = self._rows.get(system)
        self._rows[system] = _Row(1 if row is None else row.number + 1, self._clock(), f"HTTP {status}, {why}")
        log.warning("hook.refused", system=system, status=status, error=why)

    def trouble(self, system: str) -> str:
        """Say what is wrong with the webhooks of a system; nothing is while good ones come."""
        row = self._rows.get(system)
        if row is None or self._clock() - row.last > _KEPT:
            return ""
        many = "1 webhook was" if row.number == 1 else f"{row.number} webhooks were"
        return f"{many} refused and none accepted since, the last with: {row.why}"
