"""Which runs of a job came of its sample, and a job without them; see `core.policy.calibration`."""

from dataclasses import replace

from triggerbot.core.claim import CALIBRATION, Claim
from triggerbot.core.model import Event, Run
from triggerbot.store.documents import StoredClaim, StoredJob, StoredRun
from triggerbot.store.ledger import Ledger
from triggerbot.store.records import Calibration


def comes_of(ledger: Ledger, job: StoredJob, event: Event) -> bool:
    """Return whether the new run of an event came of the sample of its job."""
    came = _came_of(ledger, job, event)
    return _may_come_of(ledger, job) if came is None else came


def _came_of(ledger: Ledger, job: StoredJob, event: Event) -> bool | None:
    """Return whether a run of a job came of its sample; `None` if the run names no request that is known.

    By the request that it names; else every run does that comes after a request for the sample was recorded, until
    there are as many as were asked for.
    """
    claim = _claim_of(ledger, job)
    if claim is None:
        return False
    stored = None if event.retrigger_of is None else ledger.operation(event.retrigger_of)
    if stored is not None:
        return claim.id in stored.operation.claims
    return None


def told(ledger: Ledger, job: StoredJob, event: Event, run: StoredRun) -> StoredRun:
    """Return a run as it is once an event told late which request it came of."""
    came = _came_of(ledger, job, event)
    if came is None or came is bool(run.get("calibrates")):
        return run
    return {name: value for name, value in run.items() if name != "calibrates"} | ({"calibrates": True} if came else {})


def _may_come_of(ledger: Ledger, job: StoredJob) -> bool:
    """Return whether a new run of a job that names no request came of its sample."""
    claim = _claim_of(ledger, job)
    if claim is None:
        return False
    open_one = ledger.operation(claim.operation) if claim.operation else None
    asked = claim.asked + (0 if open_one is None else open_one.operation.count)
    return sum(bool(run.get("calibrates")) for run in job.runs) < asked


def _claim_of(ledger: Ledger, job: StoredJob) -> StoredClaim | None:
    number = next((one for origin, one in job.claims.items() if origin.startswith(CALIBRATION)), None)
    return None if number is None else ledger.claim(number)


def apart(
    key: str, job: StoredJob, claims: tuple[Claim, ...]
) -> tuple[tuple[Run, ...], tuple[Claim, ...], Calibration | None]:
    """Return the runs, oldest first, and the claims of a job without what measures it, and that."""
    runs = job.oldest_first(key)
    claim = next((one for one in claims if one.calibrates), None)
    if claim is None:
        return runs, claims, None
    # Claims count the runs known in the order in which these came.
    arrived = [run.get("calibrates", False) for run in job.runs]
    rest = tuple(
        replace(one, known_runs=one.known_runs - sum(arrived[: one.known_runs])) for one in claims if not one.calibrates
    )
    own = tuple(run for run in runs if run.calibrates)
    return tuple(run for run in runs if not run.calibrates), rest, Calibration(claim, own)


def refusal(claim: StoredClaim) -> str:
    """Return what the timeline calls the refusal of a claim: that of a sample refuses the job nothing."""
    return "unmeasured" if claim.origin.startswith(CALIBRATION) else "refuse"
