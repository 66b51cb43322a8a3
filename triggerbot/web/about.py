"""What triggerbot does here and where its limits are, in sentences made from the live configuration; purely."""

from typing import NamedTuple

from triggerbot.config import Config
from triggerbot.core.formatting import duration
from triggerbot.core.policy.circuit_breaker import NEVER
from triggerbot.reports.rule_text import RuleText, listed, terms


class Words(NamedTuple):
    """Something that can be written, and what it does."""

    words: str
    does: str


def rules(config: Config) -> list[RuleText]:
    """Tell every rule; the first that matches a push is the one that counts for it."""
    return [terms(rule) for rule in config.rules]


def limits(config: Config) -> list[str]:
    """Tell what holds sending back beside the rules."""
    caps, breakers = config.bounds.caps, config.bounds.breakers
    some = [
        f"{number:,} {what}"
        for number, what in ((caps.service, "in all"), (caps.project, "for a project"), (caps.author, "for an author"))
        if number is not None
    ]
    told = [f"Within any hour at most so many retriggers are sent: {listed(some, plain=True)}."] if some else []
    if breakers.failures < NEVER:
        told.append(
            f"When {breakers.failures} requests to a CI in a row fail, nothing more is sent to it until one canary, "
            f"tried every {duration(breakers.canary)} to {duration(breakers.longest)}, goes through."
        )
    if breakers.pushes < NEVER:
        told.append(
            f"When the same machines or the same step fail in {breakers.pushes} unrelated pushes within "
            f"{duration(breakers.within)}, and in {breakers.share:g} % of the runs, the CI is taken for ill: jobs wait."
        )
    told.append(f"What was done is remembered for {duration(config.retention)} after a push was last heard of.")
    return told


def message_words(config: Config) -> list[Words]:
    """Tell what developers can write into the message of a push."""
    told = [
        Words("try: … --rebuild 3", "Three further runs of every test job, whatever they come to."),
        Words("--no-retry", "Nothing of this push is retriggered because it failed."),
        Words("DONTBUILD", "Nothing is spent on this push."),
    ]
    if any(rule.opt_in for rule in config.rules):
        told.insert(1, Words("--retry", "Failed jobs of this push are retriggered."))
    groups = sorted({name for rule in config.rules for name in rule.groups})
    told[1:1] = [
        Words(f"--rebuild-{name} 3", f"Three further runs of every job of the group {name}.") for name in groups
    ]
    return told


def comment_words(config: Config) -> list[Words]:
    """Tell what people can write into comments at a pull request; nothing where nobody listens."""
    found = [commands for report in config.reports if (commands := report.comment_commands) is not None]
    if not found:
        return []
    name = f"@{found[0].mention}"
    return [
        Words(f"{name} rebuild 3", "Three further runs of every test job."),
        Words(f"{name} retry JOB", "One further run of the jobs of this name; it may be a pattern."),
        Words(f"{name} retry failed", "One further run of each job that makes the push failing."),
        Words(f"{name} why JOB", "Why a job was, or was not, retriggered."),
    ]
