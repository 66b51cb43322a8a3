-- Limits on sending: circuit breakers, hourly caps, and the claims held behind them.

local function breaker(place)
  local text = call('HGET', P .. 'breakers', place)
  return text and cjson.decode(text)
end

-- Whether one of these breakers is open in another version than the one that admitted the claim.
local function is_blocked(passes)
  for place, version in pairs(passes) do
    local stored = breaker(place)
    if stored and stored.open and stored.version ~= version then return true end
  end
  return false
end

local function release(behind, most, now)
  local at, released, pushes = key('h', behind), {}, {}
  for _, text in ipairs(call('ZRANGE', at, 0, -1)) do
    if most >= 0 and #released >= most then break end
    local claim = read(tonumber(text))
    if claim and (claim.state == 'open' or claim.state == 'owed') then released[#released + 1] = claim end
    call('ZREM', at, text)
  end
  for place, claim in ipairs(released) do
    -- One microsecond apart, so that they are taken in this order.
    claim.behind = nil
    claim.due = string.format('%.6f', tonumber(now) - (#released + 1 - place) * 0.000001)
    write(claim)
    pushes[number_of(claim.id)] = true
  end
  for number in pairs(pushes) do refresh(number) end
  if call('EXISTS', at) == 0 then call('SREM', P .. 'behind', behind) end
  return #released
end

function commands.save_breaker(args)
  local stored = breaker(args.place)
  if (stored and stored.version or 0) ~= args.version then return false end
  call('HSET', P .. 'breakers', args.place, cjson.encode({ version = args.version + 1, open = args.open,
    changed = args.now, value = args.value }))
  if not args.open then release(args.place, -1, args.now) end
  return true
end

function commands.release_held(args) return release(args.behind, args.most, args.now) end

-- Count retriggers against caps, or return the name and count of the first cap that they would exceed.
local function charge(caps, count, piece)
  local since = piece - caps.pieces
  for _, cap in ipairs(caps.names) do
    local at, before = key('sent', cap[1]), 0
    local counts = call('HGETALL', at)
    for place = 1, #counts, 2 do
      if tonumber(counts[place]) > since then before = before + tonumber(counts[place + 1])
      else call('HDEL', at, counts[place]) end
    end
    if cap[2] >= 0 and before + count > cap[2] then return { cap[1], before } end
  end
  for _, cap in ipairs(caps.names) do
    call('HINCRBY', key('sent', cap[1]), text_of(piece), count)
    call('PEXPIRE', key('sent', cap[1]), 2 * 3600 * 1000)
    call('SADD', P .. 'sent_names', cap[1])
  end
end

-- Take back from the caps what the CI certainly did not accept.
local function refund(args)
  if not args.claims[1] then return end
  local o = key('o', number_of(args.claims[1]))
  local text = call('HGET', o, args.id)
  local operation = text and cjson.decode(text)
  if not operation or not operation.charged then return end
  for _, name in ipairs(operation.charged.names) do
    local at, piece = key('sent', name), text_of(operation.charged.piece)
    if call('HEXISTS', at, piece) == 1 then call('HINCRBY', at, piece, -operation.charged.count) end
  end
  operation.charged = nil
  call('HSET', o, args.id, cjson.encode(operation))
end

-- Replace a queue of writes, unless another process has changed it since it was read.
function commands.swap_slots(args)
  local at = key('slots', args.queue)
  if (call('GET', at) or '') ~= args.before then return false end
  call('SET', at, args.after, 'PX', 2 * 3600 * 1000)
  return true
end

local function purge_limits(before)
  local all = call('HGETALL', P .. 'breakers')
  for at = 1, #all, 2 do
    local stored = cjson.decode(all[at + 1])
    if not stored.open and tonumber(stored.changed) < tonumber(before) then call('HDEL', P .. 'breakers', all[at]) end
  end
  for _, name in ipairs(call('SMEMBERS', P .. 'sent_names')) do
    if call('EXISTS', key('sent', name)) == 0 then call('SREM', P .. 'sent_names', name) end
  end
end
