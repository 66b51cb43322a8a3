-- What holds claims back: breakers, and the caps of an hour.

local function breaker(place)
  local text = call('HGET', P .. 'breakers', place)
  return text and cjson.decode(text)
end

-- One of these breakers is open in another version than the one that let something pass.
local function shut(passes)
  for place, version in pairs(passes) do
    local kept = breaker(place)
    if kept and kept.open and kept.version ~= version then return true end
  end
  return false
end

local function release_held(behind, most, now)
  local at, gone, pushes = key('h', behind), {}, {}
  for _, text in ipairs(call('ZRANGE', at, 0, -1)) do
    if most >= 0 and #gone >= most then break end
    local claim = read(tonumber(text))
    if claim and (claim.state == 'open' or claim.state == 'owed') then gone[#gone + 1] = claim end
    call('ZREM', at, text)
  end
  for place, claim in ipairs(gone) do
    -- A microsecond apart, so that they are taken in this order.
    claim.behind = nil
    claim.due = string.format('%.6f', tonumber(now) - (#gone + 1 - place) * 0.000001)
    write(claim)
    pushes[number_of(claim.id)] = true
  end
  for number in pairs(pushes) do refresh(number) end
  if call('EXISTS', at) == 0 then call('SREM', P .. 'behind', behind) end
  return #gone
end

function commands.save_breaker(args)
  local kept = breaker(args.place)
  if (kept and kept.version or 0) ~= args.version then return false end
  call('HSET', P .. 'breakers', args.place, cjson.encode({ version = args.version + 1, open = args.open,
    changed = args.now, value = args.value }))
  if not args.open then release_held(args.place, -1, args.now) end
  return true
end

function commands.release_held(args) return release_held(args.behind, args.most, args.now) end

-- Count retriggers against caps, unless that goes beyond one; the name and figure of that one, then.
local function charge(caps, count, piece)
  local since = piece - caps.pieces
  for _, cap in ipairs(caps.names) do
    local at, before = key('sent', cap[1]), 0
    local kept = call('HGETALL', at)
    for place = 1, #kept, 2 do
      if tonumber(kept[place]) > since then before = before + tonumber(kept[place + 1])
      else call('HDEL', at, kept[place]) end
    end
    if cap[2] >= 0 and before + count > cap[2] then return { cap[1], before } end
  end
  for _, cap in ipairs(caps.names) do
    call('HINCRBY', key('sent', cap[1]), text_of(piece), count)
    call('PEXPIRE', key('sent', cap[1]), 2 * 3600 * 1000)
    call('SADD', P .. 'sent_names', cap[1])
  end
end

-- What the CI surely did not take counts against no cap.
local function give_back(args)
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

local function purge_holding(before)
  local all = call('HGETALL', P .. 'breakers')
  for at = 1, #all, 2 do
    local kept = cjson.decode(all[at + 1])
    if not kept.open and tonumber(kept.changed) < tonumber(before) then call('HDEL', P .. 'breakers', all[at]) end
  end
  for _, name in ipairs(call('SMEMBERS', P .. 'sent_names')) do
    if call('EXISTS', key('sent', name)) == 0 then call('SREM', P .. 'sent_names', name) end
  end
end
