"""The reference of the commands, written from what `--help` knows."""

from collections.abc import Iterator

import click

from triggerbot.cli import main

from .markdown import page, table

_INTRO = """\
`triggerbot COMMAND --help` says the same. Every command but `demo` takes `-c FILE`, the config; else it is what
`$TRIGGERBOT_CONFIG` names, then `triggerbot.yml`, then `/etc/triggerbot/triggerbot.yml`. The commands read and write
the store, so run them where the daemon runs, as its user; they work while it is down, too.

Exit codes of every command: **0** it is done; **2** wrong use, a wrong config, or a store or CI that does not answer,
told in one line on stderr; **130** Ctrl-C; **141** whoever read the output went away. Where **1** means something, the
command says so below. `run` ends with 1 if a part of it died, for a supervisor to start it again."""

#: The option that is documented once.
_CONFIG = "-c, --config FILE"


def commands_page() -> str:
    """Write the page."""
    # As `main` makes it: a command keeps the names of its help option from its first context.
    context = click.Context(main, info_name="triggerbot", **main.context_settings)
    return page("Commands", _INTRO, *_commands(main, context))


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield _command(command, inner)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def _command(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path.removeprefix("triggerbot "), *_usage(command, context)])
    options = [
        (f"`{names}`", text)
        for option in command.params
        if isinstance(option, click.Option) and (record := option.get_help_record(context)) is not None
        for names, text in [record]
        if names != _CONFIG
    ]
    text = "\n\n".join(_plain(part) for part in (command.help or "").strip().split("\n\n"))
    level = "##" if context.parent is not None and context.parent.parent is None else "###"
    parts = [f"{level} triggerbot {usage}", text]
    return "\n\n".join([*parts, table(["option", "meaning"], options)] if options else parts)


def _usage(command: click.Command, context: click.Context) -> Iterator[str]:
    for piece in command.collect_usage_pieces(context):
        if piece != "[OPTIONS]":
            yield piece


def _plain(paragraph: str) -> str:
    """Join a paragraph into one line, with HTML and emphasis escaped."""
    text = " ".join(line.strip() for line in paragraph.splitlines())
    return text.replace("<", "&lt;").replace("*", r"\*").replace("[", r"\[")
