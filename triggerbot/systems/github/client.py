"""GitHub's REST interface: pages, rate limits, and conditional requests by ETag.

GitHub's documentation ("Best practices for using the REST API", 2026): a read with `If-None-Match` that is answered
304 does not count against the primary rate limit.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotKnown
from triggerbot.systems import Later, Unknown
from triggerbot.systems.github import messages
from triggerbot.systems.github.auth import Auth
from triggerbot.systems.github.limits import NAP_MAX, Limits, Pace, is_limited
from triggerbot.systems.http import Http, NotSent, Reply, usable

_Page = TypeVar("_Page", messages.RunsPage, messages.JobsPage)
_T = TypeVar("_T")
PER_PAGE = 100
#: Pages; 5,000 runs or jobs. More is no push that we could judge, and a part of the truth would make us trigger.
_PAGES_MAX = 50
#: Seconds until it is tried again when somebody has to change a permission first.
DENIED_AFTER = 600.0
#: Seconds until the next try after a token was withdrawn early: a new one is fetched.
RENEWED_AFTER = 5.0
_NEXT = re.compile(r'rel="?next"?')
#: Bytes of bodies kept; a page of 100 jobs with their steps has up to some 500 kB.
_BYTES_MAX = 32 * 1024 * 1024
_COUNT_MAX = 2000


class Client:
    """One GitHub, with one kind of credentials.

    `limits` and `pace` are shared by all clients of the same GitHub. `report`: what it reads and writes can wait.
    """

    def __init__(
        self,
        http: Http,
        auth: Auth,
        limits: Limits,
        pace: Pace,
        sleep: Callable[[float], None],
        *,
        report: bool = False,
    ) -> None:
        self._http = http
        self._auth = auth
        self._limits = limits
        self._pace = pace
        self._sleep = sleep
        self._report = report
        self._etags = Etags()

    def get(
        self, project: str, path: str, params: Mapping[str, str] | None = None, *, conditional: bool = True
    ) -> Reply:
        """Read once we may; an answer that is still good comes from memory. Any 2xx, 3xx or 4xx but limits.

        Not `conditional`: for answers whose headers matter, which a 304 would not renew.
        Raises `CIUnavailable` while a rate limit is in force (then nothing is sent) or without a usable answer, and
        `CIDenied` if there are no credentials for this repository.
        """
        reply = self._get_once(project, path, params, conditional)
        if reply.status == 401 and self._auth.forget(project):
            reply = self._get_once(project, path, params, conditional)
        if is_limited(reply):
            wait = self._limits.wait(self._auth.account(project))
            raise CIUnavailable(f"GitHub limits us: HTTP {reply.status} {reply.excerpt}", wait, healthy=True)
        return reply

    def _get_once(self, project: str, path: str, params: Mapping[str, str] | None, conditional: bool) -> Reply:
        headers = self._authorization(project)
        address = f"{path}?{urlencode(params or {})}"
        known = self._etags.known(address) if conditional else None
        if known is not None:
            headers["if-none-match"] = known.headers["etag"]
        reply = self._http.get(path, params, headers)
        self._limits.note(self._auth.account(project), reply)
        if reply.status == 304 and known is not None:
            # The limits are those of now, the content is that of then.
            return Reply(known.status, known.headers, known.body)
        if reply.status == 200:
            self._etags.keep(address, reply)
        return reply

    def _authorization(self, project: str) -> dict[str, str]:
        """Give the header once we may ask; an App's account is only known for sure after it has its token."""
        self._mind_limits(project)
        header = {"authorization": self._auth.header(project)}
        self._mind_limits(project)
        return header

    def _mind_limits(self, project: str) -> None:
        wait = self._limits.wait(self._auth.account(project), report=self._report)
        if wait > 0:
            used = "used up but for what reruns need" if self._report else "used up"
            raise CIUnavailable(f"GitHub's rate limit is {used} for another {wait:.0f} s", wait, healthy=True)

    def pages(self, project: str, path: str, params: Mapping[str, str], kind: type[_Page]) -> Iterator[_Page]:
        """Read a list page by page; raises as `get` does, `NotKnown` at a 404, `CIUnavailable` if it never ends.

        The `Link` header only says whether there is more: its address could lead the token elsewhere.
        """
        seen = 0
        for number in range(1, _PAGES_MAX + 1):
            query = {**params, "per_page": str(PER_PAGE), "page": str(number)}
            reply = _readable(self.get(project, path, query), project)
            page = messages.answer(reply.body, kind)
            count = len(page.workflow_runs) if isinstance(page, messages.RunsPage) else len(page.jobs)
            yield page
            seen += count
            link = reply.headers.get("link", "")
            if not count or not (_NEXT.search(link) if link else seen < page.total_count):
                return
        raise CIUnavailable(f"GitHub lists more than {_PAGES_MAX * PER_PAGE} entries at {path}")

    def items(self, project: str, path: str, kind: type[list[_T]]) -> Iterator[_T]:
        """Read a list that has no total, entry by entry; raises as `pages` does."""
        for number in range(1, _PAGES_MAX + 1):
            query = {"per_page": str(PER_PAGE), "page": str(number)}
            reply = _readable(self.get(project, path, query), project)
            yield from messages.answer(reply.body, kind)
            if not _NEXT.search(reply.headers.get("link", "")):
                return
        raise CIUnavailable(f"GitHub lists more than {_PAGES_MAX * PER_PAGE} entries at {path}")

    def post(self, project: str, path: str, body: object) -> Reply | NotSent | Unknown | Later:
        """Write once, in our turn; `Later` means that nothing was sent. Never raises for what GitHub does."""
        try:
            return self.write("POST", project, path, body)
        except CIUnavailable as error:
            return Later(str(error), error.after, healthy=error.healthy)
        except CIError as error:
            return Later(str(error), DENIED_AFTER)

    def write(self, method: str, project: str, path: str, body: Any) -> Reply | NotSent | Unknown:
        """Write once, in our turn, with whatever method.

        Raises `CIUnavailable` and `CIDenied` where it may not be sent now; then nothing was.
        """
        headers = self._authorization(project)
        wait = self._pace.reserve(report=self._report)
        if wait > NAP_MAX:
            raise _not_our_turn(wait)
        if wait > 0:
            self._sleep(wait)
        reply = self._http.write(method, path, body, headers)
        if isinstance(reply, Reply):
            self._limits.note(self._auth.account(project), reply)
        return reply

    def mind_turn(self) -> None:
        """Raise `CIUnavailable` where a report has to wait for its turn: what is read for it would be in vain."""
        wait = self._pace.queue()
        if wait > 0:
            raise _not_our_turn(wait)

    def wait(self, project: str) -> float:
        """Seconds for which the rate limit forbids requests about a repository; 0 if none."""
        return self._limits.wait(self._auth.account(project))

    def renew(self, project: str) -> bool:
        """Drop credentials that were not accepted; tell whether others may be."""
        return self._auth.forget(project)


def _not_our_turn(wait: float) -> CIUnavailable:
    return CIUnavailable("GitHub asks for a pause between writes", wait, healthy=True)


def _readable(reply: Reply, project: str) -> Reply:
    """Let a list through; a repository that was renamed answers with a redirect, and 404 is `NotKnown`."""
    if reply.status == 404:
        raise NotKnown(f"GitHub finds nothing there in {project}")
    if reply.status in (301, 302, 307, 308):
        raise CIDenied(f"{project} was renamed or moved (HTTP {reply.status}): use its new name in the config")
    return usable(reply, f"reading {project}")


class Etags:
    """The newest answers with an ETag, the least recently used forgotten first. Safe for threads."""

    def __init__(self, bytes_max: int = _BYTES_MAX, count_max: int = _COUNT_MAX) -> None:
        self._bytes_max = bytes_max
        self._count_max = count_max
        self._lock = threading.Lock()
        self._replies: OrderedDict[str, Reply] = OrderedDict()
        self._bytes = 0

    def known(self, address: str) -> Reply | None:
        """Find the answer kept for an address."""
        with self._lock:
            if address in self._replies:
                self._replies.move_to_end(address)
            return self._replies.get(address)

    def keep(self, address: str, reply: Reply) -> None:
        """Keep an answer, if it has an ETag and is not too large to be worth it."""
        if "etag" not in reply.headers or len(reply.body) > self._bytes_max // 4:
            return
        with self._lock:
            self._drop(address)
            self._replies[address] = reply
            self._bytes += len(reply.body)
            while self._bytes > self._bytes_max or len(self._replies) > self._count_max:
                self._drop(next(iter(self._replies)))

    def _drop(self, address: str) -> None:
        old = self._replies.pop(address, None)
        self._bytes -= len(old.body) if old else 0
