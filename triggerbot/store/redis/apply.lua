-- The store of triggerbot in Redis. This script applies one transaction: it checks that nothing came between, and changes
-- what it is told; it knows nothing of what that means. A call that is repeated with the same id returns the same answer
-- (a client repeats a call whose reply was lost).
--
-- ARGV: 'apply', id, marker, number of writes that the caller has seen, operations, each a letter and its arguments.
-- Answer: {writes, since when the store is distrusted}, or {LOST}, {NEWER}, {CONFLICT, the part}.
--
-- Numbers are text throughout: Lua would cut them to 14 digits.
--
-- d:<part>          hash: '' -> version of the part, the id of the call that changed it last (a number would come again
--                   after a fail-over that lost writes); kind -> 1 for each kind of documents in it
-- d:<part> US kind  hash: name -> document
-- l:<part>          list, the part's log
-- z:<index>         sorted set: member by number
-- s:<key>           hash: field -> sum
-- meta              marker, writes, run_id, since, why, layout;  r:<id> answers
-- older, takeover   are there until all of an earlier layout is taken over; see `older.py`

-- The version of this layout: a program that knows only an older one must leave the store alone.
local LAYOUT = 4
local P = '{triggerbot}:'
local US = '\31'
local call = redis.call

-- Check whether this is still the same store: expected marker, seen writes, a marker for a new store, run id, now.
local function meet(expected, seen, fresh, run_id, now)
  local meta = P .. 'meta'
  local layout = tonumber(call('HGET', meta, 'layout') or '1')
  if layout > LAYOUT then return { 'NEWER', tostring(layout) } end
  local known = call('HMGET', meta, 'marker', 'run_id', 'writes')
  local marker, why = known[1], false
  if not marker then
    marker = fresh
    why = expected ~= '' and 'it has lost everything' or 'it is new: an empty server may be one that lost everything'
    call('HSET', meta, 'marker', marker, 'writes', '0', 'layout', LAYOUT)
  elseif expected ~= '' and marker ~= expected then
    why = 'it is another one than before'
  elseif expected ~= '' and tonumber(known[3] or '0') < seen then
    why = 'it is in an older state than it was'
  elseif known[2] and run_id ~= '' and known[2] ~= run_id then
    why = 'the server was started again, or it is another one after a fail-over: it may have lost the last it was told'
  end
  if run_id ~= '' then call('HSET', meta, 'run_id', run_id) end
  if why then call('HSET', meta, 'since', now, 'why', why) end
  known = call('HMGET', meta, 'writes', 'since', 'why', 'layout')
  return { marker, known[1] or '0', known[2] or '', known[3] or '', why and '1' or '', known[4] or '1' }
end

local function drop(part)
  local d = P .. 'd:' .. part
  for _, kind in ipairs(call('HKEYS', d)) do if kind ~= '' then call('DEL', d .. US .. kind) end end
  call('DEL', d, P .. 'l:' .. part)
end

local command, id, marker, seen = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if command == 'meet' then return meet(marker, seen, ARGV[5], ARGV[6], ARGV[7]) end
local meta = call('HMGET', P .. 'meta', 'marker', 'writes', 'since', 'layout')
if tonumber(meta[4] or '1') > LAYOUT then return { 'NEWER' } end
if meta[1] ~= marker or tonumber(meta[2] or '0') < seen then return { 'LOST' } end
local since = meta[3] or ''
local applied = call('GET', P .. 'r:' .. id)
if applied then return { applied, since } end
local at = 5
if ARGV[at] == 'g' then  -- a lock, what it has to hold, milliseconds for which it is held on
  local lock = P .. ARGV[at + 1]
  if call('GET', lock) ~= ARGV[at + 2] then return { 'CONFLICT', '' } end
  call('PEXPIRE', lock, ARGV[at + 3])
  at = at + 4
end
while ARGV[at] == 'v' do
  if (call('HGET', P .. 'd:' .. ARGV[at + 1], '') or '0') ~= ARGV[at + 2] then return { 'CONFLICT', ARGV[at + 1] } end
  at = at + 3
end
while ARGV[at] == 'a' do  -- index, number, number of members, these: none of which is in it at that number or more
  local index, least, last = P .. 'z:' .. ARGV[at + 1], tonumber(ARGV[at + 2]), at + 3 + ARGV[at + 3]
  for member = at + 4, last do
    local number = call('ZSCORE', index, ARGV[member])
    if number and tonumber(number) >= least then return { 'CONFLICT', '' } end
  end
  at = last + 1
end
local writes = tostring(call('HINCRBY', P .. 'meta', 'writes', 1))
-- Operations on one key with any number of arguments: the command, the prefix of its key.
local SEVERAL = { h = { 'HSET', 'd:' }, x = { 'HDEL', 'd:' }, l = { 'RPUSH', 'l:' }, z = { 'ZADD', 'z:' }, Z = { 'ZREM', 'z:' } }
while ARGV[at] do
  local what, one, two, three = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local several = SEVERAL[what]
  if several then  -- key, number of arguments, these: names and values; names; values; numbers and members; members
    call(several[1], P .. several[2] .. one, unpack(ARGV, at + 3, at + 2 + two))
    at = at + 3 + two
  elseif what == 'p' then  -- part that is changed, number of arguments, these: kinds of documents, each with '1'
    call('HSET', P .. 'd:' .. one, '', id, unpack(ARGV, at + 3, at + 2 + two))
    at = at + 3 + two
  elseif what == 'd' then  -- part
    drop(one)
    at = at + 2
  elseif what == 't' then  -- index, number below which members are taken out, how many at most
    local index = P .. 'z:' .. one
    for _, old in ipairs(call('ZRANGEBYSCORE', index, '-inf', '(' .. two, 'LIMIT', 0, three)) do call('ZREM', index, old) end
    at = at + 4
  elseif what == 'o' then  -- another key
    call('DEL', P .. one)
    at = at + 2
  elseif what == 's' then  -- key, field, amount
    if call('HINCRBYFLOAT', P .. 's:' .. one, two, three) == '0' then call('HDEL', P .. 's:' .. one, two) end
    at = at + 4
  end
end
call('SET', P .. 'r:' .. id, writes, 'PX', 120000)
return { writes, since }
