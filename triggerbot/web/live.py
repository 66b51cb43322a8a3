"""Live reloading of open pages: server-sent events, and a cache of the rendered fragments that pages share.

Without listeners the store is not read. With any number of them it is polled once a second for all, and a fragment is
rendered once for all pages that show the same: viewers must never slow down what they watch.
"""

import asyncio
import itertools
import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.store import Store
from triggerbot.web.responses import DEFENCE, error

log = structlog.get_logger("triggerbot.live")

#: Most pages that listen to one process.
LISTENERS_MAX = 100
#: Seconds between polls of the store, and between keep-alives on a quiet connection.
LOOK_SECONDS, QUIET_SECONDS = 1.0, 15.0
#: Least seconds between reloads of pages, and the same as a multiple of the time that rendering took for all of them.
REST_SECONDS, REST_TIMES = 2.0, 20.0
#: Seconds by which the verdicts of another replica with a slow clock may appear late.
_OVERLAP = 5.0
_JUDGED_MAX = 1000
#: Milliseconds after which a browser reconnects.
_RETRY = 3000
#: Most characters of cached fragments.
_CACHE_MAX = 16_000_000

#: The subject of a page: a push, or (`None`) all pushes.
Topic = Push | None


@dataclass(eq=False, slots=True)
class _Listener:
    """One open page."""

    topic: Topic
    #: When the page was rendered; `None` once that was compared with the latest verdicts.
    seen: float | None
    woken: asyncio.Event = field(default_factory=asyncio.Event)


_numbers = itertools.count(1)


@dataclass(slots=True)
class _State:
    """The state of a topic that pages listen to."""

    #: The version, which changes with each announcement; never reused.
    number: int = field(default_factory=lambda: next(_numbers))
    #: There are changes that were not announced yet.
    pending: bool = False


class Live:
    """Answers GET /live; everything but `rendered` and `end` must run on the event loop."""

    def __init__(
        self, store: Store, clock: Callable[[], float], check: Callable[[Request], Response | None] = lambda _: None
    ) -> None:
        self._store = store
        self._clock = clock
        #: Refuses who may not read; may read the store.
        self._check = check
        self._listeners: set[_Listener] = set()
        self._states: dict[Topic, _State] = {}
        self._polling: asyncio.Task[None] | None = None
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        #: When changes were last announced, and the seconds that rendering has taken since.
        self._announced, self._cost = -math.inf, 0.0
        self._fragments = _FragmentCache()
        self._rendering = threading.Lock()

    def rendered(self, topic: Topic, key: Hashable, render: Callable[[], str]) -> str:
        """Return the fragment cached since the topic's last announcement, or render it, one thread at a time."""
        state = self._states.get(topic)
        if state is None:
            # Without listeners nothing is polled, so nothing would invalidate the cached fragment.
            return render()
        with self._rendering:
            number = state.number
            cached = self._fragments.get(topic, key, number)
            if cached is not None:
                return cached
            began = time.perf_counter()
            text = render()
            self._cost += time.perf_counter() - began
            self._fragments.put(topic, key, number, text)
        return text

    # -- listening ----------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve events to one page until it disconnects (as an ASGI application of its own)."""
        request = Request(scope)
        refusal = await asyncio.to_thread(self._check_or_unavailable, request)
        if refusal is not None:
            return await refusal(scope, receive, send)
        if self._ended or len(self._listeners) >= LISTENERS_MAX:
            return await error(503, "too many pages listen", {"retry-after": "30"})(scope, receive, send)
        self._loop = asyncio.get_running_loop()
        listener = _Listener(_topic(request), _time(request.query_params.get("seen")))
        self._listeners.add(listener)
        self._states.setdefault(listener.topic, _State())
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll())
        gone = asyncio.create_task(_gone(receive, listener))
        try:
            await self._serve(listener, gone, send)
        finally:
            gone.cancel()
            self._forget(listener)

    def _check_or_unavailable(self, request: Request) -> Response | None:
        try:
            return self._check(request)
        except StoreUnavailable as failed:
            return error(503, str(failed), {"retry-after": "5"})

    def end(self) -> None:
        """Disconnect every page: the server stops, or another configuration takes over. Safe for threads."""
        self._ended = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and every page with it
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.woken.set()

    async def _serve(self, listener: _Listener, gone: "asyncio.Task[None]", send: Send) -> None:
        headers = {**DEFENCE, "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": encoded})
        state = self._states[listener.topic]
        announced = state.number
        await send(_body(f"retry: {_RETRY}\n\n", more=True))
        while not self._ended and not gone.done():
            text = ": still here\n\n"
            with suppress(TimeoutError):
                await asyncio.wait_for(listener.woken.wait(), QUIET_SECONDS)
            listener.woken.clear()
            if announced != state.number:
                announced = state.number
                text = f"event: changed\ndata: {json.dumps({'number': announced})}\n\n"
            await send(_body(text, more=True))
        await send(_body("", more=False))

    def _forget(self, listener: _Listener) -> None:
        self._listeners.discard(listener)
        if not any(one.topic == listener.topic for one in self._listeners):
            self._states.pop(listener.topic, None)
            self._fragments.drop(listener.topic)

    # -- polling ------------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        """Poll the store for changes while there are listeners."""
        poller: _Poller | None = None
        try:
            while self._listeners and not self._ended:
                try:
                    if poller is None:
                        poller = await asyncio.to_thread(_Poller, self._store, self._clock() - _OVERLAP)
                    self._announce(poller, await asyncio.to_thread(poller.poll))
                except StoreUnavailable as failed:
                    log.debug("live.store_unavailable", error=str(failed))
                except Exception:
                    log.exception("live.failed")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._polling = None

    def _announce(self, poller: "_Poller", changes: "_Changes") -> None:
        """Wake the listeners that changes concern, at a limited rate; what is held back is announced later."""
        for listener in self._listeners:
            if listener.seen is not None and poller.judged_after(listener.topic, listener.seen):
                self._states[listener.topic].pending = True
            listener.seen = None
        for topic, state in self._states.items():
            concerned = changes.banners or (bool(changes.pushes) if topic is None else topic in changes.pushes)
            state.pending = state.pending or concerned
        pending = {topic for topic, state in self._states.items() if state.pending}
        now = time.monotonic()
        if not pending or now < self._announced + max(REST_SECONDS, REST_TIMES * self._cost):
            return
        self._announced, self._cost = now, 0.0
        for topic in pending:
            self._states[topic].number, self._states[topic].pending = next(_numbers), False
        for listener in self._listeners:
            if listener.topic in pending:
                listener.woken.set()


@dataclass(frozen=True, slots=True)
class _Changes:
    """What changed since the last poll."""

    pushes: frozenset[Push]
    #: Sending was paused or resumed, or a breaker opened or closed.
    banners: bool


class _FragmentCache:
    """The fragments rendered last, by topic and key; safe for threads."""

    def __init__(self) -> None:
        self._texts: OrderedDict[tuple[Topic, Hashable], tuple[int, str]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, topic: Topic, key: Hashable, number: int) -> str | None:
        """Return the fragment if it was cached for this version of the topic."""
        with self._lock:
            cached = self._texts.get((topic, key))
            return cached[1] if cached is not None and cached[0] == number else None

    def put(self, topic: Topic, key: Hashable, number: int, text: str) -> None:
        """Store a fragment, evicting the oldest ones to stay within `_CACHE_MAX`."""
        with self._lock:
            self._remove((topic, key))
            self._texts[topic, key] = number, text
            self._size += len(text)
            while self._size > _CACHE_MAX:
                self._remove(next(iter(self._texts)))

    def drop(self, topic: Topic) -> None:
        """Remove the fragments of a topic."""
        with self._lock:
            for key in [key for key in self._texts if key[0] == topic]:
                self._remove(key)

    def _remove(self, key: tuple[Topic, Hashable]) -> None:
        self._size -= len(self._texts.pop(key, (0, ""))[1])


class _Poller:
    """Polls the store for what was judged since the last poll; used by one thread at a time."""

    def __init__(self, store: Store, since: float) -> None:
        self._store = store
        self._since = since
        self._known: dict[Push, float] = dict(self._judged())
        self._banners = self._read_banners()

    def judged_after(self, topic: Topic, seen: float) -> bool:
        """Whether anything of a topic is known to have been judged after `seen`, when a page about it was rendered."""
        if topic is None:
            return any(at > seen for at in self._known.values())
        return self._known.get(topic, -math.inf) > seen

    def poll(self) -> _Changes:
        """Return what changed since the last poll. Raises `StoreUnavailable`."""
        judged = self._judged()
        fresh = frozenset(push for push, at in judged.items() if self._known.get(push) != at)
        self._known = judged
        self._since = max([self._since, *(at - _OVERLAP for at in judged.values())])
        before, self._banners = self._banners, self._read_banners()
        return _Changes(fresh, before != self._banners)

    def _judged(self) -> dict[Push, float]:
        """Read the latest verdicts, overlapping the last read so that none that was written late is missed."""
        found: dict[Push, float] = {}
        since = self._since
        while True:
            page = self._store.pushes.judged_since(since, _JUDGED_MAX)
            found |= {push: at for at, push in page}
            if len(page) < _JUDGED_MAX or page[-1][0] <= since:
                return found
            since = page[-1][0]

    def _read_banners(self) -> object:
        return self._store.limits.paused(), frozenset(one.place for one in self._store.limits.breakers() if one.open)


async def _gone(receive: Receive, listener: _Listener) -> None:
    """Wait until the page disconnects, then wake its listener."""
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
    listener.woken.set()


def _topic(request: Request) -> Topic:
    words = [request.query_params.get(name) for name in Push._fields]
    return Push(*(word or "" for word in words)) if any(words) else None


def _time(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _body(text: str, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": text.encode(), "more_body": more}
