"""`triggerbot retrigger`: request further runs of a job by hand."""

import shlex
import time
import uuid

import click

from triggerbot.cli import person
from triggerbot.cli.options import branch_option, config_option, json_option, load_config, opened, system_option
from triggerbot.cli.output import plain, plural, say_json
from triggerbot.config import Config
from triggerbot.core.claim import Claim
from triggerbot.core.errors import CIError, UsageError
from triggerbot.core.model import Push, PushFacts
from triggerbot.core.policy import rules
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.reports import superseded
from triggerbot.reports.lookup import (
    NothingKnown,
    daemon_answers,
    describe,
    find_pushes,
    is_watched,
    near,
    no_system_message,
    not_watched_message,
    short,
    unknown_message,
)
from triggerbot.store import Store
from triggerbot.store.actions import Act, Action, Via
from triggerbot.systems import LookBack
from triggerbot.systems.registry import build

_NEXT = {
    None: "The daemon (`triggerbot run`) takes it up within a second, if it is running.",
    True: "The daemon takes it up within a second.",
    False: "No daemon answers where the config says that it listens: it is sent once `triggerbot run` is started.",
}


@click.command()
@config_option
@click.argument("project")
@click.argument("revision")
@click.argument("job")
@click.option(
    "-n",
    "count",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Further runs; requested.max of the rule caps each ask by itself, not their sum.",
)
@branch_option
@system_option
@json_option
def retrigger(
    config_path: str | None,
    project: str,
    revision: str,
    job: str,
    count: int,
    branch: str | None,
    system: str | None,
    as_json: bool,
) -> int:
    """Ask for N further runs of a job, whatever the automatic retriggers did about it.

    It is recorded in the store; the daemon sends it. A job or push that is not known yet is looked for in the CI,
    for which the whole revision is needed, and --branch.

    With --json: claim (its number), system, project, branch, revision, job, count, dry_run, paused, and a warning if
    the push is superseded.
    """
    config = load_config(config_path)
    if not is_watched(config, project):
        raise UsageError(not_watched_message(config, project))
    with opened(config) as store:
        claim = _request(store, config, _find_push(store, config, project, revision, branch, system), job, count)
        paused, record = store.limits.paused(), store.pushes.record(claim.push)
    warning = "" if record is None else superseded.warning(record)
    if as_json:
        state = {"dry_run": claim.dry, "paused": paused is not None, "warning": warning or None}
        say_json({"claim": claim.id, **claim.push._asdict(), "job": job, "count": count, **state})
        return 0
    click.echo(plain(f"Recorded: {plural(count, 'further run')} of {job} at {short(claim.push)}."))
    if warning:
        click.echo(plain(f"Note that {warning}."))
    if claim.dry:
        click.echo("The config says dry_run: it will only be recorded what would be sent; nothing is sent.")
    elif paused is not None:
        click.echo(f"But everything is {describe(paused)}: it is sent after `triggerbot resume`.")
    else:
        click.echo(_NEXT[daemon_answers(config)])
    click.echo(plain(f"To watch it: triggerbot explain {shlex.join((project, claim.push.revision, job))}"))
    return 0


def _find_push(
    store: Store, config: Config, project: str, revision: str, branch: str | None, system: str | None
) -> Push:
    """Return the one push that is meant, known or not. Raises `UsageError` if it is ambiguous or underspecified."""
    found = find_pushes(store, project, revision, branch=branch, system=system)
    if len(found) == 1:
        return found[0]
    if found:
        listed = "".join(f"\n  --branch {push.branch} --system {push.system}" for push in found)
        raise UsageError(f"{short(found[0])} was pushed more than once; say which is meant:{listed}")
    name = system or (next(iter(config.systems)) if len(config.systems) == 1 else None)
    if name is not None and name not in config.systems:
        raise UsageError(no_system_message(config, name))
    missing = [option for option, value in (("--branch", branch), ("--system", name)) if value is None]
    if name is None or branch is None:
        remedy = f"To look for it in the CI, add {' and '.join(missing)} and give the whole revision."
        raise NothingKnown(
            f"{unknown_message(store, config, project, revision, branch=branch, system=system)}\n{remedy}"
        )
    return Push(name, project, branch, revision.lower())


def _request(store: Store, config: Config, push: Push, job: str, count: int) -> Claim:
    """Record a request, after looking up an unknown job in the CI. Raises `UsageError` if the request is invalid."""
    rule = rules.rule_for(config.rules, push)
    if rule is None:
        raise UsageError(f"no rule of {config.source} watches the branch {push.branch!r} of {push.project}")
    if count > rule.requested_max:
        most = f"at most {rule.requested_max} further runs may be asked for at a time (requested.max of its rule)"
        raise UsageError(f"{most}, not {count}")
    origin, now = f"manual-{uuid.uuid4().hex}", time.time()

    def ask() -> Claim | None:
        name = _named(store, push, job)
        action = Action(origin, now, Act.RETRIGGER, person.who(), Via.COMMAND, push, what=name, jobs=1, count=count)
        return store.claims.ask(push, name, count, origin, dry=config.dry_run, now=now, action=action)

    claim = ask()
    if claim is None:
        _find_job_in_ci(store, config, push, job)
        claim = ask()
    if claim is None:
        raise UsageError(_no_job(store, push, job))
    return claim


def _named(store: Store, push: Push, job: str) -> str:
    """Return the job that is meant, by its whole name. Raises `UsageError` if that may be several."""
    record = store.pushes.record(push)
    found = () if record is None else record.named(job)
    if len(found) > 1:
        listed = "".join(f"\n  {plain(one.job)}" for one in found)
        raise UsageError(f"{job!r} may be one of these jobs; say which is meant:{listed}")
    return found[0].job if found else job


def _find_job_in_ci(store: Store, config: Config, push: Push, job: str) -> None:
    """Look back at the CI for an unknown job. Raises `CIError` if that fails and the push is not known either."""
    try:
        _look_back(store, config, push)
    except CIError as error:
        if store.pushes.record(push) is None:
            raise
        raise UsageError(f"{_no_job(store, push, job)}\nThe CI cannot be asked now: {error}") from None


def _look_back(store: Store, config: Config, push: Push) -> None:
    """Read the push's jobs from the CI, and observe them. Raises `CIError`."""
    if push.system not in config.systems:
        raise UsageError(f"the push is of the system {push.system!r}, which the config does not name any more")
    systems = build(config)
    try:
        view: LookBack = systems[push.system].look_back(push)
    finally:
        for system in systems.values():
            system.close()
    observer = Observer(store, config.rules, dry=config.dry_run, clock=time.time, metrics=Metrics())
    observer.observe([view.facts or PushFacts(push), *view.heads, *view.events])


def _no_job(store: Store, push: Push, job: str) -> str:
    record = store.pushes.record(push)
    known = {one.job for one in record.jobs} if record is not None else set()
    like = near(job, known)
    head = f"no job {job!r} of {short(push)} is known"
    return f"{head}; perhaps one of these:{like}" if like else f"{head}; {plural(len(known), 'job')} of it are known"
