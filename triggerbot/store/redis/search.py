"""Reads over many pushes: finding, listing and counting them; of each push only the needed fields are read."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple

import msgspec

from triggerbot.core import identity
from triggerbot.core.model import Push
from triggerbot.store import FAILURE_RECORDS_MAX, FailureRecord, Ran, Search, Summary
from triggerbot.store.redis import codec
from triggerbot.store.redis.codec import US
from triggerbot.store.redis.connection import PREFIX, Client, key, number_of, text

#: Pushes read per round trip.
_TOGETHER = 500
#: The number of newest pushes that stand for all.
_NEWEST = 2000
#: Characters of a message's first line used as the title.
_TITLE_MAX = 200
#: Pushes of a branch examined at a time for one that has not expired.
_BEFORE = 10
_SUMMARY = ("name", "author", "message", "time", "last", "health", "sentence", "judged", "counts")
_counts_decoder = msgspec.json.Decoder(dict[str, int])


def _names(client: Client, numbers: Iterable[bytes | str]) -> list[Push]:
    pipe = client.pipeline(transaction=False)
    for number in numbers:
        pipe.hget(key("p", text(number)), "name")
    return [codec.push_of(text(name)) for name in pipe.execute() if name is not None]


def find(client: Client, project: str, revision: str) -> list[Push]:
    """Find pushes by project and revision prefix, newest first."""
    numbers = []
    for spelling in _spellings(client, project):
        start = f"{codec.bare(spelling)}{US}{codec.bare(revision.lower())}"
        members = client.zrangebylex(f"{PREFIX}names", f"[{start}", f"({start}\x7f")
        numbers += [member.rpartition(US.encode())[2] for member in members]
    pipe = client.pipeline(transaction=False)
    for number in numbers:
        pipe.zscore(f"{PREFIX}recent", number)
    last = dict(zip(numbers, pipe.execute(), strict=True))
    return _names(client, sorted(numbers, key=lambda one: -(last[one] or 0.0))[:50])


def _spellings(client: Client, project: str) -> list[str]:
    """List the spellings of a project that there are: pushes are sorted by theirs, and people may write another."""
    exact = client.zrangebylex(
        f"{PREFIX}names", f"[{codec.bare(project)}{US}", f"({codec.bare(project)} ", start=0, num=1
    )
    if exact:
        return [project]
    found, start = [], "-"
    # One step for each project, however many pushes it has.
    while rows := client.zrangebylex(f"{PREFIX}names", start, "+", start=0, num=1):
        spelling = text(rows[0]).partition(US)[0]
        if codec.plain(spelling).lower() == project.lower():
            found.append(codec.plain(spelling))
        start = f"({spelling} "
    return found


def _newest(client: Client, first: int) -> Iterator[list[str]]:
    """Yield the numbers of all pushes once, the latest events first, a round trip's worth at a time."""
    seen: set[str] = set()
    start, size = 0, min(max(first, 1), _TOGETHER)
    while True:
        found = [text(one) for one in client.zrevrange(f"{PREFIX}recent", start, start + size - 1)]
        fresh = [one for one in found if one not in seen]
        if fresh:
            yield fresh
        if len(found) < size:
            return
        seen.update(fresh)
        start, size = start + size, _TOGETHER


def recent(client: Client, limit: int, project: str | None) -> list[Push]:
    """List the pushes with the latest events."""
    found: list[Push] = []
    for numbers in _newest(client, limit):
        found += [push for push in _names(client, numbers) if not project or push.project.lower() == project.lower()]
        if len(found) >= limit:
            break
    return found[:limit]


def projects(client: Client) -> list[str]:
    """List the projects of the newest pushes, sorted."""
    numbers = client.zrevrange(f"{PREFIX}recent", 0, _NEWEST - 1)
    return sorted({push.project for push in _names(client, numbers)})


def search(client: Client, wanted: Search, limit: int) -> list[Summary]:
    """List the pushes with the latest events that match."""
    found: list[Summary] = []
    lower = Search(*(part.lower() for part in astuple(wanted)))
    for numbers in _newest(client, limit):
        pipe = client.pipeline(transaction=False)
        for number in numbers:
            pipe.hmget(key("p", number), *_SUMMARY)
        found += _matching(pipe.execute(), lower)
        if len(found) >= limit:
            break
    return found[:limit]


def _matching(rows: Iterable[Sequence[bytes | None]], wanted: Search) -> Iterator[Summary]:
    for row in rows:
        name, author, message, *rest = ("" if one is None else text(one) for one in row)
        if not name:
            continue
        push = codec.push_of(name)
        summary = _summary(push, author if row[1] is not None else None, message, rest)
        if wanted.health in ("", summary.health.lower()) and _matches(push, author, message, wanted):
            yield summary


def _matches(push: Push, author: str, message: str, wanted: Search) -> bool:
    """Whether a push matches; `wanted` is in lower case."""
    _, project, branch, revision = (part.lower() for part in push)
    if (wanted.project or project, wanted.branch or branch) != (project, branch) or wanted.author not in author.lower():
        return False
    texts = (message.lower(), author.lower(), branch, project) if wanted.text else ()
    return not texts or revision.startswith(wanted.text) or any(wanted.text in one for one in texts)


def _summary(push: Push, author: str | None, message: str, rest: Sequence[str]) -> Summary:
    time, last, health, sentence, judged, counts = rest
    return Summary(
        push,
        health,
        sentence,
        author,
        message.partition("\n")[0][:_TITLE_MAX],
        float(time) if time else None,
        float(last),
        float(judged or 0),
        _counts_decoder.decode(counts) if counts else {},
    )


def judged_since(client: Client, since: float, limit: int) -> list[tuple[float, Push]]:
    """List the pushes judged after a time, and when, oldest first."""
    found: list[tuple[float, Push]] = []
    start, after = 0, f"({codec.moment(since)}"
    while len(found) < limit:
        rows = client.zrangebyscore(f"{PREFIX}judged", after, "+inf", start=start, num=limit, withscores=True)
        pipe = client.pipeline(transaction=False)
        for number, _ in rows:
            pipe.hget(key("p", text(number)), "name")
        named = zip(rows, pipe.execute(), strict=True)
        found += [(at, codec.push_of(text(name))) for (_, at), name in named if name is not None]
        if len(rows) < limit:
            break
        start += limit
    return found[:limit]


def previous(client: Client, push: Push) -> Push | None:
    """Find the previous push of the same branch, by when their first events came."""
    number = number_of(client, push)
    first = None if number is None else client.hget(key("p", number), "first")
    if first is None:
        return None
    branch, before = key("b", codec.branch_name(push)), f"({text(first)}"
    for start in itertools.count(0, _BEFORE):
        numbers = client.zrevrangebyscore(branch, before, "-inf", start=start, num=_BEFORE)
        # Some may have expired.
        for found in _names(client, numbers):
            return found
        if len(numbers) < _BEFORE:
            break
    return None


def failure_records(client: Client, project: str) -> list[FailureRecord]:
    """Read the newest failure records of a project, newest first."""
    places = [
        text(member).split(US)
        for member in client.zrevrange(key("sighted", codec.bare(project)), 0, FAILURE_RECORDS_MAX - 1)
    ]
    jobs: dict[str, list[str]] = defaultdict(list)
    for number, job in places:
        jobs[number].append(job)
    pipe = client.pipeline(transaction=False)
    for number, own in jobs.items():
        pipe.hmget(key("w", number), US, *own)
    found: dict[tuple[str, str], FailureRecord] = {}
    for (number, own), (name, *records) in zip(jobs.items(), pipe.execute(), strict=True):
        push = codec.push_of(text(name)) if name is not None else None
        for job, one in zip(own, records, strict=True):
            if push is not None and one is not None:
                found[number, job] = codec.failure_record_of(push, identity.base(codec.plain(job)), one)
    return [found[number, job] for number, job in places if (number, job) in found]


def ran(client: Client, project: str, jobs: Sequence[str], since: float) -> Ran:
    """Count, by job, the newest pushes of a project at which a run of the job passed or failed."""
    counted = Counter(dict.fromkeys(jobs, 0))
    names = {codec.bare(job).encode("utf-8", "replace"): job for job in jobs}
    numbers, since = _of_project(client, project, since)
    for start in range(0, len(numbers) if names else 0, _TOGETHER):
        pipe = client.pipeline(transaction=False)
        part = numbers[start : start + _TOGETHER]
        for number in part:
            pipe.hmget(key("j", text(number)), *names)
            pipe.hget(key("p", text(number)), "told")
        answers = pipe.execute()
        proved = [
            {job for job, runs in zip(names.values(), row, strict=True) if runs and codec.PROVES.search(runs)}
            for row in answers[::2]
        ]
        by_batch = [place for place, told in enumerate(answers[1::2]) if told]
        for place in by_batch:
            pipe.hgetall(key("j", text(part[place])))
        for place, own in zip(by_batch, pipe.execute(), strict=True):
            proved[place] |= _proved_by_name(own).intersection(counted)
        for found in proved:
            counted.update(found)
    return Ran(counted, since)


def _proved_by_name(jobs: Mapping[bytes, bytes]) -> set[str]:
    """Return the names of the jobs of a push of which any run proves something."""
    return {identity.base(codec.plain(text(job))) for job, runs in jobs.items() if codec.PROVES.search(runs)}


def _of_project(client: Client, project: str, since: float) -> tuple[list[bytes], float]:
    """Return the numbers of a project's pushes with events since a time, and since when the list is complete."""
    start = codec.bare(project)
    members = client.zrangebylex(f"{PREFIX}names", f"[{start}{US}", f"({start} ")
    own = {member.rpartition(US.encode())[2] for member in members}
    if not since and len(own) <= _NEWEST:
        return list(own), since
    recent = client.zrevrangebyscore(f"{PREFIX}recent", "+inf", since, withscores=True)
    found = [(one, last) for one, last in recent if one in own]
    if len(found) > _NEWEST:
        since = found[_NEWEST - 1][1]
    return [one for one, _ in found[:_NEWEST]], since
