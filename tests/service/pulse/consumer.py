"""One Pulse intake of a broker, with its own thread and store."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.daemon import eventually
from tests.fakes.rabbit import Broker
from triggerbot.config import PulseSettings
from triggerbot.config.intakes import Binding
from triggerbot.core import event_json
from triggerbot.core.model import Heard
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.intakes.pulse import Pulse
from triggerbot.pipeline.observer import Observer
from triggerbot.store import DeadLetter
from triggerbot.store.factory import open_file


def canonical_event(run_id: int | str, **more: Any) -> dict[str, Any]:
    """Return a canonical event of a new run."""
    return {
        "project": "try", "branch": "try", "revision": "abcdef1", "job": f"job-{run_id}", "run_id": str(run_id),
        "state": "finished", "result": "success", **more,
    }  # fmt: skip


class Canonical:
    """A system whose messages are canonical events; some of them make it fail, as a bug would."""

    name = "ci"

    def __init__(self, faults: dict[str, BaseException]) -> None:
        self.faults = faults
        self.exchanges: set[str] = set()

    def parse_message(self, exchange: str, body: bytes) -> Sequence[Heard]:
        """Read one event."""
        self.exchanges.add(exchange)
        event = event_json.decode(body, self.name)
        if event.run_id in self.faults:
            raise self.faults[event.run_id]
        return [event]


class Consumer:
    """The intake; closing it acknowledges what is stored and closes everything."""

    def __init__(
        self,
        broker: Broker,
        path: Path,
        *,
        url: str | None = None,
        faults: dict[str, BaseException] | None = None,
        bindings: Sequence[tuple[str, str]] | None = None,
        prefetch: int = 1000,
        ca: str | None = None,
        queue: str | None = None,
    ) -> None:
        self.store = open_file(path, durable=False)
        self.system = Canonical(faults or {})
        self.metrics = Metrics()
        self.observer = Observer(self.store, [Rule(Globs(["try"]))], dry=True, clock=time.time, metrics=self.metrics)
        bound = [Binding(exchange=exchange, routing_key=key) for exchange, key in bindings or [(broker.exchange, "#")]]
        config = PulseSettings(
            system="ci", url=url or broker.url, queue=queue or broker.queue, bindings=tuple(bound), prefetch=prefetch,
            **({} if ca is None else {"ca": ca}),
        )  # fmt: skip
        self.gaps = 0
        self.pulse = Pulse(
            config, url or broker.url, self.system, self.store, self.observer, clock=time.time, metrics=self.metrics,
            on_gap=self._gap,
        )  # fmt: skip
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.pulse.run, args=(self._stop,), name="pulse-under-test")

    def _gap(self) -> None:
        self.gaps += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.store.close()

    def stop(self) -> None:
        """Stop it, and wait until it has stopped."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    @property
    def connected(self) -> bool:
        """Whether it consumes."""
        return not self.trouble()

    def trouble(self) -> str:
        """Return what an operator would read after an hour without a connection; empty while there is one."""
        return self.pulse.trouble(self.pulse.lost_since + 3600)

    def runs(self) -> set[str]:
        """The ids of all runs that it has recorded."""
        found = set()
        for push in self.store.pushes.recent(100):
            record = self.store.pushes.record(push)
            assert record is not None
            found |= {run.run_id for job in record.jobs for run in job.runs}
        return found

    def wait_for_runs(self, *run_ids: int | str) -> None:
        """Wait until these runs are recorded, and nothing else is."""
        wanted = {str(run_id) for run_id in run_ids}
        eventually(lambda: wanted <= self.runs(), f"runs {sorted(wanted)[:5]} are recorded")
        assert self.runs() == wanted

    def letters(self, number: int) -> list[DeadLetter]:
        """Wait for `number` dead letters."""
        eventually(lambda: len(self.store.letters.read()) >= number, f"{number} dead letters")
        return self.store.letters.read()
