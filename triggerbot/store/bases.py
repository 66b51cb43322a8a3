"""What the store knows of the revision that a push is based on, and which pushes rest on what is known of another.

A job may not have run at the base itself, so the walk goes on to what the base is based on: by what the CI told of it,
or, on a base branch, by push order. A fork's runs are no evidence.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from triggerbot.core import identity
from triggerbot.core.claim import CONTROL, Claim
from triggerbot.core.decision import Refusal
from triggerbot.core.model import PROVING, Event, HeadKind, Push, Result, Run
from triggerbot.core.needs import Needs
from triggerbot.core.verdict import base, verdict
from triggerbot.core.verdict.base import AtBase
from triggerbot.store import heads, observe, order
from triggerbot.store.documents import StoredPush, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import PUSH, REVISIONS, based_index, join, part_of, part_of_revision, push_of
from triggerbot.store.room import Reads, Room, Writes

#: Revisions that are looked through for a job, from the base backwards, and jobs that are looked for in all of them.
_STEPS_MAX, _JOBS_MAX = 10, 20_000
#: Pushes of one revision that are looked at; pushes that are told of news.
_SAME_MAX, _FOLLOWERS_MAX = 10, 200


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of the base of a push."""

    #: `None`: it is not known which revision that is.
    revision: str | None = None
    #: By the names of jobs: the newest that is known at the base or before it.
    jobs: Mapping[str, AtBase] = field(default_factory=dict)
    #: The revisions that were looked through.
    visited: tuple[str, ...] = ()


def of(
    view: Reader,
    push: Push,
    names: Collection[str],
    now: float,
    base_branch: str = "",
    proving: Collection[Result] = PROVING,
) -> Found:
    """Look for jobs, by the names that they have at every push, at the base of a push and before it.

    `now`: by it a run counts as lost that was asked for and is not listed. `base_branch`: of what branch the base is
    where the CI does not tell it; empty for none.
    """
    stored = _stored(view, part_of(push))
    revision = None if stored is None else _before(view, stored, base_branch)
    found: dict[str, AtBase] = {}
    visited: list[str] = []
    heard: list[str] = []
    step, room = revision, _JOBS_MAX
    while step is not None and step not in visited and len(visited) < _STEPS_MAX:
        visited.append(step)
        left = [name for name in names if name not in found][: max(0, room)]
        if visited[1:] and not left:
            break
        room -= len(left)
        pushes = list(_of_revision(view, push, step))
        heard += [one.push.revision for one in pushes]
        for one in pushes:
            found |= {name: at for name, at in _jobs(view, one, left, now, proving) if name not in found}
        earlier = (_before(view, one, base_branch) for one in pushes)
        step = next((one for one in earlier if one is not None), None)
    if stored is not None and revision is None and (line := _line(view, stored, base_branch)):
        # One may be heard of yet.
        visited.append(order.nowhere(line))
    # A base may be told by the beginning of its revision.
    return Found(revision, found, tuple(dict.fromkeys([*visited, *heard])))


def _stored(view: Reader, part: str) -> StoredPush | None:
    data = view.get([Doc(part, PUSH)])[0]
    return None if data is None else load(StoredPush, data)


def _of_revision(view: Reader, push: Push, revision: str) -> Iterator[StoredPush]:
    """Yield the pushes of a revision in a push's project, on whatever branch."""
    prefix = join(push.project.lower(), revision)
    for member in view.starting(REVISIONS, prefix, _SAME_MAX):
        part = part_of_revision(member)
        stored = _stored(view, part) if push_of(part).system == push.system else None
        if stored is not None and not stored.fork:
            yield stored


def _before(view: Reader, stored: StoredPush, base_branch: str) -> str | None:
    """Return the revision that a push is based on, as far as that is known."""
    if stored.base is not None:
        return stored.base
    line = _line(view, stored, base_branch)
    if line == stored.push.branch and not stored.fork and stored.parents:
        return stored.parents[0]
    return _newest(view, stored, line) if line else None


def _line(view: Reader, stored: StoredPush, base_branch: str) -> str:
    """Return the branch of which the push before a push is its base, where the CI tells none; empty if unknown."""
    branch = stored.push.branch
    if not stored.fork and (branch == base_branch or _is_default(view, stored.push)):
        return branch
    return base_branch


def _is_default(view: Reader, push: Push) -> bool:
    return any(one.kind is HeadKind.DEFAULT for one in heads.of_push(view, push))


def _newest(view: Reader, stored: StoredPush, branch: str) -> str | None:
    """Return the newest revision of a branch that was pushed before a push."""
    position = order.place(stored)
    if position is None:
        return None
    for other in order.before(view, stored.push._replace(branch=branch), position):
        before = _stored(view, part_of(other))
        # A branch that was just cut has the commit of what it was cut from: that is no base, but the same.
        if before is not None and not before.fork and other.revision != stored.push.revision:
            return other.revision
    return None


def _jobs(
    view: Reader, stored: StoredPush, names: Sequence[str], now: float, proving: Collection[Result]
) -> Iterator[tuple[str, AtBase]]:
    """Yield those of the jobs that came to an end that proves something at a push."""
    book = Book(view)
    book.load([stored.push], {} if stored.packed else {stored.push: names})
    ledger = book.ledger(stored.push)
    # At once, for each read takes a while.
    ledger.load_claims([one for name in names for job in ledger.family(name).values() for one in job.claims.values()])
    needs: Needs | None = None
    for name in names:
        family = {key: job for key, job in ledger.family(name).items() if _is_own(stored, key)}
        runs = {key: job.oldest_first(key) for key, job in family.items()}
        if needs is None and any(run.needs and run.failed for own in runs.values() for run in own):
            needs = Needs(run for key, job in ledger.jobs().items() for run in job.all_runs(key))
        known = {
            (own[-1].time or 0.0, key): at
            for key, own in runs.items()
            if (at := _at(ledger, key, own, needs, now, proving)) is not None
        }
        # Of several of one name the newest counts, and none that others may be mixed into.
        if known and not identity.mixed(runs):
            yield name, known[max(known)]


def _is_own(stored: StoredPush, key: str) -> bool:
    batch = stored.told.get(identity.batch_of(key))
    return batch is None or not batch.fork


def _at(
    ledger: Ledger, key: str, runs: Sequence[Run], needs: Needs | None, now: float, proving: Collection[Result]
) -> AtBase | None:
    job = ledger.job(key)
    if job is None or identity.differ(runs):
        return None
    own = [run for run in runs if needs is None or not needs.follows_from(run)]
    claims = ledger.values(ledger.load_claims(list(job.claims.values())))
    return base.at(ledger.push.revision, own, proving=proving, is_open=verdict.awaits(runs, claims, now))


def follow(transaction: Transaction, push: Push, revisions: Sequence[str], now: float) -> None:
    """Record which revisions the verdict on a push rests on: it is judged again when there is news of them."""
    book = Book(transaction)
    ledger = book.ledger(push)
    if ledger.stored is None or set(ledger.head.bases) >= set(revisions):
        return
    for revision in revisions:
        transaction.rank(based_index(push, revision), ledger.part, now)
    ledger.head.bases = list(dict.fromkeys([*ledger.head.bases, *revisions]))
    book.save(transaction)


def tell(transaction: Transaction, push: Push, now: float) -> None:
    """Make the pushes due to be judged again whose verdicts rest on this one."""
    book = Book(transaction)
    index = based_index(push, push.revision)
    followers = [push_of(part) for _, part in transaction.first(index, _FOLLOWERS_MAX, descending=True)]
    book.load(followers)
    for follower in followers:
        ledger = book.ledger(follower)
        if ledger.stored is not None:
            ledger.mark(now)
    book.save(transaction)


def renew(transaction: Transaction, claim: Claim, now: float) -> bool:
    """Claim a job anew whose claim was refused for what another job, or the base, did; return whether it was."""
    book = Book(transaction)
    ledger = book.ledger(claim.push)
    stored = None if ledger.stored is None else ledger.claim(claim.id)
    if stored is None or stored.refusal not in (Refusal.INHERITED, Refusal.SAME_CAUSE):
        return False
    ledger.drop_claim(stored)
    observe.make_claim(ledger, stored.job, stored.run, stored.origin, stored.dry, now)
    book.save(transaction)
    return True


def control(
    transaction: Transaction, claim: Claim, revision: str, listed: Event | None, now: float
) -> tuple[Push | None, bool]:
    """Claim one run at the base for the job of a claim, once; return the base's push, and whether that is new.

    `listed`: a run of the job there as the CI lists it, to begin with where nothing was heard of the base; it makes no
    claim of its own. `None` instead of a push: there is no run that could be run again.
    """
    book, name = Book(transaction), identity.base(claim.job)
    pushes = [one.push for one in _of_revision(transaction, claim.push, revision)]
    pushes += [] if listed is None or listed.push in pushes else [listed.push]
    book.load(pushes, dict.fromkeys(pushes, (name,)))
    for push in pushes:
        ledger = book.ledger(push)
        if listed is not None and listed.push == push and not (ledger.stored and ledger.family(name)):
            ledger.create(now)
            place = identity.place(listed, ())
            observe.record_run(ledger, place, ledger.change_job(place), listed)
        runs = {key: runs for key, job in ledger.family(name).items() if (runs := job.oldest_first(key))}
        if not runs:
            continue
        key = max(runs, key=lambda job: (runs[job][-1].time or 0.0, job))
        origin = f"{CONTROL}{claim.push.revision}"
        jobs = ledger.family(name).values()
        new = not any(one.startswith(CONTROL) for job in jobs for one in job.claims)
        if new:
            observe.make_claim(ledger, key, runs[key][-1].key, origin, claim.dry, now, wanted=1)
        book.save(transaction)
        return push, new
    return None, False


def uncontrolled(transaction: Transaction, claim: Claim, why: str, now: float) -> None:
    """Record in the story of a job that nothing could be run at the base, and why."""
    book = Book(transaction)
    ledger = book.ledger(claim.push)
    if ledger.stored is not None:
        ledger.record(
            "refuse", now, job=claim.job, run=claim.run.key, reason=Refusal.NOT_FOUND, text=why, origin=CONTROL
        )
        book.save(transaction)


class Bases(Room):
    """What is known of the base of a push."""

    of = Reads(of)
    follow = Writes(follow)
    tell = Writes(tell)
    renew = Writes(renew)
    control = Writes(control)
    uncontrolled = Writes(uncontrolled)
