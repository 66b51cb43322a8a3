-- Leads: settled, or put off.

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
