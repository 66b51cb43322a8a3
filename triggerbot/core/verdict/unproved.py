"""What is said of a job that failed in a single run that proves something, for the others prove nothing. Pure."""

from collections import Counter
from collections.abc import Collection, Sequence

from triggerbot.core.model import Result, Run, State

#: What became of a run that proves nothing.
_UNPROVEN = {
    Result.INFRA: ("met an infrastructure error", "met infrastructure errors"),
    Result.CANCELLED: ("was cancelled", "were cancelled"),
    Result.SKIPPED: ("was skipped", "were skipped"),
    Result.TIMED_OUT: ("took too long", "took too long"),
    Result.RETRY: ("was retried by the CI itself", "were retried by the CI itself"),
}


def once(runs: Sequence[Run], proving: Collection[Result]) -> str:
    """Say that one run failed, and what became of the others, which prove nothing; they are sorted by age."""
    ended = [run for run in runs if run.state is State.FINISHED]
    other = [run for run in ended if run.result not in proving]
    if not other:
        return "its only run failed"
    count = Counter(_UNPROVEN.get(run.result or Result.UNKNOWN, ("ended in an unknown way",) * 2) for run in other)
    noun = "retrigger" if ended[0].result in proving else "other run"
    if len(count) > 1:
        became = ", ".join(f"{number} {one if number == 1 else many}" for (one, many), number in count.items())
        return f"failed once; not settled: {became}"
    [((one, many), number)] = count.items()
    if number == 1:
        return f"failed once; the {noun} {one}"
    return f"failed once; not settled: {'both' if number == 2 else f'all {number}'} {noun}s {many}"
