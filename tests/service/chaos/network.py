"""A network that is bad everywhere at once, while failures keep coming: to the CI, to Redis and to RabbitMQ."""

import random
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.rabbit import Rabbit
from tests.service.chaos.checker import Verdict
from tests.service.chaos.faulty_network import Wire
from tests.service.chaos.harness import BREAKER, IntakeName, StoreName, settle, stage, write_config

#: Bytes of a connection within which its fault comes: few to the CI, many to Redis and RabbitMQ.
_TO_CI, _TO_REDIS, _TO_BROKER = 900, 20_000, 6_000


def network(
    store: StoreName, intake: IntakeName, runs: int, seed: int, rabbit: Rabbit | None = None
) -> tuple[Verdict, dict[str, Any]]:
    """Let jobs fail while a daemon works through faulty connections, then stop the faults and let it finish."""
    dice = random.Random(seed)
    begun = time.monotonic()
    with ExitStack() as stack:
        made = stack.enter_context(stage(store, intake, seed, rabbit=rabbit, posts={}, reads={}))

        def wire(port: int | None, reach: int) -> Wire | None:
            return None if port is None else stack.enter_context(Wire(port, dice.randrange(1 << 30), reach=reach))

        to_ci = wire(urlsplit(made.ground.url).port, _TO_CI)
        to_redis = wire(None if made.redis is None else made.redis.port, _TO_REDIS)
        to_broker = wire(None if made.broker is None else made.broker.rabbit.port, _TO_BROKER)
        assert to_ci is not None
        write_config(
            made, made.port, store_port=to_redis.port if to_redis else None,
            amqp_port=to_broker.port if to_broker else None,
            breaker=BREAKER, sweep="off", ci=f"http://127.0.0.1:{to_ci.port}",
        )  # fmt: skip
        life = made.start_up()
        while not life.alive:
            # A daemon that cannot reach its store at the start exits, and is started again, as by systemd.
            life = made.start_up()
        for number in range(0, runs, 5):
            made.feeder.feed(*made.ground.fail(f"{number:07x}", [f"job-{one}" for one in range(min(5, runs - number))]))
            time.sleep(dice.uniform(0, 0.5))
        wires = {"ci": to_ci, "redis": to_redis, "broker": to_broker}
        for one in wires.values():
            if one is not None:
                one.calm()
        settled = settle(made, life)
        life.kill()
        faults: Counter[str] = Counter()
        for name, one in wires.items():
            faults.update({f"{name} {kind}": times for kind, times in (one.done if one is not None else {}).items()})
        verdict = made.verdict()
        about = {"seconds": round(time.monotonic() - begun), "settled": settled, "faults": dict(faults),
                 "log": made.history()}  # fmt: skip
        made.keep_files = not (verdict.good and settled)
        if made.keep_files:
            about["directory"] = str(made.directory)
    return verdict, about
