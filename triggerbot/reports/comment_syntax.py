"""The grammar of comment commands, and its parser; purely.

rebuild N [PATTERN]    N further runs of every test job (or of those that match)
retry PATTERN          one further run of each job that matches; `retry failed`: of those that make the push fail
backfill JOB           find out who broke it, by running it at pushes of the branch that did not
why JOB                why it was, or was not, retriggered
silence PATTERN        on the issue of a branch: hear no more of the jobs that match until they pass
hear PATTERN           ... and hear of them again
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Further runs of every job that a push may request, or of those that match."""

    count: int
    pattern: str = "*"


@dataclass(frozen=True, slots=True)
class Retry:
    """One further run of each job that matches; without a pattern, of each that fails."""

    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """An explanation of what was decided about a job."""

    job: str


@dataclass(frozen=True, slots=True)
class Backfill:
    """A search for who broke a job that fails."""

    job: str


@dataclass(frozen=True, slots=True)
class Silence:
    """No more reports of the jobs of a branch that match, until they pass; or (`ends`) reports of them again."""

    pattern: str
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """A line that is no command, and why."""

    why: str


Command = Rebuild | Retry | Why | Backfill | Silence | Unclear

#: The commands, for answers to lines that are none.
USAGE = "`rebuild 3`, `retry JOB` (a name or a pattern), `retry failed`, `backfill JOB`, `why JOB`"
#: Commands read from one comment, at most; no person writes more.
MOST = 10


def lines(text: str) -> list[str]:
    """Split a text into its commands, one per line."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line][:MOST]


def read(text: str) -> list[Command]:
    """Parse the commands of a text, one per line."""
    return [_command(line) for line in lines(text)]


def _command(line: str) -> Command:
    verb, _, rest = line.partition(" ")
    rest = rest.strip()
    match verb.lower():
        case "rebuild":
            return _rebuild(_name(rest))
        case "retry" | "retrigger" | "rerun" if name := _name(rest):
            return Retry("" if name.lower() == "failed" else name)
        case "why" if name := _name(rest.removesuffix("?")):
            return Why(name)
        case "backfill" if name := _name(rest):
            return Backfill(name)
        case "silence" | "hear" if name := _name(rest):
            return Silence(name, ends=verb.lower() == "hear")
        case "retry" | "retrigger" | "rerun" | "why" | "backfill" | "silence" | "hear":
            return Unclear(f"`{verb.lower()}` needs the name of a job")
        case _:
            return Unclear("This is no command")


def _name(text: str) -> str:
    """Strip the backticks that people put around a name or pattern."""
    return text.strip().strip("`").strip()


def _rebuild(rest: str) -> Command:
    found = re.fullmatch(r"([0-9]{1,4})(?:\s+(.+))?", rest)
    if found is None or int(found[1]) == 0:
        return Unclear("`rebuild` needs a number of further runs, from 1")
    return Rebuild(int(found[1]), _name(found[2] or "") or "*")
