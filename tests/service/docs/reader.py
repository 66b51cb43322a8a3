"""A reader who executes a page in a directory of their own, and checks everything that it states."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml
from defusedxml import ElementTree

from tests.fakes.daemon import PATIENCE, eventually
from triggerbot.cli.config import loads
from triggerbot.core import event_json
from triggerbot.core.policy import try_syntax

from . import host
from .blocks import Block, Happening
from .forms import differences
from .worlds import Stage

#: What fragments of configs leave out.
_AROUND = """\
systems:
  ci: {type: generic, url: "https://ci.example.org"}
  gh: {type: github, token: "env:GITHUB_TOKEN"}
  fx: {type: taskcluster, url: "https://tc.example.org"}
rules:
  - projects: [try]
"""
#: Variables and the directory carry over from one block to the next, as in one terminal.
_SHELL = """\
set -aeuo pipefail
[ ! -e "$STATE" ] || . "$STATE"
trap 'code=$?; {{ export -p; printf "cd %q\\n" "$PWD"; }} > "$STATE"; exit $code' EXIT
{text}"""
_STAYS = """\
set -aeuo pipefail
[ ! -e "$STATE" ] || . "$STATE"
{before}
exec {last}"""


class Reader:
    """Reads one page; as a context, so that nothing that it started outlives the test."""

    def __init__(self, stage: Stage, program: Path) -> None:
        self.stage = stage
        self._program = program
        self._running: subprocess.Popen[bytes] | None = None
        #: Its name marks it as a file that may hold secrets.
        self._state = stage.directory / "state.secret"
        self.log = stage.directory / "running.log"
        for name in stage.programs:
            path = stage.host / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{host.__file__}" {name} "$@"\n')
            path.chmod(0o755)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def do(self, part: Block | Happening) -> None:
        """Execute one part of the page."""
        if isinstance(part, Happening):
            self._happen(part.what)
        elif "not run" in part.notes:
            assert part.notes["not run"], "why not?"
        else:
            text = self.stage.put(part.text)
            self._check(part, text)
            if "file" in part.notes:
                self.keep(part.notes["file"], part.text)

    def _check(self, block: Block, text: str) -> None:
        match block.language:
            case "sh" if "background" in block.notes:
                self.leave_running(text)
            case "sh":
                self._expect(block, ["bash", "-c", _SHELL.format(text=text)])
            case "python":
                self._expect(block, ["bash", "-c", _SHELL.format(text='"$PYTHON" -W error -c "$TEXT"')], TEXT=text)
            case "yaml":
                loads(_completed(text) if "fragment" in block.notes else text)
            case "json":
                self._check_json(block, text)
            case "text" if "message" in block.notes:
                _check_message(text)
            case "xml":
                ElementTree.fromstring(text)
            case _:
                raise AssertionError(f"nobody knows how to do this: {block.language!r}")

    def _check_json(self, block: Block, text: str) -> None:
        if "event" in block.notes:
            for event in _values(text):
                event_json.from_json(event)
        elif "answer" in block.notes:
            path = self.stage.put(block.notes["answer"])
            real = httpx.get(f"http://127.0.0.1:{self.stage.port}{path}").json()
            wrong = list(differences(json.loads(text), real))
            assert not wrong, wrong
        else:
            json.loads(text)

    # -- commands -----------------------------------------------------------------------------------------------

    def _expect(self, block: Block, command: list[str], **more: str) -> None:
        wanted = int(block.notes.get("exit", "0"))
        shows = self.stage.put(block.notes.get("soon", "") or block.notes.get("shows", ""))
        said = ""

        def as_documented() -> bool:
            nonlocal said
            done = subprocess.run(
                command, cwd=self.stage.begin, env=self._environment(**more), input=self.stage.typed, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
            )  # fmt: skip
            said = f"exit code {done.returncode}\n{done.stdout}"
            return done.returncode == wanted and shows in done.stdout

        try:
            if "soon" in block.notes:
                eventually(as_documented, "asked again and again, it says so")
            else:
                assert as_documented(), "it does not"
        except AssertionError as error:
            raise AssertionError(
                f"exit code {wanted} and {shows!r}: {error}; it said: {said}\n{self._output()}"
            ) from None

    def leave_running(self, text: str) -> None:
        """Start a command that stays, and wait until it answers."""
        assert self._running is None, "it runs already: Ctrl-C first"
        before, _, last = text.strip().rpartition("\n")
        with self.log.open("wb") as log:
            self._running = subprocess.Popen(
                ["bash", "-c", _STAYS.format(before=before, last=last)],
                cwd=self.stage.begin, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        eventually(self._answers, f"it answers: {text}")

    def _answers(self) -> bool:
        assert self._running is not None
        assert self._running.poll() is None, self._output()
        try:
            return httpx.get(f"http://127.0.0.1:{self.stage.port}/__lbheartbeat__").status_code == 200
        except httpx.TransportError:
            return False

    def _output(self) -> str:
        logs = [self.log, *self.stage.host.glob("*.log")]
        return "\n".join(log.read_text()[-3000:] for log in logs if log.exists())

    def _environment(self, **more: str) -> dict[str, str]:
        places = (str(self._program.parent), str(self.stage.host / "bin"), self.stage.environment.get("PATH", ""))
        path = os.pathsep.join(places)
        own = {"PATH": path, "STATE": str(self._state), "PYTHON": sys.executable}
        return {**self.stage.environment, **own, **more}

    # -- files --------------------------------------------------------------------------------------------------

    def keep(self, name: str, text: str) -> None:
        """Write a file in the reader's current directory."""
        place = Path(self.stage.put(name).replace("~", str(self.stage.home)))
        path = self._here() / place
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self.stage.put(text)
        if "systems:" in text and "listen:" not in text:
            text = f"listen: 127.0.0.1:{self.stage.port}\n{text}"
        path.write_text(text)

    def _here(self) -> Path:
        lines = self._state.read_text().splitlines() if self._state.exists() else []
        moved = [line.removeprefix("cd ") for line in lines if line.startswith("cd ")]
        return Path(moved[-1].replace("\\", "")) if moved else self.stage.begin

    # -- what happens meanwhile ---------------------------------------------------------------------------------

    def _happen(self, what: str) -> None:
        match what:
            case "Ctrl-C":
                assert self._running is not None, "nothing runs"
                self._running.send_signal(signal.SIGINT)
                assert self._running.wait(PATIENCE) == 0, self._output()
                self._running = None
            case "SIGHUP":
                assert self._running is not None, "nothing runs"
                self._running.send_signal(signal.SIGHUP)
                eventually(lambda: "config.reloaded" in self._output(), "the config is taken")
            case _:
                self.stage.happened.append(what)
                self.stage.happenings[what](self)

    def end(self) -> None:
        """End what still runs."""
        if self._running is not None:
            self._running.terminate()
            try:
                self._running.wait(PATIENCE)
            finally:
                self._running.kill()
            self._running = None


def _completed(fragment: str) -> str:
    """Add what a fragment of a config leaves out."""
    around, given = yaml.safe_load(_AROUND), yaml.safe_load(fragment)
    systems = {**around["systems"], **given.get("systems", {})}
    return yaml.safe_dump({**around, **given, "systems": systems})


def _values(text: str) -> list[Any]:
    """Read one JSON value, or one a line."""
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]


def _check_message(text: str) -> None:
    asks = try_syntax.read(text, ["talos"])
    assert not asks.problems, asks.problems
    assert asks != try_syntax.PushOptions(), "it asks for nothing"
