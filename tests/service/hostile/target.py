"""The target of attacks: the real application on a real store, called directly or served by the real server."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fakes.servers import listens
from tests.fakes.stored import stored
from triggerbot.cli.config import loads
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.reports.judge import Judge
from triggerbot.store.factory import open_file
from triggerbot.systems import System
from triggerbot.systems.generic.system import Generic
from triggerbot.systems.github.system import GitHub
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.system import Treeherder
from triggerbot.web import app, server
from triggerbot.web.api import Api
from triggerbot.web.pages import Pages
from triggerbot.web.session import Access
from triggerbot.web.webhooks import Hooks

#: Two secrets each, as while they are rotated.
GENERIC_SECRETS = ("whsec_Y2FuYXJ5LW9sZC1zZWNyZXQtb2YtdGhlLWZ1eno=", "whsec_Y2FuYXJ5LW5ldy1zZWNyZXQtb2YtdGhlLWZ1eno=")
GITHUB_SECRETS = ("canary-github-of-old", "canary-github-of-new")

#: The push that pages show.
CONFIG = "systems: {ci: {type: generic, url: http://127.0.0.1:9}}\nrules: [{projects: ['*']}]"

#: Names and values of headers, as bytes.
Headers = Sequence[tuple[bytes, bytes]]


class Target:
    """One daemon's web side, with every kind of system, in its own directory. Nothing is dispatched."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "state.db"
        self.store = open_file(self.path, durable=False)
        nowhere = "http://127.0.0.1:9"
        self.systems: dict[str, System] = {
            "ci": Generic("ci", nowhere, webhook_secrets=GENERIC_SECRETS),
            "gh": GitHub("gh", url=nowhere, token="canary-token-of-the-fuzz", webhook_secrets=GITHUB_SECRETS),
            "fx": Taskcluster("fx", nowhere),
            "th": Treeherder(TreeherderJobs("th", nowhere), through=None),
            "unsigned": Generic("unsigned", nowhere),
        }
        self.metrics = Metrics()
        observer = Observer(self.store, [Rule(Globs(["*"]))], dry=False, clock=time.time, metrics=self.metrics)
        self.hooks = Hooks(self.systems, observer, self.store, self.metrics, time.time)
        judge = Judge(self.store)
        api = Api(self.store, judge, self.metrics, time.time, dict, {"dry_run": False})
        access = Access(tokens=("canary-token-of-the-page",))
        pages = Pages(self.store, judge, loads(CONFIG), access, dry=False, clock=time.time, health=dict)
        self.app = app.build(self.hooks, api, pages)

    def close(self) -> None:
        """Close everything."""
        self.store.close()
        for system in self.systems.values():
            system.close()

    async def post(self, path: str, headers: Headers, body: bytes, *, chunk: int = 65_536) -> int:
        """Pass a webhook directly to the application, in pieces; return the status. Its exceptions propagate."""
        pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
        messages = iter(
            {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
            for number, piece in enumerate(pieces, 1)
        )
        statuses: list[int] = []

        async def receive() -> dict[str, object]:
            return next(messages)

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(int(str(message["status"])))

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": path, "raw_path": path.encode("utf-8", "replace"), "query_string": b"", "root_path": "",
            "headers": list(headers), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        await self.app(scope, receive, send)
        (status,) = statuses
        return status

    def stored(self) -> dict[str, int]:
        """Count what is stored, by kind."""
        return stored(self.path)

    def counted(self, name: str) -> float:
        """Add up one metric over its labels."""
        lines = self.metrics.text().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    @contextlib.contextmanager
    def served(self) -> Iterator[int]:
        """Serve it by the real server for the duration of the context; yield the port."""
        listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        port = int(listening.getsockname()[1])
        running = server.make(self.app)
        thread = threading.Thread(target=running.run, args=([listening],))
        thread.start()
        try:
            assert listens(port)
            yield port
        finally:
            running.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
