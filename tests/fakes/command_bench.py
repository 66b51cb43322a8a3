"""A test bench for commands: a config, and a store that the real observer and dispatcher fill."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.fakes.memory_ci import MemoryCI
from triggerbot.cli import config, main
from triggerbot.core.model import Event, Head, Push, State
from triggerbot.core.model import Result as RunResult
from triggerbot.metrics import Metrics
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.observer import Observer
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.store import Store
from triggerbot.store.factory import open_file

CONFIG = """
dry_run: false
store: sqlite:{directory}/state.db
listen: "off"
systems:
  ci: {{type: generic, url: "http://127.0.0.1:{port}", sweep: "off"}}
rules:
  - projects: [try]
    exclude_jobs: ["*-unstable*"]
    exclude_authors: [bot@example.org]
    pools: ["*linux*"]
    exclude_steps: ["build*"]
    requested: {{max: 20, groups: {{talos: ["*talos*"]}}}}
  - projects: [careful]
    opt_in: true
"""

REVISION = "c0ffee" + "0" * 34
NOW = 1_795_000_000.0


class Bench:
    """One directory with a config and a store; `now` is its clock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "triggerbot.yml"
        self.configure(CONFIG)
        self.now = NOW
        self.ci = MemoryCI("ci", makes_runs=False)

    def configure(self, text: str, port: int = 9) -> None:
        """Write the config."""
        self.config.write_text(text.format(directory=self.directory, port=port))

    def event(self, job: str = "linux-mochitest-1", result: str | None = "failure", **named: Any) -> Event:
        """Make an event of the usual push."""
        where = Push("ci", named.pop("project", "try"), named.pop("branch", "try"), named.pop("revision", REVISION))
        named.setdefault("run_id", "100")
        named.setdefault("time", self.now)
        if result is None:
            return Event(where, job, state=named.pop("state", State.RUNNING), **named)
        return Event(where, job, state=State.FINISHED, result=RunResult(result), **named)

    def hear(self, *heard: Event | Head, listed: bool = True, dispatch: bool = True) -> None:
        """Observe events, and dispatch what is due, with the real observer and dispatcher."""
        rules = config.load(self.config).rules
        dry = config.load(self.config).dry_run
        store = open_file(self.directory / "state.db")
        metrics = Metrics()
        observer = Observer(store, rules, dry=dry, clock=lambda: self.now, metrics=metrics)
        if listed:
            self.ci.put(*(one for one in heard if isinstance(one, Event)))
        observer.observe(list(heard))
        dispatcher = Dispatcher(
            store, {"ci": self.ci}, observer, DispatchSettings(rules, dry), clock=lambda: self.now, metrics=metrics
        )
        while dispatch and dispatcher.step():
            pass
        store.close()

    def store(self, *, daemon: bool = False) -> Store:
        """Open the store; the caller closes it."""
        return open_file(self.directory / "state.db", daemon=daemon)

    def run(self, *arguments: str, stdin: bytes | None = None) -> Result:
        """Run a command with the bench's config."""
        command, *rest = arguments
        given = [command, rest.pop(0)] if command == "dead-letters" else [command]
        return CliRunner().invoke(main, [*given, "-c", str(self.config), *rest], input=stdin, prog_name="triggerbot")

    def json(self, *arguments: str) -> Any:
        """Run a command with --json and read what it prints."""
        return json.loads(self.run(*arguments, "--json").stdout)


def failed_run(**named: Any) -> dict[str, Any]:
    """Make the JSON of a failed run of the usual push."""
    usual = {
        "project": "try",
        "branch": "try",
        "revision": REVISION,
        "job": "linux-mochitest-1",
        "run_id": "100",
        "state": "finished",
        "result": "failure",
        "time": NOW,
        "message": "a change",
    }
    return usual | named


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return an empty bench."""
    return Bench(tmp_path)
