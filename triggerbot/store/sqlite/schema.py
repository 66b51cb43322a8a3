"""The tables, as migrations from each version to the next."""

import sqlite3
from pathlib import Path

from triggerbot.core.errors import StoreUnusable

#: Migration i takes a store from version i to i+1; never change one that was released.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE pushes (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, project TEXT NOT NULL, branch TEXT NOT NULL, revision TEXT NOT NULL,
        author TEXT, message TEXT, time REAL, fork INTEGER,
        asks TEXT,                      -- JSON; NULL: not known yet
        due REAL,                       -- when the dispatcher has to look at it; NULL: nothing open
        settled REAL,                   -- when something of it came to rest, as far as was told
        facts_due REAL, facts_tries INTEGER NOT NULL DEFAULT 0,
        first_heard REAL NOT NULL, last_heard REAL NOT NULL,
        UNIQUE (revision, project, branch, system)
    );
    CREATE INDEX pushes_due ON pushes (due) WHERE due IS NOT NULL;
    CREATE INDEX pushes_last_heard ON pushes (last_heard);

    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        name TEXT NOT NULL,
        groups TEXT NOT NULL,           -- by which a push may ask for it, parted by spaces
        UNIQUE (push, name)
    );

    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, result TEXT, kind TEXT NOT NULL, tier INTEGER NOT NULL, time REAL, url TEXT,
        retrigger_of TEXT, pool TEXT, step TEXT,
        batch TEXT NOT NULL, failures TEXT,
        UNIQUE (job, run_id, attempt)
    );

    CREATE TABLE claims (
        id INTEGER PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        origin TEXT NOT NULL,           -- empty: the bot itself; else the id of what a person asked for
        state TEXT NOT NULL, dry INTEGER NOT NULL, cause TEXT, refusal TEXT,
        wanted INTEGER NOT NULL DEFAULT 0, asked INTEGER NOT NULL DEFAULT 0, known_runs INTEGER NOT NULL DEFAULT 0,
        spent INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,
        lookups INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
        due REAL, note TEXT NOT NULL DEFAULT '', operation TEXT, created REAL NOT NULL,
        UNIQUE (job, origin)
    );
    CREATE INDEX claims_push ON claims (push);
    -- Without these two, forgetting a push would read whole tables for each of its runs and jobs.
    CREATE INDEX claims_run ON claims (run);

    CREATE TABLE operations (
        id TEXT PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        claims TEXT NOT NULL, count INTEGER NOT NULL, started REAL NOT NULL, baseline TEXT NOT NULL,
        sends INTEGER NOT NULL, misses INTEGER NOT NULL
    );
    CREATE INDEX operations_push ON operations (push);

    CREATE TABLE story (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        job INTEGER REFERENCES jobs ON DELETE CASCADE,
        run INTEGER, origin TEXT NOT NULL DEFAULT '',
        what TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', count INTEGER NOT NULL DEFAULT 0,
        dry INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX story_push ON story (push);
    CREATE INDEX story_job ON story (job);
    CREATE INDEX story_at ON story (at);
    -- Hearing the same again adds nothing to the story.
    CREATE UNIQUE INDEX story_refusals ON story (job, run, reason, origin) WHERE what = 'refuse';

    CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, system TEXT NOT NULL, intake TEXT NOT NULL,
        reason TEXT NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL
    );
    CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    CREATE TABLE lead_groups (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        due REAL, tries INTEGER NOT NULL DEFAULT 0, since REAL NOT NULL,
        UNIQUE (name, system)
    );
    CREATE INDEX lead_groups_due ON lead_groups (due);
    CREATE TABLE leads (
        lead_group INTEGER NOT NULL REFERENCES lead_groups ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, rank INTEGER NOT NULL, result TEXT, failed INTEGER NOT NULL, time REAL,
        PRIMARY KEY (lead_group, run_id, attempt)
    ) WITHOUT ROWID;

    CREATE TABLE crashes (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, worker TEXT NOT NULL, ended TEXT NOT NULL,
        error TEXT NOT NULL, trace TEXT NOT NULL, place INTEGER NOT NULL
    );
    """,
    """
    CREATE TABLE breakers (
        place TEXT PRIMARY KEY, version INTEGER NOT NULL, open INTEGER NOT NULL, changed REAL NOT NULL,
        value TEXT NOT NULL             -- JSON
    ) WITHOUT ROWID;
    CREATE TABLE held (
        behind TEXT NOT NULL, claim INTEGER NOT NULL REFERENCES claims ON DELETE CASCADE,
        PRIMARY KEY (behind, claim)
    ) WITHOUT ROWID;
    CREATE INDEX held_claim ON held (claim);
    -- What left in each piece of time, by the names of caps.
    CREATE TABLE sent (
        name TEXT NOT NULL, piece INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (name, piece)
    ) WITHOUT ROWID;
    -- JSON: the names of caps and the piece of time that an operation counts against; empty: against none.
    ALTER TABLE operations ADD COLUMN charged TEXT NOT NULL DEFAULT '';

    -- Webhooks that were stored, so that none is observed twice.
    CREATE TABLE deliveries (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX deliveries_at ON deliveries (at);
    """,
    """
    ALTER TABLE runs ADD COLUMN started REAL;
    -- When a push has to be judged and reported, and until when somebody does.
    ALTER TABLE pushes ADD COLUMN report_due REAL;
    ALTER TABLE pushes ADD COLUMN report_lease REAL;
    CREATE INDEX pushes_report_due ON pushes (report_due) WHERE report_due IS NOT NULL;
    CREATE INDEX pushes_report_lease ON pushes (report_lease) WHERE report_lease IS NOT NULL;
    CREATE INDEX pushes_project ON pushes (project, last_heard);
    CREATE INDEX pushes_branch ON pushes (project, branch, first_heard);

    CREATE TABLE judgements (
        push INTEGER PRIMARY KEY REFERENCES pushes ON DELETE CASCADE,
        health TEXT NOT NULL, sentence TEXT NOT NULL, counts TEXT NOT NULL, judged REAL NOT NULL
    );
    CREATE INDEX judgements_judged ON judgements (judged);
    CREATE TABLE kept (
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (push, name)
    ) WITHOUT ROWID;
    CREATE TABLE sightings (
        job INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
        project TEXT NOT NULL,          -- that of its push, beside which the newest are sought
        at REAL NOT NULL, failed INTEGER NOT NULL, passed INTEGER NOT NULL, shapes TEXT NOT NULL, passing TEXT NOT NULL
    );
    CREATE INDEX sightings_project ON sightings (project, at);

    CREATE TABLE wishes (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        value TEXT NOT NULL,            -- JSON; empty: settled
        since REAL NOT NULL, due REAL, tries INTEGER NOT NULL DEFAULT 0,
        UNIQUE (name, system)
    );
    CREATE INDEX wishes_due ON wishes (due) WHERE due IS NOT NULL;
    CREATE INDEX wishes_since ON wishes (since);
    """,
    """
    -- What made the CI run it, where it says so; and whether the CI does not count its failures.
    ALTER TABLE runs ADD COLUMN event TEXT;
    ALTER TABLE runs ADD COLUMN allowed_to_fail INTEGER NOT NULL DEFAULT 0;
    -- What the CI told of batches of runs, where jobs are told apart by them.
    CREATE TABLE batches (
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        id TEXT NOT NULL, event TEXT, source TEXT, fork INTEGER,
        PRIMARY KEY (push, id)
    ) WITHOUT ROWID;
    """,
    """
    -- JSON: the names of the jobs that it needs.
    ALTER TABLE runs ADD COLUMN needs TEXT;
    """,
    """
    -- What the store consists of, see `store.engine`.
    CREATE TABLE parts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE documents (
        part INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (part, kind, name)
    ) WITHOUT ROWID;
    CREATE TABLE logs (
        part INTEGER NOT NULL, number INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (part, number)
    ) WITHOUT ROWID;
    CREATE TABLE indexes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE ranks (
        list INTEGER NOT NULL, member TEXT NOT NULL, number REAL NOT NULL, PRIMARY KEY (list, member)
    ) WITHOUT ROWID;
    CREATE INDEX ranks_number ON ranks (list, number);
    CREATE TABLE sums (
        key TEXT NOT NULL, field TEXT NOT NULL, amount REAL NOT NULL, PRIMARY KEY (key, field)
    ) WITHOUT ROWID;
    """,
)

VERSION = len(MIGRATIONS)
#: Tables of which a store has one: of all versions before the newest, and of that.
_OWN = frozenset({"pushes", "parts"})


def check_own(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a store, 0 of an empty file; raises `StoreUnusable` if it is another program's."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if (version <= VERSION and tables and not tables & _OWN) or (version == 0 and tables):
        raise StoreUnusable(f"{path} is the database of another program: name another file as `store`")
    return version


def is_older(path: Path) -> bool:
    """Return whether a file looks like the store of an earlier version, by its header: it is not opened for that."""
    try:
        with path.open("rb") as file:
            header = file.read(64)
    except (OSError, ValueError):
        return False
    return header.startswith(b"SQLite format 3\0") and 0 < int.from_bytes(header[60:64]) < VERSION
