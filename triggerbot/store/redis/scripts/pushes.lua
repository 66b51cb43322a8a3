-- Pushes: looking up and creating them, when they are due, when they expire, and the timeline of each.

local retention = '0'
local PARTS = { 'p', 'j', 'c', 'k', 'o', 's', 'u', 'e', 'w' }

local function name_of(number) return call('HGET', key('p', number), 'name') end

-- The key of a push's branch: its name without the revision.
local function branch_of(name) return key('b', string.match(name, '^(.*)' .. US)) end

local function let_expire(number, name)
  for _, part in ipairs(PARTS) do call('PEXPIRE', key(part, number), retention) end
  call('PEXPIRE', key('n', name), retention)
  call('PEXPIRE', branch_of(name), retention)
end

-- Give a key that is created after the push the same expiry as the push.
local function expire_with_push(number, part)
  local left = call('PTTL', key('p', number))
  if left > 0 then call('PEXPIRE', key(part, number), left) end
end

local function persist(number, name)
  for _, part in ipairs(PARTS) do call('PERSIST', key(part, number)) end
  call('PERSIST', key('n', name))
end

local function member(number, name) return 'p' .. US .. string.match(name, '^[^' .. US .. ']*') .. US .. number end

-- Recompute when the dispatcher has to look at a push; a push with nothing due may expire.
local function refresh(number)
  local name = name_of(number)
  if not name then return end
  local due = call('HGET', key('p', number), 'facts_due')
  if not due or due == '' then due = false end
  for _, text in ipairs(call('HVALS', key('c', number))) do
    local claim = cjson.decode(text)
    if claim.open then due = earlier(claim.due, due) end
  end
  if due then
    call('ZADD', P .. 'due', due, member(number, name))
    persist(number, name)
  else
    call('ZREM', P .. 'due', member(number, name))
    let_expire(number, name)
  end
end

local function hasten(number, name, due)
  local known = call('ZSCORE', P .. 'due', member(number, name))
  if not known then persist(number, name) end
  if not known or tonumber(due) < tonumber(known) then call('ZADD', P .. 'due', due, member(number, name)) end
end

-- Remove those of the first (oldest) members of a sorted set that have expired.
local function forget_expired(at, most, lives)
  for _, one in ipairs(call('ZRANGE', at, 0, most - 1)) do
    if not lives(one) then call('ZREM', at, one) end
  end
end

-- Make a push due to be judged, unless it is due earlier; once per call is enough.
local marked = {}

local function mark(number, now)
  if marked[number] then return end
  marked[number] = true
  local due, known = tonumber(now) + REPORT_DELAY, call('ZSCORE', P .. 'reports', number)
  if not known or tonumber(known) > due then call('ZADD', P .. 'reports', string.format('%.17g', due), number) end
end

-- Pushes that this call has looked up already: many events share a push.
local pushes = {}

local function find_push(name, now)
  local push = pushes[name]
  if push then return push end
  local number = call('GET', key('n', name))
  if number and call('EXISTS', key('p', number)) == 0 then number = false end
  if not number then
    number = tostring(call('INCR', P .. 'pushes'))
    call('SET', key('n', name), number)
    call('HSET', key('p', number), 'name', name, 'first', now, 'last', now, 'facts_tries', '0')
    call('ZADD', P .. 'recent', now, number)
    local parts = split(name, US)
    call('ZADD', P .. 'names', '0', parts[2] .. US .. parts[4] .. US .. number)
    forget_expired(branch_of(name), 2, name_of)
    call('ZADD', branch_of(name), now, number)
    push = { number = number, name = name, asks = false, author = false, fresh = true }
  else
    local facts = call('HMGET', key('p', number), 'asks', 'author', 'last', 'asked', 'batches', 'facts_tries', 'facts_due',
      'held')
    push = { number = number, name = name, asks = facts[1], author = facts[2], asked = facts[4], batches = facts[5],
             tries = facts[6], facts_due = facts[7], held = facts[8] }
    if tonumber(facts[3]) < tonumber(now) - 60 then
      call('HSET', key('p', number), 'last', now)
      call('ZADD', P .. 'recent', now, number)
      push.fresh = true
    end
  end
  pushes[name] = push
  return push
end

local function append_story(number, at, what, entry)
  local length = call('RPUSH', key('s', number), cjson.encode({ at, what, entry.job or '', entry.text or '',
    entry.reason or '', entry.count or 0, entry.dry or false, entry.run or '' }))
  if length == 1 then call('PEXPIRE', key('s', number), retention) end
end

local function record_entry(number, at, what, entry)
  if what == 'refuse' then
    -- The same refusal of the same run is recorded once.
    local refusal = table.concat({ entry.job or '', entry.run or '', entry.reason or '', entry.origin or '' }, US)
    if call('SADD', key('u', number), refusal) == 0 then return end
    if call('SCARD', key('u', number)) == 1 then call('PEXPIRE', key('u', number), retention) end
  end
  append_story(number, at, what, entry)
  mark(number, at)
end
