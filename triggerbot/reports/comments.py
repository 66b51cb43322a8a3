"""Carries out comment commands (and buttons): asks the CI who may, records claims, and answers each command.

Requested runs become claims of their own, as with `triggerbot retrigger`: recorded under the command's id, so that a
repeated delivery requests them once, and sent by the dispatcher as soon as the CI allows.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from triggerbot.core.decision import Refusal
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, StoreUnavailable
from triggerbot.core.formatting import capital
from triggerbot.core.model import CommentCommand, Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy import backoff, rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.metrics import Metrics
from triggerbot.reports import as_listed, comment_syntax, glossary, reactions, requeue, superseded
from triggerbot.reports.branches import backfills
from triggerbot.reports.branches import commands as branch_commands
from triggerbot.reports.branches.look import Look
from triggerbot.reports.comment_syntax import USAGE, Backfill, Command, Rebuild, Retry, Silence, Unclear, Why
from triggerbot.reports.judge import Judge
from triggerbot.reports.reporters.markdown import LINE_MAX, code
from triggerbot.reports.requeue import Requeues
from triggerbot.store import Cap, JobRecord, PendingCommand, PushRecord, Store
from triggerbot.store.actions import Act, Action, Via
from triggerbot.systems import Asker, System, TakesCommands

log = structlog.get_logger("triggerbot.wishes")

#: Seconds of the lease on a command, after which another worker takes it; and after which it is given up.
_LEASE, _GIVE_UP = 120.0, 86_400.0
#: Seconds until the next try after an error of our own.
_BROKEN = 600.0
#: Metadata of a push: the answers.
_ANSWERS = "answers"
#: Metadata of a push: the newest commands that could not be done.
_REJECTED = "answers_in_vain"
#: Prefix of the origins of claims requested by people without write permission for the project.
_AUTHORS = "author:"
#: Answers stored for a push, the newest; jobs named in an answer.
_ANSWERS_MAX, _NAMED_MAX = 10, 10


@dataclass(frozen=True, slots=True)
class Permission:
    """Permission to give commands at one system, for people who may not write to the project."""

    #: Whether authors of pull requests may, too.
    authors: bool = False
    #: Further runs that they may request at one commit, at most.
    cap: int = 0
    #: Whether a push, named `as_listed`, takes commands.
    covers: Callable[[Push], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """The settings of comment commands."""

    rules: Sequence[Rule]
    #: By the names of systems; at others there are no commands.
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    dry: bool = False


def answers(metadata: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the answers in a push's metadata, oldest first: pairs of the command's id and Markdown."""
    return tuple((name, text) for name, text in json.loads(metadata.get(_ANSWERS, "[]")))


class CommentCommands:
    """The worker for comment commands. Thread-safe."""

    def __init__(
        self,
        store: Store,
        systems: Mapping[str, System],
        judge: Judge,
        settings: CommandSettings,
        look: Look = lambda _: None,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._systems = systems
        self._judge = judge
        self._settings = settings
        self._look = look
        self._clock = clock
        self._metrics = metrics
        self._requeues = Requeues(store, systems, judge, dry=settings.dry, clock=clock)

    def step(self) -> bool:
        """Process one command that is due; return whether there was one. Raises `StoreUnavailable`."""
        pending = self._store.commands.take(self._clock(), _LEASE)
        if pending is None:
            return False
        command = pending.wish
        try:
            evicted = requeue.is_eviction(command)
            outcome = self._requeues.settle(command) if evicted else self._settle(command)
        except NotKnown as error:
            # The commit may have been pushed a moment ago, so that no job of it is known yet.
            return self._later(pending, str(error), None)
        except CIUnavailable as error:
            return self._later(pending, str(error), error.after)
        except CIDenied as error:
            return self._later(pending, str(error), backoff.exponential(pending.tries) + 60.0)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("wish.failed", system=command.system, wish=command.id)
            return self._later(pending, f"an error of triggerbot itself: {type(error).__name__}", _BROKEN)
        self._end(command, outcome)
        return True

    def _later(self, pending: PendingCommand, why: str, after: float | None) -> bool:
        now = self._clock()
        if now - pending.since > _GIVE_UP:
            self._end(pending.wish, f"given up: {why}")
        else:
            log.info("wish.later", system=pending.wish.system, wish=pending.wish.id, reason=why)
            self._store.commands.end(pending.wish, now + backoff.delay(pending.tries, after))
        return True

    def _end(self, command: CommentCommand, outcome: str) -> None:
        log.info("wish", system=command.system, project=command.project, wish=command.id, author=command.author,
                 text=command.text, outcome=outcome)  # fmt: skip
        self._metrics.wishes.labels(command.system, outcome.partition(":")[0]).inc()
        self._store.commands.end(command, None)

    def _settle(self, command: CommentCommand) -> str:
        """Carry out a command, answer it and react to it; return the outcome. Raises `CIError`."""
        system, permission = self._systems.get(command.system), self._settings.permissions.get(command.system)
        if not isinstance(system, TakesCommands) or permission is None:
            return "nobody may ask here"
        if command.about is not None:
            return branch_commands.settle(
                self._store, self._look, system, command, self._settings.rules, self._clock(), dry=self._settings.dry
            )
        asker = system.asker(command)
        if not asker.may_write and not (asker.is_author and permission.authors):
            reactions.react(system, command, heard=False)
            return "not allowed"
        revision = command.revision or system.revision(command)
        records = [record for record in self._pushes(command, revision) if permission.covers(as_listed(record))]
        if not records:
            return "nobody may ask here"
        allowed = [record for record in records if _may_ask(record, asker)]
        possible = self._at_pushes(allowed, command, asker, permission)
        reactions.react(system, command, heard=possible)
        return "done" if possible else "not understood" if allowed else "not allowed"

    def _at_pushes(
        self, records: Sequence[PushRecord], command: CommentCommand, asker: Asker, permission: Permission
    ) -> bool:
        """Carry out a command at pushes of a commit; return whether any of it was understood and possible."""
        origin = f"{'wish:' if asker.may_write else _AUTHORS}{command.id}"
        pushes = tuple(record.push for record in records)
        cap = None if asker.may_write else Cap(permission.cap, pushes, _AUTHORS)
        replies = [self._at_push(record, command, origin, cap) for record in records]
        return any(reply.possible for reply in replies)

    def _pushes(self, command: CommentCommand, revision: str) -> list[PushRecord]:
        found = [push for push in self._store.pushes.find(command.project, revision) if push.system == command.system]
        records = [record for push in found if (record := self._store.pushes.record(push)) is not None and record.jobs]
        if not records:
            raise NotKnown(f"no job of {command.project} {revision} is known yet")
        return records

    def _at_push(self, record: PushRecord, command: CommentCommand, origin: str, cap: Cap | None) -> "_Reply":
        """Carry out a command at one push; `cap`: of further runs that may be requested (`None`: any number)."""
        metadata = self._store.facts.metadata(record.push)
        if command.id in (name for name, _ in answers(metadata)):
            return _Reply([], possible=command.id not in json.loads(metadata.get(_REJECTED, "[]")))
        reply = _Reply([], possible=False)
        lines = zip(comment_syntax.lines(command.text), comment_syntax.read(command.text), strict=True)
        for number, (line, parsed) in enumerate(lines):
            reply = reply.and_then(self._do(record, parsed, f"{origin}:{number}", cap, command.author).to(line))
        if not reply.possible:
            # Stored before the answer: a retry that finds the answer has to know how to react.
            rejected = [*json.loads(metadata.get(_REJECTED, "[]")), command.id][-_ANSWERS_MAX:]
            self._store.facts.set_metadata(record.push, _REJECTED, json.dumps(rejected))
        text = f"{code(command.author)}: " + " ".join(reply.texts)
        listed = [*answers(metadata), (command.id, text)][-_ANSWERS_MAX:]
        self._store.facts.set_metadata(record.push, _ANSWERS, json.dumps(listed))
        # An answer changes nothing in the push, so the report has to be scheduled.
        self._store.reports.soon(record.push, self._clock())
        return reply

    def _do(self, record: PushRecord, parsed: Command, origin: str, cap: Cap | None, by: str) -> "_Reply":
        match parsed:
            case Silence():
                return _Reply(["That is asked for on the issue of a branch."], possible=False)
            case Unclear(why):
                return _Reply([f"{why}. What can be asked: {USAGE}."], possible=False)
            case Why(job):
                return self._why(record, job)
            case Backfill(job):
                return self._backfill(record, job, by, cap)
            case Rebuild(count, pattern):
                rule = rules.rule_for(self._settings.rules, record.push)
                jobs = [job for job in _matching(record, pattern) if rule is not None and _includes(rule, record, job)]
                return self._request(record, jobs, count, origin, cap, by)
            case Retry(""):
                judged = self._judge.judge(record)
                failed = {job.job for job in judged.jobs if job.troubles}
                # If we were killed before the answer was stored, some may have been requested already.
                again = {job.job for job in record.jobs if any(claim.origin == origin for claim in job.claims)}
                if not failed | again:
                    return _Reply([_nothing_failed(judged)], possible=False)
                return self._request(
                    record, [job for job in record.jobs if job.job in failed | again], 1, origin, cap, by
                )
            case Retry(pattern):
                return self._request(record, list(_matching(record, pattern)), 1, origin, cap, by)

    def _request(
        self, record: PushRecord, jobs: Sequence[JobRecord], count: int, origin: str, cap: Cap | None, by: str
    ) -> "_Reply":
        """Record claims for further runs of jobs, or say why not."""
        rule = rules.rule_for(self._settings.rules, record.push)
        if rule is None:
            return _Reply([f"{glossary.REFUSALS[Refusal.NOT_WATCHED]}"], possible=False)
        if not jobs:
            return _Reply(["No job of this commit matches that."], possible=False)
        if count > rule.requested_max:
            return _Reply(
                [f"At most {rule.requested_max} further runs of a job may be asked for here."], possible=False
            )
        names = [job.job for job in jobs]
        now, push = self._clock(), record.push
        only = names[0] if len(names) == 1 else ""
        # The same comment is about each push of its commit.
        action = Action(f"{origin}:{push.branch}", now, Act.RETRIGGER, by, Via.COMMENT, push, only, len(names), count)
        left = self._store.claims.ask_within(
            push, names, count, origin, dry=self._settings.dry, now=now, cap=cap, action=action
        )
        if left is not None:
            return _Reply([_no_room(count * len(jobs), left)], possible=False)
        runs = "1 further run" if count == 1 else f"{count} further runs"
        would = "Dry run, so nothing is sent: would ask" if self._settings.dry else "Asked"
        texts = [f"{would} for {runs} of {_named(jobs)}."]
        warning = superseded.warning(record)
        if warning:
            # It names the branch.
            texts.append(f"Note that {code(warning, LINE_MAX)}.")
        return _Reply(texts, possible=True)

    def _backfill(self, record: PushRecord, wanted: str, by: str, cap: Cap | None) -> "_Reply":
        """Begin to look for who broke a job, or say why not."""
        rule, job = rules.rule_for(self._settings.rules, record.push), next(_matching(record, wanted), None)
        if cap is not None:
            return _Reply(["Only who may write to the repository may ask who broke a job."], possible=False)
        if rule is None or job is None:
            return _Reply([f"No job of this commit is called {code(wanted)}, or no rule watches it."], possible=False)
        asked = backfills.ask(
            self._store, rule, backfills.place_of(record.push), job.name, self._clock(), by=by, dry=self._settings.dry,
            at=record.push.revision,
        )  # fmt: skip
        going = "" if asked.search is None else f" The search {'begins' if asked.is_new else 'goes on'}."
        # It names an author, or the job.
        return _Reply(
            [f"{code(asked.words, LINE_MAX)}.{going}"],
            possible=asked.search is not None or asked.conclusion is not None,
        )

    def _why(self, record: PushRecord, wanted: str) -> "_Reply":
        """Explain why jobs were, or were not, retriggered."""
        jobs = list(_matching(record, wanted))[:_NAMED_MAX]
        if not jobs:
            return _Reply([f"No job of this commit is called {code(wanted)}."], possible=False)
        judged = {job.job: job for job in self._judge.judge(record).jobs}
        return _Reply(
            [f"{code(job.job)}: {_decisions(job)} {glossary.proof(judged[job.job])}" for job in jobs], possible=True
        )


@dataclass(frozen=True, slots=True)
class _Reply:
    """The answer to commands."""

    texts: list[str]
    #: Whether any command was understood and possible.
    possible: bool

    def to(self, line: str) -> "_Reply":
        """Return it as the answer to this line."""
        return replace(self, texts=[f"{code(line)}: {' '.join(self.texts)}"])

    def and_then(self, other: "_Reply") -> "_Reply":
        return _Reply([*self.texts, *other.texts], self.possible or other.possible)


def _may_ask(record: PushRecord, asker: Asker) -> bool:
    """Return whether a person may give commands at a push; raises `NotKnown` while its author is not known."""
    if asker.may_write or asker.pushes_of is None:
        return True
    if record.facts.author is None:
        raise NotKnown(f"whose push {record.push.revision} is, is not known yet")
    return record.facts.author.lower() == asker.pushes_of.lower()


def _no_room(wanted: int, room: int) -> str:
    return (
        f"That would be {wanted} further runs; without permission to write to the repository, {room} more may "
        "be asked for at this commit."
    )


def _nothing_failed(judged: PushVerdict) -> str:
    if any(job.verdict is Verdict.PENDING and any(run.failed for run in job.runs) for job in judged.jobs):
        return "What failed is being run again already."
    return "No job of this commit is failing."


def _matching(record: PushRecord, pattern: str) -> Iterator[JobRecord]:
    """Yield the job of this name, or else the jobs that match the pattern."""
    exact = record.named(pattern)
    globs = Globs([pattern, f"* / {pattern}"])
    yield from exact or (job for job in record.jobs if globs.match(job.job) or globs.match(job.name))


def _includes(rule: Rule, record: PushRecord, job: JobRecord) -> bool:
    """Return whether a request for every test job includes this one."""
    refusals = set(rules.refusals(rule, job.runs[-1], record.facts.author))
    return not refusals - {Refusal.RESULT_EXCLUDED, Refusal.STEP_EXCLUDED, Refusal.AUTHOR_EXCLUDED}


def _decisions(job: JobRecord) -> str:
    """Describe what was decided about a job, and why."""
    sentences = []
    for claim in job.claims:
        if claim.cause is not None:
            runs = "1 further run was" if claim.wanted == 1 else f"{claim.wanted} further runs were"
            sentences.append(f"{runs} decided, since {glossary.CAUSES[claim.cause]}.")
        elif claim.refusal is not None:
            sentences.append(f"Not retriggered, `{claim.refusal}`: {glossary.REFUSALS[claim.refusal]}")
        else:
            sentences.append(f"{capital(glossary.CLAIMS[claim.state])}.")
    return " ".join(sentences) or glossary.nothing_to_decide(job.runs[-1])


def _named(jobs: Sequence[JobRecord]) -> str:
    names = ", ".join(code(job.job) for job in jobs[:_NAMED_MAX])
    more = len(jobs) - _NAMED_MAX
    return f"{names} and {more} more" if more > 0 else names
