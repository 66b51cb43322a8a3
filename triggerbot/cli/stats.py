"""`triggerbot stats`: how much was retriggered, how much would have been, and what is open."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.table import Table

from triggerbot import canonical, intermittency, report
from triggerbot.cli import breakers, costs
from triggerbot.cli import errors as wrong
from triggerbot.cli.opening import config_option, json_option, load_config, opened
from triggerbot.cli.pause import describe
from triggerbot.cli.printing import console, duration, moment, plural, say_json, text
from triggerbot.config import Config, fields
from triggerbot.costs import of as costs_of
from triggerbot.model import ClaimState, Push
from triggerbot.policy import Rule, rule_for
from triggerbot.sentences import CLAIMS
from triggerbot.store import Pause, Store

_HOUR = 3600.0


def _since(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        return fields.some_time(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@config_option
@click.option(
    "--since", "seconds", default="7d", show_default=True, callback=_since, metavar="TIME", help="So far back: 12h, 7d."
)
@click.option("--errors", is_flag=True, help="Tell what went wrong instead, and why.")
@click.option("-v", "--verbose", is_flag=True, help="With --errors: show the whole tracebacks.")
@json_option
def stats(config_path: str | None, seconds: float, errors: bool, verbose: bool, as_json: bool) -> int:
    """Count what was decided, sent and refused, and what is open.

    With --json: since, until, dry_run, paused (at, by, note, or null), per_hour (mean and busiest hour, of what was
    sent and of what dry run would have sent), decisions, hours, rules, projects, branches, claims, pushes, runs,
    dead_letters, ended (retriggers: passed, failed, other, unfinished, seconds and timed: of those whose length is
    known), machine (seconds of runs whose length is known), breakers (those that are open), last_hour (what counts
    against caps), costs (days, retriggers, runs, share, ended, machine, spared, people: what is estimated says so; and
    text, the same in words), intermittent (jobs, the worst first: job, project, intermittent of ran pushes, rate,
    low and high: with 95 %, last_seen).

    With --errors: what could not be triggered and why, dead letters, open breakers, how CIs answer when they are asked
    for news, and what workers died of. With --json: not_triggered (at, system, project, branch, revision, job, why),
    dead_letters (count, and the newest: id, at, system, intake, reason), breakers, polls (system, every, answered,
    late), crashes (newest first: at, worker, order (1: the first of those that died together), ended (an exit code or a
    signal), error, where, trace).
    """
    config = load_config(config_path)
    now = time.time()
    with opened(config) as store:
        if errors:
            return _errors(store, config, seconds, as_json=as_json, traces=verbose)
        found = store.statistics(now - seconds)
        worst, proved = intermittency.everywhere(store, costs.WORST_MAX, now - seconds)
        paused, held = store.paused(), store.held()
        found["breakers"] = report.breakers(store.breakers(), held)
        found["last_hour"] = report.caps(store.sent(now), held)
    cost = costs_of(found, proved)
    found = {**found, "rules": _by_rule(found, config.rules, now), "projects": _by_project(found["branches"])}
    rates = {key: _rate(found["hours"], key, now) for key in ("sent", "would_have_sent")}
    if as_json:
        found |= {"costs": cost.as_json(), "intermittent": [one.as_json() for one in worst]}
        say_json(_as_json(found, paused, rates, since=now - seconds, until=now, dry=config.dry_run))
    else:
        _show(found, paused, rates, seconds=seconds, dry=config.dry_run)
        costs.show(cost, worst)
        _show_open(found)
    return 0


def _errors(store: Store, config: Config, seconds: float, *, as_json: bool, traces: bool) -> int:
    found = wrong.gather(store, config, seconds)
    if as_json:
        wrong.say(found)
    else:
        wrong.show(found, seconds, traces=traces)
    return 0


_NUMBERS = ("sent", "would_have_sent", "refused")


def _by_project(branches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sum up the branches of each project."""
    summed: dict[str, dict[str, Any]] = {}
    for row in branches:
        total = summed.setdefault(row["project"], {"project": row["project"], **dict.fromkeys(_NUMBERS, 0)})
        for key in _NUMBERS:
            total[key] += row[key]
    return list(summed.values())


def _by_rule(found: Mapping[str, Any], rules: Sequence[Rule], now: float) -> list[dict[str, Any]]:
    """Tell what each rule of the config costs, as the rules are now: each branch counts for the first that matches.

    `per_hour`: retriggers, sent or in dry run, on average since the first of them all.
    """
    summed: list[dict[str, Any]] = [
        {"rule": f"rules[{number}]", "projects": list(rule.projects.patterns), **dict.fromkeys(_NUMBERS, 0)}
        for number, rule in enumerate(rules)
    ]
    for row in found["branches"]:
        rule = rule_for(rules, Push("", row["project"], row["branch"], ""))
        if rule is not None:
            total = summed[next(number for number, one in enumerate(rules) if one is rule)]
            for key in _NUMBERS:
                total[key] += row[key]
    hours = max(1.0, (now - min((hour["hour"] for hour in found["hours"]), default=now)) / _HOUR)
    for total in summed:
        total["per_hour"] = round((total["sent"] + total["would_have_sent"]) / hours, 2)
    return summed


def _rate(hours: list[dict[str, Any]], key: str, now: float) -> dict[str, Any]:
    """Work out retriggers per hour since the first: the mean, and the busiest hour."""
    some = [hour for hour in hours if hour[key]]
    if not some:
        return {"total": 0, "mean": 0.0, "busiest": 0, "busiest_hour": None}
    total = sum(hour[key] for hour in some)
    busiest = max(some, key=lambda hour: hour[key])
    mean = total / max(1.0, (now - some[0]["hour"]) / _HOUR)
    return {"total": total, "mean": round(mean, 2), "busiest": busiest[key], "busiest_hour": busiest["hour"]}


def _as_json(
    found: Mapping[str, Any], paused: Pause | None, rates: Mapping[str, Any], *, since: float, until: float, dry: bool
) -> dict[str, Any]:
    told = None if paused is None else {"at": canonical.format_time(paused.at), "by": paused.by, "note": paused.note}
    return {
        "since": canonical.format_time(since),
        "until": canonical.format_time(until),
        "dry_run": dry,
        "paused": told,
        "per_hour": {
            key: {**rate, "busiest_hour": canonical.format_time(rate["busiest_hour"])} for key, rate in rates.items()
        },
        **found,
        "hours": [{**hour, "hour": canonical.format_time(hour["hour"])} for hour in found["hours"]],
    }


def _show(
    found: Mapping[str, Any], paused: Pause | None, rates: Mapping[str, Mapping[str, Any]], *, seconds: float, dry: bool
) -> None:
    out = console()
    out.print(
        f"The last {duration(seconds)}: {plural(found['pushes'], 'push', 'pushes')}, {plural(found['runs'], 'run')}.",
        style="bold",
    )
    if paused is not None:
        out.print(f"{describe(paused).capitalize()}; `triggerbot resume` goes on.", style="bold red")
    breakers.show(found["breakers"])
    for cap in found["last_hour"]:
        if cap["held"]:
            waiting = plural(cap["held"], "claim")
            what = f"{waiting} held by the cap for {cap['cap']}: {cap['sent']} sent in the last hour."
            out.print(text(what), style="bold red")
    if dry:
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
        table.add_row(name, *(str(row[key]) for key in _NUMBERS), f"{row['per_hour']:g}")
    return table


def _projects(rows: list[dict[str, Any]]) -> Table:
    table = _table("project", "sent", "would have sent", "refused")
    for row in rows:
        table.add_row(text(row["project"]), str(row["sent"]), str(row["would_have_sent"]), str(row["refused"]))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        number = column in ("jobs", "retriggers", "sent", "would have sent", "refused", "an hour")
        table.add_column(column, justify="right" if number else "left", overflow="fold")
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
