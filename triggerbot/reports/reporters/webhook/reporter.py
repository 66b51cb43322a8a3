"""Reports by webhook: POSTs the JSON of a push, signed by Standard Webhooks, whenever its verdicts have changed.

Delivery is at least once: a try whose answer was lost is retried under the same `webhook-id`, by which a receiver drops
duplicates. A changed content always gets a new id, even if it equals an earlier one.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog

from triggerbot.config import secrets
from triggerbot.core import event_json
from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.core.model import Push
from triggerbot.core.verdict.base import NOTHING_KNOWN
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport, ReportContext
from triggerbot.reports.reporters.webhook.settings import WebhookReportSettings
from triggerbot.systems.answers import Unknown
from triggerbot.systems.http import Http, NotSent, Reply
from triggerbot.systems.webhook_signatures import sign_standard

log = structlog.get_logger("triggerbot.publish")

#: Bytes of a body; receivers have limits of their own, mostly 1 MB.
BODY_MAX = 1_000_000
#: Bytes reserved for the envelope around the data.
_ENVELOPE = 1000
#: In a body that would be larger: characters of each text, problems, and failures of each list with the jobs of each.
_TEXT_MAX, _PROBLEMS_MAX, _COMMON_MAX = 2000, 10, 100
#: Verdicts whose jobs go first if there is no room for all.
_ORDER = ("failed", "infra", "intermittent", "pending")


class _Sent(msgspec.Struct, frozen=True):
    """The last report that was sent, as stored beside the push."""

    #: Counts the changes of content.
    number: int = 0
    #: A digest of the content.
    says: str = ""
    #: When it was first sent (seconds since the epoch), as in the body.
    at: float = 0.0
    #: Whether it arrived.
    done: bool = False
    #: Whether the receiver wants no further reports of the push.
    stopped: bool = False


class WebhookReporter:
    """Reports pushes to one address (a `Reporter`)."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        secret: str | None,
        wants: Callable[[Push], bool],
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._secret = secret
        self._wants = wants
        self._clock = clock
        whole = httpx.URL(url)
        self._path = whole.raw_path.decode()
        base = whole.copy_with(raw_path=b"/", fragment=None)
        self._http = Http(str(base), {"user-agent": "triggerbot"}, transport=transport)

    def wants(self, push: Push) -> bool:
        """Return whether this push is reported there."""
        return self._wants(push)

    def report(self, report: PushReport, stored: str, save: Callable[[str], None]) -> None:
        """Send what a push's runs prove, unless it was sent; raises `CIUnavailable` and `CIDenied`."""
        last = msgspec.json.decode(stored, type=_Sent) if stored else _Sent()
        says = _says(report.judged)
        if last.stopped or (last.done and last.says == says):
            return
        if last.says != says:
            last = _Sent(last.number + 1, says, self._clock())
            # Stored first: whatever becomes of this try, other content gets another id.
            save(msgspec.json.encode(last).decode())
        gone = self._send(report, last)
        if gone:
            log.warning("webhook.stopped", report=self.name, error="HTTP 410", **push_fields(report.push))
        save(msgspec.json.encode(msgspec.structs.replace(last, done=True, stopped=gone)).decode())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _send(self, report: PushReport, sent: _Sent) -> bool:
        """Send one POST; return whether the receiver wants no more (410, by Standard Webhooks)."""
        body = _body(report.value, sent.at)
        name = "\0".join((self.name, *report.push, str(sent.number), sent.says))
        message_id = f"msg_{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}"
        now = int(self._clock())
        headers = {"webhook-id": message_id, "webhook-timestamp": str(now)}
        if self._secret is not None:
            headers["webhook-signature"] = sign_standard(message_id, now, body, self._secret)
        match self._http.post(self._path, msgspec.Raw(body), headers):
            case NotSent(why) | Unknown(why):
                raise CIUnavailable(self._without_address(why))
            case Reply() as reply:
                return _gone(reply, self._without_address(f"HTTP {reply.status} {reply.excerpt}".strip()))

    def _without_address(self, text: str) -> str:
        """Remove the URL's path from a text: it may be as good as a password, and many errors repeat it."""
        for part in sorted({self._path, *self._path.split("?", 1)}, key=len, reverse=True):
            text = text.replace(part, "…") if len(part) > 1 else text
        return text


def _gone(reply: Reply, why: str) -> bool:
    match reply.status:
        case status if 200 <= status < 300:
            return False
        case 410:
            return True
        case 429:
            raise CIUnavailable(why, reply.retry_after, healthy=True)
        case status if 300 <= status < 400:
            raise CIDenied(f"HTTP {status}, a redirect, which is not followed: check the url in the config")
        case status if 400 <= status < 500 and status not in (408, 425):
            raise CIDenied(f"{why}: the receiver does not take it: check the url and the secret")
        case _:
            raise CIUnavailable(why, reply.retry_after)


def _says(judged: PushVerdict) -> str:
    """Digest what is worth a report: health, verdicts and what the base says, but not how many retriggers still run."""
    jobs = [(job.job, job.verdict, job.suspected) for job in judged.jobs]
    # Where nothing is known of the base the digest is that of earlier versions, which did not ask.
    known = [(job.job, job.base) for job in judged.jobs if job.base != NOTHING_KNOWN]
    said = (judged.health, judged.final, jobs, *([known] if known else []))
    return hashlib.sha256(repr(said).encode("ascii", "backslashreplace")).hexdigest()


def _body(value: Mapping[str, Any], at: float) -> bytes:
    """Build the body as Standard Webhooks advise: type, timestamp (`at`: seconds since the epoch), data."""
    envelope = {"type": "push.judged", "timestamp": event_json.format_time(at)}
    whole = msgspec.json.encode({**envelope, "data": value})
    return whole if len(whole) <= BODY_MAX else msgspec.json.encode({**envelope, "data": _smaller(value)})


def _smaller(value: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out jobs until it is small enough, those that passed first; `jobs_left_out` counts them."""
    data = {key: _cut(one) for key, one in value.items() if key != "jobs"}
    data["problems"] = [_cut(text) for text in value["problems"][:_PROBLEMS_MAX]]
    for key in ("common_failures", "failures_to_look_at"):
        data[key] = [{"line": _cut(one["line"]), "jobs": one["jobs"][:_COMMON_MAX]} for one in value[key][:_COMMON_MAX]]
    if len(msgspec.json.encode(data)) > BODY_MAX // 2:
        data["common_failures"] = data["failures_to_look_at"] = []
    jobs = value["jobs"]
    room = BODY_MAX - len(msgspec.json.encode(data)) - _ENVELOPE
    shown = set()
    for number in sorted(range(len(jobs)), key=lambda number: _rank(jobs[number]["verdict"])):
        size = len(msgspec.json.encode(jobs[number])) + 1
        if size <= room:
            room -= size
            shown.add(number)
    data["jobs"] = [job for number, job in enumerate(jobs) if number in shown]
    data["jobs_left_out"] = len(jobs) - len(shown)
    return data


def _cut(value: Any) -> Any:
    return value[:_TEXT_MAX] if isinstance(value, str) else value


def _rank(verdict: str | None) -> int:
    return _ORDER.index(verdict) if verdict in _ORDER else len(_ORDER)


def build(settings: WebhookReportSettings, context: ReportContext) -> Iterator[WebhookReporter]:
    """Yield the one of an address; raises `ConfigError` if its secret cannot be read."""
    secret = secrets.content(settings.secret)
    yield WebhookReporter(_name(settings.url), settings.url, secret=secret, wants=settings.covers, clock=context.clock)


def _name(url: str) -> str:
    """Name the place of a webhook, without what its path may have of a secret."""
    return f"webhook:{urlsplit(url).hostname}:{hashlib.sha256(url.encode()).hexdigest()[:8]}"
