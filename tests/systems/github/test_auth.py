"""Credentials: tokens and Apps, their renewal, their secrecy, and what `check` says of them."""

import logging
import threading
from collections.abc import Callable

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.systems.github.cases import PUSH, SHA, call_for, failed, rerun
from triggerbot.cli.check import try_systems
from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.systems import System
from triggerbot.systems.answers import Accepted, Later
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub

Connect = Callable[..., GitHub]


@pytest.fixture
def by_app(connect: Connect, app: AppKey) -> GitHub:
    """Connect as the App."""
    return connect(app=app)


@pytest.fixture
def run(github: FakeGitHub) -> int:
    """Have one workflow run with a job that failed."""
    return failed(github)


def exchanges(github: FakeGitHub) -> int:
    """Count the tokens asked for reruns; those for reports and files have more permissions."""
    asked = [request for request in github.requests if "access_tokens" in request.path]
    return sum("permissions" in request.body for request in asked)


@pytest.mark.usefixtures("run")
def test_token(github: FakeGitHub, gh: GitHub) -> None:
    """A personal access token goes with each request."""
    gh.look_back(PUSH)
    assert {request.headers["authorization"] for request in github.requests} == {f"Bearer {github.token}"}


def test_app(github: FakeGitHub, by_app: GitHub, run: int) -> None:
    """An App gets one token for its installation, and only for what it does, and reruns with it."""
    assert rerun(by_app, "CI / test") == Accepted()
    assert github.runs[run].attempt == 2
    asked = [request for request in github.requests if "access_tokens" in request.path]
    # The second one reads the workflow's file.
    assert [request.body for request in asked] == [{"permissions": {"actions": "write"}}, {}]


@pytest.mark.usefixtures("run")
def test_renewal(github: FakeGitHub, by_app: GitHub, clock: Clock) -> None:
    """A token is kept until five minutes before its end, then replaced."""
    by_app.look_back(PUSH)
    clock.now += 3600 - 301
    by_app.look_back(PUSH)
    assert exchanges(github) == 1
    clock.now += 1
    by_app.look_back(PUSH)
    assert exchanges(github) == 2


@pytest.mark.usefixtures("run")
def test_renewal_fails_early(github: FakeGitHub, by_app: GitHub, clock: Clock) -> None:
    """If GitHub gives no new token in the last five minutes, the old one still does; after its end it does not."""
    by_app.look_back(PUSH)
    clock.now += 3600 - 100
    for _ in range(2):  # one for each read of a look-back
        github.fail_next(500, path="access_tokens")
    assert by_app.look_back(PUSH).events
    clock.now += 101
    github.fail_next(500, path="access_tokens")
    with pytest.raises(CIUnavailable):
        by_app.look_back(PUSH)


@pytest.mark.usefixtures("run")
def test_token_withdrawn(github: FakeGitHub, by_app: GitHub) -> None:
    """A token that is withdrawn before its time is replaced by the next read."""
    by_app.look_back(PUSH)
    github.issued.clear()
    assert by_app.look_back(PUSH).events
    assert exchanges(github) == 2


@pytest.mark.usefixtures("run")
def test_token_withdrawn_before_a_write(github: FakeGitHub, by_app: GitHub) -> None:
    """A write is not repeated with a new token: later, and soon."""
    by_app.look_back(PUSH)
    github.fail_next(401, "Bad credentials", method="POST", path="rerun")
    answer = by_app.retrigger("op", PUSH, call_for("42"))
    assert isinstance(answer, Later)
    assert answer.after == 5.0
    assert len(github.posts) == 1


@pytest.mark.usefixtures("run")
def test_threads_fetch_one_token(github: FakeGitHub, by_app: GitHub) -> None:
    """Many threads that need a token at once fetch one."""
    threads = [threading.Thread(target=by_app.look_back, args=(PUSH,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert exchanges(github) == 1


def test_one_token_for_an_installation(github: FakeGitHub, by_app: GitHub) -> None:
    """Two repositories of one owner share the installation's token and its rate limit."""
    for name in ("octo/app", "octo/lib"):
        github.add_run(name, "CI", SHA, "main", {"t": "failure"})
        by_app.look_back(PUSH._replace(project=name))
    assert exchanges(github) == 1


@pytest.mark.usefixtures("run")
def test_not_installed(github: FakeGitHub, by_app: GitHub) -> None:
    """Where the App is not installed an operator has to install it; a rerun waits for that."""
    github.not_installed.add("octo/app")
    with pytest.raises(CIDenied, match="not installed on octo/app"):
        by_app.look_back(PUSH)
    answer = by_app.retrigger("op", PUSH, call_for("42"))
    assert isinstance(answer, Later)
    assert answer.after == 600.0
    assert github.posts == []


@pytest.mark.usefixtures("run")
def test_app_without_permission(github: FakeGitHub, by_app: GitHub) -> None:
    """An App without `actions: write` is told so when it asks for its token."""
    github.permission = "read"
    with pytest.raises(CIDenied, match="actions: write"):
        by_app.look_back(PUSH)


@pytest.mark.parametrize("pem", ["", "no key", "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"])
def test_wrong_key(connect: Connect, pem: str) -> None:
    """A key that is none is found at the first use, and is not quoted."""
    with pytest.raises(CIDenied, match="private key") as caught:
        connect(app=AppKey("123", pem)).look_back(PUSH)
    assert "SECRET" not in str(caught.value)


def test_other_app(github: FakeGitHub, connect: Connect, app: AppKey) -> None:
    """A key of another App is not accepted, and the remedy is named."""
    github.repositories.add("octo/app")
    with pytest.raises(CIDenied, match="the App's id and key"):
        connect(app=AppKey("456", app.private_key)).look_back(PUSH)


@pytest.mark.usefixtures("run")
def test_nonsense_token(github: FakeGitHub, by_app: GitHub) -> None:
    """A token without an end that we understand is no token."""
    github.fail_next(201, path="access_tokens", answer={"token": "ghs_x", "expires_at": "never"})
    with pytest.raises(CIUnavailable):
        by_app.look_back(PUSH)


@pytest.mark.usefixtures("run")
def test_secrets_stay_secret(
    github: FakeGitHub, by_app: GitHub, gh: GitHub, app: AppKey, caplog: pytest.LogCaptureFixture
) -> None:
    """No token or key shows in any `repr`, log line or error."""
    caplog.set_level(logging.DEBUG)
    by_app.look_back(PUSH)
    github.fail_next(401, "Bad credentials")
    with pytest.raises(CIDenied) as caught:
        gh.look_back(PUSH)
    shown = [repr(app), repr(by_app), repr(gh), repr(by_app._auth), repr(gh._auth), str(caught.value), caplog.text]
    shown += [repr(vars(by_app._auth)), repr(list(by_app._auth._tokens.values()))]  # type: ignore[union-attr]
    for secret in (github.token, *github.issued, app.private_key, "PRIVATE KEY"):
        assert not any(secret in text for text in shown)


def test_no_request_at_construction(github: FakeGitHub, connect: Connect, app: AppKey) -> None:
    """Making a system asks nobody anything."""
    connect()
    connect(app=app)
    assert github.requests == []


@pytest.mark.usefixtures("run")
def test_check(github: FakeGitHub, connect: Connect) -> None:
    """A good token is described: its scopes, its repositories, what is left of the rate limit."""
    said = connect(repositories=["octo/app"]).check()
    assert said.startswith("GitHub accepts the token with the scopes repo, workflow for octo/app; 4999 of 5000")


@pytest.mark.usefixtures("run")
def test_check_fine_grained(github: FakeGitHub, connect: Connect) -> None:
    """Of a fine-grained token GitHub tells no permissions, and that is said."""
    github.scopes = None
    assert "its permissions cannot be read" in connect(repositories=["octo/app"]).check()


def test_check_without_repositories(connect: Connect) -> None:
    """Without repositories the rate limit is read."""
    assert "no repositories are configured" in connect().check()


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("scopes", "private", "permission", "words"),
    [
        ("gist", False, "write", "scope `repo`"),
        ("", False, "write", r"\(none\)"),
        ("public_repo", True, "write", "scope `repo`"),
        ("repo", False, "read", "role 'write'"),
    ],
)
def test_check_finds_what_is_missing(
    github: FakeGitHub, connect: Connect, scopes: str, private: bool, permission: str, words: str
) -> None:
    """A token that surely cannot rerun jobs is refused with a remedy."""
    github.scopes, github.permission = scopes, permission
    github.private = {"octo/app"} if private else set()
    with pytest.raises(CIDenied, match=words):
        connect(repositories=["octo/app"]).check()


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("scopes", "permission", "words"),
    [("gist", "write", "actions: write"), (None, "read", "role 'write'")],
)
def test_reading_is_enough_for_a_dry_run(
    github: FakeGitHub, connect: Connect, scopes: str | None, permission: str, words: str
) -> None:
    """With `dry_run: true` a token that can only read is fine, and what real runs need besides is named."""
    github.scopes, github.permission = scopes, permission

    [dry] = try_systems({"gh": connect(repositories=["octo/app"])}, dry_run=True)
    [real] = try_systems({"gh": connect(repositories=["octo/app"])}, dry_run=False)

    assert dry.ok
    assert "enough for dry_run" in dry.message
    assert words in dry.message
    assert not real.ok
    assert words in real.message


@pytest.mark.usefixtures("run")
def test_a_dry_run_has_to_read_everything(github: FakeGitHub, connect: Connect) -> None:
    """A repository that the token cannot see is a mistake in a dry run, too."""
    github.permission = "read"
    [tried] = try_systems({"gh": connect(repositories=["octo/app", "octo/gone"])}, dry_run=True)
    assert not tried.ok
    assert "octo/gone is not there" in tried.message


@pytest.mark.usefixtures("run")
def test_check_public_scope(github: FakeGitHub, connect: Connect) -> None:
    """For a public repository the scope for public ones may do."""
    github.scopes = "public_repo"
    assert "public_repo" in connect(repositories=["octo/app"]).check()


@pytest.mark.usefixtures("run")
def test_check_of_wrong_credentials(github: FakeGitHub, connect: Connect) -> None:
    """A wrong token, or a repository that is not seen, is refused."""
    with pytest.raises(CIDenied, match="401"):
        connect(token="wrong", repositories=["octo/app"]).check()
    with pytest.raises(CIDenied, match="octo/gone is not there"):
        connect(repositories=["octo/gone"]).check()


@pytest.mark.usefixtures("run")
def test_check_app(github: FakeGitHub, connect: Connect, app: AppKey) -> None:
    """A good App is described; without `actions: write` it is refused with a remedy."""
    said = connect(app=app, repositories=["octo/app"]).check()
    assert said.startswith("GitHub accepts the App 'triggerbot-test' with actions: write for octo/app; ")
    assert "; without checks: write (for check runs) in octo/app; without pull_requests: write (for comments)" in said
    assert "; without contents: read (to know what jobs need, and which deploy) in octo/app" in said
    given = {"actions": "write", "checks": "write", "issues": "write", "contents": "read"}
    github.fail_next(200, answer={"id": 5, "app_slug": "triggerbot-test", "permissions": given})
    assert "without" not in connect(app=app, repositories=["octo/app"]).check()
    github.fail_next(200, answer={"id": 5, "app_slug": "triggerbot-test", "permissions": given})
    queue = frozenset({"required_check", "requeue"})
    said = connect(app=app, repositories=["octo/app"], queue_wants=queue).check()
    assert "; without merge_queues: read (to hear of entries of the merge queue at once) in octo/app" in said
    assert "; without contents: write (to put pull requests back into the merge queue) in octo/app" in said
    github.permission = "read"
    with pytest.raises(CIDenied, match="has actions: read"):
        connect(app=app, repositories=["octo/app"]).check()
    with pytest.raises(CIDenied, match="has actions: read"):
        connect(app=app).check()


def test_check_app_without_repositories(connect: Connect, app: AppKey) -> None:
    """Without repositories the App asks who it is."""
    assert "'triggerbot test'" in connect(app=app).check()


@pytest.mark.usefixtures("run")
def test_app_uninstalled(github: FakeGitHub, by_app: GitHub, clock: Clock) -> None:
    """If the App is taken away and installed again, its new installation is found by the next try."""
    by_app.look_back(PUSH)
    clock.now += 3600
    github.fail_next(404, "Not Found", path="access_tokens")
    with pytest.raises(CIDenied, match="no longer installed"):
        by_app.look_back(PUSH)
    assert by_app.look_back(PUSH).events


@pytest.mark.usefixtures("run")
def test_token_exchange_limited(github: FakeGitHub, by_app: GitHub) -> None:
    """A rate limit of the exchange itself says how long to wait."""
    github.fail_next(403, "You have exceeded a secondary rate limit", {"retry-after": "33"}, path="access_tokens")
    with pytest.raises(CIUnavailable) as caught:
        by_app.look_back(PUSH)
    assert caught.value.after == 33


@pytest.mark.usefixtures("run")
def test_check_archived_and_suspended(github: FakeGitHub, connect: Connect, app: AppKey) -> None:
    """Nothing can be rerun in an archived repository, nor by a suspended App."""
    github.fail_next(200, answer={"full_name": "octo/app", "archived": True})
    with pytest.raises(CIDenied, match="archived"):
        connect(repositories=["octo/app"]).check()
    github.fail_next(200, answer={"id": 5, "suspended_at": "2026-01-01T00:00:00Z"})
    with pytest.raises(CIDenied, match="suspended"):
        connect(app=app, repositories=["octo/app"]).check()


def test_check_without_rate_limits(github: FakeGitHub, connect: Connect) -> None:
    """A server of one's own may have no rate limits: then none are told."""
    github.fail_next(200, headers={"x-ratelimit-limit": "none"}, answer={"rate": {}})
    assert connect().check().endswith("no repositories are configured")


def test_is_a_system() -> None:
    """It offers what every system offers (mypy checks the types)."""
    system: System = GitHub("gh", token="t", grace=5.0, forks_allowed=True)
    assert (system.name, system.grace, system.forks_allowed) == ("gh", 5.0, True)
    system.close()
