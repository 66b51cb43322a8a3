"""What has to be so in every history, while it goes on and at its end."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import Lead, Push
from triggerbot.core.policy import try_syntax
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.reconcile import GIVE_UP, RESENDS
from triggerbot.store import Item, JobRecord, Observation, PushRecord

if TYPE_CHECKING:
    from tests.service.simulation.replica import Replica
    from tests.service.simulation.world import World

#: Seconds that a first sweep reaches back, at least.
SWEPT = 3000.0


class Broken(BaseException):
    """Something is not as it has to be. The dispatcher survives every `Exception`; this it must not."""


def must(holds: bool, why: str) -> None:
    """Insist; raises `Broken`."""
    if not holds:
        raise Broken(why)


class Checks:
    """Watches one history."""

    def __init__(self, world: "World") -> None:
        self._world = world
        #: Failures that a rule covers and that were acknowledged; those that were leads by group and run.
        self.acknowledged: set[tuple[Push, str]] = set()
        self._leads: set[tuple[str, str]] = set()
        #: So often an operation was written down before it left, and so often it arrived.
        self._written: Counter[str] = Counter()
        self._received: Counter[str] = Counter()
        #: When each left for the first time.
        self._began: dict[str, float] = {}
        #: What each claim was to have, at the most, and for which failed jobs each operation was, though the store may
        #: have forgotten them.
        self._wanted: dict[tuple[Push, str], dict[str, int]] = defaultdict(dict)
        self._failed: dict[str, set[str]] = {}
        #: For which jobs each operation was.
        self._jobs: dict[str, set[tuple[Push, str]]] = {}
        self._kept = self.acknowledged, self._leads

    def watches(self) -> Mapping[str, Callable[..., None]]:
        """Name the calls of the store that are watched when they have answered."""
        return {
            "observe_soon": self._observed, "decide": self._decided, "further": self._asks_further,
            "begin": self._begun, "resend": self._resent, "wait": self._waited, "accepted": self._settled,
            "refused": self._settled, "postponed": self._settled, "doubted": self._settled,
            "finish": self._finished, "hold": self._finished,
        }  # fmt: skip

    # -- while it goes on ---------------------------------------------------------------------------------------

    def _observed(self, replica: "Replica", answer: Any, items: Sequence[Item], *_: Any, **__: Any) -> None:
        for item in items:
            if isinstance(item, Observation) and item.seen.failed:
                self.acknowledged.add((item.event.push, item.event.job))
            elif isinstance(item, Lead) and item.failed:
                self._leads.add((item.group.id, item.run_id))
        self._world.note("heard", replica, items=len(items), claimed=sum(one.claimed for one in answer.result()))

    def _decided(
        self,
        replica: "Replica",
        answer: Decision | None,
        claim: Claim,
        decision: Decision | None,
        *_: Any,
        **__: Any,
    ) -> None:
        self._world.note("decided", replica, job=claim.job, push=claim.push.revision, answer=answer and answer.reason)
        if answer is not None and answer.cause is not None:
            wanted = self._wanted[claim.push, claim.job]
            wanted[claim.origin] = max(wanted.get(claim.origin, 0), answer.count)
        if answer is not None and answer.refusal is Refusal.OVER_BUDGET:
            record = self._world.store.pushes.record(claim.push)
            assert record is not None
            spent = record.spent + self._unknown(record, claim.job)
            allowed = self._world.scenario.rule.budget.allows(spent, len(record.jobs))
            must(not allowed, f"{claim.job}: refused for want of budget, of which there is some")

    def _unknown(self, record: PushRecord, deciding: str) -> int:
        """Count the other jobs that the CI has run again, and of which no claim tells why."""
        ci = self._world.ci.pushes[record.push]
        again = {run.event.job for run in ci.runs if len(ci.of(run.event.job)) > 1}
        known = {job.job for job in record.jobs if self._is_explained(record.push, job)}
        return len(again - known - {deciding})

    def _is_explained(self, push: Push, job: JobRecord) -> bool:
        """Tell whether claims tell why a job was run again; one of a person does not tell of a failure's requests."""
        if any(one.cause is Cause.FAILURE and (one.asked or not one.state.final) for one in job.claims):
            return True
        asked = any(one.asked for one in job.claims)
        return asked and not (self._world.scenario.forgets and self._unnamed(push, job.job))

    def _unnamed(self, push: Push, job: str) -> bool:
        """Tell whether runs of a job came of no request that the store knows, nor of the push itself."""
        known = self._world.store.pushes.work(push).operations
        return any(run.origin and run.origin not in known for run in self._world.ci.pushes[push].of(job))

    def _asks_further(self, replica: "Replica", answer: Claim | None, claim: Claim, *_: Any, **__: Any) -> None:
        self._world.note("further", replica, job=claim.job, push=claim.push.revision, known=answer is not None)
        if answer is not None:
            must(answer.wanted <= self._world.scenario.rule.retries, f"{claim.job}: beyond what evidence may cost")
            wanted = self._wanted[claim.push, claim.job]
            wanted[claim.origin] = max(wanted.get(claim.origin, 0), answer.wanted)

    def _begun(
        self, replica: "Replica", answer: "bool | Capped", operation: Operation, push: Push, *_: Any, **__: Any
    ) -> None:
        self._world.note("begun", replica, operation=operation.id, count=operation.count, answer=answer)
        if answer is True:
            must(self._world.store.limits.paused() is None, "a request was begun while paused")
            self._written[operation.id] += 1
            self._began[operation.id] = operation.started
            claims = self._world.store.claims.read(push, operation.claims)
            self._failed[operation.id] = {claim.job for claim in claims if claim.cause is Cause.FAILURE}
            self._jobs[operation.id] = {(push, claim.job) for claim in claims}

    def _resent(self, replica: "Replica", answer: bool, operation: Operation, *_: Any) -> None:
        self._world.note("resent", replica, operation=operation.id, answer=answer)
        if answer:
            must(self._world.store.limits.paused() is None, "a request was repeated while paused")
            self._began.setdefault(operation.id, operation.started)
            self._written[operation.id] += 1

    def _waited(self, replica: "Replica", _: None, claim: Claim, due: float, note: str, *__: Any, **___: Any) -> None:
        must("an error of triggerbot itself" not in note, f"{claim.job}: {note}")
        self._world.note("waits", replica, job=claim.job, push=claim.push.revision, text=note)

    def _settled(self, replica: "Replica", _: None, operation: Operation, *__: Any, **___: Any) -> None:
        self._world.note("settled", replica, operation=operation.id)

    def _finished(self, replica: "Replica", _: None, claim: Claim, *more: Any, **__: Any) -> None:
        self._world.note("put", replica, job=claim.job, push=claim.push.revision, text=str(more[-2]))

    def received(self, operation: str) -> None:
        """The CI got a request: it has to be written down, each time anew."""
        self._received[operation] += 1
        must(self._received[operation] <= self._written[operation], "a request left that was not written down")

    def copied(self) -> None:
        """The store was copied: what has been acknowledged is safe."""
        self._kept = set(self.acknowledged), set(self._leads)

    def forgot(self) -> None:
        """The store is as it was when it was copied."""
        self.acknowledged, self._leads = self._kept

    # -- at the end ---------------------------------------------------------------------------------------------

    def before_the_sweep(self) -> None:
        """What was acknowledged is not lost, though no sweep finds it again."""
        store = self._world.store
        buried = [letter.body.decode() for letter in store.letters.read(1000)]
        known = {(push.revision, run_id) for push in self._world.ci.pushes for _, run_id, _ in store.pushes.known(push)}
        for group, run_id in self._leads - known:
            kept = any(f'"{run_id}"' in body for body in buried)
            must(kept, f"{run_id} of {group}: an acknowledged failure is lost")
        self._claimed()

    def _claimed(self) -> None:
        for push, name in self.acknowledged:
            found = self._world.store.pushes.record(push)
            claims = [claim for job in found.jobs if job.job == name for claim in job.claims] if found else []
            must(any(not claim.manual for claim in claims), f"{name}: an acknowledged failure has no claim")

    def at_the_end(self) -> None:
        """Look at everything that was promised."""
        for push in self._world.ci.pushes:
            record = self._world.store.pushes.record(push)
            if record is not None:
                self._budget(record)
                for job in record.jobs:
                    self._job(record, job)
        self._caps()
        self._claimed()
        self._swept()

    def _swept(self) -> None:
        """Whatever message was lost, the sweep made up for it."""
        if self._world.scenario.storm > SWEPT or self._world.misled:
            return
        for push in self._world.ci.pushes.values():
            record = self._world.store.pushes.record(push.push)
            claimed = {job.job for job in record.jobs if job.claims} if record is not None else set()
            for run in push.runs:
                must(not run.event.failed or run.event.job in claimed, f"{run.event.run_id}: a failure was never heard")

    def _job(self, record: PushRecord, job: JobRecord) -> None:
        where = f"{job.job} of {record.push.revision}"
        runs = self._world.ci.pushes[record.push].of(job.job)
        ours = sum(run.origin not in ("", "stranger") for run in runs)
        strangers = sum(run.origin == "stranger" for run in runs)
        wanted = sum(self._wanted[record.push, job.job].values())
        if self._world.scenario.rule.until_proved is not None and self._world.scenario.forgets:
            # A wave that the store has forgotten is weighed, and the next one is asked for in its place.
            own = self._wanted[record.push, job.job].get("", 0)
            wanted += max(0, self._world.scenario.rule.retries - own) if own else 0
        must(ours <= wanted, f"{where}: {ours} runs were made, {wanted} were wanted: doubled")
        refused = (record.push, job.job) in self._world.ci.refused
        given_up = self._given_up(record.push, job.job)
        for claim in job.claims:
            must(claim.state.final, f"{where}: {claim.state} at the end")
            must(claim.asked <= claim.wanted, f"{where}: asked for {claim.asked} of {claim.wanted}")
            excused = refused or given_up or self._world.now - claim.created > GIVE_UP
            if claim.state is ClaimState.REFUSED:
                self._refused(record, claim, len(runs), excused, where)
            elif not excused:
                self._done(claim, ours + strangers, where)
        self._story(record, job, where)

    def _given_up(self, push: Push, job: str) -> bool:
        """Tell whether one request for a job was sent as often as any is, and the CI never took it.

        It was lost each time, or never left, since its process was stopped or killed after it had written it down.
        """
        taken = {operation for _, operation, _, _ in self._world.taken}
        sent = (name for name, jobs in self._jobs.items() if (push, job) in jobs and self._written[name] > RESENDS)
        return any(name not in taken for name in sent)

    def _done(self, claim: Claim, further: int, where: str) -> None:
        """A claim that is done brought the runs that it wanted, or there was a reason to stop."""
        enough = claim.asked >= claim.wanted or claim.note.startswith("no more runs are needed") or self._ended(claim)
        must(enough, f"{where}: done after {claim.asked} of {claim.wanted}: {claim.note}")
        # A stranger's run may be taken for what came of a request that was lost; where the CI does not tell which
        # request a run came of, so may what came of a person's request. So may what came of a forgotten request.
        scenario = self._world.scenario
        ambiguous = scenario.strangers or (scenario.wishes and not scenario.names) or self._took_forgotten(claim)
        if claim.asked >= claim.wanted and not ambiguous:
            must(further >= claim.wanted, f"{where}: {further} runs came of {claim.wanted} that were wanted: lost")

    def _took_forgotten(self, claim: Claim) -> bool:
        """Tell whether a lost request was found again while the CI lists runs of requests that the store forgot."""
        entries = self._world.store.pushes.timeline(claim.push, claim.job)
        told = (entry.text for entry in entries if entry.what == "accepted")
        found = any(text.startswith("the answer was lost, but the CI lists") for text in told)
        return found and self._unnamed(claim.push, claim.job)

    def _ended(self, claim: Claim) -> bool:
        """Tell whether nobody waits for what a claim is about, and it says so."""
        pushes, rule = self._world.ci.pushes, self._world.scenario.rule
        if claim.note == "its workflow run was cancelled, so only a person starts it again":
            return claim.push in self._world.ci.stopped and not claim.manual
        newer = self._world.newest or len(pushes) > 1
        told = claim.note.startswith("the newest commit of try is ") and claim.push.revision not in claim.note
        return bool(rule.superseded.skips(claim.push.branch) and newer and told) and not claim.manual

    def _refused(self, record: PushRecord, claim: Claim, runs: int, excused: bool, where: str) -> None:
        """A refusal has its reason in what was so."""
        asks = try_syntax.read(self._world.ci.pushes[record.push].facts.message)
        match claim.refusal:
            case Refusal.DONTBUILD:
                fits = asks.dontbuild
            case Refusal.NO_RETRY:
                fits = asks.no_retry
            case Refusal.REBUILD_REQUESTED:
                fits = bool(asks.rebuild)
            case Refusal.ENOUGH_RUNS:
                fits = runs > 1
            case Refusal.SAME_CAUSE:
                others = [run for run in self._world.ci.pushes[record.push].runs if run.event.job != claim.job]
                fits = any(run.event.run_id.startswith("re-") or run.event.attempt > 1 for run in others)
            case Refusal.OVER_BUDGET:
                fits = True
            case Refusal.NOT_FOUND:
                # What was only listed late is looked for anew as soon as it is listed.
                fits = record.push in self._world.ci.hidden and not self._world.scenario.behind
            case Refusal.REFUSED_BY_CI:
                fits = excused
            case Refusal.SUPERSEDED | Refusal.CANCELLED:
                fits = self._ended(claim)
            case _:
                fits = False
        must(fits, f"{where}: refused for no reason: {claim.refusal}: {claim.note}")

    def _budget(self, record: PushRecord) -> None:
        """No more jobs were retriggered for failures than the budget has it."""
        taken = [(operation, job) for _, operation, push, job in self._world.taken if push == record.push]
        bought = {job for operation, job in taken if job in self._failed[operation]}
        allowed = not bought or self._world.scenario.rule.budget.allows(len(bought) - 1, len(record.jobs))
        must(allowed, f"{record.push.revision}: {len(bought)} of {len(record.jobs)} jobs: beyond the budget")

    def _caps(self) -> None:
        """In no hour more left than the caps have it."""
        if self._world.scenario.jumps or self._world.scenario.forgets:
            # Who takes it for another hour counts in that one; what was sent before is forgotten with the rest.
            return
        caps = self._world.scenario.bounds.caps
        # A request that is repeated counts for the time when it left first.
        left = [(self._began[operation], push) for _, operation, push, _ in self._world.taken]
        self._cap(sorted(at for at, _ in left), caps.service)
        self._cap(sorted(at for at, _ in left), caps.project)
        for push in self._world.ci.pushes:
            # Each push has an author of its own.
            self._cap(sorted(at for at, where in left if where == push), caps.author)

    @staticmethod
    def _cap(times: Sequence[float], limit: int | None) -> None:
        for place, at in enumerate(times):
            within = sum(other < at + 3600 for other in times[place:])
            must(limit is None or within <= limit, f"{within} runs were made within an hour: beyond the cap of {limit}")

    def _story(self, record: PushRecord, job: JobRecord, where: str) -> None:
        """The story tells what the claims say."""
        told = [entry for entry in self._world.store.pushes.timeline(record.push, job.job) if entry.job is not None]
        counts: Counter[str] = Counter()
        for entry in told:
            counts[entry.what] += entry.count
        asked = sum(claim.asked for claim in job.claims)
        must(counts["accepted"] == asked, f"{where}: the story tells of {counts['accepted']} runs, claims of {asked}")
        # Where it goes by what runs prove, one claim is decided on once more after each wave.
        waves = self._world.scenario.rule.until_proved is not None
        decided = sum(entry.what == "trigger" for entry in told)
        causes = sum(claim.cause is not None for claim in job.claims)
        # A claim that was given up has forgotten why it once was to be triggered.
        most = len(job.claims) if not waves else sum(max(1, claim.wanted) for claim in job.claims)
        fits = causes <= decided <= most
        must(fits, f"{where}: the story tells of {decided} decisions, claims of {causes}")
