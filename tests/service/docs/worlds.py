"""The worlds in which pages are read: what stands in for the reader's CI, and what happens there.

A page is executed word for word, except for:

| the page says | the test has |
|---|---|
| `127.0.0.1:8080`, also by leaving out `listen` | a free port |
| `type: github` | the same, with the `url` of a GitHub that keeps runs and attempts and refuses as GitHub does |
| `https://ci.example.org` | a CI on this machine that speaks the generic interface |
| `redis://127.0.0.1:6379`, `redis-cli` | a Redis of its own |
| `every: 60s` | `every: 200ms` |
| `/etc/triggerbot`, `/run/credentials`, `/run/secrets`, `/var/lib/triggerbot`, `/data` | directories of the test |
| `sudo`, `systemctl`, `journalctl`, `docker` | programs that do the same without root and engine (see `host.py`) |
| `deploy/install.sh`, `deploy/uninstall.sh` | one that puts units and config in place, and one that does nothing |
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests import ROOT
from tests.fakes.ci import FakeCI
from tests.fakes.daemon import eventually
from tests.fakes.github import FakeGitHub
from tests.fakes.redis_server import RedisServer
from tests.fakes.servers import free_ports

from .host import end

if TYPE_CHECKING:
    from .reader import Reader

#: Of pages that begin with a daemon at work.
_CONFIG = """\
dry_run: false
systems:
  ci:
    type: generic
    url: https://ci.example.org
intakes:
  - poll: {system: ci, every: 60s}
  - file: {system: ci, path: events.jsonl}
rules:
  - projects: [try]
"""
_REPOSITORY = "your-name/your-repository"
_REVISION = "0123456789abcdef"


@dataclass
class Stage:
    """The environment in which a page is read."""

    directory: Path
    #: Files that are not searched for secrets afterwards, since the reader puts some there.
    host: Path
    port: int
    environment: dict[str, str]
    #: Texts of the page, and their replacements.
    instead: list[tuple[str, str]]
    #: What the reader types when asked.
    typed: str = ""
    #: Functions for the happenings, by the words of the page.
    happenings: dict[str, Callable[["Reader"], object]] = field(default_factory=dict)
    #: Checks at the end of the page.
    checks: list[Callable[[], None]] = field(default_factory=list)
    #: Programs of the host.
    programs: tuple[str, ...] = ()
    #: Happenings so far.
    happened: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The reader's home."""
        return self.directory / "home"

    @property
    def begin(self) -> Path:
        """Where the reader begins: in a clone, if the page needs one."""
        return self.host / "clone" if (self.host / "clone").exists() else self.home

    def put(self, text: str) -> str:
        """Replace the page's texts by those of the test."""
        for said, meant in self.instead:
            text = text.replace(said, meant)
        return text


@contextmanager
def stage(page: str, directory: Path) -> Iterator[Stage]:
    """Set up the environment of a page (its path below docs/)."""
    (port,) = free_ports(1)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRIGGERBOT_", "NOTIFY_"))}
    with ExitStack() as stack:
        host = Path(stack.enter_context(TemporaryDirectory(prefix="host-")))
        made = Stage(
            directory,
            host,
            port,
            {**inherited, "HOME": str(directory / "home"), "HOST": str(host)},
            [
                ("127.0.0.1:8080", f"127.0.0.1:{port}"),
                ("0.0.0.0:8080", f"127.0.0.1:{port}"),
                ("every: 60s", "every: 200ms"),
                ("/etc/triggerbot", f"{host}/etc"),
                ("/run/", f"{host}/run/"),
                ("/var/lib/triggerbot", str(directory / "home")),
                ("/data/", f"{directory / 'home'}/"),
            ],
        )
        made.home.mkdir()
        for prepare in _PREPARE.get(page, ()):
            prepare(made, stack)
        yield made


def _github(made: Stage, stack: ExitStack) -> None:
    """Set up the reader's repository at GitHub, and a fine-grained token for it."""
    github = stack.enter_context(FakeGitHub())
    github.scopes = None
    github.repositories.add(_REPOSITORY)
    made.typed = f"{github.token}\n"
    made.instead.append(("type: github", f"type: github\n    url: {github.url}"))

    def fails(revision: str) -> int:
        jobs = {"test (3.11)": "failure", "test (3.12)": "success"}
        return github.add_run(_REPOSITORY, "CI", f"{revision:0<40}", "main", jobs, actor="your-name")

    def passes_again(_: "Reader") -> None:
        run = fails("9c8d7e6")
        eventually(lambda: github.posts, "a rerun is asked for")
        github.finish(run)

    made.happenings |= {
        "a job fails": lambda _: fails("3f2a1bc"),
        "a job of yours fails, and passes when it is rerun": passes_again,
    }
    # In dry run nothing was sent; for real it was, once.
    real = "a job of yours fails, and passes when it is rerun"
    made.checks.append(lambda: _equal([post.status for post in github.posts], [201] * made.happened.count(real)))


def _ci(made: Stage, stack: ExitStack) -> None:
    """Set up a CI that speaks the generic interface, with the runs that pages mention."""
    ci = stack.enter_context(FakeCI())
    made.instead.append(("https://ci.example.org", ci.url))

    def fails(_: "Reader") -> None:
        ci.push(_REVISION, author="ann@example.org", message="Fix the parser")
        ci.run(
            _REVISION, "linux-test-1", result="failure", pool="linux", started=time.time() - 60,
            failures=["test_a.py::test_b: AssertionError"], author="ann@example.org", message="Fix the parser",
            url="https://ci.example.net/1001",
        )  # fmt: skip

    def asked(_: "Reader") -> None:
        eventually(lambda: ci.jobs_asked() == {(_REVISION, "linux-test-1"): 2}, "the CI is asked for 2 runs")

    def runs(reader: "Reader") -> None:
        reader.keep("triggerbot.yml", _CONFIG)
        reader.leave_running("triggerbot run")

    def failed(reader: "Reader") -> None:
        fails(reader)
        runs(reader)
        asked(reader)

    def keeps_failing(reader: "Reader") -> None:
        bad = 3
        ci.outcome = lambda event: "failure" if int(event["revision"][0]) >= bad else "success"
        for number in range(5):
            revision = f"{number}" * 40
            ci.push(revision, branch="main", author=f"dev{number}@example.org").time = time.time() - 3600 * (5 - number)
            ci.run(revision, "build", branch="main", result="success")
            if number in (0, 4):
                ci.run(revision, "linux-test-1", branch="main", result="failure" if number else "success")
        runs(reader)

    def retriggered(reader: "Reader") -> None:
        results = iter(["success", "failure"])
        ci.outcome = lambda _: next(results)
        failed(reader)

    made.happenings |= {
        "the job fails": fails,
        "the CI is asked for 2 runs": asked,
        "triggerbot runs, and a job failed": failed,
        "triggerbot runs, and a job was retriggered": retriggered,
        "triggerbot runs, and a job keeps failing": keeps_failing,
        "a message is not understood": lambda _: (made.home / "events.jsonl").write_text("nonsense\n"),
    }


def _redis(made: Stage, stack: ExitStack) -> None:
    """Set up a Redis."""
    directory = made.directory / "redis"
    directory.mkdir()
    server = stack.enter_context(RedisServer(directory))
    made.instead += [
        ("redis://127.0.0.1:6379", server.url().removesuffix("/0")),
        ("redis-cli", f"redis-cli -p {server.port}"),
    ]


def _host(made: Stage, stack: ExitStack) -> None:
    """Set up a machine with a clone, systemd and Docker."""
    stack.callback(end, made.host)
    for path in (ROOT / "deploy").rglob("*"):
        if path.is_file():
            copy = made.host / "clone" / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(made.put(path.read_text()))
            copy.chmod(path.stat().st_mode)
    clone = made.host / "clone/deploy"
    (clone / "install.sh").write_text(
        f"#!/bin/sh\nset -e\nmkdir -p {made.host}/etc/secrets {made.host}/systemd\n"
        f"cp {clone}/config/triggerbot.yml {made.host}/etc/\ncp {clone}/*.service {clone}/*.timer {made.host}/systemd\n"
    )
    (clone / "uninstall.sh").write_text("#!/bin/sh\n")
    made.programs = ("sudo", "systemctl", "journalctl", "docker")


def _equal(found: object, wanted: object) -> None:
    assert found == wanted


_PREPARE: dict[str, tuple[Callable[[Stage, ExitStack], None], ...]] = {
    "tutorial/github.md": (_github,),
    "howto/backfill.md": (_ci,),
    "howto/docker.md": (_github, _host),
    "howto/generic.md": (_ci,),
    "howto/operating.md": (_ci,),
    "howto/push.md": (_ci,),
    "howto/replicas.md": (_ci, _redis),
    "howto/sheriff.md": (_ci,),
    "howto/systemd.md": (_github, _host),
    "howto/upgrades.md": (_ci,),
    "reference/http.md": (_ci,),
}
