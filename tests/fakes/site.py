"""The parts of the daemon in one process, served over a real socket: webhooks in, pages out."""

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from starlette.types import Receive, Scope, Send

from tests.fakes.ci import FakeCI
from triggerbot.cli.config import loads
from triggerbot.core.model import Heard
from triggerbot.liveness import Check
from triggerbot.metrics import Metrics
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.observer import Observer
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.reports.factory import publisher
from triggerbot.reports.judge import Judge
from triggerbot.store import Store
from triggerbot.store.factory import open_file
from triggerbot.systems.generic.system import Generic
from triggerbot.systems.webhook_signatures import sign_standard
from triggerbot.web import app, server
from triggerbot.web.api import Api
from triggerbot.web.pages import Pages
from triggerbot.web.session import Access
from triggerbot.web.webhooks import Hooks

#: A token as an operator makes one, and the secret of webhooks; neither may show up anywhere.
TOKEN = "canary-page-token-for-tests"
SECRET = "whsec_Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LWZvci10ZXN0cw=="
CONFIG = """
dry_run: {dry}
systems:
  ci: {{type: generic, url: "{url}", webhook_secret: env:WEBHOOK_SECRET, sweep: off}}
{systems}rules:
  - projects: [try, "octo/*"]
    exclude_jobs: ["*-unstable"]
    retries: 2
    lookup: {{attempts: 2, delay: 1s}}
{more}
"""


class Front:
    """The real web server on a real socket, shared by one house after the other, since it starts slowly."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = server.make(self, self._stopping)  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._app: Any = None
        self._ending: Callable[[], None] = lambda: None
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server as a signal does, and wait until it has ended."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def serve(self, app: Any, ending: Callable[[], None]) -> None:
        """Answer with these routes from now on."""
        self._app, self._ending = app, ending

    def end(self) -> None:
        """Detach the house, and end the streams of its listeners."""
        self._ending()
        self.serve(None, lambda: None)

    def _stopping(self) -> None:
        self._ending()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as an ASGI application."""
        await self._app(scope, receive, send)


class House:
    """A store, a CI, and everything between them and a browser."""

    def __init__(
        self,
        directory: Path,
        front: Front,
        *,
        access: Access = Access(tokens=(TOKEN,)),  # noqa: B008 - it is frozen
        clock: Callable[[], float] = time.time,
        dry: bool = False,
        more: str = "",
        systems: str = "",
    ) -> None:
        self.directory = directory
        self.ci = FakeCI(clock=clock)
        self.clock = clock
        self.config = loads(CONFIG.format(url=self.ci.url, dry=str(dry).lower(), more=more, systems=systems))
        self.store: Store = open_file(directory / "state.db", durable=False)
        self.checks = {"store": Check(), "publisher-0": Check()}
        metrics = Metrics()
        self._system = Generic("ci", self.ci.url, webhook_secrets=(SECRET,), grace=1.0)
        cis = {"ci": self._system}
        judge = Judge(self.store, clock, rules=self.config.rules)
        self.observer = Observer(
            self.store, self.config.rules, dry=dry, clock=clock, metrics=metrics, on_due=self._wake
        )
        setting = DispatchSettings(self.config.rules, dry, self.config.bounds)
        self.dispatcher = Dispatcher(self.store, cis, self.observer, setting, clock=clock, metrics=metrics)
        self.publisher = publisher(self.config, cis, self.store, judge, dry=dry, clock=clock, metrics=metrics)
        self.pages = Pages(self.store, judge, self.config, access, dry=dry, clock=clock, health=lambda: self.checks)
        hooks = Hooks(cis, self.observer, self.store, metrics, clock)
        api = Api(self.store, judge, metrics, clock, lambda: self.checks, {"dry_run": dry})
        self._app = app.build(hooks, api, self.pages)
        self._front = front
        self._stop = threading.Event()
        self._working: list[threading.Thread] = []
        self._number = 0

    def _wake(self) -> None:
        self.dispatcher.wake()

    def __enter__(self) -> Self:
        self._front.serve(self._app, self.pages.live.end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._front.end()
        self._stop.set()
        for thread in self._working:
            self.dispatcher.wake()
            thread.join()
        self.publisher.close()
        self.store.close()
        self._system.close()
        self.ci.close()

    @property
    def url(self) -> str:
        """The address at which it is served."""
        return self._front.url

    def work(self) -> Self:
        """Dispatch and judge in the background from now on, as the daemon does."""
        for run in (self.dispatcher.run, self.publisher.run):
            thread = threading.Thread(target=run, args=(self._stop,))
            thread.start()
            self._working.append(thread)
        return self

    def hear(self, *items: Heard) -> None:
        """Observe, as an intake does."""
        self.observer.observe(items)

    def hook(self, body: Mapping[str, Any]) -> None:
        """Send a signed webhook."""
        self._number += 1
        content, now, name = json.dumps(body).encode(), int(time.time()), f"msg_{self._number}"
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_standard(name, now, content, SECRET),
        }
        answer = httpx.post(f"{self.url}/hooks/ci", content=content, headers=headers)
        assert answer.status_code == 202, answer.text

    def settle(self) -> None:
        """Judge and dispatch what is due; a manual clock is moved on by more than a second for that."""
        move = getattr(self.clock, "move", None)
        if move is not None:
            move(1.5)
        while self.dispatcher.step() or self.publisher.step():
            pass


class Forms(HTMLParser):
    """The forms of a page: where each goes, and what its fields hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect forms and fields."""
        words = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((words.get("action", ""), {}))
        elif tag in ("input", "select") and "name" in words and self.found:
            self.found[-1][1][words["name"]] = words.get("value", "")


class Person:
    """A person with a browser without scripts: it keeps cookies and sends the origin of forms."""

    def __init__(self, house: House, **headers: str) -> None:
        self.house = house
        self.client = httpx.Client(base_url=house.url, headers=headers, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def get(self, path: str, **query: str) -> httpx.Response:
        """Load a page."""
        return self.client.get(path, params=query or None)

    def forms(self, path: str) -> dict[str, dict[str, str]]:
        """Load a page and return its forms, by the last part of their address."""
        return {
            urlsplit(action).path.rpartition("/")[2]: {"action": action, **fields}
            for action, fields in Forms(self.get(path).text).found
        }

    def send(self, form: Mapping[str, str], headers: Mapping[str, str] | None = None, **more: str) -> httpx.Response:
        """Send a form, with some fields filled in."""
        fields = {name: value for name, value in {**form, **more}.items() if name != "action"}
        said = {"sec-fetch-site": "same-origin"} if headers is None else dict(headers)
        return self.client.post(form["action"], data=fields, headers=said)

    def log_in(self, name: str = "ada", token: str = TOKEN) -> httpx.Response:
        """Log in."""
        return self.send({"action": "/login"}, name=name, token=token)
