"""`triggerbot demo`: start the simulated CI and the real daemon, show what they do, and check the outcome."""

import ctypes
import json
import os
import queue
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import click
import httpx
from rich.console import Console
from rich.live import Live

from triggerbot.cli.demo.narrator import Narrator
from triggerbot.cli.demo.scenario import EVIDENCE, PROJECT, PUSHES
from triggerbot.reports import savings

#: Seconds after the playing time within which everything must have finished.
_GRACE = 30.0
#: Seconds between polls of the daemon's API.
_EVERY = 0.25
_CONFIG = """\
# The demo's config. Everything in it is real but the CI.
dry_run: false
store: sqlite:state.db
listen: 127.0.0.1:{port}
systems:
  ci:
    type: generic
    url: http://127.0.0.1:{ci_port}
    webhook_secret: env:DEMO_WEBHOOK_SECRET
    grace: 1s
    sweep: 2s
page: {{token: "env:DEMO_PAGE_TOKEN"}}
rules:
  - projects: [{project}]
    branches: [{evidence}]
    retries: {{evidence: 5%, max: 4}}
    lookup: {{attempts: 5, delay: 1s}}
  - projects: [{project}]
    exclude_jobs: ["*-unstable"]
    lookup: {{attempts: 5, delay: 1s}}
"""
#: The option of prctl(2) that sets the signal a child gets when its parent dies.
_PR_SET_PDEATHSIG = 1


class _DemoError(Exception):
    """The demo cannot go on; the message says why."""


@click.command()
@click.option("--seconds", type=click.FloatRange(min=2), default=50.0, show_default=True, help="How long it plays.")
@click.option("--keep", is_flag=True, help="Keep its config and store afterwards, to look around in.")
@click.option("--stay", is_flag=True, help="Leave the page up at the end, to look and click around, until Ctrl-C.")
def demo(seconds: float, keep: bool, stay: bool) -> int:
    """Play triggerbot with a made-up CI on this machine.

    Pushes come in, jobs fail, triggerbot retriggers them, and tells what the runs prove. Nothing outside of this
    machine is talked to, and nothing is left behind unless you say --keep. Its page is at the address in the title.
    """
    return play(seconds=seconds, keep=keep, stay=stay)


def play(*, seconds: float, keep: bool, stay: bool) -> int:
    """Play the demo; return 0 if the outcome is as expected, else 1, after printing what is not."""
    console = Console(highlight=False)
    directory = Path(tempfile.mkdtemp(prefix="triggerbot-demo-"))
    try:
        with _Stage(directory, seconds) as stage:
            _show(console, stage, seconds)
            problems = _problems(stage)
            _conclude(console, stage, problems)
            if stay:
                _stay(console, stage)
    except _DemoError as error:
        console.print(f"the demo could not go on: {error}", markup=False, style="red")
        return 1
    except KeyboardInterrupt:
        console.print("ended.")
        return 130
    finally:
        if keep:
            console.print(
                f"kept: {directory} (cd there and set DEMO_WEBHOOK_SECRET and DEMO_PAGE_TOKEN to anything)",
                markup=False,
            )
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return 1 if problems else 0


class _Stage:
    """The CI and the daemon as child processes, which do not outlive this one."""

    def __init__(self, directory: Path, seconds: float) -> None:
        self.directory = directory
        self.seconds = seconds
        self.narrator = Narrator()
        self.truth: dict[str, Any] = {}
        #: JSON lines of both processes, as (kind, message).
        self._messages: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self._errors: list[str] = []
        self.processes: list[subprocess.Popen[str]] = []
        #: The token that opens a session on the page.
        self.token = secrets.token_hex(8)
        generated = {"DEMO_WEBHOOK_SECRET": "whsec_" + secrets.token_hex(16), "DEMO_PAGE_TOKEN": self.token}
        self._environment = {**os.environ, **generated}
        self._client = httpx.Client(timeout=5, trust_env=False)

    def __enter__(self) -> "_Stage":
        """Start both processes, then start the CI's pushes once the daemon answers."""
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop both processes and close their pipes."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=12)
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self._client.close()

    def _start(self) -> None:
        self.port = _free_port()
        hook = f"http://127.0.0.1:{self.port}/hooks/ci"
        ci = self._run("triggerbot.cli.demo.simulated_ci", "--hook", hook, "--seconds", str(self.seconds))
        self._read_lines(ci.stdout, "ci")
        kind, first = self._next(10.0)
        if kind != "ci" or first.get("event") != "listening":
            raise _DemoError(f"the made-up CI did not start: {self._errors[-5:]}")
        self.ci_port = first["port"]
        config = _CONFIG.format(port=self.port, ci_port=self.ci_port, project=PROJECT, evidence=EVIDENCE)
        (self.directory / "triggerbot.yml").write_text(config)
        daemon = self._run("triggerbot", "run")
        self._read_lines(daemon.stderr, "daemon")
        self._wait_for_daemon(daemon)
        assert ci.stdin is not None
        ci.stdin.write("go\n")
        ci.stdin.flush()

    def _run(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", module, *arguments],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if module.endswith("ci") else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C goes to this process only, which then stops the others.
            start_new_session=True,
            preexec_fn=partial(_die_with_parent, os.getpid()) if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        self.processes.append(process)
        if module.endswith("ci"):
            self._read_lines(process.stderr, "error")
        return process

    def _read_lines(self, pipe: IO[str] | None, kind: str) -> None:
        def read() -> None:
            with suppress(ValueError):  # the pipe is closed at the end
                for line in pipe or ():
                    self._parse_line(kind, line)

        threading.Thread(target=read, daemon=True).start()

    def _parse_line(self, kind: str, line: str) -> None:
        """Queue a line of JSON; any other line is recorded as an error output."""
        try:
            message = json.loads(line)
        except ValueError:
            self._errors.append(line.rstrip())
            return
        self._messages.put((kind, message))

    def _next(self, wait: float) -> tuple[str, dict[str, Any]]:
        try:
            return self._messages.get(timeout=wait)
        except queue.Empty:
            return "", {}

    def _wait_for_daemon(self, daemon: subprocess.Popen[str]) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if daemon.poll() is not None:
                raise _DemoError("the daemon did not start: " + " ".join(self._errors[-5:]))
            with suppress(httpx.TransportError):
                if self._client.get(f"http://127.0.0.1:{self.port}/__heartbeat__").status_code == 200:
                    return
            time.sleep(0.05)
        raise _DemoError("the daemon does not answer")

    @property
    def page(self) -> str:
        """The address of the daemon's page."""
        return f"http://127.0.0.1:{self.port}/"

    def follow(self) -> None:
        """Process all queued messages, then poll the daemon's API and the CI's ground truth."""
        for process in self.processes:
            if process.poll() is not None:
                raise _DemoError("one of the two died: " + " ".join(self._errors[-5:]))
        while (received := self._next(0.0))[0]:
            kind, message = received
            (self.narrator.ci if kind == "ci" else self.narrator.daemon)(message)
        for push in PUSHES:
            answer = self._client.get(f"http://127.0.0.1:{self.port}/api/v1/pushes/{PROJECT}/{push.revision}")
            if answer.status_code == 200:
                self.narrator.push(answer.json()["pushes"][0])
        self.truth = self._client.get(f"http://127.0.0.1:{self.ci_port}/truth").json()

    def saved(self) -> list[str]:
        """Return what evidence and common causes saved, in words."""
        answer = self._client.get(f"http://127.0.0.1:{self.port}/api/v1/stats")
        return list(savings.sentences(answer.json()["saved"])) if answer.status_code == 200 else []

    @property
    def over(self) -> bool:
        """Whether the CI has finished, and the daemon has reached the expected verdicts."""
        pushes = self.narrator.pushes.values()
        settled = all(push["health"] != "pending" for push in pushes) and not any(
            job["verdict"] == "pending" for push in pushes for job in push["jobs"]
        )
        return bool(self.truth.get("done")) and settled and not _wrong_verdicts(self)


def _show(console: Console, stage: _Stage, seconds: float) -> None:
    began = time.monotonic()
    title = f"A made-up CI, and the real triggerbot beside it, at {stage.page}"
    with _screen(console) as live:
        if live is None:
            console.print(f"{title}\n", soft_wrap=True)
        shown = 0
        while not stage.over and time.monotonic() < began + seconds + _GRACE:
            stage.follow()
            if live is not None:
                left = max(0, round(began + seconds - time.monotonic()))
                live.update(stage.narrator.screen(console.height, f"{title}   ({left} s)"), refresh=True)
            else:
                for line in stage.narrator.lines[shown:]:
                    console.print(line, soft_wrap=True)
                shown = len(stage.narrator.lines)
            time.sleep(_EVERY)


@contextmanager
def _screen(console: Console) -> Iterator[Live | None]:
    """Open a full screen on a terminal; yield `None` elsewhere, for plain lines."""
    if not console.is_terminal:
        yield None
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield live


def _wrong_verdicts(stage: _Stage) -> list[str]:
    """Describe the jobs whose verdict is not the one that the scenario expects."""
    wrong: list[str] = []
    for push in PUSHES:
        reported = stage.narrator.pushes.get(push.revision, {"jobs": []})
        verdicts = {job["job"]: job["verdict"] for job in reported["jobs"]}
        wrong += [
            f"{job.name} at {push.revision[:7]} is {verdicts.get(job.name)}, not {job.expected}"
            for job in push.jobs
            if verdicts.get(job.name) != job.expected
        ]
    return wrong


def _problems(stage: _Stage) -> list[str]:
    doubled = [f"the CI was asked twice for {what}" for what in stage.truth.get("doubled", ["everything"])]
    return doubled + _wrong_verdicts(stage)


def _conclude(console: Console, stage: _Stage, problems: list[str]) -> None:
    truth = stage.truth
    console.print(
        stage.narrator.table() if console.is_terminal else _plain(stage.narrator), soft_wrap=not console.is_terminal
    )
    console.print(
        f"\nThe CI's own books: {truth.get('runs', 0)} runs, of which {truth.get('retriggers', 0)} were retriggers, "
        f"asked for in {truth.get('requests', 0)} requests; doubled: {len(truth.get('doubled', ()))}.",
        soft_wrap=not console.is_terminal,
    )
    for sentence in stage.saved():
        console.print(sentence, soft_wrap=not console.is_terminal)
    for line in problems:
        console.print(f"unexpected: {line}", style="bold red", markup=False)
    console.print(
        "\nWhat now?\n"
        f"  {_command()} demo --stay    leaves the page up at the end, until Ctrl-C\n"
        f"  {_command()} demo --keep    keeps its config and store: ask them with explain, status and stats\n"
        f"  {_command()} check          tells what your own config would do; examples are in config/\n"
        "  README.md: ten lines to watch your own GitHub repository, in dry run",
        markup=False,
        soft_wrap=not console.is_terminal,
    )


def _stay(console: Console, stage: _Stage) -> None:
    console.print(f"\nThe page is at {stage.page}, where {stage.token} logs you in; Ctrl-C ends it.", markup=False)
    # The simulated CI keeps answering, so that requests made on the page take effect.
    with suppress(KeyboardInterrupt):
        while all(process.poll() is None for process in stage.processes):
            time.sleep(_EVERY)


def _plain(narrator: Narrator) -> str:
    rows = [
        f"{push['revision'][:7]}  {(push['author'] or '').partition('@')[0]:<8} {push['health']:<8} {push['why']}"
        for push in narrator.pushes.values()
    ]
    return "\n".join(["", *rows])


def _command() -> str:
    """Return the command as it can be typed here: its bare name, or its path if it is not on $PATH."""
    here = Path(sys.executable).with_name("triggerbot")
    found = shutil.which("triggerbot")
    return "triggerbot" if found is not None and Path(found) == here else os.path.relpath(here)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends (prctl(2)), which may have ended already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
