"""Open pages are told when to load again: server-sent events, and a shared store of what was rendered last.

While nobody listens nothing is read. However many listen, one look a second serves them all, and what they load is
rendered once for all who look at the same: those who watch must never hold up what they watch.
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
from starlette.types import Message, Receive, Scope, Send

from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.store import Store
from triggerbot.web.responses import DEFENCE, error

log = structlog.get_logger("triggerbot.live")

#: Pages that may listen to one process.
LISTENERS_MAX = 100
#: Seconds between looks, and between signs of life on a quiet connection.
LOOK_SECONDS, QUIET_SECONDS = 1.0, 15.0
#: Pages load again after so many seconds at the earliest, and after so many times what rendering took for all of them.
REST_SECONDS, REST_TIMES = 2.0, 20.0
#: What another replica with a slow clock has judged shows up so many seconds late.
_OVERLAP = 5.0
_JUDGED_MOST = 1000
#: Milliseconds after which a browser tries again when the connection broke.
_RETRY = 3000
#: Characters of renderings that are kept.
_KEPT_MAX = 16_000_000

#: What a page is about: a push, or (`None`) all of them.
Topic = Push | None


@dataclass(eq=False, slots=True)
class _Listener:
    """One open page."""

    topic: Topic
    #: When it was rendered; `None` once that was held against what is known.
    seen: float | None
    woken: asyncio.Event = field(default_factory=asyncio.Event)


_numbers = itertools.count(1)


@dataclass(slots=True)
class _State:
    """How a topic stands for those who listen to it."""

    #: Changes whenever it is told; never the same again.
    number: int = field(default_factory=lambda: next(_numbers))
    #: There is news that was not told yet.
    news: bool = False


class Live:
    """Answers GET /live; belongs to the event loop, but for `rendered`."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._listeners: set[_Listener] = set()
        self._states: dict[Topic, _State] = {}
        self._looking: asyncio.Task[None] | None = None
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        #: When pages were told last, and the seconds that rendering for them has taken since.
        self._told, self._cost = -math.inf, 0.0
        self._kept = _Kept()
        self._rendering = threading.Lock()

    def rendered(self, topic: Topic, key: Hashable, render: Callable[[], str]) -> str:
        """Give what was rendered since the topic was told last, or render it; by one thread at a time."""
        state = self._states.get(topic)
        if state is None:
            # Nobody listens, so nobody would tell that it is out of date.
            return render()
        with self._rendering:
            number = state.number
            kept = self._kept.get(topic, key, number)
            if kept is not None:
                return kept
            began = time.perf_counter()
            text = render()
            self._cost += time.perf_counter() - began
            self._kept.put(topic, key, number, text)
        return text

    # -- listening ----------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one page until it goes away (as an ASGI application of its own)."""
        if self._ended or len(self._listeners) >= LISTENERS_MAX:
            return await error(503, "too many pages listen", {"retry-after": "30"})(scope, receive, send)
        self._loop = asyncio.get_running_loop()
        request = Request(scope)
        listener = _Listener(_topic(request), _time(request.query_params.get("seen")))
        self._listeners.add(listener)
        self._states.setdefault(listener.topic, _State())
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        gone = asyncio.create_task(_gone(receive, listener))
        try:
            await self._serve(listener, gone, send)
        finally:
            gone.cancel()
            self._forget(listener)

    def end(self) -> None:
        """Let every page go, for the server stops, or another configuration takes over; from any thread."""
        self._ended = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and every page with it
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.woken.set()

    async def _serve(self, listener: _Listener, gone: "asyncio.Task[None]", send: Send) -> None:
        headers = {**DEFENCE, "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"}
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        state = self._states[listener.topic]
        told = state.number
        await send(_body(f"retry: {_RETRY}\n\n", more=True))
        while not self._ended and not gone.done():
            text = ": still here\n\n"
            with suppress(TimeoutError):
                await asyncio.wait_for(listener.woken.wait(), QUIET_SECONDS)
            listener.woken.clear()
            if told != state.number:
                told = state.number
                text = f"event: changed\ndata: {json.dumps({'number': told})}\n\n"
            await send(_body(text, more=True))
        await send(_body("", more=False))

    def _forget(self, listener: _Listener) -> None:
        self._listeners.discard(listener)
        if not any(one.topic == listener.topic for one in self._listeners):
            self._states.pop(listener.topic, None)
            self._kept.drop(listener.topic)

    # -- looking ------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Look for news as long as anybody listens."""
        look: _Look | None = None
        try:
            while self._listeners and not self._ended:
                try:
                    if look is None:
                        look = await asyncio.to_thread(_Look, self._store, self._clock() - _OVERLAP)
                    self._tell(look, await asyncio.to_thread(look.news))
                except StoreUnavailable as failed:
                    log.debug("live.store_unavailable", error=str(failed))
                except Exception:
                    log.exception("live.failed")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._looking = None

    def _tell(self, look: "_Look", news: "_News") -> None:
        """Wake those whom news concern, but nobody too often; what is not told now is told later."""
        for listener in self._listeners:
            if listener.seen is not None and look.judged_after(listener.topic, listener.seen):
                self._states[listener.topic].news = True
            listener.seen = None
        for topic, state in self._states.items():
            concerned = news.of_house or (bool(news.pushes) if topic is None else topic in news.pushes)
            state.news = state.news or concerned
        told = {topic for topic, state in self._states.items() if state.news}
        now = time.monotonic()
        if not told or now < self._told + max(REST_SECONDS, REST_TIMES * self._cost):
            return
        self._told, self._cost = now, 0.0
        for topic in told:
            self._states[topic].number, self._states[topic].news = next(_numbers), False
        for listener in self._listeners:
            if listener.topic in told:
                listener.woken.set()


@dataclass(frozen=True, slots=True)
class _News:
    """What is new since the last look."""

    pushes: frozenset[Push]
    #: Everything was paused or goes on, or a breaker opened or closed.
    of_house: bool


class _Kept:
    """What was rendered last, by topic and key; safe for threads."""

    def __init__(self) -> None:
        self._texts: OrderedDict[tuple[Topic, Hashable], tuple[int, str]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, topic: Topic, key: Hashable, number: int) -> str | None:
        """Give what was kept under that number."""
        with self._lock:
            kept = self._texts.get((topic, key))
            return kept[1] if kept is not None and kept[0] == number else None

    def put(self, topic: Topic, key: Hashable, number: int, text: str) -> None:
        """Keep it; the oldest make room."""
        with self._lock:
            self._take((topic, key))
            self._texts[topic, key] = number, text
            self._size += len(text)
            while self._size > _KEPT_MAX:
                self._take(next(iter(self._texts)))

    def drop(self, topic: Topic) -> None:
        """Let go of what is about a topic."""
        with self._lock:
            for key in [key for key in self._texts if key[0] == topic]:
                self._take(key)

    def _take(self, key: tuple[Topic, Hashable]) -> None:
        self._size -= len(self._texts.pop(key, (0, ""))[1])


class _Look:
    """Looks for what was judged since the last look; used by one thread at a time."""

    def __init__(self, store: Store, since: float) -> None:
        self._store = store
        self._since = since
        self._known: dict[Push, float] = dict(self._judged())
        self._house = self._read_house()

    def judged_after(self, topic: Topic, seen: float) -> bool:
        """Tell whether something of a topic was judged after a page about it was rendered, as far as is known."""
        if topic is None:
            return any(at > seen for at in self._known.values())
        return self._known.get(topic, -math.inf) > seen

    def news(self) -> _News:
        """Look once; raises `StoreUnavailable`."""
        judged = self._judged()
        fresh = frozenset(push for push, at in judged.items() if self._known.get(push) != at)
        self._known = judged
        self._since = max([self._since, *(at - _OVERLAP for at in judged.values())])
        before, self._house = self._house, self._read_house()
        return _News(fresh, before != self._house)

    def _judged(self) -> dict[Push, float]:
        """Read what was judged lately, some of it again: what was written late must not be missed."""
        found: dict[Push, float] = {}
        since = self._since
        while True:
            some = self._store.judged_since(since, _JUDGED_MOST)
            found |= {push: at for at, push in some}
            if len(some) < _JUDGED_MOST or some[-1][0] <= since:
                return found
            since = some[-1][0]

    def _read_house(self) -> object:
        return self._store.paused(), frozenset(one.place for one in self._store.breakers() if one.open)


async def _gone(receive: Receive, listener: _Listener) -> None:
    """Wait until the page is closed."""
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
