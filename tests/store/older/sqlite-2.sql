BEGIN TRANSACTION;
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
INSERT INTO "claims" VALUES(4,3,1,1,'','done',0,'failure',NULL,2,2,1,1,0,0,0,11.0,'HTTP 201',NULL,10.0);
INSERT INTO "claims" VALUES(6,7,2,3,'','open',0,NULL,NULL,0,0,0,0,1,0,0,40.0,'waits',NULL,31.0);
INSERT INTO "claims" VALUES(9,3,3,4,'','unknown',0,'failure',NULL,2,0,1,1,0,0,0,900.0,'in doubt','op-2',12.0);
CREATE TABLE crashes (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, worker TEXT NOT NULL, ended TEXT NOT NULL,
        error TEXT NOT NULL, trace TEXT NOT NULL, place INTEGER NOT NULL
    );
INSERT INTO "crashes" VALUES(1,15.0,'host/2','SIGKILL','boom','at x',1);
CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "cursors" VALUES('poll:ci','7.0');
CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, system TEXT NOT NULL, intake TEXT NOT NULL,
        reason TEXT NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL
    );
INSERT INTO "dead_letters" VALUES(5,14.0,'ci','pulse','not JSON',X'00FF7B','{"a":"b"}');
CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        name TEXT NOT NULL,
        groups TEXT NOT NULL,           -- by which a push may ask for it, parted by spaces
        UNIQUE (push, name)
    );
INSERT INTO "jobs" VALUES(1,3,'job','* g1');
INSERT INTO "jobs" VALUES(2,7,'job','*');
INSERT INTO "jobs" VALUES(3,3,'owed','');
CREATE TABLE lead_groups (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        due REAL, tries INTEGER NOT NULL DEFAULT 0, since REAL NOT NULL,
        UNIQUE (name, system)
    );
INSERT INTO "lead_groups" VALUES(1,'ci','grp',45.0,2,33.0);
CREATE TABLE leads (
        lead_group INTEGER NOT NULL REFERENCES lead_groups ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, rank INTEGER NOT NULL, result TEXT, failed INTEGER NOT NULL, time REAL,
        PRIMARY KEY (lead_group, run_id, attempt)
    ) WITHOUT ROWID;
INSERT INTO "leads" VALUES(1,'other',1,'running',1,NULL,0,NULL);
INSERT INTO "leads" VALUES(1,'run',2,'finished',2,'failure',1,33.0);
CREATE TABLE operations (
        id TEXT PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        claims TEXT NOT NULL, count INTEGER NOT NULL, started REAL NOT NULL, baseline TEXT NOT NULL,
        sends INTEGER NOT NULL, misses INTEGER NOT NULL
    );
INSERT INTO "operations" VALUES('op-1',3,'[4]',2,10.5,'{"job":[["1",1]]}',1,0);
INSERT INTO "operations" VALUES('op-2',3,'[9]',2,12.5,'{"owed":[["3",1]]}',2,1);
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
INSERT INTO "pushes" VALUES(3,'ci','try','try','abcdef1','ann','a title',50.0,0,'{"rebuild":{"*":3}}',900.0,8.0,NULL,1,1.0,20.0);
INSERT INTO "pushes" VALUES(7,'ci','try','try','abcdef2',NULL,NULL,NULL,NULL,NULL,32.0,NULL,32.0,0,30.0,30.0);
CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, result TEXT, kind TEXT NOT NULL, tier INTEGER NOT NULL, time REAL, url TEXT,
        retrigger_of TEXT, pool TEXT, step TEXT,
        batch TEXT NOT NULL, failures TEXT,
        UNIQUE (job, run_id, attempt)
    );
INSERT INTO "runs" VALUES(1,1,'1',1,'finished','failure','test',1,9.0,'https://ci/1/x',NULL,'linux','build','g1','["a line"]');
INSERT INTO "runs" VALUES(2,1,'2',1,'running',NULL,'test',1,12.0,NULL,'1',NULL,NULL,'',NULL);
INSERT INTO "runs" VALUES(3,2,'1',1,'finished','busted','build',2,NULL,NULL,NULL,NULL,NULL,'',NULL);
INSERT INTO "runs" VALUES(4,3,'3',1,'finished','failure','test',1,9.0,NULL,NULL,NULL,NULL,'',NULL);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "settings" VALUES('pause','{"at":13.0,"by":"ann","note":"a note"}');
CREATE TABLE story (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        job INTEGER REFERENCES jobs ON DELETE CASCADE,
        run INTEGER, origin TEXT NOT NULL DEFAULT '',
        what TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', count INTEGER NOT NULL DEFAULT 0,
        dry INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT ''
    );
INSERT INTO "story" VALUES(1,10.0,3,1,1,'','trigger','failure',2,0,'it failed');
INSERT INTO "story" VALUES(2,10.5,3,1,1,'','send','',2,0,'');
INSERT INTO "story" VALUES(3,31.0,7,2,3,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(4,32.0,3,NULL,NULL,'','note','',0,0,'a problem');
CREATE INDEX pushes_due ON pushes (due) WHERE due IS NOT NULL;
CREATE INDEX pushes_last_heard ON pushes (last_heard);
CREATE INDEX claims_push ON claims (push);
CREATE INDEX claims_run ON claims (run);
CREATE INDEX operations_push ON operations (push);
CREATE INDEX story_push ON story (push);
CREATE INDEX story_job ON story (job);
CREATE INDEX story_at ON story (at);
CREATE UNIQUE INDEX story_refusals ON story (job, run, reason, origin) WHERE what = 'refuse';
CREATE INDEX lead_groups_due ON lead_groups (due);
COMMIT;
