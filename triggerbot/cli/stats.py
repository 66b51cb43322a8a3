"""`triggerbot stats`: print what was retriggered or would have been, what it cost, and what is open."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.table import Table

from triggerbot.cli import breakers
from triggerbot.cli import errors as error_report
from triggerbot.cli.lookup import describe
from triggerbot.cli.options import config_option, json_option, load_config, opened
from triggerbot.cli.output import duration, moment, plural, say_json
from triggerbot.cli.tables import console, text
from triggerbot.config import Config, fields
from triggerbot.core.claim import ClaimState
from triggerbot.core.formatting import capital
from triggerbot.reports import calibration, savings, statistics
from triggerbot.reports.costs import Costs, Day
from triggerbot.reports.flakiness import Rate
from triggerbot.reports.glossary import CLAIMS
from triggerbot.reports.statistics import Statistics
from triggerbot.store import Store

_NUMBER_COLUMNS = (
    "jobs", "retriggers", "sent", "would have sent", "refused", "an hour", "rate", "at least", "at most", "of pushes",
)  # fmt: skip


def _since(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        return fields.some_time(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@config_option
@click.option(
    "--since",
    "seconds",
    default="7d",
    show_default=True,
    callback=_since,
    metavar="TIME",
    help="So far back, by whole hours: 12h, 7d.",
)
@click.option("--errors", is_flag=True, help="Tell what went wrong instead, and why.")
@click.option("-v", "--verbose", is_flag=True, help="With --errors: show the whole tracebacks.")
@json_option
def stats(config_path: str | None, seconds: float, errors: bool, verbose: bool, as_json: bool) -> int:
    """Count what was decided, sent and refused, and what is open.

    Jobs are different jobs of different pushes. Refused counts each of them once for each reason, and none that was
    retriggered or only failed again after it was dealt with.

    With --json: since, until, dry_run, paused (at, by, note, or null), per_hour (mean and busiest hour, of what was
    sent and of what dry run would have sent), decisions, hours, rules, projects, branches, claims, pushes, runs,
    dead_letters, ended (retriggers: passed, failed, other, unfinished, seconds and timed: of those whose length is
    known; proved: jobs that they alone proved intermittent), machine (seconds of runs whose length is known), spared
    (jobs that a rule or the budget kept from a retrigger, and over_budget of them), saved (evidence: jobs whose
    retriggers went by what runs prove, how many were asked for, and the most that might have been; same_cause: jobs
    left alone since another one failed alike, and the retriggers that those got), breakers (those that are open),
    last_hour (what counts against caps), costs (days, retriggers, runs, share, ended, machine, spared, people: what is
    estimated says so; and text, the same in words), accuracy (of `calibration`: regressions_let_through, and right by
    what was said: each number of n, share, low and high: with 95 %; open: samples without an answer; and text),
    intermittent (jobs, the worst first: job, project, intermittent of ran pushes, rate, low and high: with 95 %,
    last_seen).

    With --errors: what could not be triggered and why (what only waits is no error, and all that an outage does is one
    row), dead letters, open breakers, how CIs answer when they are asked
    for news, and what workers died of. With --json: not_triggered (at, system, project, branch, revision, job, why: of
    the one that met it last; first: when it began; the number of jobs and of pushes),
    dead_letters (count, and the newest: id, at, system, intake, reason), breakers, polls (system, every, answered,
    supported, late), root_cause (of the latest crashes, in words, or null), crashes (newest first: at, worker, order
    (1: the first of those that died together), pid, lived (seconds), ended (an exit code, a signal, or what is known),
    class (configuration, bug, killed, away: the store or a CI, unknown), error, where, trace).
    """
    config = load_config(config_path)
    now = time.time()
    with opened(config) as store:
        if errors:
            return _errors(store, config, seconds, as_json=as_json, traces=verbose)
        found = statistics.gather(store, config.rules, now - seconds, now, dry=config.dry_run)
    if as_json:
        say_json(found.as_json())
    else:
        _show(found, seconds)
        for sentence in savings.sentences(found.found["saved"]):
            console().print(sentence)
        _show_costs(found.cost, found.worst)
        for sentence in calibration.accuracy(found.found["accuracy"]).sentences():
            console().print(sentence)
        _show_open(found.found)
    return 0


def _errors(store: Store, config: Config, seconds: float, *, as_json: bool, traces: bool) -> int:
    found = error_report.gather(store, config, seconds)
    if as_json:
        error_report.show_json(found)
    else:
        error_report.show(found, seconds, traces=traces)
    return 0


def _show(gathered: Statistics, seconds: float) -> None:
    found, paused, rates = gathered.found, gathered.paused, gathered.rates
    out = console()
    out.print(
        f"The last {duration(seconds)}: {plural(found['pushes'], 'push', 'pushes')}, {plural(found['runs'], 'run')}.",
        style="bold",
    )
    if paused is not None:
        out.print(f"{capital(describe(paused))}; `triggerbot resume` goes on.", style="bold red")
    breakers.show(found["breakers"])
    for cap in found["last_hour"]:
        if cap["held"]:
            waiting = plural(cap["held"], "claim")
            line = f"{waiting} held by the cap for {cap['cap']}: {cap['sent']} sent in the last hour."
            out.print(text(line), style="bold red")
    if gathered.dry:
        out.print("The config says dry_run: nothing is sent.", style="bold yellow")
    if found["decisions"]:
        out.print(_decisions(found["decisions"]))
    out.print(_per_hour("sent", rates["sent"]))
    out.print(_per_hour("would have been sent (dry run)", rates["would_have_sent"]))
    if found["projects"]:
        out.print(_rules(found["rules"]))
        out.print(_projects(found["projects"]))


def _per_hour(what: str, rate: Mapping[str, Any]) -> str:
    if not rate["total"]:
        return f"retriggers that {'were sent' if what == 'sent' else what}: none"
    return (
        f"retriggers that {'were sent' if what == 'sent' else what}: {rate['total']}; per hour: {rate['mean']:g} on "
        f"average since the first, {rate['busiest']} in the busiest (from {moment(rate['busiest_hour'])})"
    )


def _decisions(rows: list[dict[str, Any]]) -> Table:
    table = _table("decision", "reason", "jobs", "retriggers", "")
    for row in rows:
        style = "green" if row["action"] == "trigger" else "yellow"
        dry = "dry run" if row["dry_run"] else ""
        table.add_row(row["action"], row["reason"], str(row["jobs"]), str(row["retriggers"] or ""), dry, style=style)
    return table


def _rules(rows: list[dict[str, Any]]) -> Table:
    table = _table("rule", "sent", "would have sent", "refused", "an hour")
    for row in rows:
        name = text(f"{row['rule']} ({', '.join(row['projects'])})")
        table.add_row(name, str(row["sent"]), str(row["would_have_sent"]), str(row["refused"]), f"{row['per_hour']:g}")
    return table


def _projects(rows: list[dict[str, Any]]) -> Table:
    table = _table("project", "sent", "would have sent", "refused")
    for row in rows:
        table.add_row(text(row["project"]), str(row["sent"]), str(row["would_have_sent"]), str(row["refused"]))
    return table


def _show_costs(costs: Costs, worst: Sequence[Rate]) -> None:
    out = console()
    for sentence in costs.sentences():
        out.print(sentence)
    if len(costs.days) > 1:
        out.print(_days(costs.days))
    if worst:
        out.print(_worst(worst))


def _days(days: Sequence[Day]) -> Table:
    table = _table("day", "sent", "would have sent", "refused")
    for day in days:
        table.add_row(moment(day.at)[:10], str(day.sent), str(day.would_have_sent), str(day.refused))
    return table


def _worst(rates: Sequence[Rate]) -> Table:
    table = _table("intermittent job", "project", "rate", "at least", "at most", "of pushes", "last seen")
    for one in rates:
        shares = (f"{100 * share:.1f} %" for share in (one.rate, one.low, one.high))
        table.add_row(text(one.job), text(one.project), *shares, str(one.ran), moment(one.last_seen))
    return table


def _show_open(found: Mapping[str, Any]) -> None:
    out = console()
    claims = {state: found["claims"].get(str(state), 0) for state in ClaimState if not state.final}
    total = sum(claims.values())
    out.print(f"{plural(total, 'claim')} open" + (":" if total else "."))
    for state, number in claims.items():
        if number:
            out.print(f"  {number} {CLAIMS[state]}")
    letters = found["dead_letters"]
    hint = ": see `triggerbot dead-letters list`" if letters else ""
    out.print(f"{plural(letters, 'dead letter')}{hint}.", style="yellow" if letters else "")


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBER_COLUMNS else "left", overflow="fold")
    return table
