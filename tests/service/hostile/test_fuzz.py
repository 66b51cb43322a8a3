"""A short run of the fuzz; `python -m tests.service.hostile` is the long one."""

from collections.abc import Mapping

import pytest

from tests.service.hostile import forged_webhooks as forging
from tests.service.hostile.fuzz import Findings, fuzz
from triggerbot.core.errors import NotUnderstood
from triggerbot.systems.generic import system as generic
from triggerbot.systems.github import parse as github_parse
from triggerbot.systems.github.system import GitHub


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_hostile_webhooks_are_refused_and_nothing_breaks(seed: int) -> None:
    """No crash, no 5xx, nothing stored of what is forged, no failure of ours over nonsense."""
    findings = fuzz(4000, seed)

    assert findings.clean, "\n".join(findings.lines())
    assert {kind for kind, _ in findings.statuses} == {*forging.FORGERIES, "nonsense"} - missing(findings)
    assert findings.statuses["nonsense", 202] > 50
    assert findings.statuses["nonsense", 400] > 50


def missing(findings: Findings) -> set[str]:
    """Return the kind that is so rare that a short run may lack it."""
    return {"too large"} - {kind for kind, _ in findings.statuses}


@pytest.mark.slow
def test_it_would_notice_a_signature_that_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a clean run would prove nothing."""
    monkeypatch.setattr(generic, "verify_standard", lambda *_: None)

    findings = fuzz(400, 1)

    assert findings.stored["runs"] > 0
    assert {what for what, _ in findings.wrong} >= {"202"}


@pytest.mark.slow
def test_it_would_notice_the_weak_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub's old header, with SHA-1, is no way in; the fuzz knows how to make a right one."""
    verify = GitHub.verify

    def downgraded(self: GitHub, headers: Mapping[str, str], body: bytes, now: float) -> str:
        return "gh:1" if headers.get("x-hub-signature", "").startswith("sha1=") else verify(self, headers, body, now)

    monkeypatch.setattr(GitHub, "verify", downgraded)

    assert {hook.kind for what, hook in fuzz(1500, 1).wrong if what in ("202", "400")} == {
        "another message's signature"
    }


@pytest.mark.slow
def test_it_would_notice_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that triggerbot survives, but that is a bug: it leaves a dead letter."""

    def careless(body: bytes | str, kind: type[object]) -> object:
        if b"\\ud800" in (body if isinstance(body, bytes) else body.encode()):
            raise ValueError("surrogate")
        raise NotUnderstood("anything else")

    monkeypatch.setattr(github_parse.messages, "read", careless)

    assert fuzz(3000, 1).buried > 0
