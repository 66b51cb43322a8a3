"""The Treeherder system: its job messages as events, its list of a push's jobs as look-back; no retriggers itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from triggerbot.core.errors import NotKnown, NotUnderstood, Unauthenticated
from triggerbot.core.model import Event, Heard, Push, PushFacts, Run, RunKey
from triggerbot.core.policy import planning
from triggerbot.core.policy.classified import Classification
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan
from triggerbot.systems import NOTHING_KNOWN, BuildContext, Known, LookBack, RunsJobs, mozilla
from triggerbot.systems.answers import Answer, Later
from triggerbot.systems.treeherder import messages
from triggerbot.systems.treeherder.classify import Classifier
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.session import Session
from triggerbot.systems.treeherder.settings import TreeherderSettings

#: Seconds until the config may have been fixed.
_DENIED = 600.0


class Retriggers(Protocol):
    """The CI that runs the jobs that Treeherder shows: a Taskcluster."""

    name: str

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """As `System.look_back`; there, pushes are of its own system."""

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """As `System.plan`."""

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """As `System.retrigger`."""


class Treeherder:
    """One Treeherder."""

    capacity = Capacity.BATCH
    forks_allowed = True
    body_max = 1 << 20

    def __init__(
        self,
        jobs: TreeherderJobs,
        *,
        through: Retriggers | None,
        grace: float = 300.0,
        log_in: Callable[[], Classifier | None] = lambda: None,
    ) -> None:
        self.name = jobs.name
        self.grace = grace
        self._jobs = jobs
        self._through = through
        self._log_in = log_in

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Reject: Treeherder sends no webhooks."""
        raise Unauthenticated("Treeherder sends no webhooks: its messages arrive over AMQP (intake pulse)")

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Reject: Treeherder sends no webhooks."""
        raise NotUnderstood("Treeherder sends no webhooks")

    def parse_message(self, exchange: str, body: bytes) -> Sequence[Heard]:
        """Parse a job message, from any exchange; raises `NotUnderstood`."""
        return messages.parse(self.name, self._jobs.url, body)

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List every job of a push; raises as `System.look_back` does.

        Where Treeherder is behind, the CI that runs the jobs is asked as well: a request would be repeated otherwise.
        """
        through = self._through
        if through is None:
            return self._jobs.look_back(push, known)
        try:
            view = self._jobs.look_back(push, known)
        except NotKnown as error:
            return mozilla.without_treeherder(_of(push, through, known), known, error)
        if not mozilla.is_behind(view, known):
            return view
        try:
            return mozilla.joined(view, _of(push, through, known))
        except NotKnown:
            return view

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Plan as the CI that runs the jobs does."""
        return planning.plan_batch(wants) if self._through is None else self._through.plan(wants, busy, runs)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Send one request to the CI that runs the jobs; never raises."""
        if self._through is None:
            return Later("no taskcluster is configured for this Treeherder: nothing can be retriggered", _DENIED)
        return self._through.retrigger(operation, push, call)

    def runs_no_jobs(self) -> str:
        """Return why no job can be run for the first time: without a Taskcluster nothing can."""
        if not isinstance(self._through, RunsJobs):
            return "Treeherder runs no jobs itself, and no taskcluster is configured for it"
        return self._through.runs_no_jobs()

    def run_job(self, operation: str, push: Push, call: Call) -> Answer:
        """Send one request to the CI that runs the jobs; never raises."""
        if not isinstance(self._through, RunsJobs):
            return Later(self.runs_no_jobs(), _DENIED)
        return self._through.run_job(operation, push._replace(system=self._through.name), call)

    def recent(self, since: float) -> Sequence[Heard] | None:
        """List the jobs that changed since `since`; raises as `look_back` does."""
        return self._jobs.recent(since)

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Return the failure lines in a run's log; raises `NotKnown`, `CIUnavailable`, `CIDenied`."""
        return self._jobs.failures(push, run)

    def classification(self, push: Push, run: RunKey) -> Classification | None:
        """Return how a failure is classified, by somebody else; raises `NotKnown`, `CIUnavailable`, `CIDenied`."""
        return self._jobs.classification(push, run)

    def classifier(self) -> Classifier | None:
        """Log in, to classify failures; `None` if that is not configured. Raises `ConfigError`."""
        return self._log_in()

    def check(self) -> str:
        """Check that it answers, by a harmless read; raises `CIError`."""
        return f"answers; it has {self._jobs.repositories()} repositories"

    def close(self) -> None:
        """Close the connections."""
        self._jobs.close()


def _of(push: Push, through: Retriggers, known: Known) -> LookBack:
    """List the runs of a push of ours at the CI that runs them."""
    view = through.look_back(push._replace(system=through.name), replace(known, facts=True))
    return replace(view, events=tuple(replace(event, push=push) for event in view.events), facts=PushFacts(push))


def build(name: str, settings: TreeherderSettings, context: BuildContext) -> Treeherder:
    """Build it as configured."""
    through = None if settings.taskcluster is None else context.systems[settings.taskcluster]
    jobs = TreeherderJobs(name, settings.url, projects=settings.projects, user_agent=context.user_agent)
    # Only reports need the login: its secrets are not read for anything else.
    return Treeherder(jobs, through=through, grace=settings.grace, log_in=partial(_log_in, name, settings, context))


def _log_in(name: str, settings: TreeherderSettings, context: BuildContext) -> Classifier | None:
    if settings.classify is None:
        return None
    # Connections of its own: it is closed with the reports.
    jobs = TreeherderJobs(name, settings.url, user_agent=context.user_agent)
    login = settings.classify
    # What cannot be read at all is a mistake in the config.
    login.session.read(), login.csrf.read()
    return Classifier(jobs, Session(login.session.read, login.csrf.read), user_agent=context.user_agent)
