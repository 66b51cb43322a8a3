"""`triggerbot stats`: print what was retriggered or would have been, what it cost, and what is open."""

import time

import click

from triggerbot.cli import errors as error_report
from triggerbot.cli.answers import respond, url_option
from triggerbot.cli.options import config_option, json_option, load_config, opened
from triggerbot.config import Config, fields
from triggerbot.reports.answers.stats import answer
from triggerbot.store import Store


def _since(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        return fields.some_time(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@config_option
@url_option
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
def stats(config_path: str | None, url: str | None, seconds: float, errors: bool, verbose: bool, as_json: bool) -> int:
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
    if not errors:
        return respond(
            "stats", answer, {"since": seconds}, config_path=config_path, url=url, now=time.time, as_json=as_json
        )
    if url is not None:
        raise click.UsageError("what went wrong is told where the daemon runs, or on its page: leave --url out")
    config = load_config(config_path)
    with opened(config) as store:
        return _errors(store, config, seconds, as_json=as_json, traces=verbose)


def _errors(store: Store, config: Config, seconds: float, *, as_json: bool, traces: bool) -> int:
    found = error_report.gather(store, config, seconds)
    if as_json:
        error_report.show_json(found)
    else:
        error_report.show(found, seconds, traces=traces)
    return 0
