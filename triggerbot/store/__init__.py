"""The store: the only place where triggerbot keeps state, for the process may be killed at any time.

Every method of `Store` that changes something is one transaction, and durable when it returns. The rules are in
`core.policy`; what the store adds is that a decision is only written if what it rests on has not changed meanwhile:
one claim per push and job, the budget, the caps, and that a request is recorded before it is sent.

What stores differ in is an engine (`engine`): `sqlite`, `redis` and `memory`. Everything else is written once.
"""

from triggerbot.store.backfills import BackfillSearch
from triggerbot.store.bases import Found
from triggerbot.store.jobs import JobAtPush
from triggerbot.store.records import (
    DELIVERY_KEPT,
    FAILURE_RECORDS_MAX,
    LEAD_DELAY,
    LEASES_PER_SYSTEM,
    NO_CAPS,
    NO_PASSES,
    REPEATED,
    REPORT_DELAY,
    Cap,
    Distrust,
    FailureRecord,
    Item,
    JobRecord,
    Leads,
    Notice,
    Observation,
    Outcome,
    Pause,
    PendingCommand,
    PushRecord,
    Ran,
    Search,
    Summary,
    TimelineEntry,
    Window,
    Work,
    job_records,
)
from triggerbot.store.rows import AtPush
from triggerbot.store.store import Store
from triggerbot.store.troubles import (
    CRASHES_MAX,
    LETTERS_MAX,
    LOOP_SECONDS,
    Crash,
    CrashClass,
    DeadLetter,
    crash_loops,
    in_order,
)

__all__ = [
    "CRASHES_MAX",
    "DELIVERY_KEPT",
    "FAILURE_RECORDS_MAX",
    "LEAD_DELAY",
    "LEASES_PER_SYSTEM",
    "LETTERS_MAX",
    "LOOP_SECONDS",
    "NO_CAPS",
    "NO_PASSES",
    "REPEATED",
    "REPORT_DELAY",
    "AtPush",
    "BackfillSearch",
    "Cap",
    "Crash",
    "CrashClass",
    "DeadLetter",
    "Distrust",
    "FailureRecord",
    "Found",
    "Item",
    "JobAtPush",
    "JobRecord",
    "Leads",
    "Notice",
    "Observation",
    "Outcome",
    "Pause",
    "PendingCommand",
    "PushRecord",
    "Ran",
    "Search",
    "Store",
    "Summary",
    "TimelineEntry",
    "Window",
    "Work",
    "crash_loops",
    "in_order",
    "job_records",
]
