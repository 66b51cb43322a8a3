"""The text of the About page: rules, limits and commands in sentences, computed from the live configuration; pure."""

from typing import NamedTuple

from triggerbot.config import Config
from triggerbot.core.formatting import duration
from triggerbot.core.policy.circuit_breaker import NEVER
from triggerbot.reports.rule_text import RuleText, listed, terms


class Usage(NamedTuple):
    """What people can write, and what it does."""

    words: str
    does: str


def rules(config: Config) -> list[RuleText]:
    """Return every rule in words, in order: the first that matches a push applies to it."""
    return [terms(rule) for rule in config.rules]


def limits(config: Config) -> list[str]:
    """Describe the limits that apply on top of the rules: caps, circuit breakers and retention."""
    caps, breakers = config.bounds.caps, config.bounds.breakers
    caps_set = [
        f"{number:,} {what}"
        for number, what in ((caps.service, "in all"), (caps.project, "for a project"), (caps.author, "for an author"))
        if number is not None
    ]
    sentences = (
        [f"Within any hour at most so many retriggers are sent: {listed(caps_set, plain=True)}."] if caps_set else []
    )
    if breakers.failures < NEVER:
        sentences.append(
            f"When {breakers.failures} requests to a CI in a row fail, nothing more is sent to it until one canary, "
            f"tried every {duration(breakers.canary)} to {duration(breakers.longest)}, goes through."
        )
    if breakers.pushes < NEVER:
        sentences.append(
            f"When the same machines or the same step fail in {breakers.pushes} unrelated pushes within "
            f"{duration(breakers.within)}, and in {breakers.share:g} % of the runs, the CI is taken for ill: jobs wait."
        )
    sentences.append(f"What was done is remembered for {duration(config.retention)} after a push was last heard of.")
    return sentences


def message_words(config: Config) -> list[Usage]:
    """List what developers can write into the message of a push."""
    options = [
        Usage("try: … --rebuild 3", "Three further runs of every test job, whatever they come to."),
        Usage("--no-retry", "Nothing of this push is retriggered because it failed."),
        Usage("DONTBUILD", "Nothing is spent on this push."),
    ]
    if any(rule.opt_in for rule in config.rules):
        options.insert(1, Usage("--retry", "Failed jobs of this push are retriggered."))
    groups = sorted({name for rule in config.rules for name in rule.groups})
    options[1:1] = [
        Usage(f"--rebuild-{name} 3", f"Three further runs of every job of the group {name}.") for name in groups
    ]
    return options


def comment_words(config: Config) -> list[Usage]:
    """List what people can write into comments on a pull request; empty if no report reads comments."""
    found = [commands for report in config.reports if (commands := report.comment_commands) is not None]
    if not found:
        return []
    name = f"@{found[0].mention}"
    return [
        Usage(f"{name} rebuild 3", "Three further runs of every test job."),
        Usage(f"{name} retry JOB", "One further run of the jobs of this name; it may be a pattern."),
        Usage(f"{name} backfill JOB", "Find who broke a job, by running it at pushes of the branch that did not."),
        Usage(f"{name} retry failed", "One further run of each job that makes the push failing."),
        Usage(f"{name} why JOB", "Why a job was, or was not, retriggered."),
    ]
