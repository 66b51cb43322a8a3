"""Doing what people ask for in comments and by buttons: who may is asked of the CI, and each gets an answer.

What is asked for becomes claims of their own, as with `triggerbot retrigger`: written down under the wish's name, so
that hearing it twice asks once, and sent by the dispatcher as soon as the CI allows.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, StoreUnavailable
from triggerbot.core.formatting import capital
from triggerbot.core.model import CommentCommand, Push, Refusal
from triggerbot.core.patterns import Globs
from triggerbot.core.policy import backoff, rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.metrics import Metrics
from triggerbot.reports import as_listed, comment_syntax, glossary
from triggerbot.reports.comment_syntax import USAGE, Command, Rebuild, Retry, Unclear, Why
from triggerbot.reports.judge import Judge
from triggerbot.reports.reporters.markdown import code
from triggerbot.store import JobRecord, PendingCommand, PushRecord, Store
from triggerbot.systems import Asker, System, TakesCommands

log = structlog.get_logger("triggerbot.wishes")

#: Seconds that one wish may take before somebody else takes it up; and after which nobody waits for it any more.
_LEASE, _GIVE_UP = 120.0, 86_400.0
#: Seconds until one is tried again that we ourselves fail on.
_BROKEN = 600.0
#: Under this name the answers are kept beside a push.
_ANSWERS = "answers"
#: Under this name is kept which of the newest wishes could not be done.
_IN_VAIN = "answers_in_vain"
#: What the origins of claims begin with that were asked for by those who may not write to the project.
_AUTHORS = "author:"
#: Answers that a push keeps, the newest; jobs that an answer names.
_ANSWERS_MAX, _NAMED_MAX = 10, 10


@dataclass(frozen=True, slots=True)
class Permission:
    """What people may ask for at one system, beside those who may write to the project."""

    #: Authors of pull requests may, too.
    authors: bool = False
    #: But for so many further runs at one commit.
    cap: int = 0
    #: At which pushes.
    covers: Callable[[Push], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """What goes for wishes."""

    rules: Sequence[Rule]
    #: By the names of systems; at others nobody may ask.
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    dry: bool = False


def answers(kept: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Read what was answered at a push, oldest first, from what is kept beside it: name of the wish, Markdown."""
    return tuple((name, text) for name, text in json.loads(kept.get(_ANSWERS, "[]")))


class CommentCommands:
    """Works off what people ask for. Any number of threads may use it."""

    def __init__(
        self,
        store: Store,
        systems: Mapping[str, System],
        judge: Judge,
        setting: CommandSettings,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._systems = systems
        self._judge = judge
        self._setting = setting
        self._clock = clock
        self._metrics = metrics
        #: What is left of a cap is counted and taken by one at a time.
        self._asking = threading.Lock()

    def step(self) -> bool:
        """Deal with one wish that is due; tells whether there was one. Raises `StoreUnavailable`."""
        asked = self._store.take_command(self._clock(), _LEASE)
        if asked is None:
            return False
        wish = asked.wish
        try:
            outcome = self._settle(wish)
        except NotKnown as error:
            # The commit may have been pushed a moment ago, and nothing be known of its jobs yet.
            return self._later(asked, str(error), None)
        except CIUnavailable as error:
            return self._later(asked, str(error), error.after)
        except CIDenied as error:
            return self._later(asked, str(error), backoff.exponential(asked.tries) + 60.0)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("wish.failed", system=wish.system, wish=wish.id)
            return self._later(asked, f"an error of triggerbot itself: {type(error).__name__}", _BROKEN)
        self._end(wish, outcome)
        return True

    def _later(self, asked: PendingCommand, why: str, after: float | None) -> bool:
        now = self._clock()
        if now - asked.since > _GIVE_UP:
            self._end(asked.wish, f"given up: {why}")
        else:
            log.info("wish.later", system=asked.wish.system, wish=asked.wish.id, reason=why)
            self._store.end_command(asked.wish, now + backoff.delay(asked.tries, after))
        return True

    def _end(self, wish: CommentCommand, outcome: str) -> None:
        log.info("wish", system=wish.system, project=wish.project, wish=wish.id, author=wish.author,
                 text=wish.text, outcome=outcome)  # fmt: skip
        self._metrics.wishes.labels(wish.system, outcome.partition(":")[0]).inc()
        self._store.end_command(wish, None)

    def _settle(self, wish: CommentCommand) -> str:
        """Do what is asked, answer, and show that it was heard; names what came of it. Raises `CIError`."""
        system, permission = self._systems.get(wish.system), self._setting.permissions.get(wish.system)
        if not isinstance(system, TakesCommands) or permission is None:
            return "nobody may ask here"
        asker = system.asker(wish)
        if not asker.may_write and not (asker.is_author and permission.authors):
            _react(system, wish, heard=False)
            return "not allowed"
        revision = wish.revision or system.revision(wish)
        with self._asking:
            records = [record for record in self._pushes(wish, revision) if permission.covers(as_listed(record))]
            if not records:
                return "nobody may ask here"
            theirs = [record for record in records if _theirs(record, asker)]
            heard = self._ask_at(theirs, wish, asker, permission)
        _react(system, wish, heard=heard)
        return "done" if heard else "not understood" if theirs else "not allowed"

    def _ask_at(
        self, records: Sequence[PushRecord], wish: CommentCommand, asker: Asker, permission: Permission
    ) -> bool:
        """Do what is asked at some pushes of a commit; tells whether anything of it was understood and possible."""
        origin = f"{'wish:' if asker.may_write else _AUTHORS}{wish.id}"
        asked = sum(_asked_by_authors(record, origin) for record in records)
        heard = False
        for record in records:
            told = self._at(record, wish, origin, None if asker.may_write else permission.cap - asked)
            asked += told.runs
            heard |= told.possible
        return heard

    def _pushes(self, wish: CommentCommand, revision: str) -> list[PushRecord]:
        found = [push for push in self._store.find(wish.project, revision) if push.system == wish.system]
        records = [record for push in found if (record := self._store.record(push)) is not None and record.jobs]
        if not records:
            raise NotKnown(f"no job of {wish.project} {revision} is known yet")
        return records

    def _at(self, record: PushRecord, wish: CommentCommand, origin: str, room: int | None) -> "_Reply":
        """Do what is asked at one push, under a name; `room`: for so many further runs (`None`: for any number)."""
        kept = self._store.metadata(record.push)
        if wish.id in (name for name, _ in answers(kept)):
            return _Reply([], 0, possible=wish.id not in json.loads(kept.get(_IN_VAIN, "[]")))
        told = _Reply([], 0, possible=False)
        asked = zip(comment_syntax.lines(wish.text), comment_syntax.read(wish.text), strict=True)
        for number, (line, command) in enumerate(asked):
            left = None if room is None else room - told.runs
            told = told.and_then(self._do(record, command, f"{origin}:{number}", left).to(line))
        if not told.possible:
            # Before the answer: whoever finds that later has to know how to react.
            in_vain = [*json.loads(kept.get(_IN_VAIN, "[]")), wish.id][-_ANSWERS_MAX:]
            self._store.set_metadata(record.push, _IN_VAIN, json.dumps(in_vain))
        text = f"{code(wish.author)}: " + " ".join(told.texts)
        listed = [*answers(kept), (wish.id, text)][-_ANSWERS_MAX:]
        self._store.set_metadata(record.push, _ANSWERS, json.dumps(listed))
        # What is only answered is no news of the push, but has to be reported.
        self._store.report_soon(record.push, self._clock())
        return told

    def _do(self, record: PushRecord, command: Command, name: str, room: int | None) -> "_Reply":
        match command:
            case Unclear(why):
                return _Reply([f"{why}. What can be asked: {USAGE}."], 0, possible=False)
            case Why(job):
                return self._why(record, job)
            case Rebuild(count, pattern):
                rule = rules.rule_for(self._setting.rules, record.push)
                jobs = [job for job in _matching(record, pattern) if rule is not None and _may(rule, record, job)]
                return self._ask(record, jobs, count, name, room)
            case Retry(""):
                judged = self._judge.judge(record)
                failed = {job.job for job in judged.jobs if job.troubles}
                # If we were killed before the answer was written down, some were asked for already.
                again = {job.job for job in record.jobs if any(claim.origin == name for claim in job.claims)}
                if not failed | again:
                    return _Reply([_nothing_failed(judged)], 0, possible=False)
                return self._ask(record, [job for job in record.jobs if job.job in failed | again], 1, name, room)
            case Retry(pattern):
                return self._ask(record, list(_matching(record, pattern)), 1, name, room)

    def _ask(self, record: PushRecord, jobs: Sequence[JobRecord], count: int, name: str, room: int | None) -> "_Reply":
        """Record what is asked for as claims."""
        rule = rules.rule_for(self._setting.rules, record.push)
        if rule is None:
            return _Reply([f"{glossary.REFUSALS[Refusal.NOT_WATCHED]}"], 0, possible=False)
        if not jobs:
            return _Reply(["No job of this commit matches that."], 0, possible=False)
        if count > rule.requested_max:
            return _Reply(
                [f"At most {rule.requested_max} further runs of a job may be asked for here."], 0, possible=False
            )
        if room is not None and count * len(jobs) > room:
            return _Reply([_no_room(count * len(jobs), room)], 0, possible=False)
        now = self._clock()
        for job in jobs:
            self._store.ask(record.push, job.job, count, name, dry=self._setting.dry, now=now)
        runs = "1 further run" if count == 1 else f"{count} further runs"
        would = "Dry run, so nothing is sent: would ask" if self._setting.dry else "Asked"
        return _Reply([f"{would} for {runs} of {_named(jobs)}."], count * len(jobs), possible=True)

    def _why(self, record: PushRecord, wanted: str) -> "_Reply":
        """Tell why jobs were, or were not, retriggered."""
        jobs = list(_matching(record, wanted))[:_NAMED_MAX]
        if not jobs:
            return _Reply([f"No job of this commit is called {code(wanted)}."], 0, possible=False)
        judged = {job.job: job for job in self._judge.judge(record).jobs}
        return _Reply(
            [f"{code(job.job)}: {_story(job)} {glossary.proof(judged[job.job])}" for job in jobs], 0, possible=True
        )


@dataclass(frozen=True, slots=True)
class _Reply:
    """What came of commands."""

    texts: list[str]
    #: Further runs that were asked for.
    runs: int
    possible: bool

    def to(self, line: str) -> "_Reply":
        """Say what it answers."""
        return replace(self, texts=[f"{code(line)}: {' '.join(self.texts)}"])

    def and_then(self, other: "_Reply") -> "_Reply":
        return _Reply([*self.texts, *other.texts], self.runs + other.runs, self.possible or other.possible)


def _react(system: TakesCommands, wish: CommentCommand, *, heard: bool) -> None:
    """Show that a wish was heard, where that can be shown: a comment may be deleted, and all is done by then."""
    try:
        system.react(wish, heard=heard)
    except (CIDenied, NotKnown) as error:
        log.warning("wish.no_reaction", system=wish.system, wish=wish.id, error=str(error))


def _theirs(record: PushRecord, asker: Asker) -> bool:
    """Tell whether somebody may ask at a push; raises `NotKnown` while nobody knows whose it is."""
    if asker.may_write or asker.pushes_of is None:
        return True
    if record.facts.author is None:
        raise NotKnown(f"whose push {record.push.revision} is, is not known yet")
    return record.facts.author.lower() == asker.pushes_of.lower()


def _asked_by_authors(record: PushRecord, but: str) -> int:
    """Count the further runs that were asked for by those who may not write to the project, but for one wish."""
    claims = (claim for job in record.jobs for claim in job.claims)
    return sum(
        claim.wanted for claim in claims if claim.origin.startswith(_AUTHORS) and not claim.origin.startswith(f"{but}:")
    )


def _no_room(wanted: int, room: int) -> str:
    return (
        f"That would be {wanted} further runs; without permission to write to the repository, {max(0, room)} more may "
        "be asked for at this commit."
    )


def _nothing_failed(judged: PushVerdict) -> str:
    if any(job.verdict is Verdict.PENDING and any(run.failed for run in job.runs) for job in judged.jobs):
        return "What failed is being run again already."
    return "No job of this commit is failing."


def _matching(record: PushRecord, pattern: str) -> Iterator[JobRecord]:
    """Yield the job of this name, or else those that match."""
    exact = [job for job in record.jobs if job.job == pattern]
    globs = Globs([pattern, f"* / {pattern}"])
    yield from exact or (job for job in record.jobs if globs.match(job.job))


def _may(rule: Rule, record: PushRecord, job: JobRecord) -> bool:
    """Tell whether a request for every test job means this one."""
    against = set(rules.refusals(rule, job.runs[-1], record.facts.author))
    return not against - {Refusal.RESULT_EXCLUDED, Refusal.STEP_EXCLUDED, Refusal.AUTHOR_EXCLUDED}


def _story(job: JobRecord) -> str:
    """Say what was decided about a job, and why."""
    told = []
    for claim in job.claims:
        if claim.cause is not None:
            runs = "1 further run was" if claim.wanted == 1 else f"{claim.wanted} further runs were"
            told.append(f"{runs} decided, since {glossary.CAUSES[claim.cause]}.")
        elif claim.refusal is not None:
            told.append(f"Not retriggered, `{claim.refusal}`: {glossary.REFUSALS[claim.refusal]}")
        else:
            told.append(f"{capital(glossary.CLAIMS[claim.state])}.")
    return " ".join(told) or glossary.nothing_to_decide(job.runs[-1])


def _named(jobs: Sequence[JobRecord]) -> str:
    names = ", ".join(code(job.job) for job in jobs[:_NAMED_MAX])
    more = len(jobs) - _NAMED_MAX
    return f"{names} and {more} more" if more > 0 else names
