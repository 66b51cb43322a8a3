"""Inside a clone, `status` and `explain` without arguments are about HEAD and its origin; git is the real one."""

import subprocess
from pathlib import Path

import pytest

from tests.fakes.command_bench import Bench

ORIGINS = [
    "https://github.com/octo/app.git",
    "https://github.com/octo/app",
    "https://oauth2:word@gitlab.example/octo/app.git/",
    "git@github.com:octo/app.git",
    "ssh://git@git.example:2222/octo/app.git",
    "github.com:octo/app",
]


def git(*arguments: str) -> str:
    """Run git in the working directory."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a repository with one commit, and no remote."""
    place = tmp_path / "a clone"
    place.mkdir()
    monkeypatch.chdir(place)
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "a change")
    return place


@pytest.fixture
def app(bench: Bench) -> Bench:
    """Watch octo/app."""
    bench.configure(bench.config.read_text().replace("{", "{{").replace("}", "}}").replace("[try]", "[octo/app]"))
    return bench


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("command", ["status", "explain"])
def test_head_and_origin(app: Bench, origin: str, command: str) -> None:
    """Whatever form the address of the origin has."""
    git("remote", "add", "origin", origin)
    head = git("rev-parse", "HEAD")
    app.hear(app.event("linux-1", project="octo/app", branch="main", revision=head))

    (push,) = app.json(command)["pushes"]

    assert (push["project"], push["revision"]) == ("octo/app", head)


def test_what_cannot_be_known(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message says what is missing, and what to give instead; the exit code is that of wrong use."""
    bench.store().close()
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))

    def said(*arguments: str) -> str:
        answer = bench.run("status", *arguments)
        assert answer.exit_code == 2
        assert "PROJECT and REVISION" in answer.stderr
        return answer.stderr

    assert "this is no clone" in said()
    git("init", "--quiet")
    assert "has no remote of the name origin" in said()
    git("remote", "add", "origin", "/srv/git/app.git")
    assert "does not name a project" in said()
    git("remote", "set-url", "origin", "git@github.com:octo/app.git")
    assert "has no commit yet" in said()
    assert "which revision of try?" in said("try")
    monkeypatch.setenv("PATH", str(outside))
    assert "git is not installed" in said()
