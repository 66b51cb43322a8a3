"""The proof that a webhook comes from GitHub, and the settings that a system takes."""

import hashlib
import hmac
from typing import Any

import pytest

from triggerbot.core.errors import Unauthenticated
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub

NOW = 1_795_000_000.0


def system(**settings: Any) -> GitHub:
    """Make a system that never talks to anybody."""
    return GitHub("gh", **({"token": "t", "webhook_secrets": ["s1", "s2"]} | settings))


def signed(body: bytes, secret: str) -> dict[str, str]:
    """Sign as GitHub documents it."""
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_documented_signature() -> None:
    """The example of GitHub's documentation is accepted."""
    one = system(webhook_secrets=["It's a Secret to Everybody"])
    value = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    one.verify({"x-hub-signature-256": value}, b"Hello, World!", NOW)


@pytest.mark.parametrize("secret", ["s1", "s2"])
def test_any_of_several_secrets(secret: str) -> None:
    """While secrets are rotated each of them is good."""
    system().verify(signed(b"x", secret), b"x", NOW)


@pytest.mark.parametrize(
    ("secrets", "headers"),
    [
        (["s1"], signed(b"other", "s1")),
        (["s1"], signed(b"x", "s2")),
        (["s1"], {}),
        (["s1"], {"x-hub-signature-256": "sha256=é"}),
        ([], signed(b"x", "")),
        ([""], signed(b"x", "")),
    ],
)
def test_unauthenticated(secrets: list[str], headers: dict[str, str]) -> None:
    """A signature that does not fit, none at all, or no secret to check it with: not authenticated."""
    with pytest.raises(Unauthenticated):
        system(webhook_secrets=secrets).verify(headers, b"x", NOW)


@pytest.mark.parametrize("settings", [{"token": None}, {"app": AppKey("1", "k")}, {"repositories": ["../x"]}])
def test_wrong_settings(settings: dict[str, Any]) -> None:
    """It takes either a token or an App, and repositories that can be."""
    with pytest.raises(ValueError, match=r"GitHub needs|expected owner"):
        system(**settings)
