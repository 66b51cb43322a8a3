"""The group of commands: loads each when it is needed; the one place where errors become messages and exit codes."""

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

from triggerbot.cli.output import plain
from triggerbot.core.errors import (
    CIDenied,
    CIError,
    CIUnavailable,
    ConfigError,
    NotKnown,
    StoreUnavailable,
    TriggerbotError,
)

WRONG_USE = 2
#: As a shell reports programs that Ctrl-C or a closed pipe ended.
_INTERRUPTED, _PIPE_CLOSED = 130, 141
#: Objects that come to be before the garbage collector looks for the first time; most commands make fewer.
_ALLOCATIONS = 100_000


@dataclass(frozen=True, slots=True)
class Listed:
    """Where a command is (module:name), and how the group's help lists it."""

    place: str
    summary: str
    section: str


class Group(click.Group):
    """Loads commands by name, so that the help of all of them needs none of them."""

    def __init__(self, *arguments: Any, listed: Mapping[str, Listed], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._listed = listed

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name all commands, in the order in which a newcomer needs them."""
        return list(self._listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command."""
        if cmd_name not in self._listed:
            return None
        module, _, name = self._listed[cmd_name].place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; one that is none is answered with the ones like it."""
        if args and args[0] not in self._listed and not args[0].startswith("-"):
            like = difflib.get_close_matches(args[0], self._listed, n=2)
            hint = f" Perhaps {' or '.join(like)}?" if like else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands by section, without loading them."""
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
        """Run a command and exit; whatever a user can cause ends in one message, never in a traceback."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        _never_fail_on_characters()
        try:
            with _seldom_collecting():
                code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.Abort:
            code = _INTERRUPTED
        except click.ClickException as error:
            code = error.exit_code if _complain(_of_click(error)) else WRONG_USE
        except TriggerbotError as error:
            _complain(_messages(error))
            code = WRONG_USE
        except BrokenPipeError:
            code = _let_go_of_pipe()
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that went away is told apart before click makes an exit code of its own of it."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            return _let_go_of_pipe()
        return code


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Keep the garbage collector off what is imported: it stays, and to look through it takes a fifth of a command."""
    before = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS)
    # Nor has the interpreter to look through it at its end.
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _never_fail_on_characters() -> None:
    """A terminal that lacks a character shows its number."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _let_go_of_pipe() -> int:
    """Nobody reads any more: what is still buffered goes nowhere, quietly."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return _PIPE_CLOSED


def _complain(messages: Sequence[str]) -> bool:
    for message in messages:
        click.echo("error: " + "\n".join(plain(line) for line in message.splitlines()), err=True)
    return bool(messages)


def _of_click(error: click.ClickException) -> list[str]:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return []
    message = error.format_message().rstrip()
    if message[-1:].isalnum() or message[-1:] in "'\"":
        message += "."
    context = getattr(error, "ctx", None)
    return [f"{message} See: {context.command_path} --help"] if context is not None else [message]


def _messages(error: TriggerbotError) -> list[str]:
    """Say what is wrong and what to do about it."""
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
