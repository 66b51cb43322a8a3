"""Rules in sentences: the same for operators who write them and for developers whom they concern."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from triggerbot.core.formatting import duration, hours, plural
from triggerbot.core.model import Kind
from triggerbot.core.policy.classified import BY_DEFAULT
from triggerbot.core.policy.expectation import named
from triggerbot.core.policy.rules import EVENTS, Rule

_RESULTS = {
    "failure": "failed",
    "busted": "broke before it could test anything",
    "infra": "met an error of the CI itself",
    "timed_out": "took too long",
}


class RuleText(NamedTuple):
    """A rule in words: which projects it covers, and what it says."""

    head: str
    sentences: tuple[str, ...]


def terms(rule: Rule) -> RuleText:
    """Describe everything that a rule says."""
    where = "" if "*" in rule.branches.patterns else f", on {listed(rule.branches.patterns)}"
    head = f"{'Every project' if '*' in rule.projects.patterns else listed(rule.projects.patterns)}{where}"
    return RuleText(head, tuple(_sentences(rule)))


def _sentences(rule: Rule) -> Iterator[str]:
    yield _failures(rule)
    if rule.first_of_cause and rule.retries:
        yield "Of the jobs of a push that fail alike the first is run again, and the others only if it passes."
    if rule.base_branch:
        branch = listed([rule.base_branch])
        yield f"Where the CI does not tell what a push is based on, it is held against {branch} as it was before."
    if rule.control:
        yield "A job that fails alike every time is run once at the base of its push, if nothing is known of it there."
    yield from _left_alone(rule)
    yield (
        f"Of one push at most so many jobs are retriggered for failures: {rule.budget.words()}. When more fail, the "
        "rest are left to people."
    )
    yield f"A push or a person may ask for up to {plural(rule.requested_max, 'further run')} of a job."
    default = "" if rule.requested_default else "; what one on the default branch asks for does not count"
    yield f"The message of a push may ask for {rule.requested_total:,} further runs in all{default}."
    for name, globs in rule.groups.items():
        yield f"A push asks by --rebuild-{name} for jobs of these names: {listed(globs.patterns)}."
    if rule.calibration:
        yield (
            f"To measure how often triggerbot is right, {100 * rule.calibration:g} % of all jobs are run again once "
            "their push is judged; these runs decide nothing."
        )
    if rule.expect is not None:
        yield (
            f"Something should be heard of {listed(named(rule.branches.patterns))} at least every "
            f"{hours(rule.expect)}; that nothing was is reported."
        )
    if rule.lookup_attempts:
        looks = f"{plural(rule.lookup_attempts, 'time')}, {duration(rule.lookup_delay)} apart"
        yield f"A job that the CI does not list yet is looked for {looks}, before it is given up."


def _failures(rule: Rule) -> str:
    kinds = "job" if rule.kinds == {"test", "build", "other"} else f"{' or '.join(sorted(rule.kinds))} job"
    results = " or ".join(_RESULTS.get(result, result) for result in sorted(rule.results))
    which = "" if "*" in rule.jobs.patterns else f" of the names {listed(rule.jobs.patterns)}"
    if not rule.retries or not results:
        return f"No {kinds}{which} is retriggered for a failure."
    if_asked = ", where its push asks for that by --retry" if rule.opt_in else ""
    number = plural(rule.retries, "more time")
    if rule.until_proved is not None:
        chance = f"{100 * rule.until_proved.limit:g} %"
        number = f"until it passes, or the chance that it is intermittent is at most {chance}, up to {number}"
        if Kind.BUILD in rule.kinds and rule.retries > 1:
            number += " (a build once)"
    return (
        f"A {kinds}{which} that {results} is run {number}{if_asked}, once a push. "
        "Runs that others started count as well."
    )


def _left_alone(rule: Rule) -> Iterator[str]:
    if rule.exclude_jobs.patterns:
        yield f"Jobs of these names are left alone: {listed(rule.exclude_jobs.patterns)}."
    if rule.events.patterns != EVENTS and "*" not in rule.events.patterns:
        yield f"Only what the CI ran for these events is looked after, if it says so: {listed(rule.events.patterns)}."
    if rule.exclude_steps.patterns:
        yield f"Jobs that failed in one of these steps are left alone: {listed(rule.exclude_steps.patterns)}."
    if not rule.never_start.by_default:
        yield f"No retrigger starts jobs of these names: {listed(rule.never_start.patterns)}."
    if not rule.classified:
        yield "Failures are run again even if somebody has classified them."
    elif rule.classified != BY_DEFAULT:
        yield f"Failures that somebody has classified as {listed(sorted(rule.classified))} are left alone."
    if "*" not in rule.authors.patterns:
        yield f"Only pushes of these authors are looked after: {listed(rule.authors.patterns)}."
    if rule.exclude_authors.patterns:
        yield f"Pushes of these authors are left alone: {listed(rule.exclude_authors.patterns)}."
    if "*" not in rule.pools.patterns:
        yield f"Only jobs on these machines are run again: {listed(rule.pools.patterns)}."
    yield from _superseded(rule)
    yield f"Jobs beyond tier {rule.max_tier} are left alone: their failures do not count against a push."


def _superseded(rule: Rule) -> Iterator[str]:
    skip, retrigger = rule.superseded.skip.patterns, rule.superseded.retrigger.patterns
    if retrigger:
        yield f"Pushes{_on(retrigger)} whose branch has a newer commit are retriggered all the same."
    if skip and "*" not in retrigger:
        others = "Other pushes" if retrigger else "Pushes"
        yield f"{others}{_on(skip)} whose branch has a newer commit are left alone."


def _on(branches: Sequence[str]) -> str:
    return "" if "*" in branches else f" on {listed(branches)}"


def listed(words: Sequence[str], *, plain: bool = False) -> str:
    """Join words, or patterns in quotes, to a list in a sentence."""
    quoted = [word if plain else f"“{word}”" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}" if quoted else "none"
