"""The jobs of a push that need no look: all of them, with all their runs, folded.

There may be thousands, so these lines are put together here: the templates would take several times as long. Whatever
is foreign goes through `escape`, and addresses through `rows.safe` besides.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from triggerbot.core.model import Push
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.web.push_view import Chip, chips, heading


class Folded(NamedTuple):
    """Jobs of one verdict that need no look."""

    verdict: str
    heading: str
    lines: Markup


def folded(judged: PushVerdict, push: Push) -> list[Folded]:
    """List them: what passed, and what proves nothing."""
    # The same revision may be that of several pushes.
    page = escape(f"?{urlencode({'system': push.system, 'branch': push.branch})}&job=")
    found = []
    for verdict in (Verdict.PASSED, None):
        jobs = [job for job in judged.jobs if job.verdict is verdict]
        if jobs:
            found.append(Folded(str(verdict or "none"), heading(verdict, len(jobs)), lines(jobs, page)))
    return found


def lines(jobs: Sequence[JobVerdict], page: Markup) -> Markup:
    """Write a line for each job; `page` is the address of a job's page but for its name."""
    return Markup("\n".join([_line(job, page) for job in jobs]))  # noqa: S704 - what goes in is escaped


def _line(job: JobVerdict, page: Markup) -> str:
    runs = "".join([_chip(chip) for chip in chips(job, ())])
    return f'<li>{runs}<a href="{page}{quote(job.job)}">{escape(job.job)}</a></li>'


def _chip(chip: Chip) -> str:
    # The words are ours.
    told = f'class="run {chip.kind}" title="{chip.words}" aria-label="{chip.letter}: {chip.words}"'
    if chip.url is None:
        return f'<span {told} role="img">{chip.letter}</span> '
    return f'<a {told} href="{escape(chip.url)}" target="_blank" rel="noopener noreferrer">{chip.letter}</a> '
