"""What triggerbot does here and where its limits are, in sentences made from the live configuration; purely."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from triggerbot.breaker import NEVER
from triggerbot.config import Config, GitHubReportConfig
from triggerbot.policy import Rule
from triggerbot.wording import duration, plural

_RESULTS = {
    "failure": "failed",
    "busted": "broke before it could test anything",
    "infra": "met an error of the CI itself",
    "timed_out": "took too long",
}


class RuleTold(NamedTuple):
    """One rule: what it is for, and what it says."""

    head: str
    sentences: tuple[str, ...]


class Words(NamedTuple):
    """Something that can be written, and what it does."""

    words: str
    does: str


def rules(config: Config) -> list[RuleTold]:
    """Tell every rule; the first that matches a push is the one that counts for it."""
    return [RuleTold(_head(rule), tuple(_sentences(rule))) for rule in config.rules]


def _head(rule: Rule) -> str:
    where = "" if "*" in rule.branches.patterns else f", on {listed(rule.branches.patterns)}"
    return f"{'Every project' if '*' in rule.projects.patterns else listed(rule.projects.patterns)}{where}"


def _sentences(rule: Rule) -> Iterator[str]:
    yield _failures(rule)
    yield from _left_alone(rule)
    yield (
        f"Of one push at most {plural(rule.budget.floor + 1, 'job')}, or {rule.budget.percent:g} % of its jobs if that "
        "is more, are retriggered for failures: when more fail, it is likely the change."
    )
    yield f"A push or a person may ask for up to {plural(rule.requested_max, 'further run')} of a job."
    if rule.lookup_attempts:
        looks = f"{plural(rule.lookup_attempts, 'time')}, {duration(rule.lookup_delay)} apart"
        yield f"A job that the CI does not list yet is looked for {looks}, before it is given up."


def _failures(rule: Rule) -> str:
    kinds = "job" if rule.kinds == {"test", "build", "other"} else f"{' or '.join(sorted(rule.kinds))} job"
    results = " or ".join(_RESULTS.get(result, result) for result in sorted(rule.results))
    which = "" if "*" in rule.jobs.patterns else f" of the names {listed(rule.jobs.patterns)}"
    if not rule.retries:
        return f"No {kinds}{which} is retriggered for a failure."
    if_asked = ", where its push asks for that by --retry" if rule.opt_in else ""
    return (
        f"A {kinds}{which} that {results} is run {plural(rule.retries, 'more time')}{if_asked}, once a push. "
        "Runs that others started count as well."
    )


def _left_alone(rule: Rule) -> Iterator[str]:
    if rule.exclude_jobs.patterns:
        yield f"Jobs of these names are left alone: {listed(rule.exclude_jobs.patterns)}."
    if rule.exclude_steps.patterns:
        yield f"So are jobs that failed in one of the steps {listed(rule.exclude_steps.patterns)}."
    if "*" not in rule.authors.patterns:
        yield f"Only pushes of these authors are looked after: {listed(rule.authors.patterns)}."
    if rule.exclude_authors.patterns:
        yield f"Pushes of these authors are left alone: {listed(rule.exclude_authors.patterns)}."
    if "*" not in rule.pools.patterns:
        yield f"Only jobs on these machines are run again: {listed(rule.pools.patterns)}."
    yield f"Jobs beyond tier {rule.max_tier} are left alone: their failures do not count against a push."


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
    found = [one.commands for one in config.reports if isinstance(one, GitHubReportConfig) and one.commands is not None]
    if not found:
        return []
    name = f"@{found[0].mention}"
    return [
        Words(f"{name} rebuild 3", "Three further runs of every test job."),
        Words(f"{name} retry JOB", "One further run of the jobs of this name; it may be a pattern."),
        Words(f"{name} retry failed", "One further run of each job that fails every time."),
        Words(f"{name} why JOB", "Why a job was, or was not, retriggered."),
    ]


def listed(words: Sequence[str], *, plain: bool = False) -> str:
    """Put words, or patterns, in a row."""
    quoted = [word if plain else f"“{word}”" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}" if quoted else "none"
