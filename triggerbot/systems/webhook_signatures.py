"""Webhook signatures, checked over the raw body in constant time, with several secrets while they are rotated.

Standard Webhooks (standardwebhooks.com, specification of 2023): `webhook-id`, `webhook-timestamp` and
`webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`, several signatures separated by spaces.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache

from triggerbot.core.errors import Unauthenticated

#: Seconds that a signed timestamp may be off, as the specification advises.
TOLERANCE = 300.0


def verify_standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
    """Verify a Standard Webhooks signature; raises `Unauthenticated` and nothing else, whatever the input."""
    message_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (message_id and stamp and given):
        raise Unauthenticated("webhook-id, webhook-timestamp and webhook-signature are needed")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13) or abs(now - int(stamp)) > TOLERANCE:
        raise Unauthenticated("webhook-timestamp is no time of the last five minutes")
    signed = f"{message_id}.{stamp}.".encode("utf-8", "replace") + body
    signatures = [part[3:].encode("ascii", "replace") for part in given.split(" ") if part.startswith("v1,")]
    valid = False
    for key in (key for secret in secrets for key in _standard_keys(secret)):
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        for signature in signatures[:8]:
            # No early exit: the time taken must not reveal which secret or signature was right.
            valid |= hmac.compare_digest(expected, signature)
    if not valid:
        raise Unauthenticated("no signature fits")


def sign_standard(message_id: str, timestamp: int, body: bytes, secret: str) -> str:
    """Compute the `webhook-signature` header that `verify_standard` accepts."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_standard_keys(secret)[0], signed, hashlib.sha256)).decode()


def delivery(system: str, label: str, body: bytes) -> str:
    """Name a delivery by its body and by `label`, what else distinguishes it and is authentic or relied on anyway."""
    return f"{system}:{hashlib.sha256(label.encode('utf-8', 'replace') + b'.' + body).hexdigest()[:32]}"


@lru_cache(maxsize=64)
def _standard_keys(secret: str) -> tuple[bytes, ...]:
    """Return the keys that a secret may stand for: its base64 (`whsec_...` in the specification), or the plain text."""
    plain = secret.removeprefix("whsec_")
    keys = []
    with contextlib.suppress(binascii.Error, ValueError):
        keys.append(base64.b64decode(plain, validate=True))
    if plain == secret or not keys:
        keys.append(secret.encode())
    return tuple(key for key in keys if key)


def verify_sha256(headers: Mapping[str, str], name: str, body: bytes, secrets: Sequence[str]) -> None:
    """Verify a `sha256=<hex>` header over the body alone, as GitHub sends it; raises `Unauthenticated`."""
    given = headers.get(name, "")
    if not given.startswith("sha256="):
        raise Unauthenticated(f"the header {name} with a sha256 signature is needed")
    signature = given.removeprefix("sha256=").encode("ascii", "replace")
    valid = False
    for secret in secrets:
        valid |= hmac.compare_digest(hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode(), signature)
    if not valid:
        raise Unauthenticated("the signature does not fit")
