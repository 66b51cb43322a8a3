"""`triggerbot backfill`: find out who broke a job of a branch, by running it at pushes that did not run it."""

import shlex
import time
from collections.abc import Sequence

import click

from triggerbot.cli.options import config_option, json_option, load_config, opened, system_option
from triggerbot.cli.output import plain, plural, say, say_json
from triggerbot.config import Config
from triggerbot.core.errors import UsageError
from triggerbot.core.formatting import capital
from triggerbot.core.model import Push
from triggerbot.core.policy import rules
from triggerbot.reports.branches import backfills
from triggerbot.reports.branches.backfills import Asked, BranchPlace
from triggerbot.reports.lookup import daemon_answers, describe, near, no_system_message
from triggerbot.store import BackfillSearch, Store

#: Pushes of a project among which a branch and its jobs are looked for: those heard of last.
_PUSHES_MAX, _RECORDS_MAX = 500, 10
_SENT = {
    None: "The daemon (`triggerbot run`) does the rest, if it is running.",
    True: "The daemon carries it on.",
    False: "No daemon answers where the config says that it listens: it goes on once `triggerbot run` is started.",
}


@click.command()
@config_option
@click.argument("project")
@click.argument("branch")
@click.argument("job", required=False)
@click.option("--at", metavar="REVISION", help="A push at which the job fails. Default: the newest of the branch.")
@system_option
@json_option
def backfill(
    config_path: str | None,
    project: str,
    branch: str,
    job: str | None,
    at: str | None,
    system: str | None,
    as_json: bool,
) -> int:
    """Find out who broke a job: run it at pushes of the branch that did not, between the last good and the first bad.

    The push nearest to the middle comes first. What fails there is retriggered as any failure is, so nobody is named
    for an intermittent one. It is recorded in the store; the daemon carries it on, at 10 pushes at most, or as many as
    backfill.max of the rule says if that is more. Without JOB, list the searches of the branch.

    With --json: new (whether a search was begun), sentence, and search (null if nothing has to be run); without JOB
    searches. A search has job, good, bad, asked, state, sentence, first, last, author and more.
    """
    config = load_config(config_path)
    with opened(config) as store:
        place = _place(store, config, project, branch, system)
        if job is None:
            return _list(store.backfills.of_branch(place), place, as_json=as_json)
        asked, paused = _ask(store, config, place, job, at), store.limits.paused()
    if as_json:
        found = None if asked.search is None else backfills.as_json(asked.search)
        say_json({"new": asked.is_new, "sentence": asked.words, "search": found})
        return 0
    say(plain(f"{capital(asked.words)}."))
    if asked.search is None:
        return 0
    say("Recorded: it is looked for." if asked.is_new else plain(f"It is looked for already: {asked.search.words}."))
    if asked.search.dry:
        say("The config says dry_run: it will only be said where it would be run; nothing is sent.")
    elif paused is not None:
        say(f"But everything is {describe(paused)}: it goes on after `triggerbot resume`.")
    else:
        say(_SENT[daemon_answers(config)])
    say(plain(f"To see what came of it: triggerbot backfill {shlex.join((project, branch))}"))
    return 0


def _ask(store: Store, config: Config, place: BranchPlace, job: str, at: str | None) -> Asked:
    push = Push(*place, "")
    rule = rules.rule_for(config.rules, push)
    if rule is None:
        raise UsageError(f"no rule of {config.source} watches the branch {push.branch!r} of {push.project}")
    name = _named(store, place, job)
    revision = "" if at is None else _revision(store, place, at)
    return backfills.ask(store, rule, place, name, time.time(), by=_BY, dry=config.dry_run, at=revision)


#: Who asked, where only the shell knows.
_BY = "a command"


def _place(store: Store, config: Config, project: str, branch: str, system: str | None) -> BranchPlace:
    """Return the branch that is meant. Raises `UsageError` if nothing is known of it, or it is ambiguous."""
    if system is not None and system not in config.systems:
        raise UsageError(no_system_message(config, system))
    recent = store.pushes.recent(_PUSHES_MAX, project)
    found = dict.fromkeys(
        (one.system, one.project, one.branch) for one in recent if one.branch == branch and system in (None, one.system)
    )
    if len(found) == 1:
        return next(iter(found))
    if found:
        listed = "".join(f"\n  --system {name} {project}" for name, project, _ in found)
        raise UsageError(f"the branch {branch!r} of {project} is known of several CIs; say which is meant:{listed}")
    like = near(branch, {one.branch for one in recent})
    raise UsageError(
        f"no push of the branch {branch!r} of {project} is known" + (f"; perhaps one of these:{like}" if like else "")
    )


def _named(store: Store, place: BranchPlace, job: str) -> str:
    """Return the name that a job has at every push. Raises `UsageError` if no late push of the branch has it."""
    pushes = [push for push in store.pushes.recent(_PUSHES_MAX, place[1]) if push[:3] == place]
    known: set[str] = set()
    for push in pushes[:_RECORDS_MAX]:
        record = store.pushes.record(push)
        for one in () if record is None else record.jobs:
            if job in (one.job, one.key, one.name):
                return one.name
            known.add(one.name)
    like = near(job, known)
    head = f"no job {job!r} is known of the last pushes of {place[2]}"
    raise UsageError(f"{head}; perhaps one of these:{like}" if like else f"{head}; {plural(len(known), 'job')} are")


def _revision(store: Store, place: BranchPlace, at: str) -> str:
    found = [push for push in store.pushes.find(place[1], at) if push[:3] == place]
    if len(found) != 1:
        raise UsageError(f"{at!r} is {'the beginning of several pushes' if found else 'no known push'} of {place[2]}")
    return found[0].revision


def _list(searches: Sequence[BackfillSearch], place: BranchPlace, *, as_json: bool) -> int:
    if as_json:
        say_json({"searches": [backfills.as_json(one) for one in searches]})
        return 0
    for one in searches:
        by = f"asked for by {one.by}" if one.by else "by the rule"
        say(plain(f"{one.job}: {one.words} ({'goes on, ' if one.is_open else ''}{by})"))
    if not searches:
        say(plain(f"Nobody has asked who broke a job of {place[2]}; `triggerbot backfill PROJECT BRANCH JOB` does."))
    return 0
