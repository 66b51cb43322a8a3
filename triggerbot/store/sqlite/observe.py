"""Recording observed items: pushes, jobs, runs and the claims they make, inside one transaction of the writer."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from triggerbot.core import identity, proof
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.identity import Kept
from triggerbot.core.model import Batch, CommentCommand, Event, Head, Lead, Push, PushFacts, Result, RunKey, State
from triggerbot.core.policy import rules
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import DELIVERY_KEPT, REPEATED, REPORT_DELAY, Item, Notice, Observation, Outcome
from triggerbot.store.sqlite import codec, heads, queues
from triggerbot.store.sqlite.due import refresh_due

#: Seconds before a push's facts are fetched: often the next message contains them.
_FACTS_DELAY = 2.0
#: Characters of a message that are stored; its options were parsed from the whole.
_MESSAGE_MAX = 16_384
_UNWANTED = str(tuple(str(result) for result in sorted(rules.UNWANTED)))


def observe(
    connection: sqlite3.Connection,
    items: Sequence[Item],
    now: float,
    dry: bool,
    cursor: tuple[str, str] | None,
    deliveries: Sequence[str] = (),
) -> list[Outcome]:
    """Record a batch, in order. Idempotent."""
    if deliveries:
        known = _known_deliveries(connection, deliveries, now)
        pairs = zip(items, deliveries, strict=True)
        outcomes = [REPEATED if name in known else _item(connection, item, now, dry) for item, name in pairs]
    else:
        outcomes = [_item(connection, item, now, dry) for item in items]
    if cursor is not None:
        connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", cursor)
    return outcomes


def _known_deliveries(connection: sqlite3.Connection, deliveries: Sequence[str], now: float) -> set[str]:
    """Return the known deliveries. Stores the others, and deletes some old ones: up to twice as many as come in."""
    names = [name for name in dict.fromkeys(deliveries) if name]
    connection.execute(
        "DELETE FROM deliveries WHERE name IN (SELECT name FROM deliveries WHERE at < ? LIMIT ?)",
        (now - DELIVERY_KEPT, 2 * len(names)),
    )
    query = "INSERT OR IGNORE INTO deliveries VALUES (?, ?)"
    return {name for name in names if connection.execute(query, (name, now)).rowcount == 0}


def _item(connection: sqlite3.Connection, item: Item, now: float, dry: bool) -> Outcome:
    match item:
        case Observation():
            return _event(connection, item, now, dry)
        case Notice():
            return _notice(connection, item, now, dry)
        case Lead():
            return queues.add_lead(connection, item, now)
        case CommentCommand():
            return queues.add_command(connection, item, now)
        case Head():
            return heads.observe(connection, item, now)


def _event(connection: sqlite3.Connection, item: Observation, now: float, dry: bool) -> Outcome:
    event, seen = item.event, item.seen
    push, asks, author_known, reported = find_push(connection, event.push, now)
    due = False
    if (event.author is not None and not author_known) or (asks is None and item.asks is not None):
        facts = PushFacts(event.push, event.message, event.author)
        due = _learn(connection, push, facts, item.asks if asks is None else None, now, dry)
        asks = asks if asks is not None else item.asks
    if asks is None and seen.groups:
        _want_facts(connection, push, now + _FACTS_DELAY)
    job = _find_job(connection, push, event, seen.groups)
    if job is None:
        return Outcome(asks=asks, due=due)
    run, news = _record_run(connection, job, event)
    if news and not reported:
        changed(connection, push, now)
    if event.state is State.FINISHED and not event.batch:
        due |= _wake(connection, "job = ?", job, push, now)
    asked = None if asks is None else frozenset(asks.rebuild)
    if not (event.failed or rules.claims(seen, asked)):
        return Outcome(asks=asks, due=due, news=news)
    outcome = _claim(connection, item, asks, asked, (push, job, run), now, dry, news=news)
    if news and not outcome.claimed:
        _record_refusal(connection, item, outcome, (push, job, run), now, dry)
    return replace(outcome, due=due or outcome.due, news=news)


def _claim(
    connection: sqlite3.Connection,
    item: Observation,
    asks: PushOptions | None,
    asked: frozenset[str] | None,
    ids: tuple[int, int, int],
    now: float,
    dry: bool,
    *,
    news: bool,
) -> Outcome:
    push, job, run = ids
    earlier = next(iter(codec.claims(connection, "WHERE claims.job = ? AND claims.origin = ''", (job,))), None)
    if earlier is not None and rules.claims(item.seen, asked) and rules.reopens(earlier, item.event.key, news=news):
        connection.execute("DELETE FROM claims WHERE id = ?", (earlier.id,))
        earlier = None
    if earlier is None and rules.claims(item.seen, asked):
        insert_claim(connection, push, job, run, "", dry, now)
        return Outcome(claimed=True, asks=asks, due=True)
    return Outcome(earlier=earlier, asks=asks)


def _record_refusal(
    connection: sqlite3.Connection,
    item: Observation,
    outcome: Outcome,
    ids: tuple[int, int, int],
    now: float,
    dry: bool,
) -> None:
    refusal, earlier = item.seen.refusal, outcome.earlier
    if refusal is None and earlier is not None and item.seen.failed:
        refusal = rules.told(rules.repeated(earlier, outcome.asks))
    if refusal is not None:
        push, job, run = ids
        record_entry(connection, push, job, "refuse", now, reason=refusal, run=run, dry=dry)


def _notice(connection: sqlite3.Connection, item: Notice, now: float, dry: bool) -> Outcome:
    push, asks, _, _ = find_push(connection, item.facts.push, now)
    due = _learn(connection, push, item.facts, item.asks if asks is None else None, now, dry)
    if item.facts.settled:
        connection.execute("UPDATE pushes SET settled = ? WHERE id = ?", (now, push))
        due |= _wake(connection, "push = ?", push, push, now)
    return Outcome(asks=asks if asks is not None else item.asks, due=due)


def find_push(connection: sqlite3.Connection, push: Push, now: float) -> tuple[int, PushOptions | None, bool, bool]:
    """Find or create the row of a push.

    Returns the row, its options, whether its author is known, and whether it is due to be reported soon anyway.
    """
    row = connection.execute(
        "SELECT id, asks, last_heard, author IS NOT NULL, report_due <= ? FROM pushes "
        "WHERE revision = ? AND project = ? AND branch = ? AND system = ?",
        (now + REPORT_DELAY, push.revision, push.project, push.branch, push.system),
    ).fetchone()
    if row is None:
        added = connection.execute(
            "INSERT INTO pushes (system, project, branch, revision, first_heard, last_heard) VALUES (?, ?, ?, ?, ?, ?)",
            (*push, now, now),
        )
        return int(added.lastrowid or 0), None, False, False
    if row[2] < now - 60:
        connection.execute("UPDATE pushes SET last_heard = ? WHERE id = ?", (now, row[0]))
    return int(row[0]), codec.asks(row[1]), bool(row[3]), bool(row[4])


def _learn(
    connection: sqlite3.Connection, push: int, facts: PushFacts, asks: PushOptions | None, now: float, dry: bool
) -> bool:
    """Record facts that are not known yet; when the message becomes known, claim the jobs that it asks for.

    An author that only a fork's runs told of yields to that of the first run of the project itself.
    """
    yields = facts.own and facts.author is not None and not _has_own(connection, push)
    if yields:
        connection.execute("UPDATE pushes SET author = NULL WHERE id = ? AND fork = 1", (push,))
    learned = connection.execute(
        # Once one of its runs is known to be a fork's, the push stays a fork's.
        "UPDATE pushes SET author = coalesce(author, ?1), time = coalesce(time, ?2), "
        "fork = max(coalesce(fork, ?3), coalesce(?3, fork)) "
        "WHERE id = ?4 AND (author IS NULL AND ?1 IS NOT NULL OR time IS NULL AND ?2 IS NOT NULL "
        "OR coalesce(fork, -1) < ?3)",
        (facts.author, facts.time, facts.fork, push),
    ).rowcount
    told = [_learn_batch(connection, push, batch) for batch in facts.batches]
    if learned or asks is not None or any(told):
        changed(connection, push, now)
    if asks is None:
        return False
    connection.execute(
        "UPDATE pushes SET asks = ?, message = ?, facts_due = NULL WHERE id = ?",
        (codec.encode(asks), (facts.message or "")[:_MESSAGE_MAX], push),
    )
    refresh_due(connection, push)
    for problem in asks.problems:
        record_entry(connection, push, None, "note", now, text=problem)
    return _claim_requested(connection, push, frozenset(asks.rebuild), now, dry) if asks.rebuild else False


def _has_own(connection: sqlite3.Connection, push: int) -> bool:
    """Return whether a batch of the project itself is known of a push."""
    return connection.execute("SELECT 1 FROM batches WHERE push = ? AND fork = 0", (push,)).fetchone() is not None


def _learn_batch(connection: sqlite3.Connection, push: int, batch: Batch) -> bool:
    """Record what was told of a batch; returns whether that is news."""
    found = connection.execute(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?) ON CONFLICT (push, id) DO UPDATE SET "
        "event = coalesce(excluded.event, event), source = coalesce(excluded.source, source), "
        "fork = coalesce(excluded.fork, fork) WHERE event IS NOT coalesce(excluded.event, event) "
        "OR source IS NOT coalesce(excluded.source, source) OR fork IS NOT coalesce(excluded.fork, fork)",
        (push, batch.id, batch.event, batch.source, batch.fork),
    )
    return found.rowcount > 0


def _claim_requested(connection: sqlite3.Connection, push: int, asked: frozenset[str], now: float, dry: bool) -> bool:
    unclaimed = connection.execute(
        "SELECT jobs.id, jobs.groups, max(runs.id) FROM jobs JOIN runs ON runs.job = jobs.id WHERE jobs.push = ? "
        f"AND coalesce(runs.result, '') NOT IN {_UNWANTED} "
        "AND jobs.id NOT IN (SELECT job FROM claims WHERE push = ? AND origin = '') GROUP BY jobs.id",
        (push, push),
    ).fetchall()
    wanted = [(job, run) for job, groups, run in unclaimed if asked.intersection(groups.split(" "))]
    for job, run in wanted:
        insert_claim(connection, push, job, run, "", dry, now)
    return bool(wanted)


def _want_facts(connection: sqlite3.Connection, push: int, due: float) -> None:
    connection.execute(
        "UPDATE pushes SET facts_due = ?, due = min(coalesce(due, ?), ?) "
        "WHERE id = ? AND facts_due IS NULL AND facts_tries = 0",
        (due, due, due, push),
    )


def put_off_facts(connection: sqlite3.Connection, push: Push, due: float | None) -> None:
    """Postpone fetching a push's facts (`None`: for good)."""
    row = codec.push_id(connection, push)
    if row is not None:
        # Another process may have learned them meanwhile.
        connection.execute(
            "UPDATE pushes SET facts_due = CASE WHEN asks IS NULL THEN ? END, facts_tries = facts_tries + 1 "
            "WHERE id = ?",
            (due, row),
        )
        refresh_due(connection, row)


def _kept(connection: sqlite3.Connection, push: int, event: Event) -> list[Kept]:
    """Read the runs of all jobs of the push that have an event's name, in the order in which they were observed."""
    found = connection.execute(
        "SELECT jobs.name, run_id, attempt, batch, result FROM jobs JOIN runs ON runs.job = jobs.id "
        "WHERE jobs.push = ?1 AND (jobs.name = ?2 OR jobs.name > ?3 AND jobs.name < ?4) ORDER BY runs.id",
        (push, event.job, *identity.key_range(event.job)),
    )
    return [Kept(row[0], RunKey(row[1], row[2]), row[3], row[4] is not None and Result(row[4]).failed) for row in found]


def _find_job(connection: sqlite3.Connection, push: int, event: Event, groups: frozenset[str]) -> int | None:
    """Find or create the row of the job that an event's run belongs to; `None` if only a known run could follow up."""
    name = identity.place(event, _kept(connection, push, event)) if event.per_batch else event.job
    if event.follows_up and not _is_known(connection, push, name, event.run_id):
        return None
    row = connection.execute("SELECT id, groups FROM jobs WHERE push = ? AND name = ?", (push, name)).fetchone()
    text = " ".join(sorted(groups))
    if row is None:
        added = connection.execute(
            "INSERT INTO jobs (push, name, groups) VALUES (?, ?, ?)",
            (push, name, text),
        )
        return int(added.lastrowid or 0)
    if text and row[1] != text:
        connection.execute("UPDATE jobs SET groups = ? WHERE id = ?", (text, row[0]))
    return int(row[0])


def _is_known(connection: sqlite3.Connection, push: int, job: str, run_id: str) -> bool:
    """Whether a run of this id is known of the job."""
    query = "SELECT 1 FROM runs JOIN jobs ON jobs.id = runs.job WHERE jobs.push = ? AND jobs.name = ? AND run_id = ?"
    return connection.execute(query, (push, job, run_id)).fetchone() is not None


def _record_run(connection: sqlite3.Connection, job: int, event: Event) -> tuple[int, bool]:
    """Record how far a run has come, never backwards; returns its row and whether that is news."""
    row = connection.execute(
        "SELECT id, state, result, allowed_to_fail, retrigger_of, needs FROM runs "
        "WHERE job = ? AND run_id = ? AND attempt = ?",
        (job, event.run_id, event.attempt),
    ).fetchone()
    failures = codec.encode(event.failures) if event.failures else None
    needs = codec.encode(event.needs) if event.needs else None
    if row is None:
        added = connection.execute(
            "INSERT INTO runs (job, run_id, attempt, state, result, kind, tier, time, url, retrigger_of, pool, step, "
            "batch, failures, started, event, allowed_to_fail, needs) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (job, event.run_id, event.attempt, event.state, event.result, event.kind, event.tier, event.time)
            + (event.url, event.retrigger_of, event.pool, event.step, event.batch, failures, event.started)
            + (event.event, event.allowed_to_fail, needs),
        )
        return int(added.lastrowid or 0), True
    news = event.state.rank > State(row[1]).rank
    if news:
        connection.execute(
            "UPDATE runs SET state = ?, result = ?, kind = ?, tier = ?, time = coalesce(?, time), "
            "url = coalesce(?, url), retrigger_of = coalesce(?, retrigger_of), pool = coalesce(?, pool), "
            "step = coalesce(?, step), failures = coalesce(?, failures), started = coalesce(?, started), "
            "event = coalesce(?, event) WHERE id = ?",
            (event.state, event.result, event.kind, event.tier, event.time, event.url, event.retrigger_of)
            + (event.pool, event.step, failures, event.started, event.event, row[0]),
        )
    return int(row[0]), _correct(connection, event, row, needs) or news


def _correct(
    connection: sqlite3.Connection,
    event: Event,
    row: tuple[int, str, str | None, int, str | None, str | None],
    needs: str | None,
) -> bool:
    """Record what an event says more precisely of a known run; return whether that is news."""
    number, state, result, allowed, repeats, needed = row
    finer = state == State.FINISHED and result is not None and proof.corrects(event.result, Result(result))
    if finer:
        connection.execute("UPDATE runs SET result = ? WHERE id = ?", (event.result, number))
    if event.allowed_to_fail and not allowed:
        connection.execute("UPDATE runs SET allowed_to_fail = 1 WHERE id = ?", (number,))
    told = event.retrigger_of is not None and repeats is None
    if told:
        connection.execute("UPDATE runs SET retrigger_of = ? WHERE id = ?", (event.retrigger_of, number))
    if needs is not None and needs != needed:
        connection.execute("UPDATE runs SET needs = ? WHERE id = ?", (needs, number))
        told = True
    return finer or told or (event.allowed_to_fail and not allowed)


def insert_claim(
    connection: sqlite3.Connection, push: int, job: int, run: int, origin: str, dry: bool, now: float, wanted: int = 0
) -> int:
    """Create a claim, due at once."""
    added = connection.execute(
        "INSERT INTO claims (push, job, run, origin, state, dry, due, created, wanted) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (push, job, run, origin, ClaimState.OPEN, dry, now, now, wanted),
    )
    connection.execute("UPDATE pushes SET due = min(coalesce(due, ?), ?) WHERE id = ?", (now, now, push))
    changed(connection, push, now)
    return int(added.lastrowid or 0)


def _wake(connection: sqlite3.Connection, where: str, row: int, push: int, now: float) -> bool:
    """Make claims due that waited for something to settle."""
    woken = connection.execute(
        f"UPDATE claims SET due = ?, held = 0 WHERE {where} AND held = 1 AND state IN {codec.OPEN_STATES}", (now, row)
    ).rowcount
    if woken:
        refresh_due(connection, push)
    return woken > 0


def changed(connection: sqlite3.Connection, push: int, now: float) -> None:
    """Make a push due to be judged, unless it is due earlier."""
    connection.execute(
        "UPDATE pushes SET report_due = ?1 WHERE id = ?2 AND (report_due IS NULL OR report_due > ?1)",
        (now + REPORT_DELAY, push),
    )


def record_entry(
    connection: sqlite3.Connection,
    push: int,
    job: int | None,
    what: str,
    now: float,
    *,
    reason: Refusal | str = "",
    text: str = "",
    count: int = 0,
    dry: bool = False,
    run: int | None = None,
    origin: str = "",
) -> None:
    """Add an entry to a push's timeline; the same refusal of the same run is recorded once."""
    connection.execute(
        "INSERT OR IGNORE INTO story (at, push, job, run, origin, what, reason, count, dry, text) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (now, push, job, run, origin, what, str(reason), count, dry, text),
    )
    changed(connection, push, now)
