"""How CIs answer when they are asked for news, and which of them cannot be reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from triggerbot.config import Config, PollSettings
from triggerbot.pipeline.intakes import poll
from triggerbot.store import Store

#: A poll is late after this many rounds without an answer plus this many seconds.
_ROUNDS, _GRACE = 3, 60.0
#: Seconds for which requests must have been without an answer: a single one may get lost.
_SILENT = 60.0


@dataclass(frozen=True, slots=True)
class Polled:
    """The state of polling one CI."""

    system: str
    #: Seconds between rounds.
    every: float
    #: When the CI answered last; `None` if it never has.
    answered: float | None
    #: Whether the CI supports polling, as far as that is known.
    supported: bool = True
    #: When it was asked first, as long as it never answered.
    began: float | None = None

    def late(self, now: float) -> bool:
        """Whether the CI has not answered for several rounds."""
        return self.supported and (self.answered is None or self._overdue(self.answered, now))

    def unreachable_since(self, now: float) -> float | None:
        """Return since when a CI that was asked has not answered, if that is several rounds ago."""
        since = self.began if self.answered is None else self.answered
        return since if self.supported and since is not None and self._overdue(since, now) else None

    def _overdue(self, since: float, now: float) -> bool:
        return now - since > _ROUNDS * self.every + _GRACE


class Unreachable(NamedTuple):
    """A CI without an answer."""

    system: str
    since: float
    #: What its requests ended with, where this process made any.
    why: str


def polled(store: Store, config: Config) -> list[Polled]:
    """Return how each CI answers that is polled, by polls or sweeps. Raises `StoreUnavailable`."""
    sweeps = {name: system.sweep for name, system in config.systems.items() if system.sweep is not None}
    polls = sweeps | {intake.system: intake.every for intake in config.intakes if isinstance(intake, PollSettings)}
    return [_polled(store, name, every) for name, every in sorted(polls.items())]


def _polled(store: Store, system: str, every: float) -> Polled:
    cursor, refused = store.cursor(poll.cursor(system)), store.cursor(poll.refusal(system))
    answered = None if cursor is None else float(cursor)
    supported = refused is None or (answered is not None and answered > float(refused))
    return Polled(system, every, answered, supported, None if answered is not None else poll.first_asked(store, system))


def unreachable(store: Store, config: Config, silent: Mapping[str, tuple[float, str]], now: float) -> list[Unreachable]:
    """Return the CIs that cannot be reached. Raises `StoreUnavailable`.

    `silent`: those that did not answer this process's last request, since when and why. An answer to a poll, by
    whichever process, is newer than that.
    """
    found: dict[str, Unreachable] = {}
    for one in polled(store, config):
        since = one.unreachable_since(now)
        if since is not None:
            found[one.system] = Unreachable(one.system, since, silent.get(one.system, (0.0, ""))[1])
        elif one.answered is not None and one.system in silent and one.answered > silent[one.system][0]:
            silent = {name: why for name, why in silent.items() if name != one.system}
    for name, (since, why) in sorted(silent.items()):
        if name in config.systems and name not in found and now - since > _SILENT:
            found[name] = Unreachable(name, since, why)
    return list(found.values())
