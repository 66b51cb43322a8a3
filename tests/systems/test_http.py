"""Answers over HTTP whose content is compressed: what an answer may cost is bounded, however it is coded."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import pytest

from tests.fakes.http_server import Quiet, Served
from triggerbot.core.errors import CIUnavailable
from triggerbot.systems.answers import Unknown
from triggerbot.systems.http import ANSWER_MAX, Http, Reply

#: What a bomb inflates to, and what may be in memory at once meanwhile.
LARGE, AT_ONCE = 1_000_000_000, 3 * ANSWER_MAX


class Coded(Served):
    """A server that answers everything with one body and coding, and keeps what was accepted."""

    def __init__(self) -> None:
        outer = self
        self.body, self.coding = b"{}", ""
        self.accepted: list[str] = []

        class Handler(Quiet):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.accepted.append(self.headers.get("accept-encoding", ""))
                self.send_response(200)
                if outer.coding:
                    self.send_header("content-encoding", outer.coding)
                self.send_header("content-length", str(len(outer.body)))
                self.end_headers()
                with suppress(ConnectionError):  # the client need not read all
                    self.wfile.write(outer.body)

            do_POST = do_GET

        handler: type[BaseHTTPRequestHandler] = Handler
        super().__init__(handler)


@pytest.fixture
def server() -> Iterator[Coded]:
    """Run a server."""
    with Coded() as served:
        yield served


@pytest.fixture
def http(server: Coded) -> Iterator[Http]:
    """Provide a client of the server."""
    client = Http(server.origin, {"user-agent": "t"})
    yield client
    client.close()


def bomb(layers: int, size: int = LARGE) -> bytes:
    """Compress zeros again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1_000_000)
    packed = b"".join(packer.compress(zeros) for _ in range(size // len(zeros))) + packer.flush()
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


@pytest.mark.parametrize("coding", ["", "identity", "gzip", "x-gzip", "GZIP"])
@pytest.mark.parametrize("members", [1, 3])
def test_an_answer_is_read_as_it_is_coded(http: Http, server: Coded, coding: str, members: int) -> None:
    """Plain, or compressed once, also in several members."""
    pieces = [b'{"runs": [', b"1, " * 100_000, b"2]}"]
    whole = b"".join(pieces)
    if coding not in ("", "identity"):
        whole = b"".join(map(gzip.compress, pieces)) if members == 3 else gzip.compress(whole)
    server.body, server.coding = whole, coding

    assert http.get("/x").body == b"".join(pieces)
    assert server.accepted == ["gzip"]


@pytest.mark.parametrize(("coding", "layers"), [("gzip", 1), ("gzip, gzip", 2), ("gzip, gzip, gzip", 3)])
def test_a_bomb_takes_no_more_memory_than_the_largest_answer(
    http: Http, server: Coded, coding: str, layers: int
) -> None:
    """Neither of a read nor of a write, whose outcome is then unknown; one coding is undone at most."""
    server.body, server.coding = bomb(layers), coding
    tracemalloc.start()
    try:
        with pytest.raises(CIUnavailable, match=r"larger than|not asked for"):
            http.get("/x")
        written = http.post("/x", {})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(written, Unknown)
    assert peak < AT_ONCE


#: What cannot be decoded, with how it says it is coded.
UNREADABLE = {
    "another coding": (b"{}", "br"),
    "deflate": (zlib.compress(b"{}"), "deflate"),
    "no gzip": (b"{}", "gzip"),
    "breaks off": (gzip.compress(b"{}" * 1000, mtime=0)[:-9], "gzip"),
    "more behind it": (gzip.compress(b"{}", mtime=0) + b"rest", "gzip"),
}


@pytest.mark.parametrize(("body", "coding"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_answer_that_cannot_be_decoded_is_none(http: Http, server: Coded, body: bytes, coding: str) -> None:
    """A read fails, and of a write nobody knows what came of it."""
    server.body, server.coding = body, coding

    with pytest.raises(CIUnavailable):
        http.get("/x")
    assert isinstance(http.post("/x", {}), Unknown)


def test_an_empty_answer_may_call_itself_compressed(http: Http, server: Coded) -> None:
    """As those of 204 and 304 do at some servers."""
    server.body, server.coding = b"", "gzip"

    assert http.get("/x").body == b""
    written = http.post("/x", {})
    assert isinstance(written, Reply)
