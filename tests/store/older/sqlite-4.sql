BEGIN TRANSACTION;
CREATE TABLE breakers (
        place TEXT PRIMARY KEY, version INTEGER NOT NULL, open INTEGER NOT NULL, changed REAL NOT NULL,
        value TEXT NOT NULL             -- JSON
    ) WITHOUT ROWID;
INSERT INTO "breakers" VALUES('pool/ci/linux',1,1,110.0,'{"place":["pool","ci","linux"],"version":1,"trouble":"runs","since":60.0,"evidence":[{"at":59.0,"trouble":"runs","push":["ci","try","try","abcdef1"],"job":"job","why":"boom"}],"why":"it fails everywhere","tries":1,"probe":200.0,"canary":{"push":["ci","try","try","abcdef1"],"job":"job","claim":1,"at":61.0,"asked":2}}');
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
INSERT INTO "claims" VALUES(1,1,1,1,'','done',0,'failure',NULL,2,2,1,1,0,0,0,105.0,'HTTP 201',NULL,100.0);
INSERT INTO "claims" VALUES(2,1,2,2,'','refused',0,NULL,'no_retry',0,0,1,0,0,0,0,103.0,'it says so',NULL,100.0);
INSERT INTO "claims" VALUES(3,1,3,3,'','owed',0,'failure',NULL,2,0,1,1,0,0,0,900.0,'the breaker is open',NULL,100.0);
INSERT INTO "claims" VALUES(4,1,4,4,'','unknown',0,'failure',NULL,2,0,1,1,0,0,0,170.0,'not listed','op-open',100.0);
INSERT INTO "claims" VALUES(5,1,5,5,'','open',0,NULL,NULL,0,0,0,0,1,0,0,500.0,'waits',NULL,100.0);
INSERT INTO "claims" VALUES(6,1,6,6,'','open',0,NULL,NULL,0,0,0,0,0,0,0,100.0,'',NULL,100.0);
INSERT INTO "claims" VALUES(7,1,7,7,'','would',1,'failure',NULL,2,0,1,1,0,0,0,103.0,'',NULL,100.0);
INSERT INTO "claims" VALUES(8,1,6,6,'person-1','open',0,NULL,NULL,2,0,0,0,0,0,0,109.0,'',NULL,109.0);
CREATE TABLE crashes (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, worker TEXT NOT NULL, ended TEXT NOT NULL,
        error TEXT NOT NULL, trace TEXT NOT NULL, place INTEGER NOT NULL
    );
INSERT INTO "crashes" VALUES(1,115.0,'host/2','SIGKILL','boom','at x',1);
CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "cursors" VALUES('poll:ci','7.0');
CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, system TEXT NOT NULL, intake TEXT NOT NULL,
        reason TEXT NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL
    );
INSERT INTO "dead_letters" VALUES(1,114.0,'ci','pulse','not JSON',X'00FF7B','{"a":"b"}');
CREATE TABLE deliveries (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
INSERT INTO "deliveries" VALUES('d1',100.0);
CREATE TABLE held (
        behind TEXT NOT NULL, claim INTEGER NOT NULL REFERENCES claims ON DELETE CASCADE,
        PRIMARY KEY (behind, claim)
    ) WITHOUT ROWID;
INSERT INTO "held" VALUES('pool/ci/linux',3);
CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        name TEXT NOT NULL,
        groups TEXT NOT NULL,           -- by which a push may ask for it, parted by spaces
        UNIQUE (push, name)
    );
INSERT INTO "jobs" VALUES(1,1,'job','*');
INSERT INTO "jobs" VALUES(2,1,'late','*');
INSERT INTO "jobs" VALUES(3,1,'held','*');
INSERT INTO "jobs" VALUES(4,1,'sending','*');
INSERT INTO "jobs" VALUES(5,1,'dry','*');
INSERT INTO "jobs" VALUES(6,1,'passed','*');
INSERT INTO "jobs" VALUES(7,1,'wet','*');
INSERT INTO "jobs" VALUES(8,2,'job','*');
CREATE TABLE judgements (
        push INTEGER PRIMARY KEY REFERENCES pushes ON DELETE CASCADE,
        health TEXT NOT NULL, sentence TEXT NOT NULL, counts TEXT NOT NULL, judged REAL NOT NULL
    );
INSERT INTO "judgements" VALUES(1,'failing','1 job failed once','{"failed":1,"passed":1}',111.0);
CREATE TABLE kept (
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (push, name)
    ) WITHOUT ROWID;
INSERT INTO "kept" VALUES(1,'github','42');
CREATE TABLE lead_groups (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        due REAL, tries INTEGER NOT NULL DEFAULT 0, since REAL NOT NULL,
        UNIQUE (name, system)
    );
INSERT INTO "lead_groups" VALUES(1,'ci','grp',250.0,1,101.0);
CREATE TABLE leads (
        lead_group INTEGER NOT NULL REFERENCES lead_groups ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, rank INTEGER NOT NULL, result TEXT, failed INTEGER NOT NULL, time REAL,
        PRIMARY KEY (lead_group, run_id, attempt)
    ) WITHOUT ROWID;
INSERT INTO "leads" VALUES(1,'other',1,'running',1,NULL,0,NULL);
INSERT INTO "leads" VALUES(1,'run',2,'finished',2,'failure',1,101.0);
CREATE TABLE operations (
        id TEXT PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        claims TEXT NOT NULL, count INTEGER NOT NULL, started REAL NOT NULL, baseline TEXT NOT NULL,
        sends INTEGER NOT NULL, misses INTEGER NOT NULL
    , charged TEXT NOT NULL DEFAULT '');
INSERT INTO "operations" VALUES('op-done',1,'[1]',2,104.0,'{"job":[["1",1]]}',1,0,'[["service","author ann"],1,2]');
INSERT INTO "operations" VALUES('op-open',1,'[4]',1,106.0,'{"sending":[["4",1]]}',1,1,'[["service"],1,1]');
CREATE TABLE pushes (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, project TEXT NOT NULL, branch TEXT NOT NULL, revision TEXT NOT NULL,
        author TEXT, message TEXT, time REAL, fork INTEGER,
        asks TEXT,                      -- JSON; NULL: not known yet
        due REAL,                       -- when the dispatcher has to look at it; NULL: nothing open
        settled REAL,                   -- when something of it came to rest, as far as was told
        facts_due REAL, facts_tries INTEGER NOT NULL DEFAULT 0,
        first_heard REAL NOT NULL, last_heard REAL NOT NULL, report_due REAL, report_lease REAL,
        UNIQUE (revision, project, branch, system)
    );
INSERT INTO "pushes" VALUES(1,'ci','try','try','abcdef1','ann','a title

try: --rebuild 3',50.0,1,'{"rebuild":{"*":3},"retry":true,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',100.0,NULL,NULL,0,100.0,100.0,101.0,NULL);
INSERT INTO "pushes" VALUES(2,'ci','try','try','abcdef2',NULL,'',NULL,NULL,'{"rebuild":{},"retry":false,"no_retry":false,"dontbuild":false,"problems":[]}',NULL,NULL,NULL,0,102.0,102.0,103.0,NULL);
CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, result TEXT, kind TEXT NOT NULL, tier INTEGER NOT NULL, time REAL, url TEXT,
        retrigger_of TEXT, pool TEXT, step TEXT,
        batch TEXT NOT NULL, failures TEXT, started REAL,
        UNIQUE (job, run_id, attempt)
    );
INSERT INTO "runs" VALUES(1,1,'1',1,'finished','failure','test',1,100.0,'https://ci/1/x',NULL,'linux','build','g1','["boom in test_a"]',90.0);
INSERT INTO "runs" VALUES(2,2,'2',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'','["a late line"]',NULL);
INSERT INTO "runs" VALUES(3,3,'3',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL);
INSERT INTO "runs" VALUES(4,4,'4',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL);
INSERT INTO "runs" VALUES(5,5,'5',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL);
INSERT INTO "runs" VALUES(6,6,'6',1,'finished','success','test',1,20.0,NULL,NULL,NULL,NULL,'',NULL,10.0);
INSERT INTO "runs" VALUES(7,7,'8',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL);
INSERT INTO "runs" VALUES(8,8,'1',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL);
CREATE TABLE sent (
        name TEXT NOT NULL, piece INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (name, piece)
    ) WITHOUT ROWID;
INSERT INTO "sent" VALUES('author ann',1,2);
INSERT INTO "sent" VALUES('service',1,3);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "settings" VALUES('pause','{"at":113.0,"by":"ann","note":"a note"}');
CREATE TABLE sightings (
        job INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
        project TEXT NOT NULL,          -- that of its push, beside which the newest are sought
        at REAL NOT NULL, failed INTEGER NOT NULL, passed INTEGER NOT NULL, shapes TEXT NOT NULL, passing TEXT NOT NULL
    );
INSERT INTO "sightings" VALUES(1,'try',100.0,1,0,'["boom in test_a"]','["fine"]');
CREATE TABLE story (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        job INTEGER REFERENCES jobs ON DELETE CASCADE,
        run INTEGER, origin TEXT NOT NULL DEFAULT '',
        what TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', count INTEGER NOT NULL DEFAULT 0,
        dry INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT ''
    );
INSERT INTO "story" VALUES(1,100.0,1,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(2,102.0,2,8,8,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(3,103.0,1,1,1,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(4,104.0,1,1,1,'','send','',2,0,'sending');
INSERT INTO "story" VALUES(5,105.0,1,1,1,'','accepted','',2,0,'HTTP 201');
INSERT INTO "story" VALUES(6,103.0,1,2,2,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(7,103.0,1,3,3,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(8,104.0,1,3,3,'','wait','',0,0,'the breaker is open');
INSERT INTO "story" VALUES(9,103.0,1,4,4,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(10,106.0,1,4,4,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(11,107.0,1,4,4,'','doubt','',0,0,'no answer');
INSERT INTO "story" VALUES(12,168.0,1,4,4,'','doubt','',0,0,'not listed');
INSERT INTO "story" VALUES(13,103.0,1,7,7,'','trigger','failure',2,1,'');
INSERT INTO "story" VALUES(14,108.0,1,5,5,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(15,111.0,1,1,NULL,'','verdict','',0,0,'pending -> failed');
CREATE TABLE wishes (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        value TEXT NOT NULL,            -- JSON; empty: settled
        since REAL NOT NULL, due REAL, tries INTEGER NOT NULL DEFAULT 0,
        UNIQUE (name, system)
    );
INSERT INTO "wishes" VALUES(1,'ci','77','{"system":"ci","id":"77","project":"try","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":"abcdef1"}',101.0,300.0,1);
INSERT INTO "wishes" VALUES(2,'ci','78','',101.0,NULL,0);
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
CREATE INDEX held_claim ON held (claim);
CREATE INDEX deliveries_at ON deliveries (at);
CREATE INDEX pushes_report_due ON pushes (report_due) WHERE report_due IS NOT NULL;
CREATE INDEX pushes_report_lease ON pushes (report_lease) WHERE report_lease IS NOT NULL;
CREATE INDEX pushes_project ON pushes (project, last_heard);
CREATE INDEX pushes_branch ON pushes (project, branch, first_heard);
CREATE INDEX judgements_judged ON judgements (judged);
CREATE INDEX sightings_project ON sightings (project, at);
CREATE INDEX wishes_due ON wishes (due) WHERE due IS NOT NULL;
CREATE INDEX wishes_since ON wishes (since);
COMMIT;
