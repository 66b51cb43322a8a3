"""What was retriggered or would have been, what it cost, and what is open."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from triggerbot.core.claim import ClaimState
from triggerbot.core.formatting import capital, duration, moment, plural
from triggerbot.reports import calibration, savings, statistics
from triggerbot.reports.answers import Answer, Asked, Block, Line, Question, Table, line
from triggerbot.reports.costs import Costs, Day
from triggerbot.reports.flakiness import Rate
from triggerbot.reports.glossary import CLAIMS
from triggerbot.reports.lookup import describe
from triggerbot.reports.statistics import Statistics


def answer(asked: Asked, question: Question) -> Answer:
    """Sum up the last `since` seconds."""
    since = question["since"]
    found = statistics.gather(asked.store, asked.config.rules, asked.now - since, asked.now, dry=asked.dry)
    said = [
        *_show(found, since),
        *map(line, savings.sentences(found.found["saved"])),
        *_show_costs(found.cost, found.worst),
        *map(line, calibration.accuracy(found.found["accuracy"]).sentences()),
        *_show_open(found.found),
    ]
    return Answer(0, found.as_json(), said)


def breaker_lines(found: Sequence[Mapping[str, Any]], *, evidence: bool = False) -> Iterator[Line]:
    """Describe open breakers, as `push_json.breakers` returns them."""
    for one in found:
        yield line(f"The breaker {one['breaker']} is open since {one['since']}: {one['why']}.", "bold red")
        canary = one["canary"]
        state = f"canary under way: {canary['project']} {canary['revision'][:12]} {canary['job']}" if canary else (
            f"next canary from {one['next_canary']}"
        )  # fmt: skip
        yield line(f"  {plural(one['held'], 'claim')} held; {state}; {one['canaries_in_vain']} in vain so far.")
        for failure in one["evidence"] if evidence else ():
            push = f"{failure['project']} {failure['revision'][:12]}"
            yield line(f"  {failure['at']}  {push} {failure['job']}: {failure['why']}")


def _show(gathered: Statistics, seconds: float) -> Iterator[Block]:
    found, paused, rates = gathered.found, gathered.paused, gathered.rates
    yield line(
        f"The last {duration(seconds)}: {plural(found['pushes'], 'push', 'pushes')}, {plural(found['runs'], 'run')}.",
        "bold",
    )
    if paused is not None:
        yield line(f"{capital(describe(paused))}; `triggerbot resume` goes on.", "bold red")
    yield from breaker_lines(found["breakers"])
    for cap in found["last_hour"]:
        if cap["held"]:
            waiting = plural(cap["held"], "claim")
            held = f"{waiting} held by the cap for {cap['cap']}: {cap['sent']} sent in the last hour."
            yield line(held, "bold red")
    if gathered.dry:
        yield line("The config says dry_run: nothing is sent.", "bold yellow")
    if found["decisions"]:
        yield _decisions(found["decisions"])
    yield line(_per_hour("sent", rates["sent"]))
    yield line(_per_hour("would have been sent (dry run)", rates["would_have_sent"]))
    if found["projects"]:
        yield _rules(found["rules"])
        yield _projects(found["projects"])


def _per_hour(what: str, rate: Mapping[str, Any]) -> str:
    if not rate["total"]:
        return f"retriggers that {'were sent' if what == 'sent' else what}: none"
    return (
        f"retriggers that {'were sent' if what == 'sent' else what}: {rate['total']}; per hour: {rate['mean']:g} on "
        f"average since the first, {rate['busiest']} in the busiest (from {moment(rate['busiest_hour'])})"
    )


def _decisions(found: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for row in found:
        style = "green" if row["action"] == "trigger" else "yellow"
        dry = "dry run" if row["dry_run"] else ""
        cells = (row["action"], row["reason"], str(row["jobs"]), str(row["retriggers"] or ""), dry)
        rows.append((cells, style))
    return Table(("decision", "reason", "jobs", "retriggers", ""), rows)


def _rules(found: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (
            (f"{row['rule']} ({', '.join(row['projects'])})", *_sums(row), f"{row['per_hour']:g}"),
            "",
        )
        for row in found
    ]
    return Table(("rule", "sent", "would have sent", "refused", "an hour"), rows)


def _projects(found: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        ("project", "sent", "would have sent", "refused"), [((row["project"], *_sums(row)), "") for row in found]
    )


def _sums(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row["sent"]), str(row["would_have_sent"]), str(row["refused"])


def _show_costs(costs: Costs, worst: Sequence[Rate]) -> Iterator[Block]:
    for sentence in costs.sentences():
        yield line(sentence)
    if len(costs.days) > 1:
        yield _days(costs.days)
    if worst:
        yield _worst(worst)


def _days(days: Sequence[Day]) -> Table:
    rows = [((moment(day.at)[:10], str(day.sent), str(day.would_have_sent), str(day.refused)), "") for day in days]
    return Table(("day", "sent", "would have sent", "refused"), rows)


def _worst(rates: Sequence[Rate]) -> Table:
    rows = []
    for one in rates:
        shares = (f"{100 * share:.1f} %" for share in (one.rate, one.low, one.high))
        rows.append(((one.job, one.project, *shares, str(one.ran), moment(one.last_seen)), ""))
    return Table(("intermittent job", "project", "rate", "at least", "at most", "of pushes", "last seen"), rows)


def _show_open(found: Mapping[str, Any]) -> Iterator[Block]:
    claims = {state: found["claims"].get(str(state), 0) for state in ClaimState if not state.final}
    total = sum(claims.values())
    yield line(f"{plural(total, 'claim')} open" + (":" if total else "."))
    for state, number in claims.items():
        if number:
            yield line(f"  {number} {CLAIMS[state]}")
    letters = found["dead_letters"]
    hint = ": see `triggerbot dead-letters list`" if letters else ""
    yield line(f"{plural(letters, 'dead letter')}{hint}.", "yellow" if letters else "")
