"""The image, as far as it can be checked without a build (deploy/build-image.sh and try-image.sh do that)."""

import hashlib
import http.server
import importlib.metadata
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import ROOT
from tests.service.deploy.installed import DEPLOY

LOCKS = ["deploy/requirements.txt", "deploy/requirements-build.txt", ".ci/requirements.txt"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FINAL = DOCKERFILE.rpartition("FROM ")[2]


def test_the_locked_dependencies_are_those_of_the_tests() -> None:
    """None is missing, and none has another version."""
    done = subprocess.run(
        [sys.executable, str(DEPLOY / "lock.py"), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", LOCKS)
def test_each_is_pinned_with_hashes_and_says_not_where_from(name: str) -> None:
    """The package index is chosen by the person who builds."""
    lines = (ROOT / name).read_text().splitlines()
    entry = re.compile(r"[a-z0-9-]+==[\w.]+( ; [\w ]+ < '[\d.]+')? \\")
    a_hash = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")

    assert [
        line for line in lines if not line.startswith("#") and not (entry.fullmatch(line) or a_hash.fullmatch(line))
    ] == []
    assert len([line for line in lines if entry.fullmatch(line)]) >= 1


def test_developers_install_what_was_locked() -> None:
    """With hashes where there are some, and nothing that is not among them."""
    script = (ROOT / ".ci/setup").read_text()
    assert "pip install -q --no-deps --only-binary=:all: --require-hashes -r .ci/requirements.txt" in script
    assert "pip install -q --no-deps --no-build-isolation -e ." in script


def test_the_image_is_what_it_should_be() -> None:
    """A configurable base, two stages, no root, the daemon as the first process, a health check, a version file."""
    assert DOCKERFILE.count("FROM ${BASE}") == 2
    assert re.search(r"^ARG BASE=[\w.:-]+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert "USER 10001:10001" in FINAL
    assert 'ENTRYPOINT ["triggerbot"]' in FINAL
    assert 'CMD ["python", "/app/healthcheck.py"]' in FINAL
    assert "/app/version.json" in FINAL
    assert "--require-hashes" in DOCKERFILE
    assert not re.search(r"https?://|index-url|find-links|trusted-host", DOCKERFILE)


def test_all_that_is_copied_gets_past_the_ignore_file() -> None:
    """`docker build .` from a clone: the context has what the Dockerfile copies, and next to nothing else."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}

    assert "*" in lines
    assert {path for paths in copied for path in paths.split()} == let_through
    assert [path for path in let_through if not (ROOT / path).exists()] == []


def test_the_licence_goes_along() -> None:
    """The package names it and carries its text, and so does the image."""
    package = importlib.metadata.metadata("triggerbot")
    assert package["License-Expression"] == "MPL-2.0"
    assert package["License-File"] == "LICENSE"
    assert 'org.opencontainers.image.licenses="MPL-2.0"' in FINAL
    # The whole text, word for word: the same file that Mozilla's own packages carry, such as taskcluster.
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "1f256ecad192880510e84ad60474eab7589218784b9a50bc7ceee34c2b91f1d5"


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Serve one fixed answer; yield the address."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/__heartbeat__"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as listening:
        serving = threading.Thread(target=listening.handle_request)
        serving.start()
        yield f"127.0.0.1:{listening.server_port}"
        serving.join()


def check(address: str) -> tuple[int, str]:
    """Run the health check of the image."""
    done = subprocess.run(
        [sys.executable, str(DEPLOY / "healthcheck.py")],
        env={"TRIGGERBOT_HEALTH": address},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (200, b'{"status": "ok", "wrong": {}}', 0, "ok: {}"),
        (503, b'{"status": "error", "wrong": {"store": "full"}}', 1, 'error: {"store": "full"}'),
        (200, b"<html>", 1, "no answer at"),
    ],
)
def test_the_health_check_has_exit_codes(status: int, body: bytes, code: int, words: str) -> None:
    """It prints one line that says what is wrong."""
    with answering(status, body) as address:
        found = check(address)
    assert found[0] == code
    assert found[1].startswith(words)


def test_a_daemon_that_is_not_there_is_not_healthy() -> None:
    """Nothing listens on port 0."""
    code, words = check("127.0.0.1:0")
    assert (code, words[:12]) == (1, "no answer at")
