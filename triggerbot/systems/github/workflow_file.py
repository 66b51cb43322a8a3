"""Reads the workflow file of a workflow run at its commit, and the local workflows that it calls; each content once.

One request for each file and commit: "Get repository content", whose ETag is that of the file's content, not of the
commit. So with the ETag of the newest content known of a file the same content at another commit is answered 304, which
counts against no rate limit. Without the permission to read contents nothing is asked for a while.
"""

import base64
import binascii
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from triggerbot.core.errors import NotUnderstood
from triggerbot.systems.github import messages, workflow
from triggerbot.systems.github.client import DENIED_AFTER, Client
from triggerbot.systems.github.workflow import Workflow
from triggerbot.systems.http import Reply, segments, usable

_K = TypeVar("_K")
_V = TypeVar("_V")

#: Files at a commit, contents, and newest contents of files that are remembered.
_PLACES, _CONTENTS, _FILES = 20_000, 500, 5_000
#: Workflows that one calls, at most, and how far down. GitHub allows more, which nobody uses.
_CALLED_MAX, _LEVELS = 10, 3
_PATH = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
#: What runs the file of another commit than its own.
_FOREIGN = "pull_request_target"


class _Content(msgspec.Struct, frozen=True):
    """The answer to "Get repository content" for a file."""

    sha: str
    content: str = ""
    encoding: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """What the workflow file of a workflow run says; `unread`: why that is not known."""

    workflow: Workflow | None = None
    #: The workflows that it calls, by their paths, as far as they could be read.
    called: dict[str, Workflow] = field(default_factory=dict)
    unread: str = ""

    def cancels_in_progress(self, event: str, branch: str) -> bool | None:
        """Return whether a newer run cancels one in progress; `None` where nothing tells. See `Workflow`."""
        return None if self.workflow is None else self.workflow.cancels_in_progress(event, branch)


class WorkflowFiles:
    """A reader of workflow files. Thread-safe."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        #: By repository, path and commit: the blob, or why there is none.
        self._places: OrderedDict[tuple[str, str, str], tuple[str, str]] = OrderedDict()
        self._contents: OrderedDict[str, Workflow | str] = OrderedDict()
        #: By repository and path: the ETag and the blob of the newest content.
        self._newest: OrderedDict[tuple[str, str], tuple[str, str]] = OrderedDict()
        #: Repositories whose contents may not be read: until when that is believed.
        self._denied: dict[str, float] = {}

    def shape(self, project: str, run: messages.WorkflowRun) -> Shape:
        """Return what the file of a workflow run says; raises `CIUnavailable`, `CIDenied` as `Client.get` does."""
        path = run.file or ""
        if not _PATH.fullmatch(path):
            return Shape(unread="GitHub names no workflow file")
        if run.event == _FOREIGN:
            return Shape(unread=f"for {_FOREIGN} GitHub runs the file of another commit")
        found = self._read(project, path, run.head_sha)
        if isinstance(found, str):
            return Shape(unread=f"{path}: {found}")
        return Shape(found, self._called(project, found, run.head_sha))

    def _called(self, project: str, root: Workflow, revision: str) -> dict[str, Workflow]:
        called: dict[str, Workflow] = {}
        tried: set[str] = set()
        level = [root]
        for _ in range(_LEVELS):
            paths = dict.fromkeys(job.uses for one in level for job in one.jobs.values() if job.uses)
            level = []
            for path in paths:
                if path in tried or len(tried) >= _CALLED_MAX:
                    continue
                tried.add(path)
                found = self._read(project, path, revision)
                if not isinstance(found, str):
                    called[path] = found
                    level.append(found)
        return called

    def _read(self, project: str, path: str, revision: str) -> Workflow | str:
        """Return a workflow, or why it is not known."""
        place, file = (project.lower(), path, revision), (project.lower(), path)
        now = self._clock()
        with self._lock:
            blob, why = self._places.get(place, ("", ""))
            known = self._contents.get(blob)
            etag, newest = self._newest.get(file, ("", ""))
            if newest not in self._contents:
                etag = ""
            if known is not None or why:
                return known if known is not None else why
            if now < self._denied.get(file[0], 0.0):
                return _DENIED
        address = segments("repos", *project.split("/"), "contents", *path.split("/"))
        reply = self._client.get(project, address, {"ref": revision}, etag=etag)
        if reply.status == 304 and etag:
            with self._lock:
                _keep(self._places, place, (newest, ""), _PLACES)
                return self._contents.get(newest, "its content was forgotten just now")
        if reply.status in (403, 404):
            return self._refused(place, reply, now)
        try:
            content = messages.read(usable(reply, f"reading {path} of {project}").body, _Content)
        except NotUnderstood:
            why = "GitHub has no file there"
            with self._lock:
                _keep(self._places, place, ("", why), _PLACES)
            return why
        parsed = _parsed(content)
        with self._lock:
            _keep(self._places, place, (content.sha, ""), _PLACES)
            _keep(self._contents, content.sha, parsed, _CONTENTS)
            if "etag" in reply.headers:
                _keep(self._newest, file, (reply.headers["etag"], content.sha), _FILES)
        return parsed

    def _refused(self, place: tuple[str, str, str], reply: Reply, now: float) -> str:
        with self._lock:
            if reply.status == 403:
                self._denied[place[0]] = now + DENIED_AFTER
                return _DENIED
            why = "GitHub does not find it at this commit, or the token may not read contents (`contents: read`)"
            _keep(self._places, place, ("", why), _PLACES)
            return why


_DENIED = "the token may not read contents: it needs the permission `contents: read`"


def _parsed(content: _Content) -> Workflow | str:
    try:
        if content.encoding != "base64":
            raise NotUnderstood("it is too large")
        return workflow.parse(base64.b64decode(content.content))
    except (NotUnderstood, binascii.Error, ValueError) as error:
        return f"it was not understood: {error}"


def _keep(cache: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > most:
        cache.popitem(last=False)
