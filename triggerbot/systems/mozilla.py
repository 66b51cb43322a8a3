"""What Taskcluster and Treeherder agree on at Mozilla: how a job is called."""

#: Characters of a name that Treeherder keeps (its etl/taskcluster_pulse/handler.py).
NAME_MAX = 139
#: The end of the name of a task that runs failed tests again: Gecko's action `confirm-failures`.
_CONFIRMS = "-cf"


def job_of(name: str) -> tuple[str, bool]:
    """Return the job that a task of this name is a run of, and whether it only confirms that job's failure.

    Names are cut as Treeherder cuts them, so that a job is called the same whoever tells of it.
    """
    confirms = name.endswith(_CONFIRMS) and name != _CONFIRMS
    return (name.removesuffix(_CONFIRMS) if confirms else name)[:NAME_MAX], confirms
