"""What a CI lists of a push: which part of it need not be fetched, and what is new in it."""

import json
from dataclasses import replace

from triggerbot.core import proof
from triggerbot.core.model import NO_RUN, Push, PushFacts, RunKey
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Store, Work
from triggerbot.systems import UNREAD, Known, LookBack


class Listing:
    """Records what look-backs find."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self._store = store
        self._observer = observer

    def observe(self, push: Push, view: LookBack, *, quiet: bool = False) -> None:
        """Observe what is new in the look-back, like the events of an intake; `quiet`: nothing of it makes a claim."""
        known = self._store.pushes.known(push)
        by_run = {RunKey(run_id, attempt): state for (_, run_id, attempt), state in known.items()}
        new = []
        for event in view.events:
            state = by_run.get(event.key) if event.per_batch else known.get((event.job, event.run_id, event.attempt))
            if state is None or event.state.rank > state.rank or proof.may_correct(event):
                new.append(event)
        facts = view.facts or PushFacts(push)
        if facts.message is None and view.jobs is None:
            # The CI has no message for the push, so the push requests nothing.
            facts = replace(facts, message="")
        self._observer.observe([facts, *view.heads, *(() if quiet else new)])
        if quiet:
            self._observer.record(new)

    def note_unread(self, push: Push, view: LookBack) -> None:
        """Keep why it is not known what jobs need, for those who ask why something was decided."""
        if view.unread is None:
            return
        text = json.dumps(dict(view.unread), sort_keys=True)
        if text != self._store.facts.metadata(push).get(UNREAD, "{}"):
            self._store.facts.set_metadata(push, UNREAD, text)

    def told_apart(self, push: Push, view: LookBack) -> LookBack:
        """Name the job of each event by its key, under which the store keeps it and its claim."""
        if not any(event.per_batch for event in view.events):
            return view
        keys = {RunKey(run_id, attempt): job for job, run_id, attempt in self._store.pushes.known(push)}
        return replace(view, events=tuple(replace(one, job=keys.get(one.key, one.job)) for one in view.events))


def known(work: Work, *, all_batches: bool = False) -> Known:
    """Return what a look-back need not fetch; `all_batches`: the store may have lost requests in any of them."""
    batches = {run.batch for claim in work.claims for run in work.runs.get(claim.job, ())}
    all_batches = all_batches or any(claim.run.key == NO_RUN for claim in work.claims)
    wanted = frozenset(batches) if batches and all(batches) and not all_batches else None
    runs = frozenset(claim.run.key for claim in work.claims) - {NO_RUN}
    doubt = any(claim.operation is not None for claim in work.claims)
    return Known(work.asks is not None, work.batches, wanted, runs, doubt)
