"""Asking a daemon over its API."""

import json
import os
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import click
import httpx

from triggerbot.core.errors import UsageError
from triggerbot.reports.answers import Answer
from triggerbot.reports.answers.transfer import from_json

_VARIABLE = "TRIGGERBOT_TOKEN"
#: Seconds for an answer to come: statistics of much take some.
_PATIENCE = 60.0


def ask(base: str, name: str, question: Mapping[str, Any]) -> Answer:
    """Ask a daemon a question of the command of this name. Raises `UsageError` if it does not answer it."""
    token = os.environ.get(_VARIABLE, "").strip()
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if token and not token.isascii():
        raise UsageError(f"the token in {_VARIABLE} has characters that no token has: copy it again")
    if token and _is_exposed(base):
        click.echo(f"warning: the token travels unencrypted to {base}: use https://", err=True)
    where = f"{base}/api/v1/answers/{name}"
    try:
        found = httpx.get(where, params={"question": json.dumps(question)}, headers=headers, timeout=_PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        why = str(error) or type(error).__name__
        raise UsageError(f"cannot reach a daemon at {base}: {why}; is it running, and is the address right?") from None
    return _read(base, found, token=bool(token))


def _is_exposed(base: str) -> bool:
    """Whether what is sent to an address can be read on its way."""
    parts = urlsplit(base)
    try:
        local = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = parts.hostname == "localhost"
    return parts.scheme == "http" and not local


def _read(base: str, found: httpx.Response, *, token: bool) -> Answer:
    match found.status_code:
        case 401 if token:
            raise UsageError(
                f"the daemon at {base} does not take the token in {_VARIABLE}: it wants one of its page.token"
            )
        case 401:
            raise UsageError(
                f"the daemon at {base} answers only who has a token: put one of its page.token in {_VARIABLE}"
            )
        case 400 | 421 | 503 if (why := _error(found)) is not None:
            raise UsageError(f"the daemon at {base} says: {why}")
        case 200:
            try:
                return from_json(found.json())
            except (ValueError, TypeError, LookupError):
                pass
    raise UsageError(
        f"what answers at {base} is no daemon of triggerbot, or one of another version: it answered {found.status_code}"
    )


def _error(found: httpx.Response) -> str | None:
    try:
        return str(found.json()["error"])
    except (ValueError, TypeError, LookupError):
        return None
