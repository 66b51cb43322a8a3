"""The list of pushes, each in one line with its verdict."""

from triggerbot.reports import push_json
from triggerbot.reports.judge import Judge
from triggerbot.store import Search, Store, Summary


def pushes(store: Store, judge: Judge, wanted: Search, limit: int, now: float) -> list[Summary]:
    """Return the latest pushes that fit; one that has not been judged yet is judged now (seconds since the epoch)."""
    return [one if one.health else _judged(store, judge, one, now) for one in store.pushes.search(wanted, limit)]


def _judged(store: Store, judge: Judge, one: Summary, now: float) -> Summary:
    record = store.pushes.record(one.push)
    return one if record is None else push_json.summary(record, judge.judge(record), now)
