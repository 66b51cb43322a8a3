"""Fixtures around the fake GitHub: a clock that tests set, the fake, and systems that talk to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.fakes.github import Clock, FakeGitHub
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub


@pytest.fixture
def clock() -> Clock:
    """Stand at a moment in November 2026."""
    return Clock()


@pytest.fixture
def github(clock: Clock) -> Iterator[FakeGitHub]:
    """Serve a GitHub without any repository."""
    with FakeGitHub(clock=clock) as server:
        yield server


@pytest.fixture
def connect(github: FakeGitHub, clock: Clock) -> Iterator[Callable[..., GitHub]]:
    """Make systems that talk to the fake, with its token unless told otherwise."""
    made: list[GitHub] = []

    def make(**settings: Any) -> GitHub:
        defaults: dict[str, Any] = {"url": github.url, "webhook_secrets": [github.webhook_secret]}
        if "app" not in settings:
            defaults["token"] = github.token
        system = GitHub("gh", **(defaults | {"clock": clock, "sleep": clock.sleep} | settings))
        made.append(system)
        return system

    yield make
    for system in made:
        system.close()


@pytest.fixture
def gh(connect: Callable[..., GitHub]) -> GitHub:
    """Connect with a personal access token."""
    return connect()


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    """Make an App's key."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def app(github: FakeGitHub, key: rsa.RSAPrivateKey) -> AppKey:
    """Register an App with the fake."""
    github.app_public_key = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return AppKey(github.app_id, private)
