"""`triggerbot check`: report a config's mistakes, what it makes triggerbot do, and whether its credentials work."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from triggerbot.cli.config import json_schema, load
from triggerbot.config import Config, FileSettings, IntakeSettings, PulseSettings, locate
from triggerbot.config.warnings import renamed
from triggerbot.config.yaml_reader import printable
from triggerbot.core.errors import CIError, CIUnavailable, ConfigError, Problem, ReadOnly
from triggerbot.core.formatting import plain, plural
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.rule_text import terms
from triggerbot.store.factory import look_for_systems
from triggerbot.systems import System
from triggerbot.systems.registry import build

#: The config is right, but a CI refuses the credentials.
_EXIT_DENIED = 1
#: The config is wrong or missing.
_EXIT_WRONG = 2


@dataclass(frozen=True)
class Tried:
    """The result of testing the credentials of one system."""

    system: str
    ok: bool
    message: str


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    "given",
    metavar="FILE",
    help="The config to check; else $TRIGGERBOT_CONFIG, triggerbot.yml, /etc/triggerbot/triggerbot.yml.",
)
@click.option("--credentials", is_flag=True, help="Also ask each CI, with a harmless read, whether it lets us in.")
@click.option(
    "--schema", is_flag=True, help="Print the JSON Schema of the config, for your editor, and do nothing else."
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, for other programs.")
def check(given: str | None, credentials: bool, schema: bool, as_json: bool) -> None:
    """Check the config, and say what it makes triggerbot do.

    Nothing is started and nothing is triggered. Every mistake is shown with its line and what would be right.

    Exit code: 0 if the config is right (warnings do not count), 1 if a CI refuses the credentials, 2 if the config
    is wrong.
    """
    if schema:
        click.echo(json.dumps(json_schema(), indent=2))
        return
    try:
        config = load(locate(given, os.environ))
    except ConfigError as error:
        _report_mistakes(error, as_json=as_json)
        raise SystemExit(_EXIT_WRONG) from None
    tried = _test_credentials(config) if credentials else []
    warnings = (*config.warnings, *_renamed(config))
    if as_json:
        click.echo(json.dumps(_findings(config, tried, warnings), indent=2))
    else:
        _report(config, tried, warnings, _console())
    if not all(one.ok for one in tried):
        raise SystemExit(_EXIT_DENIED)


def try_systems(systems: Mapping[str, System], *, dry_run: bool) -> list[Tried]:
    """Test the credentials of each system with a harmless read, and close its connections.

    `dry_run`: to read is enough; what real runs will need besides is only named.
    """
    tried: list[Tried] = []
    for name, system in systems.items():
        try:
            tried.append(Tried(name, ok=True, message=system.check()))
        except ReadOnly as error:
            enough = "all of it can be read, which is enough for dry_run; real runs need more"
            tried.append(Tried(name, ok=dry_run, message=f"{enough}: {error}" if dry_run else str(error)))
        except CIUnavailable as error:
            remedy = "see whether that is its url, and whether it can be reached from here"
            tried.append(Tried(name, ok=False, message=str(error) if error.after else f"{error}: {remedy}"))
        except CIError as error:
            tried.append(Tried(name, ok=False, message=str(error)))
        finally:
            system.close()
    return tried


def _test_credentials(config: Config) -> list[Tried]:
    missing = [Tried(name, ok=False, message=message) for name, message in _missing_secrets(config)]
    return missing or try_systems(build(config), dry_run=config.dry_run)


def _renamed(config: Config) -> Iterator[Problem]:
    """Yield that a system was probably renamed, if there is a store that can be read."""
    try:
        address = config.store_address
    except ConfigError:
        # A secret cannot be read, which is told of elsewhere.
        return
    yield from renamed(config, look_for_systems(address))


def _missing_secrets(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the systems whose secrets cannot be read, and why; without them no credentials can be tested."""
    for name, system in config.systems.items():
        for secret in system.secrets():
            try:
                secret.read()
            except ConfigError as error:
                yield name, str(error)


def _console() -> Console:
    # Created for each call, since sys.stdout may have changed. soft_wrap keeps each finding on one line for grep.
    return Console(file=sys.stdout, soft_wrap=True, highlight=False)


def _findings(config: Config, tried: Iterable[Tried], warnings: Iterable[Problem]) -> dict[str, Any]:
    return {
        "source": config.source,
        "ok": True,
        "starts": not config.unavailable,
        "dry_run": config.dry_run,
        "mistakes": [],
        "unavailable": [asdict(problem) for problem in config.unavailable],
        "warnings": [asdict(problem) for problem in warnings],
        "missing_secrets": [asdict(problem) for problem in config.missing_secrets()],
        "credentials": [asdict(one) for one in tried],
    }


def _report_mistakes(error: ConfigError, *, as_json: bool) -> None:
    if as_json:
        mistakes = [asdict(problem) for problem in error.problems]
        click.echo(json.dumps({"source": error.source, "ok": False, "starts": False, "mistakes": mistakes}, indent=2))
        return
    console = _console()
    _print_problems(console, error.source, error.problems, "red")
    count = len(error.problems)
    console.print(f"{count} mistake{'s' if count != 1 else ''}: nothing starts with this config.", style="bold red")


def _print_problems(console: Console, source: str, problems: Iterable[Problem], style: str, kind: str = "") -> None:
    for problem in problems:
        place = source if problem.line is None else f"{source}:{problem.line}"
        console.print(
            plain(": ".join(part for part in (place, kind, problem.path, problem.message) if part)),
            style=style,
            markup=False,
        )


def _report(config: Config, tried: list[Tried], warnings: Iterable[Problem], console: Console) -> None:
    missing = config.missing_secrets()
    style = "bold yellow" if config.unavailable or missing else "bold green" if config.dry_run else "bold"
    console.print(f"{config.source} {_verdict(config, len(missing))}.", style=style, markup=False)
    _print_summary(config, console)
    _print_problems(console, config.source, warnings, "yellow", "warning")
    _print_problems(console, config.source, missing, "yellow", "warning")
    _print_problems(console, config.source, tuple(config.weak_secrets()), "yellow", "warning")
    _print_problems(console, config.source, config.unavailable, "bold yellow", "run will refuse to start")
    for one in tried:
        words = plain(f"credentials of {one.system}: {'OK' if one.ok else 'failed'}: {one.message}")
        console.print(words, style="green" if one.ok else "red", markup=False)


def _verdict(config: Config, missing: int) -> str:
    """Return the verdict on a config: without mistakes it is still not right if `run` would exit with code 2."""
    mode = "dry run: decides and records, triggers nothing" if config.dry_run else "REAL: triggers jobs"
    if config.undecided:
        return "has no mistakes, but `run` will not start with it: it does not say whether it is a dry run"
    if config.unavailable:
        return f"has no mistakes ({mode}), but `run` will not start with it"
    if missing:
        return f"has no mistakes ({mode}), but `run` would not start from here, for want of {plural(missing, 'secret')}"
    return f"is right ({mode})"


def _print_summary(config: Config, console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    for topic, line in _summary(config):
        if console.is_terminal:
            # Text, because rich would parse `dependabot[bot]` in a plain str as markup.
            table.add_row(Text(topic, style="bold"), Text(line))
        else:
            console.print(f"{topic:<8} {line}", markup=False)
    if console.is_terminal:
        console.print(table)


def _summary(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what the config does as (topic, line); the topic is empty after its first line."""
    topics = {
        "systems": [_system_words(name, config) for name in config.systems],
        "intakes": [*_webhook_words(config), *map(_intake_words, config.intakes)],
        "rules": [line for rule in config.rules for line in _rule_words(rule)],
        "store": [f"{_store_words(config)}, for {_time(config.retention)}"],
    }
    for topic, lines in topics.items():
        for position, line in enumerate(lines or ["none"]):
            yield (topic if position == 0 else ""), printable(line, 1000)


def _system_words(name: str, config: Config) -> str:
    system = config.systems[name]
    sweep = "no sweep" if system.sweep is None else f"sweep every {_time(system.sweep)}"
    return ", ".join([f"{name}: {system.type} at {system.url}", sweep, *system.remarks()])


def _store_words(config: Config) -> str:
    # Any other address may contain a password.
    store = str(config.store)
    return store if store.startswith(("sqlite:", "env:", "file:")) else "redis"


def _webhook_words(config: Config) -> Iterator[str]:
    names = [name for name, system in config.systems.items() if system.webhook_secrets]
    if config.listen is not None and names:
        host, port = config.listen
        shown = f"[{host}]" if ":" in host else host
        yield f"webhooks at {shown}:{port}: {', '.join(f'/hooks/{name}' for name in names)}"


def _intake_words(intake: IntakeSettings) -> str:
    if isinstance(intake, PulseSettings):
        return f"queue {intake.queue} of {intake.system}"
    if isinstance(intake, FileSettings):
        return f"file {intake.path} of {intake.system}"
    return f"poll {intake.system} every {_time(intake.every)}"


def _rule_words(rule: Rule) -> Iterator[str]:
    head, sentences = terms(rule)
    yield f"{head}:"
    yield from (f"  {sentence}" for sentence in sentences)


def _time(seconds: float) -> str:
    """Format seconds as the config writes them."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds * 1000:g}ms"
