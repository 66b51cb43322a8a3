"""Puts a change back into a merge queue that evicted it for its checks: once, if what failed was not the change.

An eviction comes as a command does, and waits in the same durable queue until the verdict on the entry is final. What
is going to be asked for is recorded beside the entry's push before; then there is one request. Where its outcome is not
known, the queue is looked at once GitHub had time to show it, and nothing is sent again.
"""

import json
from collections.abc import Callable, Mapping

import structlog

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import CommentCommand
from triggerbot.core.verdict import merge_queue
from triggerbot.logs import push_fields
from triggerbot.reports.judge import Judge
from triggerbot.store import PushRecord, Search, Store
from triggerbot.systems import Evicted, HasMergeQueue, System

log = structlog.get_logger("triggerbot.requeue")

#: Metadata of an entry's push: for which commit, and when, the change was put back.
_METADATA = "requeued"
#: Seconds that the CI may take to show what it accepted.
_GRACE = 60.0
#: Seconds until an entry whose verdict is not final is looked at again.
_AGAIN = 30.0
#: Entries of one change that are looked through, the newest.
_ENTRIES_MAX = 50


def is_eviction(command: CommentCommand) -> bool:
    """Return whether it is no command of a person, but tells of an eviction."""
    return command.id.startswith(Evicted.PREFIX)


class Requeues:
    """Settles evictions. Thread-safe."""

    def __init__(
        self, store: Store, systems: Mapping[str, System], judge: Judge, *, dry: bool, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._systems = systems
        self._judge = judge
        self._dry = dry
        self._clock = clock

    def settle(self, eviction: CommentCommand) -> str:
        """Put the change back, or say why not; raises `CIError` where that has to wait."""
        system, number, head = self._systems.get(eviction.system), eviction.pull or 0, eviction.revision or ""
        if not isinstance(system, HasMergeQueue) or not system.requeues:
            return "not put back: that is not configured"
        entries = self._entries(system, eviction, number)
        asked = max((self._asked(entry, head) for entry in entries), default=0.0)
        if asked:
            return self._look(system, eviction.project, number, asked)
        entry = max(entries, key=lambda one: (one.facts.time or 0.0, one.last_heard))
        judged = self._judge.judge(entry)
        if not judged.final:
            raise CIUnavailable("the verdict on the entry is not final", _AGAIN, healthy=True)
        if not merge_queue.has_failed(judged):
            raise CIUnavailable("the failure for which it was evicted is not known yet", _AGAIN, healthy=True)
        if not merge_queue.may_return(judged):
            return f"not put back: {judged.sentence}"
        if self._dry:
            return "dry run: it would be put back"
        now = system.evicted(eviction.project, number)
        if now.is_back or not now.is_open or now.head != head:
            return "not put back: " + _changed(now)
        return self._put_back(system, eviction.project, entry, now)

    def _put_back(self, system: HasMergeQueue, project: str, entry: PushRecord, one: Evicted) -> str:
        record = json.dumps({"head": one.head, "at": self._clock()})
        self._store.facts.set_metadata(entry.push, _METADATA, record)
        try:
            refused = system.put_back(project, one)
        except CIUnavailable as error:
            if error.acted is False:
                self._store.facts.set_metadata(entry.push, _METADATA, "")
                raise
            log.warning("requeue.in_doubt", **push_fields(entry.push), error=str(error))
            raise CIUnavailable(f"nobody knows whether it was put back: {error}", _GRACE) from None
        if refused:
            return f"refused: {refused}"
        log.info("requeued", **push_fields(entry.push))
        return "put back"

    def _look(self, system: HasMergeQueue, project: str, number: int, asked: float) -> str:
        """Find out what came of a request that was made, or begun, before."""
        left = asked + _GRACE - self._clock()
        if system.evicted(project, number).is_back:
            return "put back"
        if 0 < left <= _GRACE:
            raise CIUnavailable("the queue may still come to show it", left, healthy=True)
        return "not put back: it was once before, and never is twice"

    def _entries(self, system: HasMergeQueue, eviction: CommentCommand, number: int) -> list[PushRecord]:
        """Return what is known of the entries of a change; raises `NotKnown` if nothing is."""
        found = self._store.pushes.search(Search(project=eviction.project, text=f"/pr-{number}-"), _ENTRIES_MAX)
        pushes = [one.push for one in found if one.push.system == eviction.system]
        records = [self._store.pushes.record(push) for push in pushes if system.pull_of(push.branch) == number]
        entries = [record for record in records if record is not None and record.jobs]
        if not entries:
            raise NotKnown(f"no entry of pull request {number} is known")
        return entries

    def _asked(self, entry: PushRecord, head: str) -> float:
        """Return when a change was put back with this commit after this entry; 0 if it was not."""
        stored = json.loads(self._store.facts.metadata(entry.push).get(_METADATA) or "{}")
        return float(stored.get("at", 0.0)) if stored.get("head") == head else 0.0


def _changed(one: Evicted) -> str:
    if one.is_back:
        return "it is in the queue again"
    return "it has a new commit" if one.is_open else "it is closed"
