"""Folding a job's story: what a job waited for is one entry with its duration, however often somebody looked. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from triggerbot.core.formatting import duration, plural
from triggerbot.core.policy import waiting
from triggerbot.store import TimelineEntry

#: The first words of the note of a claim that a breaker or a cap holds.
_HELD = "held: "


@dataclass(slots=True)
class Waited:
    """What a job waited for, from the first time that it was told to the end of that."""

    text: str
    at: float
    seconds: float = 0.0
    #: Further requests meanwhile, all answered in this way.
    asked: int = 0
    #: Whether the job went on.
    over: bool = False

    def sentence(self, now: float | None = None) -> str:
        """Describe it; `now`: to say how long it has lasted, where it does."""
        again = f", asked {plural(self.asked, 'more time')}" if self.asked else ""
        for_what, why = waiting.what(self.text), self.text.removeprefix(_HELD)
        held = why != self.text
        if self.over:
            reason = f" {for_what}" if for_what else f": {why}"
            return f"{'Held' if held else 'Waited'} {duration(self.seconds)}{again}{reason}."
        lasted = "" if now is None else f" ({duration(now - self.at)} so far{again})"
        return f"Waits {for_what}{lasted}." if for_what else f"{'Is held' if held else 'Waits'}{lasted}: {why}."


def fold(entries: Sequence[TimelineEntry]) -> list[TimelineEntry | Waited]:
    """Put a `Waited` in the place of each stretch of waiting, one for each thing that was waited for.

    Where there was something else to wait for, turns belong to it. Verdicts in between stay where they are.
    """
    found: list[TimelineEntry | Waited] = []
    stretch = _Stretch()
    steps = [entry for entry in entries if entry.what != "verdict"]
    for entry, after in zip_longest(steps, steps[1:]):
        stretch.pass_time(entry.at)
        if entry.what == "wait":
            stretch.add(entry)
        elif entry.what == "send" and after is not None and after.what == "wait" and after.text in stretch.waits:
            stretch.waits[after.text].asked += 1
        else:
            found += [*stretch.end(over=True), entry]
            stretch = _Stretch()
    found += [*stretch.end(over=False), *(entry for entry in entries if entry.what == "verdict")]
    return sorted(found, key=lambda one: one.at)


class _Stretch:
    """Waiting that nothing but verdicts and vain requests interrupt."""

    def __init__(self) -> None:
        self.waits: dict[str, Waited] = {}
        self._present: Waited | None = None
        self._since = 0.0

    def pass_time(self, now: float) -> None:
        if self._present is not None:
            self._present.seconds += max(0.0, now - self._since)
            self._since = now

    def add(self, entry: TimelineEntry) -> None:
        self._present = self.waits.setdefault(entry.text, Waited(entry.text, entry.at))
        self._since = entry.at

    def end(self, *, over: bool) -> list[Waited]:
        for one in self.waits.values():
            one.over = over or one is not self._present
        turns = [one for one in self.waits.values() if waiting.is_turn(one.text)]
        others = [one for one in self.waits.values() if not waiting.is_turn(one.text)]
        if not others:
            return turns
        for turn in turns:
            others[-1].seconds += turn.seconds
            others[-1].over = others[-1].over and turn.over
        others[0].at = min(one.at for one in self.waits.values())
        return others
