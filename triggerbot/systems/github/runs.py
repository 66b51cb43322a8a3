"""Reads workflow runs and their jobs: the look-back of a push, and the sweep."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotKnown, NotUnderstood
from triggerbot.core.event_json import format_time
from triggerbot.core.model import Event, Heard, Kind, Lead, Push, Result, Run, RunKey
from triggerbot.systems import NOTHING_KNOWN, Known, LookBack, ResolvedLeads
from triggerbot.systems.github import attempts, endings, heads, messages, parse, shape
from triggerbot.systems.github.annotations import Annotations
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.workflow_file import Shape, WorkflowFiles
from triggerbot.systems.http import segments, usable

_K = TypeVar("_K")
_V = TypeVar("_V")

_log = structlog.get_logger(__name__)

#: Seconds that a workflow run may be old to be swept: the list can only be filtered by `created`.
_LONGEST_RUN = 24 * 3600.0
#: Seconds; the time from which workflow runs are listed is a multiple of it.
_ROUND = 3600.0
#: Workflow runs that GitHub lists at most when filtered by `created` ("List workflow runs", 2026).
_LISTED_MAX = 1000
#: Jobs of a workflow run that are asked about one by one, rather than listed first to be asked about together.
_FEW = 2
#: Cached ids of jobs listed again, and cached workflow runs with their events.
_IDS, _SWEPT = 20_000, 300


@dataclass(frozen=True, slots=True)
class _OfFiles:
    """What the workflow files of a push say of its workflow runs, by their ids; see `LookBack`."""

    guarded: dict[str, bool] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    planned: dict[str, dict[str, bool]] = field(default_factory=dict)

    def add(self, run: messages.WorkflowRun, shaped: Shape, *, began: bool) -> None:
        """Take what one says; `began`: whether GitHub lists jobs."""
        if not began:
            self.planned[str(run.id)] = shape.planned(shaped, run.name or run.file or "")
        if shaped.unread:
            self.unread[str(run.id)] = shaped.unread
        guarded = shaped.cancels_in_progress(run.event or "", run.head_branch or "")
        if guarded is not None:
            self.guarded[str(run.id)] = guarded


class Runs:
    """A reader of workflow runs as events. Thread-safe."""

    def __init__(
        self,
        system: str,
        client: Client,
        sweeping: Client,
        repositories: Sequence[str],
        annotations: Annotations,
        files: WorkflowFiles,
        learn: Callable[[str, Sequence[messages.WorkflowRun]], None],
    ) -> None:
        """Take the client of look-backs, and that of polls and sweeps, which leave it a share of the rate limit.

        `learn`: takes the workflow runs of a project that a look-back lists.
        """
        self._system = system
        self._client = client
        self._sweeping = sweeping
        self._annotations = annotations
        self._files = files
        self._learn = learn
        self._repositories = tuple(repositories)
        self._lock = threading.Lock()
        #: Jobs listed again under a new id: {the id we use: the id to rerun}.
        self._newest: OrderedDict[str, str] = OrderedDict()
        #: Completed workflow runs: {id: (updated_at, the events of its jobs then)}.
        self._swept: OrderedDict[int, tuple[str, list[Event]]] = OrderedDict()

    def newest_id(self, job_id: str) -> str:
        """Return the id under which a job can be rerun now: as the last look-back found it, or else the one given."""
        with self._lock:
            return self._newest.get(job_id, job_id)

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List the runs of a push, but for those that are known and of no concern; raises as `System.look_back` does.

        GitHub answers 404 both for a repository that does not exist and for one that the token may not see. If the
        repository can be read, its runs are not known (yet); otherwise an operator has to act: `CIDenied`.
        """
        if not messages.is_full_name(push.project):
            raise NotKnown(f"{push.project[:200]!r} is no owner/repository")
        client = self._sweeping if known.spare else self._client
        runs = [run for run in self._of_commit(client, push) if run.head_branch == push.branch]
        self._learn(push.project, runs)
        if not runs:
            raise NotKnown(f"GitHub lists no workflow run of {push.revision} on {push.branch}")
        files = _OfFiles()
        listed = [
            self._events(client, push, run, files, wanted=str(run.id) in (known.wanted or ()))
            for run in runs
            if _matters(run, known)
        ]
        try:
            facts, told = parse.facts(push, runs), heads.of_runs(push, runs)
        except NotUnderstood as error:
            raise CIUnavailable(f"GitHub's answer is not as documented: {error}") from None
        return LookBack(
            events=tuple(event for events, _ in listed for event in events),
            facts=facts,
            busy=frozenset(str(run.id) for run in runs if run.status != "completed"),
            complete=all(whole for _, whole in listed),
            heads=told,
            stopped=endings.stopped(runs, [event for events, _ in listed for event in events], self._annotations.known),
            guarded=files.guarded,
            unread=files.unread,
            planned=files.planned,
        )

    def _of_commit(self, client: Client, push: Push) -> list[messages.WorkflowRun]:
        repository = segments("repos", *push.project.split("/"))
        path = f"{repository}/actions/runs"
        try:
            found = list(client.pages(push.project, path, {"head_sha": push.revision}, messages.RunsPage))
        except NotKnown:
            if client.get(push.project, repository).status == 200:
                raise
            raise CIDenied(f"{push.project} is not there, or the token may not see it: check both") from None
        return list({run.id: run for page in found for run in page.workflow_runs}.values())

    def _events(
        self,
        client: Client,
        push: Push,
        run: messages.WorkflowRun,
        files: "_OfFiles | None" = None,
        *,
        wanted: bool = False,
    ) -> tuple[list[Event], bool]:
        """List the executions of a workflow run's jobs in all attempts, oldest first, and whether that is all.

        `files`: takes what its workflow file says, which is read where that may matter: where a job failed or is
        `wanted`. Without it only where it may tell how a job ended.
        """
        try:
            pages = list(self._jobs(client, push, str(run.id)))
        except NotKnown:  # somebody deleted the workflow run
            return [], False
        listed = [job for page in pages for job in page.jobs]
        self._annotations.learn(listed)
        jobs, newest = attempts.distinct(listed)
        with self._lock:
            for job_id, new_id in newest.items():
                _cache(self._newest, job_id, new_id, _IDS)
        events, whole = self._of_jobs(push, run, jobs, attempts.repeated(listed))
        cut_off = any(event.result is Result.CANCELLED and endings.is_unclear(event) for event in events)
        if cut_off or (files is not None and (wanted or any(event.failed for event in events))):
            shaped = self._files.shape(push.project, run)
            events = shape.apply(shaped, events, listed)
            if files is not None:
                files.add(run, shaped, began=bool(listed))
        return endings.complete(push, run, listed, self._annotations.settle(push, events)), whole

    def _jobs(self, client: Client, push: Push, number: str) -> Iterator[messages.JobsPage]:
        path = segments("repos", *push.project.split("/"), "actions", "runs", number, "jobs")
        return client.pages(push.project, path, {"filter": "all"}, messages.JobsPage)

    def _of_jobs(
        self, push: Push, run: messages.WorkflowRun, jobs: Sequence[messages.Job], repeated: Mapping[str, str]
    ) -> tuple[list[Event], bool]:
        events: list[Event] = []
        whole = True
        for job in jobs:
            try:
                event = parse.event(push, job, run=run, repeats=repeated.get(str(job.id)))
            except NotUnderstood as error:
                whole = False
                _log.warning(
                    "job.not_understood", system=self._system, project=push.project, job=job.id, error=str(error)
                )
            else:
                events.extend([event] if event is not None else [])
        return events, whole

    def of_leads(self, leads: Sequence[Lead], watched: Callable[[Push], bool]) -> ResolvedLeads:
        """Read the workflow run of leads, which says whose jobs they are; raises as `look_back` does.

        A workflow run without a branch is of no push: that is logged, and the end of it.
        """
        project, _, number = leads[0].group.id.rpartition("/")
        if not messages.is_full_name(project) or not number.isdecimal():
            raise NotKnown(f"{leads[0].group.id[:200]!r} is no workflow run")
        path = segments("repos", *project.split("/"), "actions", "runs", number)
        reply = self._client.get(project, path)
        if reply.status == 404:
            raise NotKnown(f"GitHub knows no workflow run {number} of {project}")
        run = messages.answer(usable(reply, f"the workflow run {number}").body, messages.WorkflowRun)
        try:
            push = parse.push_of(self._system, project, run)
            if push is None:
                why = "the workflow run has no branch"
                _log.warning("job.ignored", system=self._system, project=project, workflow_run=number, reason=why)
                return ResolvedLeads((), tuple(leads))
            if not watched(push):
                return ResolvedLeads((), tuple(leads))
            facts, told = parse.facts(push, [run]), heads.of_runs(push, [run])
        except NotUnderstood as error:
            raise CIUnavailable(f"GitHub's answer is not as documented: {error}") from None
        events, _ = self._events(self._client, push, run)
        listed = {event.key for event in events}
        # A job that was carried over from an earlier attempt is listed there under its first id.
        settled = tuple(
            one for one in leads
            if one.key in listed or endings.is_settled(one, run) or (one.attempt > 1 and one.run_id != number)
        )  # fmt: skip
        return ResolvedLeads((facts, *told, *events), settled, "GitHub does not list the job yet")

    def lines_of(self, push: Push, runs: Sequence[Run]) -> Mapping[RunKey, Sequence[str]]:
        """Read the annotations of several jobs together; what that does not tell of is left out. Never raises."""
        wanted = [run for run in runs if run.kind is not Kind.WORKFLOW and run.batch.isdecimal()]
        if not messages.is_full_name(push.project):
            return {}
        known = {run.key: lines for run in wanted if (lines := self._annotations.known(run.run_id)) is not None}
        wanted = [run for run in wanted if run.key not in known]
        batches = {run.batch for run in wanted}
        if len(wanted) > _FEW * len(batches) and not self._annotations.are_named(run.run_id for run in wanted):
            try:
                for batch in batches:
                    self._annotations.learn(
                        job for page in self._jobs(self._sweeping, push, batch) for job in page.jobs
                    )
            except CIError as error:
                _log.info("annotations.not_read", system=self._system, project=push.project, error=str(error))
        found = self._annotations.together(push, [run.run_id for run in wanted])
        return known | {run.key: found[run.run_id] for run in wanted if run.run_id in found}

    def recent(self, since: float) -> list[Heard] | None:
        """Return events of the workflow runs that changed since `since`; `None` if no repositories are configured.

        A repository that we may not read is logged and skipped; raises `CIDenied` if that is all of them. Changes of a
        workflow run older than a day are not found.
        """
        if not self._repositories:
            return None
        found: list[Heard] = []
        denied: list[CIError] = []
        for project in self._repositories:
            try:
                found.extend(self._recent_of(project, since))
            except (CIDenied, NotKnown) as error:
                denied.append(error)
                _log.warning("sweep.denied", system=self._system, project=project, error=str(error))
        if len(denied) == len(self._repositories):
            raise CIDenied(str(denied[0]))
        return found

    def _recent_of(self, project: str, since: float) -> Iterator[Heard]:
        for run in self._created_since(project, since - _LONGEST_RUN):
            try:
                updated = messages.moment(run.updated_at)
                push = parse.push_of(self._system, project, run)
                if updated is not None and updated < since:
                    continue
                if push is None:
                    why = "the workflow run has no branch"
                    _log.warning("sweep.ignored", system=self._system, project=project, run=run.id, reason=why)
                    continue
                yield from heads.of_run(push, run)
                yield parse.facts(push, [run], settled=run.status == "completed")
                yield from self._swept_events(push, run)
            except NotUnderstood as error:
                _log.warning("sweep.not_understood", system=self._system, project=project, run=run.id, error=str(error))

    def _created_since(self, project: str, start: float) -> Iterator[messages.WorkflowRun]:
        """Yield workflow runs, newest first; at GitHub's limit for a list, continue from the oldest that it gave."""
        path = segments("repos", *project.split("/"), "actions", "runs")
        # Rounded, so that the address stays the same for an hour: a list without news is then answered 304, uncounted.
        first, last = format_time(max(0.0, start // _ROUND * _ROUND)), ""
        seen: set[int] = set()
        while True:
            created = f"{first}..{last}" if last else f">={first}"
            listed: list[messages.WorkflowRun] = []
            for page in self._sweeping.pages(project, path, {"created": created}, messages.RunsPage):
                listed.extend(page.workflow_runs)
            yield from (run for run in listed if run.id not in seen)
            oldest = min((run.created_at or "" for run in listed), default="")
            if len(listed) < _LISTED_MAX or not oldest or seen.issuperset(run.id for run in listed):
                return
            seen.update(run.id for run in listed)
            last = oldest

    def _swept_events(self, push: Push, run: messages.WorkflowRun) -> list[Event]:
        """Return the events of a workflow run's jobs; those of a completed one are read once per change of it.

        Cached events are returned again, for the caller may have failed to process them.
        """
        with self._lock:
            updated, events = self._swept.get(run.id, ("", []))
        if run.status == "completed" and run.updated_at == updated:
            return events
        events, whole = self._events(self._sweeping, push, run)
        if run.status == "completed" and run.updated_at and whole:
            with self._lock:
                _cache(self._swept, run.id, (run.updated_at, events), _SWEPT)
        return events


def _matters(run: messages.WorkflowRun, known: Known) -> bool:
    """Return whether a look-back has to read the jobs of a workflow run."""
    number = str(run.id)
    return known.wanted is None or number in known.wanted or number not in known.batches


def _cache(cache: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > most:
        cache.popitem(last=False)
