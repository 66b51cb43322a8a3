"""What the demo says: a line for each thing that the CI did or the daemon decided, and a table of the pushes."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from triggerbot.core.model import Refusal
from triggerbot.reports import glossary

#: Lines of the feed that are kept for the screen.
_KEPT = 200
_COLOURS = {
    "good": "bold green", "failing": "bold red", "pending": "cyan", "intermittent": "yellow", "failed": "red",
    "passed": "green", "G": "green", "O": "dark_orange", ".": "cyan",
}  # fmt: skip
_NOTES = {
    "lost": ("CI", "no webhook tells that {job} failed: the sweep has to find it", "dim"),
    "ill": ("CI", "accepts {count} more of {job}, and answers 500 all the same", "magenta"),
    "undelivered": ("CI", "a webhook about {job} could not be delivered", "magenta"),
}


@dataclass
class Narrator:
    """Turns what happens into lines, each once."""

    lines: list[Text] = field(default_factory=list)
    pushes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _verdicts: dict[tuple[str, str], str] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def _say(self, who: str, what: str, style: str = "", revision: str = "") -> None:
        line = Text(f"{who:<10} ", style="bold" if who == "triggerbot" else "dim")
        line.append(f"{revision[:7]:<8}", style="dim")
        line.append(what, style=style)
        self.lines = [*self.lines[1 - _KEPT :], line]

    def ci(self, told: dict[str, Any]) -> None:
        """Take a line of the CI."""
        revision, job = told.get("revision", ""), told.get("job", "")
        match told["event"]:
            case "push":
                first, _, rest = told["message"].partition("\n")
                asks = f"   ({rest.strip()})" if rest else ""
                self._say("push", f"{told['author'].partition('@')[0]}: {first}{asks}", "bold", revision)
            case "run" if told["state"] == "finished" and told["run_id"] not in self._failed:
                self._finished(told, revision, job)
            case event if event in _NOTES:
                who, what, style = _NOTES[event]
                self._say(who, what.format(job=job, count=told.get("count")), style, revision)

    def _finished(self, told: dict[str, Any], revision: str, job: str) -> None:
        self._failed.add(told["run_id"])
        again = " again" if told["retrigger_of"] else ""
        if told["result"] != "success":
            self._say("CI", f"{job} failed{again}", "dark_orange", revision)
        elif again:
            self._say("CI", f"{job} passed on a retrigger", "green", revision)

    def daemon(self, told: dict[str, Any]) -> None:
        """Take a line of the daemon's log."""
        revision, job = told.get("revision", ""), told.get("job", "")
        match told.get("event"):
            case "decision" if told["action"] == "trigger":
                why = "it failed" if told["reason"] == "failure" else "the push asks for it"
                self._say("triggerbot", f"retriggers {job} {told['count']} times: {why}", "bold cyan", revision)
            case "decision" if told["reason"] != Refusal.ALREADY_CLAIMED:
                means = glossary.REFUSALS[Refusal(told["reason"])].means
                self._say("triggerbot", f"leaves {job} alone, {told['reason']}: {means}", "yellow", revision)
            case "request" if told["answer"] != "accepted":
                what = f"no clear answer for {', '.join(told['jobs'])}: looks back rather than ask again on a guess"
                self._say("triggerbot", what, "magenta", revision)
            case "recovered":
                self._say("triggerbot", f"the CI lists the runs of {', '.join(told['jobs'])}: nothing is doubled",
                          "magenta", revision)  # fmt: skip

    def push(self, told: dict[str, Any]) -> None:
        """Take what the daemon's API says of a push; a verdict that is new is a line of its own."""
        self.pushes[told["revision"]] = told
        for job in told["jobs"]:
            key, verdict = (told["revision"], job["job"]), job["verdict"]
            if self._verdicts.get(key) != verdict:
                self._verdicts[key] = verdict
                if verdict in ("intermittent", "failed"):
                    text = f"{job['job']} is {verdict}: {job['why']}"
                    self._say("triggerbot", text, f"bold {_COLOURS[verdict]}", told["revision"])

    def screen(self, height: int, title: str) -> RenderableType:
        """Draw the feed above the pushes, as tall as the terminal."""
        below = self.table()
        room = max(3, height - 2 * len(self.pushes) - 5)
        feed = [_cut(line) for line in self.lines[-room:]]
        return Group(Text(title, style="bold"), *feed, *[Text()] * (room - len(feed)), below)

    def table(self) -> Table:
        """Draw the pushes with their health and the runs of the jobs that are worth a look."""
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
