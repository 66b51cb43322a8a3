"""Which jobs keep failing on a branch."""

from collections.abc import Iterator

from triggerbot.core.branch.grid import Grid
from triggerbot.core.errors import UsageError
from triggerbot.core.formatting import capital
from triggerbot.core.patterns import Globs
from triggerbot.reports.answers import Answer, Asked, Line, Question, line
from triggerbot.reports.branches import Branches, branch_json, branch_text
from triggerbot.reports.judge import Judge
from triggerbot.reports.lookup import is_watched, not_watched_message

#: Branches that are named where one is not known.
_NAMED_MAX = 10


def answer(asked: Asked, question: Question) -> Answer:
    """Answer about a branch: `project`, and optionally `branch`, `jobs` (patterns) and `merge_shards`."""
    chosen = Globs(question.get("jobs") or ["*"])
    merge_shards = question.get("merge_shards") or None
    name, found = _stored(asked, question["project"], question.get("branch"), chosen, merge_shards=merge_shards)
    return of_grid(name, found)


def of_grid(name: str, found: Grid) -> Answer:
    """Answer about a grid, of whatever source."""
    return Answer(1 if found.along.failing else 0, branch_json.failing(found, name), list(_show(found)))


def _stored(
    asked: Asked, project: str, name: str | None, chosen: Globs, *, merge_shards: bool | None
) -> tuple[str, Grid]:
    """Return the branch that is looked at, and its grid; raises `UsageError` if nothing is known of it."""
    store, config = asked.store, asked.config
    branches = Branches(store, Judge(store, rules=config.rules), config.rules, tuple(config.systems))
    wanted = name or branches.base(project)
    found = branches.look(project, wanted, chosen=chosen, merge_shards=merge_shards) if wanted else None
    if found is not None:
        return wanted, found.grid
    head = f"no push of the branch {wanted!r} of {project} is known" if wanted else (
        f"the base branch of {project} is not known: name the branch"
    )  # fmt: skip
    if not is_watched(config, project):
        raise UsageError(f"{head}: {not_watched_message(config, project)}")
    known = sorted(store.pushes.branches(project)[0].items(), key=lambda one: (-one[1], one[0]))[:_NAMED_MAX]
    listed = f"; known are: {', '.join(one for one, _ in known)}" if known else "; no push of the project is known"
    raise UsageError(f"{head}{listed}")


def _show(found: Grid) -> Iterator[Line]:
    for text in branch_text.lines(found):
        yield line(text)
    yield line(f"{capital(branch_text.summary(found))}.", "bold")
