"""One try of a reporter, and what came of it: the same for pushes, branches, and branches that are silent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import structlog

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, StoreUnavailable
from triggerbot.core.policy import backoff
from triggerbot.metrics import Metrics

log = structlog.get_logger("triggerbot.publish")

#: Seconds until a reporter is tried again that was denied, or failed by an error of our own.
DENIED = 600.0


class Outcome(StrEnum):
    """What came of a try, as the metric of reports counts it."""

    DONE = "done"
    #: What the report belongs to is not there any more.
    GONE = "gone"
    #: Somebody has to permit it first.
    DENIED = "denied"
    LATER = "later"
    #: An error of our own.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try, and when there is to be another."""

    outcome: Outcome
    #: Seconds until the next try; `None`: there is none.
    wait: float | None = None
    #: When the reporter wants to be called again although it is done.
    due: float | None = None


def attempt(
    name: str, fields: Mapping[str, str], send: Callable[[], float | None], metrics: Metrics, *, waited: float = 0.0
) -> Tried:
    """Have a reporter (`name`) report; log and count what comes of it.

    `fields`: what it is about, for the log. `waited`: seconds since it failed first: what fails for long is tried less
    often. Raises `StoreUnavailable`.
    """
    try:
        tried, why, healthy = Tried(Outcome.DONE, due=send()), "", False
    except StoreUnavailable:
        raise
    except NotKnown as error:
        tried, why, healthy = Tried(Outcome.GONE), str(error), False
    except CIDenied as error:
        tried, why, healthy = Tried(Outcome.DENIED, DENIED), str(error), False
    except CIUnavailable as error:
        # A turn that was promised, or the end of a limit, is not to be missed.
        slower = 0.0 if error.healthy else backoff.slower(waited)
        tried, why, healthy = Tried(Outcome.LATER, backoff.delay(0, error.after) + slower), str(error), error.healthy
    except Exception as error:
        log.exception("report.broken", report=name, **fields)
        tried, why, healthy = Tried(Outcome.BROKEN, DENIED), str(error), False
    if tried.outcome is not Outcome.DONE:
        # Waiting for one's turn needs nobody's attention, and happens again and again.
        log_line = log.debug if healthy else log.warning
        log_line("report.failed", report=name, outcome=str(tried.outcome), error=why, **fields)
    metrics.reports.labels(name.partition(":")[0], str(tried.outcome)).inc()
    return tried
