"""The pages that people read: pushes, one push, one job, statistics, errors, about; and all routes for people."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from triggerbot.config import Config
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.formatting import capital
from triggerbot.core.model import Push
from triggerbot.core.policy import rules
from triggerbot.core.run_tests import FAILING_MAX
from triggerbot.core.verdict import verdict
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.liveness import Check
from triggerbot.reports import actions, push_json, search, stuck, superseded, timeline
from triggerbot.reports.branches import Branches, backfills
from triggerbot.reports.crashes import CLASSES, root_cause
from triggerbot.reports.judge import Judge
from triggerbot.reports.novelty import stored as novelty
from triggerbot.store import CRASHES_MAX, PushRecord, Search, Store
from triggerbot.web import about, push_cost, push_tests, push_view, statistics_view, ways
from triggerbot.web.actions import TOGETHER_MAX, Actions
from triggerbot.web.answers import RemoteAnswers
from triggerbot.web.branches import BranchViews
from triggerbot.web.failures import FailureViews
from triggerbot.web.gate import Gate
from triggerbot.web.jobs import JobViews
from triggerbot.web.layout import Frame, Page, PageError, branch_path, job_path, push_path, query
from triggerbot.web.live import Live
from triggerbot.web.session import Access, Sessions
from triggerbot.web.statistics_view import parts
from triggerbot.web.templating import SIGNS

#: Pushes in a list: the default, and the most.
LIMIT, LIMIT_MAX = 100, 1000
#: Pages rendered concurrently, which must leave room for observing events; actions such as a pause have as many of
#: their own.
_AT_ONCE = 2
_REVISION = re.compile(r"[0-9a-fA-F]{1,64}")
#: Default look-back of the statistics, in days.
_DAYS = 7
_LETTERS_MAX = 50


_UNKNOWN = (
    "Nothing is known of such a push",
    "No event of it has come yet, or no rule watches its project and branch, or it is forgotten by now.",
)


class Pages:
    """The pages of one daemon."""

    def __init__(
        self,
        store: Store,
        judge: Judge,
        config: Config,
        access: Access,
        *,
        dry: bool,
        clock: Callable[[], float],
        health: Callable[[], Mapping[str, Check]],
        silent: Callable[[], Mapping[str, tuple[float, str]]] = dict,
    ) -> None:
        self._store = store
        self._judge = judge
        self._config = config
        self._health = health
        self._clock = clock
        sessions = Sessions(access, store, clock)
        self.gate = Gate(sessions)
        self.live = Live(store, clock, self.gate.of_programs)
        self._frame = Frame(store, config, sessions, self.live, dry=dry, clock=clock, silent=silent)
        systems = tuple(config.systems)
        branches = Branches(store, judge, config.rules, systems)
        self.branches = BranchViews(branches, self._frame)
        self.failures = FailureViews(store, branches, self._frame)
        self.jobs = JobViews(store, self._frame)
        self.answers = RemoteAnswers(store, config, dry=dry, clock=clock)
        self._dry = dry
        self._statistics = statistics_view.StatisticsCache(store, clock)
        self._actions = Actions(self._frame, judge, self._one_record)
        self._read_limit, self._action_limit = CapacityLimiter(_AT_ONCE), CapacityLimiter(_AT_ONCE)

    def routes(self) -> list[Route]:
        """Return every route; more specific paths come before those that would match them."""
        get, post = partial(Route, methods=["GET"]), partial(Route, methods=["POST"])
        one = "/pushes/{project:path}/{revision}"
        return [
            get("/", self._page(self.pushes)),
            get("/about", self._page(self.about)),
            get("/branches/{path:path}", self._page(self.branches.page)),
            get("/failures/{project:path}", self._page(self.failures.page)),
            get("/jobs/{path:path}", self._page(self.jobs.page)),
            get("/statistics", self._page(self.statistics)),
            get("/actions", self._page(self.actions)),
            get("/errors", self._page(self.errors)),
            get("/live", self.live),
            get("/static/{digest}/{name}", self._frame.rendering.files.answer),
            post(f"{one}/retrigger", self._action(self._actions.retrigger)),
            post(f"{one}/backfill", self._action(self._actions.backfill)),
            post(f"{one}/silence", self._action(self._actions.silence)),
            get(one, self._page(self.push)),
            get("/login", self._open_page(self._actions.login_page)),
            post("/login", self._log_in),
            post("/logout", self._action(self._actions.log_out)),
            post("/pause", self._action(self._actions.pause)),
            post("/resume", self._action(self._actions.resume)),
        ]

    def _page(self, answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        """Wrap a page that only those see who may read."""

        def checked(request: Request) -> Response:
            return answer(request) if self.gate.may_read(request) else self._actions.login_first(request)

        return self._open_page(checked)

    def _open_page(self, answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            return await to_thread.run_sync(self._guarded, answer, request, limiter=self._read_limit)

        return page

    async def _log_in(self, request: Request) -> Response:
        if await self._actions.slow_down(request):
            return await self._action(self._actions.log_in)(request)
        return await to_thread.run_sync(self._guarded, self._actions.too_many, request, limiter=self._action_limit)

    def _action(
        self, act: Callable[[Request, Mapping[str, str]], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def action(request: Request) -> Response:
            try:
                form = await self._actions.read(request)
            except PageError as error:
                say = partial(self._frame.say, request, error.status, error.title, error.text)
                return await to_thread.run_sync(say, limiter=self._action_limit)
            run = partial(self._guarded, lambda posted: act(posted, form), request)
            return await to_thread.run_sync(run, limiter=self._action_limit)

        return action

    def _guarded(self, answer: Callable[[Request], Response], request: Request) -> Response:
        """Answer a `PageError` with its page, and 503 while the store is unavailable; 421 under a foreign name."""
        try:
            return self.gate.host(request) or answer(request)
        except PageError as error:
            return self._frame.say(request, error.status, error.title, error.text)
        except StoreUnavailable as failed:
            refusal = self._frame.say(request, 503, "The store does not answer", f"{failed}. Try again in a moment.")
            refusal.headers["retry-after"] = "5"
            return refusal

    def unknown(self, request: Request) -> Response:
        """Answer that there is no page at this address."""
        return self._frame.say(request, 404, "There is no such page", "Maybe the address was cut, or is an old one.")

    def failed(self, request: Request, text: str) -> Response:
        """Answer that triggerbot itself failed."""
        return self._frame.say(request, 500, "That went wrong", text)

    # -- pushes -------------------------------------------------------------------------------------------------

    def pushes(self, request: Request) -> Response:
        """Show the latest pushes, filtered by the query."""
        wanted = Search(*(query(request, name) for name in ("project", "branch", "author", "text", "health")))
        limit = _number(query(request, "limit"), LIMIT, LIMIT_MAX)
        page = Page(
            "Pushes", "pushes.html", "pushes", partial(self._list, wanted, limit), live=True, key=(wanted, limit)
        )
        return self._frame.show(request, page)

    def _list(self, wanted: Search, limit: int) -> dict[str, Any]:
        found = self._store.pushes.search(wanted, limit)
        also = search.look(self._store, wanted.text, wanted.project, self._clock()) if wanted.text else search.Found()
        return {
            "pushes": [
                (one, push_view.row_id(*one.push), push_path(one.push), branch_path(*one.push[1:3]), _bar(one.counts))
                for one in found
            ],
            "wanted": wanted,
            "also": also,
            "filtered": wanted != Search(),
            "projects": self._store.pushes.projects(),
            "healths": list(Health),
            "limit": limit,
            "default_limit": LIMIT,
            "more": LIMIT_MAX if len(found) == limit < LIMIT_MAX else None,
        }

    # -- one push -----------------------------------------------------------------------------------------------

    def push(self, request: Request) -> Response:
        """Show one push, or (`job=`) the timeline of one of its jobs; or a choice if the revision is ambiguous."""
        found = self._find(request)
        if len(found) > 1:
            values = {"pushes": [(one, push_path(one)) for one in found], "job": request.query_params.get("job", "")}
            return self._frame.show(request, Page("Which push?", "which.html", "pushes", lambda: values))
        push, job = found[0], request.query_params.get("job")
        requested = _number(query(request, "asked"), 0, 10_000)
        values_of = partial(self._one, push, requested) if job is None else partial(self._job, push, job, requested)
        template = "push.html" if job is None else "job.html"
        page = Page(push.revision[:12], template, "pushes", values_of, push, live=True, key=(job, requested))
        return self._frame.show(request, page)

    def _one(self, push: Push, requested: int) -> dict[str, Any]:
        record = self._record(push)
        judged = self._judge.judge(record)
        before = push_json.before(self._store.facts.metadata(push))
        entries = self._store.pushes.timeline(push)
        rule = rules.rule_for(self._config.rules, push)
        problems = () if record.asks is None else record.asks.problems
        failing = sum(job.troubles for job in judged.jobs)
        return {
            "record": record,
            "judged": judged,
            "health": str(judged.health),
            "title": f"{SIGNS[judged.health]} {_title(record)}",
            "name": _title(record),
            "groups": push_view.groups(judged, record, entries, before),
            "ways": ways.of_push(self._config.systems, record),
            "logs": {
                job.job: ways.of_failed(self._config.systems, push, job.runs)
                for job in judged.jobs
                if job.verdict is not Verdict.PASSED and job.failing_runs
            },
            "folded": push_view.folded(judged, record, self._frame.base),
            "tests": push_tests.of_push(judged, novelty.of_failing(self._store, self._judge, record, judged)),
            "cost": push_cost.cost(record),
            "shared": push_view.shared(judged),
            "notes": [note for note in timeline.of_push(entries) if not any(one in note.text for one in problems)],
            "asks": timeline.options_text(record, rule),
            "superseded": capital(superseded.warning(record)),
            "problems": problems,
            "spent": push_cost.spent(record, rule, dry=self._dry),
            "most": rule.requested_max if rule is not None else 0,
            "failing": failing,
            "together": 1 < failing <= TOGETHER_MAX,
            "searches": backfills.concerning(self._store, push),
            "asked": requested,
            "act": push_path(push, "retrigger"),
            "path": push_path(push),
        }

    def _job(self, push: Push, name: str, requested: int) -> dict[str, Any]:
        record = self._record(push)
        job = next(iter(record.named(name)), None) or record.unrun_job(name)
        if job is None:
            raise PageError(404, "No such job", "No job of this name is known of the push.")
        name = job.job
        whole = self._judge.judge(record)
        judged = next(
            (one for one in whole.jobs if one.job == name), verdict.of_job(name, (), job.claims, now=self._clock())
        )
        compared = novelty.of_failing(self._store, self._judge, record, replace(whole, jobs=(judged,)))
        entries = timeline.by_job(self._store.pushes.timeline(push, name)).get(name, [])
        rule = rules.rule_for(self._config.rules, push)
        standing = timeline.Standing(self._clock(), self._store.limits.paused(), self._store.limits.breakers())
        return {
            "title": f"{SIGNS[judged.verdict or 'none']} {name}",
            "of": _title(record),
            "judged": judged,
            "row": push_view.row(judged, job, entries, push_json.before(self._store.facts.metadata(push)), {}),
            "superseded": capital(superseded.warning(record)),
            "tests": push_tests.of_job(judged, compared.get(name, ()), FAILING_MAX),
            "runs": [
                (run, push_view.safe(run.url), ways.of_run(self._config.systems, push, run)) for run in judged.runs
            ],
            "ways": ways.of_push(self._config.systems, record),
            "lines": timeline.of_job(job, entries, standing),
            "searches": [one for one in backfills.concerning(self._store, push) if one.job == job.name],
            "backfill": push_path(push, "backfill") if rule is not None and judged.verdict is Verdict.FAILED else "",
            "most": rule.requested_max if rule is not None else 0,
            "asked": requested,
            "act": push_path(push, "retrigger"),
            "path": push_path(push),
            "project": push.project,
            "over_time": job_path(push.project, job.name),
        }

    def _record(self, push: Push) -> PushRecord:
        record = self._store.pushes.record(push)
        if record is None:
            raise PageError(404, *_UNKNOWN)
        return record

    def _find(self, request: Request) -> list[Push]:
        """Return the push of an address, or all that match an ambiguous one. Raises `PageError` if there is none."""
        project, revision = request.path_params["project"], request.path_params["revision"].lower()
        system, branch = query(request, "system"), query(request, "branch")
        found = [
            push
            for push in (self._store.pushes.find(project, revision) if _REVISION.fullmatch(revision) else ())
            if system in ("", push.system) and branch in ("", push.branch)
        ]
        if not found:
            raise PageError(404, *_UNKNOWN)
        return [push for push in found if push.revision == revision] or found

    def _one_record(self, request: Request) -> PushRecord:
        """Return the record of the one push of an address. Raises `PageError` if there is none, or several."""
        found = self._find(request)
        if len(found) > 1:
            raise PageError(404, "Which push?", "Several pushes fit this address.")
        return self._record(found[0])

    # -- everything ---------------------------------------------------------------------------------------------

    def about(self, request: Request) -> Response:
        """Show what triggerbot does and its limits, from the configuration in force."""
        values = {
            "rules": about.rules(self._config),
            "limits": about.limits(self._config),
            "message_words": about.message_words(self._config),
            "comment_words": about.comment_words(self._config),
            "systems": list(self._config.systems),
        }
        return self._frame.show(request, Page("About", "about.html", "about", lambda: values))

    def statistics(self, request: Request) -> Response:
        """Show what was decided and sent, and how it ended."""
        days = _number(query(request, "days"), _DAYS, max(statistics_view.PERIODS))
        days = days if days in statistics_view.PERIODS else _DAYS
        page = Page("Statistics", "statistics.html", "statistics", partial(self._statistics.gather, days))
        return self._frame.show(request, page)

    def actions(self, request: Request) -> Response:
        """Show what people did."""
        return self._frame.show(request, Page("What people did", "actions.html", "actions", self._done))

    def _done(self) -> dict[str, Any]:
        found = self._store.actions.read(LIMIT)
        paths = [push_path(one.push) if one.push.revision else "" for one in found]
        return {"actions": list(zip(found, map(actions.words, found), paths, strict=True)), "limit": LIMIT}

    def errors(self, request: Request) -> Response:
        """Show what is broken, and what could not be triggered."""
        return self._frame.show(request, Page("Errors", "errors.html", "errors", self._errors))

    def _errors(self) -> dict[str, Any]:
        distrust = self._store.distrust()
        crashes = self._store.crashes.read(CRASHES_MAX)
        return {
            "checks": self._health(),
            "distrust": distrust,
            "stuck": [(one, push_path(one.push, job=one.job)) for one in stuck.stuck(self._store)],
            "letters": self._store.letters.read(_LETTERS_MAX),
            "crashes": crashes,
            "root_cause": root_cause(crashes),
            "classes": CLASSES,
            "open_breakers": push_json.breakers(self._store.limits.breakers(), self._store.limits.held()),
            "caps": [
                one
                for one in push_json.caps(self._store.limits.sent(self._clock()), self._store.limits.held())
                if one["held"]
            ],
        }


def _title(record: PushRecord) -> str:
    """Return the first line of a push's message, or its project and revision."""
    first = (record.facts.message or "").strip().partition("\n")[0]
    return first[:200] or f"{record.push.project} {record.push.revision[:12]}"


def _bar(counts: Mapping[str, int]) -> list[Any]:
    order = (Verdict.FAILED, Verdict.INFRA, Verdict.INTERMITTENT, Verdict.PENDING, Verdict.PASSED)
    return parts([(str(verdict), counts.get(str(verdict), 0)) for verdict in order])


def _number(text: str, default: int, most: int) -> int:
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 9 and int(text) else default
