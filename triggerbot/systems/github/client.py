"""The client of GitHub's REST API: pagination, rate limits, turns of reports, and conditional requests by ETag.

GitHub's documentation ("Best practices for using the REST API", 2026): a read with `If-None-Match` that is answered
304 does not count against the primary rate limit.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotKnown
from triggerbot.core.policy import slots
from triggerbot.core.policy.slots import Rank
from triggerbot.systems import Slots
from triggerbot.systems.answers import Later, Unknown
from triggerbot.systems.github import messages
from triggerbot.systems.github.auth import Auth
from triggerbot.systems.github.limits import NAP_MAX, Limits, is_limited
from triggerbot.systems.http import Http, NotSent, Reply, usable

_Page = TypeVar("_Page", messages.RunsPage, messages.JobsPage)
_T = TypeVar("_T")
PER_PAGE = 100
#: Pages of a list, at most: 5,000 runs or jobs. A longer list is an error: part of it would make us retrigger wrongly.
_PAGES_MAX = 50
#: Seconds until the next try where somebody has to change a permission first.
DENIED_AFTER = 600.0
#: Seconds until the next try after a token was withdrawn early: a new one is fetched.
RENEWED_AFTER = 5.0
_NEXT = re.compile(r'rel="?next"?')
#: Bytes and number of cached answers; a page of 100 jobs with their steps has up to some 500 kB.
_BYTES_MAX = 32 * 1024 * 1024
_COUNT_MAX = 2000


class Client:
    """One GitHub, with one kind of credentials.

    `limits` are shared by all clients of the same GitHub. `report`: its requests, for reports, polls or sweeps, yield
    to those of reruns, and its writes wait for their turn in `slots`; whoever sends reruns waits before.
    """

    def __init__(
        self,
        http: Http,
        auth: Auth,
        limits: Limits,
        queues: Slots,
        sleep: Callable[[float], None],
        *,
        report: bool = False,
        etags: "Etags | None" = None,
    ) -> None:
        self._http = http
        self._auth = auth
        self._limits = limits
        self.slots = queues
        #: Of each thread: the caller that asked for the turn of its next write.
        self._turn = threading.local()
        self._sleep = sleep
        self._report = report
        self.etags = Etags() if etags is None else etags

    def get(
        self,
        project: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        conditional: bool = True,
        etag: str | None = None,
    ) -> Reply:
        """Read, by ETag where the answer is cached; returns any 2xx, 3xx or 4xx other than a rate limit.

        `conditional=False` is for answers whose headers matter, which a 304 would not renew. `etag`: that of an answer
        which the caller keeps; the empty string if there is none. Then the answer may be a 304, and is not cached here.
        Raises `CIUnavailable` while a rate limit is in force (then nothing is sent) or without a usable answer, and
        `CIDenied` if there are no credentials for this repository.
        """
        reply = self._get_once(project, path, params, conditional, etag)
        if reply.status == 401 and self._auth.forget(project):
            reply = self._get_once(project, path, params, conditional, etag)
        if is_limited(reply):
            wait = self._limits.wait(self._auth.account(project))
            raise CIUnavailable(f"GitHub limits us: HTTP {reply.status} {reply.excerpt}", wait, healthy=True)
        return reply

    def _get_once(
        self, project: str, path: str, params: Mapping[str, str] | None, conditional: bool, etag: str | None
    ) -> Reply:
        headers = self._authorization(project)
        address = f"{path}?{urlencode(params or {})}"
        known = self.etags.known(address) if conditional and etag is None else None
        if etag:
            headers["if-none-match"] = etag
        if known is not None:
            headers["if-none-match"] = known.headers["etag"]
        reply = self._http.get(path, params, headers)
        self._note_limits(project, reply)
        if reply.status == 304 and known is not None:
            # The rate limit was read from the 304; headers and body are the cached ones.
            return Reply(known.status, known.headers, known.body)
        if reply.status == 200 and etag is None:
            self.etags.store(address, reply)
        return reply

    def _authorization(self, project: str) -> dict[str, str]:
        """Return the header, unless limited; an App's account is only certain once it has a token, hence two checks."""
        self._check_limits(project)
        header = {"authorization": self._auth.header(project)}
        self._check_limits(project)
        return header

    def _check_limits(self, project: str) -> None:
        wait = self._limits.wait(self._auth.account(project), report=self._report)
        if wait > 0:
            used = "used up but for what reruns need" if self._report else "used up"
            raise CIUnavailable(f"GitHub's rate limit is {used} for another {wait:.0f} s", wait, healthy=True)

    def pages(self, project: str, path: str, params: Mapping[str, str], kind: type[_Page]) -> Iterator[_Page]:
        """Yield the pages of a list; raises as `get` does, `NotKnown` at a 404, `CIUnavailable` if it is too long.

        Of the `Link` header only its presence is used: its address could lead the token elsewhere.
        """
        seen = 0
        for number in range(1, _PAGES_MAX + 1):
            query = {**params, "per_page": str(PER_PAGE), "page": str(number)}
            reply = _readable(self.get(project, path, query), project)
            page = messages.answer(reply.body, kind)
            self.etags.shorten(f"{path}?{urlencode(query)}", msgspec.json.encode(page))
            count = len(page.workflow_runs) if isinstance(page, messages.RunsPage) else len(page.jobs)
            yield page
            seen += count
            link = reply.headers.get("link", "")
            if not count or not (_NEXT.search(link) if link else seen < page.total_count):
                return
        raise CIUnavailable(f"GitHub lists more than {_PAGES_MAX * PER_PAGE} entries at {path}")

    def items(
        self, project: str, path: str, kind: type[list[_T]], params: Mapping[str, str] | None = None
    ) -> Iterator[_T]:
        """Yield the entries of a list that has no total; raises as `pages` does."""
        for number in range(1, _PAGES_MAX + 1):
            query = {**(params or {}), "per_page": str(PER_PAGE), "page": str(number)}
            reply = _readable(self.get(project, path, query), project)
            yield from messages.answer(reply.body, kind)
            if not _NEXT.search(reply.headers.get("link", "")):
                return
        raise CIUnavailable(f"GitHub lists more than {_PAGES_MAX * PER_PAGE} entries at {path}")

    def post(self, project: str, path: str, body: object) -> Reply | NotSent | Unknown | Later:
        """Send a POST once; `Later` means that nothing was sent. Never raises for what GitHub does."""
        try:
            return self.write("POST", project, path, body)
        except CIUnavailable as error:
            return Later(str(error), error.after, healthy=error.healthy)
        except CIError as error:
            return Later(str(error), DENIED_AFTER)

    def write(self, method: str, project: str, path: str, body: Any) -> Reply | NotSent | Unknown:
        """Send a write of any method once; a report in its turn.

        Raises `CIUnavailable` and `CIDenied` where it may not be sent now; then nothing was sent.
        """
        caller = self._await_turn(project, slots.caller(project, f"{method} {path}")) if self._report else ""
        headers = self._authorization(project)
        reply: Reply | NotSent | Unknown | None = None
        try:
            reply = self._http.write(method, path, body, headers)
        finally:
            if caller:
                self.slots.leave(self.queue(project), caller, used=not isinstance(reply, NotSent))
        if isinstance(reply, Reply):
            self._note_limits(project, reply)
        return reply

    def _note_limits(self, project: str, reply: Reply) -> None:
        """Respect the rate limits that an answer tells of, and let the other replicas do so."""
        wait = self._limits.note(self._auth.account(project), reply)
        if wait > 0:
            self.slots.close(self.queue(project), wait)

    def queue(self, project: str) -> str:
        """Name the queue of all that is written about a repository with these credentials; never raises."""
        return f"github {self._http.base_url} {self._auth.credential(project)}"

    def check_turn(self, project: str, caller: str, rank: Rank) -> None:
        """Wait a little for the turn of a report, which the next write of this thread about the repository has.

        Raises `CIUnavailable` for a longer wait: reading for the report now would be wasted.
        """
        self._check_limits(project)
        queue = self.queue(project)
        wait = self.slots.ask(queue, caller, rank)
        if 0 < wait <= NAP_MAX:
            self._sleep(wait)
            wait = self.slots.ask(queue, caller, rank)
        if wait > 0:
            raise CIUnavailable("GitHub asks for a pause between writes", wait, healthy=True)
        self._turn.asked = (project, caller)

    def _await_turn(self, project: str, caller: str) -> str:
        """Wait a little for the turn to write, and return who has it: a report, or else `caller`."""
        asked: tuple[str, str] = getattr(self._turn, "asked", ("", ""))
        self.check_turn(project, asked[1] if asked[0] == project else caller, Rank.VERDICT)
        asked, self._turn.asked = self._turn.asked, ("", "")
        return asked[1]

    def leave_turn(self, project: str, caller: str) -> None:
        """Give back the turn of a report that had nothing to write."""
        if getattr(self._turn, "asked", ("", "")) == (project, caller):
            self._turn.asked = ("", "")
            self.slots.leave(self.queue(project), caller, used=False)

    def spend_turn(self, project: str) -> None:
        """Count the turn that this thread has as used: something was written by another way."""
        caller, self._turn.asked = self._turn.asked[1], ("", "")
        self.slots.leave(self.queue(project), caller, used=True)

    def wait(self, project: str) -> float:
        """Return the seconds for which a rate limit forbids requests about a repository; 0 if none does."""
        return self._limits.wait(self._auth.account(project))

    def renew(self, project: str) -> bool:
        """Drop credentials that were rejected; return whether new ones may be accepted."""
        return self._auth.forget(project)


def _readable(reply: Reply, project: str) -> Reply:
    """Return a 2xx answer; raises `NotKnown` at a 404, and `CIDenied` at the redirect of a renamed repository."""
    if reply.status == 404:
        raise NotKnown(f"GitHub finds nothing there in {project}")
    if reply.status in (301, 302, 307, 308):
        raise CIDenied(f"{project} was renamed or moved (HTTP {reply.status}): use its new name in the config")
    return usable(reply, f"reading {project}")


class Etags:
    """A cache of answers with an ETag; the least recently used are evicted first. Thread-safe."""

    def __init__(self, bytes_max: int = _BYTES_MAX, count_max: int = _COUNT_MAX) -> None:
        self._bytes_max = bytes_max
        self._count_max = count_max
        self._lock = threading.Lock()
        self._replies: OrderedDict[str, Reply] = OrderedDict()
        self._bytes = 0

    @property
    def size(self) -> int:
        """The number of bytes that it holds."""
        return self._bytes

    def known(self, address: str) -> Reply | None:
        """Return the cached answer of an address."""
        with self._lock:
            if address in self._replies:
                self._replies.move_to_end(address)
            return self._replies.get(address)

    def store(self, address: str, reply: Reply) -> None:
        """Cache an answer, if it has an ETag and is not larger than a quarter of the cache."""
        if "etag" not in reply.headers or len(reply.body) > self._bytes_max // 4:
            return
        with self._lock:
            self._drop(address)
            self._replies[address] = reply
            self._bytes += len(reply.body)
            while self._bytes > self._bytes_max or len(self._replies) > self._count_max:
                self._drop(next(iter(self._replies)))

    def shorten(self, address: str, body: bytes) -> None:
        """Keep only this of a cached answer: GitHub's lists are twenty times as long as what we read of them."""
        with self._lock:
            known = self._replies.get(address)
            if known is not None and len(body) < len(known.body):
                self._bytes += len(body) - len(known.body)
                self._replies[address] = replace(known, body=body)

    def _drop(self, address: str) -> None:
        old = self._replies.pop(address, None)
        self._bytes -= len(old.body) if old else 0
