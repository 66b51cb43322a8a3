"""The command group: imports commands on demand, and turns errors into messages and exit codes, here only."""

import atexit
import difflib
import gc
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from triggerbot.core.errors import (
    CIDenied,
    CIError,
    CIUnavailable,
    ConfigError,
    NotKnown,
    StoreUnavailable,
    TriggerbotError,
)
from triggerbot.core.formatting import plain_lines
from triggerbot.daemon.workers import error_file

WRONG_USE = 2
#: The command whose end is of interest to whoever runs it, even where a library is missing.
_DAEMON = "run"
#: Exit codes as a shell reports a program ended by Ctrl-C (128 + SIGINT) or by a closed pipe (128 + SIGPIPE).
_INTERRUPTED, _PIPE_CLOSED = 130, 141
#: Objects that come to be before the garbage collector looks for the first time; most commands make fewer.
_ALLOCATIONS = 100_000


@dataclass(frozen=True, slots=True)
class Listed:
    """Where a command is defined (module:name), and its entry in the group's help."""

    place: str
    summary: str
    section: str


class Group(click.Group):
    """A group that imports a command only to run it, not to list it in the help."""

    def __init__(self, *arguments: Any, listed: Mapping[str, Listed], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._listed = listed

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands, in the order in which a newcomer needs them."""
        return list(self._listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command; `None` if there is none of this name."""
        if cmd_name not in self._listed:
            return None
        module, _, name = self._listed[cmd_name].place.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except Exception as error:
            if cmd_name == _DAEMON:
                error_file.write_exception(error)
            raise
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the command of the arguments; an unknown one is rejected with similar names."""
        if args and args[0] not in self._listed and not args[0].startswith("-"):
            like = difflib.get_close_matches(args[0], self._listed, n=2)
            hint = f" Perhaps {' or '.join(like)}?" if like else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands by section, without importing them."""
        widest = max(len(name) for name in self._listed)
        for section in dict.fromkeys(listed.section for listed in self._listed.values()):
            with formatter.section(section):
                rows = [
                    (name.ljust(widest), one.summary) for name, one in self._listed.items() if one.section == section
                ]
                formatter.write_dl(rows)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and exit; errors that a user can cause end in one message, never in a traceback."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        _escape_unencodable()
        try:
            with _less_garbage_collection():
                code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.Abort:
            code = _INTERRUPTED
        except click.ClickException as error:
            code = error.exit_code if _print_errors(_click_messages(error)) else WRONG_USE
        except TriggerbotError as error:
            _print_errors(_messages(error))
            code = WRONG_USE
        except BrokenPipeError:
            code = _discard_output()
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a closed pipe is handled before click turns it into an exit code of its own."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            return _discard_output()
        return code


@contextmanager
def _less_garbage_collection() -> Iterator[None]:
    """Keep the garbage collector off what is imported, which stays: scanning it takes a fifth of a short command."""
    before = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS)
    # Nor does the interpreter have to scan it at exit.
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _escape_unencodable() -> None:
    """Escape characters that the terminal cannot encode, instead of failing on them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _discard_output() -> int:
    """Redirect stdout to /dev/null, so that flushing it cannot fail now that nobody reads it; return the exit code."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    return _PIPE_CLOSED


def _print_errors(messages: Sequence[str]) -> bool:
    for message in messages:
        click.echo(f"error: {plain_lines(message)}", err=True)
    return bool(messages)


def _click_messages(error: click.ClickException) -> list[str]:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return []
    message = error.format_message().rstrip()
    if message[-1:].isalnum() or message[-1:] in "'\"":
        message += "."
    context = getattr(error, "ctx", None)
    return [f"{message} See: {context.command_path} --help"] if context is not None else [message]


def _messages(error: TriggerbotError) -> list[str]:
    """Return the messages of an error, with what to do about it."""
    if isinstance(error, ConfigError):
        return [f"{error.source}: {problem}" for problem in error.problems]
    return [f"{error}{_remedy(error)}"]


def _remedy(error: TriggerbotError) -> str:
    match error:
        case StoreUnavailable():
            return "; try again in a moment, and see whether the disk is full"
        case CIDenied():
            return "; check the token of this system and its permissions"
        case NotKnown():
            return "; check project, branch and revision"
        case CIUnavailable() | CIError():
            return "; see whether the CI is up and its url in the config is right, then try again"
        case _:
            return ""
