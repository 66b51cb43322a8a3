"""Branches of which something should be heard regularly. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from triggerbot.core.model import Push
from triggerbot.core.patterns import is_literal
from triggerbot.core.policy.rules import Rule, rule_for


@dataclass(frozen=True, slots=True)
class Expected:
    """A branch of which something should be heard at least every so many seconds."""

    project: str
    branch: str
    every: float

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: `Octo/App` is `octo/app`."""
        return key(self.project, self.branch)


def key(project: str, branch: str) -> tuple[str, str]:
    """Return what tells a branch from others."""
    return project.lower() if "/" in project else project, branch


def named(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns that are names."""
    return tuple(one for one in patterns if is_literal(one))


def expected(rules: Sequence[Rule]) -> tuple[Expected, ...]:
    """Return the branches that the rules expect something of: those that they name, each by its first rule.

    A pattern is no name: of the many branches that match one most are quiet for good reasons.
    """
    found: dict[tuple[str, str], Expected] = {}
    for rule in rules:
        for project in named(rule.projects.patterns) if rule.expect is not None else ():
            for branch in named(rule.branches.patterns):
                if rule.expect is not None and rule_for(rules, Push("", project, branch, "")) is rule:
                    one = Expected(project, branch, rule.expect)
                    found.setdefault(one.key, one)
    return tuple(found.values())
