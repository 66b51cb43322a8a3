-- Claims as observing needs them: reading, writing, making and waking them. At most one per job and origin.

local function number_of(claim) return string.format('%.0f', math.floor(claim / 1000000)) end
local function text_of(claim) return string.format('%.0f', claim) end

local function read(claim)
  local text = call('HGET', key('c', number_of(claim)), text_of(claim))
  return text and cjson.decode(text)
end

local OPEN = { open = true, owed = true, sending = true, unknown = true }

local function write(claim)
  claim.open = OPEN[claim.state] or false
  if claim.behind and claim.state ~= 'open' and claim.state ~= 'owed' then
    call('ZREM', key('h', claim.behind), text_of(claim.id))
    claim.behind = nil
  end
  call('HSET', key('c', number_of(claim.id)), text_of(claim.id), cjson.encode(claim))
end

local function make_claim(push, job, run, origin, dry, now, wanted)
  local count = call('HINCRBY', key('p', push.number), 'claims', 1)
  local claim = { id = tonumber(push.number) * 1000000 + count, job = job, run = run, origin = origin, state = 'open',
    dry = dry, due = now, created = now, wanted = wanted or 0, asked = 0, known_runs = 0, spent = false, held = false,
    lookups = 0, tries = 0, note = '', cause = '', refusal = '', operation = '' }
  write(claim)
  call('HSET', key('k', push.number), job .. US .. origin, text_of(claim.id))
  hasten(push.number, push.name, now)
  mark(push.number, now)
  return claim
end

local function spend(claim, spent)
  if claim.spent ~= spent then
    call('HINCRBY', key('p', number_of(claim.id)), claim.dry and 'spent_dry' or 'spent', spent and 1 or -1)
    claim.spent = spent
  end
end

local function wake(push, now, job)
  local woken, left = false, false
  for _, text in ipairs(call('HVALS', key('c', push.number))) do
    local claim = cjson.decode(text)
    if claim.held and claim.open and (not job or claim.job == job) then
      claim.due, claim.held, woken = now, false, true
      write(claim)
    end
    left = left or (claim.held and claim.open)
  end
  if not left then
    call('HDEL', key('p', push.number), 'held')
    push.held = false
  end
  if woken then refresh(push.number) end
  return woken
end
