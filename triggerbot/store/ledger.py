"""A push in one transaction: its documents, read when they are needed, changed in memory, written once at the end."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from triggerbot.core import identity
from triggerbot.core.claim import Claim, Operation
from triggerbot.core.identity import Kept
from triggerbot.core.model import NO_RUN, Push, RunKey, no_run
from triggerbot.store import ran
from triggerbot.store.documents import (
    StoredClaim,
    StoredEntry,
    StoredJob,
    StoredOperation,
    StoredPush,
    dump,
    dump_jobs,
    load,
    load_jobs,
    pack,
    unpack,
)
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.names import (
    CLAIM,
    JOBS,
    OPERATION,
    PACK,
    PROJECTS,
    PUSH,
    RECENT,
    REVISIONS,
    UNCOUNTED,
    UNPACKED,
    Queue,
    branch_index,
    join,
    part_of,
    revision_member,
)
from triggerbot.store.records import REPORT_DELAY


class Ledger:
    """The documents of one push. `view`: reads only, or a transaction, into which `save` writes."""

    __slots__ = (
        "_before", "_claim_changed", "_claims", "_entries", "_families", "_family_changed", "_had_run",
        "_header", "_operation_changed", "_operations", "_pack", "_view", "_was_packed", "part", "push", "stored",
    )  # fmt: skip

    def __init__(self, view: Reader, push: Push) -> None:
        self._view = view
        self.push = push
        self.part = part_of(push)
        self.stored: StoredPush | None = None
        self._header: bytes | None = None
        self._families: dict[str, dict[str, StoredJob]] = {}
        self._pack: dict[str, bytes] | None = None
        self._was_packed = False
        self._family_changed: set[str] = set()
        #: Those of the changed names of which a run had passed or failed before.
        self._had_run: set[str] = set()
        self._claims: dict[int, StoredClaim | None] = {}
        self._claim_changed: set[int] = set()
        self._operations: dict[str, StoredOperation] = {}
        self._operation_changed: set[str] = set()
        self._entries: list[StoredEntry] = []
        self._before: tuple[float | None, ...] = (None,) * 4

    def take(self, header: bytes | None) -> None:
        """Take the push's own document."""
        self._header = header
        if header is not None:
            self.stored = load(StoredPush, header)
            self._before = _ranks(self.stored)
            self._was_packed = self.stored.packed

    @property
    def head(self) -> StoredPush:
        """Return the push's own document; only if it exists."""
        assert self.stored is not None
        return self.stored

    def create(self, now: float) -> StoredPush:
        """Find or create the push's own document, and record that something came."""
        if self.stored is None:
            self.stored = StoredPush(self.push, now, now, by_branch=True, ordered=True)
        elif self.stored.last < now - 60:
            self.stored.last = now
        return self.stored

    # -- jobs and runs ------------------------------------------------------------------------------------------

    def lacking(self, names: Iterable[str]) -> list[str]:
        """Return those of some names of whose jobs the documents have to be read yet."""
        return [name for name in names if name not in self._families]

    def fill(self, names: Iterable[str], documents: Iterable[bytes | None]) -> None:
        """Take the documents of the jobs of names, which do not exist if they are packed."""
        packed = self.stored is not None and self.stored.packed
        for name, data in zip(names, documents, strict=True):
            if data is not None or not packed:
                self._families[name] = load_jobs(data)

    def family(self, name: str) -> dict[str, StoredJob]:
        """Return the jobs that share a name, by their keys."""
        if name not in self._families:
            if self.stored is not None and self.stored.packed:
                self._families[name] = load_jobs(self._unpacked().get(name))
            else:
                found = [None] if self.stored is None else self._view.get([Doc(self.part, JOBS, name)])
                self.fill([name], found)
        return self._families[name]

    def _unpacked(self) -> dict[str, bytes]:
        if self._pack is None:
            self._pack = unpack(self._view.get([Doc(self.part, PACK)])[0])
        return self._pack

    def _job_documents(self) -> dict[str, bytes]:
        packed = self.stored is not None and self.stored.packed
        return self._unpacked() if packed else self._view.all(self.part, JOBS)

    def job(self, key: str) -> StoredJob | None:
        """Return a job."""
        return self.family(identity.base(key)).get(key)

    def change_job(self, key: str) -> StoredJob:
        """Return a job to change it; creates it."""
        name, head = identity.base(key), self.head
        if head.packed:
            self.jobs()
            for one, own in self._families.items():
                if own:
                    self._begin_change(one, own)
            head.packed = False
        family = self.family(name)
        if name not in self._family_changed:
            self._begin_change(name, family)
        job = family.get(key)
        if job is None:
            job = family[key] = StoredJob()
            head.jobs += 1
        return job

    def _begin_change(self, name: str, family: dict[str, StoredJob]) -> None:
        self._family_changed.add(name)
        if ran.has_run(family.values()):
            self._had_run.add(name)

    def jobs(self) -> dict[str, StoredJob]:
        """Return all jobs, by their keys."""
        documents = self._job_documents()
        names = self.lacking(documents)
        self.fill(names, [documents[name] for name in names])
        return {key: job for family in self._families.values() for key, job in family.items()}

    def kept_runs(self, name: str) -> list[Kept]:
        """Return the runs of all jobs of this name, as `identity.place` wants them."""
        found = ((key, run) for key, job in self.family(name).items() for run in job.all_runs(key))
        return [Kept(key, run.key, run.batch, run.failed) for key, run in found]

    def key(self, job: str) -> str:
        """Return the key of a job, by that or by what people call it."""
        if self.job(job) is not None or self.stored is None:
            return job
        names = identity.names(self.jobs(), self.stored.told)
        return next((key for key, name in names.items() if name == job), job)

    # -- claims and operations ----------------------------------------------------------------------------------

    def load_claims(self, ids: Sequence[int]) -> list[StoredClaim]:
        """Read claims; those that were dropped are left out."""
        missing = [one for one in ids if one not in self._claims]
        if missing:
            found = self._view.get([Doc(self.part, CLAIM, str(one)) for one in missing])
            for one, data in zip(missing, found, strict=True):
                self._claims[one] = None if data is None else load(StoredClaim, data)
        return [claim for one in ids if (claim := self._claims[one]) is not None]

    def claim(self, number: int) -> StoredClaim | None:
        """Read a claim."""
        return next(iter(self.load_claims([number])), None)

    def all_claims(self) -> list[StoredClaim]:
        """Read all claims, oldest first."""
        return self.load_claims(range(1, self.head.claims + 1))

    def put_claim(self, claim: StoredClaim) -> None:
        """Write a claim that was changed."""
        self._claims[claim.id] = claim
        self._claim_changed.add(claim.id)
        head = self.head
        if claim.state.final:
            head.open.pop(claim.id, None)
            head.waiting.pop(claim.id, None)
        else:
            head.open[claim.id] = claim.due

    def drop_claim(self, claim: StoredClaim) -> None:
        """Delete a claim."""
        self._claims[claim.id] = None
        self._claim_changed.add(claim.id)
        self.head.open.pop(claim.id, None)
        self.head.waiting.pop(claim.id, None)
        job = self.change_job(claim.job)
        job.claims.pop(claim.origin, None)

    def operation(self, name: str) -> StoredOperation | None:
        """Read an operation."""
        if name not in self._operations:
            data = self._view.get([Doc(self.part, OPERATION, name)])[0]
            if data is None:
                return None
            self._operations[name] = load(StoredOperation, data)
        return self._operations[name]

    def requests(self) -> tuple[Operation, ...]:
        """Read all requests of the push, except those that the CI did not take."""
        names = self.head.operations
        found = self._view.get([Doc(self.part, OPERATION, name) for name in names]) if names else ()
        stored = [load(StoredOperation, data) for data in found if data is not None]
        return tuple(one.operation for one in stored if not one.void)

    def put_operation(self, stored: StoredOperation) -> None:
        """Write an operation."""
        name = stored.operation.id
        self._operations[name] = stored
        self._operation_changed.add(name)
        if name not in self.head.operations:
            self.head.operations.append(name)

    def value(self, claim: StoredClaim) -> Claim:
        """Return a claim as callers know it."""
        job = self.family(identity.base(claim.job))[claim.job]
        run = no_run(claim.job) if claim.run == NO_RUN else job.run(claim.run, claim.job)
        stored = self.operation(claim.operation) if claim.operation else None
        return claim.value(self.push, run, None if stored is None else stored.operation)

    def values(self, claims: Sequence[StoredClaim]) -> tuple[Claim, ...]:
        """Return claims as callers know them, with few reads."""
        names = self.lacking(dict.fromkeys(identity.base(claim.job) for claim in claims))
        if names:
            self.fill(names, self._view.get([Doc(self.part, JOBS, name) for name in names]))
        return tuple(map(self.value, claims))

    # -- the timeline, and what is due --------------------------------------------------------------------------

    def record(
        self, what: str, now: float, *, job: str = "", run: RunKey | None = None, reason: str = "", text: str = "",
        count: int = 0, dry: bool = False, origin: str = "",
    ) -> None:  # fmt: skip
        """Add a line to the timeline; the same refusal of the same run is recorded once."""
        run_id, attempt = run or ("", 0)
        if what == "refuse" and job:
            refusal = (run_id, attempt, reason, origin)
            if refusal in (self.job(job) or StoredJob()).refused:
                return
            self.change_job(job).refused.append(refusal)
        self._entries.append(StoredEntry(now, what, job, text, reason, count, dry, run_id, attempt))
        self.mark(now)

    def add_verdict(self, now: float, job: str, text: str) -> None:
        """Add a change of a verdict to the timeline; it is no reason to judge the push again."""
        self._entries.append(StoredEntry(now, "verdict", job, text))

    def timeline(self) -> list[StoredEntry]:
        """Read the timeline, without what this transaction adds."""
        return [load(StoredEntry, data) for data in self._view.log(self.part)]

    def mark(self, now: float) -> None:
        """Make the push due to be judged, unless it is due earlier."""
        due = now + REPORT_DELAY
        head = self.head
        if head.report_due is None or head.report_due > due:
            head.report_due = due

    # -- writing ------------------------------------------------------------------------------------------------

    def save(self, transaction: Transaction) -> None:
        """Write what was changed, once."""
        if self.stored is None:
            return
        turned = {}
        for name in self._family_changed:
            family = self._families[name]
            transaction.put(Doc(self.part, JOBS, name), dump_jobs(family))
            has_run = ran.has_run(family.values())
            if has_run is not (name in self._had_run):
                turned[name] = 1 if has_run else -1
        if turned:
            ran.add(transaction, self.stored, turned)
        if self._was_packed and not self.stored.packed:
            transaction.put(Doc(self.part, PACK), None)
            transaction.rank(UNPACKED, self.part, self.stored.last)
            self._was_packed = False
        for number in self._claim_changed:
            claim = self._claims[number]
            transaction.put(Doc(self.part, CLAIM, str(number)), None if claim is None else dump(claim))
        for name in self._operation_changed:
            transaction.put(Doc(self.part, OPERATION, name), dump(self._operations[name]))
        for entry in self._entries:
            transaction.append(self.part, dump(entry))
        news = self._family_changed or self._claim_changed or self._entries or self._before[0] != self.stored.last
        if news and not self.stored.uncounted:
            self.stored.uncounted = True
            transaction.rank(UNCOUNTED, self.part, self.stored.last)
        header = dump(self.stored)
        if header != self._header:
            transaction.put(Doc(self.part, PUSH), header)
            self._rank(transaction, self.stored)
            self._header = header
        for done in (self._family_changed, self._had_run, self._claim_changed, self._operation_changed, self._entries):
            done.clear()

    def pack(self, transaction: Transaction) -> None:
        """Write all jobs as one document, for no more is expected of them."""
        documents = self._view.all(self.part, JOBS)
        for name in documents:
            transaction.put(Doc(self.part, JOBS, name), None)
        transaction.put(Doc(self.part, PACK), pack(documents))
        self.head.packed = self._was_packed = True
        self._families = {}
        self.save(transaction)

    def _rank(self, transaction: Transaction, stored: StoredPush) -> None:
        last, due, report, place = self._before
        if last is None:
            ran.begin(transaction, stored)
            transaction.rank(REVISIONS, revision_member(self.push), 0.0)
        if place != stored.place:
            transaction.rank(branch_index(self.push), self.part, stored.place)
        if last != stored.last:
            transaction.rank(RECENT, self.part, stored.last)
            transaction.rank(join(RECENT, self.push.project.lower()), self.part, stored.last)
            transaction.rank(PROJECTS, self.push.project, 0.0)
            if not stored.packed:
                transaction.rank(UNPACKED, self.part, stored.last)
        if due != stored.due:
            transaction.rank(Queue.PUSHES, self.part, stored.due)
        if report != stored.report_at:
            transaction.rank(Queue.REPORTS, self.part, stored.report_at)
        self._before = _ranks(stored)


def _ranks(stored: StoredPush) -> tuple[float | None, ...]:
    return stored.last, stored.due, stored.report_at, stored.place


#: No jobs of any push.
NO_JOBS: Mapping[Push, Iterable[str]] = {}


class Book:
    """The ledgers of one transaction."""

    def __init__(self, view: Reader) -> None:
        self._view = view
        self._ledgers: dict[Push, Ledger] = {}

    def load(self, pushes: Iterable[Push], jobs: Mapping[Push, Iterable[str]] = NO_JOBS) -> None:
        """Read the documents of pushes at once, and those of the jobs of some of them, by their names."""
        fresh = []
        for push in pushes:
            if push not in self._ledgers:
                ledger = self._ledgers[push] = Ledger(self._view, push)
                fresh.append(ledger)
        docs = [Doc(ledger.part, PUSH) for ledger in fresh]
        families = []
        for push, names in jobs.items():
            ledger = self._ledgers[push]
            missing = ledger.lacking(names)
            docs += [Doc(ledger.part, JOBS, name) for name in missing]
            families.append((ledger, missing))
        found = iter(self._view.get(docs) if docs else ())
        for ledger in fresh:
            ledger.take(next(found))
        for ledger, missing in families:
            ledger.fill(missing, islice(found, len(missing)))

    def ledger(self, push: Push) -> Ledger:
        """Return the ledger of a push."""
        found = self._ledgers.get(push)
        if found is None:
            self.load([push])
            found = self._ledgers[push]
        return found

    def save(self, transaction: Transaction) -> None:
        """Write everything that was changed."""
        for ledger in self._ledgers.values():
            ledger.save(transaction)
