"""What keeps failing on a branch, in sentences."""

from collections.abc import Callable, Iterator

from triggerbot.core.branch.grid import Grid
from triggerbot.core.branch.streaks import Along, Beginning, Streak
from triggerbot.core.formatting import plural, some

#: Digits of a revision in a sentence.
_SHORT = 12


def short(revision: str) -> str:
    """Return a revision as it stands in a sentence."""
    return revision[:_SHORT]


def since(one: Streak, quote: Callable[[str], str] = str) -> str:
    """Say since when a job fails, and how sure that is; revisions in it as `quote` renders them."""
    good = f"good at {quote(short(one.last_good))}" if one.last_good else "not seen to pass before"
    return "; ".join([f"failing since {quote(short(one.since))}", good, *parts(one)])


def parts(one: Streak) -> list[str]:
    """Say how often a job fails, and how sure it is that it does so since then."""
    found = [
        f"at {plural(one.pushes, 'push', 'pushes')}",
        one.words,
        f"{plural(one.running_between, 'push', 'pushes')} in between not yet known" if one.running_between else "",
        f"{plural(len(one.did_not_run), 'push', 'pushes')} in between did not run it" if one.did_not_run else "",
        f"{plural(len(one.gap), 'push', 'pushes')} between good and failing did not run it" if one.gap else "",
    ]  # fmt: skip
    return [part for part in found if part]


def beginning(one: Beginning, quote: Callable[[str], str] = str) -> str:
    """Say that many jobs began to fail at one push; foreign text in it as `quote` renders it."""
    text = (
        f"{plural(len(one.jobs), 'job')} began to fail at {quote(short(one.since))}: likely one cause, or the machines"
    )
    if one.common is None:
        return text
    alike = "all of them" if len(one.common.jobs) == len(one.jobs) else f"{len(one.common.jobs)} of them"
    return f"{text}; {alike} with the same failure: {quote(one.common.line)}"


def summary(grid: Grid) -> str:
    """Say in one line how a branch is."""
    along = grid.along
    parts = [
        f"{plural(len(along.failing), 'job keeps', 'jobs keep')} failing" if along.failing else "no job keeps failing",
        f"{plural(len(along.newest_only), 'job fails', 'jobs fail')} at the newest push only"
        if along.newest_only else "",
        plural(len(along.isolated), "isolated failure") if along.isolated else "",
        f"{plural(len(grid.revisions), 'push', 'pushes')} looked at",
    ]  # fmt: skip
    return ", ".join(part for part in parts if part)


def streaks(along: Along) -> Iterator[str]:
    """Yield the jobs that keep failing, a line each, after what many of them have in common."""
    for many in along.beginnings:
        yield beginning(many)
    for one in along.failing:
        yield f"{one.job}: {since(one)}" + (f": {one.line}" if one.line else "")


def lines(grid: Grid) -> Iterator[str]:
    """Yield what is known of a branch, a line each, without its grid."""
    yield from streaks(grid.along)
    if grid.along.newest_only:
        yield f"At the newest push only: {some([one.job for one in grid.along.newest_only])}"
    for lone in grid.along.isolated:
        yield f"Isolated: {lone.job} at {short(lone.revision)}" + (f": {lone.line}" if lone.line else "")
