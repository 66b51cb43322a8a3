-- Reports: when a push is to be judged anew, what it was judged to be, and what is kept beside it.

-- A push that is there, by its name.
local function present(name)
  local number = call('GET', key('n', name))
  return number and name_of(number) and number
end

-- The number that has been due longest and is nobody's; what was taken and not given back in time is due since then.
local function report_due(now)
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
    local number = report_due(args.now)
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
  local number = present(args.push)
  if not number then return true end
  call('ZREM', P .. 'reporting', number)
  local known = call('ZSCORE', P .. 'reports', number)
  if args.due ~= '' and (not known or tonumber(args.due) < tonumber(known)) then
    call('ZADD', P .. 'reports', args.due, number)
  end
  return true
end

function commands.report_soon(args)
  local number = present(args.push)
  if number then mark(number, args.now) end
  return true
end

local function sighted(name) return key('sighted', split(name, US)[2]) end

local function still_sighted(member)
  local parts = split(member, US)
  return call('HEXISTS', key('w', parts[1]), parts[2]) == 1
end

-- sightings: job, when, the rest as JSON
local function sight(number, name, sightings, most)
  local at, w = sighted(name), key('w', number)
  for _, one in ipairs(sightings) do
    if call('HEXISTS', key('j', number), one[1]) == 1 then
      call('HSET', w, US, name, one[1], one[3])
      call('ZADD', at, one[2], number .. US .. one[1])
    end
  end
  live_with(number, 'w')
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
  local number = present(args.push)
  if not number then return true end
  call('HSET', key('p', number), 'health', args.health, 'sentence', args.sentence, 'counts', args.counts, 'judged', args.now)
  call('ZADD', P .. 'judged', args.now, number)
  forget_expired(P .. 'judged', 2, name_of)
  if #args.sightings > 0 then sight(number, args.push, args.sightings, args.most) end
  -- That it was judged is nothing that it would have to be judged for.
  for _, change in ipairs(args.changes) do
    if call('HEXISTS', key('j', number), change[1]) == 1 then
      write_story(number, args.now, 'verdict', { job = change[1], text = change[2] })
    end
  end
  return true
end

function commands.keep(args)
  local number = present(args.push)
  if number then
    call('HSET', key('e', number), args.name, args.value)
    live_with(number, 'e')
  end
  return true
end

function commands.add_failure_lines(args)
  local number = present(args.push)
  local known = number and call('HGET', key('j', number), args.job)
  local at = known and string.find(known, RS .. args.run .. US, 1, true)
  if not at then return true end
  local ends = string.find(known, RS, at + 1, true) or #known + 1
  local run, said = split(string.sub(known, at + 1, ends - 1), US), {}
  local lines = run[12] ~= '' and cjson.decode(run[12]) or {}
  for _, line in ipairs(lines) do said[line] = true end
  for _, line in ipairs(args.lines) do
    if not said[line] then lines[#lines + 1] = line end
    said[line] = true
  end
  run[12] = #lines > 0 and cjson.encode(lines) or ''
  call('HSET', key('j', number), args.job,
    string.sub(known, 1, at) .. table.concat(run, US) .. string.sub(known, ends))
  return true
end

-- Called before the push itself is forgotten.
local function forget_report(number, name)
  for _, at in ipairs({ 'reports', 'reporting', 'judged' }) do call('ZREM', P .. at, number) end
  if not name then return end
  call('ZREM', branch_of(name), number)
  for _, job in ipairs(call('HKEYS', key('w', number))) do call('ZREM', sighted(name), number .. US .. job) end
end

function commands.take_command(args)
  local due = call('ZRANGEBYSCORE', P .. 'wish_due', '-inf', args.now, 'LIMIT', 0, 1)[1]
  if not due then return false end
  call('ZADD', P .. 'wish_due', args['until'], due)
  return call('HGET', P .. 'wishes', due)
end

function commands.end_command(args)
  local kept = call('HGET', P .. 'wishes', args.wish)
  if not kept or kept == '' then return true end
  local parts = split(kept, US)
  if args.due ~= '' then
    parts[1] = tonumber(parts[1]) + 1
    call('HSET', P .. 'wishes', args.wish, table.concat(parts, US))
    call('ZADD', P .. 'wish_due', args.due, args.wish)
  else
    call('HSET', P .. 'wishes', args.wish, '')
    call('ZREM', P .. 'wish_due', args.wish)
    call('ZADD', P .. 'wish_kept', parts[2], args.wish)
  end
  return true
end
