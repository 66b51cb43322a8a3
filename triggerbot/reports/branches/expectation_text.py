"""What has become of a branch, in a sentence."""

from collections.abc import Callable

from triggerbot.core.formatting import hours
from triggerbot.store.expectations import BranchChange


def sentence(project: str, branch: str, change: BranchChange, quote: Callable[[str], str] = str) -> str:
    """Say what has become of a branch; `quote`: how names are written."""
    of = f"{quote(project)} {quote(branch)}"
    if not change.silent:
        return f"{of} is heard of again, after {hours(change.at - change.since)}."
    silent = f"Nothing was heard of {of} for {hours(change.at - change.since)}"
    first = "" if change.known else " since it is expected"
    return f"{silent}{first}, neither a push nor a run; something is expected every {hours(change.every)}."
