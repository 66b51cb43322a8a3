"""The tests of jobs, from reports among the artifacts of their workflow run.

An artifact belongs to a workflow run and names no job. It is taken for that of the job in whose time it was made and,
of several, of that whose name has most of its words; where that is not certain it is left alone. Archives are read in
memory, within bounds, and never unpacked: whoever can run a workflow can upload anything.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import httpx
import msgspec
import structlog

from triggerbot.core.errors import CIUnavailable, NotUnderstood
from triggerbot.core.model import Kind, Push, Run
from triggerbot.core.patterns import Globs
from triggerbot.core.run_tests import RunTests
from triggerbot.formats import Contents, files, registry, total
from triggerbot.formats.files import NotReadable
from triggerbot.systems.github import messages
from triggerbot.systems.github.client import PER_PAGE, Client
from triggerbot.systems.github.replies import readable
from triggerbot.systems.http import ANSWER_MAX, Http, Reply, may_read_from, segments

_log = structlog.get_logger(__name__)

READ_ACTIONS = "the permission `actions: read`"
#: Artifacts of a workflow run that are looked at, and those of one job that are read.
_PAGES_MAX, _READ_MAX = 5, 10
#: Bytes that the files of an artifact are inflated to, all together.
_INFLATED_MAX = 32 * 1024 * 1024
#: Seconds that GitHub's clocks may differ by, and that it may take to list what a job uploaded last.
_SLACK = 60.0
_WORDS = re.compile(r"[a-z]+|[0-9]+")


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact of a workflow run."""

    id: messages.Id
    name: str
    size_in_bytes: int = 0
    expired: bool = False
    created_at: str | None = None


class _Page(msgspec.Struct, frozen=True):
    artifacts: list[Artifact]


class Artifacts:
    """Reads the artifacts whose names match patterns; without any it asks for nothing. Thread-safe."""

    def __init__(
        self, client: Client, url: str, user_agent: str, patterns: Globs, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._client = client
        self._url = url
        self._user_agent = user_agent
        self._patterns = patterns
        self._transport = transport

    @property
    def wanted(self) -> bool:
        """Whether any are read."""
        return bool(self._patterns.patterns)

    def tests(self, push: Push, run: Run) -> RunTests | None:
        """Return the tests of a job; `None` if no report of it is there. Raises as `ReadsTests.tests` does."""
        if not self.wanted or run.kind is Kind.WORKFLOW or not (run.batch.isascii() and run.batch.isdigit()):
            return None
        if not messages.is_full_name(push.project):
            return None
        listed = [one for one in self._list(push, run.batch) if not one.expired and self._patterns.match(one.name)]
        if not listed:
            return None
        jobs = self._jobs(push, run.batch)
        own = [one for one in listed if (job := owner(one, jobs)) is not None and str(job.id) == run.run_id]
        found = total(self._read(push, one) for one in own[:_READ_MAX])
        for problem in found.problems:
            _log.info("artifact.not_understood", project=push.project, run=run.run_id, problem=str(problem))
        return found.tests

    def _list(self, push: Push, batch: str) -> Iterator[Artifact]:
        path = segments("repos", *push.project.split("/"), "actions", "runs", batch, "artifacts")
        for number in range(1, _PAGES_MAX + 1):
            reply = self._client.get(push.project, path, {"per_page": str(PER_PAGE), "page": str(number)})
            page = messages.answer(readable(reply, f"the artifacts of run {batch}", READ_ACTIONS).body, _Page)
            yield from page.artifacts
            if len(page.artifacts) < PER_PAGE:
                return

    def _jobs(self, push: Push, batch: str) -> list[messages.Job]:
        path = segments("repos", *push.project.split("/"), "actions", "runs", batch, "jobs")
        pages = self._client.pages(push.project, path, {"filter": "all"}, messages.JobsPage)
        return [job for page in pages for job in page.jobs]

    def _read(self, push: Push, one: Artifact) -> Contents:
        if one.size_in_bytes > ANSWER_MAX:
            _log.info("artifact.too_large", project=push.project, artifact=one.name, bytes=one.size_in_bytes)
            return Contents()
        try:
            return registry.read(files.zipped(self._download(push, one), one.name, _INFLATED_MAX))
        except NotReadable as error:
            _log.info("artifact.not_understood", project=push.project, artifact=one.name, problem=str(error))
        return Contents()

    def _download(self, push: Push, one: Artifact) -> bytes:
        what = f"the artifact {one.name[:100]}"
        path = segments("repos", *push.project.split("/"), "actions", "artifacts", str(one.id), "zip")
        reply = self._client.get(push.project, path, conditional=False)
        if reply.status == 410:
            raise NotReadable(f"{what} has expired")
        if reply.status != 302:
            raise NotReadable(f"{what} is not offered: HTTP {readable(reply, what, READ_ACTIONS).status}")
        return self._fetch(reply, what)

    def _fetch(self, reply: Reply, what: str) -> bytes:
        """Follow the redirect to GitHub's storage, without any credentials: the address has its own, for a minute."""
        where = reply.headers.get("location", "")
        if not may_read_from(where, self._url):
            raise NotReadable(f"{what} is offered at an address that is none of a storage")
        storage = Http("", {"user-agent": self._user_agent}, transport=self._transport)
        try:
            found = storage.get(where)
        except CIUnavailable:
            # The address is as good as a password, and stands in the error.
            raise CIUnavailable(f"{what}: GitHub's storage gives no answer") from None
        finally:
            storage.close()
        if found.status != 200:
            raise CIUnavailable(f"{what}: GitHub's storage answers HTTP {found.status}")
        return found.body


def owner(artifact: Artifact, jobs: Iterable[messages.Job]) -> messages.Job | None:
    """Return the job that an artifact is of; `None` if that is not certain."""
    made = _moment(artifact.created_at)
    fitting = [job for job in jobs if _in_time(made, job)]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    common = [_common(artifact, job) for job in fitting]
    most = max(common)
    return fitting[common.index(most)] if most and common.count(most) == 1 else None


def _in_time(made: float | None, job: messages.Job) -> bool:
    began, ended = _moment(job.started_at), _moment(job.completed_at)
    if job.conclusion == "skipped" or began is None:
        return False
    return made is None or (began - 1 <= made and (ended is None or made <= ended + _SLACK))


def _moment(text: str | None) -> float | None:
    try:
        return messages.moment(text)
    except NotUnderstood:
        return None


def _common(artifact: Artifact, job: messages.Job) -> int:
    own, words = (set(_words(name)) for name in (artifact.name, job.name))
    return len(own & words)


def _words(name: str) -> Sequence[str]:
    return _WORDS.findall(name.lower())
