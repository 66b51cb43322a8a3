BEGIN TRANSACTION;
CREATE TABLE batches (
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        id TEXT NOT NULL, event TEXT, source TEXT, fork INTEGER,
        PRIMARY KEY (push, id)
    ) WITHOUT ROWID;
INSERT INTO "batches" VALUES(5,'7','push','ci.yml',NULL);
INSERT INTO "batches" VALUES(5,'8','pull_request',NULL,1);
INSERT INTO "batches" VALUES(7,'7','push','ci.yml',NULL);
INSERT INTO "batches" VALUES(7,'8','pull_request',NULL,1);
INSERT INTO "batches" VALUES(8,'7','push','ci.yml',NULL);
INSERT INTO "batches" VALUES(8,'8','pull_request',NULL,1);
CREATE TABLE breakers (
        place TEXT PRIMARY KEY, version INTEGER NOT NULL, open INTEGER NOT NULL, changed REAL NOT NULL,
        value TEXT NOT NULL             -- JSON
    ) WITHOUT ROWID;
INSERT INTO "breakers" VALUES('pool/ci/linux  {1}',1,1,1795036789.5,'{"place":["pool","ci","linux \u001f {1}"],"version":1,"trouble":"runs","since":1795036789.5,"evidence":[{"at":1795036789.5,"trouble":"runs","push":["gh","octo/App","b3","abc00003"],"job":"a\u001d7","why":"boom"}],"why":"why","tries":1,"probe":1795036849.5,"canary":{"push":["gh","octo/App","b3","abc00003"],"job":"a\u001d7","claim":34,"at":1795036789.5,"asked":0}}');
INSERT INTO "breakers" VALUES('system/gh/',1,0,1795036789.5,'{"place":["system","gh",""],"version":1,"trouble":null,"since":0.0,"evidence":[],"why":"","tries":0,"probe":0.0,"canary":null}');
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
INSERT INTO "claims" VALUES(1,4,4,4,'','refused',0,NULL,'no_retry',0,0,1,0,0,0,0,1795002097.5,'it says so',NULL,1795000601.25);
INSERT INTO "claims" VALUES(2,2,1,5,'','done',0,'failure',NULL,2,1,4,1,1,0,0,1795021320.5,'enough',NULL,1795000702.25);
INSERT INTO "claims" VALUES(3,5,6,7,'','sending',0,'failure',NULL,2,0,1,1,0,0,0,1795030975.25,'','op18',1795001135.5);
INSERT INTO "claims" VALUES(4,5,7,8,'','owed',0,'failure',NULL,1,0,1,1,0,0,0,1795016315.75,'held',NULL,1795001166.5);
INSERT INTO "claims" VALUES(5,1,10,11,'','done',0,'failure',NULL,2,2,1,1,0,0,0,1795009668.0,'HTTP 201',NULL,1795002098.5);
INSERT INTO "claims" VALUES(6,3,16,21,'','done',0,'failure',NULL,1,1,1,1,1,0,0,1795019147.25,'HTTP 201',NULL,1795004894.0);
INSERT INTO "claims" VALUES(7,8,18,23,'','refused',0,NULL,'no_retry',0,0,1,0,0,0,0,1795005136.25,'it says so',NULL,1795005035.0);
INSERT INTO "claims" VALUES(8,4,4,13,'person-0','would',1,'failure',NULL,1,0,2,1,0,0,0,1795006076.5,'',NULL,1795005065.25);
INSERT INTO "claims" VALUES(9,2,20,25,'','owed',0,'failure',NULL,2,1,1,1,0,0,0,1795036844.5,'HTTP 201',NULL,1795005135.25);
INSERT INTO "claims" VALUES(10,6,15,18,'','owed',0,'failure',NULL,2,1,2,1,0,0,0,1795035446.25,'held',NULL,1795005136.0);
INSERT INTO "claims" VALUES(11,5,22,27,'','owed',0,'failure',NULL,2,0,1,1,0,0,0,1795006977.75,'',NULL,1795005536.25);
INSERT INTO "claims" VALUES(12,7,24,29,'','owed',0,'failure',NULL,1,0,2,1,0,0,1,1795028179.25,'later',NULL,1795006107.75);
INSERT INTO "claims" VALUES(13,8,18,23,'person-2','owed',0,'failure',NULL,2,1,1,1,0,0,0,1795035917.25,'held',NULL,1795008277.75);
INSERT INTO "claims" VALUES(14,4,4,13,'person-2','refused',0,NULL,'no_retry',0,0,2,0,0,0,0,1795010761.25,'it says so',NULL,1795008677.75);
INSERT INTO "claims" VALUES(15,1,10,11,'person-0','refused',1,NULL,'no_retry',0,0,1,0,1,0,0,1795020418.25,'it says so',NULL,1795009678.0);
INSERT INTO "claims" VALUES(16,6,13,35,'','refused',0,NULL,'no_retry',0,0,5,0,0,0,0,1795029489.75,'it says so',NULL,1795009750.25);
INSERT INTO "claims" VALUES(17,3,2,15,'','would',1,'failure',NULL,1,0,2,1,0,0,0,1795012519.25,'',NULL,1795010153.5);
INSERT INTO "claims" VALUES(18,3,8,34,'','would',1,'failure',NULL,2,0,2,1,0,0,0,1795021060.5,'',NULL,1795010153.5);
INSERT INTO "claims" VALUES(19,7,12,41,'','sending',0,'failure',NULL,2,1,2,1,0,0,0,1795017810.0,'','op6',1795010285.0);
INSERT INTO "claims" VALUES(20,5,31,45,'','sending',0,'failure',NULL,2,0,1,1,0,0,0,1795016250.0,'','op15',1795010831.25);
INSERT INTO "claims" VALUES(21,8,32,46,'','done',0,'failure',NULL,1,1,1,1,1,0,0,1795033572.75,'HTTP 201',NULL,1795011071.25);
INSERT INTO "claims" VALUES(22,7,33,49,'','owed',0,'failure',NULL,1,0,1,1,0,0,0,1795020387.25,'',NULL,1795011616.0);
INSERT INTO "claims" VALUES(23,5,35,54,'','owed',0,'failure',NULL,1,0,1,1,0,0,0,1795036314.25,'',NULL,1795015125.25);
INSERT INTO "claims" VALUES(24,6,11,58,'','refused',0,NULL,'no_retry',0,0,4,0,0,1,0,1795018916.0,'it says so',NULL,1795015417.75);
INSERT INTO "claims" VALUES(26,4,4,13,'person-1','unknown',0,'failure',NULL,1,0,2,1,0,0,0,1795035601.75,'hm','op17',1795015450.0);
INSERT INTO "claims" VALUES(27,4,9,65,'','owed',0,'failure',NULL,2,0,3,1,1,0,0,1795032146.5,'waits',NULL,1795016941.25);
INSERT INTO "claims" VALUES(28,5,41,69,'','open',1,NULL,NULL,0,0,0,0,0,0,0,1795022030.5,'held',NULL,1795017585.25);
INSERT INTO "claims" VALUES(29,8,42,70,'','open',0,NULL,NULL,0,0,0,0,0,0,1,1795019187.0,'waits',NULL,1795017615.25);
INSERT INTO "claims" VALUES(30,5,44,72,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795019957.25,'',NULL,1795019957.25);
INSERT INTO "claims" VALUES(31,5,45,73,'','would',1,'failure',NULL,1,0,1,1,0,0,0,1795027914.5,'',NULL,1795020388.25);
INSERT INTO "claims" VALUES(32,6,25,74,'','refused',0,NULL,'no_retry',0,0,6,0,0,0,0,1795032346.5,'it says so',NULL,1795020558.25);
INSERT INTO "claims" VALUES(33,7,46,75,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795020958.25,'',NULL,1795020958.25);
INSERT INTO "claims" VALUES(34,7,14,17,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795021832.75,'',NULL,1795021832.75);
INSERT INTO "claims" VALUES(35,7,17,22,'','open',0,NULL,NULL,0,0,0,0,0,0,1,1795021995.0,'waits',NULL,1795021832.75);
INSERT INTO "claims" VALUES(36,7,23,28,'','refused',0,NULL,'no_retry',0,0,2,0,0,0,0,1795030031.75,'it says so',NULL,1795021832.75);
INSERT INTO "claims" VALUES(38,7,40,79,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795021832.75,'',NULL,1795021832.75);
INSERT INTO "claims" VALUES(39,3,8,34,'person-2','done',0,'failure',NULL,2,0,2,0,0,0,0,1795022541.75,'enough',NULL,1795021862.75);
INSERT INTO "claims" VALUES(40,1,34,50,'','open',0,NULL,NULL,0,0,0,0,0,0,1,1795031542.25,'held',NULL,1795021892.75);
INSERT INTO "claims" VALUES(42,2,19,90,'','sending',0,'failure',NULL,1,0,4,1,0,0,0,1795034239.5,'','op16',1795023074.75);
INSERT INTO "claims" VALUES(43,7,51,91,'','owed',0,'failure',NULL,2,0,1,1,0,0,0,1795027915.75,'',NULL,1795023144.75);
INSERT INTO "claims" VALUES(44,8,43,71,'','sending',0,'failure',NULL,1,0,1,1,0,0,0,1795027152.0,'','op14',1795024218.5);
INSERT INTO "claims" VALUES(45,3,53,100,'','refused',0,'failure','refused_by_ci',2,0,1,0,0,0,0,1795031065.25,'no',NULL,1795024890.0);
INSERT INTO "claims" VALUES(46,4,5,102,'','would',1,'failure',NULL,1,0,7,1,0,0,0,1795030642.0,'',NULL,1795025351.0);
INSERT INTO "claims" VALUES(47,7,55,104,'','open',0,NULL,NULL,0,0,0,0,0,0,0,1795026581.0,'',NULL,1795026581.0);
INSERT INTO "claims" VALUES(48,1,29,105,'','sending',0,'failure',NULL,1,0,2,1,0,0,0,1795035479.25,'','op19',1795027323.25);
INSERT INTO "claims" VALUES(49,1,3,106,'','would',1,'failure',NULL,1,0,4,1,1,0,0,1795035509.5,'',NULL,1795027884.5);
INSERT INTO "claims" VALUES(50,7,57,110,'','open',1,NULL,NULL,0,0,0,0,0,0,0,1795028048.25,'',NULL,1795028048.25);
INSERT INTO "claims" VALUES(51,2,28,111,'','owed',0,'failure',NULL,2,0,4,1,0,0,0,1795036814.25,'held',NULL,1795028118.25);
INSERT INTO "claims" VALUES(52,7,38,64,'','open',1,NULL,NULL,0,0,0,0,0,0,0,1795030501.75,'',NULL,1795030501.75);
INSERT INTO "claims" VALUES(53,8,58,118,'','open',0,NULL,NULL,0,0,0,0,0,0,1,1795034546.25,'waits',NULL,1795030783.0);
INSERT INTO "claims" VALUES(54,8,47,76,'','refused',0,NULL,'no_retry',0,0,2,0,0,0,0,1795032216.5,'it says so',NULL,1795030784.25);
INSERT INTO "claims" VALUES(55,3,53,100,'person-0','owed',0,'failure',NULL,1,0,2,1,0,0,0,1795035510.5,'',NULL,1795035018.25);
CREATE TABLE crashes (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, worker TEXT NOT NULL, ended TEXT NOT NULL,
        error TEXT NOT NULL, trace TEXT NOT NULL, place INTEGER NOT NULL
    );
INSERT INTO "crashes" VALUES(1,1795011614.0,'host/2','SIGKILL','boom','at x',1);
INSERT INTO "crashes" VALUES(2,1795017011.75,'host/2','SIGKILL','boom','at x',1);
CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "cursors" VALUES('poll:ci','7.0');
CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, system TEXT NOT NULL, intake TEXT NOT NULL,
        reason TEXT NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL
    );
INSERT INTO "dead_letters" VALUES(2,1795017011.75,'ci','pulse','not JSON',X'00FF7B','{"a":"b"}');
CREATE TABLE deliveries (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
INSERT INTO "deliveries" VALUES('d15 ',1795001135.5);
INSERT INTO "deliveries" VALUES('d26 ',1795002169.5);
INSERT INTO "deliveries" VALUES('d28 ',1795002240.5);
INSERT INTO "deliveries" VALUES('d40 ',1795003202.75);
INSERT INTO "deliveries" VALUES('d49 ',1795004894.0);
INSERT INTO "deliveries" VALUES('d67 ',1795006107.75);
INSERT INTO "deliveries" VALUES('d74 ',1795007877.75);
INSERT INTO "deliveries" VALUES('d90 ',1795009752.5);
INSERT INTO "deliveries" VALUES('d98 ',1795010285.0);
INSERT INTO "deliveries" VALUES('d105 ',1795010759.25);
INSERT INTO "deliveries" VALUES('d112 ',1795011071.25);
INSERT INTO "deliveries" VALUES('d137 ',1795014191.25);
INSERT INTO "deliveries" VALUES('d144 ',1795014655.25);
INSERT INTO "deliveries" VALUES('d154 ',1795015415.5);
INSERT INTO "deliveries" VALUES('d157 ',1795015417.75);
INSERT INTO "deliveries" VALUES('d160 ',1795015449.75);
INSERT INTO "deliveries" VALUES('d181 ',1795017513.0);
INSERT INTO "deliveries" VALUES('d189 ',1795017645.75);
INSERT INTO "deliveries" VALUES('d192 ',1795018515.75);
INSERT INTO "deliveries" VALUES('d211 ',1795020989.25);
INSERT INTO "deliveries" VALUES('d216 ',1795021160.5);
INSERT INTO "deliveries" VALUES('d221 ',1795021760.5);
INSERT INTO "deliveries" VALUES('d227 ',1795021892.75);
INSERT INTO "deliveries" VALUES('d249 ',1795023011.75);
INSERT INTO "deliveries" VALUES('d251 ',1795023042.75);
INSERT INTO "deliveries" VALUES('d253 ',1795023044.75);
INSERT INTO "deliveries" VALUES('d254 ',1795023074.75);
INSERT INTO "deliveries" VALUES('d257 ',1795023175.0);
INSERT INTO "deliveries" VALUES('d278 ',1795025290.0);
INSERT INTO "deliveries" VALUES('d289 ',1795027082.0);
INSERT INTO "deliveries" VALUES('d308 ',1795027946.25);
INSERT INTO "deliveries" VALUES('d313 ',1795028118.25);
INSERT INTO "deliveries" VALUES('d316 ',1795028219.25);
INSERT INTO "deliveries" VALUES('d328 ',1795030101.75);
INSERT INTO "deliveries" VALUES('d339 ',1795030784.0);
INSERT INTO "deliveries" VALUES('d341 ',1795030814.25);
INSERT INTO "deliveries" VALUES('d344 ',1795030944.25);
INSERT INTO "deliveries" VALUES('d348 ',1795031075.25);
INSERT INTO "deliveries" VALUES('d357 ',1795032146.5);
INSERT INTO "deliveries" VALUES('d359 ',1795032286.5);
INSERT INTO "deliveries" VALUES('d362 ',1795032376.5);
INSERT INTO "deliveries" VALUES('d376 ',1795033441.75);
INSERT INTO "deliveries" VALUES('d379 ',1795033542.75);
INSERT INTO "deliveries" VALUES('d397 ',1795035449.25);
INSERT INTO "deliveries" VALUES('d407 ',1795035572.25);
INSERT INTO "deliveries" VALUES('d409 ',1795035672.25);
CREATE TABLE held (
        behind TEXT NOT NULL, claim INTEGER NOT NULL REFERENCES claims ON DELETE CASCADE,
        PRIMARY KEY (behind, claim)
    ) WITHOUT ROWID;
INSERT INTO "held" VALUES('cap service',4);
INSERT INTO "held" VALUES('cap service',8);
INSERT INTO "held" VALUES('cap service',10);
INSERT INTO "held" VALUES('pool/ci/linux  {1}',13);
INSERT INTO "held" VALUES('pool/ci/linux  {1}',14);
INSERT INTO "held" VALUES('cap service',15);
INSERT INTO "held" VALUES('pool/ci/linux  {1}',16);
INSERT INTO "held" VALUES('pool/ci/linux  {1}',27);
INSERT INTO "held" VALUES('cap service',28);
INSERT INTO "held" VALUES('pool/ci/linux  {1}',40);
INSERT INTO "held" VALUES('cap service',51);
CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        name TEXT NOT NULL,
        groups TEXT NOT NULL,           -- by which a push may ask for it, parted by spaces
        UNIQUE (push, name)
    );
INSERT INTO "jobs" VALUES(1,2,'b','*');
INSERT INTO "jobs" VALUES(2,3,'a','*');
INSERT INTO "jobs" VALUES(3,1,'c  d','*');
INSERT INTO "jobs" VALUES(4,4,'b','* g1');
INSERT INTO "jobs" VALUES(5,4,'c  d','*');
INSERT INTO "jobs" VALUES(6,5,'e [x]7','* g1');
INSERT INTO "jobs" VALUES(7,5,'a8','*');
INSERT INTO "jobs" VALUES(8,3,'e [x]','*');
INSERT INTO "jobs" VALUES(9,4,'e [x]','* g1');
INSERT INTO "jobs" VALUES(10,1,'a','* g1');
INSERT INTO "jobs" VALUES(11,6,'c  d','* g1');
INSERT INTO "jobs" VALUES(12,7,'b7','* g1');
INSERT INTO "jobs" VALUES(13,6,'b','*');
INSERT INTO "jobs" VALUES(14,7,'a7','*');
INSERT INTO "jobs" VALUES(15,6,'a','*');
INSERT INTO "jobs" VALUES(16,3,'b','*');
INSERT INTO "jobs" VALUES(17,7,'c  d7','* g1');
INSERT INTO "jobs" VALUES(18,8,'c  d8','*');
INSERT INTO "jobs" VALUES(19,2,'e [x]','* g1');
INSERT INTO "jobs" VALUES(20,2,'c  d','*');
INSERT INTO "jobs" VALUES(21,8,'e [x]8','*');
INSERT INTO "jobs" VALUES(22,5,'e [x]8','*');
INSERT INTO "jobs" VALUES(23,7,'a8','*');
INSERT INTO "jobs" VALUES(24,7,'c  d8','*');
INSERT INTO "jobs" VALUES(25,6,'e [x]','*');
INSERT INTO "jobs" VALUES(26,8,'a7','');
INSERT INTO "jobs" VALUES(27,5,'e [x]72','');
INSERT INTO "jobs" VALUES(28,2,'a','* g1');
INSERT INTO "jobs" VALUES(29,1,'b','*');
INSERT INTO "jobs" VALUES(30,7,'a76','*');
INSERT INTO "jobs" VALUES(31,5,'a7','* g1');
INSERT INTO "jobs" VALUES(32,8,'c  d7','* g1');
INSERT INTO "jobs" VALUES(33,7,'e [x]7','* g1');
INSERT INTO "jobs" VALUES(34,1,'e [x]','*');
INSERT INTO "jobs" VALUES(35,5,'b7','* g1');
INSERT INTO "jobs" VALUES(36,7,'c  d75','');
INSERT INTO "jobs" VALUES(37,5,'a84','* g1');
INSERT INTO "jobs" VALUES(38,7,'b8','* g1');
INSERT INTO "jobs" VALUES(39,7,'c  d71','');
INSERT INTO "jobs" VALUES(40,7,'e [x]8','*');
INSERT INTO "jobs" VALUES(41,5,'a75','* g1');
INSERT INTO "jobs" VALUES(42,8,'b8','*');
INSERT INTO "jobs" VALUES(43,8,'a74','*');
INSERT INTO "jobs" VALUES(44,5,'c  d8','* g1');
INSERT INTO "jobs" VALUES(45,5,'b8','*');
INSERT INTO "jobs" VALUES(46,7,'a75','* g1');
INSERT INTO "jobs" VALUES(47,8,'e [x]85','* g1');
INSERT INTO "jobs" VALUES(48,8,'c  d74','* g1');
INSERT INTO "jobs" VALUES(49,8,'a76','');
INSERT INTO "jobs" VALUES(50,4,'a','*');
INSERT INTO "jobs" VALUES(51,7,'a81','* g1');
INSERT INTO "jobs" VALUES(52,8,'b7','*');
INSERT INTO "jobs" VALUES(53,3,'c  d','* g1');
INSERT INTO "jobs" VALUES(54,5,'b84','');
INSERT INTO "jobs" VALUES(55,7,'b74','* g1');
INSERT INTO "jobs" VALUES(56,5,'a81','');
INSERT INTO "jobs" VALUES(57,7,'e [x]81','*');
INSERT INTO "jobs" VALUES(58,8,'e [x]84','*');
INSERT INTO "jobs" VALUES(59,8,'a8','* g1');
INSERT INTO "jobs" VALUES(60,8,'c  d72','* g1');
CREATE TABLE judgements (
        push INTEGER PRIMARY KEY REFERENCES pushes ON DELETE CASCADE,
        health TEXT NOT NULL, sentence TEXT NOT NULL, counts TEXT NOT NULL, judged REAL NOT NULL
    );
INSERT INTO "judgements" VALUES(1,'failing','a sentence','{"failed":1}',1795004895.0);
INSERT INTO "judgements" VALUES(2,'good','a sentence','{"failed":1}',1795011617.25);
INSERT INTO "judgements" VALUES(3,'good','a sentence','{"failed":1}',1795022941.75);
INSERT INTO "judgements" VALUES(4,'failing','a sentence','{"failed":1}',1795035541.5);
INSERT INTO "judgements" VALUES(5,'good','a sentence','{"failed":1}',1795011612.75);
INSERT INTO "judgements" VALUES(8,'failing','a sentence','{"failed":1}',1795027854.5);
CREATE TABLE kept (
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (push, name)
    ) WITHOUT ROWID;
INSERT INTO "kept" VALUES(1,'github','367');
INSERT INTO "kept" VALUES(1,'x','228');
INSERT INTO "kept" VALUES(2,'github','178');
INSERT INTO "kept" VALUES(3,'github','190');
INSERT INTO "kept" VALUES(5,'x','365');
INSERT INTO "kept" VALUES(7,'github','373');
CREATE TABLE lead_groups (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        due REAL, tries INTEGER NOT NULL DEFAULT 0, since REAL NOT NULL,
        UNIQUE (name, system)
    );
INSERT INTO "lead_groups" VALUES(1,'ci','g 1',1795000631.25,0,1795000631.25);
INSERT INTO "lead_groups" VALUES(2,'ci','g2',1795023053.75,0,1795023043.75);
CREATE TABLE leads (
        lead_group INTEGER NOT NULL REFERENCES lead_groups ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, rank INTEGER NOT NULL, result TEXT, failed INTEGER NOT NULL, time REAL,
        PRIMARY KEY (lead_group, run_id, attempt)
    ) WITHOUT ROWID;
INSERT INTO "leads" VALUES(1,'x',1,'running',1,'success',0,1795015418.75);
INSERT INTO "leads" VALUES(1,'y',1,'running',1,'success',0,NULL);
INSERT INTO "leads" VALUES(1,'z',1,'finished',2,'failure',1,1795000631.25);
INSERT INTO "leads" VALUES(2,'z',1,'finished',2,'success',0,NULL);
CREATE TABLE operations (
        id TEXT PRIMARY KEY,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        claims TEXT NOT NULL, count INTEGER NOT NULL, started REAL NOT NULL, baseline TEXT NOT NULL,
        sends INTEGER NOT NULL, misses INTEGER NOT NULL
    , charged TEXT NOT NULL DEFAULT '');
INSERT INTO "operations" VALUES('op1',1,'[5]',1,1795003634.0,'{"a":[["3",1]]}',1,0,'[["service","author ann"],29916727,1]');
INSERT INTO "operations" VALUES('op2',1,'[5]',1,1795009177.75,'{"a":[["3",1]]}',1,0,'[["service","author ann"],29916819,1]');
INSERT INTO "operations" VALUES('op3',8,'[13]',1,1795010760.25,'{"c \u001f d\u001d8":[["3",2]]}',1,0,'[["service","author ann"],29916846,1]');
INSERT INTO "operations" VALUES('op4',7,'[19]',1,1795012419.25,'{"b\u001d7":[["5",2]]}',1,0,'[["service","author ann"],29916873,1]');
INSERT INTO "operations" VALUES('op5',3,'[6]',1,1795015185.25,'{"b":[["6",1]]}',1,0,'[["service","author ann"],29916919,1]');
INSERT INTO "operations" VALUES('op6',7,'[19]',1,1795017011.5,'{"b\u001d7":[["5",2]]}',1,0,'[["service","author ann"],29916950,1]');
INSERT INTO "operations" VALUES('op7',7,'[12]',1,1795019887.25,'{"c \u001f d\u001d8":[["4",1]]}',1,0,'');
INSERT INTO "operations" VALUES('op8',2,'[2]',1,1795019987.25,'{"b":[["5",1]]}',1,0,'[["service","author ann"],29916999,1]');
INSERT INTO "operations" VALUES('op9',8,'[21]',1,1795029089.75,'{"c \u001f d\u001d7":[["5",1]]}',2,0,'[["service","author ann"],29917027,1]');
INSERT INTO "operations" VALUES('op10',2,'[9]',1,1795021831.75,'{"c \u001f d":[["4",1]]}',1,0,'');
INSERT INTO "operations" VALUES('op11',6,'[10]',1,1795021893.25,'{"a":[["6",1]]}',1,0,'[["service","author ann"],29917031,1]');
INSERT INTO "operations" VALUES('op12',2,'[9]',1,1795027824.5,'{"c \u001f d":[["4",1]]}',1,0,'[["service","author ann"],29917130,1]');
INSERT INTO "operations" VALUES('op13',3,'[45]',1,1795031476.5,'{"c \u001f d":[["5",1]]}',2,0,'');
INSERT INTO "operations" VALUES('op14',8,'[44]',1,1795032076.5,'{"a\u001d7\u001d4":[["4",1]]}',1,0,'[["service","author ann"],29917201,1]');
INSERT INTO "operations" VALUES('op15',5,'[20]',1,1795032316.5,'{"a\u001d7":[["6",1]]}',1,0,'[["service","author ann"],29917205,1]');
INSERT INTO "operations" VALUES('op16',2,'[42]',1,1795033440.75,'{"e [x]":[["1",1]]}',1,0,'[["service","author ann"],29917224,1]');
INSERT INTO "operations" VALUES('op17',4,'[26]',1,1795034046.0,'{"b":[["4",1]]}',1,0,'[["service","author ann"],29917234,1]');
INSERT INTO "operations" VALUES('op18',5,'[3]',1,1795034046.25,'{"e [x]\u001d7":[["3",1]]}',1,0,'[["service","author ann"],29917234,1]');
INSERT INTO "operations" VALUES('op19',1,'[48]',1,1795035572.0,'{"b":[["4",1]]}',1,0,'[["service","author ann"],29917259,1]');
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
INSERT INTO "pushes" VALUES(1,'ci','try','try','def00007','bob','a title

body',50.0,1,'{"rebuild":{},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795031542.25,1795027052.0,NULL,1,1795000001.0,1795036784.25,1795035480.25,1795035076.25);
INSERT INTO "pushes" VALUES(2,'ci','try','try','def00001','ann',NULL,50.0,NULL,NULL,1795034239.5,1795024860.0,NULL,2,1795000001.25,1795035019.25,1795012419.25,NULL);
INSERT INTO "pushes" VALUES(3,'ci','try','try','def00002','bob','a title

body',50.0,1,'{"rebuild":{"*":3},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795035510.5,NULL,NULL,0,1795000401.25,1795035884.25,1795023177.0,1795023001.75);
INSERT INTO "pushes" VALUES(4,'ci','try','try','def00004','bob',NULL,50.0,1,NULL,1795000603.25,NULL,1795000603.25,0,1795000601.25,1795033278.5,1795035542.75,NULL);
INSERT INTO "pushes" VALUES(5,'gh','octo/App','b0','abc00000','bob','a title

body',50.0,0,'{"rebuild":{"*":3},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795006977.75,1795010686.25,NULL,0,1795001135.5,1795035419.25,1795014655.25,NULL);
INSERT INTO "pushes" VALUES(6,'ci','try','try','def00005','ann','a title

body',NULL,1,'{"rebuild":{},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795035446.25,NULL,NULL,0,1795002099.5,1795033511.75,1795018917.0,1795017572.0);
INSERT INTO "pushes" VALUES(7,'gh','octo/App','b3','abc00003','ann','a title

body',50.0,0,'{"rebuild":{"*":3},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795017810.0,1795012920.25,NULL,1,1795002240.5,1795035571.75,1795019888.25,1795017575.0);
INSERT INTO "pushes" VALUES(8,'gh','octo/App','b2','abc00006','ann','a title

body',50.0,1,'{"rebuild":{},"retry":false,"no_retry":false,"dontbuild":false,"problems":["a problem"]}',1795019187.0,NULL,NULL,0,1795005035.0,1795036384.25,1795028354.5,NULL);
CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        run_id TEXT NOT NULL, attempt INTEGER NOT NULL,
        state TEXT NOT NULL, result TEXT, kind TEXT NOT NULL, tier INTEGER NOT NULL, time REAL, url TEXT,
        retrigger_of TEXT, pool TEXT, step TEXT,
        batch TEXT NOT NULL, failures TEXT, started REAL, event TEXT, allowed_to_fail INTEGER NOT NULL DEFAULT 0,
        UNIQUE (job, run_id, attempt)
    );
INSERT INTO "runs" VALUES(1,1,'4',1,'finished','infra','test',1,1795012415.25,'https://ci/1/x','0','linux','build','',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(2,2,'3',1,'finished','cancelled','test',1,1795000398.25,NULL,NULL,NULL,'build','',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(3,3,'2',1,'pending',NULL,'test',2,1795000498.25,NULL,NULL,NULL,'build','g2','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(4,4,'2',1,'finished','infra','test',1,1795000598.25,NULL,NULL,NULL,NULL,'g2','["boom \u001e in a","x","a late line"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(5,1,'5',1,'finished','failure','test',1,NULL,NULL,'0',NULL,'build','',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(6,5,'6',2,'pending',NULL,'test',1,NULL,NULL,NULL,'linux',NULL,'g1','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(7,6,'3',1,'finished','failure','test',1,1795001132.5,NULL,NULL,'linux',NULL,'7',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(8,7,'2',1,'finished','infra','test',1,1795001163.5,NULL,NULL,'linux',NULL,'8',NULL,1795001116.0,'push',0);
INSERT INTO "runs" VALUES(9,8,'3',1,'running',NULL,'test',1,1795001563.5,NULL,NULL,NULL,NULL,'','["boom \u001e in a","x"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(10,9,'2',2,'finished','success','test',2,NULL,NULL,'0',NULL,'build','g2',NULL,1795001946.0,NULL,0);
INSERT INTO "runs" VALUES(11,10,'3',1,'finished','failure','workflow',1,NULL,NULL,NULL,NULL,NULL,'','["a late line"]',1795002048.0,'push',0);
INSERT INTO "runs" VALUES(12,11,'4',1,'finished','failure','workflow',1,NULL,NULL,NULL,NULL,NULL,'',NULL,1795002049.0,NULL,0);
INSERT INTO "runs" VALUES(13,4,'4',1,'finished','success','test',1,1795002166.5,NULL,NULL,NULL,NULL,'','["a late line"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(14,12,'2',1,'finished','success','test',1,1795002237.5,NULL,NULL,NULL,'build','7',NULL,1795002190.0,NULL,1);
INSERT INTO "runs" VALUES(15,2,'4',1,'pending',NULL,'test',1,NULL,NULL,NULL,'linux',NULL,'g1',NULL,1795002590.25,NULL,0);
INSERT INTO "runs" VALUES(16,13,'1',2,'finished','cancelled','workflow',1,1795003108.0,NULL,NULL,NULL,NULL,'g2','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(17,14,'4',1,'running',NULL,'test',2,1795003168.0,'https://ci/1/x',NULL,NULL,NULL,'7',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(18,15,'6',1,'finished','cancelled','test',1,NULL,'https://ci/1/x',NULL,NULL,'build','g2',NULL,1795003152.25,NULL,0);
INSERT INTO "runs" VALUES(19,1,'2',2,'running',NULL,'test',1,NULL,NULL,NULL,'linux','build','',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(20,13,'4',1,'finished','infra','test',2,NULL,NULL,NULL,'linux',NULL,'',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(21,16,'6',1,'finished','failure','test',1,NULL,'https://ci/1/x','0',NULL,NULL,'',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(22,17,'3',1,'finished','success','test',1,NULL,'https://ci/1/x',NULL,'linux','build','7',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(23,18,'3',2,'finished','failure','test',1,NULL,NULL,NULL,NULL,'build','8','["boom \u001e in a","x","a late line"]',1795004984.5,NULL,1);
INSERT INTO "runs" VALUES(24,19,'5',1,'finished','infra','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'g1',NULL,1795005014.5,NULL,0);
INSERT INTO "runs" VALUES(25,20,'4',1,'finished','failure','workflow',1,NULL,'https://ci/1/x',NULL,NULL,'build','',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(26,21,'5',2,'pending',NULL,'test',1,NULL,NULL,'0',NULL,NULL,'8','["boom \u001e in a","x"]',NULL,'push',0);
INSERT INTO "runs" VALUES(27,22,'5',1,'finished','failure','test',1,1795005533.25,NULL,NULL,'linux','build','8',NULL,1795005485.75,NULL,1);
INSERT INTO "runs" VALUES(28,23,'3',1,'finished','success','test',1,NULL,'https://ci/1/x',NULL,NULL,'build','8',NULL,1795006026.25,NULL,1);
INSERT INTO "runs" VALUES(29,24,'4',1,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,'linux',NULL,'8','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(30,19,'2',1,'finished','success','test',1,1795006574.75,NULL,NULL,'linux',NULL,'','["boom \u001e in a","x"]',NULL,'push',1);
INSERT INTO "runs" VALUES(31,1,'5',2,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'g1','["boom \u001e in a","x"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(32,25,'3',1,'running',NULL,'test',1,NULL,NULL,NULL,NULL,'build','',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(33,26,'2',1,'finished','cancelled','test',1,NULL,NULL,'0',NULL,NULL,'7',NULL,1795009127.5,NULL,0);
INSERT INTO "runs" VALUES(34,8,'2',2,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,'linux',NULL,'','["a late line"]',1795027201.5,'push',0);
INSERT INTO "runs" VALUES(35,13,'3',2,'finished','failure','test',1,1795009747.25,NULL,'0',NULL,NULL,'g1',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(36,27,'2',1,'finished','cancelled','test',1,1795009748.25,NULL,'0',NULL,'build','7',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(37,28,'6',2,'running',NULL,'test',1,1795009748.5,NULL,NULL,NULL,'build','',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(38,28,'1',2,'running',NULL,'test',2,1795009749.5,NULL,'0',NULL,'build','g2',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(39,21,'2',1,'finished','cancelled','test',1,NULL,NULL,NULL,NULL,'build','8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(40,29,'1',2,'finished','success','test',2,1795010251.0,NULL,NULL,NULL,'build','','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(41,12,'5',2,'finished','infra','test',1,1795010282.0,NULL,'0',NULL,'build','7','["boom \u001e in a","x"]',NULL,'push',0);
INSERT INTO "runs" VALUES(42,13,'1',1,'finished','infra','test',1,1795010682.0,'https://ci/1/x',NULL,NULL,NULL,'','["boom \u001e in a","x"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(43,24,'4',2,'finished','failure','test',1,NULL,NULL,NULL,NULL,'build','8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(44,30,'6',1,'finished','infra','test',1,1795022394.5,NULL,NULL,'linux',NULL,'7','["boom \u001e in a","x"]',1795010636.75,NULL,1);
INSERT INTO "runs" VALUES(45,31,'6',1,'finished','failure','test',2,1795010828.25,NULL,NULL,NULL,NULL,'7',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(46,32,'5',1,'finished','infra','test',1,1795011068.25,NULL,NULL,NULL,'build','7',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(47,5,'1',1,'running',NULL,'test',2,NULL,NULL,'0',NULL,NULL,'','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(48,11,'2',2,'pending',NULL,'test',1,1795011139.25,NULL,NULL,NULL,'build','',NULL,1795011091.75,NULL,0);
INSERT INTO "runs" VALUES(49,33,'5',1,'finished','failure','test',2,1795011613.0,NULL,NULL,NULL,'build','7',NULL,1795011565.5,'push',0);
INSERT INTO "runs" VALUES(50,34,'4',1,'finished','infra','workflow',2,1795011614.0,NULL,NULL,'linux','build','g1',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(51,13,'6',1,'running',NULL,'test',1,NULL,NULL,NULL,NULL,'build','','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(52,1,'3',1,'finished','infra','test',1,1795013387.25,'https://ci/1/x',NULL,'linux','build','',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(53,16,'3',2,'finished','success','test',2,1795014652.25,NULL,NULL,NULL,'build','','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(54,35,'3',1,'finished','failure','test',1,1795015122.25,NULL,NULL,NULL,'build','7',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(55,36,'5',1,'finished','cancelled','workflow',1,NULL,NULL,NULL,NULL,NULL,'7',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(56,28,'2',1,'finished','infra','test',1,NULL,NULL,NULL,NULL,'build','',NULL,1795015165.0,NULL,0);
INSERT INTO "runs" VALUES(57,5,'5',1,'finished','success','test',1,1795021828.5,'https://ci/1/x',NULL,'linux','build','',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(58,11,'6',1,'finished','infra','test',1,1795015414.75,'https://ci/1/x',NULL,NULL,'build','',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(59,37,'4',1,'finished','infra','workflow',1,1795015416.75,NULL,'0','linux','build','8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(60,20,'3',2,'pending',NULL,'test',1,1795015446.75,NULL,NULL,NULL,NULL,'',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(61,15,'1',2,'finished','cancelled','test',1,1795015847.0,'https://ci/1/x',NULL,'linux',NULL,'',NULL,1795015799.5,'push',0);
INSERT INTO "runs" VALUES(62,11,'3',1,'running',NULL,'test',1,1795016277.0,NULL,NULL,'linux',NULL,'',NULL,1795016229.5,NULL,0);
INSERT INTO "runs" VALUES(63,1,'1',1,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'','["boom \u001e in a","x"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(64,38,'6',1,'finished','infra','test',1,1795016938.0,NULL,NULL,NULL,'build','8',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(65,9,'4',1,'finished','infra','test',1,1795016938.25,NULL,'0',NULL,NULL,'',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(66,20,'1',1,'finished','failure','test',2,NULL,'https://ci/1/x',NULL,'linux','build','',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(67,39,'1',1,'finished','cancelled','test',1,1795017479.0,NULL,NULL,NULL,NULL,'7',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(68,40,'4',2,'running',NULL,'test',2,1795017511.0,'https://ci/1/x',NULL,NULL,NULL,'8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(69,41,'5',1,'finished','failure','test',1,NULL,NULL,NULL,'linux',NULL,'7','["boom \u001e in a","x"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(70,42,'5',2,'finished','failure','test',1,1795017612.25,'https://ci/1/x','0',NULL,NULL,'8',NULL,1795017564.75,NULL,1);
INSERT INTO "runs" VALUES(71,43,'4',1,'finished','failure','test',1,1795024215.5,NULL,NULL,'linux','build','7',NULL,1795018465.25,NULL,0);
INSERT INTO "runs" VALUES(72,44,'5',1,'pending',NULL,'test',1,1795019954.25,'https://ci/1/x','0','linux',NULL,'8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(73,45,'1',1,'finished','infra','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'8',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(74,25,'1',2,'finished','failure','test',2,1795020555.25,'https://ci/1/x',NULL,NULL,NULL,'',NULL,1795020507.75,'push',0);
INSERT INTO "runs" VALUES(75,46,'5',1,'finished','failure','test',1,1795020955.25,'https://ci/1/x','0',NULL,NULL,'7',NULL,1795020907.75,NULL,0);
INSERT INTO "runs" VALUES(76,47,'5',1,'finished','success','test',2,1795020985.25,NULL,NULL,NULL,'build','8','["boom \u001e in a","x"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(77,5,'4',2,'finished','failure','workflow',2,NULL,NULL,NULL,NULL,'build','g2',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(78,19,'3',1,'finished','cancelled','test',1,NULL,NULL,NULL,NULL,NULL,'','["boom \u001e in a","x"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(79,40,'6',1,'finished','success','test',1,1795027079.0,NULL,'0',NULL,'build','8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(80,10,'2',2,'finished','failure','test',1,NULL,NULL,'0','linux',NULL,'g2',NULL,NULL,'push',1);
INSERT INTO "runs" VALUES(81,5,'2',1,'finished','success','test',1,1795021227.5,NULL,NULL,NULL,'build','',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(82,48,'4',1,'pending',NULL,'test',2,NULL,NULL,NULL,NULL,NULL,'7','["boom \u001e in a","x"]',NULL,NULL,1);
INSERT INTO "runs" VALUES(83,20,'6',1,'finished','failure','test',1,NULL,NULL,NULL,'linux',NULL,'',NULL,NULL,'push',1);
INSERT INTO "runs" VALUES(84,49,'6',1,'finished','cancelled','workflow',1,NULL,NULL,NULL,'linux',NULL,'7',NULL,1795021843.5,'push',0);
INSERT INTO "runs" VALUES(85,2,'5',1,'finished','failure','test',1,NULL,NULL,NULL,'linux',NULL,'',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(86,11,'2',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(87,50,'2',2,'finished','failure','test',1,1795022466.75,NULL,NULL,'linux',NULL,'g1',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(88,47,'2',2,'pending',NULL,'test',2,1795023008.75,NULL,NULL,'linux','build','8',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(89,5,'6',1,'finished','cancelled','test',1,1795030811.25,'https://ci/1/x',NULL,'linux',NULL,'g2','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(90,19,'1',1,'finished','failure','test',2,NULL,'https://ci/1/x',NULL,NULL,'build','',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(91,51,'1',1,'running',NULL,'test',1,1795023141.75,NULL,NULL,NULL,NULL,'8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(92,44,'5',2,'finished','failure','test',1,1795023171.75,'https://ci/1/x',NULL,NULL,NULL,'8','["boom \u001e in a","x"]',1795023124.25,NULL,0);
INSERT INTO "runs" VALUES(93,3,'4',1,'finished','cancelled','test',1,1795023172.0,NULL,'0',NULL,NULL,'g1',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(94,8,'6',1,'finished','cancelled','test',2,1795023173.0,NULL,NULL,NULL,NULL,'',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(95,25,'6',1,'finished','infra','test',1,1795023573.25,NULL,NULL,'linux',NULL,'g2',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(96,30,'3',2,'running',NULL,'test',1,NULL,NULL,NULL,'linux',NULL,'7',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(97,52,'3',1,'finished','failure','test',2,NULL,NULL,NULL,NULL,NULL,'7',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(98,20,'2',1,'finished','cancelled','workflow',1,NULL,NULL,NULL,NULL,NULL,'',NULL,1795024308.25,NULL,0);
INSERT INTO "runs" VALUES(99,31,'5',2,'finished','failure','test',1,NULL,NULL,NULL,NULL,NULL,'7',NULL,1795024308.5,NULL,0);
INSERT INTO "runs" VALUES(100,53,'5',1,'finished','failure','workflow',1,1795024887.0,'https://ci/1/x',NULL,NULL,'build','g2','["a late line"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(101,54,'4',1,'finished','cancelled','workflow',1,1795025287.0,NULL,NULL,NULL,NULL,'8',NULL,1795025239.5,NULL,0);
INSERT INTO "runs" VALUES(102,5,'4',1,'finished','failure','test',1,NULL,NULL,NULL,NULL,'build','g1','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(103,9,'1',1,'finished','failure','test',2,NULL,NULL,NULL,NULL,NULL,'g1',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(104,55,'4',1,'finished','failure','test',1,1795034010.75,NULL,NULL,NULL,'build','7','["boom \u001e in a","x"]',1795033963.25,NULL,1);
INSERT INTO "runs" VALUES(105,29,'4',1,'finished','failure','test',1,1795027320.25,NULL,'0',NULL,NULL,'','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(106,3,'3',1,'finished','failure','test',2,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(107,56,'1',1,'finished','cancelled','test',1,NULL,NULL,'0','linux',NULL,'8',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(108,25,'2',2,'finished','infra','workflow',1,NULL,NULL,NULL,NULL,'build','',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(109,25,'5',2,'finished','failure','workflow',1,1795027975.25,NULL,NULL,NULL,'build','g2',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(110,57,'1',1,'pending',NULL,'test',1,NULL,NULL,'0',NULL,NULL,'8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(111,28,'6',1,'finished','infra','test',2,1795028115.25,NULL,NULL,NULL,NULL,'','["boom \u001e in a","x"]',1795028067.75,NULL,1);
INSERT INTO "runs" VALUES(112,16,'1',1,'pending',NULL,'test',1,NULL,NULL,NULL,NULL,'build','',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(113,7,'3',2,'finished','infra','test',1,1795028616.75,NULL,NULL,NULL,NULL,'8',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(114,50,'6',1,'finished','success','test',1,NULL,NULL,NULL,NULL,'build','','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(115,3,'5',2,'finished','infra','test',1,1795029558.75,NULL,'0',NULL,NULL,'g2',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(116,23,'1',2,'pending',NULL,'test',1,1795029628.75,NULL,NULL,NULL,NULL,'8','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(117,34,'2',1,'finished','failure','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(118,58,'4',1,'finished','failure','test',2,NULL,'https://ci/1/x','0',NULL,NULL,'8',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(119,25,'2',1,'running',NULL,'workflow',1,1795030781.0,NULL,NULL,'linux','build','','["boom \u001e in a","x"]',NULL,NULL,0);
INSERT INTO "runs" VALUES(120,16,'6',2,'finished','success','test',1,1795030841.25,NULL,NULL,NULL,NULL,'',NULL,1795030793.75,NULL,0);
INSERT INTO "runs" VALUES(121,9,'3',1,'finished','success','test',2,NULL,NULL,NULL,'linux',NULL,'',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(122,10,'4',1,'finished','failure','test',1,1795030941.25,'https://ci/1/x',NULL,NULL,NULL,'',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(123,2,'1',1,'pending',NULL,'workflow',1,NULL,NULL,'0','linux','build','','["boom \u001e in a","x"]',1795031024.75,NULL,0);
INSERT INTO "runs" VALUES(124,59,'1',1,'pending',NULL,'test',1,NULL,NULL,NULL,'linux',NULL,'8','["boom \u001e in a","x"]',1795032096.0,NULL,0);
INSERT INTO "runs" VALUES(125,57,'2',2,'finished','infra','workflow',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'8',NULL,1795032236.0,NULL,0);
INSERT INTO "runs" VALUES(126,4,'1',1,'pending',NULL,'test',1,NULL,NULL,NULL,'linux',NULL,'g1',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(127,60,'2',1,'finished','failure','test',2,1795033437.5,NULL,NULL,NULL,'build','7','["boom \u001e in a","x"]',1795033390.0,NULL,0);
INSERT INTO "runs" VALUES(128,10,'2',1,'finished','success','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'',NULL,1795033391.25,NULL,0);
INSERT INTO "runs" VALUES(129,13,'3',1,'running',NULL,'workflow',1,NULL,'https://ci/1/x',NULL,'linux','build','',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(130,16,'5',1,'finished','failure','test',1,1795034041.75,NULL,NULL,NULL,NULL,'g2',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(131,53,'4',2,'finished','success','test',2,NULL,'https://ci/1/x',NULL,NULL,'build','',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(132,29,'3',2,'finished','success','test',1,NULL,'https://ci/1/x',NULL,NULL,NULL,'',NULL,NULL,'push',0);
INSERT INTO "runs" VALUES(133,46,'6',2,'finished','cancelled','test',1,1795035476.5,'https://ci/1/x',NULL,NULL,'build','7',NULL,NULL,NULL,1);
INSERT INTO "runs" VALUES(134,8,'3',2,'running',NULL,'test',1,1795035569.25,NULL,NULL,NULL,NULL,'','["boom \u001e in a","x"]',NULL,'push',0);
INSERT INTO "runs" VALUES(135,10,'3',2,'finished','failure','test',1,1795035669.25,NULL,NULL,NULL,NULL,'g1',NULL,1795035621.75,NULL,1);
INSERT INTO "runs" VALUES(136,34,'5',1,'finished','infra','test',1,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL,NULL,0);
INSERT INTO "runs" VALUES(137,53,'4',1,'running',NULL,'test',1,NULL,NULL,NULL,NULL,'build','',NULL,NULL,'push',0);
CREATE TABLE sent (
        name TEXT NOT NULL, piece INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (name, piece)
    ) WITHOUT ROWID;
INSERT INTO "sent" VALUES('author ann',29916727,1);
INSERT INTO "sent" VALUES('author ann',29916819,1);
INSERT INTO "sent" VALUES('author ann',29916846,1);
INSERT INTO "sent" VALUES('author ann',29916873,1);
INSERT INTO "sent" VALUES('author ann',29916919,1);
INSERT INTO "sent" VALUES('author ann',29916950,1);
INSERT INTO "sent" VALUES('author ann',29916998,0);
INSERT INTO "sent" VALUES('author ann',29916999,1);
INSERT INTO "sent" VALUES('author ann',29917027,1);
INSERT INTO "sent" VALUES('author ann',29917030,0);
INSERT INTO "sent" VALUES('author ann',29917031,1);
INSERT INTO "sent" VALUES('author ann',29917130,1);
INSERT INTO "sent" VALUES('author ann',29917182,0);
INSERT INTO "sent" VALUES('author ann',29917201,1);
INSERT INTO "sent" VALUES('author ann',29917205,1);
INSERT INTO "sent" VALUES('author ann',29917224,1);
INSERT INTO "sent" VALUES('author ann',29917234,2);
INSERT INTO "sent" VALUES('author ann',29917259,1);
INSERT INTO "sent" VALUES('service',29916727,1);
INSERT INTO "sent" VALUES('service',29916819,1);
INSERT INTO "sent" VALUES('service',29916846,1);
INSERT INTO "sent" VALUES('service',29916873,1);
INSERT INTO "sent" VALUES('service',29916919,1);
INSERT INTO "sent" VALUES('service',29916950,1);
INSERT INTO "sent" VALUES('service',29916998,0);
INSERT INTO "sent" VALUES('service',29916999,1);
INSERT INTO "sent" VALUES('service',29917027,1);
INSERT INTO "sent" VALUES('service',29917030,0);
INSERT INTO "sent" VALUES('service',29917031,1);
INSERT INTO "sent" VALUES('service',29917130,1);
INSERT INTO "sent" VALUES('service',29917182,0);
INSERT INTO "sent" VALUES('service',29917201,1);
INSERT INTO "sent" VALUES('service',29917205,1);
INSERT INTO "sent" VALUES('service',29917224,1);
INSERT INTO "sent" VALUES('service',29917234,2);
INSERT INTO "sent" VALUES('service',29917259,1);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "settings" VALUES('pause','{"at":1795036789.5,"by":"ann","note":"a note"}');
INSERT INTO "settings" VALUES('slots acc  {1}','{"last":0.0,"taken":{},"waiting":[{"caller":"c196","rank":1,"number":1,"time":1795018987.0,"told":true}],"number":1}');
CREATE TABLE sightings (
        job INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
        project TEXT NOT NULL,          -- that of its push, beside which the newest are sought
        at REAL NOT NULL, failed INTEGER NOT NULL, passed INTEGER NOT NULL, shapes TEXT NOT NULL, passing TEXT NOT NULL
    );
INSERT INTO "sightings" VALUES(1,'try',1795011617.25,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(2,'try',1795022941.75,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(3,'try',1795004895.0,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(4,'try',1795035541.5,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(5,'try',1795010901.25,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(7,'octo/App',1795011612.75,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(10,'try',1795004895.0,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(16,'try',1795022941.75,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(26,'octo/App',1795027854.5,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(28,'try',1795011617.25,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(31,'octo/App',1795011612.75,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(43,'octo/App',1795027854.5,1,0,'["boom"]','["fine"]');
INSERT INTO "sightings" VALUES(50,'try',1795035541.5,1,0,'["boom"]','["fine"]');
CREATE TABLE story (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        push INTEGER NOT NULL REFERENCES pushes ON DELETE CASCADE,
        job INTEGER REFERENCES jobs ON DELETE CASCADE,
        run INTEGER, origin TEXT NOT NULL DEFAULT '',
        what TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', count INTEGER NOT NULL DEFAULT 0,
        dry INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT ''
    );
INSERT INTO "story" VALUES(1,1795002097.5,4,4,4,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(2,1795003040.75,1,10,11,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(3,1795003201.5,1,10,11,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(4,1795003234.0,6,13,20,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(5,1795003634.0,1,10,11,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(6,1795004064.0,1,10,11,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(7,1795004895.0,1,10,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(8,1795004895.0,1,3,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(9,1795005065.0,2,19,24,'','refuse','job_excluded',0,1,'');
INSERT INTO "story" VALUES(10,1795005136.25,8,18,23,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(11,1795005606.5,4,4,13,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(12,1795006076.5,4,4,13,'person-0','trigger','failure',1,1,'');
INSERT INTO "story" VALUES(13,1795006106.75,2,20,25,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(14,1795006977.75,5,22,27,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(15,1795007447.75,6,15,18,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(16,1795007847.75,2,20,25,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(17,1795007877.75,2,1,31,'','refuse','already_claimed',0,1,'');
INSERT INTO "story" VALUES(18,1795009177.75,1,10,11,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(19,1795009608.0,1,10,11,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(20,1795009749.25,5,6,7,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(21,1795009753.5,5,7,8,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(22,1795010153.5,3,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(23,1795010153.75,7,24,29,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(24,1795010253.75,7,24,29,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(25,1795010255.0,2,1,5,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(26,1795010685.0,6,13,42,'','refuse','already_claimed',0,1,'');
INSERT INTO "story" VALUES(27,1795010686.0,7,24,43,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(28,1795010686.25,5,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(29,1795010757.25,4,4,13,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(30,1795010758.25,8,18,23,'person-2','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(31,1795010760.25,8,18,23,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(32,1795010761.25,4,4,13,'person-2','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(33,1795010901.25,4,4,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(34,1795010901.25,4,5,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(35,1795010971.25,7,24,29,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(36,1795011612.75,5,7,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(37,1795011612.75,5,31,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(38,1795011613.75,6,13,35,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(39,1795011617.25,2,28,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(40,1795011617.25,2,1,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(41,1795012018.25,7,12,41,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(42,1795012418.25,2,1,1,'','refuse','job_excluded',0,1,'');
INSERT INTO "story" VALUES(43,1795012419.25,7,12,41,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(44,1795012519.25,3,2,15,'','trigger','failure',1,1,'');
INSERT INTO "story" VALUES(45,1795012520.25,8,32,46,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(46,1795013320.25,7,12,41,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(47,1795013390.25,2,1,52,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(48,1795013791.25,8,18,23,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(49,1795014192.25,6,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(50,1795014193.25,3,16,21,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(51,1795014593.25,1,10,11,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(52,1795014624.25,6,15,18,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(53,1795014654.25,5,6,7,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(54,1795015185.25,3,16,21,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(55,1795015215.5,2,28,56,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(56,1795015415.75,5,7,8,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(57,1795016250.0,5,31,45,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(58,1795016310.0,4,4,13,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(59,1795016450.0,2,1,63,'','refuse','already_claimed',0,1,'');
INSERT INTO "story" VALUES(60,1795016480.0,4,4,13,'person-1','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(61,1795016910.0,7,12,41,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(62,1795016940.0,6,11,58,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(63,1795016941.5,5,6,7,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(64,1795017011.5,7,12,41,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(65,1795017411.75,2,20,66,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(66,1795017585.0,1,10,11,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(67,1795017645.75,2,1,52,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(68,1795018916.0,6,11,58,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(69,1795019087.0,8,42,70,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(70,1795019087.25,3,16,21,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(71,1795019887.25,7,24,29,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(72,1795019987.25,2,1,5,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(73,1795020387.25,7,33,49,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(74,1795020418.25,1,10,11,'person-0','refuse','no_retry',0,1,'it says so');
INSERT INTO "story" VALUES(75,1795020488.25,6,15,18,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(76,1795020989.25,4,5,77,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(77,1795021060.5,3,8,34,'','trigger','failure',2,1,'');
INSERT INTO "story" VALUES(78,1795021130.5,5,41,69,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(79,1795021160.5,1,10,80,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(80,1795021260.5,2,1,5,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(81,1795021660.5,8,32,46,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(82,1795021831.75,2,20,25,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(83,1795021832.75,7,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(84,1795021893.25,6,15,18,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(85,1795021893.5,2,20,83,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(86,1795021893.75,4,4,13,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(87,1795021895.0,7,17,22,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(88,1795021896.0,3,2,85,'','refuse','rebuild_requested',0,1,'');
INSERT INTO "story" VALUES(89,1795022327.0,6,11,86,'','refuse','no_retry',0,1,'');
INSERT INTO "story" VALUES(90,1795022397.25,8,32,46,'','doubt','',0,0,'hm');
INSERT INTO "story" VALUES(91,1795022397.5,7,30,44,'','refuse','rebuild_requested',0,1,'');
INSERT INTO "story" VALUES(92,1795022468.5,2,20,25,'','wait','',0,0,'later');
INSERT INTO "story" VALUES(93,1795022468.75,8,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(94,1795022471.75,2,20,25,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(95,1795022541.75,3,8,34,'person-2','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(96,1795022941.75,3,2,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(97,1795022941.75,3,16,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(98,1795023174.75,5,44,92,'','refuse','rebuild_requested',0,0,'');
INSERT INTO "story" VALUES(99,1795023576.25,6,25,95,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(100,1795023577.25,4,9,65,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(101,1795023978.5,3,8,34,'','ended','',0,0,'enough');
INSERT INTO "story" VALUES(102,1795024218.75,8,52,97,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(103,1795024288.75,2,1,5,'','ended','',0,0,'enough');
INSERT INTO "story" VALUES(104,1795024359.0,5,31,99,'','refuse','rebuild_requested',0,0,'');
INSERT INTO "story" VALUES(105,1795024360.0,6,11,12,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(106,1795025320.0,1,34,50,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(107,1795025781.0,4,9,103,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(108,1795026181.0,4,9,65,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(109,1795026981.0,6,25,74,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(110,1795027152.0,8,43,71,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(111,1795027252.0,3,8,34,'','refuse','rebuild_requested',0,1,'');
INSERT INTO "story" VALUES(112,1795027323.5,4,9,65,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(113,1795027353.5,2,19,24,'','refuse','already_claimed',0,1,'');
INSERT INTO "story" VALUES(114,1795027824.5,2,20,25,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(115,1795027854.5,8,26,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(116,1795027854.5,8,43,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(117,1795027914.5,5,45,73,'','trigger','failure',1,1,'');
INSERT INTO "story" VALUES(118,1795027914.75,4,9,65,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(119,1795027915.75,7,51,91,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(120,1795027946.0,5,45,73,'','refuse','rebuild_requested',0,0,'');
INSERT INTO "story" VALUES(121,1795027946.25,6,25,108,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(122,1795027947.25,6,15,18,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(123,1795027978.25,6,25,109,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(124,1795028119.25,7,24,29,'','wait','',0,0,'later');
INSERT INTO "story" VALUES(125,1795028619.5,2,19,90,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(126,1795028619.75,5,7,113,'','refuse','rebuild_requested',0,0,'');
INSERT INTO "story" VALUES(127,1795029089.75,8,32,46,'','send','',1,0,'again');
INSERT INTO "story" VALUES(128,1795029489.75,6,13,35,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(129,1795029561.75,1,3,115,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(130,1795030031.75,7,23,28,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(131,1795030101.75,1,34,117,'','refuse','already_claimed',0,1,'');
INSERT INTO "story" VALUES(132,1795030571.75,3,53,100,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(133,1795030572.0,2,20,25,'','doubt','',0,0,'hm');
INSERT INTO "story" VALUES(134,1795030642.0,4,5,102,'','trigger','failure',1,1,'');
INSERT INTO "story" VALUES(135,1795030642.25,1,34,50,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(136,1795030642.5,2,28,111,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(137,1795030944.25,1,10,122,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(138,1795030974.25,3,53,100,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(139,1795030975.25,5,6,7,'','trigger','failure',2,0,'');
INSERT INTO "story" VALUES(140,1795031005.25,3,53,100,'','doubt','',0,0,'hm');
INSERT INTO "story" VALUES(141,1795031476.5,3,53,100,'','send','',1,0,'again');
INSERT INTO "story" VALUES(142,1795031906.5,1,29,105,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(143,1795032046.5,4,9,65,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(144,1795032076.5,8,43,71,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(145,1795032216.5,8,47,76,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(146,1795032286.5,7,57,125,'','refuse','rebuild_requested',0,0,'');
INSERT INTO "story" VALUES(147,1795032316.5,5,31,45,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(148,1795032346.5,6,25,74,'','refuse','no_retry',0,0,'it says so');
INSERT INTO "story" VALUES(149,1795033308.5,1,29,105,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(150,1795033309.5,3,53,100,'','refuse','refused_by_ci',0,0,'no');
INSERT INTO "story" VALUES(151,1795033339.5,2,19,90,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(152,1795033409.5,8,18,23,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(153,1795033440.5,8,60,127,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(154,1795033440.75,2,19,90,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(155,1795033512.75,8,32,46,'','accepted','',1,0,'HTTP 201');
INSERT INTO "story" VALUES(156,1795034013.75,7,55,104,'','refuse','rebuild_requested',0,0,'');
INSERT INTO "story" VALUES(157,1795034044.75,3,16,130,'','refuse','rebuild_requested',0,1,'');
INSERT INTO "story" VALUES(158,1795034046.0,4,4,13,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(159,1795034046.25,5,6,7,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(160,1795034446.25,8,58,118,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(161,1795034516.25,1,3,106,'','wait','',0,0,'waits');
INSERT INTO "story" VALUES(162,1795034546.25,6,15,18,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(163,1795035509.5,1,3,106,'','trigger','failure',1,1,'');
INSERT INTO "story" VALUES(164,1795035510.5,3,53,100,'person-0','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(165,1795035541.5,4,50,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(166,1795035541.5,4,4,NULL,'','verdict','',0,0,'it failed');
INSERT INTO "story" VALUES(167,1795035541.75,4,4,13,'','doubt','',0,0,'hm');
INSERT INTO "story" VALUES(168,1795035572.0,1,29,105,'','send','',1,0,'sending');
INSERT INTO "story" VALUES(169,1795035672.25,1,10,135,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(170,1795035673.25,1,34,136,'','refuse','already_claimed',0,0,'');
INSERT INTO "story" VALUES(171,1795035814.25,1,NULL,NULL,'','note','',0,0,'a problem');
INSERT INTO "story" VALUES(172,1795035914.25,2,28,111,'','wait','',0,0,'held');
INSERT INTO "story" VALUES(173,1795036314.25,5,35,54,'','trigger','failure',1,0,'');
INSERT INTO "story" VALUES(174,1795036384.25,8,47,76,'','refuse','job_excluded',0,0,'');
INSERT INTO "story" VALUES(175,1795036784.5,2,20,25,'','accepted','',1,0,'HTTP 201');
CREATE TABLE wishes (
        id INTEGER PRIMARY KEY,
        system TEXT NOT NULL, name TEXT NOT NULL,
        value TEXT NOT NULL,            -- JSON; empty: settled
        since REAL NOT NULL, due REAL, tries INTEGER NOT NULL DEFAULT 0,
        UNIQUE (name, system)
    );
INSERT INTO "wishes" VALUES(1,'gh','18','',1795000701.25,NULL,3);
INSERT INTO "wishes" VALUES(2,'gh','8','',1795000734.5,NULL,2);
INSERT INTO "wishes" VALUES(3,'gh','2','',1795007377.75,NULL,0);
INSERT INTO "wishes" VALUES(4,'gh','9','',1795015285.5,NULL,0);
INSERT INTO "wishes" VALUES(5,'gh','7','{"system":"gh","id":"7","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795034616.25,1795034616.25,0);
INSERT INTO "wishes" VALUES(6,'gh','1','{"system":"gh","id":"1","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795035511.5,1795035511.5,0);
INSERT INTO "wishes" VALUES(7,'gh','0','{"system":"gh","id":"0","project":"octo/App","author":"ann","text":"rebuild 2\nwhy job","pull":5,"revision":null}',1795035744.25,1795035744.25,0);
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
