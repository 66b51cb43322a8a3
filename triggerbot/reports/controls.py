"""Asks for control runs: one run of a job at the base of a push, where it fails alike every time and nothing is known.

It is a claim of the base's own push, so breakers, caps and the budget of that push hold for it, and the CI is asked by
the dispatcher as for any other. What comes of it is heard of like any run there, and the verdict follows.
"""

from collections.abc import Callable, Sequence

from triggerbot.core.claim import Claim
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import base
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.store import PushRecord, Store, looks


class Controls:
    """Asks for the control runs of judged pushes. Any number of threads may use it."""

    def __init__(self, store: Store, rules: Sequence[Rule], clock: Callable[[], float]) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock

    def ask(self, record: PushRecord, judged: PushVerdict) -> None:
        """Ask for what is worth a run at the base, once for each job."""
        rule = rules.rule_for(self._rules, record.push)
        if rule is None or not rule.control:
            return
        claims = {job.job: claim for job in record.jobs for claim in job.claims if not claim.manual}
        for job in judged.jobs:
            claim = claims.get(job.job)
            if claim is not None and _is_worth_it(job, rule):
                self._ask(claim, judged.base, record)

    def _ask(self, claim: Claim, revision: str | None, record: PushRecord) -> None:
        now = self._clock()
        if revision is None:
            return self._store.bases.uncontrolled(claim, "no control run: it is not known what the base is", now)
        name = next(job.name for job in record.jobs if job.key == claim.job)
        listed = looks.again(self._store, claim.push, name, revision)
        where, _ = self._store.bases.control(claim, revision, listed, now)
        if where is None:
            why = f"no control run: the job has no run at the base ({revision[:12]}) that could be run again"
            self._store.bases.uncontrolled(claim, why, now)
        return None


def _is_worth_it(job: JobVerdict, rule: Rule) -> bool:
    if job.verdict is not Verdict.FAILED or job.hidden or job.mixed or job.failing is None:
        return False
    # Where retries go by evidence, they have ended once there is a verdict: how many it took is not known before.
    wanted = rule.retries if rule.until_proved is None else 1
    return base.wants_control(job.base, job.failing_runs, job.failing.sameness.same, wanted)
