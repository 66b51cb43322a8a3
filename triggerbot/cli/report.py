"""`triggerbot report`: what newly fails at a push, or in a folder of reports."""

from pathlib import Path

import click

from triggerbot.cli.group import WRONG_USE
from triggerbot.cli.options import branch_option, config_option, json_option, load_config, opened, system_option
from triggerbot.cli.output import plain, say, say_json
from triggerbot.core.errors import UsageError
from triggerbot.formats.files import NotReadable
from triggerbot.reports.judge import Judge
from triggerbot.reports.lookup import find
from triggerbot.reports.novelty import NoveltyReport, folders, rendered, stored

#: The formats that tell of tests.
_FORMATS = ("pytest", "junit")


@click.command()
@config_option
@click.argument("target", metavar="PROJECT|DIR")
@click.argument("revision", metavar="[REVISION]", required=False)
@click.option("--against", metavar="REV|DIR2", help="What to compare it with; of a push, instead of earlier ones.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Read reports in DIR instead of the store.")
@branch_option
@system_option
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--out", metavar="DIR", help="Write files there: results.json, new_failures.txt and others.")
@json_option
def report(
    config_path: str | None,
    target: str,
    revision: str | None,
    against: str | None,
    form: str | None,
    branch: str | None,
    system: str | None,
    markdown: bool,
    out: str | None,
    as_json: bool,
) -> int:
    """Tell what newly fails: by test where tests are known, by job where not.

    A push is held against the last earlier push of its branch at which each job came to an end. With --format, DIR has
    the reports of a run, a folder for each job, and DIR2 those of an earlier run; groups are those of -c FILE.

    What fails is new, known, or not known to be either; beside it stands what no longer fails, what vanished, and what
    is newly skipped. With --out: results.json (as --json prints), new_failures.txt, new_failures.json,
    failures_report.txt, changed_failures_report.txt, job_links.json.

    Exit code: 0 it is told, whatever fails; 2 wrong use, or a report that is not understood: that one is told on stderr
    with file and line, and the rest is read.
    """
    if sum([markdown, as_json, out is not None]) > 1:
        raise click.UsageError("choose one of --json, --markdown and --out")
    if form is not None:
        if revision is not None or branch is not None or system is not None:
            raise click.UsageError("with --format there is one DIR, and no REVISION, --branch or --system")
        found = _of_folders(form, target, against, config_path)
    elif revision is None:
        raise click.UsageError("give PROJECT and REVISION, or --format and a folder of reports")
    else:
        found = _of_push(config_path, target, revision, against, branch, system)
    for problem in found.problems:
        click.echo(plain(problem), err=True)
    _show(found, markdown=markdown, out=out, as_json=as_json)
    return WRONG_USE if found.problems else 0


def _of_folders(form: str, folder: str, against: str | None, config_path: str | None) -> NoveltyReport:
    rules = load_config(config_path).rules if config_path is not None else ()
    for path in (folder, *([against] if against is not None else [])):
        if not Path(path).is_dir():
            raise UsageError(f"{path} is no folder: with --format, give one that has the reports of a run, unpacked")
    try:
        found = folders.compare(form, folder, against, stored.grouping(rules))
    except NotReadable as error:
        raise UsageError(str(error)) from None
    if not found.jobs and not found.problems:
        raise UsageError(f"no report of {form} was found in {folder}")
    return found


def _of_push(
    config_path: str | None, project: str, revision: str, against: str | None, branch: str | None, system: str | None
) -> NoveltyReport:
    config = load_config(config_path)
    with opened(config) as store:
        records = find(store, config, project, revision, branch=branch, system=system)
        if len(records) > 1:
            places = "".join(f"\n  --branch {one.push.branch} --system {one.push.system}" for one in records)
            raise UsageError(f"{revision} was pushed to several places; choose one:{places}")
        (record,) = records
        earlier = None
        if against is not None:
            others = find(store, config, project, against, system=record.push.system)
            earlier = next((one for one in others if one.push.branch == record.push.branch), others[0])
        return stored.of_push(store, Judge(store, rules=config.rules), config.rules, record, earlier)


def _show(found: NoveltyReport, *, markdown: bool, out: str | None, as_json: bool) -> None:
    if as_json:
        say_json(rendered.as_json(found))
    elif markdown:
        say(rendered.as_markdown(found))
    elif out is not None:
        try:
            names = rendered.write(found, Path(out))
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot write to {out}: {getattr(error, 'strerror', None) or error}") from None
        say(rendered.summary(found, names, out))
    else:
        for line in rendered.as_text(found):
            say(line)
