"""A job over time in sentences, for the command and the page. Pure; foreign text in it is as it came."""

from collections.abc import Iterator

from triggerbot.core.formatting import duration, plural
from triggerbot.reports import flakiness
from triggerbot.reports.job_history import JobHistory, Share


def row(found: JobHistory) -> str:
    """Return the letters of a job's pushes, newest first, and of how many pushes these are."""
    letters = "".join(one.kind.letter for one in found.at)
    known = f"known at {len(found.at)} of the newest {plural(found.looked_at, 'push', 'pushes')}"
    return f"{letters}  ({known})" if letters else known


def sentences(found: JobHistory) -> Iterator[str]:
    """Yield everything about a job but its failures."""
    yield intermittent(found)
    yield from filter(None, [trend(found)])
    yield from (blame(one) for one in found.worse_pools)
    if len(found.branches) > 1:
        yield f"Failed by branch: {'; '.join(map(counted, found.branches))}."
    if len(found.pools) > 1:
        yield f"First runs that failed, by pool: {'; '.join(map(counted, found.pools))}."
    yield from filter(None, [length(found)])
    yield from cost(found)


def intermittent(found: JobHistory) -> str:
    """Say how often a job is intermittent, over all that is kept."""
    if found.rate is None:
        return "It was never intermittent (flaky), as far as is known."
    anywhere = ", on any branch" if found.branch else ""
    return f"Intermittent (flaky) at {found.rate} pushes that ran it{anywhere}."


def trend(found: JobHistory) -> str:
    """Say whether a job became intermittent more often or less often; empty if there is nothing to compare."""
    (ran, newer), (before, older) = found.newer, found.older
    if not before:
        return ""
    return (
        f"Intermittent at {newer} of the newest {plural(ran, 'push', 'pushes')} that ran it and at {older} of the "
        f"{before} before: {found.trend}."
    )


def blame(one: Share) -> str:
    """Say that a job fails more often in one pool."""
    return (
        f"It fails more often on {one.name} than on other machines, beyond chance: {one.failed} of {one.tries} "
        "first runs."
    )


def counted(one: Share) -> str:
    """Return the name of a share with its numbers."""
    return f"{one.name} {one.failed} of {one.tries}"


def share(one: Share) -> str:
    """Return a share in percent, with its interval."""
    low, high = flakiness.interval(one.failed, one.tries)
    return f"{flakiness.percent(one.failed / one.tries)} ({flakiness.percent(low)} to {flakiness.percent(high)})"


def length(found: JobHistory) -> str:
    """Say how long a job takes when it passes; empty if that is not known."""
    if found.median is None or found.slow is None:
        return ""
    return (
        f"When it passes, it takes {duration(found.median)} (median); 95 % of those runs take at most "
        f"{duration(found.slow)}."
    )


def cost(found: JobHistory) -> Iterator[str]:
    """Say what the retriggers of a job at these pushes cost and proved; nothing if there were none."""
    ended = found.retriggers
    number = {name: int(ended[name]) for name in ("passed", "failed", "other", "unfinished", "proved")}
    total = sum(number.values()) - number["proved"]
    if not total:
        return
    parts = [f"{number['passed']} passed", f"{number['failed']} failed"]
    parts += [f"{number['other']} ended otherwise"] if number["other"] else []
    parts += [f"{number['unfinished']} still to end"] if number["unfinished"] else []
    time = f" They took {duration(ended['seconds'])} of machine time." if ended["timed"] else ""
    yield f"{plural(total, 'retrigger')}: {', '.join(parts)}.{time}"
    if number["proved"]:
        yield f"They proved {plural(number['proved'], 'failure')} to be intermittent."
    else:
        yield "None of them proved a failure to be intermittent."
