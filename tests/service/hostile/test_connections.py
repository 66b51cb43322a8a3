"""Connections that are too slow, too large or too many, over real sockets: they end, and the others go on."""

import contextlib
import gzip
import json
import socket
import struct
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.fakes.daemon import eventually
from tests.service.hostile import forged_webhooks as forging
from tests.service.hostile.target import Target
from triggerbot.web import server, webhooks

#: Seconds within which an answer or the end of the connection must come.
PATIENCE = 20.0


@pytest.fixture
def dial(port: int) -> Iterator[Callable[..., socket.socket]]:
    """Return a function that opens connections; they are closed at the end."""
    with contextlib.ExitStack() as stack:

        def one(first: bytes = b"") -> socket.socket:
            made = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            made.sendall(first)
            return made

        yield one


def read_all(one: socket.socket) -> bytes:
    """Read until the other side closes or resets the connection."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while more := one.recv(65_536):
            received += more
    return received


def alive(port: int) -> bool:
    """Return whether a well-behaved client is answered."""
    return httpx.get(f"http://127.0.0.1:{port}/__lbheartbeat__", timeout=PATIENCE).status_code == 200


def http(hook: forging.Hook, *more: bytes) -> bytes:
    """Write a webhook as a request."""
    lines = [b": ".join(one) for one in hook.headers] + list(more)
    return b"\r\n".join([f"POST {hook.path} HTTP/1.1".encode(), b"host: localhost", *lines, b"", b""])


def event() -> tuple[bytes, bytes]:
    """Write a webhook that would be stored, as head and body."""
    body = json.dumps(forging.EVENT).encode()
    return http(forging.generic(body), f"content-length: {len(body)}".encode(), b"connection: close"), body


# -- slow --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\r\n",
        b"GET /",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n",
        b"GET /__lbheartbeat__ HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ],
)
def test_a_head_that_does_not_come_ends_the_connection(
    dial: Callable[..., socket.socket], port: int, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    """Nothing said, half a head, or silence after an answer."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)

    read_all(dial(first))

    assert alive(port)


@pytest.mark.slow
def test_a_byte_now_and_then_does_not_help(dial: Callable[..., socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is that of the whole head, not of its pieces."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    slow = dial(b"GET / HTTP/1.1\r\n")

    def drip() -> bool:
        try:
            slow.sendall(b"x: y\r\n")
        except ConnectionError:
            return True
        return False

    eventually(drip, "it is ended")


def test_a_body_that_does_not_come_is_answered_408(
    dial: Callable[..., socket.socket], target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection ends then, though the body is incomplete."""
    monkeypatch.setattr(webhooks, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)

    answer = read_all(dial(http(forging.generic(b"{}"), b"content-length: 2") + b"{"))

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert target.stored() == {}


@pytest.mark.slow
def test_who_never_reads_is_not_waited_for(
    dial: Callable[..., socket.socket], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many requests, and none of the answers taken: in the end the server closes the connection."""
    monkeypatch.setattr(server, "STALL_SECONDS", 0.3)
    deaf = dial()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    deaf.settimeout(0.1)
    request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n"

    def push() -> bool:
        try:
            deaf.sendall(request * 100)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return False

    eventually(push, "it is ended")
    assert alive(port)


@pytest.mark.slow
def test_many_slow_ones_make_room_for_one_who_behaves(
    dial: Callable[..., socket.socket], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more silent connections than are allowed those that waited longest are closed, the others stay."""
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 20)
    slow = [dial(b"GET / HTTP/1.1\r\n") for _ in range(60)]

    assert alive(port)

    assert read_all(slow[0]) == b""
    slow[-1].sendall(b"host: localhost\r\nconnection: close\r\n\r\n")
    assert read_all(slow[-1]).startswith(b"HTTP/1.1 200 ")


def test_many_slow_bodies_make_room_for_one_who_behaves(
    dial: Callable[..., socket.socket], target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that came first are closed, though their heads are complete; a webhook that comes then is stored."""
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 20)
    monkeypatch.setattr(server, "BODY_GRACE", 0.0)
    monkeypatch.setattr(webhooks, "BODY_FREE", 0)
    head, body = event()
    slow = [dial(head + body[:10]) for _ in range(20)]
    eventually(lambda: target.hooks.arriving == 200, "the server has begun to take them")

    for _ in range(5):
        assert read_all(dial(head + body)).startswith(b"HTTP/1.1 202 ")

    assert read_all(slow[0]) == b""
    slow[-1].sendall(body[10:])
    assert read_all(slow[-1]).startswith(b"HTTP/1.1 202 ")


def test_who_opens_many_makes_room_himself(
    dial: Callable[..., socket.socket], port: int, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow webhook from another address stays, though it came first."""
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 10)
    monkeypatch.setattr(server, "BODY_GRACE", 0.0)
    monkeypatch.setattr(webhooks, "BODY_FREE", 0)
    head, body = event()
    early = dial(head + body[:10])
    eventually(lambda: target.hooks.arriving == 10, "the server has begun to take it")
    with contextlib.ExitStack() as stack:
        there, here = ("127.0.0.1", port), ("127.0.0.2", 0)
        many = [stack.enter_context(socket.create_connection(there, PATIENCE, here)) for _ in range(40)]
        assert read_all(many[0]) == b""
        early.sendall(body[10:])
        assert read_all(early).startswith(b"HTTP/1.1 202 ")


def test_a_webhook_that_is_under_way_makes_room_for_nobody(
    dial: Callable[..., socket.socket], target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that came within moments, connections without a request are closed first."""
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 5)
    monkeypatch.setattr(webhooks, "BODY_FREE", 0)
    head, body = event()
    early = dial(head + body[:10])
    eventually(lambda: target.hooks.arriving == 10, "the server has begun to take it")
    idle = [dial() for _ in range(20)]

    assert read_all(idle[0]) == b""
    early.sendall(body[10:])
    assert read_all(early).startswith(b"HTTP/1.1 202 ")


# -- large -------------------------------------------------------------------------------------------------------

HEADS = {
    "one long line": b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 40_000 + b"\r\n\r\n",
    "one line that never ends": b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 300_000,
    "a name that never ends": b"GET / HTTP/1.1\r\n" + b"x" * 300_000,
    "many lines": b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 101 + b"\r\n",
    "a hundred thousand lines": b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 100_000,
    "a long address": b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "an address that never ends": b"GET /" + b"a" * 300_000,
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_large_head_is_refused(dial: Callable[..., socket.socket], port: int, head: bytes) -> None:
    """With many lines or one long line, and without waiting for its end."""
    large = dial()
    with contextlib.suppress(ConnectionError):
        large.sendall(head)

    answer = read_all(large)

    assert answer in (b"", server.REFUSAL)
    assert alive(port)


def test_a_large_head_is_answered_431(dial: Callable[..., socket.socket]) -> None:
    """If it is small enough that its sender is not cut off while sending."""
    assert read_all(dial(HEADS["many lines"])) == server.REFUSAL


@pytest.mark.parametrize("lines", [1, 60])
def test_a_head_of_usual_size_is_taken(port: int, lines: int) -> None:
    """Headers that proxies and trackers add fit in."""
    headers = {f"x-{number}": "y" * (20_000 // lines) for number in range(lines)}

    assert httpx.get(f"http://127.0.0.1:{port}/__lbheartbeat__", headers=headers).status_code == 200


def test_a_head_in_single_bytes_is_taken(dial: Callable[..., socket.socket]) -> None:
    """The division into packets does not matter."""
    one = dial()
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"GET /__lbheartbeat__ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n":
        one.sendall(bytes([byte]))

    assert read_all(one).startswith(b"HTTP/1.1 200 ")


def test_many_requests_on_one_connection_are_not_added_up(port: int) -> None:
    """The limits apply to each request."""
    with httpx.Client(headers={f"x-{number}": "y" * 200 for number in range(80)}) as client:
        assert {client.get(f"http://127.0.0.1:{port}/__lbheartbeat__").status_code for _ in range(10)} == {200}


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_without_end_is_refused_at_the_limit(
    dial: Callable[..., socket.socket], target: Target, port: int, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    """The answer comes long before the body's end; the rest is discarded for a while."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 1.0)
    length = b"transfer-encoding: chunked" if chunked else b"content-length: 1000000000"
    endless = dial(http(forging.generic(b"{}"), length))
    endless.settimeout(0.1)
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"

    def push() -> bool:
        try:
            endless.sendall(piece)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return False

    eventually(push, "it is ended")
    assert target.counted('triggerbot_webhooks_total{status="413",system="ci"}') == 1
    assert target.stored() == {}
    assert alive(port)


@pytest.mark.slow
def test_large_bodies_share_their_room(
    dial: Callable[..., socket.socket], target: Target, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large unauthenticated bodies keep out other large ones, but never small ones."""
    monkeypatch.setattr(webhooks, "BODIES_MAX", 1_000_000)
    head = http(forging.github(b"{}"), b"content-length: 2000000")
    dial(head + b" " * 900_000)
    eventually(lambda: target.hooks.arriving > 700_000, "much of it is there")

    crowded = dial(head + b" " * 500_000)
    answer = crowded.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in answer
    assert read_all(dial(b"".join(event()))).startswith(b"HTTP/1.1 202 ")


def test_the_room_of_large_bodies_is_given_back(target: Target, port: int) -> None:
    """After success and failure alike."""
    for hook in (forging.github(b" " * 500_000), forging.github(b" " * 500_000).with_header(b"x-hub-signature-256")):
        url = f"http://127.0.0.1:{port}{hook.path}"
        assert httpx.post(url, content=hook.body, headers=list(hook.headers)).status_code in (400, 401)

    assert target.hooks.arriving == 0


@pytest.mark.slow
def test_nothing_is_decompressed(target: Target, port: int) -> None:
    """A body that says it is compressed is taken as it is: a small one that would become huge stays small."""
    hook = forging.generic(gzip.compress(b" " * 10_000_000))
    headers = [*hook.headers, (b"content-encoding", b"gzip")]

    answer = httpx.post(f"http://127.0.0.1:{port}/hooks/ci", content=hook.body, headers=headers)

    assert answer.status_code == 400
    assert target.stored() == {}


# -- strange -----------------------------------------------------------------------------------------------------

STRANGE = [
    b"\x00" * 100,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"POST /hooks/ci HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    b"POST /hooks/ci HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
    b"POST /hooks/ci HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    b"POST /hooks/ci HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
    b"POST /hooks/ci HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: ::1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\r\n b\r\nconnection: close\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@pytest.mark.parametrize("request_", STRANGE)
def test_what_is_no_request_breaks_nothing(
    dial: Callable[..., socket.socket], port: int, monkeypatch: pytest.MonkeyPatch, request_: bytes
) -> None:
    """It is refused or ignored, never answered with a 5xx, and the next one is served."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)

    answer = read_all(dial(request_))

    assert not answer.startswith(b"HTTP/1.1 5")
    assert alive(port)


def test_a_connection_that_is_torn_down_in_the_middle(
    dial: Callable[..., socket.socket], target: Target, port: int
) -> None:
    """In the head or in the body: nothing is stored, and nothing breaks."""
    head, body = event()
    whole = head + body
    for cut in (0, 10, len(head), len(whole) - 1):
        torn = dial(whole[:cut])
        torn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        torn.close()

    assert alive(port)
    assert target.stored() == {}


def test_no_redirect_leads_to_the_host_that_a_request_names(port: int) -> None:
    """An address with a slash too many is not known, rather than led somewhere."""
    answer = httpx.post(f"http://127.0.0.1:{port}/hooks/ci/", headers={"host": "evil.example"})

    assert (answer.status_code, "location" in answer.headers) == (404, False)
