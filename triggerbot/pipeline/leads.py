"""Resolving leads, messages that name neither push nor job, into events by asking the CI.

The leads of one group are resolved together, and the events observed like any others. Nothing is lost on the way: a
lead is deleted only after its events are recorded, and one that cannot be resolved becomes a dead letter.
"""

import json
from collections.abc import Callable, Mapping, Sequence

import structlog

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, StoreUnavailable
from triggerbot.core.model import Group, Lead, Push
from triggerbot.core.policy import backoff, rules
from triggerbot.core.policy.reconcile import GIVE_UP
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import DeadLetter, Leads, Store
from triggerbot.systems import ResolvesLeads, System

log = structlog.get_logger("triggerbot.complete")

#: Leads that are resolved together.
_MOST = 1000
#: Lookups of a run that the CI does not know before giving up, and seconds between them.
_LOOKUPS, _LOOKUP_DELAY = 5, 90.0
#: Tries after which an error of triggerbot itself is taken for permanent.
_FAULTS = 3


class LeadResolver:
    """Resolves the leads of one group at a time. Any number of threads may use it."""

    def __init__(
        self,
        store: Store,
        systems: Mapping[str, System],
        observer: Observer,
        rules: Sequence[Rule],
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._systems = systems
        self._observer = observer
        self._rules = rules
        self._clock = clock
        self._metrics = metrics

    def resolve(self, group: Group) -> None:
        """Resolve the leads of a leased group; no failure of a CI loses any of them."""
        found = self._store.leads.read(group)
        system = self._systems.get(group.system)
        if not found.leads:
            return self._store.leads.settle(group, ())
        if not isinstance(system, ResolvesLeads):
            return self._bury(found, found.leads, f"the config names no system {group.system!r} that could tell")
        try:
            self._resolve(system, found)
        except StoreUnavailable:
            raise
        except NotKnown as error:
            self._retry_lookup(found, found.leads, str(error) or "the CI does not know it")
        except (CIUnavailable, CIDenied) as error:
            log.warning("leads.no_answer", system=group.system, group=group.id, error=str(error))
            self._put_off(found, str(error), error.after if isinstance(error, CIUnavailable) else None)
        except Exception as error:
            log.exception("leads.failed", system=group.system, group=group.id)
            why = f"an error of triggerbot itself: {type(error).__name__}: {error}"
            if found.tries + 1 >= _FAULTS:
                self._bury(found, found.leads, why)
            else:
                self._put_off(found, why, None)

    def _resolve(self, system: ResolvesLeads, found: Leads) -> None:
        leads = found.leads[:_MOST]
        answer = system.complete(leads, self._watched)
        self._observer.observe(answer.heard)
        self._store.leads.settle(found.group, answer.settled)
        self._metrics.leads.labels(found.group.system, "settled").inc(len(answer.settled))
        settled = set(answer.settled)
        unknown = [lead for lead in leads if lead not in settled]
        if unknown:
            self._retry_lookup(found, unknown, answer.why or "the CI does not know it")

    def _watched(self, push: Push) -> bool:
        return rules.rule_for(self._rules, push) is not None

    def _retry_lookup(self, found: Leads, leads: Sequence[Lead], why: str) -> None:
        """Try again later the leads that the CI does not know, or bury them after the last attempt."""
        now = self._clock()
        if found.tries >= _LOOKUPS or now - found.since > GIVE_UP:
            self._bury(found, leads, why)
        else:
            self._store.leads.put_off(found.group, now + _LOOKUP_DELAY)

    def _put_off(self, found: Leads, why: str, after: float | None) -> None:
        now = self._clock()
        if now - found.since > GIVE_UP:
            return self._bury(found, found.leads, f"no usable answer for a day: {why}")
        self._store.leads.put_off(found.group, now + backoff.delay(found.tries, after))

    def _bury(self, found: Leads, leads: Sequence[Lead], why: str) -> None:
        """Move leads to the dead letters; a crash in between leaves them in both places."""
        now, system = self._clock(), found.group.system
        log.warning("leads.lost", system=system, group=found.group.id, number=len(leads), reason=why)
        self._store.letters.add([DeadLetter(0, now, system, "lead", why, _body(lead)) for lead in leads])
        self._store.leads.settle(found.group, leads)
        self._metrics.leads.labels(system, "lost").inc(len(leads))
        self._metrics.dead_letters.labels(system).inc(len(leads))


def _body(lead: Lead) -> bytes:
    return json.dumps(
        {
            "group": lead.group.id, "run_id": lead.run_id, "attempt": lead.attempt, "state": lead.state,
            "result": lead.result, "time": lead.time,
        }
    ).encode()  # fmt: skip
