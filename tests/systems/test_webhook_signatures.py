"""Webhook signatures: the published vectors, and rejection of everything else."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from triggerbot.core.errors import Unauthenticated
from triggerbot.systems.generic.system import Generic
from triggerbot.systems.webhook_signatures import TOLERANCE, sign_standard, verify_sha256, verify_standard

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
GITHUB = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def headers(signature: str = SIGNATURE, *, message_id: str = ID, stamp: str = str(STAMP)) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def accepts(
    given_headers: dict[str, str], body: bytes = BODY, secrets: Sequence[str] = (SECRET,), now: float = STAMP
) -> bool:
    """Return whether a webhook is accepted; any exception but `Unauthenticated` fails the test."""
    try:
        verify_standard(given_headers, body, secrets, now)
    except Unauthenticated:
        return False
    return True


def test_the_published_vector_can_be_computed() -> None:
    """The vector of the Standard Webhooks specification, from nothing but the standard library."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    made = hmac.new(key, f"{ID}.{STAMP}.".encode() + BODY, hashlib.sha256).digest()

    assert "v1," + base64.b64encode(made).decode() == SIGNATURE


def test_the_published_vector_is_accepted() -> None:
    """Signatures of other implementations are accepted, and ours are the same."""
    assert accepts(headers())
    assert sign_standard(ID, STAMP, BODY, SECRET) == SIGNATURE


def test_the_published_vector_of_github_is_accepted() -> None:
    """From GitHub's documentation."""
    verify_sha256({"x": GITHUB}, "x", b"Hello, World!", ["It's a Secret to Everybody"])


@pytest.mark.parametrize(
    ("off", "valid"), [(0, True), (TOLERANCE, True), (-TOLERANCE, True), (TOLERANCE + 1, False), (-301, False)]
)
def test_a_signature_is_good_for_five_minutes(off: float, valid: bool) -> None:
    """Neither old messages nor ones from the future are let in."""
    assert accepts(headers(), now=STAMP + off) is valid


def test_several_secrets_and_signatures_serve_a_rotation() -> None:
    """Any of ours with any of theirs, old or new, is enough."""
    other = "whsec_" + base64.b64encode(b"another key of some length").decode()
    signed = sign_standard(ID, STAMP, BODY, other)

    assert accepts(headers(), secrets=[other, SECRET])
    assert accepts(headers(), secrets=[SECRET, other])
    assert accepts(headers(f"{signed} {SIGNATURE}"))
    assert accepts(headers(f"v1a,asymmetric v2,new {SIGNATURE}"))
    assert not accepts(headers(signed))
    assert not accepts(headers(), secrets=[other])


def test_without_a_secret_nothing_is_let_in() -> None:
    """No secret, or an empty one, is not a way in."""
    empty = "v1," + base64.b64encode(hmac.digest(b"", f"{ID}.{STAMP}.".encode() + BODY, hashlib.sha256)).decode()

    assert not accepts(headers(), secrets=[])
    for secret in ("", "whsec_"):
        assert not accepts(headers(empty), secrets=[secret])
    system = Generic("ci", "http://127.0.0.1:1")
    with pytest.raises(Unauthenticated):
        system.verify(headers(), BODY, STAMP)
    system.close()


@pytest.mark.parametrize("secret", ["plain text", "abcd", "whsec_not base64 at all", "schlüssel"])
def test_a_plain_secret_is_its_own_key(secret: str) -> None:
    """A secret without `whsec_` and base64 is used as it is written."""
    made = hmac.digest(secret.encode(), f"{ID}.{STAMP}.".encode() + BODY, hashlib.sha256)

    assert accepts(headers("v1," + base64.b64encode(made).decode()), secrets=[secret])
    assert accepts(headers(sign_standard(ID, STAMP, BODY, secret)), secrets=[secret])


@pytest.mark.parametrize("bit", range(0, len(BODY) * 8, 7))
def test_a_flipped_bit_of_the_body_is_refused(bit: int) -> None:
    """No change of the body survives."""
    damaged = bytearray(BODY)
    damaged[bit // 8] ^= 1 << bit % 8

    assert not accepts(headers(), bytes(damaged))
    with pytest.raises(Unauthenticated):
        verify_sha256({"x": GITHUB}, "x", b"Hello, World?", ["It's a Secret to Everybody"])


@given(st.integers(0, 31), st.integers(0, 7))
def test_a_flipped_bit_of_the_signature_is_refused(place: int, bit: int) -> None:
    """No change of the signature survives."""
    raw = bytearray(base64.b64decode(SIGNATURE[3:]))
    raw[place] ^= 1 << bit

    assert not accepts(headers("v1," + base64.b64encode(raw).decode()))
    digest = bytearray.fromhex(GITHUB.removeprefix("sha256="))
    digest[place] ^= 1 << bit
    with pytest.raises(Unauthenticated):
        verify_sha256({"x": "sha256=" + digest.hex()}, "x", b"Hello, World!", ["It's a Secret to Everybody"])


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_counts(name: str) -> None:
    """One missing, empty or changed: refused."""
    without = {key: value for key, value in headers().items() if key != name}

    assert not accepts(without)
    assert not accepts(without | {name: ""})
    assert not accepts(headers() | {name: headers()[name] + "0"})


@pytest.mark.parametrize(
    "signature",
    ["v1", "v1,", ",", "v1,,", "v1,=", "v1,%%%", "v1,\xff\xfe", "v1, " + SIGNATURE[3:], SIGNATURE.lower(),
     SIGNATURE[3:], "v2," + SIGNATURE[3:], "v1," * 1000, " " * 10_000, "v1,x " * 100_000, SIGNATURE + "\n"],
)  # fmt: skip
def test_a_malformed_signature_is_refused(signature: str) -> None:
    """The malformed headers that made the reference implementation raise, and more."""
    assert not accepts(headers(signature))


@pytest.mark.parametrize(
    "stamp", ["", " ", "x", "-1614265330", "1614265330.0", "1e9", "١٦١٤٢٦٥٣٣٠", "9" * 5000, "0x60", "²", "+1614265330"]
)
def test_a_malformed_time_is_refused(stamp: str) -> None:
    """Only a plain whole number is a time, and a huge one costs nothing."""
    assert not accepts(headers(stamp=stamp))


TEXT = st.text(max_size=60) | st.sampled_from(["", "v1,", SIGNATURE, ID, str(STAMP), "sha256=", GITHUB])


@given(TEXT, TEXT, TEXT, st.binary(max_size=40), st.lists(st.text(max_size=20), max_size=3))
@example(ID, str(STAMP), "v1,\udc80", b"", ["s"])
def test_whatever_is_sent_is_refused_and_nothing_raised(
    message_id: str, stamp: str, signature: str, body: bytes, secrets: list[str]
) -> None:
    """Any headers, any body, any secrets: `Unauthenticated`, and nothing else."""
    assert not accepts(headers(signature, message_id=message_id, stamp=stamp), body + b"?", secrets)
    with pytest.raises(Unauthenticated):
        verify_sha256({"x": signature}, "x", body, secrets)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30), st.binary(max_size=100))
def test_what_is_signed_is_accepted(secret: str, body: bytes) -> None:
    """For any secret and body."""
    if secret.removeprefix("whsec_"):
        assert accepts(headers(sign_standard(ID, STAMP, body, secret)), body, [secret])
