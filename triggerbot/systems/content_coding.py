"""Decoding of compressed answers within a bound: a few kilobytes can otherwise become gigabytes.

The libraries inflate whatever arrives, as often as the headers of an answer say, and only then can its size be looked
at. A stranger may choose who answers: a push on Taskcluster says where its artifacts are kept.
"""

import zlib
from collections.abc import Iterable, Iterator

#: What requests accept.
ACCEPTED = "gzip"
#: Bytes that are inflated at a time.
_PIECE = 65_536
#: `wbits` of zlib for gzip, and only that.
_GZIP = 16 + zlib.MAX_WBITS


class BadContent(Exception):
    """An answer whose content cannot be decoded."""


def decoded(chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Decode the content of an answer piece by piece, no piece larger than it came or `_PIECE`.

    The caller counts the bytes and stops reading when there are too many. Raises `BadContent` for anything but one
    gzip coding, or none, and for content that breaks off.
    """
    match coding.strip().lower():
        case "" | "identity":
            yield from chunks
        case "gzip" | "x-gzip":
            yield from _inflated(chunks)
        case other:
            raise BadContent(f"the content is coded as '{other[:40]}', which was not asked for")


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member, started = zlib.decompressobj(_GZIP), False
    for chunk in chunks:
        rest = chunk
        while rest:
            if member.eof:  # gzip allows several members in a row
                member = zlib.decompressobj(_GZIP)
            started = True
            try:
                piece = member.decompress(rest, _PIECE)
            except zlib.error as error:
                raise BadContent(f"the content is no gzip: {error}") from None
            rest = member.unused_data if member.eof else member.unconsumed_tail
            yield piece
        # What fits into no piece yet is kept inside, and comes out without further input.
        while not member.eof and (piece := member.decompress(b"", _PIECE)):
            yield piece
    if started and not member.eof:
        raise BadContent("the content breaks off")
