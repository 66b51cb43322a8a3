"""Config changes while the daemon runs: taken or refused, without loss of events."""

import os
import signal
import threading
from collections.abc import Callable

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import SECRET, Daemon, eventually

REVISION = "0123456789abcdef"
#: Another secret, in the form of Standard Webhooks.
NEW_SECRET = "whsec_YW5vdGhlci1jYW5hcnktc2VjcmV0LWZvci10ZXN0cw=="


def reload(daemon: Daemon, config: str | None = None) -> None:
    """Write another config, and send SIGHUP to the daemon."""
    if config is not None:
        daemon.config.write_text(config)
    os.kill(daemon.pid, signal.SIGHUP)


def logged(daemon: Daemon, event: str) -> list[dict[str, object]]:
    """Return the log entries of an event."""
    return [line for line in daemon.lines() if line.get("event") == event]


def test_a_good_config_takes_effect(daemon: Daemon, ci: FakeCI) -> None:
    """A new project is watched from then on; the process and its address stay."""
    daemon.hook(ci.run(REVISION, "job", result="failure", project="other"))
    reload(daemon, daemon.config.read_text().replace("[try]", "[try, other]"))
    eventually(lambda: logged(daemon, "config.reloaded"), "it takes the new config")

    daemon.hook(ci.run(REVISION, "later", result="failure", project="other"))
    daemon.hook(ci.run(REVISION[::-1], "again", result="failure"))

    eventually(lambda: {post.body["job"] for post in ci.posts} >= {"later", "again"}, "both are retriggered")
    assert daemon.metric('triggerbot_reloads_total{outcome="taken"}') == 1
    assert daemon.stop() == 0


def test_a_bad_config_is_refused(daemon: Daemon, ci: FakeCI) -> None:
    """Each of its mistakes is logged, and the old config stays in force."""
    good = daemon.config.read_text()
    reload(daemon, good.replace("exclude_jobs:", "exclude_job:").replace("grace: 1s", "grace: 1"))
    eventually(lambda: logged(daemon, "config.kept"), "it keeps the old config")
    problems = [str(line["problem"]) for line in logged(daemon, "config.refused")]

    daemon.hook(ci.run(REVISION, "job", result="failure"))

    eventually(lambda: [post.body["job"] for post in ci.posts] == ["job"], "it works on")
    assert len(problems) == 2
    assert "line 11: systems.ci.grace" in problems[0]
    assert "did you mean 'exclude_jobs'" in problems[1]
    assert daemon.metric('triggerbot_reloads_total{outcome="refused"}') == 1


def test_dry_run_can_be_switched_off(make_daemon: Callable[..., Daemon], ci: FakeCI) -> None:
    """Decisions made in dry run are never sent."""
    daemon = make_daemon(dry_run=True)
    daemon.start()
    daemon.hook(ci.run(REVISION, "before", result="failure"))
    eventually(lambda: daemon.job(REVISION, "before").get("claims", [{}])[0].get("state") == "would", "it would have")

    reload(daemon, daemon.config.read_text().replace("dry_run: true", "dry_run: false"))
    eventually(lambda: logged(daemon, "config.reloaded"), "it takes the new config")
    daemon.hook(ci.run(REVISION, "after", result="failure"))

    eventually(lambda: ci.posts, "the CI is asked")
    assert [post.body["job"] for post in ci.posts] == ["after"]


@pytest.mark.slow
def test_a_secret_in_a_file_is_read_again(make_daemon: Callable[..., Daemon], ci: FakeCI) -> None:
    """No signal is needed: to rotate a secret one only writes the file."""
    daemon = make_daemon()
    file = daemon.directory / "secret"
    file.write_text(SECRET)
    text = daemon.config.read_text().replace("env:WEBHOOK_SECRET", "file:secret")
    daemon.config.write_text(text)
    daemon.start()
    assert daemon.hook(ci.run(REVISION, "one", result="success")).status_code == 202

    file.write_text(NEW_SECRET)

    accepted = lambda: daemon.hook(ci.run(REVISION, "two", result="success"), secret=NEW_SECRET).status_code == 202  # noqa: E731
    eventually(accepted, "it knows the new secret")
    assert daemon.hook(ci.run(REVISION, "three", result="success")).status_code == 401


def test_a_secret_comes_alone(make_daemon: Callable[..., Daemon], ci: FakeCI) -> None:
    """Changes of the config, finished or not, are only read on SIGHUP."""
    daemon = make_daemon()
    file = daemon.directory / "secret"
    file.write_text(SECRET)
    daemon.config.write_text(daemon.config.read_text().replace("env:WEBHOOK_SECRET", "file:secret"))
    daemon.start()
    daemon.config.write_text("rules: none at all")

    file.write_text(NEW_SECRET)

    eventually(lambda: logged(daemon, "config.reloaded"), "it takes the secret")
    assert daemon.hook(ci.run(REVISION, "one", result="failure"), secret=NEW_SECRET).status_code == 202
    eventually(lambda: ci.posts, "the rules are those of before")
    assert not logged(daemon, "config.refused")


def test_a_secret_that_is_gone(make_daemon: Callable[..., Daemon], ci: FakeCI) -> None:
    """Moving a secret removes the old file; the new config is taken, and so is the next one."""
    daemon = make_daemon()
    text = daemon.config.read_text()
    (daemon.directory / "secret").write_text(SECRET)
    daemon.config.write_text(text.replace("env:WEBHOOK_SECRET", "file:secret"))
    daemon.start()

    (daemon.directory / "other").write_text(NEW_SECRET)
    (daemon.directory / "secret").unlink()
    for number, project in enumerate(("other", "another")):
        reload(daemon, text.replace("env:WEBHOOK_SECRET", "file:other").replace("[try]", f"[try, {project}]"))
        eventually(lambda seen=number + 1: len(logged(daemon, "config.reloaded")) >= seen, "it takes the config")  # type: ignore[misc]

    assert daemon.hook(ci.run(REVISION, "one", result="success"), secret=NEW_SECRET).status_code == 202
    assert daemon.hook(ci.run(REVISION, "two", result="success")).status_code == 401
    assert daemon.stop() == 0


@pytest.mark.slow
def test_a_storm_of_signals_ends_nothing(daemon: Daemon, ci: FakeCI) -> None:
    """Of reloads that are requested faster than they can be handled some are carried out."""
    for _ in range(300_000):
        os.kill(daemon.pid, signal.SIGHUP)

    eventually(lambda: logged(daemon, "config.reloaded"), "it takes the config")
    assert daemon.hook(ci.run(REVISION, "job", result="failure")).status_code == 202
    eventually(lambda: ci.posts, "it works on")
    assert daemon.stop() == 0


def test_what_only_a_start_can_change_is_said(daemon: Daemon) -> None:
    """The store and the address stay as they are, and the log says so."""
    reload(daemon, daemon.config.read_text().replace("sqlite:state.db", "sqlite:other.db"))

    eventually(lambda: logged(daemon, "config.needs_restart"), "it says so")
    eventually(lambda: logged(daemon, "config.reloaded"), "and takes the rest")
    assert not (daemon.directory / "other.db").exists()


@pytest.mark.slow
def test_no_event_is_lost_meanwhile(daemon: Daemon, ci: FakeCI) -> None:
    """Webhooks that arrive while one config replaces another are answered 202, stored, and handled once."""
    answers: list[int] = []

    def send(part: int) -> None:
        runs = (ci.run(f"{REVISION}{part}", f"job-{number}", result="failure") for number in range(40))
        answers.extend(daemon.hook(run).status_code for run in runs)

    senders = [threading.Thread(target=send, args=(part,)) for part in range(3)]
    for sender in senders:
        sender.start()
    for number in range(5):
        reload(daemon)
        eventually(lambda seen=number + 1: len(logged(daemon, "config.reloaded")) >= seen, "it takes the config")  # type: ignore[misc]
    for sender in senders:
        sender.join()

    assert set(answers) == {202}
    for part in range(3):
        eventually(lambda part=part: len(daemon.push(f"{REVISION}{part}").get("jobs", [])) == 40, "all are known")  # type: ignore[misc]
        claims = [claim for job in daemon.push(f"{REVISION}{part}")["jobs"] for claim in job["claims"]]
        assert len(claims) == 40
    eventually(
        lambda: all(claim["state"] in ("done", "refused") for part in range(3)
                    for job in daemon.push(f"{REVISION}{part}")["jobs"] for claim in job["claims"]),
        "all are dealt with",
    )  # fmt: skip
    assert len(ci.accepted) == len({(post.body["revision"], post.body["job"]) for post in ci.accepted})
