-- The memory of triggerbot in Redis: every change is one call of this script, so it is atomic, and it gives the same
-- answer when it is called again with the same operation id (a client whose reply was lost asks again).
--
-- ARGV: command, operation id, marker, the writes that the caller has seen, arguments as JSON.
-- Answer: JSON [writes, since when the store is distrusted, answer], or LOST where this is not the store that it was.
--
-- Times are text throughout: Lua would cut them to 14 digits. What is not there is "", false or 0, never null.
--
-- n:<push>          its number            p:<number>  hash of its facts and counters
-- j:<number>        hash job -> groups RS run RS run ...; a run is: id US attempt US rank US result US kind ...
-- c:<number>        hash claim's number -> JSON             k:<number>  hash job US origin -> claim's number
-- o:<number>        hash operation -> JSON                  s:<number>  list of JSON, the story
-- u:<number>        set of refusals that were told          g:<group>   hash run US attempt -> rank US ..., and tries, since
-- due               zset of p US system US number, and of g US system US name
-- recent            zset of numbers by when they were last heard of;  names: zset of project US revision US number
-- leases            hash like due -> owner US until US whether it beats;  alive:<owner> expires when it stops beating
-- meta              marker, writes, run_id, since, why;  r:<operation> answers

local P = '{triggerbot}:'
local RS, US = '\30', '\31'
local call = redis.call

local function key(kind, name) return P .. kind .. ':' .. name end

local function split(text, separator)
  local parts, from = {}, 1
  while true do
    local at = string.find(text, separator, from, true)
    if not at then parts[#parts + 1] = string.sub(text, from) return parts end
    parts[#parts + 1] = string.sub(text, from, at - 1)
    from = at + 1
  end
end

local function earlier(a, b)
  if not b or b == '' then return a end
  if not a or a == '' then return b end
  if tonumber(a) <= tonumber(b) then return a else return b end
end

-- pushes -----------------------------------------------------------------------------------------------------------

local retention = '0'
local PARTS = { 'p', 'j', 'c', 'k', 'o', 's', 'u' }

local function name_of(number) return call('HGET', key('p', number), 'name') end

local function let_expire(number, name)
  for _, part in ipairs(PARTS) do call('PEXPIRE', key(part, number), retention) end
  call('PEXPIRE', key('n', name), retention)
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

local function tell(number, at, what, entry)
  local job, run, reason = entry.job or '', entry.run or '', entry.reason or ''
  if what == 'refuse' then
    local told = job .. US .. run .. US .. reason .. US .. (entry.origin or '')
    if call('SADD', key('u', number), told) == 0 then return end
    if call('SCARD', key('u', number)) == 1 then call('PEXPIRE', key('u', number), retention) end
  end
  local length = call('RPUSH', key('s', number), cjson.encode({ at, what, job, entry.text or '', reason, entry.count or 0,
    entry.dry or false, run }))
  if length == 1 then call('PEXPIRE', key('s', number), retention) end
end

-- claims -----------------------------------------------------------------------------------------------------------

local function number_of(claim) return string.format('%.0f', math.floor(claim / 1000000)) end
local function text_of(claim) return string.format('%.0f', claim) end

local function read(claim)
  local text = call('HGET', key('c', number_of(claim)), text_of(claim))
  return text and cjson.decode(text)
end

local OPEN = { open = true, owed = true, sending = true, unknown = true }

local function write(claim)
  claim.open = OPEN[claim.state] or false
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

-- hearing ----------------------------------------------------------------------------------------------------------

local UNWANTED = { c = true, s = true, r = true }  -- cancelled, skipped, retry

-- The runs of a job as they are kept: everything after the groups.
local function runs_of(number, job)
  local text = call('HGET', key('j', number), job)
  if not text then return {} end
  local parts = split(text, RS)
  table.remove(parts, 1)
  return parts
end

local function meets(groups, asked)
  for _, group in ipairs(split(groups, ' ')) do
    if string.find(asked, US .. group .. US, 1, true) then return true end
  end
  return false
end

local function claim_requested(push, now, dry)
  local claimed = false
  local jobs = call('HGETALL', key('j', push.number))
  for at = 1, #jobs, 2 do
    local job, parts = jobs[at], split(jobs[at + 1], RS)
    if meets(parts[1], push.asked) and call('HEXISTS', key('k', push.number), job .. US) == 0 then
      for which = #parts, 2, -1 do
        local run = split(parts[which], US)
        if not UNWANTED[run[4]] then
          make_claim(push, job, run[1] .. US .. run[2], '', dry, now)
          claimed = true
          break
        end
      end
    end
  end
  return claimed
end

-- facts: author, time, fork (0, 1 or ""), asks as JSON, asked groups, message, problems
local function learn(push, facts, now, dry)
  local p = key('p', push.number)
  if facts[1] ~= false and not push.author then
    call('HSET', p, 'author', facts[1])
    push.author = facts[1]
  end
  if facts[2] ~= '' then call('HSETNX', p, 'time', facts[2]) end
  if facts[3] ~= '' and call('HGET', p, 'fork') ~= '1' then call('HSET', p, 'fork', facts[3]) end
  if push.asks or facts[4] == '' then return false end
  push.asks, push.asked = facts[4], facts[5]
  call('HSET', p, 'asks', facts[4], 'asked', facts[5], 'message', facts[6], 'facts_due', '')
  if push.facts_due and push.facts_due ~= '' then refresh(push.number) end
  push.facts_due = ''
  for _, problem in ipairs(facts[7]) do tell(push.number, now, 'note', { text = problem }) end
  return push.asked ~= '' and claim_requested(push, now, dry)
end

-- Keep a run as far as it has come, never back; tells whether that is news.
local function record(push, job, groups, run, id, attempt, rank)
  local j = key('j', push.number)
  local known = call('HGET', j, job)
  if not known then
    call('HSET', j, job, groups .. RS .. run)
    return true
  end
  local prefix = RS .. id .. US .. attempt .. US
  local at = string.find(known, prefix, 1, true)
  if not at then
    if groups ~= '' then known = string.gsub(known, '^[^' .. RS .. ']*', (string.gsub(groups, '%%', '%%%%'))) end
    call('HSET', j, job, known .. RS .. run)
    return true
  end
  local changed, news = known, false
  if tonumber(string.sub(known, at + #prefix, at + #prefix)) < rank then
    local ends = string.find(known, RS, at + 1, true) or #known + 1
    local old, new = split(string.sub(known, at + 1, ends - 1), US), split(run, US)
    -- What is said first stays where it is not said anew; a run's batch is what it was at first.
    for field = 7, 12 do if new[field] == '' then new[field] = old[field] end end
    new[13] = old[13]
    changed = string.sub(known, 1, at) .. table.concat(new, US) .. string.sub(known, ends)
    news = true
  end
  if groups ~= '' and string.match(changed, '^[^' .. RS .. ']*') ~= groups then
    changed = groups .. string.match(changed, RS .. '.*$')
  end
  if changed ~= known then call('HSET', j, job, changed) end
  return news
end

local function find_run(number, job, run)
  for _, text in ipairs(runs_of(number, job)) do
    if string.sub(text, 1, #run + 1) == run .. US then return text end
  end
  return ''
end

-- event: 1, push, job, groups, run, id, attempt, rank, finished and without batch, failed, covered failure, refusal,
--        repeated refusals by the earlier claim's, batch, facts or false
local function hear_event(item, names, now, dry, facts_delay)
  local push = find_push(names[item[2]], now)
  local job, groups, finished, failed, covered, batch = item[3], item[4], item[9], item[10], item[11], item[13]
  local due = item[14] and learn(push, item[14], now, dry) or false
  if not push.asks and groups ~= '' and (push.facts_due or '') == '' and (push.tries or '0') == '0' then
    push.facts_due = facts_delay
    call('HSET', key('p', push.number), 'facts_due', facts_delay)
    hasten(push.number, push.name, facts_delay)
  end
  if batch ~= '' and not string.find(US .. (push.batches or '') .. US, US .. batch .. US, 1, true) then
    push.batches = (push.batches and push.batches ~= '') and push.batches .. US .. batch or batch
    call('HSET', key('p', push.number), 'batches', push.batches)
  end
  local news = record(push, job, groups, item[5], item[6], item[7], item[8])
  if finished and push.held then due = wake(push, now, job) or due end
  local requested = push.asked and push.asked ~= '' and groups ~= '' and meets(groups, push.asked)
  local flags = (due and 2 or 0) + (news and 4 or 0)
  if not (failed or covered or requested) then return flags, push end
  local run = item[6] .. US .. item[7]
  local known = call('HGET', key('k', push.number), job .. US)
  if not known and (covered or requested) then
    make_claim(push, job, run, '', dry, now)
    return (news and 4 or 0) + 3, push
  end
  local claim = known and read(tonumber(known))
  local kept = claim and find_run(push.number, job, claim.run) or ''
  return flags, push, claim, kept, run
end

-- lead: 3, group, run US attempt, rank, rest, failed, later
local function hear_lead(item, now)
  local g, lead = key('g', item[2]), 'l' .. US .. item[3]
  if call('EXISTS', g) == 0 then call('HSET', g, 'tries', '0', 'since', now) call('PEXPIRE', g, retention) end
  local due, at = item[6] and now or item[7], 'g' .. US .. item[2]
  local known = call('ZSCORE', P .. 'due', at)
  if not known or (tonumber(due) < tonumber(known) and call('HGET', g, 'tries') == '0') then
    call('ZADD', P .. 'due', due, at)
  end
  local old = call('HGET', g, lead)
  if old and tonumber(string.sub(old, 1, 1)) >= item[4] then return 0 end
  local rest = item[5]
  if old and string.sub(rest, -1) == US then rest = rest .. string.match(old, '[^' .. US .. ']*$') end
  call('HSET', g, lead, item[4] .. US .. rest)
  return item[6] and 6 or 4
end

local commands = {}

function commands.observe(args)
  local answers, asks, places = {}, {}, {}
  local now, dry = args.now, args.dry
  for at, item in ipairs(args.items) do
    if item[1] == 3 then
      answers[at] = { hear_lead(item, now) }
    else
      local flags, push, claim, kept, run
      if item[1] == 1 then
        flags, push, claim, kept, run = hear_event(item, args.pushes, now, dry, args.facts_due)
      else
        push = find_push(args.pushes[item[2]], now)
        local due = learn(push, item[3], now, dry)
        if item[4] then
          call('HSET', key('p', push.number), 'settled', now)
          if push.held then due = wake(push, now) or due end
        end
        flags = (due and 2 or 0) + 4
      end
      local answer = { flags }
      if push.asks then
        if not places[push.asks] then asks[#asks + 1] = push.asks places[push.asks] = #asks end
        answer[2] = places[push.asks]
      end
      if claim then answer[2] = answer[2] or 0 answer[3] = cjson.encode(claim) answer[4] = kept end
      answers[at] = answer
      if item[1] == 1 and flags % 2 == 0 and flags >= 4 then
        local refusal = item[12]
        if refusal == '' and claim and item[11] and claim.run ~= run then
          refusal = args.repeated[claim.refusal] or ''
          if refusal == '' then
            local rebuild = push.asked and push.asked ~= '' and claim.origin == ''
            refusal = rebuild and 'rebuild_requested' or 'already_claimed'
          end
        end
        if refusal ~= '' then
          tell(push.number, now, 'refuse', { job = item[3], run = item[6] .. US .. item[7], reason = refusal, dry = dry })
        end
      end
    end
  end
  for _, push in pairs(pushes) do
    if push.fresh and not call('ZSCORE', P .. 'due', member(push.number, push.name)) then
      let_expire(push.number, push.name)
    end
  end
  if args.cursor then call('HSET', P .. 'cursors', args.cursor[1], args.cursor[2]) end
  return { answers = answers, asks = asks }
end

-- leases -----------------------------------------------------------------------------------------------------------

local function paused() return call('EXISTS', P .. 'pause') == 1 end

function commands.lease(args)
  local now, held, stopped = tonumber(args.now), {}, paused()
  local leases = {}
  local all = call('HGETALL', P .. 'leases')
  for at = 1, #all, 2 do
    local lease = split(all[at + 1], US)
    -- Whoever beats is known to be dead as soon as that stops; of others only the time tells.
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

-- leads ------------------------------------------------------------------------------------------------------------

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

-- the life of a claim ----------------------------------------------------------------------------------------------

local function allows(budget, spent, total)
  return not (spent > budget.floor and 100 * spent > budget.percent * total)
end

function commands.decide(args)
  local claim = read(args.claim)
  if not claim or (claim.state ~= 'open' and claim.state ~= 'owed') then return false end
  local number, decision = number_of(claim.id), args.decision
  if not decision then
    spend(claim, false)
    call('HDEL', key('c', number), text_of(claim.id))
    call('HDEL', key('k', number), claim.job .. US .. claim.origin)
    refresh(number)
    return false
  end
  local known = #runs_of(number, claim.job)
  local left = decision.count
  if (decision.cause == 'failure' or decision.cause == 'requested') and decision.runs > 0 and decision.runs < known then
    left = left - (known - decision.runs)
    if left <= 0 then
      decision = { cause = '', refusal = 'enough_runs', count = 0, runs = 0,
        detail = known .. ' runs exist: enough came while this was decided' }
    else
      decision.count, decision.runs = left, known
    end
  end
  local failure = decision.cause == 'failure'
  if failure and args.budget then
    local spent = tonumber(call('HGET', key('p', number), claim.dry and 'spent_dry' or 'spent') or '0')
    local total = call('HLEN', key('j', number))
    if not allows(args.budget, spent, total) then
      failure = false
      local words = string.gsub(args.over, '@spent@', tostring(spent))
      words = string.gsub(words, '@total@', tostring(total))
      decision = { cause = '', refusal = 'over_budget', count = 0, runs = 0, detail = words }
    end
  end
  if decision.cause == '' then
    claim.state = claim.asked > 0 and 'done' or 'refused'
  else
    claim.state = claim.dry and 'would' or 'owed'
  end
  claim.cause, claim.refusal, claim.wanted = decision.cause, decision.refusal, decision.count
  claim.known_runs, claim.due, claim.note, claim.tries = known, args.now, decision.detail, 0
  spend(claim, failure)
  write(claim)
  tell(number, args.now, decision.cause ~= '' and 'trigger' or 'refuse', { job = claim.job, text = decision.detail,
    reason = decision.cause ~= '' and decision.cause or decision.refusal, count = decision.count, dry = claim.dry,
    run = claim.run, origin = claim.origin })
  refresh(number)
  return { decision.cause, decision.refusal, decision.count, decision.detail, decision.runs }
end

local function tell_each(claims, what, text, now, count)
  for _, id in ipairs(claims) do
    local claim = read(id)
    if claim then
      tell(number_of(id), now, what, { job = claim.job, text = text, count = count, run = claim.run })
    end
  end
end

local function refresh_all(claims)
  local done = {}
  for _, id in ipairs(claims) do
    local number = number_of(id)
    if not done[number] then done[number] = true refresh(number) end
  end
end

function commands.begin(args)
  local number = call('GET', key('n', args.push))
  if not number or paused() then return false end
  for _, id in ipairs(args.claims) do
    local claim = read(id)
    if not claim or claim.state ~= 'owed' then return false end
  end
  call('HSET', key('o', number), args.id, cjson.encode({ claims = args.claims, count = args.count, started = args.started,
    baseline = args.baseline, sends = args.sends, misses = args.misses }))
  for _, id in ipairs(args.claims) do
    local claim = read(id)
    claim.state, claim.held, claim.operation = 'sending', false, args.id
    write(claim)
  end
  tell_each(args.claims, 'send', args.note, args.now, args.count)
  return true
end

-- Change the claims of which this operation is still the open one: telling an answer twice changes nothing.
local function settle(args, change)
  for _, id in ipairs(args.claims) do
    local claim = read(id)
    if claim and claim.operation == args.id then change(claim) write(claim) end
  end
end

local function change_operation(args, change)
  local o = key('o', number_of(args.claims[1]))
  local text = call('HGET', o, args.id)
  if text then
    local operation = cjson.decode(text)
    change(operation)
    call('HSET', o, args.id, cjson.encode(operation))
  end
end

function commands.resend(args)
  if paused() then return false end
  change_operation(args, function(one) one.started, one.sends, one.misses = args.now, one.sends + 1, 0 end)
  settle(args, function(claim) claim.state = 'sending' end)
  tell_each(args.claims, 'send', args.note, args.now, args.count)
  return true
end

local function hold(claims, since, now)
  if since == '' then return end
  for _, id in ipairs(claims) do
    local claim = read(id)
    if claim then
      local settled = call('HGET', key('p', number_of(id)), 'settled')
      local happened = tonumber(settled or '0') > tonumber(since)
      claim.held = not happened
      if claim.held then call('HSET', key('p', number_of(id)), 'held', '1') end
      if happened then claim.due = now end
      write(claim)
    end
  end
end

function commands.accepted(args)
  settle(args, function(claim)
    claim.state = claim.asked + args.count >= claim.wanted and 'done' or 'owed'
    claim.asked = claim.asked + args.count
    claim.operation, claim.tries, claim.note, claim.due, claim.held = '', 0, args.note, args.due, false
  end)
  hold(args.claims, args.since, args.now)
  tell_each(args.claims, 'accepted', args.note, args.now, args.count)
  refresh_all(args.claims)
  return true
end

function commands.refused(args)
  settle(args, function(claim)
    claim.operation, claim.note = '', args.detail
    if claim.asked == 0 then
      claim.refusal, claim.state = args.refusal, 'refused'
      spend(claim, false)
    else
      claim.state = 'done'
    end
  end)
  for _, id in ipairs(args.claims) do
    local claim = read(id)
    if claim then
      tell(number_of(id), args.now, 'refuse', { job = claim.job, reason = args.refusal, text = args.detail, run = claim.run,
        origin = claim.origin })
    end
  end
  refresh_all(args.claims)
  return true
end

local function tell_if_new(claims, text, now)
  for _, id in ipairs(claims) do
    local claim = read(id)
    if claim and claim.note ~= text then tell_each({ id }, 'wait', text, now, 0) end
  end
end

function commands.postponed(args)
  tell_if_new(args.claims, args.note, args.now)
  settle(args, function(claim)
    claim.state, claim.operation, claim.tries, claim.due, claim.note, claim.held = 'owed', '', claim.tries + 1, args.due,
      args.note, false
  end)
  refresh_all(args.claims)
  return true
end

function commands.doubted(args)
  if args.missed then change_operation(args, function(one) one.misses = one.misses + 1 end) end
  tell_each(args.claims, 'doubt', args.note, args.now, 0)
  settle(args, function(claim) claim.state, claim.due, claim.note = 'unknown', args.due, args.note end)
  refresh_all(args.claims)
  return true
end

function commands.wait(args)
  local claim = read(args.claim)
  if not claim then return true end
  tell_if_new({ args.claim }, args.note, args.now)
  claim.due, claim.note, claim.held = args.due, args.note, false
  claim.lookups, claim.tries = claim.lookups + args.lookup, claim.tries + args.tries
  write(claim)
  hold({ args.claim }, args.since, args.now)
  refresh(number_of(claim.id))
  return true
end

function commands.finish(args)
  local claim = read(args.claim)
  if not claim then return true end
  claim.state, claim.note = 'done', args.note
  if claim.asked == 0 then spend(claim, false) end
  write(claim)
  tell_each({ args.claim }, 'ended', args.note, args.now, 0)
  refresh(number_of(claim.id))
  return true
end

function commands.put_off_facts(args)
  local number = call('GET', key('n', args.push))
  if number and call('EXISTS', key('p', number)) == 1 then
    call('HSET', key('p', number), 'facts_due', args.due)
    call('HINCRBY', key('p', number), 'facts_tries', 1)
    refresh(number)
  end
  return true
end

function commands.ask(args)
  local number = call('GET', key('n', args.push))
  local runs = number and runs_of(number, args.job) or {}
  if #runs == 0 then return false end
  local known = call('HGET', key('k', number), args.job .. US .. args.origin)
  local claim = known and read(tonumber(known))
  if not claim then
    local run = split(runs[#runs], US)
    local push = { number = number, name = args.push }
    claim = make_claim(push, args.job, run[1] .. US .. run[2], args.origin, args.dry, args.now, args.count)
  end
  return { cjson.encode(claim), find_run(number, args.job, claim.run) }
end

-- the rest ---------------------------------------------------------------------------------------------------------

function commands.pause(args)
  if args.pause then call('SET', P .. 'pause', args.pause) else call('DEL', P .. 'pause') end
  return true
end

function commands.bury(args)
  for _, letter in ipairs(args.letters) do
    local id = call('INCR', P .. 'letter_ids')
    call('HSET', P .. 'letters', id, letter)
    call('ZADD', P .. 'letter_order', id, id)
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

function commands.keep_crashes(args)
  for _, crash in ipairs(args.crashes) do call('RPUSH', P .. 'crashes', crash) end
  call('LTRIM', P .. 'crashes', -args.most, -1)
  return true
end

-- Forget pushes, a number of them a call; tells how many, and whether there may be more.
function commands.purge(args)
  local gone, removed = 0, 0
  local looked = call('ZRANGEBYSCORE', P .. 'recent', '-inf', '(' .. args.before, 'LIMIT', args.from, args.most)
  for _, number in ipairs(looked) do
    local name = name_of(number)
    if not name or not call('ZSCORE', P .. 'due', member(number, name)) then
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

function commands.purge_groups(args)
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

-- Look whether this is the store that it was; args: a marker for a new one, the server's run id, now.
function commands.meet(args)
  local meta = P .. 'meta'
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

-- ------------------------------------------------------------------------------------------------------------------

local command, operation, marker, seen = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local args = cjson.decode(ARGV[5])
if command == 'meet' then return cjson.encode(commands.meet(args)) end
local meta = call('HMGET', P .. 'meta', 'marker', 'writes', 'since')
if meta[1] ~= marker or tonumber(meta[2] or '0') < seen then return 'LOST' end
local replayed = call('GET', P .. 'r:' .. operation)
if replayed then return replayed end
retention = args.retention or '0'
local answer = commands[command](args)
local writes = call('HINCRBY', P .. 'meta', 'writes', 1)
local reply = cjson.encode({ writes, meta[3] or '', answer })
call('SET', P .. 'r:' .. operation, reply, 'PX', 120000)
return reply
