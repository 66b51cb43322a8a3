"""Reads a config file: all of its mistakes at once, each with its line and what would be right."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from triggerbot.config import addresses, building
from triggerbot.config import problems as words
from triggerbot.config.schema import ConfigFile
from triggerbot.config.settings import Config
from triggerbot.config.showing import printable, shown
from triggerbot.config.yaml_reader import FILE_MAX, Document, parse
from triggerbot.errors import ConfigError, Problem

#: Where a config is looked for, if neither -c nor $TRIGGERBOT_CONFIG names one.
PLACES = (Path("triggerbot.yml"), Path("/etc/triggerbot/triggerbot.yml"))

_BEGIN = "begin with one of the files in config/ (generic.yml, github.yml)"


def locate(given: str | Path | None, environ: Mapping[str, str]) -> Path:
    """Find the config: what -c says, else $TRIGGERBOT_CONFIG, else the usual places; else raise `ConfigError`."""
    named = given or environ.get("TRIGGERBOT_CONFIG")
    if named:
        return Path(named)
    for place in PLACES:
        if place.is_file():
            return place
    looked = " and ".join(map(str, PLACES))
    message = f"there is no config: -c and $TRIGGERBOT_CONFIG name none, {looked} do not exist; {_BEGIN}"
    raise ConfigError("triggerbot", (Problem(None, "", message),))


def load(path: str | Path) -> Config:
    """Read a config file, or raise `ConfigError` with every mistake in it. Secrets are not read yet."""
    source = printable(str(path))
    try:
        with Path(path).open("rb") as file:
            # One byte more than allowed tells that it is too large.
            raw = file.read(FILE_MAX + 1)
    except FileNotFoundError:
        raise _failure(source, f"there is no such file; {_BEGIN}") from None
    except IsADirectoryError:
        raise _failure(source, "this is a directory: name the file in it") from None
    except PermissionError:
        raise _failure(source, "no permission to read this file: let this user read it") from None
    except (OSError, ValueError) as error:
        raise _failure(source, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > FILE_MAX:
        raise _failure(source, f"the file is larger than {FILE_MAX} bytes: this is no config")
    return loads(_decoded(raw, source), source)


def loads(text: str, source: str = "config") -> Config:
    """Read a config from text, as `load` does from a file; `source` names it in messages."""
    document = parse(text, source)
    if document.value is None and not document.problems:
        raise _failure(source, f"the file is empty; {_BEGIN}")
    file: ConfigFile | None = None
    try:
        file = ConfigFile.model_validate(document.value)
        problems = document.problems
    except ValidationError as error:
        problems = [*document.problems, *words.problems(error, document)]
    problems = [*problems, *_unknown_systems(document), *_no_taskcluster(document), *_no_github(document)]
    problems = [*problems, *addresses.unprotected(document)]
    if problems or file is None:
        raise ConfigError(source, _in_order(problems))
    return building.build(file, document, source)


def _decoded(raw: bytes, source: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(source, (Problem(line, "", "this is no UTF-8 text: save the file as UTF-8"),)) from None


def _unknown_systems(document: Document) -> Iterator[Problem]:
    """Check that intakes name systems that exist; on what was written, to be told together with other mistakes."""
    top = document.value if isinstance(document.value, dict) else {}
    systems = top.get("systems", {})
    if not isinstance(systems, dict):
        return
    for position, kind, name in _named_systems(top.get("intakes")):
        if name not in systems:
            known = ", ".join(printable(system, 80) for system in systems) or "none"
            message = f"there is no system {shown(name).removeprefix('text ')}"
            near = words.suggest(name, systems) or ";"
            yield document.problem(("intakes", position, kind, "system"), f"{message}{near} systems: {known}")
        elif kind == "pulse" and isinstance(systems[name], dict) and systems[name].get("type") == "github":
            message = "GitHub sends no messages over AMQP: use its webhooks, or poll"
            yield document.problem(("intakes", position, kind, "system"), message)


def _no_taskcluster(document: Document) -> Iterator[Problem]:
    """Check that a Treeherder retriggers through a system that is a Taskcluster."""
    top = document.value if isinstance(document.value, dict) else {}
    systems = top.get("systems", {})
    for name, section in systems.items() if isinstance(systems, dict) else ():
        through = section.get("taskcluster") if isinstance(section, dict) else None
        if not isinstance(through, str) or not through or section.get("type") != "treeherder":
            continue
        target = systems.get(through)
        if not isinstance(target, dict) or target.get("type") != "taskcluster":
            message = f"there is no system {shown(through).removeprefix('text ')} of type taskcluster"
            yield document.problem(("systems", name, "taskcluster"), message)


def _no_github(document: Document) -> Iterator[Problem]:
    """Check that reports at GitHub go through a system that is a GitHub."""
    top = document.value if isinstance(document.value, dict) else {}
    systems, reports = top.get("systems", {}), top.get("reports")
    seen: set[str] = set()
    for position, report in enumerate(reports if isinstance(reports, tuple) else ()):
        section = report.get("github") if isinstance(report, dict) else None
        name = section.get("system") if isinstance(section, dict) else None
        target = systems.get(name) if isinstance(name, str) and isinstance(systems, dict) else None
        if isinstance(name, str) and name and not (isinstance(target, dict) and target.get("type") == "github"):
            message = f"there is no system {shown(name).removeprefix('text ')} of type github"
            yield document.problem(("reports", position, "github", "system"), message)
        elif isinstance(name, str) and name in seen:
            message = f"the reports of {shown(name)} are given already: put both into one"
            yield document.problem(("reports", position, "github", "system"), message)
        elif isinstance(name, str):
            seen.add(name)


def _named_systems(intakes: Any) -> Iterator[tuple[int, str, str]]:
    for position, intake in enumerate(intakes if isinstance(intakes, tuple) else ()):
        for kind, section in intake.items() if isinstance(intake, dict) else ():
            name = section.get("system") if isinstance(section, dict) else None
            if kind in ("pulse", "poll", "file") and isinstance(name, str) and name:
                yield position, kind, name


def _in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Sort by line, and leave out what nobody would read any more."""
    ordered = sorted(problems, key=lambda problem: problem.line or 0)
    most = words.PROBLEMS_MAX
    if len(ordered) > most:
        ordered[most:] = [Problem(None, "", f"and more: only the first {most} mistakes are shown")]
    return tuple(ordered)


def _failure(source: str, message: str) -> ConfigError:
    return ConfigError(source, (Problem(None, "", message),))
