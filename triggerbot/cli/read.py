"""`triggerbot read`: the last step of any CI: reads the reports of a run, and prints or posts its event."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import click
import httpx

from triggerbot.cli.group import WRONG_USE
from triggerbot.cli.output import plain, plural, say
from triggerbot.config import secrets
from triggerbot.core import event_json
from triggerbot.core.errors import CIDenied, CIError, NotUnderstood, UsageError
from triggerbot.core.model import Event, Result, State
from triggerbot.formats import Contents, File, files, registry
from triggerbot.formats.files import NotReadable
from triggerbot.systems.generic import client

_FORMATS = (*sorted(form.name for form in registry.FORMATS), registry.AUTO)
_RESULTS = tuple(str(one) for one in Result)


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default=registry.AUTO,
    show_default=True,
    help="What the reports are.",
)
@click.option("--project", required=True, metavar="P", help="The project, as the rules name it.")
@click.option("--branch", required=True, metavar="B", help="The branch.")
@click.option("--revision", required=True, metavar="R", help="The full commit id.")
@click.option("--job", required=True, metavar="J", help="The name of the job, the same in every run.")
@click.option("--run-id", required=True, metavar="I", help="The CI's id of this run.")
@click.option("--attempt", type=click.IntRange(min=0), default=1, show_default=True, metavar="N", help="Which attempt.")
@click.option(
    "--result",
    type=click.Choice(_RESULTS),
    help="How the run ended. Left out: failure if anything failed, else success.",
)
@click.option("--system", metavar="S", help="The CI, by its name in the config; a webhook says it by its address.")
@click.option("--pool", metavar="M", help="The kind of machine.")
@click.option("--time", "at", metavar="T", help="When the run ended, such as 2026-11-20T19:31:02Z. When posting: now.")
@click.option("--url", metavar="U", help="Where people look at the run.")
@click.option("--post", metavar="URL", help="Post the event to this webhook of a generic system: https://.../hooks/ci")
@click.option("--secret", metavar="env:X", help="What signs it: env:NAME or file:PATH. Needed with --post.")
@click.option("--json", "as_json", is_flag=True, help="Print the event when it is posted, too.")
def read(paths: Sequence[str], form: str, post: str | None, secret: str | None, as_json: bool, **told: Any) -> int:
    """Read the reports of a run, and print its event as one line of JSON, or post it.

    PATH is a file, or a folder in which everything is read that is a report: JUnit XML (`junit`), folders of pytest's
    reports or its output (`pytest`), error files of torch elastic (`torchelastic`). The last step of a CI calls it, and
    needs neither config nor store.

    What is not understood is told on stderr with file, line and what was expected, and the rest is read. Exit code: 0
    the event was printed, or is stored; 2 wrong use, something was not understood (the event is printed or posted all
    the same), or the event is not stored.
    """
    key = _secret(post, secret)
    found, troubles = _contents(paths, form)
    for trouble in troubles:
        click.echo(plain(trouble), err=True)
    if not found.files and told["result"] is None:
        expected = " or ".join(one.describes for one in registry.FORMATS if form in (one.name, registry.AUTO))
        raise UsageError(
            f"no report was found in {', '.join(paths)}: expected {expected}; if the tests crashed before they wrote "
            "one, --result failure tells that"
        )
    now = time.time()
    if post is not None and told["at"] is None:
        told["at"] = event_json.format_time(now)
    event = _event(found, **told)
    content = client.body(event)
    if post is None or as_json:
        say(content.decode())
    if post is not None:
        _post(post, content, key)
        if not as_json:
            say(plain(f"Stored: {event.job} {event.result}{_counted(event)}."))
    return WRONG_USE if troubles else 0


def _secret(post: str | None, secret: str | None) -> str:
    if post is None:
        return ""
    try:
        address = httpx.URL(post)
    except (httpx.InvalidURL, ValueError) as error:
        raise UsageError(f"--post: no address of a webhook: {error}") from None
    if address.scheme not in ("http", "https") or not address.host:
        raise UsageError("--post: expected an address such as https://triggerbot.example.org/hooks/ci")
    if secret is None:
        raise UsageError("--post needs --secret env:NAME or file:PATH, the webhook_secret of the system")
    try:
        return replace(secrets.located(secret), source="--secret").read()
    except ValueError:
        raise UsageError(
            "--secret: expected env:NAME or file:PATH; a secret itself is in every list of processes"
        ) from None


def _contents(paths: Sequence[str], form: str) -> tuple[Contents, list[str]]:
    """Read everything, and return what was not understood beside it."""
    unreadable: list[str] = []

    def listed(path: str) -> Iterator[File]:
        try:
            yield from files.under(path)
        except NotReadable as error:
            unreadable.append(str(error))

    found = registry.read(chain.from_iterable(map(listed, paths)), form, paths)
    return found, [*unreadable, *map(str, found.problems)]


def _event(found: Contents, *, result: str | None, at: str | None, **told: Any) -> Event:
    tests = event_json.encode_tests(found.tests)
    lines = [*found.failures, *(str(one) for one in (found.tests.failing if found.tests else ()))]
    try:
        return event_json.from_json(
            {
                **{key: value for key, value in told.items() if value is not None},
                "state": str(State.FINISHED),
                "result": result or str(_result(found)),
                "time": at,
                "failures": lines,
                "tests": tests,
            }
        )
    except NotUnderstood as error:
        raise UsageError(str(error)) from None


def _result(found: Contents) -> Result:
    if found.failed:
        return Result.FAILURE
    # What could not be read may have told of failures.
    return Result.UNKNOWN if found.problems else Result.SUCCESS


def _post(url: str, content: bytes, key: str) -> None:
    try:
        client.post(url, content, key, clock=time.time, sleep=time.sleep)
    except CIError as error:
        remedy = (
            "check --post and --secret" if isinstance(error, CIDenied) else "run it again, nothing is counted twice"
        )
        raise UsageError(f"the event is not stored: {error}; {remedy}") from None


def _counted(event: Event) -> str:
    if event.tests is None:
        return ""
    broken = event.tests.failed + event.tests.errors
    return f", {plural(event.tests.passed, 'test')} passed and {broken} failed"
