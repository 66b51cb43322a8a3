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
from triggerbot.core.model import Push
from triggerbot.core.verdict.base import NOTHING_KNOWN
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport, ReportContext
from triggerbot.reports.branches.expectation_text import sentence
from triggerbot.reports.reporters.webhook.address import Address
from triggerbot.reports.reporters.webhook.branch import WebhookBranches
from triggerbot.reports.reporters.webhook.settings import WebhookReportSettings
from triggerbot.store.expectations import BranchChange

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
        self._wants = wants
        self._clock = clock
        self._address = Address(url, secret, clock, transport)

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
        self._address.close()

    def report_expectation(
        self,
        project: str,
        branch: str,
        change: BranchChange,
        stored: str,  # noqa: ARG002 - the change names its message, however often it is sent
        save: Callable[[str], None],  # noqa: ARG002
    ) -> None:
        """Send what has become of a branch; raises `CIUnavailable` and `CIDenied`."""
        kind = "branch.silent" if change.silent else "branch.heard"
        identity = "\0".join((self.name, kind, project, branch, str(change.number)))
        if self._address.send(identity, _expectation_body(kind, project, branch, change)):
            log.warning("webhook.stopped", report=self.name, error="HTTP 410", project=project, branch=branch)

    def _send(self, report: PushReport, sent: _Sent) -> bool:
        """Send one POST; return whether the receiver wants no more (410, by Standard Webhooks)."""
        body = _body(report.value, sent.at)
        return self._address.send("\0".join((self.name, *report.push, str(sent.number), sent.says)), body)


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


def _expectation_body(kind: str, project: str, branch: str, change: BranchChange) -> bytes:
    data = {
        "project": project,
        "branch": branch,
        "since": event_json.format_time(change.since),
        "seconds": round(change.at - change.since),
        "expected_every": round(change.every),
        "known": change.known,
        "text": sentence(project, branch, change),
    }
    return msgspec.json.encode({"type": kind, "timestamp": event_json.format_time(change.at), "data": data})


def _smaller(value: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out lists of failing tests, then jobs until it is small enough, those that passed first.

    `jobs_left_out` counts the jobs; how many tests failed is told all the same.
    """
    data = {key: _cut(one) for key, one in value.items() if key != "jobs"}
    data["problems"] = [_cut(text) for text in value["problems"][:_PROBLEMS_MAX]]
    for key in ("common_failures", "failures_to_look_at"):
        data[key] = [{"line": _cut(one["line"]), "jobs": one["jobs"][:_COMMON_MAX]} for one in value[key][:_COMMON_MAX]]
    if len(msgspec.json.encode(data)) > BODY_MAX // 2:
        data["common_failures"] = data["failures_to_look_at"] = []
    jobs = [_without_failing(job) for job in value["jobs"]]
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


def _without_failing(job: Mapping[str, Any]) -> dict[str, Any]:
    runs = [{**run, "tests": {**run["tests"], "failing": []}} if run["tests"] else run for run in job["runs"]]
    return {**job, "runs": runs}


def _cut(value: Any) -> Any:
    return value[:_TEXT_MAX] if isinstance(value, str) else value


def _rank(verdict: str | None) -> int:
    return _ORDER.index(verdict) if verdict in _ORDER else len(_ORDER)


def build(settings: WebhookReportSettings, context: ReportContext) -> Iterator[WebhookReporter | WebhookBranches]:
    """Yield the ones of an address, for pushes and for branches; raises `ConfigError` if its secret cannot be read."""
    secret = secrets.content(settings.secret)
    name = _name(settings.url)
    yield WebhookReporter(name, settings.url, secret=secret, wants=settings.covers, clock=context.clock)
    if settings.streaks.patterns:
        yield WebhookBranches(name, settings.url, secret=secret, covers=settings.covers_streaks, clock=context.clock)


def _name(url: str) -> str:
    """Name the place of a webhook, without what its path may have of a secret."""
    return f"webhook:{urlsplit(url).hostname}:{hashlib.sha256(url.encode()).hexdigest()[:8]}"
