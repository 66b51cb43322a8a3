"""Forms that are posted: small, complete, and read within bounds."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from triggerbot.core.errors import UsageError

#: Seconds for a form to arrive; bytes and fields of it: the longest name of a job, each character of it escaped, fits.
_SECONDS, _BYTES_MAX, _FIELDS_MAX = 10.0, 65_536, 20


async def read(request: Request) -> Mapping[str, str]:
    """Read a form; raises `UsageError` if it is none, `TimeoutError` if it does not arrive."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UsageError("this is no form of this page")
    body = bytearray()
    async with asyncio.timeout(_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > _BYTES_MAX:
                raise UsageError("the form is too large")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError:
        raise UsageError("the form cannot be read") from None


def number(text: str | None, most: int) -> int | None:
    """Read a number from 1 to `most`; `None` if it is none."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 9):
        return None
    return int(text) if 1 <= int(text) <= most else None
