"""Statistics over all pushes, summed up push by push."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from triggerbot.core.decision import Cause
from triggerbot.core.model import Push
from triggerbot.store import TimelineEntry, outcomes
from triggerbot.store.redis import codec
from triggerbot.store.redis.codec import RS, plain
from triggerbot.store.redis.connection import PREFIX, Client, key, text
from triggerbot.store.redis.queries import entries

#: Pushes read per round trip.
_TOGETHER = 100
_DECISIONS = ("trigger", "refuse")


def statistics(client: Client, since: float) -> dict[str, Any]:
    """Count decisions and requests since a time, and what is open now; reads many pushes per round trip."""
    tally = _Tally(since)
    start = 0
    while True:
        numbers = [text(one) for one in client.zrevrange(f"{PREFIX}recent", start, start + _TOGETHER - 1)]
        pipe = client.pipeline(transaction=False)
        for number in numbers:
            pipe.hmget(key("p", number), "name", "last")
            pipe.lrange(key("s", number), 0, -1)
            pipe.hvals(key("c", number))
            pipe.hgetall(key("j", number))
        answers = pipe.execute()
        for at in range(0, len(answers), 4):
            tally.add(*answers[at : at + 4])
        if len(numbers) < _TOGETHER:
            return tally.result() | {"dead_letters": client.hlen(f"{PREFIX}letters")}
        start += _TOGETHER


class _Tally:
    """Sums over the timelines, claims and runs of pushes."""

    def __init__(self, since: float) -> None:
        self._since = since
        #: By decision: the number of jobs, and of retriggers.
        self._decided: Counter[tuple[str, str, bool]] = Counter()
        self._asked: Counter[tuple[str, str, bool]] = Counter()
        #: By hour: retriggers that a dry run would have sent, sent, decided; jobs refused.
        self._hours: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._reasons: dict[int, Counter[str]] = defaultdict(Counter)
        self._branches: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._claims: Counter[str] = Counter()
        self._pushes = self._runs = self._timed = 0
        self._seconds = 0.0
        self._retriggered: list[outcomes.Job] = []
        self._spared = Counter({"jobs": 0, "over_budget": 0})

    def add(self, facts: Any, rows: Any, claims: Any, jobs: Any) -> None:
        if facts[0] is None:
            return
        push = codec.push_of(text(facts[0]))
        wires = [codec.claim_decoder.decode(one) for one in claims]
        self._claims.update(str(wire.state) for wire in wires)
        if float(facts[1]) >= self._since:
            self._pushes += 1
            self._add_runs(wires, {text(job): text(runs) for job, runs in jobs.items()})
        timeline = [entry for entry in entries(rows) if entry.at >= self._since]
        decided = {(entry.what, entry.reason, entry.dry, entry.job) for entry in timeline if entry.what in _DECISIONS}
        self._decided.update(one[:3] for one in decided)
        for entry in timeline:
            self._add_entry(push, entry)
        retriggered = {plain(wire.job) for wire in wires if not wire.origin and wire.cause and not wire.refusal}
        self._spared.update(outcomes.spared(timeline, retriggered))
        for (_, reason), at in outcomes.refusals(timeline, retriggered).items():
            hour = _hour(at)
            _count(self._branches[push.project, push.branch], 0, 0, 1)
            _count(self._hours[hour], 0, 0, 0, 1)
            self._reasons[hour][reason] += 1

    def _add_runs(self, claims: Sequence[codec.WireClaim], jobs: Mapping[str, str]) -> None:
        asked: dict[str, list[outcomes.Bought]] = defaultdict(list)
        for claim in claims:
            if claim.asked and claim.job in jobs:
                cause = Cause(claim.cause) if claim.cause else None
                asked[claim.job].append(outcomes.Bought(claim.known_runs, claim.asked, cause))
        self._retriggered += [(codec.runs_of(plain(job), jobs[job]), own) for job, own in asked.items()]
        # There may be a million runs, so of most only the duration is decoded.
        for runs in jobs.values():
            lengths = [codec.seconds_of(run) for run in runs.split(RS)[1:]]
            known = [seconds for seconds in lengths if seconds is not None]
            self._runs += len(lengths)
            self._timed += len(known)
            self._seconds += sum(known)

    def _add_entry(self, push: Push, entry: TimelineEntry) -> None:
        if entry.what in _DECISIONS:
            self._asked[entry.what, entry.reason, entry.dry] += entry.count
        if entry.what in ("trigger", "accepted"):
            would = entry.count if entry.what == "trigger" and entry.dry else 0
            sent = entry.count if entry.what == "accepted" else 0
            _count(self._branches[push.project, push.branch], would, sent)
            real = entry.count if entry.what == "trigger" and not entry.dry else 0
            _count(self._hours[_hour(entry.at)], would, sent, real)

    def result(self) -> dict[str, Any]:
        decided = sorted(self._decided.items(), key=lambda one: (-one[1], one[0]))
        decided.sort(key=lambda one: one[0][0], reverse=True)
        branches = sorted(self._branches.items(), key=lambda one: (-one[1][1], -one[1][0], one[0]))
        return {
            "decisions": [
                {"action": what, "reason": reason, "dry_run": dry, "jobs": jobs}
                | {"retriggers": self._asked[what, reason, dry]}
                for (what, reason, dry), jobs in decided
            ],
            "hours": [
                {"hour": hour, "would_have_sent": would, "sent": sent, "decided": real, "refused": refused}
                | {"reasons": dict(self._reasons.get(hour, {}))}
                for hour, (would, sent, real, refused) in sorted(self._hours.items())
            ],
            "branches": [
                {"project": project, "branch": branch, "would_have_sent": would, "sent": sent, "refused": refused}
                for (project, branch), (would, sent, refused) in branches
            ],
            "claims": dict(self._claims),
            "pushes": self._pushes,
            "runs": self._runs,
            "ended": outcomes.ended(self._retriggered),
            "machine": {"seconds": self._seconds, "runs": self._timed},
            "spared": dict(self._spared),
        }


def _hour(at: float) -> int:
    return int(at / 3600) * 3600


def _count(sums: list[int], *more: int) -> None:
    for place, one in enumerate(more):
        sums[place] += one
