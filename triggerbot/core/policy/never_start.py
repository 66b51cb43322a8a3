"""Jobs that no retrigger may start: a rerun of a job also reruns those that need it, such as a deployment. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from triggerbot.core import identity
from triggerbot.core.model import Event, Kind, Run
from triggerbot.core.needs import Needs
from triggerbot.core.patterns import Globs

#: Names of jobs that do what must not be done twice.
NEVER_START = ("*deploy*", "*publish*", "*release*")


@dataclass(frozen=True, slots=True)
class NeverStart:
    """The jobs that a rule never lets a retrigger start; case is ignored.

    As long as the patterns are left as they are, jobs with an `environment` are among them.
    """

    patterns: tuple[str, ...] = NEVER_START
    _globs: Globs = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_globs", Globs(pattern.lower() for pattern in self.patterns))

    @property
    def by_default(self) -> bool:
        """Whether the patterns are the default, so that jobs with an `environment` are covered, too."""
        return self.patterns == NEVER_START

    def along(self, job: str, event: Event | None = None) -> bool:
        """Whether a job must not be started along with others; `event`: the newest of it that the CI lists."""
        told = None if event is None else event.event
        named = any(self._globs.match(name.lower()) for name in identity.of_event(job, told))
        return named or self._deploys(event)

    def covers(self, name: str, run: Run, environment: bool) -> bool:
        """Whether a job that is not listed yet must not be started with a run's batch."""
        named = any(self._globs.match(one.lower()) for one in identity.of_event(name, run.event))
        return named or (self.by_default and environment)

    def itself(self, job: str, event: Event | None = None) -> bool:
        """Whether a job must not even be retriggered for its own failure.

        The words of the default do not tell: `test (release)` is no release. An `environment` does, and so do patterns
        that somebody wrote.
        """
        return self._deploys(event) or (not self.by_default and self.along(job, event))

    def _deploys(self, event: Event | None) -> bool:
        return self.by_default and event is not None and event.environment


BY_DEFAULT = NeverStart()


def excluded(
    never: NeverStart,
    run: Run,
    needs: Needs,
    newest: Mapping[str, Event],
    named: Collection[str],
    *,
    manual: bool,
    asked: bool = False,
) -> tuple[str, ...]:
    """Return the keys of the jobs that a rerun of a run's job would start and must not.

    `newest`: the newest run of each job that the CI lists. `named`: jobs that a person asked for by name, which may be
    started. `manual`: a person asks for this one. `asked`: its push asks for runs whatever the results.
    """
    # A workflow's name tells what its jobs do, of which nobody may know; and what did not fail may have been deployed.
    by_name = run.kind is Kind.WORKFLOW or not run.failed or asked
    own = not manual and (never.along if by_name else never.itself)(run.job, newest.get(run.job))
    along = [job for job in needs.starts(run) if job not in named and never.along(job, newest.get(job))]
    return (run.job, *along) if own else tuple(along)
