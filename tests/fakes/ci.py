"""A CI that speaks the generic contract over real HTTP on loopback, with state, and with faults on demand.

    with FakeCI(token="secret") as ci:
        ci.push("abcdef1", message="fix it")
        ci.run("abcdef1", "linux-test", result="failure")
        ci.fault("retrigger", status=500, accept=True)       # takes the next POST, and then answers 500
        ...
        assert ci.jobs_asked() == {("abcdef1", "linux-test"): 2}

Nothing here knows triggerbot's code: it holds what a CI would, in the contract's own JSON.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote

from tests.fakes.ci_http import Call, Fault, Handler, Post, Server

__all__ = ["Call", "FakeCI", "FakePush", "FakeRun", "Fault", "Post"]

#: The length of a finished run, in seconds; nothing depends on it.
_RUN_SECONDS = 60.0


@dataclass(slots=True)
class FakeRun:
    """A run as the CI stores it."""

    event: dict[str, Any]
    made: float
    #: Look-backs that do not list it yet, and the time before which none does.
    hidden_looks: int = 0
    hidden_until: float = 0.0
    changed: float = 0.0


@dataclass(slots=True)
class FakePush:
    """A push as the CI stores it."""

    project: str
    branch: str
    revision: str
    message: str | None
    author: str | None
    time: float
    base: str | None = None
    runs: list[FakeRun] = field(default_factory=list)
    #: Look-backs that are answered 404 first.
    unknown_looks: int = 0


class FakeCI:
    """Holds pushes and their runs, takes retriggers, and records every request. All methods are thread-safe."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        token: str | None = None,
        marks: bool = True,
        sweeps: bool = True,
        tells_runs: bool = True,
        first_runs: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        #: New runs carry the operation that made them, as `retrigger_of`.
        self.marks = marks
        #: `GET /runs` is offered.
        self.sweeps = sweeps
        #: The answer to a retrigger contains the new runs' ids.
        self.tells_runs = tells_runs
        #: A job that did not run at a push can be run there: a retrigger may name no run.
        self.first_runs = first_runs
        #: For how many look-backs, and how many seconds, new runs are not listed.
        self.lag_looks = 0
        self.lag_seconds = 0.0
        #: The result with which retriggered runs finish at once; `None`: they stay pending.
        self.outcome: Callable[[dict[str, Any]], str | None] = lambda _: None
        #: Chooses a fault for a request, before those set by `fault`.
        self.choose: Callable[[Call, Any], Fault | None] = lambda *_: None
        #: Called with each POST before it is answered.
        self.on_post: Callable[[Post], None] = lambda _: None
        self.posts: list[Post] = []
        self.gets: list[str] = []
        self._clock = clock
        self._token = token
        self._pushes: dict[tuple[str, str, str], FakePush] = {}
        self._faults: dict[Call, deque[list[Any]]] = {"retrigger": deque(), "look_back": deque(), "recent": deque()}
        self._lock = threading.RLock()
        self._number = 0
        self._server = Server((host, port), Handler, self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name="fake-ci", daemon=True
        )
        self._thread.start()

    # -- the test's side ----------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The address that it listens on."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def push(
        self,
        revision: str,
        *,
        project: str = "try",
        branch: str = "try",
        message: str | None = "",
        author: str | None = "dev@example.org",
        unknown_looks: int = 0,
        base: str | None = None,
    ) -> FakePush:
        """Add a push, or change its facts."""
        with self._lock:
            made = FakePush(
                project, branch, revision, message, author, self._clock(), base, unknown_looks=unknown_looks
            )
            earlier = self._pushes.get((project, branch, revision))
            if earlier is not None:
                made.runs, made.time = earlier.runs, earlier.time
            self._pushes[project, branch, revision] = made
            return made

    def run(
        self,
        revision: str,
        job: str,
        *,
        project: str = "try",
        branch: str = "try",
        result: str | None = None,
        state: str | None = None,
        hidden_looks: int = 0,
        **more: Any,
    ) -> dict[str, Any]:
        """Add a run to a push (made if need be); return its event, as a webhook would carry it."""
        with self._lock:
            key = (project, branch, revision)
            push = self._pushes.get(key) or self.push(revision, project=project, branch=branch)
            now = self._clock()
            event: dict[str, Any] = {
                "project": project,
                "branch": branch,
                "revision": revision,
                "job": job,
                "run_id": str(self._next()),
                "attempt": 1,
                "state": state or ("pending" if result is None else "finished"),
                "result": result,
                "time": now,
                **more,
            }
            push.runs.append(FakeRun(event, now, hidden_looks=hidden_looks, changed=now))
            return dict(event)

    def finish(self, run_id: str, result: str, **more: Any) -> dict[str, Any]:
        """Finish a run; return its event."""
        with self._lock:
            run = self._find(run_id)
            run.event.update(state="finished", result=result, time=self._clock(), **more)
            run.changed = self._clock()
            return dict(run.event)

    def fault(self, call: Call, *, times: int | None = 1, **what: Any) -> None:
        """Make the next requests of a kind fail (`times=None`: all from now on); see `Fault`."""
        with self._lock:
            self._faults[call].append([times, Fault(**what)])

    def mend(self) -> None:
        """Clear all faults."""
        with self._lock:
            for queue in self._faults.values():
                queue.clear()

    def show_all(self) -> None:
        """End every lag: from now on each run is listed."""
        with self._lock:
            for push in self._pushes.values():
                for run in push.runs:
                    run.hidden_looks, run.hidden_until = 0, 0.0

    def runs(self, revision: str, job: str | None = None) -> list[dict[str, Any]]:
        """Return every run that exists, listed or not."""
        with self._lock:
            return [
                dict(run.event)
                for push in self._pushes.values()
                for run in push.runs
                if push.revision == revision and job in (None, run.event["job"])
            ]

    def made(self, revision: str, job: str | None = None) -> list[dict[str, Any]]:
        """Return the runs that retriggers made."""
        ids = {run for post in list(self.posts) for run in post.runs}
        return [event for event in self.runs(revision, job) if event["run_id"] in ids]

    def jobs_asked(self) -> dict[tuple[str, str], int]:
        """Count the runs that were made for each (revision, job)."""
        counted: Counter[tuple[str, str]] = Counter()
        for post in list(self.posts):
            if post.accepted:
                counted[post.body["revision"], post.body["job"]] += len(post.runs)
        return dict(counted)

    @property
    def accepted(self) -> list[Post]:
        """The POSTs that made runs."""
        return [post for post in list(self.posts) if post.accepted]

    # -- the CI's side ------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._number += 1
        return 1000 + self._number

    def _find(self, run_id: str) -> FakeRun:
        for push in self._pushes.values():
            for run in push.runs:
                if run.event["run_id"] == run_id:
                    return run
        raise KeyError(run_id)

    def take_fault(self, call: Call, body: Any = None) -> Fault | None:
        """Return the fault for a request that has just arrived (a POST has a body), if there is one."""
        with self._lock:
            chosen = self.choose(call, body)
            if chosen is not None:
                return chosen
            queue = self._faults[call]
            if not queue:
                return None
            times, fault = queue[0]
            if times is not None:
                queue[0][0] = times - 1
                if times <= 1:
                    queue.popleft()
            return fault  # type: ignore[no-any-return]

    def authorized(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request carries the token."""
        return self._token is None or headers.get("authorization") == f"Bearer {self._token}"

    def note(self, post: Post) -> None:
        """Record a POST."""
        with self._lock:
            self.posts.append(post)
            self.on_post(post)

    def look(self, path: str) -> tuple[int, Any]:
        """Answer `GET /pushes/{project}/{branch}/{revision}`."""
        with self._lock:
            self.gets.append(path)
            parts = path.split("/")[2:]
            push = self._pushes.get(tuple(unquote(part) for part in parts))  # type: ignore[arg-type]
            if push is None:
                return 404, {"error": "no such push"}
            if push.unknown_looks > 0:
                push.unknown_looks -= 1
                return 404, {"error": "no such push yet"}
            listed = []
            for run in push.runs:
                if run.hidden_looks > 0:
                    run.hidden_looks -= 1
                elif run.hidden_until <= self._clock():
                    listed.append(dict(run.event))
            return 200, {
                "author": push.author,
                "message": push.message,
                "time": push.time,
                "base": push.base,
                "runs": listed,
            }

    def recent(self, path: str, query: str) -> tuple[int, Any]:
        """Answer `GET /runs?since=`."""
        with self._lock:
            self.gets.append(path + "?" + query)
            if not self.sweeps:
                return 404, {"error": "not supported"}
            since = _seconds(parse_qs(query).get("since", [""])[0])
            found = [
                dict(run.event)
                for push in self._pushes.values()
                for run in push.runs
                if run.changed >= since and run.hidden_until <= self._clock()
            ]
            return 200, {"runs": found}

    def retrigger(self, body: Any) -> tuple[int, Any, tuple[str, ...]]:
        """Carry out `POST /retrigger`: return status, answer, and the ids of the new runs."""
        with self._lock:
            wrong = _wrong(body)
            if wrong:
                return 400, {"error": wrong}, ()
            push = self._pushes.get((body["project"], body["branch"], body["revision"]))
            if body["run_id"] is None:
                return self._first(push, body)
            origin = next(
                (run for run in push.runs if run.event["run_id"] == body["run_id"]) if push is not None else iter(()),
                None,
            )
            if push is None or origin is None or origin.event["job"] != body["job"]:
                return 404, {"error": "no such run"}, ()
            made = [self._again(push, origin, body["operation"]) for _ in range(body["count"])]
            return 201, {"runs": list(made)} if self.tells_runs else {}, tuple(made)

    def _first(self, push: FakePush | None, body: Any) -> tuple[int, Any, tuple[str, ...]]:
        """Run a job at a push that did not run it, as it is defined at others."""
        if push is None:
            return 404, {"error": "no such push"}, ()
        if not self.first_runs:
            return 409, {"error": "jobs are only run again here"}, ()
        defined = next(
            (run for one in self._pushes.values() for run in one.runs if run.event["job"] == body["job"]), None
        )
        if defined is None:
            return 409, {"error": "no such job"}, ()
        here = FakeRun(defined.event | {"revision": push.revision, "branch": push.branch, "project": push.project}, 0.0)
        made = [self._again(push, here, body["operation"]) for _ in range(body["count"])]
        return 201, {"runs": list(made)} if self.tells_runs else {}, tuple(made)

    def _again(self, push: FakePush, origin: FakeRun, operation: str) -> str:
        now = self._clock()
        event = {
            key: value for key, value in origin.event.items() if key not in ("failures", "step", "retrigger_of")
        } | {"run_id": str(self._next()), "state": "pending", "result": None, "time": now, "attempt": 1}
        if self.marks:
            event["retrigger_of"] = operation
        result = self.outcome(event)
        if result is not None:
            event |= {"state": "finished", "result": result, "time": now + _RUN_SECONDS}
        push.runs.append(FakeRun(event, now, self.lag_looks, now + self.lag_seconds, now))
        return str(event["run_id"])


def _wrong(body: Any) -> str:
    """Return what is wrong with the body of a retrigger, strictly by the contract."""
    if not isinstance(body, dict):
        return "an object is needed"
    for name in ("operation", "project", "branch", "revision", "job"):
        if not isinstance(body.get(name), str) or not body[name]:
            return f"{name}: a text is needed"
    run_id = body.get("run_id", "")
    if run_id is not None and not (isinstance(run_id, str) and run_id):
        return "run_id: a text, or null, is needed"
    count = body.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        return "count: a number from 1 is needed"
    return ""


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
