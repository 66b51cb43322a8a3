"""What people can ask for in a comment or by a button, read from their words; purely.

rebuild N [PATTERN]    N further runs of every test job (or of those that match)
retry PATTERN          one further run of each job that matches; `retry failed`: of those that make the push failing
why JOB                why it was, or was not, retriggered
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Further runs of every job that a push may ask for, or of those that match."""

    count: int
    pattern: str = "*"


@dataclass(frozen=True, slots=True)
class Retry:
    """One further run of each job that matches; without a pattern of each that fails."""

    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """The story of a job."""

    job: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing that is understood."""

    why: str


Command = Rebuild | Retry | Why | Unclear

#: What can be asked, for those who asked something else.
USAGE = "`rebuild 3`, `retry JOB` (a name or a pattern), `retry failed`, `why JOB`"
#: Commands of one comment that are read; a comment with more is no request of a person's.
MOST = 10


def lines(text: str) -> list[str]:
    """Take apart what is asked, one command a line."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line][:MOST]


def read(text: str) -> list[Command]:
    """Read commands, one a line."""
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
        case "retry" | "retrigger" | "rerun" | "why":
            return Unclear(f"`{verb.lower()}` needs the name of a job")
        case _:
            return Unclear("This is no command")


def _name(text: str) -> str:
    """Take a name or a pattern out of the marks of code, in which people put it."""
    return text.strip().strip("`").strip()


def _rebuild(rest: str) -> Command:
    found = re.fullmatch(r"([0-9]{1,4})(?:\s+(.+))?", rest)
    if found is None or int(found[1]) == 0:
        return Unclear("`rebuild` needs a number of further runs, from 1")
    return Rebuild(int(found[1]), _name(found[2] or "") or "*")
