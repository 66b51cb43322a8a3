"""What every page has around it: who looks, what holds everything up, the shell, and the answers that refuse."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from triggerbot.config import Config
from triggerbot.core.model import Push
from triggerbot.store import Store
from triggerbot.web.live import Live, Topic
from triggerbot.web.session import SESSION_SECONDS, Sessions, Viewer
from triggerbot.web.templating import Rendering, as_html, redirect

#: Characters of a query that are looked at.
_QUERY_MAX = 300
#: Characters of an address that a login leads back to.
_NEXT_MAX = 2000


@dataclass(frozen=True, slots=True)
class Page:
    """What one page shows in its middle."""

    title: str
    template: str
    #: Which entry of the navigation it belongs to.
    here: str
    #: Gathers what the template needs; may take a moment, and raise `StoreUnavailable`.
    values: Callable[[], Mapping[str, Any]]
    #: Whose news make it load again.
    topic: Topic = None
    live: bool = False
    #: What tells it from other pages about the same.
    key: Hashable = ""


class Stopped(Exception):
    """It goes no further: the answer is a status, a title and what there is to say."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status, self.title, self.text = status, title, text


class Frame:
    """Shows pages; safe for threads."""

    def __init__(
        self, store: Store, config: Config, sessions: Sessions, live: Live, *, dry: bool, clock: Callable[[], float]
    ) -> None:
        self.store = store
        self.config = config
        self.sessions = sessions
        self.dry = dry
        self.clock = clock
        self.base = sessions.access.base
        self.rendering = Rendering(self.base)
        self._live = live
        #: Stands for the token of a form in what is rendered once for several viewers; nobody can guess it.
        self._token = f"token-{token_hex(24)}"

    def show(self, request: Request, page: Page, status: int = 200) -> Response:
        """Answer with a page, or (`fragment=1`) with its middle only, which is shared by all who may do the same."""
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
        """Answer with a page of one sentence, such as a refusal; it needs nothing but the shell."""
        page = Page(title, "say.html", "", dict)
        middle = self.rendering.part(page.template, {"title": title, "text": text})
        return self._shell(request, page, self.sessions.viewer(request), middle, status, 0.0, title)

    def _middle(self, page: Page, may_act: bool, values: Mapping[str, Any]) -> str:
        return self.rendering.part(page.template, {**self._house(), "may_act": may_act, **values})

    def _filled(self, middle: str, viewer: Viewer | None) -> str:
        """Put the viewer's own token into the forms."""
        return middle if viewer is None else middle.replace(self._token, self.sessions.form(viewer))

    def _shell(
        self, request: Request, page: Page, viewer: Viewer | None, middle: str, status: int, seen: float, title: str
    ) -> Response:
        values = {
            "title": title,
            "here": page.here,
            "viewer": viewer,
            "possible": self.sessions.access.possible,
            "login": f"{self.base}/login?{urlencode({'next': _path(request)})}",
            "form_token": self.sessions.form(viewer) if viewer is not None else "",
            "live": f"{self.base}/live?{_live_query(page.topic, seen)}" if page.live else None,
        }
        return self.rendering.page(status, middle, values)

    def _house(self) -> dict[str, Any]:
        """What holds everything up."""
        return {
            "now": self.clock(),
            "token": self._token,
            "paused": self.store.paused(),
            "dry": self.dry,
            "possible": self.sessions.access.possible,
            "breakers": [one for one in self.store.breakers() if one.open],
        }

    def set_cookie(self, answer: Response, name: str, value: str) -> None:
        """Give the browser a cookie that no script sees and that no other site's page sends along."""
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
        """Take a cookie back."""
        answer.delete_cookie(name, path="/", secure=self.sessions.access.secure, httponly=True, samesite="strict")

    def to(self, path: str) -> Response:
        """Send a browser on to a page of ours."""
        return redirect(f"{self.base}{path}")


def query(request: Request, name: str) -> str:
    """Read a word of the query, cut to what is sensible."""
    return request.query_params.get(name, "").strip()[:_QUERY_MAX]


def push_path(push: Push, *further: str, **more: str) -> str:
    """Give the path of a push's page, or of one below it."""
    path = "/".join(["/pushes", quote(push.project), push.revision, *further])
    return f"{path}?{urlencode({'system': push.system, 'branch': push.branch, **more})}"


def is_local(path: str) -> bool:
    """Tell whether a path leads to a page of this site, whatever browsers make of backslashes and the like."""
    return (
        len(path) <= _NEXT_MAX
        and path.startswith("/")
        and not path.startswith("//")
        and path.isascii()
        and path.isprintable()
        and "\\" not in path
    )


def _path(request: Request) -> str:
    """Where to come back to after logging in."""
    if request.method != "GET":
        return "/"
    asked = f"?{request.url.query}" if request.url.query else ""
    path = f"{quote(request.scope['path'])}{asked}"
    return path if is_local(path) else "/"


def _live_query(topic: Topic, seen: float) -> str:
    about = {} if topic is None else topic._asdict()
    return urlencode({**about, "seen": f"{seen:.3f}"})
