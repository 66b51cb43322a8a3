"""The CI of the chaos runs: a process that is never killed, whose own log is the ground truth.

It speaks the generic contract (tests/fakes/ci.py). What goes wrong with a request follows from the seed and from what
is asked, not from the order in which requests arrive. The harness sends it commands as lines of JSON on stdin.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import ROOT
from tests.fakes.ci import Call, FakeCI, Fault, Post

#: Faults of a POST: how likely each is, in percent, in the usual plan.
PLAN = {"delay": 30, "500_after": 6, "cut_after": 6, "half_after": 3, "503": 4, "429": 3, "429_after": 2, "500": 3}
#: And with a look-back.
READS = {"delay": 5, "500": 4, "cut": 3, "nonsense": 3, "half": 2}
_NONSENSE = (b"", b"null", b'{"runs": 7}', b"<html>502</html>", b'{"runs": [{"revision": 1}]}', b"\xff\xfe")


class Plan:
    """Chooses faults at random, by the seed and the content of the request."""

    def __init__(self, seed: int, posts: dict[str, int], reads: dict[str, int], slow: float) -> None:
        self._seed = seed
        self._posts = posts
        self._reads = reads
        self._slow = slow
        self._asked: Counter[str] = Counter()
        self.chosen: Counter[str] = Counter()

    def choose(self, call: Call, body: Any) -> Fault | None:
        """Choose a fault for a request."""
        if call == "retrigger":
            name = f"{body.get('revision')}/{body.get('job')}" if isinstance(body, dict) else "?"
        else:
            name = call
        self._asked[name] += 1
        dice = random.Random(f"{self._seed}/{name}/{self._asked[name]}")
        kinds = self._posts if call == "retrigger" else self._reads
        roll = dice.uniform(0, 100)
        for kind, percent in kinds.items():
            roll -= percent
            if roll < 0:
                self.chosen[f"{call} {kind}"] += 1
                return self._fault(kind, dice)
        return None

    def _fault(self, kind: str, dice: random.Random) -> Fault:
        match kind:
            case "delay":
                return Fault(delay=dice.uniform(0, self._slow))
            case "500_after":
                return Fault(status=500, accept=True)
            case "cut_after":
                return Fault(cut="before", accept=True, delay=dice.choice([0, 0.02]))
            case "half_after":
                return Fault(cut="within", accept=True)
            case "503":
                return Fault(status=503, headers={"retry-after": "1"})
            case "429":
                return Fault(status=429)
            case "429_after":
                return Fault(status=429, headers={"retry-after": "1"})
            case "cut":
                return Fault(cut="before")
            case "half":
                return Fault(cut="within")
            case "nonsense":
                return Fault(status=200, body=dice.choice(_NONSENSE))
            case _:
                return Fault(status=500)


class Ground:
    """The harness' side of the process."""

    def __init__(
        self,
        log: Path,
        seed: int,
        *,
        posts: dict[str, int] | None = None,
        reads: dict[str, int] | None = None,
        lag: float = 0.4,
        slow: float = 0.3,
        marks: bool = True,
        sweeps: bool = False,
    ) -> None:
        self.log = log
        self._settings = {
            "log": str(log), "seed": seed, "posts": PLAN if posts is None else posts,
            "reads": READS if reads is None else reads, "lag": lag, "slow": slow, "marks": marks, "sweeps": sweeps,
        }  # fmt: skip
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.service.chaos.ci_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.url = self._ask(self._settings)["url"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _ask(self, what: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def fail(self, revision: str, jobs: list[str], **more: Any) -> list[dict[str, Any]]:
        """Let jobs of a push fail; return the events."""
        return list(self._ask({"do": "fail", "revision": revision, "jobs": jobs, "more": more}))

    def calm(self) -> dict[str, int]:
        """Stop all faults; return the count of each."""
        return dict(self._ask({"do": "calm"}))

    def made(self) -> Counter[tuple[str, str]]:
        """Count in the log how many runs each job got."""
        counted: Counter[tuple[str, str]] = Counter()
        for line in self.log.read_text().splitlines():
            post = json.loads(line)
            counted[post["revision"], post["job"]] += post["runs"]
        return counted


def _serve() -> None:
    settings = json.loads(sys.stdin.readline())
    plan = Plan(settings["seed"], settings["posts"], settings["reads"], settings["slow"])
    log = os.open(settings["log"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def write(post: Post) -> None:
        if post.accepted:
            entry = {
                "revision": post.body["revision"], "job": post.body["job"], "operation": post.operation,
                "runs": len(post.runs), "status": post.status, "at": time.time(),
            }  # fmt: skip
            os.write(log, json.dumps(entry).encode() + b"\n")

    with FakeCI(marks=settings["marks"], sweeps=settings["sweeps"]) as ci:
        ci.lag_seconds = settings["lag"]
        ci.choose = plan.choose
        ci.on_post = write
        print(json.dumps({"url": ci.url}), flush=True)
        for line in sys.stdin:
            command = json.loads(line)
            answer: Any = None
            if command["do"] == "fail":
                answer = [
                    ci.run(command["revision"], job, result="failure", **command["more"]) for job in command["jobs"]
                ]
            elif command["do"] == "calm":
                ci.choose = lambda *_: None
                answer = dict(plan.chosen)
            print(json.dumps(answer), flush=True)


def temporary() -> Path:
    """Make a directory for one run; short, for Unix sockets and Erlang."""
    return Path(tempfile.mkdtemp(prefix="chaos-"))


if __name__ == "__main__":
    _serve()
