"""The actions of the pages: retrigger, backfill, silence, pause, resume, log in and out, each a small form."""

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from triggerbot.core.errors import UsageError
from triggerbot.core.formatting import capital
from triggerbot.core.model import Push
from triggerbot.core.policy import rules
from triggerbot.reports.branches import backfills, silencing
from triggerbot.reports.branches.look import looking
from triggerbot.reports.judge import Judge
from triggerbot.store import Pause, PushRecord
from triggerbot.store.actions import Act, Action, Via
from triggerbot.web import push_view
from triggerbot.web.layout import Frame, Page, PageError, branch_path, is_local, path_of, push_path
from triggerbot.web.session import NAME_MAX, LoginAttempts, Viewer, is_name, peer_of

log = structlog.get_logger("triggerbot.page")

#: Most failing jobs that one button retriggers.
TOGETHER_MAX = 500
#: Most characters of the note on a pause.
_NOTE_MAX = 500
#: Seconds for a form to arrive.
_READ_SECONDS = 10.0
#: Most bytes and fields of a form: the longest job name fits, with each of its characters escaped.
_BYTES_MAX, _FIELDS_MAX = 65_536, 20


class Actions:
    """Handlers of the pages' forms; safe for threads."""

    def __init__(self, frame: Frame, judge: Judge, find: Callable[[Request], PushRecord]) -> None:
        self._frame = frame
        self._sessions = frame.sessions
        self._judge = judge
        self._find = find
        self._attempts = LoginAttempts(frame.clock)
        config = frame.config
        self._look = looking(frame.store, judge, config.rules, list(config.systems))

    async def read(self, request: Request) -> Mapping[str, str]:
        """Read a form. Raises `PageError` if it does not come from one of our pages, or cannot be read."""
        if not self._sessions.is_own(request):
            why = "A form is only taken from a page of triggerbot itself, and your browser did not say that it was one."
            raise PageError(403, "That did not come from here", why)
        try:
            return await _read_form(request)
        except UsageError as refused:
            raise PageError(400, "That cannot be read", f"It seems that {refused}.") from None
        except TimeoutError:
            raise PageError(408, "That did not arrive", "The form took too long.") from None
        except ClientDisconnect:
            raise PageError(400, "That did not arrive", "The connection ended before.") from None

    # -- sessions -----------------------------------------------------------------------------------------------

    def login_page(self, request: Request) -> Response:
        """Show the login form, or how the operator can enable logging in."""
        return self._login_page(request, 200, {"next": request.query_params.get("next", "")})

    def login_first(self, request: Request) -> Response:
        """Show it instead of a page that only who has logged in may read, to which it leads back."""
        answer = self._login_page(request, 401, {"next": path_of(request)}, "Only who has logged in may read here.")
        answer.headers["www-authenticate"] = 'Bearer realm="triggerbot"'
        return answer

    def _login_page(self, request: Request, status: int, form: Mapping[str, str], wrong: str = "") -> Response:
        values = {
            "wrong": wrong,
            "name": form.get("name", "")[:NAME_MAX],
            "next": _next_path(form),
            "by_token": bool(self._sessions.access.tokens),
            "name_max": NAME_MAX,
        }
        return self._frame.show(request, Page("Log in", "login.html", "login", lambda: values), status)

    async def slow_down(self, request: Request) -> bool:
        """Let a try to log in wait, if many have failed; return false if too many wait already."""
        return await self._attempts.slow_down(peer_of(request))

    def too_many(self, request: Request) -> Response:
        """Refuse a try to log in, as too many wait."""
        answer = self._login_page(request, 429, {}, "Too many people try to log in. Wait a moment.")
        answer.headers["retry-after"] = "60"
        return answer

    def log_in(self, request: Request, form: Mapping[str, str]) -> Response:
        """Start a session if the token is right; refuse with 400 or 401 otherwise."""
        peer, name = peer_of(request), form.get("name", "").strip()
        if not is_name(name):
            return self._login_page(request, 400, form, f"Say who you are, in 1 to {NAME_MAX} characters.")
        cookie = self._sessions.open(name, form.get("token", ""))
        if cookie is None:
            self._attempts.failed(peer)
            log.warning("page.login_refused", peer=peer)
            return self._login_page(request, 401, form, "That is not the token.")
        log.info("page.login", name=name, peer=peer)
        answer = self._frame.to(_next_path(form))
        self._frame.set_cookie(answer, self._sessions.cookie, cookie)
        return answer

    def log_out(self, request: Request, form: Mapping[str, str]) -> Response:
        """End the session of this browser."""
        self._authenticate(request, form)
        self._sessions.close(request)
        answer = self._frame.to("/")
        self._frame.drop_cookie(answer, self._sessions.cookie)
        return answer

    def _authenticate(self, request: Request, form: Mapping[str, str]) -> tuple[Viewer, str]:
        """Return who sent a form, and the id of its page. Raises `PageError` without a valid session and form token."""
        viewer = self._sessions.viewer(request)
        if viewer is None:
            why = "Your session is over, or there never was one. Log in, and do it again."
            raise PageError(401, "Who are you?", why)
        form_id = self._sessions.form_id(viewer, form.get("form", ""))
        if form_id is None:
            why = "The page was open for too long, or somebody else was logged in then. Go back, and load it again."
            raise PageError(403, "This form is out of date", why)
        return viewer, form_id

    # -- retriggering -------------------------------------------------------------------------------------------

    def retrigger(self, request: Request, form: Mapping[str, str]) -> Response:
        """Request further runs of one job of a push, or of each failing one. Raises `PageError` if it is refused."""
        viewer, form_id = self._authenticate(request, form)
        record = self._find(request)
        rule = rules.rule_for(self._frame.config.rules, record.push)
        if rule is None:
            raise _impossible("No rule of the config watches this project and branch (any more).")
        count = _whole_number(form.get("count"), rule.requested_max)
        if count is None:
            raise _impossible(f"Between 1 and {rule.requested_max} further runs may be asked for at a time.")
        job = form.get("job")
        jobs = self._failing(record) if job is None else [job]
        if len(jobs) > TOGETHER_MAX:
            raise _impossible(f"Only up to {TOGETHER_MAX} jobs are retriggered at once.")
        action = Action(
            f"{_name(form_id, count, job or '')}:{viewer.name}", self._frame.clock(), Act.RETRIGGER, viewer.name,
            Via.PAGE, record.push, jobs[0] if len(jobs) == 1 else "", len(jobs), count,
        )  # fmt: skip
        requested = sum(self._request(record.push, one, count, viewer, form_id, action) for one in jobs)
        if job is not None and not requested:
            raise _impossible("No run of this job is known, so there is nothing to run again.")
        log.info("page.retrigger", by=viewer.name, count=count, jobs=requested, **record.push._asdict())
        back = push_path(record.push, job=job) if job and form.get("back") == "job" else push_path(record.push)
        return self._frame.to(f"{back}&asked={requested * count}")

    def _request(self, push: Push, job: str, count: int, viewer: Viewer, form_id: str, action: Action) -> bool:
        """Request runs of one job; sending the same form again requests no more. False if the job is not known."""
        origin = push_view.origin(viewer.name, _name(form_id, count, job))
        store, now = self._frame.store, self._frame.clock()
        return store.claims.ask(push, job, count, origin, dry=self._frame.dry, now=now, action=action) is not None

    def _failing(self, record: PushRecord) -> list[str]:
        return [job.job for job in self._judge.judge(record).jobs if job.troubles]

    def backfill(self, request: Request, form: Mapping[str, str]) -> Response:
        """Begin to look for who broke a job that fails at a push. Raises `PageError` if that is not possible."""
        viewer, _ = self._authenticate(request, form)
        record = self._find(request)
        rule = rules.rule_for(self._frame.config.rules, record.push)
        job = next(iter(record.named(form.get("job", ""))), None)
        if rule is None or job is None:
            raise _impossible("No rule of the config watches this project and branch, or no such job is known.")
        frame, push = self._frame, record.push
        asked = backfills.ask(
            frame.store, rule, backfills.place_of(push), job.name, frame.clock(), by=viewer.name, dry=frame.dry,
            at=push.revision,
        )  # fmt: skip
        log.info("page.backfill", by=viewer.name, job=job.job, begun=asked.is_new, **push._asdict())
        if asked.search is None:
            return frame.say(request, 200, "There is nothing to run", f"{capital(asked.words)}.")
        return frame.to(push_path(push, job=job.job))

    def silence(self, request: Request, form: Mapping[str, str]) -> Response:
        """Hear no more of a job of a branch until it passes, or (`end`) hear of it again. Raises `PageError`."""
        viewer, _ = self._authenticate(request, form)
        push, job = self._find(request).push, form.get("job", "")
        store, now, looked = self._frame.store, self._frame.clock(), self._look(push.along)
        if form.get("end"):
            jobs = silencing.hear(store, push.along, job, viewer.name, Via.PAGE, now)
        elif looked is not None:
            jobs = silencing.silence(store, push.along, looked.grid, job, viewer.name, Via.PAGE, now)
        else:
            jobs = []
        log.info("page.silence", by=viewer.name, jobs=jobs, ends=bool(form.get("end")), **push._asdict())
        return self._frame.to(branch_path(push.project, push.branch))

    # -- pausing ------------------------------------------------------------------------------------------------

    def pause(self, request: Request, form: Mapping[str, str]) -> Response:
        """Pause all sending; a pause that is already in force stays as it is."""
        viewer, _ = self._authenticate(request, form)
        store = self._frame.store
        if store.limits.paused() is None:
            note = "".join(letter if letter.isprintable() else " " for letter in form.get("note", ""))
            pause = Pause(self._frame.clock(), viewer.name, note.strip()[:_NOTE_MAX])
            store.limits.pause(pause, _action(Act.PAUSE, viewer, pause.at, pause.note))
            log.warning("page.paused", by=pause.by, note=pause.note)
        return self._frame.to("/")

    def resume(self, request: Request, form: Mapping[str, str]) -> Response:
        """Resume sending."""
        viewer, _ = self._authenticate(request, form)
        store = self._frame.store
        if store.limits.paused() is not None:
            store.limits.pause(None, _action(Act.RESUME, viewer, self._frame.clock()))
        log.warning("page.resumed", by=viewer.name)
        return self._frame.to("/")


def _name(form_id: str, count: int, job: str) -> str:
    """Return a name that is the same whenever the same is asked for with the same form."""
    return hashlib.blake2b(f"{form_id} {count} {job}".encode(), digest_size=12).hexdigest()


def _action(act: Act, viewer: Viewer, at: float, note: str = "") -> Action:
    return Action(uuid.uuid4().hex, at, act, viewer.name, Via.PAGE, note=note)


def _impossible(why: str) -> PageError:
    return PageError(400, "That is not possible", why)


def _next_path(form: Mapping[str, str]) -> str:
    """Return the path to return to after logging in; never one of another site."""
    path = form.get("next", "")
    return path if is_local(path) else "/"


async def _read_form(request: Request) -> Mapping[str, str]:
    """Read a form within bounds. Raises `UsageError` if it is malformed, `TimeoutError` if it does not arrive."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UsageError("this is no form of this page")
    body = bytearray()
    async with asyncio.timeout(_READ_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > _BYTES_MAX:
                raise UsageError("the form is too large")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError:
        raise UsageError("the form cannot be read") from None


def _whole_number(text: str | None, most: int) -> int | None:
    """Parse a whole number from 1 to `most`; `None` for anything else."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 9):
        return None
    return int(text) if 1 <= int(text) <= most else None
