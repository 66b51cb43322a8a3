"""The demo's output: a feed of what the CI did and the daemon decided, and a table of the pushes."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from triggerbot.core.decision import Refusal
from triggerbot.core.formatting import plural
from triggerbot.reports import glossary

#: Lines of the feed held for the screen.
_FEED_MAX = 200
_COLOURS = {
    "good": "bold green", "failing": "bold red", "pending": "cyan", "intermittent": "yellow", "failed": "red",
    "passed": "green", "incomplete": "magenta", "G": "green", "O": "dark_orange", ".": "cyan",
}  # fmt: skip
_CHANCE = "that it is intermittent"
_NOTES = {
    "lost": ("CI", "no webhook tells that {job} failed: the sweep has to find it", "dim"),
    "ill": ("CI", "accepts {count} more of {job}, and answers 500 all the same", "magenta"),
    "undelivered": ("CI", "a webhook about {job} could not be delivered", "magenta"),
}


@dataclass
class Narrator:
    """Turns the messages of the CI and the daemon into lines, each once."""

    lines: list[Text] = field(default_factory=list)
    pushes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _verdicts: dict[tuple[str, str], str] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def _add_line(self, who: str, what: str, style: str = "", revision: str = "") -> None:
        line = Text(f"{who:<10} ", style="bold" if who == "triggerbot" else "dim")
        line.append(f"{revision[:7]:<8}", style="dim")
        line.append(what, style=style)
        self.lines = [*self.lines[1 - _FEED_MAX :], line]

    def ci(self, message: dict[str, Any]) -> None:
        """Add a message of the CI."""
        revision, job = message.get("revision", ""), message.get("job", "")
        match message["event"]:
            case "push":
                first, _, rest = message["message"].partition("\n")
                asks = f"   ({rest.strip()})" if rest else ""
                self._add_line("push", f"{message['author'].partition('@')[0]}: {first}{asks}", "bold", revision)
            case "run" if message["state"] == "finished" and message["run_id"] not in self._failed:
                self._finished(message, revision, job)
            case event if event in _NOTES:
                who, what, style = _NOTES[event]
                self._add_line(who, what.format(job=job, count=message.get("count")), style, revision)

    def _finished(self, message: dict[str, Any], revision: str, job: str) -> None:
        self._failed.add(message["run_id"])
        again = " again" if message["retrigger_of"] else ""
        if message["result"] != "success":
            self._add_line("CI", f"{job} failed{again}", "dark_orange", revision)
        elif again:
            self._add_line("CI", f"{job} passed on a retrigger", "green", revision)

    def daemon(self, message: dict[str, Any]) -> None:
        """Add a line of the daemon's log."""
        revision, job = message.get("revision", ""), message.get("job", "")
        match message.get("event"):
            case "decision" if message["action"] == "trigger":
                why = "it failed" if message["reason"] == "failure" else "the push asks for it"
                # Of what a decision by evidence rests on, the chance is told.
                chances = [part for part in message.get("detail", "").split("; ") if part.endswith(_CHANCE)]
                why = ", ".join([why, *chances])
                times = plural(message["count"], "time")
                self._add_line("triggerbot", f"retriggers {job} {times}: {why}", "bold cyan", revision)
            case "decision" if message["reason"] != Refusal.ALREADY_CLAIMED:
                means = glossary.REFUSALS[Refusal(message["reason"])].means
                self._add_line("triggerbot", f"leaves {job} alone, {message['reason']}: {means}", "yellow", revision)
            case "request" if message["answer"] != "accepted":
                what = f"no clear answer for {', '.join(message['jobs'])}: looks back rather than ask again on a guess"
                self._add_line("triggerbot", what, "magenta", revision)
            case "recovered":
                what = f"the CI lists the runs of {', '.join(message['jobs'])}: nothing is doubled"
                self._add_line("triggerbot", what, "magenta", revision)

    def push(self, message: dict[str, Any]) -> None:
        """Add the state of a push from the daemon's API; each new verdict becomes a line."""
        self.pushes[message["revision"]] = message
        for job in message["jobs"]:
            key, verdict = (message["revision"], job["job"]), job["verdict"]
            if self._verdicts.get(key) != verdict:
                self._verdicts[key] = verdict
                if verdict in ("intermittent", "failed"):
                    text = f"{job['job']} is {verdict}: {job['why']}"
                    self._add_line("triggerbot", text, f"bold {_COLOURS[verdict]}", message["revision"])

    def screen(self, height: int, title: str) -> RenderableType:
        """Render the feed above the table of pushes, `height` lines in all."""
        below = self.table()
        room = max(3, height - 2 * len(self.pushes) - 5)
        feed = [_cut(line) for line in self.lines[-room:]]
        return Group(Text(title, style="bold"), *feed, *[Text()] * (room - len(feed)), below)

    def table(self) -> Table:
        """Render the pushes with their health and the runs of their noteworthy jobs."""
        table = Table(expand=True, box=None, padding=(0, 1), header_style="dim")
        for name, ratio in (("push", None), ("author", None), ("health", None), ("why, and the runs of its jobs", 1)):
            table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
        for push in self.pushes.values():
            health = Text(push["health"], style=_COLOURS[push["health"]])
            why = Text(push["why"], no_wrap=True, overflow="ellipsis")
            table.add_row(push["revision"][:7], (push["author"] or "").partition("@")[0], health, why)
            table.add_row("", "", "", self._runs(push))
        return table

    def _runs(self, push: dict[str, Any]) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        for job in sorted(push["jobs"], key=lambda job: -len(job["runs"])):
            letters = "".join(run["letter"] for run in job["runs"])
            if letters not in ("G", "."):
                text.append(f"{job['job']} ", style="dim")
                for letter in letters:
                    text.append(letter, style=_COLOURS.get(letter, "red"))
                text.append("  ")
        return text


def _cut(line: Text) -> Text:
    cut = line.copy()
    cut.no_wrap, cut.overflow = True, "ellipsis"
    return cut
