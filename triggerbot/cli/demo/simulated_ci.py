"""A small made-up CI, as a process of its own: it speaks the generic contract and knows nothing of triggerbot's code.

`python -m triggerbot.cli.demo.simulated_ci --port P --hook URL --seconds S`, with the webhook secret in
$DEMO_WEBHOOK_SECRET. It prints a JSON line for each thing that it does. `GET /truth` returns what it really did,
whatever anybody else believes.
"""

import argparse
import base64
import calendar
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from triggerbot.cli.demo.scenario import EVIDENCE, PROJECT, PUSHES, Job, Push

#: Shares of the playing time: a job's wait, a run's duration, and the gap between the starts of two jobs.
_WAITS, _LASTS, _APART = 0.01, 0.05, 0.004


def _stamp(moment: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{whole}.{int(moment % 1 * 1000):03d}Z"


class Ci:
    """The CI's pushes, their runs, and the requests it received."""

    def __init__(self, hook: str, secret: str, seconds: float) -> None:
        self._hook = hook
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._seconds = seconds
        self._lock = threading.RLock()
        self._runs: list[dict[str, Any]] = []
        self._facts: dict[str, Push] = {}
        self._jobs: dict[tuple[str, str], Job] = {}
        self._open = 0
        self._played = False
        self.operations: list[dict[str, Any]] = []
        self._doubled: set[str] = set()

    # -- pushes and runs ----------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play the pushes of the scenario, one after another."""
        began = time.monotonic()
        for push in PUSHES:
            time.sleep(max(0.0, began + push.at * self._seconds - time.monotonic()))
            self._log("push", revision=push.revision, author=push.author, message=push.message)
            with self._lock:
                self._facts[push.revision] = push
                self._jobs.update({(push.revision, job.name): job for job in push.jobs})
            for job in push.jobs:
                self.start(push, job)
                time.sleep(_APART * self._seconds)
        self._played = True

    def start(self, push: Push, job: Job, operation: str | None = None) -> str:
        """Start a run of a job, which finishes by itself; return its id."""
        with self._lock:
            number = sum(run["job"] == job.name and run["revision"] == push.revision for run in self._runs)
            run = {
                "project": PROJECT, "branch": push.branch, "revision": push.revision, "job": job.name,
                "run_id": str(1000 + len(self._runs)), "attempt": 1, "state": "pending", "kind": job.kind, "tier": 1,
                "author": push.author, "message": push.message, "time": _stamp(time.time()),
                "retrigger_of": operation, "pool": job.name.partition("-")[0], "changed": time.time(),
            }  # fmt: skip
            self._runs.append(run)
            self._open += 1
        result = job.results[min(number, len(job.results) - 1)]
        threading.Thread(target=self._run, args=(job, run, result), daemon=True).start()
        return str(run["run_id"])

    def _run(self, job: Job, run: dict[str, Any], result: str) -> None:
        self._send_webhook(run)
        time.sleep(_WAITS * self._seconds)
        self._update(run, state="running")
        self._send_webhook(run)
        # Durations differ between jobs, but are the same in each demo.
        time.sleep(_LASTS * self._seconds * (0.6 + len(job.name) % 7 / 8))
        failures = [job.failure] if result != "success" and job.failure else []
        self._update(run, state="finished", result=result, failures=failures)
        for _ in range(0 if job.lost and run["retrigger_of"] is None else 3 if job.repeated else 1):
            self._send_webhook(run)
        if job.lost and run["retrigger_of"] is None:
            self._log("lost", **self._summary(run))
        with self._lock:
            self._open -= 1

    def _update(self, run: dict[str, Any], **changes: Any) -> None:
        with self._lock:
            run.update(changes, time=_stamp(time.time()), changed=time.time())

    def _send_webhook(self, run: dict[str, Any]) -> None:
        """Send a webhook, signed as in Standard Webhooks; one that cannot be delivered is lost, as in reality."""
        with self._lock:
            body = json.dumps({key: value for key, value in run.items() if key != "changed"}).encode()
            summary = self._summary(run)
        now = str(int(time.time()))
        name = f"msg_{summary['run_id']}_{summary['state']}"
        digest = hmac.new(self._key, f"{name}.{now}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "webhook-id": name,
            "webhook-timestamp": now,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
            "content-type": "application/json",
        }
        request = urllib.request.Request(self._hook, body, headers)  # noqa: S310 - the demo's own address
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 # nosec B310
                answer.read()
            self._log("run", **summary)
        except OSError as error:
            self._log("undelivered", error=str(error), **summary)

    def _summary(self, run: dict[str, Any]) -> dict[str, Any]:
        keys = ("revision", "job", "run_id", "state", "result", "retrigger_of")
        return {key: run.get(key) for key in keys}

    def _log(self, event: str, **what: Any) -> None:
        with self._lock:
            print(json.dumps({"event": event, **what}), flush=True)

    # -- requests -----------------------------------------------------------------------------------------------

    def look(self, revision: str) -> dict[str, Any] | None:
        """Return a push's facts and all of its runs; `None` if there is no such push."""
        with self._lock:
            push = self._facts.get(revision)
            if push is None:
                return None
            runs = [_without_internals(run) for run in self._runs if run["revision"] == revision]
            return {"author": push.author, "message": push.message, "time": None, "runs": runs}

    def recent(self, since: float) -> list[dict[str, Any]]:
        """Return the runs that changed since then, in seconds since the epoch."""
        with self._lock:
            return [_without_internals(run) for run in self._runs if run["changed"] >= since]

    def retrigger(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Start further runs of a job; return the HTTP status and the answer."""
        with self._lock:
            job = self._jobs.get((body["revision"], body["job"]))
            if job is None:
                return 409, {"error": "no such job"}
            push = self._facts[body["revision"]]
            if self._is_doubled(push, job):
                self._doubled.add(f"{job.name} at {push.revision}")
            self.operations.append({key: body[key] for key in ("operation", "revision", "job", "count")})
            first = sum(one["job"] == job.name and one["revision"] == push.revision for one in self.operations) == 1
            runs = [self.start(push, job, body["operation"]) for _ in range(body["count"])]
        if job.answers_500 and first:
            self._log("ill", revision=push.revision, job=job.name, count=body["count"])
            return 500, {"error": "something broke after we had accepted that"}
        return 201, {"runs": runs}

    def _is_doubled(self, push: Push, job: Job) -> bool:
        """Return whether a request is one too many: only evidence asks again, and not before the last run has ended."""
        asked = any(one["job"] == job.name and one["revision"] == push.revision for one in self.operations)
        going = any(
            run["job"] == job.name and run["revision"] == push.revision and run["state"] != "finished"
            for run in self._runs
        )
        return asked and (going or push.branch != EVIDENCE)

    def truth(self) -> dict[str, Any]:
        """Return the ground truth, with which the demo compares the outcome."""
        with self._lock:
            return {
                "done": self._played and self._open == 0,
                "runs": len(self._runs),
                "requests": len(self.operations),
                "retriggers": sum(run["retrigger_of"] is not None for run in self._runs),
                "doubled": sorted(self._doubled),
            }


def _without_internals(run: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in run.items() if key != "changed"}


class _Handler(BaseHTTPRequestHandler):
    """The generic contract over HTTP."""

    protocol_version = "HTTP/1.1"
    ci: Ci

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name is the parent's
        """Log nothing: the CI logs what it does itself."""

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Answer a look-back, a sweep, or a request for the ground truth."""
        parts = urlsplit(self.path)
        segments = [unquote(part) for part in parts.path.split("/")[1:]]
        match segments:
            case ["pushes", _, _, revision]:
                found = self.ci.look(revision)
                self._answer(404 if found is None else 200, found or {"error": "no such push"})
            case ["runs"]:
                since = parse_qs(parts.query).get("since", ["1970-01-01T00:00:00Z"])[0]
                moment = float(calendar.timegm(time.strptime(since[:19], "%Y-%m-%dT%H:%M:%S")))
                self._answer(200, {"runs": self.ci.recent(moment)})
            case ["truth"]:
                self._answer(200, self.ci.truth())
            case _:
                self._answer(404, {"error": "nothing here"})

    def do_POST(self) -> None:
        """Accept a retrigger."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path != "/retrigger":
            self._answer(404, {"error": "nothing here"})
        else:
            self._answer(*self.ci.retrigger(json.loads(body)))


def main() -> None:
    """Serve and play until standard input ends, which means that the parent is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--hook", required=True)
    parser.add_argument("--seconds", type=float, default=50.0)
    options = parser.parse_args()
    ci = Ci(options.hook, os.environ["DEMO_WEBHOOK_SECRET"], options.seconds)
    handler = type("Handler", (_Handler,), {"ci": ci})
    server = ThreadingHTTPServer(("127.0.0.1", options.port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"event": "listening", "port": server.server_address[1]}), flush=True)
    # The first line means that the daemon is ready, the end of the input that the demo is over.
    if sys.stdin.readline():
        threading.Thread(target=ci.play, daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    main()
