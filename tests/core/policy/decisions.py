"""Shorthand for decisions: a rule, a failed run, and what is known of its push."""

from typing import Any

from tests.fakes.world import push
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.model import Result, Run, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Facts, Rule
from triggerbot.core.policy.try_syntax import read

RULE = Rule(
    Globs(["try"]),
    exclude_jobs=Globs(["*-unstable*"]),
    exclude_authors=Globs(["autoland@*"]),
    pools=Globs(["linux*"]),
    exclude_steps=Globs(["build*"]),
    groups={"talos": Globs(["*talos*"])},
)


RUN = Run("job", "1", 1, State.FINISHED, Result.FAILURE)
CLAIM = Claim(1, push(), "job", ClaimState.OPEN, RUN, dry=False, created=0, due=0)


def facts(message: str = "", **more: Any) -> Facts:
    """What is known of the push when it is decided."""
    settings: dict[str, Any] = {
        "author": "dev@example.org", "fork": False, "forks_allowed": True, "runs": 1,
    }  # fmt: skip
    return Facts(read(message, RULE.groups), **(settings | more))


def refused(reason: str) -> tuple[str, str, int]:
    """A refusal, as `decided` gives it."""
    return ("refuse", reason, 0)
