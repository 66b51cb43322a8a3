-- Pushes: found or made, due, expiring; and the story of each.

local retention = '0'
local PARTS = { 'p', 'j', 'c', 'k', 'o', 's', 'u', 'e', 'w' }

local function name_of(number) return call('HGET', key('p', number), 'name') end

-- Where a push is among those of its branch: its name without the revision.
local function branch_of(name) return key('b', string.match(name, '^(.*)' .. US)) end

local function let_expire(number, name)
  for _, part in ipairs(PARTS) do call('PEXPIRE', key(part, number), retention) end
  call('PEXPIRE', key('n', name), retention)
  call('PEXPIRE', branch_of(name), retention)
end

-- What is made beside a push later on lives as long as the push.
local function live_with(number, part)
  local left = call('PTTL', key('p', number))
  if left > 0 then call('PEXPIRE', key(part, number), left) end
end

local function keep(number, name)
  for _, part in ipairs(PARTS) do call('PERSIST', key(part, number)) end
  call('PERSIST', key('n', name))
end

local function member(number, name) return 'p' .. US .. string.match(name, '^[^' .. US .. ']*') .. US .. number end

-- Work out anew when the dispatcher has to look at a push; one that it has not may expire.
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
    keep(number, name)
  else
    call('ZREM', P .. 'due', member(number, name))
    let_expire(number, name)
  end
end

local function hasten(number, name, due)
  local known = call('ZSCORE', P .. 'due', member(number, name))
  if not known then keep(number, name) end
  if not known or tonumber(due) < tonumber(known) then call('ZADD', P .. 'due', due, member(number, name)) end
end

-- The members of a sorted set that come first are the oldest: of those some are forgotten that have expired.
local function forget_expired(at, most, lives)
  for _, one in ipairs(call('ZRANGE', at, 0, most - 1)) do
    if not lives(one) then call('ZREM', at, one) end
  end
end

-- There is something new to be told of a push; when it is due by then, that stays. Once a call is enough.
local marked = {}

local function mark(number, now)
  if marked[number] then return end
  marked[number] = true
  local due, known = tonumber(now) + REPORT_DELAY, call('ZSCORE', P .. 'reports', number)
  if not known or tonumber(known) > due then call('ZADD', P .. 'reports', string.format('%.17g', due), number) end
end

-- What one call has looked up already: pushes are many events' own.
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

local function write_story(number, at, what, entry)
  local length = call('RPUSH', key('s', number), cjson.encode({ at, what, entry.job or '', entry.text or '',
    entry.reason or '', entry.count or 0, entry.dry or false, entry.run or '' }))
  if length == 1 then call('PEXPIRE', key('s', number), retention) end
end

local function tell(number, at, what, entry)
  if what == 'refuse' then
    local told = table.concat({ entry.job or '', entry.run or '', entry.reason or '', entry.origin or '' }, US)
    if call('SADD', key('u', number), told) == 0 then return end
    if call('SCARD', key('u', number)) == 1 then call('PEXPIRE', key('u', number), retention) end
  end
  write_story(number, at, what, entry)
  mark(number, at)
end
