"""The layout that all pages share: shell, navigation, banners, cookies, refusals, and the paths of pages."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from triggerbot.config import Config
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.reports import failure_history, polls
from triggerbot.store import Store
from triggerbot.web.live import Live, Topic
from triggerbot.web.session import SESSION_SECONDS, Sessions, Viewer
from triggerbot.web.templating import Rendering, as_html, redirect

#: Characters read of a query parameter.
_QUERY_MAX = 300
#: Most characters of a path that a login returns to.
_NEXT_MAX = 2000


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its title, its template, and the values that fill it."""

    title: str
    template: str
    #: The entry of the navigation that is highlighted.
    here: str
    #: Computes the template's values; may be slow, and may raise `StoreUnavailable`.
    values: Callable[[], Mapping[str, Any]]
    #: The topic whose changes make the page reload.
    topic: Topic = None
    live: bool = False
    #: Distinguishes it from other pages of the same template and topic.
    key: Hashable = ""


class PageError(Exception):
    """A request that ends in an error page: its status, title and text."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status, self.title, self.text = status, title, text


class Frame:
    """Renders pages inside the shared layout; safe for threads."""

    def __init__(
        self, store: Store, config: Config, sessions: Sessions, live: Live, *, dry: bool, clock: Callable[[], float],
        silent: Callable[[], Mapping[str, tuple[float, str]]],
    ) -> None:  # fmt: skip
        self.store = store
        self.config = config
        self.sessions = sessions
        self.dry = dry
        self.clock = clock
        self.base = sessions.access.base
        self.rendering = Rendering(self.base)
        self._live = live
        self._silent = silent
        #: Placeholder for form tokens in fragments that viewers share; unguessable, so foreign text cannot contain it.
        self._token = f"token-{token_hex(24)}"

    def show(self, request: Request, page: Page, status: int = 200) -> Response:
        """Answer with a page, or (`fragment=1`) with its middle, rendered once for all viewers with the same rights."""
        viewer = self.sessions.viewer(request)
        may_act = viewer is not None
        if page.live and "fragment" in request.query_params:
            key = (page.template, page.key, may_act)
            middle = self._live.rendered(page.topic, key, lambda: self._middle(page, may_act, page.values()))
            answer = as_html(200, self._filled(middle, viewer))
        else:
            seen, values = self.clock(), page.values()
            middle = self._filled(self._middle(page, may_act, values), viewer)
            answer = self._shell(request, page, viewer, middle, status, seen, values.get("title", page.title))
        if viewer is not None and viewer.new_cookie is not None:
            self.set_cookie(answer, self.sessions.forms_cookie, viewer.new_cookie)
        return answer

    def say(self, request: Request, status: int, title: str, text: str) -> Response:
        """Answer with a page of one sentence, such as a refusal, whether the store answers or not."""
        page = Page(title, "say.html", "", dict)
        middle = self.rendering.part(page.template, {"title": title, "text": text})
        return self._shell(request, page, self._viewer_if_known(request), middle, status, 0.0, title)

    def _viewer_if_known(self, request: Request) -> Viewer | None:
        try:
            return self.sessions.viewer(request)
        except StoreUnavailable:
            return None

    def _middle(self, page: Page, may_act: bool, values: Mapping[str, Any]) -> str:
        return self.rendering.part(page.template, {**self._common(), "may_act": may_act, **values})

    def _filled(self, middle: str, viewer: Viewer | None) -> str:
        """Replace the placeholder in forms with the viewer's own token."""
        return middle if viewer is None else middle.replace(self._token, self.sessions.form(viewer))

    def _shell(
        self, request: Request, page: Page, viewer: Viewer | None, middle: str, status: int, seen: float, title: str
    ) -> Response:
        values = {
            "title": title,
            "here": page.here,
            "viewer": viewer,
            "possible": self.sessions.access.possible,
            "login": f"{self.base}/login?{urlencode({'next': path_of(request)})}",
            "form_token": self.sessions.form(viewer) if viewer is not None else "",
            "live": f"{self.base}/live?{_live_query(page.topic, seen)}" if page.live else None,
        }
        return self.rendering.page(status, middle, values)

    def _common(self) -> dict[str, Any]:
        """Return the values that every template gets: the time, the form token, and what the banners show."""
        return {
            "now": self.clock(),
            "token": self._token,
            "paused": self.store.limits.paused(),
            "dry": self.dry,
            "possible": self.sessions.access.possible,
            "unreachable": polls.unreachable(self.store, self.config, self._silent(), self.clock()),
            "breakers": [one for one in self.store.limits.breakers() if one.open],
            "job_path": job_path,
            "failure_path": failure_path,
            "line_path": line_path,
            "test_path": test_path,
            "silent": [one for one in self.store.expectations.every() if one.silent_for(self.clock())],
        }

    def set_cookie(self, answer: Response, name: str, value: str) -> None:
        """Set a cookie that scripts cannot read and that requests from other sites do not carry."""
        answer.set_cookie(
            name,
            value,
            max_age=int(SESSION_SECONDS),
            path="/",
            secure=self.sessions.access.secure,
            httponly=True,
            samesite="strict",
        )

    def drop_cookie(self, answer: Response, name: str) -> None:
        """Delete a cookie."""
        answer.delete_cookie(name, path="/", secure=self.sessions.access.secure, httponly=True, samesite="strict")

    def to(self, path: str) -> Response:
        """Redirect to one of our pages."""
        return redirect(f"{self.base}{path}")


def query(request: Request, name: str) -> str:
    """Return a query parameter, stripped and cut to `_QUERY_MAX` characters; empty if it is missing."""
    return request.query_params.get(name, "").strip()[:_QUERY_MAX]


def push_path(push: Push, *segments: str, **params: str) -> str:
    """Return the path of a push's page, or of one below it."""
    path = "/".join(["/pushes", quote(push.project), push.revision, *segments])
    return f"{path}?{urlencode({'system': push.system, 'branch': push.branch, **params})}"


def branch_path(project: str, branch: str) -> str:
    """Return the path of a branch's page; both names may have slashes in them."""
    return f"/branches/{quote(project)}/{quote(branch)}"


def job_path(project: str, job: str) -> str:
    """Return the path of the page of a job over time; both names may have slashes in them."""
    return f"/jobs/{quote(project)}/{quote(job)}"


def failure_path(project: str, line: str) -> str:
    """Return the path of the page of a failure line over time; empty if the line does not tell what failed."""
    return line_path(project, line) if failure_history.tells(line) else ""


def line_path(project: str, line: str) -> str:
    """Return the path of the page of a line over time, or of its shape, that is known to tell what failed."""
    return f"/failures/{quote(project)}?{urlencode({'line': line})}"


def test_path(project: str, test: str) -> str:
    """Return the path of the page of a test that fails, over time."""
    return f"/failures/{quote(project)}?{urlencode({'test': test})}"


def is_local(path: str) -> bool:
    """Whether a path stays on this site, also in browsers that read a backslash as a slash."""
    return (
        len(path) <= _NEXT_MAX
        and path.startswith("/")
        and not path.startswith("//")
        and path.isascii()
        and path.isprintable()
        and "\\" not in path
    )


def path_of(request: Request) -> str:
    """Return the path to return to after logging in."""
    if request.method != "GET":
        return "/"
    parameters = f"?{request.url.query}" if request.url.query else ""
    path = f"{quote(request.scope['path'])}{parameters}"
    return path if is_local(path) else "/"


def _live_query(topic: Topic, seen: float) -> str:
    subject = {} if topic is None else topic._asdict()
    return urlencode({**subject, "seen": f"{seen:.3f}"})
