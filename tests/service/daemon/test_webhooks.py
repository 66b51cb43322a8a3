"""Webhooks over real HTTP: the answers, and what is stored."""

import time

import httpx
import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import SECRET, TOKEN, Daemon, eventually
from tests.fakes.stored import stored as counted

REVISION = "0123456789abcdef"


def stored(daemon: Daemon) -> int:
    """Count the runs in the store."""
    return counted(daemon.directory / "state.db").get("runs", 0)


def test_a_failed_run_is_retriggered_and_judged(daemon: Daemon, ci: FakeCI) -> None:
    """From the webhook to the verdict: two more runs, both pass, so the job is intermittent and the push is good."""
    ci.outcome = lambda _: "success"
    event = ci.run(REVISION, "linux-test", result="failure")

    assert daemon.hook(event).status_code == 202

    eventually(lambda: len(ci.accepted) == 1, "the CI is asked")
    (post,) = ci.accepted
    assert (post.body["job"], post.body["run_id"], post.count) == ("linux-test", event["run_id"], 2)
    assert post.headers["authorization"] == f"Bearer {TOKEN}"
    for made in ci.made(REVISION):
        assert daemon.hook(made).status_code == 202
    job = eventually(
        lambda: (one := daemon.job(REVISION, "linux-test")).get("verdict") == "intermittent" and one, "a verdict"
    )
    assert [run["result"] for run in job["runs"]] == ["failure", "success", "success"]
    assert daemon.push(REVISION)["health"] == "good"
    assert daemon.command("status", "try", REVISION).returncode == 0
    assert len(ci.posts) == 1


@pytest.mark.parametrize(
    ("body", "secret", "status"),
    [
        pytest.param(b"{}", SECRET, 400, id="no event"),
        pytest.param(b"[1]", SECRET, 400, id="a list of none"),
        pytest.param(b"\xff\x00", SECRET, 400, id="no text"),
        pytest.param(b"[" * 100_000, SECRET, 400, id="nested"),
        pytest.param(b'{"project": "try"}', "whsec_d3Jvbmc=", 401, id="wrong secret"),
        pytest.param(b" " * (1 << 20) + b"{}", SECRET, 413, id="too large"),
    ],
)
def test_what_is_wrong_is_answered_and_not_stored(daemon: Daemon, body: bytes, secret: str, status: int) -> None:
    """A webhook that is malformed, wrongly signed or too large is refused; nothing of it reaches the store."""
    answer = daemon.hook(body, secret=secret)

    assert answer.status_code == status
    assert answer.json()["error"]
    assert stored(daemon) == 0
    counted = f'triggerbot_webhooks_total{{status="{status}",system="ci"}} 1.0'
    assert counted in httpx.get(f"{daemon.url}/metrics").text


def test_refused_webhooks_are_reported_until_one_is_good(daemon: Daemon, ci: FakeCI) -> None:
    """A wrong secret is the likeliest first mistake: the log and the health say so, and not once for each webhook."""
    for _ in range(5):
        daemon.hook({}, secret="whsec_d3Jvbmc=")

    def check() -> dict[str, str]:
        found: dict[str, str] = daemon.health()["checks"]
        return {name: note for name, note in found.items() if name == "webhooks ci"}

    (line,) = [line for line in daemon.lines() if line.get("event") == "hook.refused"]
    assert (line["system"], line["status"]) == ("ci", 401)
    assert check() == {"webhooks ci": "warning"}
    assert daemon.health()["warnings"]["webhooks ci"].startswith("5 webhooks were refused and none accepted since")

    assert daemon.hook(ci.run(REVISION, "job", result="success")).status_code == 202
    assert check() == {"webhooks ci": "ok"}


def test_an_unsigned_webhook_and_an_unknown_system_are_refused(daemon: Daemon) -> None:
    """Without signature headers: 401. For a system that the config does not name: 404. By GET: 405."""
    assert httpx.post(f"{daemon.url}/hooks/ci", content=b"{}").status_code == 401
    assert daemon.hook({}, system="other").status_code == 404
    assert httpx.get(f"{daemon.url}/hooks/ci").status_code == 405


def test_a_body_without_a_length_is_cut_off_at_the_limit(daemon: Daemon) -> None:
    """A chunked body cannot get around the limit."""
    chunks = (b" " * 65_536 for _ in range(20))

    assert httpx.post(f"{daemon.url}/hooks/ci", content=chunks).status_code == 413


def test_what_no_rule_watches_is_accepted_and_forgotten(daemon: Daemon, ci: FakeCI) -> None:
    """An authentic event of another project is answered 202, so that the CI keeps sending, and is not stored."""
    assert daemon.hook(ci.run(REVISION, "job", project="other", result="failure")).status_code == 202

    assert stored(daemon) == 0


def test_a_list_of_events_is_taken_whole(daemon: Daemon, ci: FakeCI) -> None:
    """Several events may come in one webhook."""
    events = [ci.run(REVISION, f"job-{number}", state="running") for number in range(5)]

    assert daemon.hook(events).status_code == 202

    assert stored(daemon) == 5


def test_the_same_webhook_again_changes_nothing(daemon: Daemon, ci: FakeCI) -> None:
    """A webhook delivered five times leads to one request."""
    event = ci.run(REVISION, "job", result="failure")
    for _ in range(5):
        assert daemon.hook(event).status_code == 202
    eventually(lambda: ci.posts, "the CI is asked")
    other = ci.run(REVISION, "another", result="failure")
    daemon.hook(other)
    eventually(lambda: len(ci.posts) == 2, "the CI is asked about the other job")

    assert [post.body["job"] for post in ci.posts] == ["job", "another"]


def test_an_old_signature_is_refused(daemon: Daemon) -> None:
    """A captured webhook that is sent again ten minutes later is refused by its timestamp."""
    from triggerbot.systems.webhook_signatures import sign_standard

    before = int(time.time()) - 600
    headers = {
        "webhook-id": "msg_old",
        "webhook-timestamp": str(before),
        "webhook-signature": sign_standard("msg_old", before, b"{}", SECRET),
    }

    assert httpx.post(f"{daemon.url}/hooks/ci", content=b"{}", headers=headers).status_code == 401


def test_a_ci_that_repeats_our_token_is_not_quoted(daemon: Daemon, ci: FakeCI) -> None:
    """Its refusal becomes a note on the claim, in the store and on pages: our own token is masked before."""
    ci.fault("look_back", times=None, status=500, body=f"Bearer {TOKEN} broke us".encode())
    daemon.hook(ci.run(REVISION, "job", result="failure"))
    note = eventually(
        lambda: next((claim["note"] for claim in daemon.job(REVISION, "job").get("claims", []) if claim["note"]), ""),
        "the claim waits, with a reason",
    )

    assert "broke us" in note
    assert TOKEN not in note


def test_no_secret_shows_anywhere(daemon: Daemon, ci: FakeCI) -> None:
    """Neither the token nor the webhook secret is in the log, the store, the API or the metrics, errors included."""
    ci.fault("look_back", status=500, body=f"your token {TOKEN} broke us".encode())
    daemon.hook(ci.run(REVISION, "job", result="failure"))
    daemon.hook({"project": SECRET})
    eventually(lambda: ci.posts, "the CI is asked")
    pages = ["/", "/api/v1/pushes", f"/api/v1/pushes/try/{REVISION}", "/api/v1/stats", "/metrics", "/__heartbeat__"]
    shown = "".join(httpx.get(daemon.url + page).text for page in pages)
    assert daemon.stop() == 0

    stored_bytes = b"".join(path.read_bytes() for path in daemon.directory.iterdir()) + shown.encode()

    plain = SECRET.removeprefix("whsec_").encode()
    assert TOKEN.encode() not in stored_bytes
    assert plain not in stored_bytes
