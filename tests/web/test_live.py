"""Open pages are notified when to reload: soon, not too often, and without holding anything up."""

import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from tests.fakes.daemon import eventually
from tests.fakes.site import Front, House
from tests.fakes.world import event, push
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.store import Pause, Summary
from triggerbot.web import live


class Ear:
    """One open page that listens."""

    def __init__(self, house: House, where: Push | None = None, **query: Any) -> None:
        address = httpx.URL(house.url + "/live", params={**(where._asdict() if where else {}), **query})
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._socket = socket.create_connection((address.host, address.port or 80), timeout=30)
        self._socket.sendall(b"GET %s HTTP/1.1\r\nhost: localhost\r\n\r\n" % address.raw_path)
        self._thread = threading.Thread(target=self._listen)
        self._last = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.next() == "retry: 3000"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        with self._socket.makefile() as lines:
            for line in lines:
                self._last = line.strip() or self._last
                if line.startswith(("retry:", "event:", "data:", ":")):
                    self._lines.put(line.strip())

    @property
    def ended(self) -> bool:
        """Whether the server has ended the stream properly (with an empty chunk)."""
        return not self._thread.is_alive() and self._last == "0"

    def next(self) -> str:
        """Wait for the next line."""
        return self._lines.get(timeout=20)

    def wait_for_news(self) -> None:
        """Wait until the page is notified of a change."""
        while self.next() != "event: changed":
            pass

    @property
    def quiet(self) -> bool:
        """Whether no further line arrives."""
        return self._lines.empty()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll often."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(live, "REST_SECONDS", 0.0)
    monkeypatch.setattr(live, "REST_TIMES", 0.0)


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house with a real clock."""
    made = make_house()
    for number in (1, 2):
        made.hear(event("job", str(number), push=where(number), result="success"))
    return made


def where(number: int) -> Push:
    """Return a push."""
    return push(f"{number:07x}")


def judge(house: House, number: int, at: float | None = None) -> None:
    """Record a push as judged now."""
    now = house.clock() if at is None else at
    house.store.reports.judged(Summary(where(number), "good", "1 passed", None, "", None, now, now), [], [], now)


def looked(house: House) -> None:
    """Wait until the poller has seen the present state before anything new comes."""
    done = threading.Event()
    before = house.store.pushes.judged_since

    def judged_since(since: float, limit: int = 100) -> list[tuple[float, Push]]:
        found = before(since, limit)
        done.set()
        return found

    for _ in range(2):
        house.store.pushes.judged_since = judged_since  # type: ignore[method-assign]
        assert done.wait(20)
        done.clear()
    house.store.pushes.judged_since = before  # type: ignore[method-assign]


def test_a_page_is_notified_of_its_own_push_and_the_list_of_every_one(house: House) -> None:
    """Other pages are not notified."""
    with Ear(house, where(1)) as one, Ear(house, where(2)) as two, Ear(house) as every:
        looked(house)
        judge(house, 1)
        one.wait_for_news()
        every.wait_for_news()
        judge(house, 2)
        two.wait_for_news()
        every.wait_for_news()
        assert one.next().startswith("data: ")
        assert one.quiet


def test_every_page_is_notified_of_a_pause(house: House) -> None:
    """A pause is shown on every page."""
    with Ear(house, where(1)) as one, Ear(house) as every:
        looked(house)
        house.store.limits.pause(Pause(house.clock(), "ada"))
        one.wait_for_news()
        every.wait_for_news()


def test_changes_between_rendering_and_listening_are_not_missed(house: House) -> None:
    """A page says when it was rendered; what was judged later is news to it, the rest is not."""
    judge(house, 1)
    now = house.clock()
    with Ear(house, where(2), seen=now - 1) as two, Ear(house, where(1), seen=now + 1) as late:
        with Ear(house, where(1), seen=now - 1) as early:
            early.wait_for_news()
        # Both pages of one push are notified together.
        late.wait_for_news()
        looked(house)
        assert two.quiet
    with Ear(house, where(1), seen="nonsense"):
        pass


def test_what_is_judged_again_and_again_is_notified_once_in_a_while(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes in between are notified later, not dropped."""
    monkeypatch.setattr(live, "REST_SECONDS", 1e9)
    with Ear(house) as every:
        looked(house)
        judge(house, 1)
        every.wait_for_news()
        for _ in range(5):
            judge(house, 2)
            looked(house)
        assert every.next().startswith("data: ")
        assert every.quiet
        monkeypatch.setattr(live, "REST_SECONDS", 0.0)
        every.wait_for_news()


def test_what_takes_long_to_render_is_notified_more_seldom(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is for all pages together."""
    monkeypatch.setattr(live, "REST_TIMES", 1e9)
    with Ear(house, where(1)) as one, Ear(house, where(2)) as two:
        looked(house)
        judge(house, 1)
        one.wait_for_news()
        httpx.get(f"{house.url}/pushes/try/{where(1).revision}", params={"fragment": "1"})
        judge(house, 2)
        looked(house)
        assert two.quiet
        monkeypatch.setattr(live, "REST_TIMES", 0.0)
        two.wait_for_news()


def test_what_many_pages_load_is_rendered_once(house: House) -> None:
    """Until there is news; people who may act get a different page."""
    reads: list[Push] = []
    record = house.store.pushes.record

    def counted(one: Push) -> Any:
        reads.append(one)
        return record(one)

    house.store.pushes.record = counted  # type: ignore[method-assign]
    path = f"{house.url}/pushes/try/{where(1).revision}"
    with Ear(house, where(1)) as one:
        looked(house)
        texts = {httpx.get(path, params={"fragment": "1"}).text for _ in range(10)}
        assert len(texts) == 1
        assert len(reads) == 1
        assert "<html" not in texts.pop()

        judge(house, 1)
        one.wait_for_news()
        httpx.get(path, params={"fragment": "1"})
        httpx.get(path, params={"fragment": "1"})
        assert len(reads) == 2
        httpx.get(path)
        assert len(reads) == 3, "a page that is loaded as a whole is always fresh"
    eventually(lambda: not house.pages.live._listeners, "the page is gone")
    httpx.get(path, params={"fragment": "1"})
    httpx.get(path, params={"fragment": "1"})
    assert len(reads) == 5, "while nobody would tell that it is out of date, nothing is kept"


def test_the_number_of_listeners_is_limited(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Further pages get a time to retry, and are accepted as soon as one leaves."""
    monkeypatch.setattr(live, "LISTENERS_MAX", 2)
    with Ear(house), Ear(house, where(1)):
        answer = httpx.get(f"{house.url}/live")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "30"
    eventually(lambda: not house.pages.live._listeners, "both are gone")
    with Ear(house):
        pass


def test_a_quiet_connection_shows_that_it_lives(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments are sent so that proxies in between do not cut it."""
    monkeypatch.setattr(live, "QUIET_SECONDS", 0.01)
    with Ear(house, where(1)) as one:
        assert [one.next() for _ in range(3)] == [": still here"] * 3


def test_nothing_is_read_while_nobody_listens(house: House) -> None:
    """Polling ends with the last page, and starts again with the next."""
    for _ in range(2):
        with Ear(house) as every:
            looked(house)
            judge(house, 1)
            every.wait_for_news()
        eventually(lambda: house.pages.live._polling is None, "the looking ends")


def test_a_store_that_does_not_answer_for_a_while_is_looked_at_again(house: House) -> None:
    """Listening pages notice nothing but the delay."""
    before = house.store.pushes.judged_since
    failing = threading.Event()

    def unavailable(*_: object) -> Any:
        failing.set()
        raise StoreUnavailable("busy")

    with Ear(house) as every:
        looked(house)
        house.store.pushes.judged_since = unavailable  # type: ignore[method-assign]
        assert failing.wait(20)
        judge(house, 1)
        house.store.pushes.judged_since = before  # type: ignore[method-assign]
        every.wait_for_news()


def test_a_server_that_stops_lets_every_page_go(tmp_path: Path) -> None:
    """The streams are ended properly, rather than cut off after a timeout."""
    with Front() as front, House(tmp_path, front) as house, Ear(house) as every, Ear(house, where(1)) as one:
        front.close()
        eventually(lambda: every.ended and one.ended, "both streams end")
