"""Everything that one configuration sets in motion: intakes, dispatcher, publisher and pages, in threads.

A daemon has one engine; when the configuration changes it starts another on the same store and stops the first.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from starlette.applications import Starlette

from triggerbot.config import Config, FileConfig, PollConfig, PulseConfig
from triggerbot.core.errors import StoreRefused, StoreUnavailable, UsageError
from triggerbot.daemon.health import Health
from triggerbot.liveness import Liveness, Stop
from triggerbot.metrics import Metrics
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.intakes.file import File
from triggerbot.pipeline.intakes.poll import Poll
from triggerbot.pipeline.intakes.pulse import Pulse
from triggerbot.pipeline.observer import Observer
from triggerbot.pipeline.outages import OutageDetector
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.reports.factory import publisher
from triggerbot.reports.judge import Judge
from triggerbot.store import Store
from triggerbot.systems import ReadsMessages, System
from triggerbot.web import app
from triggerbot.web.api import Api
from triggerbot.web.pages import Pages
from triggerbot.web.session import Access
from triggerbot.web.webhooks import Hooks

log = structlog.get_logger("triggerbot.engine")

#: Pushes that are worked on at once; most of that time is spent waiting for CIs.
_DISPATCHERS = 4  # for each system, up to so many in all:
_DISPATCHERS_MOST = 32
#: Pushes that are judged and reported at once.
_PUBLISHERS = 2
#: Seconds between looks for what is older than the retention.
_PURGE_EVERY = 3600.0
#: Seconds without progress after which a part is hung: no answer of a CI takes that long, those of brokers and stores
#: even less; only to forget very many pushes may.
_LIMIT, _LIMITS = 300.0, {"housekeeping": 1800.0}


@dataclass
class Engine:
    """What runs by one configuration."""

    config: Config
    dry: bool
    store: Store
    systems: Mapping[str, System]
    #: Its number, if it is one of several processes of one supervisor.
    worker: int | None = None
    #: Is told at once what a part died of.
    died: Callable[[BaseException], None] = lambda _: None
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    liveness: Liveness = field(default_factory=Liveness)

    def __post_init__(self) -> None:
        """Wire the parts."""
        self._stop = threading.Event()
        self.observer = Observer(
            self.store, self.config.rules, dry=self.dry, clock=self.clock, metrics=self.metrics, on_due=self._wake,
            outages=OutageDetector(self.config.bounds.breakers, self.clock),
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            self.store,
            self.systems,
            self.observer,
            DispatchSettings(self.config.rules, self.dry, self.config.bounds),
            clock=self.clock,
            metrics=self.metrics,
        )
        self._polls = self._make_polls()
        self._pulses = self._make_pulses()
        self.judge = Judge(self.store, self.clock, rules=self.config.rules)
        self.publisher = publisher(
            self.config, self.systems, self.store, self.judge, dry=self.dry, clock=self.clock, metrics=self.metrics
        )
        self._threads = self._make_threads()
        hooks = Hooks(self.systems, self.observer, self.store, self.metrics, self.clock)
        self.health = Health(
            self.store, self.systems, self._threads, self.liveness, self._polls, self._pulses, hooks.refused,
            self.dispatcher.admission, self.clock,
        )  # fmt: skip
        self._pages = self._make_pages()
        self.app = self._make_app(hooks)

    def start(self) -> None:
        """Let every part begin, or none."""
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError:
            # There is no room for another thread: those that have begun already must not go on by themselves.
            self.stop()
            raise

    def hush(self) -> None:
        """End the answers that would never end by themselves."""
        self._pages.live.end()

    def stop(self) -> None:
        """Tell every part to end."""
        self.hush()
        self._stop.set()
        for _ in self._threads:
            self.dispatcher.wake()

    def end(self, seconds: float) -> list[str]:
        """Wait so long until every part has ended, and name those that have not; lets go of connections else."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        busy = [thread.name for thread in self._threads if thread.is_alive()]
        if not busy:
            self.publisher.close()
            for system in self.systems.values():
                system.close()
        return busy

    def _wake(self) -> None:
        self.dispatcher.wake()

    @property
    def _first(self) -> bool:
        return self.worker in (None, 1)

    def _make_pages(self) -> Pages:
        page = self.config.page
        access = Access(page.address, tuple(token.read() for token in page.tokens), page.user_header, page.proxies)
        return Pages(
            self.store, self.judge, self.config, access, dry=self.dry, clock=self.clock, health=self.health.checks
        )

    def _make_app(self, hooks: Hooks) -> Starlette:
        api = Api(
            self.store, self.judge, self.metrics, self.clock, self.health.checks, {"dry_run": self.dry},
            self.config.rules,
        )  # fmt: skip
        return app.build(hooks, api, self._pages)

    def _make_polls(self) -> list[Poll]:
        """A poll for each that is configured, and a sweep for every other system; one worker is enough for them."""
        if not self._first:
            return []
        every = {
            name: settings.sweep for name, settings in self.config.systems.items() if settings.sweep is not None
        } | {intake.system: intake.every for intake in self.config.intakes if isinstance(intake, PollConfig)}
        return [
            Poll(self.systems[name], seconds, self.store, self.observer, clock=self.clock, metrics=self.metrics)
            for name, seconds in every.items()
        ]

    def _make_pulses(self) -> list[Pulse]:
        """One for each queue; every worker consumes all of them."""
        return [
            Pulse(
                intake,
                intake.address(),
                _reader(self.systems[intake.system]),
                self.store,
                self.observer,
                clock=self.clock,
                metrics=self.metrics,
                on_gap=partial(self._hurry, intake.system),
            )
            for intake in self.config.intakes
            if isinstance(intake, PulseConfig)
        ]

    def _hurry(self, system: str) -> None:
        """Sweep at once: something is known to have been missed."""
        for poll in self._polls:
            if poll.name == system:
                poll.poll_now()

    def _make_threads(self) -> list[threading.Thread]:
        files = [
            File(intake.system, Path(intake.path), self.store, self.observer, clock=self.clock, metrics=self.metrics)
            for intake in self.config.intakes
            if isinstance(intake, FileConfig) and self._first
        ]
        dispatchers = min(_DISPATCHERS_MOST, _DISPATCHERS * max(1, len(self.systems)))
        targets: list[tuple[str, Callable[[threading.Event], None]]] = [
            *((f"dispatcher-{number}", self.dispatcher.run) for number in range(dispatchers)),
            *((f"poll-{number}", poll.run) for number, poll in enumerate(self._polls)),
            *((f"pulse-{number}", pulse.run) for number, pulse in enumerate(self._pulses)),
            *((f"file-{number}", file.run) for number, file in enumerate(files)),
            *((f"publisher-{number}", self.publisher.run) for number in range(_PUBLISHERS)),
            ("guard", self.dispatcher.admission.run),
            ("housekeeping", self._keep_house),
        ]
        return [threading.Thread(target=self._guard, args=target, name=target[0], daemon=True) for target in targets]

    def _guard(self, name: str, target: Callable[[threading.Event], None]) -> None:
        """A part that dies unasked brings the whole down: the supervisor starts a clean one."""
        try:
            with self.liveness.part(name, _LIMITS.get(name, _LIMIT)) as heartbeat:
                target(Stop(heartbeat, self._stop))
        except Exception as error:
            log.exception("daemon.part_died", part=name)
            self.died(error)

    def _keep_house(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                gone = self.store.purge(self.clock() - self.config.retention)
            except (StoreUnavailable, StoreRefused) as error:
                log.warning("store.not_purged", error=str(error))
                gone = 0
            if gone:
                log.info("store.purged", pushes=gone)
            stop.wait(_PURGE_EVERY)


def _reader(system: System) -> ReadsMessages:
    """Take a system as one whose messages arrive over AMQP; raises `UsageError` if they do not."""
    if not isinstance(system, ReadsMessages):
        raise UsageError(f"system {system.name} sends no messages over AMQP: take its pulse intake out of the config")
    return system
