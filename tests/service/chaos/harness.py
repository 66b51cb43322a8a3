"""The stage of every kind of chaos: a CI that is never killed, a feeder, a config, and servers."""

import json
import shutil
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.fakes.daemon import SECRET, TOKEN
from tests.fakes.rabbit import Broker, Rabbit
from tests.fakes.redis_server import RedisServer
from tests.service.chaos.checker import Verdict, check
from tests.service.chaos.ci_process import Ground, temporary
from tests.service.chaos.feeder import Feeder, Hooks, Messages, make_queue
from tests.service.chaos.life import Life
from triggerbot.core.policy.budget import Budget

StoreName = Literal["sqlite", "redis"]
IntakeName = Literal["webhook", "amqp"]

#: Retriggers of each failure, by default.
WANTED = 2
#: Seconds in which the last life has to finish all work.
PATIENCE = 180.0
#: Settings of breakers in these runs: short times.
BREAKER = "{canary: 500ms, longest: 2s}"
#: More than any of the others can spend.
BUDGET = Budget(100, 1_000_000)

_CONFIG = """
dry_run: false
store: "{store}"
listen: 127.0.0.1:{port}
systems:
  ci:
    type: generic
    url: "{ci}"
    token: env:CI_TOKEN
    webhook_secret: env:WEBHOOK_SECRET
    grace: 1s
    sweep: {sweep}
{intakes}
rules:
  - projects: [try]
    budget: {{percent: {budget.percent:g}, floor: {budget.floor}}}
    lookup: {{attempts: 100, delay: 200ms}}
breaker: {breaker}
caps: {{service: off, project: off, author: off}}
"""
_PULSE = "intakes: [{{pulse: {{system: ci, url: '{url}', queue: {queue}, bindings: [{{exchange: {exchange}}}]}}}}]"
#: Loading the system's certificates takes longer than the rest of a start; these runs have no TLS.
_ENVIRONMENT = {"CI_TOKEN": TOKEN, "WEBHOOK_SECRET": SECRET, "SSL_CERT_FILE": "", "SSL_CERT_DIR": "/"}


@dataclass
class Stage:
    """Everything of one run."""

    directory: Path
    port: int
    ground: Ground
    feeder: Feeder
    redis: RedisServer | None = None
    broker: Broker | None = None
    lives: int = 0
    last: Life | None = None
    #: Whether the directory stays for inspection; `None`: if anything is wrong.
    keep_files: bool | None = None

    @property
    def home(self) -> Path:
        """The directory in which the daemon works."""
        return self.directory / "life"

    @property
    def config(self) -> Path:
        """The file of the daemon's config."""
        return self.home / "triggerbot.yml"

    @property
    def done(self) -> bool:
        """Whether all that was fed is acknowledged, and retriggered as often as wanted."""
        return self.feeder.idle and not self.verdict().lost

    def start(self, **points: Any) -> Life:
        """Begin a life of the daemon; `points`: see `points.install`."""
        self.lives += 1
        life = Life(self.config, _ENVIRONMENT, points)
        self.last = life
        return life

    def end(self) -> None:
        """End a running life, if a run breaks off."""
        if self.last is not None:
            self.last.kill()

    def start_up(self) -> Life:
        """Begin a life, and wait until it works."""
        log = self.home / "daemon.log"
        log.touch()
        begun = log.stat().st_size
        life = self.start()
        while life.alive:
            with log.open("rb") as lines:
                lines.seek(begun)
                if b'"daemon.started"' in lines.read():
                    break
            time.sleep(0.002)
        return life

    def verdict(self) -> Verdict:
        """Compare what was fed with the CI's log."""
        return check(self.feeder.attempted, self.feeder.acknowledged, self.ground.made(), WANTED)

    def history(self) -> dict[str, int]:
        """Count the events of the daemon's log, which show whether a run met any trouble."""
        counted: Counter[str] = Counter()
        with (self.home / "daemon.log").open() as lines:
            for line in lines:
                # A killed process may leave half a line.
                if line.startswith("{") and line.endswith("}\n"):
                    entry = json.loads(line)
                    counted[" ".join(filter(None, [str(entry.get("event")), entry.get("answer")]))] += 1
                elif line.startswith("Traceback"):
                    counted["TRACEBACK"] += 1
        return dict(counted.most_common())

    def integrity(self) -> str:
        """Run SQLite's integrity check."""
        with sqlite3.connect(self.home / "state.db") as connection:
            found = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        connection.close()
        return found


def _reserve(stack: ExitStack) -> int:
    """Reserve a port for all lives of the daemon: while this socket is bound, no other process gets it."""
    reserved = stack.enter_context(socket.socket())
    # A process that sets this option too, as the daemon does, may still listen there.
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return int(reserved.getsockname()[1])


@contextmanager
def stage(
    store: StoreName,
    intake: IntakeName,
    seed: int,
    *,
    rabbit: Rabbit | None = None,
    breaker: str = BREAKER,
    sweep: str = "off",
    budget: Budget = BUDGET,
    store_port: int | None = None,
    amqp_port: int | None = None,
    **ground: Any,
) -> Iterator[Stage]:
    """Set everything up, and tear it down; ports may be given where a proxy stands before a server.

    The directory stays if anything was wrong. `ground`: see `Ground`.
    """
    directory = temporary()
    (directory / "life").mkdir()
    with ExitStack() as stack:
        redis = broker = None
        if store == "redis":
            (directory / "redis").mkdir()
            redis = stack.enter_context(RedisServer(directory / "redis"))
        if intake == "amqp":
            assert rabbit is not None, "AMQP needs a broker"
            broker = Broker(rabbit)
            make_queue(broker)
            stack.callback(broker.delete)
        port = _reserve(stack)
        ci = stack.enter_context(Ground(directory / "ground.jsonl", seed, sweeps=sweep != "off", **ground))
        feeder = stack.enter_context(Messages(broker, seed) if broker is not None else Hooks(port, seed))
        made = Stage(directory, port, ci, feeder, redis, broker)
        stack.callback(made.end)
        write_config(
            made, port, store_port=store_port, amqp_port=amqp_port, breaker=breaker, sweep=sweep, budget=budget
        )
        yield made
        keep_files = not made.verdict().good if made.keep_files is None else made.keep_files
    if not keep_files:
        shutil.rmtree(directory)


def write_config(
    made: Stage,
    port: int,
    *,
    store_port: int | None,
    amqp_port: int | None,
    breaker: str,
    sweep: str,
    ci: str | None = None,
    budget: Budget = BUDGET,
) -> None:
    """Write the daemon's config."""
    address = "sqlite:state.db"
    if made.redis is not None:
        address = made.redis.url() if store_port is None else f"redis://127.0.0.1:{store_port}/0"
    intakes = ""
    if made.broker is not None:
        url = f"amqp://guest:guest@127.0.0.1:{amqp_port or made.broker.rabbit.port}//"
        intakes = _PULSE.format(url=url, queue=made.broker.queue, exchange=made.broker.exchange)
    made.config.write_text(
        _CONFIG.format(
            store=address,
            port=port,
            ci=ci or made.ground.url,
            intakes=intakes,
            breaker=breaker,
            sweep=sweep,
            budget=budget,
        )
    )


def settle(made: Stage, life: Life, patience: float = PATIENCE, longer: float = 2.0) -> bool:
    """Stop all faults and let a life run until everything is done; return whether it got there.

    It has to stay so for some seconds longer, since a doubled request would come late.
    """
    made.ground.calm()
    until = time.monotonic() + patience
    since: float | None = None
    while time.monotonic() < until and life.alive:
        now = time.monotonic()
        since = (since or now) if made.done else None
        if since is not None and now - since > longer:
            return True
        time.sleep(0.05)
    life.dump_stacks()
    return False
