"""The configuration of rules: what is watched, how many retriggers it gets, and how much a push may have of them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from triggerbot.config import fields
from triggerbot.config.section import Section, default
from triggerbot.config.yaml_reader import shown
from triggerbot.core.branch.alerts import Alerts
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.classified import FailureClass
from triggerbot.core.policy.evidence import UntilProved
from triggerbot.core.policy.expectation import named
from triggerbot.core.policy.never_start import NEVER_START, NeverStart
from triggerbot.core.policy.rules import EVENTS, Rule


class RequestedSection(Section):
    """What a push may ask for in its message (try: ... --rebuild N)."""

    max: int = Field(
        default=20, ge=0, le=100, description="At most so many further runs of a job for each ask; 0 for none."
    )
    total: int = Field(
        default=2000, ge=0, le=1_000_000, description="At most so many further runs that a message asks for in all."
    )
    default_branch: bool = Field(
        default=False,
        description="Whether messages on the default branch count, where the CI says which that is (GitHub): they are "
        "often those of others, merged or squashed.",
    )
    groups: dict[fields.GroupName, fields.SomePatterns] = Field(
        default={},
        description="Names for sets of jobs: {talos: ['*talos*']} lets a push ask for --rebuild-talos N.",
        examples=[{"talos": ["*talos*"]}],
    )


#: The number of further runs that a failed job may have.
_RETRIES_MOST = 20
#: A name without what makes it a pattern; git allows none of that in the name of a branch.
_ONE_BRANCH = r"[^*?\[]*"


class UntilProvedSection(Section):
    """So many further runs of a failed job as it takes: they end with a pass, or as soon as they prove something."""

    evidence: fields.Share = Field(
        description="How small the chance has to be, by the history of a job, that it is intermittent all the same: "
        "then it is proved that it fails every time.",
        examples=["5%"],
    )
    max: int = Field(default=4, ge=1, le=_RETRIES_MOST, description="At most so many; a build gets one.")

    def until_proved(self) -> UntilProved:
        """Return it as the policy takes it."""
        return UntilProved(self.evidence, self.max)


def _retries(value: Any) -> int | UntilProved:
    """Read a number of runs, or what they have to prove."""
    if isinstance(value, dict):
        return UntilProvedSection.model_validate(value).until_proved()
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, got {shown(value)}; or write {{evidence: 5%, max: 4}}")
    if not 0 <= value <= _RETRIES_MOST:
        raise ValueError(f"expected 0 to {_RETRIES_MOST}, got {shown(value)}")
    return value


def _same_cause(value: Any) -> str:
    """Check which of the jobs that fail alike are retriggered."""
    if value not in ("first", "each"):
        raise ValueError(f"expected first or each, got {shown(value)}")
    return str(value)


Retries = Annotated[
    int | UntilProved,
    PlainValidator(_retries),
    fields.Holds(UntilProvedSection),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": _RETRIES_MOST},
                UntilProvedSection.model_json_schema(),
            ]
        }
    ),
]


class BackfillSection(Section):
    """Searches for who broke a job, which run it at pushes that did not run it."""

    max: int = Field(
        default=0, ge=0, le=50,
        description="At most so many pushes for each job that keeps failing; 0: only when a person asks for it.",
    )  # fmt: skip


class BudgetSection(Section):
    """How many jobs of one push may be retriggered because they failed."""

    percent: float = Field(
        default=5,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="This share of the push's jobs, in percent, and one job more.",
    )
    floor: int = Field(default=4, ge=0, description="So many and one more, if that share is less.")


class LookupSection(Section):
    """What to do when the CI does not know the job yet."""

    attempts: int = Field(default=5, ge=0, le=100, description="How often to ask again before giving up.")
    delay: fields.Duration = default("90s", "How long to wait in between.", examples=["90s"])


class AlertsSection(Section):
    """Which jobs are looked at along a branch, and when one that keeps failing is worth an alert."""

    pushes: int = Field(
        default=2, ge=2, le=50, description="At how many consecutive pushes a job has to fail to be a streak."
    )
    jobs: fields.SomePatterns = default(("*",), "Jobs that are looked at, by their name or that of a shard.")
    exclude_jobs: fields.Patterns = default((), "But none of these.", examples=[["*-unstable*"]])
    merge_shards: bool = Field(
        default=False, description="Whether the shards of a job are one job: a failure moves between them."
    )
    many: int = Field(
        default=5, ge=1, description="If more jobs than that begin to fail at one push, they are one message."
    )

    def alerts(self) -> Alerts:
        """Return it as the domain takes it."""
        return Alerts(self.pushes, self.jobs, self.exclude_jobs, self.merge_shards, self.many)


class ExpectSection(Section):
    """What should be heard of the branches that a rule names."""

    every: fields.SomeTime = Field(
        description="Report a branch of which nothing was heard for so long, neither a push nor a run.",
        examples=["26h"],
    )


class RuleSection(Section):
    """What is watched, and how much may be done about it; the first rule that matches project and branch counts."""

    projects: fields.SomePatterns = Field(
        description="Projects to watch, by name or pattern (*, ?, [...]); owner/repository in any case.",
        examples=[["try"], ["owner/name"]],
    )
    branches: fields.SomePatterns = default(("*",), "Branches to watch.")
    jobs: fields.SomePatterns = default(("*",), "Jobs that may be retriggered.")
    exclude_jobs: fields.Patterns = default((), "But none of these.", examples=[["*-unstable*"]])
    events: fields.SomePatterns = default(
        EVENTS, "What made the CI run a job that may be retriggered; excludes nothing where a CI does not say."
    )
    authors: fields.SomePatterns = default(("*",), "Authors whose pushes count.")
    exclude_authors: fields.Patterns = default((), "But none of these.", examples=[["autoland@example.org"]])
    kinds: Annotated[tuple[fields.KindName, ...], Field(min_length=1)] = Field(
        default=("test",),
        description="Kinds of jobs that may be retriggered. `workflow`: a workflow of GitHub that failed "
        "without a failed job, as a whole.",
    )
    results: tuple[fields.ResultName, ...] = Field(
        default=("failure",),
        description="Results to retrigger: failure (tests), busted (build), infra, timed_out. None: only requests.",
    )
    max_tier: int = Field(default=1, ge=0, description="Jobs of a higher tier are hidden, and left alone.")
    pools: fields.SomePatterns = default(("*",), "Kinds of machines that may be used; some are scarce.")
    exclude_steps: fields.Patterns = default(
        (),
        "A run whose first failed step is one of these is the author's own doing, and left alone.",
        examples=[["build*"]],
    )
    never_start: fields.Patterns = default(
        NEVER_START,
        "Jobs that no retrigger may start along with others (in any case): what would is refused. As long as these "
        "are left as they are, jobs with an environment are among them.",
    )
    classified: tuple[fields.FailureClassName, ...] = Field(
        default=("fixed by commit", "expected fail", "intermittent"),
        description="Failures that somebody has classified so are left alone (Treeherder); more of them would only "
        "have to be classified, too.",
    )
    retries: Retries = default(
        2,
        "How many further runs of a failed job are wanted: a number, or as many as it takes until something is proved.",
        examples=[2, {"evidence": "5%", "max": 4}],
    )
    same_cause: Annotated[
        Literal["first", "each"] | None, PlainValidator(_same_cause), WithJsonSchema({"enum": ["first", "each"]})
    ] = Field(
        default=None,
        description="Which of the jobs of a push that fail alike are retriggered: the first, and the others only if it "
        "passes, or each. Without it, the first where retries go by evidence, and each where they are a number.",
        examples=["first"],
    )
    base_branch: Annotated[
        str,
        AfterValidator(fields.fits(_ONE_BRANCH, "expected the name of one branch, and no pattern")),
    ] = Field(
        default="",
        max_length=200,
        description="The branch that pushes are based on, where the CI does not tell what each is based on.",
        examples=["main"],
    )
    control: bool = Field(
        default=False,
        description="Run a job that fails alike every time once at the base of its push, if nothing is known there.",
    )
    backfill: BackfillSection = default(
        {}, "Find who broke a job that keeps failing, by running it at pushes of the branch that did not."
    )
    superseded: fields.SkipOrRetrigger = default(
        {},
        "What to do with pushes whose branch has a newer commit: skip or retrigger, or each for some branches. Without "
        "it, systems with pull requests (GitHub) skip them outside the default branch, and all others retrigger.",
        examples=["skip", {"skip": ["*"], "retrigger": ["release/*"]}],
    )
    opt_in: bool = Field(default=False, description="Only retrigger failures of pushes that ask for it with --retry.")
    requested: RequestedSection = default({}, "What a push may ask for in its message.")
    budget: BudgetSection = default({}, "How many jobs of one push may be retriggered because they failed.")
    lookup: LookupSection = default({}, "What to do when the CI does not know the job yet.")
    calibration: fields.ShareOrOff = default(
        "off",
        "Measure triggerbot's own accuracy: this share of the jobs gets further runs that decide nothing, within the "
        "caps and a budget of their own; or off. At CIs where a rerun takes the place of the run before (GitHub), a "
        "job that passed may turn red by it.",
        examples=["0.5%"],
    )

    alerts: AlertsSection = default({}, "Which jobs that keep failing along a branch are worth an alert.")
    expect: ExpectSection | None = Field(
        default=None,
        description="Expect something of each branch that `branches` names, of each project that `projects` names "
        "(patterns are no names), and report when nothing is heard, and when it is heard of again.",
        examples=[{"every": "26h"}],
    )

    @field_validator("expect")
    @classmethod
    def _expects_names(cls, value: ExpectSection | None, info: ValidationInfo) -> ExpectSection | None:
        for name in ("projects", "branches"):
            globs = info.data.get(name)
            if value is not None and globs is not None and not named(globs.patterns):
                raise ValueError(
                    f"it needs {name} by name, and there are only patterns: write, say, {name}: "
                    f"[{'main' if name == 'branches' else 'owner/name'}]"
                )
        return value

    def rule(self) -> Rule:
        """Return it as the policy takes it."""
        own = dict(self)
        requested, budget, lookup, never_start, retries, same_cause, backfill, alerts, expect = (
            own.pop(name)
            for name in (
                "requested", "budget", "lookup", "never_start", "retries", "same_cause", "backfill", "alerts", "expect",
            )
        )  # fmt: skip
        until_proved = retries if isinstance(retries, UntilProved) else None
        return Rule(
            **own
            | {
                "kinds": frozenset(self.kinds),
                "results": frozenset(self.results),
                "classified": frozenset(map(FailureClass, self.classified)),
            },
            never_start=NeverStart(never_start.patterns),
            retries=retries if until_proved is None else until_proved.most,
            until_proved=until_proved,
            first_of_cause=same_cause == "first" if same_cause else until_proved is not None,
            requested_max=requested.max,
            requested_total=requested.total,
            requested_default=requested.default_branch,
            groups=requested.groups,
            budget=Budget(budget.percent, budget.floor),
            backfill_max=backfill.max,
            lookup_attempts=lookup.attempts,
            lookup_delay=lookup.delay,
            alerts=alerts.alerts(),
            expect=None if expect is None else expect.every,
        )
