"""The engine: everything that runs for one configuration, intakes, dispatcher, publisher and pages, in threads.

A daemon has one engine. When the configuration changes, it starts another on the same store and stops the first.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from starlette.applications import Starlette

from triggerbot.config import Config, FileSettings, PollSettings, PulseSettings
from triggerbot.core.errors import StoreRefused, StoreUnavailable, UsageError
from triggerbot.daemon.clock import ClockWatch
from triggerbot.daemon.health import HealthChecks
from triggerbot.liveness import Liveness, Stop
from triggerbot.metrics import Metrics
from triggerbot.pipeline.backgrounds import Backgrounds
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.history import Histories
from triggerbot.pipeline.intakes.file import File
from triggerbot.pipeline.intakes.poll import Poll
from triggerbot.pipeline.intakes.pulse import Pulse
from triggerbot.pipeline.observer import Observer
from triggerbot.pipeline.outages import OutageDetector
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.pipeline.turns import StoreSlots
from triggerbot.reports.branches.backfills import Backfiller
from triggerbot.reports.factory import publisher
from triggerbot.reports.judge import Judge
from triggerbot.store import Store
from triggerbot.systems import LimitsWrites, ReadsMessages, System
from triggerbot.web import app
from triggerbot.web.api import Api
from triggerbot.web.pages import Pages
from triggerbot.web.session import Access
from triggerbot.web.webhooks import Hooks

log = structlog.get_logger("triggerbot.engine")

#: Dispatcher threads for each system, and in all; they spend most of their time waiting for CIs.
_DISPATCHERS, _DISPATCHERS_MOST = 4, 32
#: Pushes that are judged and reported at once.
_PUBLISHERS = 2
#: Seconds between purges of what is older than the retention, and between counts of what has changed.
_PURGE_EVERY, _COUNT_EVERY = 3600.0, 60.0
#: Seconds without events after which a push takes less room in the store.
_QUIET = 6 * 3600.0
#: Seconds without progress after which a part is hung: no answer of a CI takes that long, and those of brokers and
#: stores take less. Only purging very many pushes may take longer.
_LIMIT, _LIMITS = 300.0, {"housekeeping": 1800.0}


@dataclass
class Engine:
    """The parts that run for one configuration."""

    config: Config
    dry: bool
    store: Store
    systems: Mapping[str, System]
    #: Its number, if it is one of several processes of one supervisor.
    worker: int | None = None
    #: Called at once with the exception of which a part died.
    on_death: Callable[[BaseException], None] = lambda _: None
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    liveness: Liveness = field(default_factory=Liveness)

    def __post_init__(self) -> None:
        """Create the parts and connect them."""
        self._stop = threading.Event()
        histories = Histories(self.store, self.clock)
        self.observer = Observer(
            self.store, self.config.rules, dry=self.dry, clock=self.clock, metrics=self.metrics, on_due=self._wake,
            outages=OutageDetector(self.config.bounds.breakers, self.clock),
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            self.store,
            self.systems,
            self.observer,
            DispatchSettings(
                self.config.rules, self.dry, self.config.bounds, Backgrounds(histories), histories.telling
            ),
            clock=self.clock,
            metrics=self.metrics,
        )
        for system in self.systems.values():
            if isinstance(system, LimitsWrites):
                system.share(StoreSlots(self.store, self.clock))
        self._polls = self._make_polls()
        self._pulses = self._make_pulses()
        self.judge = Judge(self.store, self.clock, rules=self.config.rules, histories=histories)
        self.publisher = publisher(
            self.config, self.systems, self.store, self.judge, dry=self.dry, clock=self.clock, metrics=self.metrics
        )
        self.backfiller = Backfiller(self.store, self.config.rules, clock=self.clock, metrics=self.metrics)
        self.clock_watch = ClockWatch(self.store, self.clock)
        self._threads = self._make_threads()
        hooks = Hooks(self.systems, self.observer, self.store, self.metrics, self.clock)
        self.health = HealthChecks(
            self.store, self.systems, self._threads, self.liveness, self._polls, self._pulses, hooks.refused,
            self.dispatcher.admission, self.clock_watch, self.publisher, self.clock,
        )  # fmt: skip
        self._pages = self._make_pages()
        self.app = self._make_app(hooks)

    def start(self) -> None:
        """Start every part, or none."""
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError:
            # The system allows no further thread: stop those that have started.
            self.stop()
            raise

    def end_streams(self) -> None:
        """End the open HTTP responses (live updates), which would not end by themselves."""
        self._pages.live.end()

    def stop(self) -> None:
        """Signal every part to stop; see `join`."""
        self.end_streams()
        self._stop.set()
        for _ in self._threads:
            self.dispatcher.wake()

    def join(self, seconds: float) -> list[str]:
        """Wait for the parts to end, and return the names of those that have not; close all connections if none."""
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
    def _is_first_worker(self) -> bool:
        return self.worker in (None, 1)

    def _make_pages(self) -> Pages:
        page = self.config.page
        access = Access(
            page.address,
            tuple(token.read() for token in page.token),
            page.user_header,
            page.proxies,
            anyone_reads=self.config.anyone_reads,
            metrics_tokens=tuple(token.read() for token in page.metrics_token),
            hosts=self.config.hosts,
        )
        return Pages(
            self.store, self.judge, self.config, access, dry=self.dry, clock=self.clock, health=self.health.checks,
            silent=lambda: dict(self.dispatcher.admission.silent),
        )  # fmt: skip

    def _make_app(self, hooks: Hooks) -> Starlette:
        api = Api(
            self.store, self.judge, self.metrics, self.clock, self.health.checks, {"dry_run": self.dry},
            self.config.rules,
        )  # fmt: skip
        return app.build(hooks, api, self._pages)

    def _make_polls(self) -> list[Poll]:
        """Make a poll for each poll intake, and a sweep for every other system; only the first worker runs them."""
        if not self._is_first_worker:
            return []
        every = {
            name: settings.sweep for name, settings in self.config.systems.items() if settings.sweep is not None
        } | {intake.system: intake.every for intake in self.config.intakes if isinstance(intake, PollSettings)}
        return [
            Poll(self.systems[name], seconds, self.store, self.observer, clock=self.clock, metrics=self.metrics)
            for name, seconds in every.items()
        ]

    def _make_pulses(self) -> list[Pulse]:
        """Make an intake for each queue; every worker consumes all of them."""
        return [
            Pulse(
                intake,
                intake.address(),
                _reader(self.systems[intake.system]),
                self.store,
                self.observer,
                clock=self.clock,
                metrics=self.metrics,
                on_gap=partial(self._sweep_now, intake.system),
            )
            for intake in self.config.intakes
            if isinstance(intake, PulseSettings)
        ]

    def _sweep_now(self, system: str) -> None:
        """Sweep at once, because events are known to have been missed."""
        for poll in self._polls:
            if poll.name == system:
                poll.poll_now()

    def _make_threads(self) -> list[threading.Thread]:
        files = [
            File(intake.system, Path(intake.path), self.store, self.observer, clock=self.clock, metrics=self.metrics)
            for intake in self.config.intakes
            if isinstance(intake, FileSettings) and self._is_first_worker
        ]
        dispatchers = min(_DISPATCHERS_MOST, _DISPATCHERS * max(1, len(self.systems)))
        targets: list[tuple[str, Callable[[threading.Event], None]]] = [
            *((f"dispatcher-{number}", self.dispatcher.run) for number in range(dispatchers)),
            *((f"poll-{number}", poll.run) for number, poll in enumerate(self._polls)),
            *((f"pulse-{number}", pulse.run) for number, pulse in enumerate(self._pulses)),
            *((f"file-{number}", file.run) for number, file in enumerate(files)),
            *((f"publisher-{number}", self.publisher.run) for number in range(_PUBLISHERS)),
            ("backfills", self.backfiller.run),
            ("guard", self.dispatcher.admission.run),
            ("housekeeping", self._keep_house),
        ]
        return [threading.Thread(target=self._run_part, args=target, name=target[0], daemon=True) for target in targets]

    def _run_part(self, name: str, target: Callable[[threading.Event], None]) -> None:
        """Run one part with a heartbeat; if it dies, report that, so that the whole process is replaced."""
        try:
            with self.liveness.part(name, _LIMITS.get(name, _LIMIT)) as heartbeat:
                target(Stop(heartbeat, self._stop))
        except Exception as error:
            log.exception("daemon.part_died", part=name)
            self.on_death(error)

    def _keep_house(self, stop: threading.Event) -> None:
        """Purge the store regularly, and in between count what has changed, so that nobody has to wait for that."""
        next_purge = -math.inf
        while not stop.is_set():
            with suppress(StoreUnavailable, StoreRefused):
                self.clock_watch.check()
            if time.monotonic() >= next_purge:
                self._purge()
                next_purge = time.monotonic() + _PURGE_EVERY
            else:
                # Whoever needs the store says that it is away.
                with suppress(StoreUnavailable, StoreRefused):
                    self.store.statistics.count()
            stop.wait(_COUNT_EVERY)

    def _purge(self) -> None:
        try:
            purged = self.store.purge(self.clock() - self.config.retention, self.clock() - _QUIET)
        except (StoreUnavailable, StoreRefused) as error:
            log.warning("store.not_purged", error=str(error))
            return
        if purged:
            log.info("store.purged", pushes=purged)


def _reader(system: System) -> ReadsMessages:
    """Return a system as one that sends messages over AMQP; raises `UsageError` if it does not."""
    if not isinstance(system, ReadsMessages):
        raise UsageError(f"system {system.name} sends no messages over AMQP: take its pulse intake out of the config")
    return system
