"""The generic system, for any CI that can speak HTTP: three calls and signed webhooks.

The contract is in docs/reference/events.md. Webhooks are signed by Standard Webhooks and carry one event or a list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec

from triggerbot.config import secrets
from triggerbot.core import event_json
from triggerbot.core.errors import CIUnavailable, NotKnown, NotUnderstood, Unauthenticated
from triggerbot.core.model import Event, Heard, Push, PushFacts
from triggerbot.core.policy import planning
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan
from triggerbot.systems import NOTHING_KNOWN, BuildContext, Known, LookBack
from triggerbot.systems.answers import Accepted, Answer, Later, Refused, Unknown
from triggerbot.systems.generic.settings import GenericSettings
from triggerbot.systems.http import Http, NotSent, Reply, segments, unacknowledged, usable
from triggerbot.systems.webhook_signatures import delivery, verify_standard

#: Seconds until a CI that denied us is asked again: somebody has to fix the credentials first.
_DENIED = 600.0


class Generic:
    """A CI that speaks the generic contract."""

    capacity = Capacity.BATCH
    forks_allowed = True
    body_max = 1 << 20

    def __init__(
        self,
        name: str,
        url: str,
        *,
        token: str | None = None,
        webhook_secrets: Sequence[str] = (),
        grace: float = 60.0,
        user_agent: str = "triggerbot",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self.grace = grace
        self._secrets = tuple(webhook_secrets)
        headers = {"user-agent": user_agent, "accept": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        self._http = Http(url, headers, transport=transport)

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Verify a Standard Webhooks signature and return a name for the delivery; raises `Unauthenticated`."""
        if not self._secrets:
            raise Unauthenticated(f"no webhook_secret is configured for system {self.name!r}")
        verify_standard(headers, body, self._secrets, now)
        return delivery(self.name, headers["webhook-id"], body)

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Parse one event, or a JSON list of them; raises `NotUnderstood`."""
        if body[:64].lstrip()[:1] != b"[":
            return [event_json.decode(body, self.name)]
        try:
            values = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise NotUnderstood(str(error)) from None
        return [event_json.from_json(value, self.name) for value in values]

    def parse_message(self, exchange: str, body: bytes) -> Sequence[Heard]:
        """Parse one event, or a JSON list of them, from any exchange; raises `NotUnderstood`."""
        return self.parse({}, body)

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """Ask for a push's facts and runs; raises as `System.look_back` does."""
        what = f"the look-back at {push.project} {push.revision[:12]}"
        reply = self._http.get(segments("pushes", push.project, push.branch, push.revision))
        if reply.status == 404:
            raise NotKnown("the CI does not know the push yet")
        answer = _mapping(usable(reply, what).json(), what)
        facts = PushFacts(
            push,
            message=_text(answer.get("message")) or "",
            author=_text(answer.get("author")),
            time=_time(answer.get("time"), what),
            base=_base(answer.get("base"), what),
            parents=_parents(answer.get("parents"), what),
        )
        listed = self._events(answer.get("runs"), what)
        events = tuple(event for event in listed if event.push == push)
        return LookBack(events, facts, complete=len(events) == len(answer["runs"]))

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Plan one request per job, with the number of runs in it."""
        return planning.plan_batch(wants)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Send one POST; never raises. For a job that has no run at the push it names none."""
        body = {
            "operation": operation,
            "project": push.project,
            "branch": push.branch,
            "revision": push.revision,
            "job": call.target.job,
            "run_id": call.target.run_id or None,
            "count": call.count,
        }
        reply = self._http.post("/retrigger", body)
        match reply:
            case NotSent(why):
                return Later(why)
            case Unknown():
                return reply
            case Reply():
                return _answer(reply)

    def runs_no_jobs(self) -> str:
        """Return nothing: a CI that cannot run a job for the first time answers so."""
        return ""

    def run_job(self, operation: str, push: Push, call: Call) -> Answer:
        """Send the same request as for a retrigger, without a run to copy; never raises."""
        return self.retrigger(operation, push, call)

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Ask which runs changed since `since`; `None` if this CI does not support it. Raises as `look_back` does."""
        reply = self._http.get("/runs", {"since": event_json.format_time(since) or ""})
        if reply.status == 404:
            return None
        answer = _mapping(usable(reply, "the sweep").json(), "the sweep")
        return self._events(answer.get("runs"), "the sweep")

    def check(self) -> str:
        """Try the credentials with the sweep's read; raises `CIError`."""
        found = self.recent(0.0)
        if found is None:
            return "answers; it offers no list of recent runs (404), so lost webhooks cannot be made up for"
        return f"answers; it lists {len(found)} runs"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _events(self, values: Any, what: str) -> list[Event]:
        """Parse a list of runs, skipping those that are not understood; raises `CIUnavailable` if none is."""
        if not isinstance(values, list):
            raise CIUnavailable(f"{what}: the answer has no list of runs")
        events = []
        for value in values:
            try:
                events.append(event_json.from_json(value, self.name))
            except NotUnderstood:
                continue
        if values and not events:
            raise CIUnavailable(f"{what}: none of the {len(values)} runs in the answer is an event as it should be")
        return events


def build(name: str, settings: GenericSettings, context: BuildContext) -> Generic:
    """Build it as configured; raises `ConfigError` if a secret cannot be read."""
    return Generic(
        name,
        settings.url,
        token=secrets.content(settings.token),
        webhook_secrets=[secret.read() for secret in settings.webhook_secret],
        grace=settings.grace,
        user_agent=context.user_agent,
    )


def _answer(reply: Reply) -> Answer:
    """Classify an answer to a retrigger: accepted, refused, later or unknown."""
    why = f"HTTP {reply.status} {reply.excerpt}".strip()
    match reply.status:
        case status if 200 <= status < 300:
            return unacknowledged(reply) if reply.is_foreign else Accepted(_run_ids(reply))
        case 429:
            return Later(why, reply.retry_after, healthy=True)
        case 503 if reply.retry_after is not None:
            return Later(why, reply.retry_after)
        case 401 | 403:
            return Later(f"{why}: check the token and its permissions", _DENIED)
        case status if 300 <= status < 400:
            return Later(f"{why}: a redirect, which is not followed: check the url in the config", _DENIED)
        case 404 | 425:
            return Later(why, healthy=True)
        case 408:
            return Unknown(why)
        case 409:
            return Refused(why, healthy=True)
        case status if 400 <= status < 500:
            return Refused(why)
        case _:
            return Unknown(why)


def _run_ids(reply: Reply) -> tuple[str, ...]:
    """Read the new runs' ids, which a CI may leave out."""
    try:
        answer = reply.json()
    except CIUnavailable:
        return ()
    runs = answer.get("runs") if isinstance(answer, dict) else None
    return tuple(str(run) for run in runs if isinstance(run, (str, int))) if isinstance(runs, list) else ()


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CIUnavailable(f"{what}: the answer is no JSON object")
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _base(value: Any, what: str) -> str | None:
    if value is None or value == "":
        return None
    try:
        return event_json.parse_revision(str(value), "base")
    except NotUnderstood as error:
        raise CIUnavailable(f"{what}: {error}") from None


def _parents(value: Any, what: str) -> tuple[str, ...]:
    try:
        return event_json.parse_parents(list(map(str, value))) if isinstance(value, list) else ()
    except NotUnderstood as error:
        raise CIUnavailable(f"{what}: {error}") from None


def _time(value: Any, what: str) -> float | None:
    if value is None or not isinstance(value, (str, int, float)):
        return None
    try:
        return event_json.parse_time(value)
    except NotUnderstood:
        raise CIUnavailable(f"{what}: its time is none: {str(value)[:60]!r}") from None
