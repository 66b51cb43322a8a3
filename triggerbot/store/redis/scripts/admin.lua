-- Pause, dead letters, crashes, purging, and recognising the store after a restart.

function commands.pause(args)
  if args.pause then call('SET', P .. 'pause', args.pause) else call('DEL', P .. 'pause') end
  return true
end

function commands.add_dead_letters(args)
  for _, letter in ipairs(args.letters) do
    local id = call('INCR', P .. 'letter_ids')
    call('HSET', P .. 'letters', id, letter)
    call('ZADD', P .. 'letter_order', id, id)
  end
  local over = call('ZCARD', P .. 'letter_order') - args.most
  for _, id in ipairs(over > 0 and call('ZRANGE', P .. 'letter_order', 0, over - 1) or {}) do
    call('HDEL', P .. 'letters', id)
    call('ZREM', P .. 'letter_order', id)
  end
  return true
end

function commands.drop_letters(args)
  local gone = 0
  for _, id in ipairs(args.ids) do
    gone = gone + call('HDEL', P .. 'letters', id)
    call('ZREM', P .. 'letter_order', id)
  end
  return gone
end

function commands.add_crashes(args)
  for _, crash in ipairs(args.crashes) do call('RPUSH', P .. 'crashes', crash) end
  call('LTRIM', P .. 'crashes', -args.most, -1)
  return true
end

-- Delete old pushes, a batch per call; returns how many pushes were deleted, looked at, and taken off the list.
function commands.purge(args)
  local gone, removed = 0, 0
  local looked = call('ZRANGEBYSCORE', P .. 'recent', '-inf', '(' .. args.before, 'LIMIT', args.from, args.most)
  for _, number in ipairs(looked) do
    local name = name_of(number)
    if not name or not call('ZSCORE', P .. 'due', member(number, name)) then
      forget_report(number, name)
      for _, part in ipairs(PARTS) do call('DEL', key(part, number)) end
      if name then
        call('DEL', key('n', name))
        local parts = split(name, US)
        call('ZREM', P .. 'names', parts[2] .. US .. parts[4] .. US .. number)
        gone = gone + 1
      end
      call('ZREM', P .. 'recent', number)
      removed = removed + 1
    end
  end
  return { gone, #looked, removed }
end

-- Delete what is left of pushes that have expired in Redis; returns the same as purge.
function commands.purge_names(args)
  local removed = 0
  local looked = call('ZRANGE', P .. 'names', args.from, args.from + args.most - 1)
  for _, member in ipairs(looked) do
    if call('EXISTS', key('p', string.match(member, '[^' .. US .. ']*$'))) == 0 then
      call('ZREM', P .. 'names', member)
      removed = removed + 1
    end
  end
  return { 0, #looked, removed }
end

function commands.purge_groups(args)
  purge_limits(args.before)
  purge_commands(args.forgotten)
  for _, what in ipairs(call('ZRANGE', P .. 'due', 0, -1)) do
    if string.sub(what, 1, 1) == 'g' then
      local g = key('g', string.sub(what, 3))
      local since = call('HGET', g, 'since')
      if not since or tonumber(since) < tonumber(args.before) then
        call('DEL', g)
        call('ZREM', P .. 'due', what)
      end
    end
  end
  return true
end

-- Check whether this is still the same store; args: a marker for a new store, the server's run id, now.
function commands.meet(args)
  local meta = P .. 'meta'
  local layout = tonumber(call('HGET', meta, 'layout') or '1')
  if layout > LAYOUT then return { newer = layout } end
  if layout < LAYOUT then call('HSET', meta, 'layout', LAYOUT) end
  local known = call('HMGET', meta, 'marker', 'run_id', 'since', 'why', 'writes')
  local marker, why = known[1], false
  if not marker then
    marker, why = args.marker, args.expected ~= '' and 'it has lost everything' or 'it is new: an empty server may be one that lost everything'
    call('HSET', meta, 'marker', marker, 'writes', '0')
  elseif args.expected ~= '' and marker ~= args.expected then
    why = 'it is another one than before'
  elseif args.expected ~= '' and tonumber(known[5] or '0') < args.seen then
    why = 'it is in an older state than it was'
  elseif known[2] and args.run_id ~= '' and known[2] ~= args.run_id then
    why = 'the server was started again, and may have lost the last it was told'
  end
  if args.run_id ~= '' then call('HSET', meta, 'run_id', args.run_id) end
  if why then call('HSET', meta, 'since', args.now, 'why', why) end
  known = call('HMGET', meta, 'writes', 'since', 'why')
  return { marker, tonumber(known[1] or '0'), known[2] or '', known[3] or '', why and true or false }
end
