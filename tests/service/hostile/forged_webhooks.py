"""Hostile webhooks: valid ones that are forged in every known way, and well-signed nonsense."""

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus

from tests.service.hostile.target import GENERIC_SECRETS, GITHUB_SECRETS
from triggerbot.systems.webhook_signatures import sign_standard

REVISION = "0123456789abcdef0123456789abcdef01234567"

EVENT: dict[str, Any] = {
    "project": "try", "branch": "main", "revision": REVISION, "job": "linux / unit", "run_id": "r-1", "attempt": 1,
    "state": "finished", "result": "failure", "kind": "test", "tier": 1, "author": "somebody", "message": "try: -b o",
    "time": "2026-11-20T19:31:02Z", "url": "https://ci.example/1", "pool": "linux", "step": "run", "failures": ["a"],
}  # fmt: skip
_REPOSITORY = {"id": 7, "full_name": "octo/app", "pushed_at": 1_795_000_000}
_SENDER = {"login": "somebody"}
PAYLOADS: dict[str, dict[str, Any]] = {
    "workflow_job": {
        "action": "completed",
        "workflow_job": {
            "id": 11,
            "run_id": 5,
            "name": "unit",
            "workflow_name": "CI",
            "head_sha": REVISION,
            "head_branch": "main",
            "status": "completed",
            "conclusion": "failure",
            "run_attempt": 1,
            "labels": ["linux"],
            "created_at": "2026-11-20T19:00:00Z",
            "started_at": "2026-11-20T19:01:00Z",
            "completed_at": "2026-11-20T19:02:00Z",
            "html_url": "https://github.example/job/11",
            "steps": [{"name": "run", "conclusion": "failure", "number": 1}],
            "runner_group_name": "Default",
        },
        "repository": _REPOSITORY,
    },
    "workflow_run": {
        "action": "completed",
        "workflow_run": {
            "id": 5,
            "head_sha": REVISION,
            "head_branch": "main",
            "status": "completed",
            "actor": _SENDER,
            "created_at": "2026-11-20T19:00:00Z",
            "head_commit": {"message": "a change"},
            "head_repository": _REPOSITORY,
        },
        "repository": _REPOSITORY,
    },
    "push": {
        "ref": "refs/heads/main",
        "after": REVISION,
        "repository": _REPOSITORY,
        "sender": _SENDER,
        "head_commit": {"message": "a change"},
    },
    "ping": {"zen": "Keep it simple.", "hook_id": 1},
}

#: Texts that have broken parsers, and numbers that have broken arithmetic.
TEXTS = [
    "", " ", "\0", "a\0b", "../../etc/passwd", "a/../b", "%2e%2e%2f", "\r\nx: y", "\n", "\ud800", "\udfff\ud800",
    "﷽" * 50, "' OR 1=1 --", "${jndi:ldap://x}", "<script>alert(1)</script>", "javascript:alert(1)",
    "http://169.254.169.254/", "a" * 2000, "a" * 2001, "é" * 5000, "١٢٣", "²", "-1", "1e999", "NaN", "*", "[" * 400,
    "a" + "*a" * 300, "\x1e\x1f", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z",
    "refs/heads/", "try: --rebuild 99",
]  # fmt: skip
NUMBERS: list[Any] = [0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**400, -(10**400), 0.1, 1e308, True, None]


_SCRAPS = [
    b"", b"null", b"0", b'""', b"[]", b"{}", b"[null]", b"[[]]", b"[{}]", b"\xff", b"\0", b"tru", b"\xef\xbb\xbf{}",
    b"1e999", b"-", b'"\\ud800"', b'"\\u00"', b"9" * 9000,
]  # fmt: skip


@dataclass(frozen=True)
class Hook:
    """One webhook as it is sent."""

    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    #: What was done to it.
    kind: str = "good"

    def header(self, name: bytes) -> bytes:
        """Return the value of a header that occurs once."""
        return dict(self.headers).get(name, b"")

    def with_header(self, name: bytes, *values: bytes) -> "Hook":
        """Return the webhook with other values of a header: none, one or several."""
        rest = tuple(one for one in self.headers if one[0] != name)
        return replace(self, headers=(*rest, *((name, value) for value in values)))


# -- good ones ---------------------------------------------------------------------------------------------------


def generic(body: bytes, secret: str = GENERIC_SECRETS[0], *, name: str = "msg_1", stamp: int | None = None) -> Hook:
    """Sign a body as Standard Webhooks say."""
    at = int(time.time()) if stamp is None else stamp
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": sign_standard(name, at, body, secret),
    }
    return Hook("/hooks/ci", _wire({**headers, "content-type": "application/json"}), body)


def github(body: bytes, secret: str = GITHUB_SECRETS[0], *, event: str = "workflow_job", form: bool = False) -> Hook:
    """Sign a body as GitHub does."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    delivery = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    headers = {"x-github-event": event, "x-github-delivery": delivery, "x-hub-signature-256": f"sha256={digest}"}
    return Hook("/hooks/gh", _wire({**headers, "content-type": kind}), body)


def _wire(headers: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode("latin-1")) for name, value in headers.items())


def good(dice: random.Random) -> Hook:
    """Make a valid webhook of either system, signed with the old secret or the new."""
    number = dice.randrange(1 << 30)
    which = dice.randrange(2)
    if dice.random() < 0.5:
        event = {**EVENT, "run_id": f"r-{number}"}
        return generic(
            _json([event] * dice.choice([1, 1, 3]) if dice.random() < 0.3 else event), GENERIC_SECRETS[which]
        )
    kind = dice.choice(list(PAYLOADS))
    return github(_json({**PAYLOADS[kind], "n": number}), GITHUB_SECRETS[which], event=kind)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


# -- forged ------------------------------------------------------------------------------------------------------


def _signature(hook: Hook) -> bytes:
    return b"webhook-signature" if hook.path.endswith("/ci") else b"x-hub-signature-256"


def _needed(hook: Hook) -> Sequence[bytes]:
    both = [b"webhook-id", b"webhook-timestamp", b"webhook-signature"]
    return both if hook.path.endswith("/ci") else [b"x-hub-signature-256"]


def _body_bits(hook: Hook, dice: random.Random) -> Hook:
    damaged = bytearray(hook.body)
    for at in dice.sample(range(len(damaged) * 8), dice.choice([1, 1, 1, 2, 17])):
        damaged[at // 8] ^= 1 << at % 8
    return replace(hook, body=bytes(damaged))


def _body_other(hook: Hook, dice: random.Random) -> Hook:
    at = dice.randrange(len(hook.body))
    others = [
        hook.body[:at], hook.body + b"\n", b"", hook.body[at:] + hook.body[:at] + b" ", dice.randbytes(300),
        b"\xef\xbb\xbf" + hook.body, hook.body.replace(b'"', b"'"), hook.body.decode().encode("utf-16"),
        b"[" * dice.choice([10, 1000, 60_000]), b'{"a":' * dice.choice([10, 1000, 20_000]), b"9" * 50_000,
        b'{"run_id": "\\ud800"}', b"\xff\xfe\x00" * 9, b"\x1f\x8b\x08" + bytes(40),
    ]  # fmt: skip
    return replace(hook, body=dice.choice(others))


def _signature_bits(hook: Hook, dice: random.Random) -> Hook:
    value = bytearray(hook.header(_signature(hook)))
    start = value.index(b"," if b"," in value else b"=") + 1
    value[dice.randrange(start, len(value))] ^= dice.choice([1, 2, 4, 8, 16, 32, 64, 128])
    return hook.with_header(_signature(hook), bytes(value))


def _signature_words(hook: Hook, dice: random.Random) -> Hook:
    value = hook.header(_signature(hook))
    prefix, bare = (value[:3], value[3:]) if value.startswith(b"v1,") else (value[:7], value[7:])
    junk = b" ".join(b"v1," + base64.b64encode(dice.randbytes(32)) for _ in range(8))
    words = [
        bare, prefix, prefix + bare[:-1], prefix + bare[1:], prefix + b" " + bare, prefix + bare + b"A",
        prefix.upper() + bare, b"sha1=" + bare, b"sha1=" + bare[:40], b"v2," + bare, b"v1a," + bare, b"v1=" + bare,
        b"sha256:" + bare, b"sha512=" + bare * 2, prefix + bare.swapcase(), prefix + bytes(reversed(bare)), b"=" * 40,
        b"," * 9, b"v1," * 900, prefix + "é".encode() + bare, prefix + b"\xff" * 44, prefix + b"0" * 64,
        junk + b" " + value, b"\xa0" + value, prefix + "١".encode() * 32, b"x" * 20_000, prefix + b"null",
        prefix + b"%00", value.replace(b"=", b"%3D"),
    ]  # fmt: skip
    return hook.with_header(_signature(hook), dice.choice([word for word in words if word != value]))


def _header_missing(hook: Hook, dice: random.Random) -> Hook:
    return hook.with_header(dice.choice(_needed(hook)), *dice.choice([(), (b"",), (b" ",), (b"\x00",)]))


def _header_twice(hook: Hook, dice: random.Random) -> Hook:
    name = dice.choice([one for one in _needed(hook) if one != b"webhook-signature"])
    value = hook.header(name)
    other = dice.choice([value, b"", b"other", value[::-1], b"\xff"])
    return hook.with_header(name, *dice.choice([(value, other), (other, value), (value, value, value)]))


def _stamp(hook: Hook, dice: random.Random) -> Hook:
    if hook.path.endswith("/gh"):
        return _signature_words(hook, dice)
    now = int(time.time())
    off = dice.choice([-310, 310, -86_400, 86_400, -now, 10**11])
    if dice.random() < 0.5:
        return replace(generic(hook.body, stamp=max(0, now + off)), kind="")
    digits = {ord(str(digit)): 0x660 + digit for digit in range(10)}
    words = [
        f"{now}.0", f"0{now}", f"+{now}", f"-{now}", f" {now}", f"{now} ", "1e9", hex(now), "9" * 4000, "", "now", "²",
    ]  # fmt: skip
    wrong = dice.choice([word.encode("latin-1") for word in words] + [str(now).translate(digits).encode()])
    return hook.with_header(b"webhook-timestamp", wrong)


def _wrong_secret(hook: Hook, dice: random.Random) -> Hook:
    strange = ["", "whsec_", "whsec_AAAA", " ", "t", "\0", *GENERIC_SECRETS, *GITHUB_SECRETS, GENERIC_SECRETS[0][6:-1]]
    ours = GENERIC_SECRETS if hook.path.endswith("/ci") else GITHUB_SECRETS
    secret = dice.choice([one for one in strange if one not in ours])
    if hook.path.endswith("/gh"):
        return github(hook.body, secret)
    stamp = str(int(time.time()))
    signed = f"msg_1.{stamp}.".encode() + hook.body
    made = b"v1," + base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256))
    return hook.with_header(b"webhook-timestamp", stamp.encode()).with_header(b"webhook-signature", made)


def _other_message(hook: Hook, dice: random.Random) -> Hook:
    """Replace the signature by a valid one of another message."""
    if hook.path.endswith("/ci"):
        parts = [
            hook.with_header(b"webhook-id", b"msg_2"),
            hook.with_header(b"webhook-id", b"msg_1."),
            generic(b"{}").with_header(b"webhook-id", b"msg_1.1"),
            replace(hook, body=b"." + hook.body),
        ]
        return dice.choice(parts)
    weak = hmac.new(GITHUB_SECRETS[0].encode(), hook.body, hashlib.sha1).hexdigest().encode()
    only = hook.with_header(b"x-hub-signature-256").with_header(b"x-hub-signature", b"sha1=" + weak)
    return dice.choice(
        [only, hook.with_header(b"x-hub-signature-256", b"sha1=" + weak), replace(hook, body=hook.body * 2)]
    )


def _other_place(hook: Hook, dice: random.Random) -> Hook:
    own = hook.path
    paths = [
        "/hooks/fx", "/hooks/th", "/hooks/unsigned", "/hooks/", "/hooks/nobody", "/hooks/..%2fci", "/hooks/CI",
        "/hooks/ci/", "/hooks/\x00", "/hooks/é", "/hooks/gh" if own.endswith("ci") else "/hooks/ci",
    ]  # fmt: skip
    return replace(hook, path=dice.choice(paths))


def _too_large(hook: Hook, dice: random.Random) -> Hook:
    if hook.path.endswith("/gh"):
        return hook.with_header(b"content-length", b"9" * dice.choice([9, 30])).with_header(_signature(hook), b"")
    return dice.choice([generic(b" " * ((1 << 20) + 1)), hook.with_header(b"content-length", b"1048577")])


#: Each turns a valid webhook into one that must not be accepted.
FORGERIES: dict[str, Callable[[Hook, random.Random], Hook]] = {
    "bits of the body": _body_bits, "another body": _body_other, "bits of the signature": _signature_bits,
    "words of the signature": _signature_words, "a header is missing": _header_missing, "a header twice": _header_twice,
    "the time": _stamp, "the wrong secret": _wrong_secret, "another message's signature": _other_message,
    "another place": _other_place, "too large": _too_large,
}  # fmt: skip
#: The weight of each; large bodies take long and prove little.
_WEIGHTS = [20, 20, 20, 30, 10, 15, 20, 20, 15, 10, 0.02]


def forged(dice: random.Random) -> Hook:
    """Make a webhook that must not be accepted."""
    kind = dice.choices(list(FORGERIES), _WEIGHTS)[0]
    return replace(FORGERIES[kind](good(dice), dice), kind=kind)


# -- nonsense ----------------------------------------------------------------------------------------------------


def nonsense(dice: random.Random) -> Hook:
    """Make a well-signed webhook with strange content; some may be accepted."""
    name = f"msg_{dice.randrange(1 << 40)}"
    if dice.random() < 0.5:
        return replace(generic(_strange(dice, EVENT), name=name), kind="nonsense")
    event = dice.choice([*PAYLOADS, *PAYLOADS, "check_run", "", "x" * 500, "Push"])
    body = _strange(dice, PAYLOADS.get(event, EVENT))
    if dice.random() < 0.1:
        body = b"payload=" + quote_plus(body).encode() + dice.choice([b"", b"&a=b", b"&payload=2", b"%", b"&" * 20])
        return replace(github(body, event=event, form=True), kind="nonsense")
    return replace(github(body, event=event), kind="nonsense")


def _strange(dice: random.Random, base: dict[str, Any]) -> bytes:
    what = dice.random()
    if what < 0.08:
        depth = dice.choice([1, 50, 999, 5000, 40_000])
        return dice.choice([b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth])
    if what < 0.16:
        return dice.choice(_SCRAPS)
    value = json.loads(json.dumps(base))
    for _ in range(dice.choice([1, 1, 2, 5])):
        _spoil(dice, value)
    body = json.dumps([value] if dice.random() < 0.1 else value, ensure_ascii=dice.random() < 0.7)
    raw = bytearray(body.encode("utf-8", "surrogatepass"))
    if dice.random() < 0.15:
        raw[dice.randrange(len(raw))] = dice.randrange(256)
    return bytes(raw)


def _spoil(dice: random.Random, value: dict[str, Any]) -> None:
    """Replace one value, at any depth, by a strange one."""
    key = dice.choice(list(value))
    if isinstance(value[key], dict) and value[key] and dice.random() < 0.8:
        return _spoil(dice, value[key])
    something = [dice.choice(TEXTS), dice.choice(NUMBERS), [], {}, [value[key]] * 3, {"a": value[key]}]
    if dice.random() < 0.2:
        del value[key]
        value[dice.choice(TEXTS)] = 1
    else:
        value[key] = dice.choice(something)
