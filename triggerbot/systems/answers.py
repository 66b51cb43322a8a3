"""What became of a request, as a CI answered it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The CI took the request; `runs` are the new runs' ids, where it names them."""

    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The CI rejected the request for good."""

    why: str
    #: The reason lies with this run: no sign of an outage of the CI.
    healthy: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """The CI certainly did not act; retry after `after` seconds at the earliest (`None`: it did not say)."""

    why: str
    after: float | None = None
    #: The CI is healthy and has a reason to wait: a rate limit, or a run that is still running.
    healthy: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is unknown whether the CI acted; only a look-back can settle it. Never retry on a guess."""

    why: str


Answer = Accepted | Refused | Later | Unknown
