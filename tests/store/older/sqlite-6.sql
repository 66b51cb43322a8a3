BEGIN TRANSACTION;
CREATE TABLE batches (
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        id TEXT NOT NULL, event TEXT, source TEXT, fork INTEGER,
        PRIMARY KEY (push, id)
    ) WITHOUT ROWID;
INSERT INTO "batches" VALUES(1,'7','push','ci.yml',NULL);
INSERT INTO "batches" VALUES(1,'8','pull_request',NULL,1);
CREATE TABLE breakers (
        place TEXT PRIMARY KEY, version INTEGER NOT NULL, open INTEGER NOT NULL, changed REAL NOT NULL,
        value TEXT NOT NULL             -- JSON
    ) WITHOUT ROWID;
INSERT INTO "breakers" VALUES('pool/ci/linux  {1}',1,1,1795028559.75,'{"place":["pool","ci","linux \u001f {1}"],"version":1,"trouble":"runs","since":1795028559.75,"evidence":[{"at":1795028559.75,"trouble":"runs","push":["gh","octo/App","b3","abc00003"],"job":"c \u001f d\u001d8\u001d5","why":"boom"}],"why":"why","tries":1,"probe":1795028619.75,"canary":{"push":["gh","octo/App","b3","abc00003"],"job":"c \u001f d\u001d8\u001d5","claim":16,"at":1795028559.75,"asked":0}}');
INSERT INTO "breakers" VALUES('system/gh/',1,0,1795028559.75,'{"place":["system","gh",""],"version":1,"trouble":null,"since":0.0,"evidence":[],"why":"","tries":0,"probe":0.0,"canary":null}');
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
INSERT INTO "claims" VALUES(1,2,2,2,'','refused',0,NULL,'no_retry',0,0,2,0,0,0,0,1795022269.0,'it says so',NULL,1795000433.0);
INSERT INTO "claims" VALUES(2,3,3,3,'','refused',0,NULL,'no_retry',0,0,1,0,0,0,0,1795006326.0,'it says so',NULL,1795000434.0);
INSERT INTO "claims" VALUES(3,4,4,4,'','refused',0,'failure','refused_by_ci',1,0,1,0,0,0,0,1795001799.0,'no',NULL,1795000864.0);
INSERT INTO "claims" VALUES(4,2,6,6,'','sending',0,'failure',NULL,2,0,1,1,0,0,0,1795001298.25,'','op3',1795001295.0);
INSERT INTO "claims" VALUES(5,5,10,10,'','done',0,'failure',NULL,1,0,1,0,0,0,1,1795021214.75,'enough',NULL,1795002229.0);
INSERT INTO "claims" VALUES(6,4,9,12,'','done',0,'failure',NULL,2,0,4,0,1,1,0,1795008318.75,'enough',NULL,1795003641.75);
INSERT INTO "claims" VALUES(9,3,16,18,'','done',0,'failure',NULL,1,1,1,1,0,0,0,1795017107.5,'HTTP 201',NULL,1795006426.75);
INSERT INTO "claims" VALUES(10,5,5,22,'','refused',0,'failure','refused_by_ci',2,0,3,0,0,0,0,1795010025.5,'no',NULL,1795007788.75);
INSERT INTO "claims" VALUES(11,4,4,24,'person-1','done',0,'failure',NULL,1,0,3,0,0,0,0,1.79501466499999904639e+09,'enough',NULL,1795008819.75);
INSERT INTO "claims" VALUES(12,5,18,27,'','would',1,'failure',NULL,2,0,1,1,0,0,0,1795021204.75,'',NULL,1795009221.0);
INSERT INTO "claims" VALUES(13,1,1,28,'','done',0,'failure',NULL,1,1,2,1,0,0,0,1795018381.5,'HTTP 201',NULL,1795009251.0);
INSERT INTO "claims" VALUES(14,1,13,30,'','would',1,'failure',NULL,1,0,2,1,0,0,0,1795010055.5,'',NULL,1795009282.25);
INSERT INTO "claims" VALUES(16,2,20,34,'','owed',0,'failure',NULL,1,0,2,1,0,0,0,1795013622.5,'',NULL,1795009955.5);
INSERT INTO "claims" VALUES(17,3,12,13,'','refused',0,'failure','refused_by_ci',2,0,1,0,0,0,0,1795020774.75,'no',NULL,1795010587.0);
INSERT INTO "claims" VALUES(18,5,8,37,'','done',0,'failure',NULL,1,1,2,1,0,0,0,1795018080.5,'HTTP 201',NULL,1795010588.0);
INSERT INTO "claims" VALUES(19,2,21,40,'','sending',0,'failure',NULL,2,0,1,1,0,0,0,1795012821.25,'','op8',1795012320.0);
INSERT INTO "claims" VALUES(20,1,22,42,'','would',1,'failure',NULL,1,0,1,1,0,0,0,1795015997.0,'',NULL,1795013622.75);
INSERT INTO "claims" VALUES(21,2,17,43,'','owed',0,'failure',NULL,2,0,2,1,0,0,0,1795024863.5,'',NULL,1795015465.0);
INSERT INTO "claims" VALUES(22,2,11,11,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795022106.75,'held',NULL,1795017117.75);
INSERT INTO "claims" VALUES(23,2,25,50,'','sending',0,'failure',NULL,2,0,1,1,0,0,0,1795027358.5,'','op13',1795017118.0);
INSERT INTO "claims" VALUES(24,4,26,51,'','done',0,'failure',NULL,1,1,2,1,1,0,0,1795025354.0,'HTTP 201',NULL,1795017118.25);
INSERT INTO "claims" VALUES(25,1,27,52,'','sending',0,'failure',NULL,2,0,2,1,0,0,0,1795025855.0,'','op12',1795017148.25);
INSERT INTO "claims" VALUES(26,1,28,57,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795025764.0,'held',NULL,1795018151.5);
INSERT INTO "claims" VALUES(27,3,3,49,'person-0','done',0,'failure',NULL,1,1,3,1,0,0,0,1795025515.0,'HTTP 201',NULL,1795022199.0);
INSERT INTO "claims" VALUES(28,1,15,29,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795023969.5,'',NULL,1795023969.5);
INSERT INTO "claims" VALUES(29,5,5,62,'person-2','refused',1,NULL,'no_retry',0,0,5,0,0,0,0,1795024372.5,'it says so',NULL,1795024371.5);
INSERT INTO "claims" VALUES(30,1,35,69,'','owed',0,'failure',NULL,2,0,1,1,0,0,0,1795027359.5,'',NULL,1795024833.5);
INSERT INTO "claims" VALUES(31,5,5,62,'person-1','open',0,NULL,NULL,2,0,0,0,0,0,0,1795028419.5,'held',NULL,1795025955.25);
INSERT INTO "claims" VALUES(32,3,19,73,'','sending',0,'failure',NULL,1,0,3,1,0,0,0,1795027419.5,'','op14',1795025956.25);
INSERT INTO "claims" VALUES(33,4,4,56,'person-0','open',1,NULL,NULL,2,0,0,0,0,0,0,1795027449.5,'',NULL,1795027449.5);
INSERT INTO "claims" VALUES(34,2,38,75,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795028420.75,'',NULL,1795028420.75);
INSERT INTO "claims" VALUES(35,1,31,64,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795028452.75,'',NULL,1795028452.75);
INSERT INTO "claims" VALUES(36,2,39,78,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795028554.75,'',NULL,1795028554.75);
CREATE TABLE crashes (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, worker TEXT NOT NULL, ended TEXT NOT NULL,
        error TEXT NOT NULL, trace TEXT NOT NULL, place INTEGER NOT NULL
    );
INSERT INTO "crashes" VALUES(1,1795000032.0,'host/2','SIGKILL','boom','at x',1);
INSERT INTO "crashes" VALUES(2,1795002699.0,'host/2','SIGKILL','boom','at x',1);
INSERT INTO "crashes" VALUES(3,1795016617.5,'host/2','SIGKILL','boom','at x',1);
INSERT INTO "crashes" VALUES(4,1795021174.75,'host/2','SIGKILL','boom','at x',1);
INSERT INTO "crashes" VALUES(5,1795021307.75,'host/2','SIGKILL','boom','at x',1);
CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "cursors" VALUES('poll:ci','7.0');
CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, system TEXT NOT NULL, intake TEXT NOT NULL,
        reason TEXT NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL
    );
INSERT INTO "dead_letters" VALUES(2,1795002699.0,'ci','pulse','not JSON',X'00FF7B','{"a":"b"}');
INSERT INTO "dead_letters" VALUES(4,1795021174.75,'ci','pulse','not JSON',X'00FF7B','{"a":"b"}');
INSERT INTO "dead_letters" VALUES(5,1795021307.75,'ci','pulse','not JSON',X'00FF7B','{"a":"b"}');
CREATE TABLE deliveries (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
INSERT INTO "deliveries" VALUES('d0 ',1795000001.0);
INSERT INTO "deliveries" VALUES('d4 ',1795000433.0);
INSERT INTO "deliveries" VALUES('d7 ',1795000864.0);
INSERT INTO "deliveries" VALUES('d10 ',1795001295.0);
INSERT INTO "deliveries" VALUES('d11 ',1795001296.0);
INSERT INTO "deliveries" VALUES('d12 ',1795001296.25);
INSERT INTO "deliveries" VALUES('d49 ',1795006396.0);
INSERT INTO "deliveries" VALUES('d50 ',1795006396.25);
INSERT INTO "deliveries" VALUES('d53 ',1795006426.75);
INSERT INTO "deliveries" VALUES('d54 ',1795006427.75);
INSERT INTO "deliveries" VALUES('d62 ',1795007788.75);
INSERT INTO "deliveries" VALUES('d68 ',1795008719.0);
INSERT INTO "deliveries" VALUES('d69 ',1795008719.25);
INSERT INTO "deliveries" VALUES('d75 ',1795008821.0);
INSERT INTO "deliveries" VALUES('d80 ',1795009282.25);
INSERT INTO "deliveries" VALUES('d90 ',1795009955.5);
INSERT INTO "deliveries" VALUES('d95 ',1795010155.75);
INSERT INTO "deliveries" VALUES('d99 ',1795010587.0);
INSERT INTO "deliveries" VALUES('d100 ',1795010588.0);
INSERT INTO "deliveries" VALUES('d115 ',1795012821.5);
INSERT INTO "deliveries" VALUES('d121 ',1795013762.75);
INSERT INTO "deliveries" VALUES('d130 ',1795015465.0);
INSERT INTO "deliveries" VALUES('d132 ',1795015866.0);
INSERT INTO "deliveries" VALUES('d141 ',1795016087.5);
INSERT INTO "deliveries" VALUES('d142 ',1795016117.5);
INSERT INTO "deliveries" VALUES('d151 ',1795017118.25);
INSERT INTO "deliveries" VALUES('d153 ',1795017148.5);
INSERT INTO "deliveries" VALUES('d160 ',1795018091.5);
INSERT INTO "deliveries" VALUES('d167 ',1795018722.5);
INSERT INTO "deliveries" VALUES('d178 ',1795019443.75);
INSERT INTO "deliveries" VALUES('d185 ',1795021144.75);
INSERT INTO "deliveries" VALUES('d193 ',1795021308.75);
INSERT INTO "deliveries" VALUES('d198 ',1795022169.0);
INSERT INTO "deliveries" VALUES('d222 ',1795025324.0);
INSERT INTO "deliveries" VALUES('d224 ',1795025355.0);
INSERT INTO "deliveries" VALUES('d250 ',1795028419.5);
INSERT INTO "deliveries" VALUES('d251 ',1795028419.75);
INSERT INTO "deliveries" VALUES('d252 ',1795028420.75);
INSERT INTO "deliveries" VALUES('d259 ',1795028554.75);
CREATE TABLE held (
        behind TEXT NOT NULL, claim INTEGER NOT NULL REFERENCES claims ON DELETE CASCADE,
        PRIMARY KEY (behind, claim)
    ) WITHOUT ROWID;
INSERT INTO "held" VALUES('cap service',2);
INSERT INTO "held" VALUES('pool/ci/linux  {1}',5);
INSERT INTO "held" VALUES('cap service',22);
INSERT INTO "held" VALUES('cap service',26);
INSERT INTO "held" VALUES('cap service',31);
CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        name TEXT NOT NULL,
        groups TEXT NOT NULL,           -- by which a push may ask for it, parted by spaces
        UNIQUE (push, name)
    );
INSERT INTO "jobs" VALUES(1,1,'a7','*');
INSERT INTO "jobs" VALUES(2,2,'b8','*');
INSERT INTO "jobs" VALUES(3,3,'a','* g1');
INSERT INTO "jobs" VALUES(4,4,'c  d','*');
INSERT INTO "jobs" VALUES(5,5,'b','* g1');
INSERT INTO "jobs" VALUES(6,2,'a8','* g1');
INSERT INTO "jobs" VALUES(7,4,'e [x]','* g1');
INSERT INTO "jobs" VALUES(8,5,'c  d','*');
INSERT INTO "jobs" VALUES(9,4,'b','* g1');
INSERT INTO "jobs" VALUES(10,5,'a','* g1');
INSERT INTO "jobs" VALUES(11,2,'e [x]8','* g1');
INSERT INTO "jobs" VALUES(12,3,'c  d','* g1');
INSERT INTO "jobs" VALUES(13,1,'a73','*');
INSERT INTO "jobs" VALUES(14,2,'b82','*');
INSERT INTO "jobs" VALUES(15,1,'e [x]8','*');
INSERT INTO "jobs" VALUES(16,3,'e [x]','*');
INSERT INTO "jobs" VALUES(17,2,'c  d8','* g1');
INSERT INTO "jobs" VALUES(18,5,'e [x]','*');
INSERT INTO "jobs" VALUES(19,3,'b','*');
INSERT INTO "jobs" VALUES(20,2,'c  d85','*');
INSERT INTO "jobs" VALUES(21,2,'e [x]86','* g1');
INSERT INTO "jobs" VALUES(22,1,'c  d8','*');
INSERT INTO "jobs" VALUES(23,2,'e [x]82','*');
INSERT INTO "jobs" VALUES(24,2,'c  d84','* g1');
INSERT INTO "jobs" VALUES(25,2,'b84','*');
INSERT INTO "jobs" VALUES(26,4,'a','* g1');
INSERT INTO "jobs" VALUES(27,1,'e [x]82','*');
INSERT INTO "jobs" VALUES(28,1,'c  d85','*');
INSERT INTO "jobs" VALUES(29,2,'e [x]7','');
INSERT INTO "jobs" VALUES(30,2,'b85','* g1');
INSERT INTO "jobs" VALUES(31,1,'b8','* g1');
INSERT INTO "jobs" VALUES(32,1,'b7','* g1');
INSERT INTO "jobs" VALUES(33,2,'c  d7','*');
INSERT INTO "jobs" VALUES(34,2,'a7','');
INSERT INTO "jobs" VALUES(35,1,'c  d86','* g1');
INSERT INTO "jobs" VALUES(36,1,'e [x]83','* g1');
INSERT INTO "jobs" VALUES(37,2,'e [x]73','');
INSERT INTO "jobs" VALUES(38,2,'b86','* g1');
INSERT INTO "jobs" VALUES(39,2,'a83','* g1');
CREATE TABLE judgements (
        push INTEGER PRIMARY KEY REFERENCES pushes ON DELETE CASCADE,
        health TEXT NOT NULL, sentence TEXT NOT NULL, counts TEXT NOT NULL, judged REAL NOT NULL
    );
INSERT INTO "judgements" VALUES(1,'failing','a sentence','{"failed":1}',1795019012.5);
INSERT INTO "judgements" VALUES(2,'good','a sentence','{"failed":1}',1795012320.25);
INSERT INTO "judgements" VALUES(3,'good','a sentence','{"failed":1}',1795018982.5);
INSERT INTO "judgements" VALUES(4,'good','a sentence','{"failed":1}',1795010988.0);
INSERT INTO "judgements" VALUES(5,'failing','a sentence','{"failed":1}',1795007227.75);
CREATE TABLE kept (
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (push, name)
    ) WITHOUT ROWID;
INSERT INTO "kept" VALUES(2,'x','170');
INSERT INTO "kept" VALUES(3,'x','131');
INSERT INTO "kept" VALUES(5,'github','197');
CREATE TABLE lead_groups (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        due REAL, tries INTEGER NOT NULL DEFAULT 0, since REAL NOT NULL,
        UNIQUE (name, system)
    );
INSERT INTO "lead_groups" VALUES(1,'ci','g 1',1795003652.75,0,1795003642.75);
INSERT INTO "lead_groups" VALUES(2,'ci','g2',1795019894.75,1,1795006426.5);
CREATE TABLE leads (
        lead_group INTEGER NOT NULL REFERENCES lead_groups ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, rank INTEGER NOT NULL, result TEXT, failed INTEGER NOT NULL, time REAL,
        PRIMARY KEY (lead_group, run_id, attempt)
    ) WITHOUT ROWID;
INSERT INTO "leads" VALUES(1,'y',1,'running',1,'failure',0,NULL);
INSERT INTO "leads" VALUES(2,'x',1,'finished',2,'failure',1,NULL);
INSERT INTO "leads" VALUES(2,'z',1,'running',1,'success',0,NULL);
CREATE TABLE operations (
        id TEXT PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        claims TEXT NOT NULL, count INTEGER NOT NULL, started REAL NOT NULL, baseline TEXT NOT NULL,
        sends INTEGER NOT NULL, misses INTEGER NOT NULL
    , charged TEXT NOT NULL DEFAULT '');
INSERT INTO "operations" VALUES('op1',4,'[3]',1,1795003099.5,'{"c \u001f d":[["5",2]]}',1,0,'');
INSERT INTO "operations" VALUES('op2',5,'[5]',1,1795003643.75,'{"a":[["5",2]]}',1,0,'');
INSERT INTO "operations" VALUES('op3',2,'[4]',1,1795009683.25,'{"a\u001d8":[["6",1]]}',1,0,'[["service","author ann"],29916828,1]');
INSERT INTO "operations" VALUES('op4',1,'[13]',1,1795010555.75,'{"a\u001d7":[["3",1]]}',1,0,'[["service","author ann"],29916842,1]');
INSERT INTO "operations" VALUES('op5',5,'[10]',1,1795010557.0,'{"b":[["3",1]]}',1,0,'');
INSERT INTO "operations" VALUES('op6',5,'[18]',1,1795012751.25,'{"c \u001f d":[["2",1]]}',1,0,'[["service","author ann"],29916879,1]');
INSERT INTO "operations" VALUES('op7',3,'[9]',1,1795013221.5,'{"e [x]":[["5",1]]}',1,0,'[["service","author ann"],29916887,1]');
INSERT INTO "operations" VALUES('op8',2,'[19]',1,1795014192.75,'{"e [x]\u001d8\u001d6":[["6",1]]}',1,0,'[["service","author ann"],29916903,1]');
INSERT INTO "operations" VALUES('op9',3,'[17]',1,1795020244.75,'{"c \u001f d":[["5",1]]}',1,0,'');
INSERT INTO "operations" VALUES('op10',3,'[27]',1,1795025354.0,'{"a":[["5",1]]}',2,0,'[["service","author ann"],29917066,1]');
INSERT INTO "operations" VALUES('op11',4,'[24]',1,1795024403.5,'{"a":[["3",2]]}',1,0,'[["service","author ann"],29917073,1]');
INSERT INTO "operations" VALUES('op12',1,'[25]',1,1795026886.5,'{"e [x]\u001d8\u001d2":[["2",2]]}',1,0,'[["service","author ann"],29917114,1]');
INSERT INTO "operations" VALUES('op13',2,'[23]',1,1795028349.5,'{"b\u001d8\u001d4":[["4",1]]}',1,0,'[["service","author ann"],29917139,1]');
INSERT INTO "operations" VALUES('op14',3,'[32]',1,1795028450.75,'{"b":[["4",1]]}',1,0,'[["service","author ann"],29917140,1]');
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
INSERT INTO "pushes" VALUES(1,'gh','octo/App','b0','abc00000','ann','a title

body',NULL,1,'{"rebuild":{},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795023969.5,1795004514.0,NULL,0,1795000001.0,1795028419.5,1795021740.0,1795019072.5);
INSERT INTO "pushes" VALUES(2,'gh','octo/App','b3','abc00003','bob',NULL,50.0,0,NULL,1795000435.0,1795028552.75,1795000435.0,0,1795000433.0,1795028552.75,1795012822.25,NULL);
INSERT INTO "pushes" VALUES(3,'ci','try','try','def00001','bob','a title

body',50.0,1,'{"rebuild":{"*":3},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795027419.5,1795011459.0,NULL,1,1795000434.0,1795026486.25,1795019482.5,NULL);
INSERT INTO "pushes" VALUES(4,'ci','try','try','def00004','bob','a title

body',50.0,NULL,'{"rebuild":{},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795027449.5,NULL,NULL,2,1795000864.0,1795025986.25,1795011390.0,NULL);
INSERT INTO "pushes" VALUES(5,'ci','try','try','def00002','ann','a title

body',50.0,1,'{"rebuild":{"*":3},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795028419.5,1795028451.75,NULL,1,1795001294.0,1795028553.75,1795017550.5,1795014253.75);
CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, result TEXT, kind TEXT NOT NULL, tier INTEGER NOT NULL, time REAL, url TEXT,
        retrigger_of TEXT, pool TEXT, step TEXT,
        batch TEXT NOT NULL, failures TEXT, started REAL, event TEXT, allowed_to_fail INTEGER NOT NULL DEFAULT 0, needs TEXT,
        UNIQUE (job, run_id, attempt)
    );
INSERT INTO "runs" VALUES(1,1,'1',2,'finished','success','test',1,NULL,NULL,NULL,'linux',NULL,'7',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(2,2,'1',1,'finished','infra','test',1,1795000430.0,NULL,'0',NULL,NULL,'8',NULL,NULL,NULL,1,NULL);
INSERT INTO "runs" VALUES(3,3,'2',2,'finished','failure','test',1,1795000431.0,NULL,NULL,NULL,'build','','["a late line"]',1795000383.5,NULL,0,NULL);
INSERT INTO "runs" VALUES(4,4,'5',2,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,'linux',NULL,'','["a late line"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(5,5,'4',1,'finished','infra','test',1,1795001291.0,NULL,NULL,'linux',NULL,'',NULL,NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(6,6,'6',1,'finished','infra','test',1,NULL,'https://ci/1/x',NULL,'linux','build','8','["boom \u001e in a","x"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(7,7,'4',1,'running',NULL,'test',1,1795001293.0,NULL,NULL,'linux',NULL,'g1',NULL,NULL,NULL,1,NULL);
INSERT INTO "runs" VALUES(8,8,'3',1,'running',NULL,'test',1,1795001293.25,NULL,NULL,'linux',NULL,'g2',NULL,1795001245.75,NULL,1,NULL);
INSERT INTO "runs" VALUES(9,9,'2',1,'finished','cancelled','test',1,NULL,NULL,'0',NULL,NULL,'','["boom \u001e in a","x"]',NULL,NULL,1,NULL);
INSERT INTO "runs" VALUES(10,10,'5',2,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,'linux','build','',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(11,11,'1',1,'finished','cancelled','test',2,1795003167.5,NULL,'0',NULL,'build','8','["boom \u001e in a","x"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(12,9,'3',1,'finished','failure','test',1,1795003638.75,NULL,NULL,NULL,NULL,'',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(13,12,'5',1,'finished','infra','test',1,NULL,NULL,'0',NULL,NULL,'g2','["boom \u001e in a","x"]',1795003993.25,NULL,1,'["a","b c"]');
INSERT INTO "runs" VALUES(14,13,'3',2,'finished','success','test',1,NULL,NULL,NULL,'linux',NULL,'7','["boom \u001e in a","x"]',NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(15,14,'2',1,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'8',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(16,15,'1',2,'pending',NULL,'test',1,1795006393.0,NULL,NULL,'linux','build','8',NULL,1795006345.5,NULL,0,NULL);
INSERT INTO "runs" VALUES(17,9,'4',1,'finished','failure','test',2,1795006393.25,NULL,NULL,'linux',NULL,'',NULL,NULL,NULL,1,NULL);
INSERT INTO "runs" VALUES(18,16,'5',1,'finished','failure','test',2,1795006423.75,NULL,'0',NULL,NULL,'',NULL,1795006376.25,NULL,1,NULL);
INSERT INTO "runs" VALUES(19,9,'5',2,'finished','success','test',1,1795006424.75,NULL,'0','linux',NULL,'g1','["boom \u001e in a","x"]',NULL,NULL,1,'["a","b c"]');
INSERT INTO "runs" VALUES(20,10,'3',1,'running',NULL,'test',1,1795006824.75,'https://ci/1/x',NULL,'linux',NULL,'g2',NULL,NULL,NULL,1,NULL);
INSERT INTO "runs" VALUES(21,17,'2',1,'finished','success','test',1,1795007355.75,'https://ci/1/x',NULL,NULL,NULL,'8',NULL,NULL,'push',1,'["a","b c"]');
INSERT INTO "runs" VALUES(22,5,'3',1,'finished','failure','test',1,1795007785.75,'https://ci/1/x','0',NULL,NULL,'','["a late line"]',NULL,'push',0,NULL);
INSERT INTO "runs" VALUES(23,5,'2',2,'finished','infra','test',1,NULL,NULL,NULL,'linux','build','','["boom \u001e in a","x"]',NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(24,4,'1',1,'finished','infra','test',1,NULL,NULL,'0',NULL,'build','','["boom \u001e in a","x","a late line"]',NULL,'push',0,NULL);
INSERT INTO "runs" VALUES(25,3,'3',1,'running',NULL,'test',2,1795008716.25,NULL,NULL,NULL,NULL,'','["boom \u001e in a","x"]',1795008668.75,'push',0,'["a","b c"]');
INSERT INTO "runs" VALUES(26,10,'3',2,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'g1',NULL,1795008770.5,NULL,0,NULL);
INSERT INTO "runs" VALUES(27,18,'3',1,'finished','failure','test',2,1795009218.0,NULL,NULL,'linux',NULL,'',NULL,1795009170.5,NULL,0,NULL);
INSERT INTO "runs" VALUES(28,1,'3',1,'finished','failure','test',1,1795009248.0,NULL,NULL,NULL,NULL,'7','["boom \u001e in a","x"]',1795009200.5,'push',1,NULL);
INSERT INTO "runs" VALUES(29,15,'4',1,'finished','success','test',1,1795009279.0,NULL,NULL,NULL,'build','8','["boom \u001e in a","x"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(30,13,'5',1,'finished','infra','test',1,NULL,NULL,NULL,NULL,NULL,'7',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(31,4,'3',1,'finished','cancelled','test',1,1795009710.25,NULL,NULL,NULL,NULL,'','["boom \u001e in a","x"]',NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(32,9,'1',1,'finished','failure','test',2,NULL,NULL,NULL,NULL,'build','','["boom \u001e in a","x"]',NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(33,19,'2',1,'finished','infra','test',1,NULL,NULL,NULL,NULL,NULL,'g1','["boom \u001e in a","x"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(34,20,'5',1,'finished','infra','test',2,NULL,NULL,NULL,NULL,NULL,'8',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(35,20,'4',2,'finished','success','test',1,NULL,NULL,NULL,'linux','build','8','["boom \u001e in a","x"]',NULL,NULL,1,NULL);
INSERT INTO "runs" VALUES(36,11,'6',2,'finished','failure','test',1,NULL,'https://ci/1/x','0','linux','build','8',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(37,8,'2',1,'finished','failure','test',1,1795010585.0,'https://ci/1/x',NULL,'linux','build','','["boom \u001e in a","x"]',NULL,NULL,1,NULL);
INSERT INTO "runs" VALUES(38,19,'5',1,'finished','failure','test',1,1795011517.0,NULL,'0',NULL,NULL,'',NULL,1795011469.5,NULL,1,'["a","b c"]');
INSERT INTO "runs" VALUES(39,2,'2',2,'finished','cancelled','test',1,NULL,NULL,'0',NULL,NULL,'8',NULL,1795011869.5,'push',0,NULL);
INSERT INTO "runs" VALUES(40,21,'6',1,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'8','["boom \u001e in a","x"]',NULL,'push',1,'["a","b c"]');
INSERT INTO "runs" VALUES(41,16,'3',1,'finished','failure','test',1,1795012818.5,NULL,'0',NULL,NULL,'',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(42,22,'1',1,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'8',NULL,NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(43,17,'3',2,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'8',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(44,9,'6',1,'finished','failure','test',1,1795016644.5,'https://ci/1/x',NULL,'linux','build','',NULL,1795016597.0,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(45,16,'2',2,'finished','failure','workflow',1,1795015933.0,NULL,NULL,'linux',NULL,'',NULL,1795015885.5,NULL,0,NULL);
INSERT INTO "runs" VALUES(46,23,'2',1,'running',NULL,'test',1,NULL,NULL,NULL,NULL,NULL,'8','["boom \u001e in a","x"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(47,4,'5',1,'finished','cancelled','test',1,1795016084.25,'https://ci/1/x','0',NULL,NULL,'g1',NULL,1795016036.75,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(48,24,'4',1,'running',NULL,'test',2,NULL,NULL,'0',NULL,NULL,'8','["boom \u001e in a","x"]',NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(49,3,'5',1,'finished','cancelled','test',1,NULL,NULL,NULL,'linux',NULL,'',NULL,NULL,'push',1,NULL);
INSERT INTO "runs" VALUES(50,25,'4',1,'finished','infra','test',1,1795017115.0,NULL,NULL,NULL,NULL,'8','["boom \u001e in a","x"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(51,26,'3',2,'finished','failure','test',2,1795017115.25,NULL,NULL,NULL,NULL,'g1','["boom \u001e in a","x"]',1795017067.75,'push',0,NULL);
INSERT INTO "runs" VALUES(52,27,'2',2,'finished','failure','test',1,1795017145.25,NULL,'0',NULL,NULL,'8',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(53,27,'2',1,'finished','cancelled','workflow',1,1795017145.5,'https://ci/1/x','0',NULL,NULL,'8',NULL,NULL,'push',0,NULL);
INSERT INTO "runs" VALUES(54,5,'6',1,'pending',NULL,'test',2,NULL,NULL,NULL,'linux',NULL,'',NULL,NULL,NULL,1,NULL);
INSERT INTO "runs" VALUES(55,22,'4',2,'finished','cancelled','test',1,NULL,'https://ci/1/x','0',NULL,NULL,'8','["boom \u001e in a","x"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(56,4,'2',2,'finished','cancelled','test',1,NULL,NULL,NULL,NULL,NULL,'g1','["boom \u001e in a","x"]',NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(57,28,'5',1,'finished','infra','test',1,NULL,NULL,NULL,'linux',NULL,'8',NULL,NULL,NULL,1,'["a","b c"]');
INSERT INTO "runs" VALUES(58,8,'3',2,'running',NULL,'test',1,1795018218.5,NULL,NULL,'linux',NULL,'',NULL,1795018171.0,NULL,0,NULL);
INSERT INTO "runs" VALUES(59,26,'4',1,'pending',NULL,'test',2,1795018719.5,NULL,NULL,NULL,NULL,'',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(60,29,'4',1,'finished','cancelled','test',2,NULL,NULL,NULL,NULL,'build','7','["boom \u001e in a","x"]',1795018772.0,NULL,0,NULL);
INSERT INTO "runs" VALUES(61,30,'5',1,'pending',NULL,'test',1,NULL,NULL,NULL,NULL,'build','8',NULL,1795019393.0,NULL,0,NULL);
INSERT INTO "runs" VALUES(62,5,'6',2,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'g2','["boom \u001e in a","x","a late line"]',1795019393.25,NULL,0,NULL);
INSERT INTO "runs" VALUES(63,10,'6',1,'finished','cancelled','test',1,1795021233.75,'https://ci/1/x',NULL,'linux',NULL,'',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(64,31,'6',1,'finished','failure','test',1,1795028449.75,NULL,NULL,NULL,'build','8','["boom \u001e in a","x"]',1795021688.5,NULL,1,NULL);
INSERT INTO "runs" VALUES(65,32,'3',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'7',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(66,16,'6',1,'pending',NULL,'test',1,1795022666.0,NULL,NULL,NULL,'build','g2',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(67,33,'5',2,'running',NULL,'test',1,1795023066.0,NULL,'0',NULL,NULL,'7',NULL,NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(68,34,'2',1,'finished','cancelled','test',1,NULL,NULL,NULL,NULL,NULL,'7','["boom \u001e in a","x"]',NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(69,35,'6',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'8',NULL,1795024783.0,NULL,0,NULL);
INSERT INTO "runs" VALUES(70,36,'3',1,'pending',NULL,'test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'8','["boom \u001e in a","x"]',NULL,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(71,7,'1',1,'finished','cancelled','test',1,NULL,NULL,NULL,NULL,'build','','["boom \u001e in a","x"]',NULL,'push',0,'["a","b c"]');
INSERT INTO "runs" VALUES(72,3,'2',1,'finished','cancelled','workflow',2,NULL,NULL,NULL,NULL,NULL,'',NULL,1795025834.5,NULL,0,'["a","b c"]');
INSERT INTO "runs" VALUES(73,19,'4',1,'finished','failure','test',2,1795025953.25,'https://ci/1/x','0',NULL,NULL,'',NULL,NULL,'push',0,'["a","b c"]');
INSERT INTO "runs" VALUES(74,37,'3',1,'finished','cancelled','workflow',1,NULL,'https://ci/1/x',NULL,'linux',NULL,'7',NULL,1795026907.0,NULL,0,NULL);
INSERT INTO "runs" VALUES(75,38,'6',1,'finished','success','test',1,1795027946.5,'https://ci/1/x',NULL,NULL,NULL,'8',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(76,18,'1',1,'finished','success','test',1,NULL,NULL,'0',NULL,NULL,'g1',NULL,NULL,NULL,0,NULL);
INSERT INTO "runs" VALUES(77,10,'5',1,'finished','success','test',1,NULL,NULL,'0',NULL,NULL,'g2',NULL,1795028503.25,NULL,0,NULL);
INSERT INTO "runs" VALUES(78,39,'3',1,'finished','failure','test',1,1795028551.75,NULL,NULL,NULL,'build','8',NULL,NULL,'push',0,'["a","b c"]');
CREATE TABLE sent (
        name TEXT NOT NULL, piece INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (name, piece)
    ) WITHOUT ROWID;
INSERT INTO "sent" VALUES('author ann',29916718,0);
INSERT INTO "sent" VALUES('author ann',29916727,0);
INSERT INTO "sent" VALUES('author ann',29916828,1);
INSERT INTO "sent" VALUES('author ann',29916842,1);
INSERT INTO "sent" VALUES('author ann',29916879,1);
INSERT INTO "sent" VALUES('author ann',29916887,1);
INSERT INTO "sent" VALUES('author ann',29916903,1);
INSERT INTO "sent" VALUES('author ann',29917004,0);
INSERT INTO "sent" VALUES('author ann',29917066,1);
INSERT INTO "sent" VALUES('author ann',29917073,1);
INSERT INTO "sent" VALUES('author ann',29917114,1);
INSERT INTO "sent" VALUES('author ann',29917139,1);
INSERT INTO "sent" VALUES('author ann',29917140,1);
INSERT INTO "sent" VALUES('service',29916718,0);
INSERT INTO "sent" VALUES('service',29916727,0);
INSERT INTO "sent" VALUES('service',29916828,1);
INSERT INTO "sent" VALUES('service',29916842,1);
INSERT INTO "sent" VALUES('service',29916879,1);
INSERT INTO "sent" VALUES('service',29916887,1);
INSERT INTO "sent" VALUES('service',29916903,1);
INSERT INTO "sent" VALUES('service',29917004,0);
INSERT INTO "sent" VALUES('service',29917066,1);
INSERT INTO "sent" VALUES('service',29917073,1);
INSERT INTO "sent" VALUES('service',29917114,1);
INSERT INTO "sent" VALUES('service',29917139,1);
INSERT INTO "sent" VALUES('service',29917140,1);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "settings" VALUES('pause','{"at":1795028559.75,"by":"ann","note":"a note"}');
INSERT INTO "settings" VALUES('slots acc  {1}','{"last":1795004113.75,"taken":{},"waiting":[{"caller":"c126","rank":2,"number":2,"time":1795014195.0,"told":true,"round":0}],"number":2,"round":0,"closed":0.0}');
CREATE TABLE sightings (
        job INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
        project TEXT NOT NULL,          -- that of its push, beside which the newest are sought
        at REAL NOT NULL, failed INTEGER NOT NULL, passed INTEGER NOT NULL, shapes TEXT NOT NULL, passing TEXT NOT NULL
    );
INSERT INTO "sightings" VALUES(1,'octo/App',1795019012.5,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(2,'octo/App',1795012320.25,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(3,'try',1795018982.5,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(4,'try',1795010988.0,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(5,'try',1795007227.75,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(6,'octo/App',1795012320.25,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(9,'try',1795010988.0,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(10,'try',1795007227.75,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(12,'try',1795005525.0,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(13,'octo/App',1795019012.5,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(19,'try',1795018982.5,1,0,'["boom"]','["fine"]');
CREATE TABLE story (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        job INTEGER REFERENCES jobs ON DELETE CASCADE,
        run INTEGER, origin TEXT NOT NULL DEFAULT '',
        what TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', count INTEGER NOT NULL DEFAULT 0,
        dry INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT ''
    );
INSERT INTO "story" VALUES(1,1795000894.0,3,3,3,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(2,1795001294.0,5,5,5,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(3,1795001298.25,2,6,6,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(4,1795001399.0,4,4,4,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(5,1795001799.0,4,4,4,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(6,1795001829.0,1,1,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(7,1795002299.0,5,10,10,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(8,1795003099.5,4,4,4,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(9,1795003643.75,5,10,10,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(10,1795004514.0,1,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(11,1795004515.0,5,10,10,'','wait','',0,0,'later');
INSERT INTO "story" VALUES(12,1795005055.0,2,14,15,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(13,1795005525.0,3,3,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(14,1795005525.0,3,12,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(15,1795005526.0,4,4,4,'','refuse','refused_by_ci',0,0,'no');
INSERT INTO "story" VALUES(16,1795005926.0,4,9,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(17,1795005926.0,4,4,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(18,1795006326.0,3,3,3,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(19,1795007227.75,5,10,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(20,1795007227.75,5,5,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(21,1795007327.75,4,9,12,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(22,1795007357.75,2,6,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(23,1795007357.75,2,2,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(24,1795008318.75,4,9,12,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(25,1795008718.75,3,16,18,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(26,1795008749.25,1,1,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(27,1795008749.25,1,13,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(28,1795008749.75,4,9,12,'','ended','',0,0,'enough');
INSERT INTO "story" VALUES(29,1795008820.0,4,4,24,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(30,1795008821.0,5,10,26,'','refuse','job_excluded',0,1,'');
INSERT INTO "story" VALUES(31,1795009252.0,5,10,10,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(32,1795009283.25,1,1,28,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(33,1795009683.25,2,6,6,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(34,1795009814.25,3,16,18,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(35,1795009884.5,2,14,15,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(36,1795009885.5,3,19,33,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(37,1795010025.5,5,5,22,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(38,1795010055.5,1,13,30,'','trigger','failure',1,1,'');
INSERT INTO "story" VALUES(39,1795010155.75,2,11,36,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(40,1795010555.75,1,1,28,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(41,1795010557.0,5,5,22,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(42,1795010988.0,4,9,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(43,1795010988.0,4,4,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(44,1795010989.0,3,12,13,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(45,1795011389.0,4,4,24,'person-1','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(46,1795011459.0,3,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(47,1795011490.0,4,4,24,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(48,1795011520.0,3,19,38,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(49,1795012320.25,2,6,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(50,1795012320.25,2,2,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(51,1795012720.25,5,8,37,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(52,1795012751.25,5,8,37,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(53,1795012821.25,2,21,40,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(54,1795012821.5,3,16,41,'','refuse','rebuild_requested',0,1,'');
INSERT INTO "story" VALUES(55,1795013221.5,3,16,18,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(56,1795013622.5,2,20,34,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(57,1795013692.75,4,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(58,1795014192.75,2,21,40,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(59,1795015065.0,3,19,33,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(60,1795015936.0,3,16,45,'','refuse','rebuild_requested',0,0,'');
INSERT INTO "story" VALUES(61,1795015966.0,4,4,24,'','ended','',0,0,'enough');
INSERT INTO "story" VALUES(62,1795015997.0,1,22,42,'','trigger','failure',1,1,'');
INSERT INTO "story" VALUES(63,1795017047.5,3,16,18,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(64,1795017117.5,3,12,13,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(65,1795017620.5,5,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(66,1795018020.5,5,8,37,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(67,1795018321.5,1,1,28,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(68,1795018752.5,1,28,57,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(69,1795018952.5,4,26,51,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(70,1795018982.5,3,3,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(71,1795018982.5,3,19,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(72,1795019012.5,1,1,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(73,1795019012.5,1,13,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(74,1795019412.5,4,26,51,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(75,1795019443.75,5,5,62,'','refuse','rebuild_requested',0,0,'');
INSERT INTO "story" VALUES(76,1795020244.75,3,12,13,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(77,1795020714.75,3,12,13,'','doubt','',0,0,'hm');
INSERT INTO "story" VALUES(78,1795021204.75,5,18,27,'','trigger','failure',2,1,'');
INSERT INTO "story" VALUES(79,1795021205.75,5,5,22,'','refuse','refused_by_ci',0,0,'no');
INSERT INTO "story" VALUES(80,1795021206.75,2,11,11,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(81,1795021306.75,3,12,13,'','refuse','refused_by_ci',0,0,'no');
INSERT INTO "story" VALUES(82,1795022169.0,1,32,65,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(83,1795022269.0,2,2,2,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(84,1795023499.25,3,3,49,'person-0','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(85,1795023899.25,5,10,10,'','ended','',0,0,'enough');
INSERT INTO "story" VALUES(86,1795023969.25,3,3,49,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(87,1795024372.5,5,5,62,'person-2','refuse','no_retry',0,1,'it says so');
INSERT INTO "story" VALUES(88,1795024403.5,4,26,51,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(89,1795024863.5,2,17,43,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(90,1795025294.0,4,26,51,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(91,1795025354.0,3,3,49,'','send','',1,0,'again');
INSERT INTO "story" VALUES(92,1795025455.0,3,3,49,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(93,1795025855.0,1,27,52,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(94,1795026386.25,2,25,50,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(95,1795026416.25,5,5,62,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(96,1795026886.5,1,27,52,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(97,1795027358.5,2,25,50,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(98,1795027359.5,1,35,69,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(99,1795027389.5,5,5,62,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(100,1795027419.5,3,19,73,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(101,1795028349.5,2,25,50,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(102,1795028450.75,3,19,73,'','send','',1,0,'sending');
CREATE TABLE wishes (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        value TEXT NOT NULL,            -- JSON; empty: settled
        since REAL NOT NULL, due REAL, tries INTEGER NOT NULL DEFAULT 0,
        UNIQUE (name, system)
    );
INSERT INTO "wishes" VALUES(1,'gh','10','{"system":"gh","id":"10","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795006396.5,1795016147.25,1);
INSERT INTO "wishes" VALUES(2,'gh','11','{"system":"gh","id":"11","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795007388.75,1795021828.75,1);
INSERT INTO "wishes" VALUES(3,'gh','16','{"system":"gh","id":"16","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795010556.0,1795027048.5,1);
INSERT INTO "wishes" VALUES(4,'gh','8','{"system":"gh","id":"8","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795024369.5,1795024369.5,0);
INSERT INTO "wishes" VALUES(5,'gh','15','{"system":"gh","id":"15","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795024370.5,1795024370.5,0);
INSERT INTO "wishes" VALUES(6,'gh','6','{"system":"gh","id":"6","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795026486.5,1795026486.5,0);
INSERT INTO "wishes" VALUES(7,'gh','7','{"system":"gh","id":"7","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795027549.5,1795027549.5,0);
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
