"""Rendering: the templates, their filters, the headers of every page, and the static files."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import triggerbot
from triggerbot.core import event_json
from triggerbot.core.formatting import capital, duration, hours, moment, plural
from triggerbot.web import push_view
from triggerbot.web.responses import DEFENCE, plain

_HERE = Path(__file__).parent
#: Pages load nothing from elsewhere, run no inline script or style, and may not be framed.
_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
#: Bytes of a page that are sent at a time.
_PIECE = 65_536
#: Seconds that browsers cache a file; changed content gets a new address.
_YEAR = 31_536_000
#: Commands of triggerbot in backticks, as our own sentences write them; other backticks stay as they are.
_CODE = re.compile(r"`(triggerbot[ :][^`\n]*)`")
#: The signs of verdicts and healths, so that nobody depends on colours.
SIGNS = {
    "good": "✓", "passed": "✓",
    "failing": "✕", "failed": "✕",
    "pending": "…",
    "incomplete": "?",
    "intermittent": "≈",
    "infra": "!",
    "none": "–",
}  # fmt: skip


class Files:
    """The files in `static`: read once, each served under an address that changes with its content."""

    def __init__(self, base: str) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        self._base = base
        for path in sorted((_HERE / "static").iterdir()):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:16]
            self._files[path.name] = content, mimetypes.guess_type(path.name)[0] or "application/octet-stream", digest

    def address(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self._base}/static/{self._files[name][2]}/{name}"

    def answer(self, request: Request) -> Response:
        """Serve a file; not cacheable under an outdated address, which an old page may still use."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            return plain(404, "there is no such file")
        content, kind, digest = found
        tag = f'"{digest}"'
        current = request.path_params["digest"] == digest
        headers = {**DEFENCE, "etag": tag}
        if current:
            headers["cache-control"] = f"public, max-age={_YEAR}, immutable"
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=kind)


class Rendering:
    """Renders pages; safe for threads."""

    def __init__(self, base: str) -> None:
        self.files = Files(base)
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(
            base=base, static=self.files.address, version=triggerbot.__version__, signs=SIGNS, legend=push_view.legend()
        )
        self._environment.filters.update(
            ago=ago, moment=moment, rfc3339=event_json.format_time, upfirst=capital, length_of=duration, hours=hours,
            plural=plural, grouped="{:,}".format, coded=coded,
        )  # fmt: skip

    def part(self, template: str, values: Mapping[str, Any]) -> Markup:
        """Render the middle of a page."""
        return Markup(self._environment.get_template(template).render(values))  # noqa: S704 - what goes in is escaped

    def page(self, status: int, middle: str, values: Mapping[str, Any]) -> Response:
        """Render a whole page around a rendered middle."""
        text = self._environment.get_template("shell.html").render({**values, "middle": Markup(middle)})  # noqa: S704
        return as_html(status, text)


class _Html(Response):
    """A page sent in pieces, so that a client that reads slowly but steadily is not disconnected (see `server`)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as of ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = memoryview(self.body)
        for start in range(0, len(body), _PIECE):
            await send({"type": "http.response.body", "body": bytes(body[start : start + _PIECE]), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def as_html(status: int, text: str) -> Response:
    """Answer with HTML and the headers that protect it."""
    return _Html(text, status, dict(_HEADERS), "text/html; charset=utf-8")


def redirect(address: str) -> Response:
    """Redirect to another page after a form (303)."""
    return Response(status_code=303, headers={**_HEADERS, "location": address})


def coded(text: str) -> Markup:
    """Render one of our sentences with its commands as code; everything is escaped first."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - what goes in is escaped


def ago(seconds: float, now: float) -> str:
    """Format how long ago a moment was, roughly; both times in seconds since the epoch."""
    past = now - seconds
    if past < 0:
        return f"in {duration(-past)}"
    return "just now" if past < 10 else f"{duration(past)} ago"
