"""A push as Slack's blocks: one message, and the details for its thread; within Slack's limits; purely.

Whatever comes from a CI stands in code spans with `&`, `<` and `>` escaped, in texts that are marked verbatim: there
Slack makes no links of its own, formats nothing, and an `@here` or `<!channel>` calls nobody (its documentation on
formatting text, 2026).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from triggerbot.core.formatting import plural
from triggerbot.core.model import Run
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.same_failure import Common
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import PushReport, glossary

#: Characters of a section, Slack's limit.
SECTION_MAX = 3000
#: Bytes of text. Slack takes about 12,000 characters in all the blocks of a message together, which its documentation
#: does not say (github.com/slackapi/bolt-js, issue 2509).
_DETAILS_ROOM, _MESSAGE_ROOM = 8000, 3500
#: Entries of each part of the message in the channel: it has to be read at a glance.
_GLANCE = 5
#: Characters of a name, and of a failure line: five times as many with all of them escaped.
_NAME_MAX, _LINE_MAX = 100, 200
#: Names that stand for all the jobs with one failure.
_NAMED_MAX = 3
#: Failures in common that are told by themselves.
_COMMON_MAX = 10
#: Bytes of a job's runs with their links, and of a link's address.
_RUNS_ROOM, _URL_MAX = 700, 400
#: What stays as it is in an address; `|` and `>` would end it.
_URL_SAFE = "/:?#@!$&*+,;=%~-._()"

_HEALTHS = {Health.GOOD: "Good", Health.FAILING: "Failing", Health.PENDING: "Pending"}


@dataclass(frozen=True, slots=True)
class Message:
    """What a message shows, and what a notification says of it."""

    text: str
    blocks: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A title with entries, each about so many jobs; there may be no room for all of them."""

    title: str
    jobs: int
    entries: Iterator[tuple[str, int]]


def message(told: PushReport) -> Message:
    """Tell of a push at a glance: its health and why, what newly fails apart from what failed before."""
    body = _fitted(_glance(told), _MESSAGE_ROOM, _GLANCE, told.link)
    foot = _linked("Everything about this push", told.link)
    return Message(_notice(told), tuple(map(_section, [_head(told), *body, *([foot] if told.link else [])])))


def details(told: PushReport) -> Message:
    """Tell of each failing and each intermittent job: its runs, what they prove, what they say."""
    body = _fitted(_all(told), _DETAILS_ROOM, None, told.link) or ["No job fails."]
    legend = _section(f"Runs, oldest first: {glossary.LEGEND}")
    return Message(f"Details: {_notice(told)}", (*map(_section, body), legend))


def _escape(text: str) -> str:
    """Take every meaning from a text (Slack's documentation: these three characters, and no others)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str, most: int = _NAME_MAX) -> str:
    """Put foreign text in a code span, on one line, cut to so many characters."""
    shown = _plain(text, most).replace("`", "'")
    return f"`{_escape(shown)}`"


def _plain(text: str, most: int) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text[: 4 * most])
    shown = " ".join(shown.split()) or "?"
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _linked(label: str, url: str | None) -> str:
    """Link a text of ours to an address of the web; to any other address nothing is linked."""
    if not url or not url.startswith(("https://", "http://")):
        return label
    address = _escape(quote(url, safe=_URL_SAFE, errors="replace"))
    return f"<{address}|{label}>" if len(address) <= _URL_MAX else label


def _section(text: str) -> Mapping[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _notice(told: PushReport) -> str:
    """Say it for a notification, which shows no formatting."""
    place = f"{_plain(told.push.project, _NAME_MAX)} {_plain(told.push.revision[:12], 12)}"
    # An invisible character after it keeps an @ from calling anybody.
    return _escape(f"{place}: {_HEALTHS[told.judged.health].lower()}: {told.judged.sentence}".replace("@", "@\u2060"))


def _head(told: PushReport) -> str:
    push, facts = told.push, told.record.facts
    title = (facts.message or "").strip().partition("\n")[0]
    where = (
        f"{_linked(_escape(_plain(push.revision[:12], 12)), told.link)} of {_code(push.project)}, {_code(push.branch)}"
    )
    author = f" by {_code(facts.author)}" if facts.author else ""
    said = f": {_code(title, _LINE_MAX)}" if title else ""
    return f"*{_HEALTHS[told.judged.health]}*: {told.judged.sentence}\n{where}{author}{said}"


def _glance(told: PushReport) -> list[_Part]:
    """Part what is told in the channel."""
    failed = _of(told.judged.jobs, Verdict.FAILED)
    parts = [
        _Part(title, len(jobs), map(_together, _by_cause(told, jobs))) for title, jobs in _by_novelty(told, failed)
    ]
    for title, verdict in _OTHERS:
        jobs = _of(told.judged.jobs, verdict)
        parts.append(_Part(title, len(jobs), ((_brief(job), 1) for job in jobs)))
    return [part for part in parts if part.jobs]


def _all(told: PushReport) -> list[_Part]:
    """Part what is told in the thread: each failure in common is told once, with its jobs."""
    fresh = told.fresh or frozenset()
    shared = sorted(told.judged.common, key=lambda one: fresh.isdisjoint(one.jobs))[:_COMMON_MAX]
    grouped = {job for one in shared for job in one.jobs}
    by_name = {job.job: job for job in told.judged.jobs if job.job in grouped}
    parts = [_common(one, [by_name[job] for job in one.jobs], fresh) for one in shared]
    alone = [job for job in told.judged.jobs if job.job not in grouped]
    parts += [_entries(title, jobs) for title, jobs in _by_novelty(told, _of(alone, Verdict.FAILED))]
    parts += [_entries(title, _of(alone, verdict)) for title, verdict in _OTHERS]
    return [part for part in parts if part.jobs]


_OTHERS = (("*Intermittent*", Verdict.INTERMITTENT), ("*Met only errors of the CI itself*", Verdict.INFRA))


def _of(jobs: Iterable[JobVerdict], verdict: Verdict) -> list[JobVerdict]:
    """Choose the jobs of a verdict, those that the push is suspected of first."""
    return sorted((job for job in jobs if job.verdict is verdict and not job.hidden), key=lambda job: not job.suspected)


def _by_novelty(told: PushReport, failed: Sequence[JobVerdict]) -> list[tuple[str, Sequence[JobVerdict]]]:
    """Set new failures apart from known ones, where the previous push of the branch is known."""
    if told.fresh is None:
        return [("*Failed*", failed)]
    return [
        (
            "*New failures*, not seen at the previous push of the branch",
            [job for job in failed if job.job in told.fresh],
        ),
        ("*Known failures*, seen at the previous push, too", [job for job in failed if job.job not in told.fresh]),
    ]


def _by_cause(told: PushReport, jobs: Iterable[JobVerdict]) -> list[list[JobVerdict]]:
    """Put together the jobs that show the same failure, the most frequent first."""
    causes = {job: number for number, one in enumerate(told.judged.common) for job in one.jobs}
    groups: dict[int | str, list[JobVerdict]] = defaultdict(list)
    for job in jobs:
        groups[causes.get(job.job, job.job)].append(job)
    return sorted(groups.values(), key=len, reverse=True)


def _together(jobs: Sequence[JobVerdict]) -> tuple[str, int]:
    """Tell in one line of jobs with one failure."""
    if len(jobs) == 1:
        return _brief(jobs[0]), 1
    names = ", ".join(_code(job.job) for job in jobs[:_NAMED_MAX])
    more = f" and {plural(len(jobs) - _NAMED_MAX, 'other')}" if len(jobs) > _NAMED_MAX else ""
    return f"• {names}{more} fail alike{_line(jobs[0])}", len(jobs)


def _brief(job: JobVerdict) -> str:
    mark = " (suspected new)" if job.suspected else ""
    return f"• {_code(job.job)}{mark}{_line(job)}"


def _line(job: JobVerdict) -> str:
    return "" if job.failing is None or not job.failing.line else f": {_code(job.failing.line, _LINE_MAX)}"


def _common(one: Common, jobs: Sequence[JobVerdict], fresh: Collection[str]) -> _Part:
    number = sum(job in fresh for job in one.jobs)
    new = ", newly" if number == len(jobs) else f", {number} of them newly" if number else ""
    line = f": {_code(one.line, _LINE_MAX)}" if one.line else ""
    ordered = sorted(jobs, key=lambda job: job.job not in fresh)
    entries = ((_entry(job, new=job.job in fresh, line=False), 1) for job in ordered)
    return _Part(f"*{plural(len(jobs), 'job')} fail alike{new}*{line}", len(jobs), entries)


def _entries(title: str, jobs: Sequence[JobVerdict]) -> _Part:
    return _Part(title, len(jobs), ((_entry(job), 1) for job in jobs))


def _entry(job: JobVerdict, *, new: bool = False, line: bool = True) -> str:
    """Tell one job: its runs, what they prove, what they say."""
    mark = "*suspected new* " if job.suspected else "*new* " if new else ""
    text = f"• {mark}{_code(job.job)} {_letters(job.runs)}" + (f" {job.why}" if job.why else "")
    return text + (_line(job) if line else "")


def _letters(runs: Sequence[Run]) -> str:
    """Show runs as letters in order, linked; of very many the newest."""
    shown: list[str] = []
    room = _RUNS_ROOM
    for run in reversed(runs):
        letter = _linked(glossary.letter(run), run.url)
        room -= len(letter) + 1
        if room < 0:
            shown.append("…")
            break
        shown.append(letter)
    return " ".join(reversed(shown))


def _fitted(parts: Sequence[_Part], room: int, entries: int | None, address: str) -> list[str]:
    """Make the texts of sections, none beyond Slack's limit, all of them together within so many bytes."""
    texts = []
    for number, part in enumerate(parts):
        # What one part leaves, the others may use.
        lines = _fit(part, room // (len(parts) - number), entries, address)
        room -= sum(map(_size, lines))
        texts += _packed(lines)
    return texts


def _fit(part: _Part, room: int, entries: int | None, address: str) -> list[str]:
    lines = [part.title]
    left = part.jobs
    room -= _size(part.title) + _size(_more(left, address))
    for number, (entry, jobs) in enumerate(part.entries):
        room -= _size(entry)
        if room < 0 or number == entries:
            return [*lines, _more(left, address)]
        left -= jobs
        lines.append(entry)
    return lines


def _more(number: int, address: str) -> str:
    return f"• {_linked(f'and {number} more', address)}"


def _packed(lines: Iterable[str]) -> list[str]:
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < SECTION_MAX:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def _size(text: str) -> int:
    return len(text.encode()) + 1
