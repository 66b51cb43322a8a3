"""GitHub Actions as a system: one place that calls what the other modules know."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import httpx
import structlog

from triggerbot import __version__
from triggerbot.config import secrets
from triggerbot.core.errors import Unauthenticated
from triggerbot.core.model import CommentCommand, Event, Head, Heard, Kind, Lead, Push, PushFacts, Result, Run, RunKey
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan
from triggerbot.core.run_tests import RunTests
from triggerbot.systems import NOTHING_KNOWN, Asker, BuildContext, Evicted, Known, LookBack, ResolvedLeads, Slots
from triggerbot.systems.answers import Answer, Later, Refused, Unknown
from triggerbot.systems.github import credentials, endings, graphql, merge_queue, messages, parse, reporting, rerun
from triggerbot.systems.github.annotations import Annotations
from triggerbot.systems.github.artifacts import Artifacts
from triggerbot.systems.github.auth import RERUNS, AppAuth, AppKey, TokenAuth, signs
from triggerbot.systems.github.base import Bases
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.graphql import GraphQL
from triggerbot.systems.github.heads import Branches
from triggerbot.systems.github.limits import Limits, OwnSlots
from triggerbot.systems.github.merge_queue import MergeQueue
from triggerbot.systems.github.queue_branches import pull_of
from triggerbot.systems.github.reporting import ReportingClient
from triggerbot.systems.github.rerun import plan as plan_reruns
from triggerbot.systems.github.runs import Runs
from triggerbot.systems.github.settings import RESERVE, GitHubSettings
from triggerbot.systems.github.workflow_file import WorkflowFiles
from triggerbot.systems.http import Http, NotSent, segments
from triggerbot.systems.webhook_signatures import delivery, verify_sha256

_log = structlog.get_logger(__name__)

_HEADERS = {
    "accept": "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    "user-agent": f"triggerbot/{__version__}",
}
#: Why no job can be run at a commit that has no run of it ("Create a workflow dispatch event", 2026: `ref`).
_NO_FIRST_RUNS = (
    "GitHub starts a workflow at the tip of a branch or at a tag only, and reruns only what has run: a job that has no "
    "run at a commit cannot be run there"
)
#: Remembered runs that GitHub would not rerun alone, and workflow runs of which a failed job was heard.
_WIDENED_MAX = _FAILED_MAX = 10_000


class GitHub:
    """GitHub Actions as a `System`, on github.com or a GitHub Enterprise Server."""

    capacity = Capacity.SERIAL
    #: GitHub sends no payload above 25 MB ("Webhook events and payloads", 2026).
    body_max = 25 * 1024 * 1024

    def __init__(
        self,
        name: str,
        *,
        url: str = "https://api.github.com",
        token: str | None = None,
        app: AppKey | None = None,
        webhook_secrets: Sequence[str] = (),
        repositories: Sequence[str] = (),
        grace: float = 60.0,
        forks_allowed: bool = False,
        reserve: int = RESERVE,
        queue_wants: frozenset[str] = frozenset(),
        mention: str = "triggerbot",
        debug_last_try: bool = False,
        tests: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Take the configuration, without any I/O.

        `url`: the root of the REST API. `repositories`: what the sweep reads, as owner/repository. `grace`: seconds.
        `reserve`: how many of the reruns that GitHub allows a workflow run are left to people.
        `mention`: the name by which comments address triggerbot. `queue_wants`: what is wanted of the merge queue.
        `debug_last_try`: whether the last retrigger of a job runs with debug logging.
        `tests`: patterns for the names of artifacts with reports of tests.
        Raises `ValueError` unless exactly one of `token` and `app` is given, and for impossible names of repositories.
        """
        wrong = [repository for repository in repositories if not messages.is_full_name(repository)]
        if wrong:
            raise ValueError(f"expected owner/repository, not {', '.join(map(repr, wrong))}")
        self.name = name
        self.grace = grace
        self.forks_allowed = forks_allowed
        self._reserve = reserve
        self._queue_wants = queue_wants
        self.requeues = "requeue" in queue_wants
        self._secrets = tuple(secret for secret in webhook_secrets if secret)
        self._repositories = tuple(repositories)
        self._mention = mention
        self._debug_last_try = debug_last_try
        self._http = Http(url, _HEADERS, transport=transport)
        limits, slots = Limits(clock), OwnSlots(clock)
        self._auth = _auth(token, app, self._http, clock, RERUNS)
        self._client = Client(self._http, self._auth, limits, slots, sleep)
        # Reports need more permissions than reruns, so they have tokens of their own.
        report_auth = _auth(token, app, self._http, clock, None)
        self._report_client = Client(self._http, report_auth, limits, slots, sleep, report=True)
        #: What reporters write with.
        report_app = report_auth if isinstance(report_auth, AppAuth) else None
        self.reporting = ReportingClient(self._report_client, report_app, clock)
        etags = self._client.etags
        self._sweeping = Client(self._http, self._auth, limits, slots, sleep, report=True, etags=etags)
        # Its limits are its own, and writes by it take the turns of all other writes.
        self._graph_http = Http(graphql.address(url), _HEADERS, transport=transport)
        graph_client = Client(self._graph_http, report_auth, Limits(clock), OwnSlots(clock), sleep)
        self._graph = GraphQL(graph_client, clock)
        self._queue = MergeQueue(self._graph, self._report_client)
        self._annotations = Annotations(name, self._report_client, self._graph)
        self._artifacts = Artifacts(self._report_client, url, _HEADERS["user-agent"], Globs(tests), transport)
        self.reads_tests = self._artifacts.wanted
        # Tokens for reruns may not read contents; and what a rerun depends on does not wait behind reports.
        reading = Client(self._http, report_auth, limits, slots, sleep)
        files = WorkflowFiles(reading, clock)
        self._branches = Branches(reading, clock)
        self._bases = Bases(self._report_client, self._branches)
        self._runs = Runs(
            name, self._client, self._sweeping, self._repositories, self._annotations, files, self._bases.learn_of
        )
        self._lock = threading.Lock()
        #: Runs that GitHub would not rerun alone, without saying why.
        self._widened: OrderedDict[RunKey, None] = OrderedDict()
        #: Workflow runs and their attempts of which a webhook told a failed job.
        self._failed: OrderedDict[tuple[str, int], None] = OrderedDict()

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Verify `X-Hub-Signature-256` over the raw body; raises `Unauthenticated`, also if no secret is configured.

        GitHub signs the body alone: no time, so `now` is not used, and not `X-GitHub-Delivery`, which a copy may
        forge. A redelivery has the same body.
        """
        if not self._secrets:
            raise Unauthenticated(f"no webhook_secret is configured for {self.name}")
        verify_sha256(headers, "x-hub-signature-256", body, self._secrets)
        return delivery(self.name, headers.get("x-github-event", ""), body)

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Parse runs, pushes and comment commands; other webhooks are empty. Raises `NotUnderstood`."""
        heard = [one for one in parse.webhook(self.name, headers, body, self._mention) if not self._is_explained(one)]
        kind = headers.get("x-github-event", "")
        if kind == "pull_request":
            self._bases.learn(parse.payload(headers, body))
        if self._queue_wants:
            heard += merge_queue.webhook(self.name, kind, parse.payload(headers, body), requeue=self.requeues)
        for lead in heard:
            if isinstance(lead, Lead) and lead.push is None:
                why = "it names no branch or no workflow, so GitHub is asked whose it is"
                _log.warning(
                    "job.incomplete", system=self.name, workflow_run=lead.group.id, job=lead.run_id, reason=why
                )
        return heard

    def _is_explained(self, heard: Heard) -> bool:
        """Return whether it asks why a workflow run failed of which a webhook has told a failed job.

        Each process remembers these jobs for itself: where another heard of them, GitHub is asked once more.
        """
        with self._lock:
            if isinstance(heard, Event) and heard.failed and heard.batch:
                self._failed[heard.batch, heard.attempt] = None
                while len(self._failed) > _FAILED_MAX:
                    self._failed.popitem(last=False)
            return isinstance(heard, Lead) and (heard.run_id, heard.attempt) in self._failed

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List every execution of every job of a push; raises `NotKnown`, `CIUnavailable`, `CIDenied`."""
        return self._runs.look_back(push, known)

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Plan at most one rerun for each workflow run, purely."""
        return plan_reruns(wants, busy, runs, self._reserve)

    def runs_no_jobs(self) -> str:
        """Return why no job can be run at a commit that has no run of it; one that was cancelled or skipped has."""
        return _NO_FIRST_RUNS

    def run_job(self, operation: str, push: Push, call: Call) -> Answer:
        """Refuse, without a request."""
        return Refused(_NO_FIRST_RUNS, healthy=True)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Request one rerun with one POST, which cannot carry the operation's id. Never raises.

        A workflow run that is an entry of its own is rerun as a whole. A job that a later attempt listed again is rerun
        by its newest id, as the last look-back found it.
        """
        path = self._rerun_path(push.project, call)
        if path is None:
            return Refused("the run's ids are none of GitHub's, so that it cannot be rerun there", healthy=True)
        last = self._debug_last_try and any(want.owed <= call.count for want in call.wants)
        reply = self._client.post(push.project, path, {"enable_debug_logging": last})
        if isinstance(reply, NotSent):
            return Later(reply.why)
        if isinstance(reply, (Later, Unknown)):
            return reply
        renewed = reply.status == 401 and self._client.renew(push.project)
        other_way = rerun.is_unexplained(reply) and self._widen(call)
        limited = self._client.wait(push.project)
        return rerun.answer(reply, push.project, limited=limited, renewed=renewed, other_way=other_way)

    def _widen(self, call: Call) -> bool:
        """Let the next request for a job ask for all failed jobs of its workflow run; return whether that is new.

        Each process remembers that for itself: another may ask for the job alone once more, to no effect.
        """
        with self._lock:
            if not call.may_widen or call.target.key in self._widened:
                return False
            self._widened[call.target.key] = None
            while len(self._widened) > _WIDENED_MAX:
                self._widened.popitem(last=False)
            return True

    def in_words(self, call: Call) -> str:
        """Describe a rerun in GitHub's words."""
        return rerun.in_words(self._last_segments(call), call)

    def _rerun_path(self, project: str, call: Call) -> str | None:
        last = self._last_segments(call)
        number = last[1]
        if not (messages.is_full_name(project) and number.isascii() and number.isdigit()):
            return None
        return segments("repos", *project.split("/"), "actions", *last)

    def _last_segments(self, call: Call) -> tuple[str, str, str]:
        """Return the last segments of a rerun's path: of which kind, which one, and what of it."""
        target = call.target
        of_workflow = target.kind is Kind.WORKFLOW
        with self._lock:
            widened = call.may_widen and target.key in self._widened
        together = not of_workflow and (call.together or widened)
        of_run = together or call.whole or of_workflow
        number = target.batch if of_run else self._runs.newest_id(target.run_id)
        return "runs" if of_run else "jobs", number, "rerun-failed-jobs" if together else "rerun"

    def share(self, slots: Slots) -> None:
        """Let reports wait for their turn to write in these slots, and close them for all at a rate limit."""
        for client in (self._client, self._sweeping, self._report_client):
            client.slots = slots

    def queue(self, project: str) -> str:
        """Name the queue of all that is written about a repository: that of its credentials; never raises."""
        return self._client.queue(project)

    def default_branch(self, project: str) -> str | None:
        """Return the default branch of a repository; `None` if GitHub does not say. Never raises."""
        return self._branches.default(project)

    def heads(self, push: Push, fork: str) -> Sequence[Head]:
        """Return what is news of a push's branch at this moment; raises `CIError`."""
        return self._branches.heads(push, fork)

    def base(self, push: Push) -> PushFacts:
        """Ask for the merge base of a push and its target; raises `CIError`."""
        return self._bases.ask(push)

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Return what changed since `since` in the configured repositories; `None` without any. Raises `CIError`."""
        return self._runs.recent(since)

    def complete(self, leads: Sequence[Lead], watched: Callable[[Push], bool]) -> ResolvedLeads:
        """Ask what jobs are that did not say it themselves; raises `NotKnown`, `CIUnavailable`, `CIDenied`."""
        return self._runs.of_leads(leads, watched)

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Return a job's failure lines: its annotations; raises `NotKnown`, `CIUnavailable`, `CIDenied`."""
        known = self._annotations.known(run.run_id)
        return known if known is not None else reporting.failures(self._report_client, push, run)

    def failures_of(self, push: Push, runs: Sequence[Run]) -> Mapping[RunKey, Sequence[str]]:
        """Return the annotations of jobs as far as one query tells them."""
        return self._runs.lines_of(push, runs)

    def tests(self, push: Push, run: Run) -> RunTests | None:
        """Return the tests of a job by the reports among its run's artifacts; raises as `failures` does."""
        return self._artifacts.tests(push, run)

    def result_of(self, result: Result, lines: Sequence[str]) -> Result:
        """Return how a job ended by its failure lines: they may tell of an error of GitHub's own, or of a time-out."""
        return endings.by_annotations(result, lines)

    def files(self, push: Push) -> Sequence[str]:
        """Return the files that the commit changes; raises as `failures` does."""
        return reporting.files(self._report_client, push)

    def asker(self, wish: CommentCommand) -> Asker:
        """Look up what the author of a command may do; raises as `failures` does."""
        return reporting.asker(self.reporting.pulls, wish)

    def revision(self, wish: CommentCommand) -> str:
        """Return the commit that a command is about; raises as `failures` does."""
        return reporting.revision(self.reporting.pulls, wish)

    def react(self, wish: CommentCommand, *, heard: bool) -> None:
        """React to the comment with a thumbs up, or confused; raises as `failures` does."""
        reporting.react(self.reporting.pulls, wish, heard=heard)

    def pull_of(self, branch: str) -> int | None:
        """Return the pull request of a merge queue's branch."""
        return pull_of(branch)

    def evicted(self, project: str, number: int) -> Evicted:
        """Read how a pull request stands with the merge queue; raises as `failures` does."""
        return self._queue.evicted(project, number)

    def put_back(self, project: str, one: Evicted) -> str:
        """Put a pull request back into the merge queue with one request; return why GitHub refuses that."""
        return self._queue.put_back(project, one)

    def check(self) -> str:
        """Try the credentials in every configured repository; raises `CIError`, with a remedy where known."""
        if isinstance(self._auth, AppAuth):
            return credentials.check_app(self._auth, self._client, self._repositories, self._queue_wants)
        return credentials.check_token(self._client, self._repositories)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._graph_http.close()


def _auth(
    token: str | None,
    app: AppKey | None,
    http: Http,
    clock: Callable[[], float],
    permissions: Mapping[str, str] | None,
) -> TokenAuth | AppAuth:
    if app is not None and not token:
        return AppAuth(app, http, clock, permissions)
    if token and app is None:
        return TokenAuth(token)
    raise ValueError("GitHub needs either a token or an app")


def build(name: str, settings: GitHubSettings, context: BuildContext) -> GitHub:
    """Build it as configured; raises `ConfigError` if a secret cannot be read, or the App's key is none."""
    webhook_secrets = [secret.read() for secret in settings.webhook_secret]
    app = None
    if settings.app is not None:
        key = settings.app.key.read()
        if not signs(key):
            raise settings.app.key.wrong("is no RSA key in PEM: put the key there that GitHub made for the App")
        app = AppKey(settings.app.id, key)
    return GitHub(
        name,
        url=settings.url,
        token=secrets.content(settings.token),
        app=app,
        webhook_secrets=webhook_secrets,
        repositories=settings.repositories,
        grace=settings.grace,
        forks_allowed=settings.forks,
        reserve=settings.reserve,
        queue_wants=context.merge_queue,
        mention=context.mention,
        debug_last_try=settings.debug_last_try,
        tests=settings.tests.patterns,
    )
