-- Verdicts: when a push is due to be judged and reported, its last verdict, its failure records and metadata.

-- The number of a push that exists, by its name.
local function existing(name)
  local number = call('GET', key('n', name))
  return number and name_of(number) and number
end

-- The number that has been due longest and is not leased; one whose lease has expired is due since then.
local function next_report(now)
  local over, from = call('ZRANGEBYSCORE', P .. 'reporting', '-inf', now, 'LIMIT', 0, 1, 'WITHSCORES'), 0
  while true do
    local due = call('ZRANGEBYSCORE', P .. 'reports', '-inf', now, 'LIMIT', from, 100, 'WITHSCORES')
    for at = 1, #due, 2 do
      local ends = call('ZSCORE', P .. 'reporting', due[at])
      if not ends or tonumber(ends) <= tonumber(now) then
        return over[1] and tonumber(over[2]) < tonumber(due[at + 1]) and over[1] or due[at]
      end
    end
    if #due < 200 then return over[1] end
    from = from + 100
  end
end

function commands.take_report(args)
  while true do
    local number = next_report(args.now)
    if not number then return false end
    local name = name_of(number)
    call('ZREM', P .. 'reports', number)
    if name then
      call('ZADD', P .. 'reporting', args['until'], number)
      return name
    end
    call('ZREM', P .. 'reporting', number)
  end
end

function commands.end_report(args)
  local number = existing(args.push)
  if not number then return true end
  call('ZREM', P .. 'reporting', number)
  local known = call('ZSCORE', P .. 'reports', number)
  if args.due ~= '' and (not known or tonumber(args.due) < tonumber(known)) then
    call('ZADD', P .. 'reports', args.due, number)
  end
  return true
end

function commands.report_soon(args)
  local number = existing(args.push)
  if number then mark(number, args.now) end
  return true
end

local function sighted_key(name) return key('sighted', split(name, US)[2]) end

local function still_sighted(member)
  local parts = split(member, US)
  return call('HEXISTS', key('w', parts[1]), parts[2]) == 1
end

-- sightings: job, time, the rest as JSON
local function add_failure_records(number, name, sightings, most)
  local at, w = sighted_key(name), key('w', number)
  for _, one in ipairs(sightings) do
    if call('HEXISTS', key('j', number), one[1]) == 1 then
      call('HSET', w, US, name, one[1], one[3])
      call('ZADD', at, one[2], number .. US .. one[1])
    end
  end
  expire_with_push(number, 'w')
  local over = call('ZCARD', at) - most
  for _, old in ipairs(over > 0 and call('ZRANGE', at, 0, over - 1) or {}) do
    local parts = split(old, US)
    call('HDEL', key('w', parts[1]), parts[2])
    call('ZREM', at, old)
  end
  forget_expired(at, 10, still_sighted)
  call('PEXPIRE', at, retention)
end

function commands.judged(args)
  local number = existing(args.push)
  if not number then return true end
  call('HSET', key('p', number), 'health', args.health, 'sentence', args.sentence, 'counts', args.counts, 'judged', args.now)
  call('ZADD', P .. 'judged', args.now, number)
  forget_expired(P .. 'judged', 2, name_of)
  if #args.sightings > 0 then add_failure_records(number, args.push, args.sightings, args.most) end
  -- A verdict is no reason to judge the push again.
  for _, change in ipairs(args.changes) do
    if call('HEXISTS', key('j', number), change[1]) == 1 then
      append_story(number, args.now, 'verdict', { job = change[1], text = change[2] })
    end
  end
  return true
end

function commands.keep(args)
  local number = existing(args.push)
  if number then
    call('HSET', key('e', number), args.name, args.value)
    expire_with_push(number, 'e')
  end
  return true
end

function commands.add_failure_lines(args)
  local number = existing(args.push)
  local known = number and call('HGET', key('j', number), args.job)
  local at = known and string.find(known, RS .. args.run .. US, 1, true)
  if not at then return true end
  local ends = string.find(known, RS, at + 1, true) or #known + 1
  local run, seen = split(string.sub(known, at + 1, ends - 1), US), {}
  local lines = run[12] ~= '' and cjson.decode(run[12]) or {}
  for _, line in ipairs(lines) do seen[line] = true end
  for _, line in ipairs(args.lines) do
    if not seen[line] then lines[#lines + 1] = line end
    seen[line] = true
  end
  run[12] = #lines > 0 and cjson.encode(lines) or ''
  call('HSET', key('j', number), args.job,
    string.sub(known, 1, at) .. table.concat(run, US) .. string.sub(known, ends))
  return true
end

-- Called before the push itself is deleted.
local function forget_report(number, name)
  for _, at in ipairs({ 'reports', 'reporting', 'judged' }) do call('ZREM', P .. at, number) end
  if not name then return end
  call('ZREM', branch_of(name), number)
  for _, job in ipairs(call('HKEYS', key('w', number))) do call('ZREM', sighted_key(name), number .. US .. job) end
end
