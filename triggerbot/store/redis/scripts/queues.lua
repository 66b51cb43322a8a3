-- Queues: which process works on what and for how long (leases), leads, and comment commands.

local function paused() return call('EXISTS', P .. 'pause') == 1 end

function commands.lease(args)
  local now, held, stopped = tonumber(args.now), {}, paused()
  local leases = {}
  local all = call('HGETALL', P .. 'leases')
  for at = 1, #all, 2 do
    local lease = split(all[at + 1], US)
    -- An owner that beats is dead as soon as it stops; the lease of any other has to run out.
    local dead = lease[3] == '1' and call('EXISTS', key('alive', lease[1])) == 0
    if tonumber(lease[2]) > now and not dead then
      leases[all[at]] = true
      if lease[1] == args.owner then
        local system = split(all[at], US)[2]
        held[system] = (held[system] or 0) + 1
      end
    else
      call('HDEL', P .. 'leases', all[at])
    end
  end
  local from = 0
  while true do
    local due = call('ZRANGEBYSCORE', P .. 'due', '-inf', args.now, 'LIMIT', from, 100)
    for _, what in ipairs(due) do
      local parts = split(what, US)
      local free = not leases[what] and (held[parts[2]] or 0) < args.most and not (stopped and parts[1] == 'p')
      local name = free and (parts[1] == 'g' and what or name_of(parts[3]))
      if free and name then
        call('HSET', P .. 'leases', what, args.owner .. US .. args['until'] .. US .. args.beats)
        return { parts[1], name }
      elseif free then
        call('ZREM', P .. 'due', what)
      end
    end
    if #due < 100 then return false end
    from = from + 100
  end
end

local function due_name(args)
  if args.group then return 'g' .. US .. args.group end
  local number = call('GET', key('n', args.push))
  return number and member(number, args.push)
end

function commands.release(args)
  local what = due_name(args)
  local lease = what and call('HGET', P .. 'leases', what)
  if lease and split(lease, US)[1] == args.owner then call('HDEL', P .. 'leases', what) end
  return true
end

function commands.next_due(args)
  local from, stopped, held = 0, paused(), {}
  for _, what in ipairs(call('HKEYS', P .. 'leases')) do
    if split(call('HGET', P .. 'leases', what), US)[1] == args.owner then
      local system = split(what, US)[2]
      held[system] = (held[system] or 0) + 1
    end
  end
  while true do
    local due = call('ZRANGE', P .. 'due', from, from + 99, 'WITHSCORES')
    for at = 1, #due, 2 do
      local parts = split(due[at], US)
      if call('HEXISTS', P .. 'leases', due[at]) == 0 and not (stopped and parts[1] == 'p')
        and (held[parts[2]] or 0) < args.most then
        return due[at + 1]
      end
    end
    if #due < 200 then return false end
    from = from + 100
  end
end

-- Leads of a group: settle or postpone them.

function commands.settle_leads(args)
  local g = key('g', args.group)
  if call('EXISTS', g) == 0 then return true end
  for _, one in ipairs(args.leads) do
    local lead = 'l' .. US .. one[1]
    local known = call('HGET', g, lead)
    if known and tonumber(string.sub(known, 1, 1)) <= one[2] then call('HDEL', g, lead) end
  end
  if call('HLEN', g) <= 2 then
    call('DEL', g)
    call('ZREM', P .. 'due', 'g' .. US .. args.group)
  elseif #args.leads > 0 then
    call('HSET', g, 'tries', '0')
  end
  return true
end

function commands.put_off_leads(args)
  local g = key('g', args.group)
  if call('EXISTS', g) == 1 then
    call('HINCRBY', g, 'tries', 1)
    call('ZADD', P .. 'due', args.due, 'g' .. US .. args.group)
  end
  return true
end

-- Comment commands: take the next, or end one: settled, or due again.

function commands.take_command(args)
  local due = call('ZRANGEBYSCORE', P .. 'wish_due', '-inf', args.now, 'LIMIT', 0, 1)[1]
  if not due then return false end
  call('ZADD', P .. 'wish_due', args['until'], due)
  return call('HGET', P .. 'wishes', due)
end

function commands.end_command(args)
  local stored = call('HGET', P .. 'wishes', args.wish)
  if not stored or stored == '' then return true end
  local parts = split(stored, US)
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
