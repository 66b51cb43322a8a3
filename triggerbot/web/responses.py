"""HTTP responses for programs: JSON, errors and plain text, with the headers that protect them."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

_JSON = "application/json"
#: Responses for programs are data: browsers must not execute, frame, sniff or cache them.
DEFENCE = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
#: What a fault of ours is called: its details are for the log only.
FAULT = "triggerbot failed at this; its log says why"


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(value), status, {**DEFENCE, **(headers or {})}, _JSON)


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with an error as JSON."""
    return as_json({"error": message}, status, headers)


def plain(status: int, text: str) -> Response:
    """Answer with a line of text."""
    return Response(text + "\n", status, DEFENCE, "text/plain; charset=utf-8")
