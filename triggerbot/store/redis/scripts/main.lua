-- The call itself: runs a command at most once per operation id.

local TAKES = { lease = true, take_report = true, take_command = true }

local command, operation, marker, seen = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local args = cjson.decode(ARGV[5])
if command == 'meet' then return cjson.encode(commands.meet(args)) end
local meta = call('HMGET', P .. 'meta', 'marker', 'writes', 'since', 'layout')
if tonumber(meta[4] or '1') > LAYOUT then return 'NEWER' end
if meta[1] ~= marker or tonumber(meta[2] or '0') < seen then return 'LOST' end
local replayed = call('GET', P .. 'r:' .. operation)
if replayed then return replayed end
retention = args.retention or '0'
local answer = commands[command](args)
-- A call that changed nothing may be repeated: no reply to remember.
if command == 'next_due' or (not answer and TAKES[command]) then return cjson.encode({ tonumber(meta[2] or '0'), meta[3] or '', answer }) end
local writes = call('HINCRBY', P .. 'meta', 'writes', 1)
local reply = cjson.encode({ writes, meta[3] or '', answer })
call('SET', P .. 'r:' .. operation, reply, 'PX', 120000)
return reply
