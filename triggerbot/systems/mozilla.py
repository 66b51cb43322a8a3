"""What Taskcluster and Treeherder agree on at Mozilla: how a job is called, and what holds if Treeherder is behind."""

from dataclasses import replace
from urllib.parse import urlencode

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Push, Run
from triggerbot.core.ways import Way
from triggerbot.systems import Known, LookBack

#: Characters of a name that Treeherder keeps (its etl/taskcluster_pulse/handler.py).
NAME_MAX = 139
#: The end of the name of a task that runs failed tests again: Gecko's action `confirm-failures`.
_CONFIRMS = "-cf"
TREEHERDER = "Treeherder"
#: Seconds between looks for a push that Treeherder does not know yet.
_BEHIND = 90.0


def job_of(name: str) -> tuple[str, bool]:
    """Return the job that a task of this name is a run of, and whether it only confirms that job's failure.

    Names are cut as Treeherder cuts them, so that a job is called the same whoever tells of it.
    """
    confirms = name.endswith(_CONFIRMS) and name != _CONFIRMS
    return (name.removesuffix(_CONFIRMS) if confirms else name)[:NAME_MAX], confirms


def repository(project: str) -> str:
    """Return the name by which Treeherder knows a project: `owner/name`, a repository of GitHub, without its owner."""
    owner, _, name = project.partition("/")
    return name if owner.strip(".") and name and "/" not in name else project


def push_at_treeherder(treeherder: str, push: Push) -> Way:
    """Return the way to a push at Treeherder."""
    query = urlencode({"repo": repository(push.project), "revision": push.revision})
    return Way("Push", TREEHERDER, f"{treeherder.rstrip('/')}/jobs?{query}")


def job_at_treeherder(treeherder: str, push: Push, run: Run) -> Way:
    """Return the way to a job at Treeherder, which selects it there."""
    way = push_at_treeherder(treeherder, push)
    selected = urlencode({"selectedTaskRun": f"{run.run_id}.{run.attempt - 1}"})
    return way._replace(what="Job", url=f"{way.url}&{selected}")


def is_behind(listed: LookBack, known: Known) -> bool:
    """Return whether Treeherder may lack runs that matter: what it does not list may exist all the same."""
    return known.doubt or not known.runs <= {event.key for event in listed.events}


def joined(listed: LookBack, groups: LookBack) -> LookBack:
    """Add what the queue lists of a push, which knows its own runs best."""
    by_run = {event.key: event for event in (*listed.events, *groups.events)}
    return replace(listed, events=tuple(by_run.values()), complete=listed.complete and groups.complete)


def without_treeherder(groups: LookBack, known: Known, error: NotKnown) -> LookBack:
    """Return what the queue lists of a push that Treeherder does not know.

    The queue knows the push, so Treeherder is only behind. Raises `CIUnavailable` where nobody else tells the push's
    message: without it a `--no-retry` would be missed.
    """
    if not known.facts and (groups.facts is None or groups.facts.message is None):
        raise CIUnavailable(f"{error}, and nobody else tells the push's message", _BEHIND, healthy=True)
    return groups
