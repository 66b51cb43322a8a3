"""The webhook endpoint: verifies and parses webhooks, and stores their events in batches.

Requests share commits, but each is answered only after its own events are on the disk. Rejected webhooks are logged
and shown in the health: a wrong secret is the likeliest first mistake, and the sweep would hide it. Rejections while
authentic webhooks arrive are only strangers trying, and no problem.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from triggerbot.core.errors import NotUnderstood, StoreUnavailable, Unauthenticated
from triggerbot.core.model import Heard
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import DeadLetter, Outcome, Store
from triggerbot.systems import System
from triggerbot.web.responses import FAULT, error, plain

log = structlog.get_logger("triggerbot.hooks")

#: Seconds for a body to arrive completely.
BODY_SECONDS = 10.0
#: Bytes of each body that are always accepted, and most bytes beyond those for all requests together: senders are not
#: authenticated yet while their body arrives.
BODY_FREE, BODIES_MAX = 131_072, 64 * 1024 * 1024
#: Most bytes of a body that a dead letter stores.
_LETTER_MAX = 262_144
#: Headers stored with a dead letter; none of them is a signature.
_LETTER_HEADERS = ("content-type", "x-github-event", "x-github-delivery", "webhook-id", "webhook-timestamp")
#: Most requests that share one commit.
_BATCH_MAX = 200
#: Seconds for which rejections are reported.
_REPORTED_SECONDS = 86_400.0
#: Most answers are these: made once.
_STORED, _STORED_BEFORE = plain(202, "stored"), plain(202, "stored before")


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
        self._batches = WebhookBatches(observer)
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self.refused = RejectedWebhooks(clock)
        #: Bytes of large bodies that are arriving.
        self.arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one webhook (as an ASGI application of its own: see `app`)."""
        answer = await self._answer(scope, receive)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        system = self._systems.get(scope["path_params"]["system"])
        if system is None:
            self._metrics.webhooks.labels("", "404").inc()
            return error(404, "no such system is configured")
        try:
            answer = await self._process(system, _headers(scope), receive)
        except Unauthenticated as refused:
            answer = self._reject(system, 401, str(refused))
        except NotUnderstood as refused:
            answer = self._reject(system, 400, str(refused))
        except StoreUnavailable as failed:
            log.error("hook.store_unavailable", system=system.name, error=str(failed))
            answer = error(503, "the store cannot take this now", {"retry-after": "5"})
        except _TooManyBodies:
            answer = error(503, "too many large bodies are arriving", {"retry-after": "5"})
        except TimeoutError:
            answer = error(408, f"the body did not arrive within {BODY_SECONDS:g} s")
        except ClientDisconnect:
            answer = error(400, "the connection ended before the body did")
        except Exception:
            log.exception("hook.failed", system=system.name)
            answer = error(500, FAULT)
        self._metrics.webhooks.labels(system.name, str(answer.status_code)).inc()
        return answer

    async def _process(self, system: System, headers: Mapping[str, str], receive: Receive) -> Response:
        body = await self._body(headers.get("content-length", ""), receive, system.body_max)
        if body is None:
            return self._reject(system, 413, f"a body has at most {system.body_max} bytes here")
        delivery = _verify(system, headers, body, self._clock())
        try:
            heard = system.parse(headers, body)
            repeated = await self._batches.observe(heard, delivery)
        except (NotUnderstood, StoreUnavailable):
            raise
        except Exception as failure:
            # It is authentic, and triggerbot itself fails on it: store it as a dead letter, and accept it.
            log.exception("hook.failed", system=system.name)
            reason = f"{type(failure).__name__}: {failure}"
            await asyncio.to_thread(self._add_dead_letter, system, headers, body, reason)
            return _STORED
        self.refused.accepted(system.name)
        if repeated:
            log.debug("hook.repeated", system=system.name, delivery=delivery)
            self._metrics.repeated.labels(system.name).inc()
            return _STORED_BEFORE
        return _STORED

    def _reject(self, system: System, status: int, why: str) -> Response:
        self.refused.refused(system.name, status, why)
        return error(status, why)

    async def _body(self, declared: str, receive: Receive, most: int) -> bytes | None:
        """Read the raw body, never decompressed; `None`, without reading on, once it is larger than `most` bytes."""
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > most:
            return None
        chunks: list[bytes] = []
        size = large = 0
        more = True
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    chunk = message.get("body", b"")
                    more = message.get("more_body", False)
                    size += len(chunk)
                    if size > most:
                        return None
                    if size > BODY_FREE:
                        large += len(chunk)
                        self.arriving += len(chunk)
                        if self.arriving > BODIES_MAX:
                            raise _TooManyBodies
                    chunks.append(chunk)
        finally:
            self.arriving -= large
        return b"".join(chunks)

    def _add_dead_letter(self, system: System, headers: Mapping[str, str], body: bytes, reason: str) -> None:
        stored = {name: headers[name] for name in _LETTER_HEADERS if name in headers}
        self._metrics.dead_letters.labels(system.name).inc()
        self._store.letters.add(
            [DeadLetter(0, self._clock(), system.name, "webhook", reason, body[:_LETTER_MAX], stored)]
        )


class _TooManyBodies(Exception):
    """Too many large bodies are arriving to accept another one."""


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers with one value each; repeated ones are joined by commas (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw, content in scope["headers"]:
        name, value = raw.decode("latin-1"), content.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _verify(system: System, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Verify a webhook and return its delivery id. Raises `Unauthenticated`, also if verifying itself fails."""
    try:
        return system.verify(headers, body, now)
    except Unauthenticated:
        raise
    except Exception:
        log.exception("hook.not_verified", system=system.name)
        raise Unauthenticated("this cannot be verified") from None


@dataclass(slots=True, eq=False)
class _Request:
    """One webhook that waits to be stored."""

    heard: Sequence[Heard]
    delivery: str
    #: Resolves to whether it had been stored before.
    answer: "asyncio.Future[bool]"


class WebhookBatches:
    """Stores webhooks, switching to the store's thread once a batch, not once a request; belongs to one event loop."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._waiting: list[_Request] = []
        self._busy = False
        #: The number of requests that are still stored one by one after a fault.
        self._singly = 0

    async def observe(self, heard: Sequence[Heard], delivery: str = "") -> bool:
        """Observe the events of a webhook, unless the same delivery (see `System.verify`) was stored before.

        Returns, once they are durable, whether they had been stored before. Raises what observing them raised.
        """
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(heard, delivery, answer))
        if not self._busy:
            self._send()
        return await answer

    def _send(self) -> None:
        most = 1 if self._singly else _BATCH_MAX
        self._singly = max(0, self._singly - 1)
        batch, self._waiting = self._waiting[:most], self._waiting[most:]
        self._busy = bool(batch)
        if not batch:
            return
        loop = asyncio.get_running_loop()
        # A delivery that comes twice in one batch is observed once, as in two batches.
        firsts = {one.delivery or id(one): one for one in reversed(batch)}
        unique = [one for one in batch if firsts[one.delivery or id(one)] is one]
        heard = [thing for one in unique for thing in one.heard]
        deliveries = [one.delivery for one in unique for _ in one.heard]
        try:
            stored = self._observer.observe_soon(heard, deliveries=deliveries)
        except Exception as error:  # noqa: BLE001 - it belongs to the request that caused it
            loop.call_soon(self._fail, batch, error)
        else:
            stored.add_done_callback(lambda done: loop.call_soon_threadsafe(self._end, batch, unique, done))

    def _end(self, batch: list[_Request], unique: list[_Request], stored: "Future[list[Outcome]]") -> None:
        error = stored.exception()
        if error is not None:
            return self._fail(batch, error)
        outcomes = iter(stored.result())
        outcomes_of = {one: [next(outcomes) for _ in one.heard] for one in unique}
        fresh = {one for one, each in outcomes_of.items() if not any(outcome.repeated for outcome in each)}
        for one in batch:
            if not one.answer.done():  # the client may have disconnected
                one.answer.set_result(one not in fresh)
        self._send()

    def _fail(self, batch: list[_Request], error: BaseException) -> None:
        if len(batch) > 1 and not isinstance(error, StoreUnavailable):
            # One bad request must not fail the others: retry each by itself.
            self._singly = len(batch)
            self._waiting = batch + self._waiting
        else:
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
        self._send()


@dataclass(frozen=True, slots=True)
class _Rejections:
    """The rejections of one system since its last accepted webhook."""

    number: int
    last: float
    why: str


class RejectedWebhooks:
    """Counts rejected webhooks for the health; written by the serving thread, read by any."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_system: dict[str, _Rejections] = {}

    def accepted(self, system: str) -> None:
        """Record an accepted webhook, which clears the count."""
        self._by_system.pop(system, None)

    def refused(self, system: str, status: int, why: str) -> None:
        """Record a rejected webhook with its HTTP status."""
        before = self._by_system.get(system)
        number = 1 if before is None else before.number + 1
        self._by_system[system] = _Rejections(number, self._clock(), f"HTTP {status}, {why}")
        log.warning("hook.refused", system=system, status=status, error=why)

    def trouble(self, system: str) -> str:
        """Describe the rejections of a system; empty if the last webhook was accepted, or nothing came for a day."""
        rejections = self._by_system.get(system)
        if rejections is None or self._clock() - rejections.last > _REPORTED_SECONDS:
            return ""
        many = "1 webhook was" if rejections.number == 1 else f"{rejections.number} webhooks were"
        return f"{many} refused and none accepted since, the last with: {rejections.why}"
