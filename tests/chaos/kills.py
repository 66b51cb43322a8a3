"""kill -9 of the daemon at random moments, on either store, whichever way events come."""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fakes.daemon import SECRET, TOKEN
from fakes.rabbit import Broker, Rabbit
from fakes.redis_server import RedisServer
from fakes.servers import free_ports

from chaos.checker import Verdict, check
from chaos.feeding import Feeder, Hooks, Messages, make_queue
from chaos.ground import Ground, temporary
from chaos.launch import Life, Template

StoreName = Literal["sqlite", "redis"]
IntakeName = Literal["webhook", "amqp"]

CONFIG = """
store: "{store}"
listen: 127.0.0.1:{port}
systems:
  ci: {{type: generic, url: "{ci}", token: "env:CI_TOKEN", webhook_secret: "env:WEBHOOK_SECRET", grace: 1s, sweep: "{sweep}"}}
{intakes}
rules:
  - projects: [try]
    budget: {{percent: 100, floor: 1000000}}
    lookup: {{attempts: 100, delay: 200ms}}
breaker: {breaker}
caps: {{service: off, project: off, author: off}}
"""
PULSE = "intakes: [{{pulse: {{system: ci, url: '{url}', queue: {queue}, bindings: [{{exchange: {exchange}}}]}}}}]"
ENVIRONMENT = {"CI_TOKEN": TOKEN, "WEBHOOK_SECRET": SECRET}
#: Retriggers that each failure is worth, by default.
WANTED = 2
#: Seconds that a last life gets to come to the end of everything.
PATIENCE = 180.0


@dataclass
class Stage:
    """What a run plays on: a CI, a feeder, a config, and servers where they are needed."""

    directory: Path
    seed: int
    ground: Ground
    feeder: Feeder
    template: Template
    config: Path
    redis: RedisServer | None = None
    broker: Broker | None = None
    starts: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    def start(self, **points: Any) -> Life:
        """Begin a life of the daemon."""
        self.starts += 1
        return self.template.start(self.config, ENVIRONMENT, **points)

    def verdict(self) -> Verdict:
        """Compare what was fed with what the CI wrote down."""
        return check(self.feeder.attempted, self.feeder.acknowledged, self.ground.made(), WANTED)


@contextmanager
def stage(
    store: StoreName,
    intake: IntakeName,
    seed: int,
    *,
    rabbit: Rabbit | None = None,
    breaker: str = "{canary: 500ms, longest: 2s}",
    sweep: str = "off",
    store_port: int | None = None,
    amqp_port: int | None = None,
    **ground: Any,
) -> Iterator[Stage]:
    """Set everything up; ports may be given where a proxy stands before a server."""
    directory = temporary()
    with ExitStack() as stack:
        redis = broker = None
        (directory / "redis").mkdir()
        if store == "redis":
            arguments = ("--appendonly", "yes", "--appendfsync", "everysec")
            redis = stack.enter_context(RedisServer(directory / "redis", *arguments))
        if intake == "amqp":
            assert rabbit is not None
            broker = Broker(rabbit)
            make_queue(broker)
        (port,) = free_ports(1)
        ci = stack.enter_context(Ground(directory / "ground.jsonl", seed, sweeps=sweep != "off", **ground))
        dice = random.Random(f"feeder {seed}")
        feeder = stack.enter_context(Messages(broker, dice) if broker is not None else Hooks(port, dice))
        template = stack.enter_context(Template())
        (directory / "life").mkdir()
        config = directory / "life" / "triggerbot.yml"
        made = Stage(directory, seed, ci, feeder, template, config, redis, broker)
        write_config(made, port, store_port=store_port, amqp_port=amqp_port, breaker=breaker, sweep=sweep)
        yield made


def write_config(
    made: Stage, port: int, *, store_port: int | None, amqp_port: int | None, breaker: str, sweep: str
) -> None:
    """Write the daemon's config."""
    address = "sqlite:state.db"
    if made.redis is not None:
        address = made.redis.url() if store_port is None else f"redis://127.0.0.1:{store_port}/0"
    intakes = ""
    if made.broker is not None:
        url = made.broker.url
        if amqp_port is not None:
            url = f"amqp://guest:guest@127.0.0.1:{amqp_port}//"
        intakes = PULSE.format(url=url, queue=made.broker.queue, exchange=made.broker.exchange)
    made.config.write_text(
        CONFIG.format(store=address, port=port, ci=made.ground.url, intakes=intakes, breaker=breaker, sweep=sweep)
    )


def settle(made: Stage, life: Life, patience: float = PATIENCE) -> bool:
    """Let a life go on until everything is done; tells whether it came to that."""
    made.ground.calm()
    until = time.monotonic() + patience
    still = 0
    while time.monotonic() < until and life.alive:
        # A while longer: a second request for the same would come late.
        still = still + 1 if made.feeder.idle and made.verdict().ok == len(set(made.feeder.acknowledged)) else 0
        if still > 8:
            return True
        time.sleep(0.25)
    return False


def kills(
    store: StoreName, intake: IntakeName, runs: int, seed: int, rabbit: Rabbit | None = None, longest: float = 0.5
) -> tuple[Verdict, dict[str, Any]]:
    """Kill a daemon so many times, each after up to so many seconds, while failures keep coming."""
    dice = random.Random(seed)
    begun = time.monotonic()
    with stage(store, intake, seed, rabbit=rabbit) as made:
        for number in range(runs):
            life = made.start()
            if number % 2 == 0:
                jobs = [f"job-{one}" for one in range(dice.randint(1, 3))]
                made.feeder.feed(*made.ground.fail(f"{number:07x}", jobs))
            time.sleep(dice.uniform(0.005, longest))
            life.kill()
        chosen = made.ground.calm()
        life = made.start()
        settled = settle(made, life)
        life.kill()
        verdict = made.verdict()
        about = {"kills": runs, "seconds": round(time.monotonic() - begun), "settled": settled, "faults": chosen}
        if store == "sqlite":
            about["integrity"] = _integrity(made.directory / "life" / "state.db")
        if not verdict.good:
            about["directory"] = str(made.directory)
    return verdict, about


def _integrity(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
