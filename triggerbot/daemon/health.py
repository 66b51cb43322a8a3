"""The health checks of one engine: its store, threads, intakes, reports and the systems that it talks to."""

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from triggerbot.core.errors import StoreRefused, StoreUnavailable
from triggerbot.core.formatting import hours
from triggerbot.daemon.clock import ClockWatch
from triggerbot.liveness import Check, Liveness
from triggerbot.pipeline.admission import Admission
from triggerbot.pipeline.intakes.poll import Poll
from triggerbot.pipeline.intakes.pulse import Pulse
from triggerbot.reports.publisher import Publisher
from triggerbot.store import CRASHES_MAX, LOOP_SECONDS, Store, crash_loops
from triggerbot.web.webhooks import RejectedWebhooks

#: Seconds overdue after which a person should look at it.
_OVERDUE = 300.0
#: The cursor that each check writes.
_CURSOR = "health"


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """What the health checks look at."""

    store: Store
    #: By name.
    systems: Iterable[str]
    threads: Sequence[threading.Thread]
    liveness: Liveness
    polls: Sequence[Poll]
    pulses: Sequence[Pulse]
    rejected: RejectedWebhooks
    admission: Admission
    clock_watch: ClockWatch
    publisher: Publisher
    clock: Callable[[], float]

    def checks(self) -> dict[str, Check]:
        """Check everything, by the name that users see."""
        now = self.clock()
        return {
            **_check_store(self.store, now),
            **_check_crashes(self.store, now),
            **_check_branches(self.store, now),
            **_check_threads(self.threads, self.liveness),
            **self._check_intakes(now),
            **_check_systems(self.systems, self.admission, now),
            "clock": Check.warn_if(self.clock_watch.trouble(now)),
            **{f"report {name}": Check.warn_if(why) for name, why in self.publisher.troubles().items()},
        }

    def _check_intakes(self, now: float) -> dict[str, Check]:
        return {
            # A CI without an answer has an outage of its own, which a restart of this service would not fix.
            **{f"poll {one.name}": Check.warn_if("no answer lately" if one.late(now) else "") for one in self.polls},
            **{f"queue {one.name}": Check.fail_if(one.trouble(now)) for one in self.pulses},
            **{f"webhooks {name}": Check.warn_if(self.rejected.trouble(name)) for name in self.systems},
        }


def _check_store(store: Store, now: float) -> dict[str, Check]:
    try:
        # Moving a cursor is a real write: it fails on a full disk or without permission.
        store.observe([], now, dry=True, cursor=(_CURSOR, repr(now)))
        due, letters = store.due.next(), store.letters.count()
        # The health response lists these too, so they have to be readable.
        store.limits.breakers()
        pause = store.limits.paused()
    except (StoreUnavailable, StoreRefused) as error:
        return {"store": Check.fail_if(str(error))}
    late = 0.0 if due is None else now - due
    return {
        "store": Check(),
        "due": Check.warn_if(f"what is due next has been due for {late:.0f} s" if late > _OVERDUE else ""),
        "sending": Check.warn_if("" if pause is None else f"paused by {pause.by}: triggerbot resume"),
        "dead letters": Check.warn_if(f"{letters} are kept: triggerbot dead-letters list" if letters else ""),
    }


def _check_crashes(store: Store, now: float) -> dict[str, Check]:
    """Fail if a worker of this machine is in a crash loop: between two crashes everything seems to work."""
    try:
        loops = crash_loops(store.crashes.read(CRASHES_MAX), now)
    except (StoreUnavailable, StoreRefused):
        return {}
    note = ", ".join(
        f"worker {name} crashed {number} times in {LOOP_SECONDS / 60:.0f} min" for name, number in loops.items()
    )
    note = note and f"{note}: triggerbot stats --errors"
    own = any(name.rpartition("/")[0] == socket.gethostname() for name in loops)
    return {"crashes": Check.fail_if(note) if own else Check.warn_if(note)}


def _check_branches(store: Store, now: float) -> dict[str, Check]:
    """Warn of branches of which nothing is heard: their CI, or the way from there to here, is broken."""
    try:
        expected = store.expectations.every()
    except (StoreUnavailable, StoreRefused):
        return {}
    return {
        f"branch {one.project} {one.branch}": Check.warn_if(
            f"nothing was heard for {hours(silent)}; something is expected every {hours(one.every)}"
            if (silent := one.silent_for(now))
            else ""
        )
        for one in expected
    }


def _check_threads(threads: Iterable[threading.Thread], liveness: Liveness) -> dict[str, Check]:
    hung = {heartbeat.name for heartbeat in liveness.hung()}
    return {one.name: Check.fail_if("died" if _died(one) else "hung" if one.name in hung else "") for one in threads}


def _died(thread: threading.Thread) -> bool:
    # The poll of a system that does not support polling ends, as it should.
    return thread.ident is not None and not thread.is_alive() and not thread.name.startswith("poll")


def _check_systems(systems: Iterable[str], admission: Admission, now: float) -> dict[str, Check]:
    """Warn of each CI that does not answer: an outage of the CI, not of this service."""
    silent = admission.silent
    return {
        f"system {name}": Check.warn_if(
            "" if (since := silent.get(name)) is None else f"no answer for {now - since[0]:.0f} s: {since[1]}"
        )
        for name in systems
    }
