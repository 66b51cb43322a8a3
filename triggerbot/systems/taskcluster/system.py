"""The Taskcluster system, messages over AMQP, look-back by task group, retriggers by the push's actions."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Protocol, runtime_checkable

import httpx

from triggerbot.config import secrets
from triggerbot.core import identity
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, NotUnderstood, Unauthenticated
from triggerbot.core.model import Event, Heard, Lead, Push, PushFacts, Run, RunKey
from triggerbot.core.policy import planning
from triggerbot.core.policy.classified import Classification
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan
from triggerbot.systems import (
    NOTHING_KNOWN,
    BuildContext,
    Known,
    LookBack,
    ResolvedLeads,
    ShowsClassifications,
    mozilla,
)
from triggerbot.systems.answers import Accepted, Answer, Later, Refused, Unknown
from triggerbot.systems.classification import Classifier, Classifies
from triggerbot.systems.http import Reply
from triggerbot.systems.taskcluster import actions, answers, messages, tasks
from triggerbot.systems.taskcluster.api import Api, Credentials, covers
from triggerbot.systems.taskcluster.outcomes import Outcomes
from triggerbot.systems.taskcluster.pushlog import PushLog, PushLogs
from triggerbot.systems.taskcluster.settings import INDEX, TaskclusterSettings
from triggerbot.systems.taskcluster.tasks import Tasks

#: A project as it may be named in the index.
_PROJECT = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
#: Prefix of the scopes that allow triggering a hook.
_HOOKS = "hooks:trigger-hook:"


@runtime_checkable
class JobsOfPush(Protocol):
    """A service that lists all jobs of a push, across its task groups: Treeherder."""

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List all runs of a push, as `System.look_back` does."""

    def recent(self, since: float) -> Sequence[Heard] | None:
        """List the runs that changed since `since`, as `System.recent` does."""

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Return the failure lines of a run, as `ListsFailures.failures` does."""

    def close(self) -> None:
        """Close the connections."""


class Taskcluster:
    """One Taskcluster deployment."""

    capacity = Capacity.BATCH
    forks_allowed = True
    body_max = 1 << 20

    def __init__(
        self,
        name: str,
        root_url: str,
        *,
        credentials: Credentials | None = None,
        push_logs: Sequence[PushLog] = (),
        create_task: bool = False,
        index: str = INDEX,
        projects: Sequence[str] = (),
        jobs: JobsOfPush | None = None,
        grace: float = 300.0,
        user_agent: str = "triggerbot",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self.grace = grace
        self._api = Api(root_url, credentials, user_agent, transport)
        self._logs = PushLogs(push_logs, user_agent, transport)
        #: Copy a task that has no retrigger action, rather than refuse.
        self._create_task = create_task
        self._index = index
        #: Projects to ask for in the sweep.
        self._projects = tuple(projects)
        self._jobs = jobs
        self._tasks = Tasks(self._api, name)
        self._outcomes = Outcomes(self._api, self._tasks)
        # An artifact of a decision task never changes, so it may be cached.
        self._actions = lru_cache(16)(partial(self._api.artifact, name=actions.ARTIFACT))

    # -- messages -----------------------------------------------------------------------------------------------

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Reject: Taskcluster sends no webhooks."""
        raise Unauthenticated("Taskcluster sends no webhooks: its messages arrive over AMQP (intake pulse)")

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Reject: Taskcluster sends no webhooks."""
        raise NotUnderstood("Taskcluster sends no webhooks")

    def parse_message(self, exchange: str, body: bytes) -> Sequence[Heard]:
        """Parse a message of the queue into a lead; raises `NotUnderstood`."""
        return messages.parse(self.name, exchange, body)

    def complete(self, leads: Sequence[Lead], watched: Callable[[Push], bool]) -> ResolvedLeads:
        """Resolve leads by their tasks' definitions: each fetched once, or the whole group where they are many.

        Raises as `ResolvesLeads.complete` does.
        """
        group = leads[0].group
        of_group = self._tasks.push_of(group)
        if of_group is not None and not watched(of_group):
            # All tasks of a group belong to one push, and that one is not watched.
            return ResolvedLeads((), tuple(leads))
        self._tasks.prepare(group, [lead.run_id for lead in leads])
        events: list[Heard] = []
        settled = []
        why = ""
        for lead in leads:
            try:
                definition = self._tasks.definition(lead.run_id)
            except (NotKnown, NotUnderstood) as error:
                why = str(error)
                continue
            settled.append(lead)
            push = definition.push(self.name)
            if push is not None and watched(push):
                events += self._by_push([tasks.of_lead(definition, push, self._api.root_url, lead)])
        return ResolvedLeads(tuple(events), tuple(settled), why)

    def _by_push(self, events: Sequence[Event]) -> list[Event]:
        """Leave out whom a task is for where the push's own author will be told, who may be somebody else."""
        told = self._jobs is not None
        return [replace(one, author=None) if told or self._logs.covers(one.push.project) else one for one in events]

    # -- look-back and sweep ------------------------------------------------------------------------------------

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List all runs of a push, from Treeherder if there is one, or else from its task groups."""
        if self._jobs is None:
            return self._of_groups(push, known)
        try:
            view = self._jobs.look_back(push, known)
        except NotKnown as error:
            return mozilla.without_treeherder(self._of_groups(push, known), known, error)
        view = replace(view, events=tuple(self._outcomes.settle(view.events)))
        if not mozilla.is_behind(view, known):
            return view
        try:
            return mozilla.joined(view, self._of_groups(push, replace(known, facts=True)))
        except NotKnown:
            return view

    def _of_groups(self, push: Push, known: Known) -> LookBack:
        """List all runs of a push from its task groups, and its facts from the push log."""
        facts = None if known.facts else self._logs.facts(push)
        groups = [group for group in known.batches if messages.ID.fullmatch(group)]
        if not groups:
            groups = [self._decision(push)]
        events: list[Event] = []
        complete = True
        unknown = 0
        for group in groups:
            try:
                listed, whole = self._runs_of(push, group)
            except NotKnown:
                unknown += 1
                continue
            events += listed
            complete = complete and whole
        if unknown == len(groups):
            raise NotKnown("none of the push's task groups is known (any more)")
        return LookBack(tuple(events), facts or PushFacts(push, None), complete=complete and not unknown)

    def _decision(self, push: Push) -> str:
        """Find the push's decision task, whose id is also that of its task group."""
        if not _PROJECT.fullmatch(push.project):
            raise NotKnown(f"the index can have no push of {push.project[:80]!r}")
        path = self._index.format(project=push.project.replace("/", "."), revision=push.revision)
        return self._api.find(path)

    def _runs_of(self, push: Push, group: str) -> tuple[list[Event], bool]:
        events: list[Event] = []
        whole = True
        for one in self._api.group(group):
            try:
                definition = tasks.read(one.get("task"))
                if definition.push(self.name) == push:
                    events += self._by_push(tasks.runs(definition, push, self._api.root_url, one.get("status")))
            except NotUnderstood:
                whole = False
        return events, whole

    def recent(self, since: float) -> Sequence[Heard] | None:
        """List the runs of pushes since `since`; `None` where neither Treeherder nor a push log lists pushes."""
        if self._jobs is not None:
            recent = self._jobs.recent(since)
            return None if recent is None else self._outcomes.settle([one for one in recent if isinstance(one, Event)])
        events: list[Heard] = []
        listed = False
        for project in self._projects:
            revisions = self._logs.since(project, since)
            listed = listed or revisions is not None
            for revision in revisions or ():
                push = Push(self.name, project, project, revision)
                try:
                    events += self._runs_of(push, self._decision(push))[0]
                except NotKnown:
                    continue  # no decision task (yet)
        return events if listed else None

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Return what Treeherder found in a run's log, if there is one; raises as `ListsFailures.failures` does."""
        return () if self._jobs is None else self._jobs.failures(push, run)

    def base(self, push: Push) -> PushFacts:
        """Read in the push log what a push is based on; raises as `PushLogs.facts` does."""
        facts = self._logs.facts(push)
        if facts is None or facts.base is None:
            raise NotKnown(f"no push log tells what {push.revision[:12]} of {push.project} is based on")
        return PushFacts(push, base=facts.base, parents=facts.parents)

    # -- retriggering -------------------------------------------------------------------------------------------

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Plan one action per job, with the number of runs in it."""
        plan = planning.plan_batch(wants)
        calls = (Call(call.wants, min(call.count, actions.TIMES_MAX), _original(call)) for call in plan.calls)
        return Plan(tuple(calls), plan.held)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Run the push's retrigger action once; never raises."""
        return self._carefully(lambda: self._run_again(operation, call))

    def runs_no_jobs(self) -> str:
        """Return nothing: whether a push offers the action for it is found out when it is asked."""
        return ""

    def run_job(self, operation: str, push: Push, call: Call) -> Answer:
        """Run the push's action that adds a task by its label once; never raises."""
        return self._carefully(lambda: self._run_new(operation, push, call))

    def _carefully(self, ask: Callable[[], Answer]) -> Answer:
        """Return the answer to a request, or what prevented it."""
        if not self._api.signed:
            return Later("no client_id and access_token are configured: nothing can be retriggered", answers.DENIED)
        try:
            return ask()
        except NotKnown as error:
            return Refused(str(error), healthy=True)
        except CIUnavailable as error:
            return Later(str(error), error.after)
        except CIDenied as error:
            return Later(str(error), answers.DENIED)
        except NotUnderstood as error:
            return Refused(str(error), healthy=True)

    def _run_again(self, operation: str, call: Call) -> Answer:
        task_id = _original(call).run_id
        definition = self._tasks.definition(task_id)
        chosen = actions.choose(
            self._actions(definition.group), task_id, definition, call.count, actions.own_id(operation, 1)
        )
        if isinstance(chosen, actions.Absent) and self._create_task:
            copied = actions.copy(self._api.task(task_id), operation, call.wants[0].claim.created)
            return self._create(operation, [copied] * call.count)
        return self._carry_out(operation, definition.group, chosen)

    def _run_new(self, operation: str, push: Push, call: Call) -> Answer:
        group = self._decision(push)
        label, times = identity.base(call.target.job), min(call.count, actions.TIMES_MAX)
        chosen = actions.choose_new(self._actions(group), group, label, times, actions.own_id(operation, 1))
        return self._carry_out(operation, group, chosen)

    def _carry_out(
        self, operation: str, group: str, chosen: actions.Hook | actions.NewTask | actions.Absent | actions.Unfit
    ) -> Answer:
        match chosen:
            case actions.Hook():
                return self._trigger(group, chosen)
            case actions.NewTask(task):
                return self._create(operation, [task])
            case actions.Absent(why) | actions.Unfit(why):
                return Refused(why, healthy=True)

    def _trigger(self, group: str, hook: actions.Hook) -> Answer:
        # A push may only offer what its decision task's scopes allow it to offer.
        offered = self._api.expand(list(self._tasks.definition(group).scopes))
        if not covers(offered, hook.in_tree):
            return Refused(f"the push offers a hook that it may not offer: its decision task lacks {hook.in_tree}")
        return answers.of_write(self._api.trigger(hook.group, hook.id, hook.payload), hook.needed)

    def _create(self, operation: str, tasks: Sequence[Mapping[str, Any]]) -> Answer:
        """Create tasks under ids derived from the operation, so that a repeated call creates none twice."""
        created: list[str] = []
        for number, task in enumerate(tasks, start=1):
            task_id = actions.own_id(operation, number)
            reply = self._api.create(task_id, task)
            if isinstance(reply, Reply) and reply.status == 409:
                # The id is derived from our operation, so we created it and the answer was lost.
                created.append(task_id)
                continue
            answer = answers.of_write(reply, "queue:create-task:... and the task's own scopes")
            match answer:
                case Accepted():
                    created.append(task_id)
                case _ if not created:
                    return answer
                case Refused(why) | Later(why) | Unknown(why):
                    return Unknown(f"{len(created)} of {len(tasks)} tasks were created, then: {why}")
        return Accepted(tuple(created))

    # -- credentials and connections ----------------------------------------------------------------------------

    def check(self) -> str:
        """Check that the deployment answers, and describe what the credentials allow; raises `CIError`."""
        self._api.ping()
        if not self._api.signed:
            return "answers; no credentials are configured, so nothing can be retriggered"
        scopes = self._api.own_scopes()
        if any(scope.startswith(_HOOKS) or (scope[-1:] == "*" and _HOOKS.startswith(scope[:-1])) for scope in scopes):
            return f"answers; the client has {len(scopes)} scopes, among them hooks:trigger-hook"
        raise CIDenied("the client may trigger no hook: give it hooks:trigger-hook:<group>/<the hooks of your actions>")

    def classification(self, push: Push, run: RunKey) -> Classification | None:
        """Return how a failure is classified at Treeherder; raises as `ShowsClassifications.classification` does."""
        return self._jobs.classification(push, run) if isinstance(self._jobs, ShowsClassifications) else None

    def classifier(self) -> Classifier | None:
        """Log in at Treeherder, to classify failures; `None` if that is not configured. Raises `ConfigError`."""
        return self._jobs.classifier() if isinstance(self._jobs, Classifies) else None

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self._logs.close()
        if self._jobs is not None:
            self._jobs.close()


def _original(call: Call) -> Run:
    """Return the run to copy: what only ran failed tests again is no run of the whole job."""
    whole = (run for run in reversed(call.wants[0].runs) if not run.allowed_to_fail)
    return next(whole, call.target) if call.target.allowed_to_fail else call.target


def build(name: str, settings: TaskclusterSettings, context: BuildContext) -> Taskcluster:
    """Build it as configured; raises `ConfigError` if a secret cannot be read."""
    credentials = None
    if settings.client_id is not None and settings.access_token is not None:
        certificate = secrets.content(settings.certificate)
        credentials = Credentials(settings.client_id, settings.access_token.read(), certificate)
    return Taskcluster(
        name,
        settings.url,
        credentials=credentials,
        push_logs=[PushLog(log.projects, log.hg, log.github, secrets.content(log.token)) for log in settings.pushes],
        create_task=settings.without_action == "create_task",
        index=settings.index,
        projects=settings.projects,
        jobs=_jobs(name, settings, context),
        grace=settings.grace,
        user_agent=context.user_agent,
    )


def _jobs(name: str, settings: TaskclusterSettings, context: BuildContext) -> JobsOfPush | None:
    if settings.treeherder is None:
        return None
    jobs = context.companion(
        "treeherder", name, url=settings.treeherder, projects=settings.projects, classify=settings.classify
    )
    assert isinstance(jobs, JobsOfPush)
    return jobs
