"""Reads a config file: all of its mistakes at once, each with its line and what would be right."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from triggerbot.config import addresses, problems
from triggerbot.config.plugins import Plugins
from triggerbot.config.schema import Config
from triggerbot.config.warnings import unavailable, warnings
from triggerbot.config.yaml_reader import FILE_MAX, Document, parse, printable, shown
from triggerbot.core.errors import ConfigError, Problem

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


def load(path: str | Path, kinds: Plugins) -> Config:
    """Read a config file, or raise `ConfigError` with every mistake in it. Secrets are not read yet."""
    source = printable(str(path))
    try:
        with Path(path).open("rb") as file:
            # One byte more than allowed shows that it is too large.
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
    return loads(_decoded(raw, source), kinds, source)


def loads(text: str, kinds: Plugins, source: str = "config") -> Config:
    """Read a config from text, as `load` does from a file; `source` names it in messages."""
    document = parse(text, source)
    if document.value is None and not document.problems:
        raise _failure(source, f"the file is empty; {_BEGIN}")
    config: Config | None = None
    found = list(document.problems)
    try:
        config = Config.model_validate(document.value, context=kinds)
    except ValidationError as error:
        found += problems.problems(error, document, kinds)
    # On what was written: whatever else is wrong, these are reported with it.
    written = _Written(document, kinds)
    found += [*written.intakes(), *written.systems(), *written.reports(), *addresses.unprotected(document)]
    if found or config is None:
        raise ConfigError(source, _in_order(found))
    config = config.completed()
    config.note(source, tuple(warnings(config, document)), tuple(unavailable(config, document)))
    return config


def _decoded(raw: bytes, source: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(source, (Problem(line, "", "this is no UTF-8 text: save the file as UTF-8"),)) from None


class _Written:
    """Checks that the systems that are named exist and are of the right type."""

    def __init__(self, document: Document, kinds: Plugins) -> None:
        self._document = document
        self._kinds = kinds
        top = document.value if isinstance(document.value, dict) else {}
        systems, intakes, reports = top.get("systems", {}), top.get("intakes"), top.get("reports")
        #: Whether anything can be said of the names.
        self._readable = isinstance(systems, dict)
        self._systems: dict[str, Any] = systems if self._readable else {}
        self._intakes = intakes if isinstance(intakes, tuple) else ()
        self._reports = reports if isinstance(reports, tuple) else ()

    def intakes(self) -> Iterator[Problem]:
        """Check that intakes name systems that there are, and queues those that have messages."""
        for position, intake in enumerate(self._intakes if self._readable else ()):
            for kind, section in intake.items() if isinstance(intake, dict) else ():
                name = section.get("system") if isinstance(section, dict) else None
                if kind in ("pulse", "poll", "file") and isinstance(name, str) and name:
                    place = ("intakes", position, kind, "system")
                    yield from (self._document.problem(place, why) for why in self._of_intake(kind, name))

    def _of_intake(self, kind: str, name: str) -> Iterator[str]:
        if name not in self._systems:
            known = ", ".join(printable(system, 80) for system in self._systems) or "none"
            near = problems.suggest(name, self._systems) or ";"
            yield f"there is no system {_quoted(name)}{near} systems: {known}"
            return
        system = self._kinds.systems.get(self._type(name))
        if kind == "pulse" and system is not None and (why := system.section().no_messages):
            yield why

    def systems(self) -> Iterator[Problem]:
        """Check the systems through which others work."""
        for name, section in self._systems.items():
            kind = self._kinds.systems.get(self._type(name))
            for key, wanted in kind.section().references.items() if kind is not None else ():
                through = section.get(key)
                if isinstance(through, str) and through and self._type(through) != wanted:
                    message = f"there is no system {_quoted(through)} of type {wanted}"
                    yield self._document.problem(("systems", name, key), message)

    def reports(self) -> Iterator[Problem]:
        """Check the systems at which pushes are reported, each by one report."""
        seen: set[tuple[str, str]] = set()
        for position, report in enumerate(self._reports):
            for name, kind in self._kinds.reports.items() if isinstance(report, dict) else ():
                section = report.get(name)
                for key, wanted in kind.section().references.items() if isinstance(section, dict) else ():
                    system, place = section.get(key), ("reports", position, name, key)
                    if not isinstance(system, str):
                        continue
                    if system and self._type(system) != wanted:
                        message = f"there is no system {_quoted(system)} of type {wanted}"
                        yield self._document.problem(place, message)
                    elif (name, system) in seen:
                        message = f"reports at {_quoted(system)} are given already: put both into one"
                        yield self._document.problem(place, message)
                    else:
                        seen.add((name, system))

    def _type(self, name: str) -> str:
        """Return the type of a system as it is written; empty if there is none."""
        section = self._systems.get(name)
        kind = section.get("type") if isinstance(section, dict) else None
        return kind if isinstance(kind, str) else ""


def _quoted(name: str) -> str:
    return shown(name).removeprefix("text ")


def _in_order(found: list[Problem]) -> tuple[Problem, ...]:
    """Sort by line, and leave out what nobody would read any more."""
    ordered = sorted(found, key=lambda problem: problem.line or 0)
    most = problems.PROBLEMS_MAX
    if len(ordered) > most:
        ordered[most:] = [Problem(None, "", f"and more: only the first {most} mistakes are shown")]
    return tuple(ordered)


def _failure(source: str, message: str) -> ConfigError:
    return ConfigError(source, (Problem(None, "", message),))
