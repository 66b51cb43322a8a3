"""The command line: the list of all commands, each in a file of its own that is imported only when it is used."""

import click

from triggerbot import __version__
from triggerbot.cli.group import Group, Listed

_COMMANDS = {
    "demo": Listed("triggerbot.cli.demo.live:demo", "See it at work now, with a made-up CI.", "Begin"),
    "check": Listed("triggerbot.cli.check:check", "Is the config right, and what does it do?", "Begin"),
    "replay": Listed("triggerbot.cli.replay:replay", "What would have been done about recorded events?", "Begin"),
    "run": Listed("triggerbot.cli.run:run", "Watch and retrigger, until stopped.", "Begin"),
    "read": Listed("triggerbot.cli.read:read", "The last step of a CI: tell what the reports of a run say.", "Begin"),
    "status": Listed("triggerbot.cli.status:status", "Is my push good? (exit 0 good, 1 failing, 2 neither)", "Ask"),
    "pushes": Listed("triggerbot.cli.pushes:pushes", "What became of the latest pushes?", "Ask"),
    "branch": Listed(
        "triggerbot.cli.branch:branch", "What keeps failing on a branch? (exit 0 nothing, 1 something)", "Ask"
    ),
    "job": Listed("triggerbot.cli.job:job", "How does a job behave over time?", "Ask"),
    "explain": Listed("triggerbot.cli.explain:explain", "Why was a job retriggered, or not?", "Ask"),
    "report": Listed("triggerbot.cli.report:report", "What newly fails at a push, or in a folder of reports?", "Ask"),
    "stats": Listed("triggerbot.cli.stats:stats", "How much was retriggered, and what is open?", "Ask"),
    "actions": Listed("triggerbot.cli.actions:actions", "Who paused, resumed or asked for something, and when?", "Ask"),
    "retrigger": Listed("triggerbot.cli.retrigger:retrigger", "Ask for further runs of a job by hand.", "Act"),
    "backfill": Listed("triggerbot.cli.backfill:backfill", "Find out who broke a job of a branch.", "Act"),
    "silence": Listed("triggerbot.cli.silence:silence", "Hear no more of a job of a branch until it passes.", "Act"),
    "pause": Listed("triggerbot.cli.pause:pause", "Stop all sending; go on watching.", "Act"),
    "resume": Listed("triggerbot.cli.pause:resume", "Go on sending.", "Act"),
    "breakers": Listed("triggerbot.cli.breakers:breakers", "Is a CI taken for ill? Close a breaker by hand.", "Act"),
    "backup": Listed("triggerbot.cli.backup:backup", "Copy the store while the daemon runs.", "Act"),
    "restore": Listed("triggerbot.cli.restore:restore", "Go back to a copy of the store, after checking it.", "Act"),
    "dead-letters": Listed(
        "triggerbot.cli.dead_letters:dead_letters",
        "Messages that could not be handled: list, show, retry, drop.",
        "Act",
    ),
}


@click.command(
    cls=Group, listed=_COMMANDS, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="triggerbot")
def main() -> None:
    """Retrigger failed CI jobs within a budget, and say what the runs together prove.

    triggerbot watches a CI. When a job of a push fails, it asks for a few further runs, never twice for the same
    thing: a job that then passes is intermittent, one that fails every time is likely broken by the change.

    New here? `triggerbot demo` shows it at work in a minute. Then copy a file from config/, run `triggerbot check`,
    and `triggerbot run`: as long as the config says dry_run it only tells what it would do.

    Exit code 2 is a wrong use or a wrong config.
    """
