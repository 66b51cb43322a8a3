"""Taking work off sheriffs: failures that further runs proved intermittent are classified as such, where configured.

It looks at the pushes heard of last, again and again. Nothing has to be remembered: what is classified already, by
whoever, is left alone, so a restart repeats nothing.
"""

import threading
from collections import OrderedDict

import structlog

from triggerbot.errors import CIError, StoreUnavailable
from triggerbot.model import Push, RunKey
from triggerbot.observe import place
from triggerbot.store import Store
from triggerbot.systems.treeherder import Notes, stars

log = structlog.get_logger("triggerbot.classify")

#: Seconds between two rounds.
_EVERY = 60.0
#: Pushes that a round looks at.
_PUSHES = 300
#: Runs that are known to need nothing more.
_DONE = 20_000


class Classifier:
    """Classifies the failures of one system."""

    def __init__(self, system: str, notes: Notes, store: Store, *, dry: bool) -> None:
        self._system = system
        self._notes = notes
        self._store = store
        self._dry = dry
        self._done: OrderedDict[tuple[Push, RunKey], None] = OrderedDict()

    def run(self, stop: threading.Event) -> None:
        """Look again and again, until told to stop."""
        while not stop.is_set():
            try:
                self.once()
            except (CIError, StoreUnavailable) as error:
                log.warning("classify.failed", system=self._system, error=str(error))
            except Exception:
                log.exception("classify.broken", system=self._system)
            stop.wait(_EVERY)
        self._notes.close()

    def once(self) -> int:
        """Look once; tells how many failures were classified. Raises `CIError` and `StoreUnavailable`."""
        classified = 0
        for push in self._store.recent(_PUSHES):
            record = self._store.record(push) if push.system == self._system else None
            if record is None:
                continue
            for run in stars(record):
                if (push, run.key) in self._done:
                    continue
                if self._dry or self._notes.classify(record, run):
                    classified += 1
                    log.info("classified", **place(push), job=run.job, run_id=run.run_id, attempt=run.attempt,
                             classification="intermittent", dry_run=self._dry)  # fmt: skip
                self._remember(push, run.key)
        return classified

    def _remember(self, push: Push, run: RunKey) -> None:
        self._done[push, run] = None
        if len(self._done) > _DONE:
            self._done.popitem(last=False)
