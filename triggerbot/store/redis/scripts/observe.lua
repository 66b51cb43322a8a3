-- Observing: records a batch of items and makes the claims that follow from it. `observe` has a script of its own that
-- ends with this part, so only what it needs belongs in here, in `pushes` and in `claims`.

local UNWANTED = { c = true, s = true, r = true }  -- cancelled, skipped, retry
local FAILED = { f = true, b = true, i = true, t = true }  -- failure, busted, infra, timed out
local GS = '\29'  -- parts the keys of jobs, see core.identity

-- What the result of a finished run may turn out to have been: of failure infra, of cancelled infra or timed_out.
local CORRECTIONS = { f = 'i', c = 'it' }

-- The runs of a job as stored: everything after the groups.
local function runs_of(number, job)
  local text = call('HGET', key('j', number), job)
  if not text then return {} end
  local parts = split(text, RS)
  table.remove(parts, 1)
  return parts
end

local function is_asked(groups, asked)
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
    if is_asked(parts[1], push.asked) and call('HEXISTS', key('k', push.number), job .. US) == 0 then
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

-- batch: id, event, source, fork; what it leaves empty keeps its value
local function learn_batch(push, batch, now)
  local p, field = key('p', push.number), 'batch' .. US .. batch[1]
  local known = call('HGET', p, field)
  local parts = known and split(known, US) or { '', '', '' }
  for part = 1, 3 do if batch[part + 1] ~= '' then parts[part] = batch[part + 1] end end
  local told = table.concat(parts, US)
  if told ~= known then
    call('HSET', p, field, told, 'told', '1')
    mark(push.number, now)
  end
end

-- facts: author, time, fork (0, 1 or ""), asks as JSON, asked groups, message, problems, batches, whether one of these is
-- the project's own. An author that only a fork's runs told of yields to that of the first run of the project itself.
local function learn(push, facts, now, dry)
  local p = key('p', push.number)
  if facts[9] and call('HSETNX', p, 'own', '1') == 1 and facts[1] ~= false and call('HGET', p, 'fork') == '1' then
    push.author = nil
  end
  if facts[1] ~= false and not push.author then
    call('HSET', p, 'author', facts[1])
    push.author = facts[1]
    mark(push.number, now)
  end
  if facts[2] ~= '' and call('HSETNX', p, 'time', facts[2]) == 1 then mark(push.number, now) end
  if facts[3] ~= '' then
    local fork = call('HGET', p, 'fork')
    if fork ~= '1' and fork ~= facts[3] then call('HSET', p, 'fork', facts[3]) mark(push.number, now) end
  end
  for _, batch in ipairs(facts[8]) do learn_batch(push, batch, now) end
  if push.asks or facts[4] == '' then return false end
  mark(push.number, now)
  push.asks, push.asked = facts[4], facts[5]
  call('HSET', p, 'asks', facts[4], 'asked', facts[5], 'message', facts[6], 'facts_due', '')
  if push.facts_due and push.facts_due ~= '' then refresh(push.number) end
  push.facts_due = ''
  for _, problem in ipairs(facts[7]) do record_entry(push.number, now, 'note', { text = problem }) end
  return push.asked ~= '' and claim_requested(push, now, dry)
end

-- Record how far a run has come, never backwards; returns whether that is news.
local function record_run(push, job, groups, run, id, attempt, rank)
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
  local ends = string.find(known, RS, at + 1, true) or #known + 1
  local old, new = split(string.sub(known, at + 1, ends - 1), US), split(run, US)
  if tonumber(old[3]) < rank then
    -- Fields that the new message leaves empty keep their values; a run's batch never changes.
    for field = 7, math.max(#new, #old) do
      if (new[field] or '') == '' then new[field] = old[field] or '' end
    end
    new[13] = old[13]
    news = true
  else
    local finer, allowed = old[3] == '2' and new[4] ~= '' and string.find(CORRECTIONS[old[4]] or '', new[4], 1, true), new[16] == '1' and old[16] ~= '1'
    local told = (new[17] or '') ~= '' and new[17] ~= old[17]
    local repeats = (old[9] or '') == '' and (new[9] or '') ~= ''
    news = finer or allowed or told or repeats
    if repeats then old[9] = new[9] end
    if finer then old[4] = new[4] end
    if allowed or told then for field = 14, 16 do old[field] = old[field] or '' end end
    if allowed then old[16] = '1' end
    if told then old[17] = new[17] end
    new = old
  end
  if news then changed = string.sub(known, 1, at) .. table.concat(new, US) .. string.sub(known, ends) end
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

-- Which job a run of one batch belongs to, as `core.identity.place` says. Of jobs that share their name in a batch, those
-- beside the first are listed in a field of the push.
local function place(push, name, batch, id, attempt, repeats)
  local j, own, prefix = key('j', push.number), name .. GS .. batch, RS .. id .. US .. attempt .. US
  local legacy = call('HGET', j, name)
  if legacy then
    if string.find(legacy, prefix, 1, true) then return name end
    for _, run in ipairs(runs_of(push.number, name)) do
      if split(run, US)[13] == batch then return name end
    end
  end
  local p, field = key('p', push.number), 'twins' .. US .. own
  local twins = call('HGET', p, field)
  local jobs = twins and split(own .. RS .. twins, RS) or { own }
  local free, failed, repeated = false, false, false
  for _, job in ipairs(jobs) do
    local runs = runs_of(push.number, job)
    local newest, is_free, is_repeated = false, #runs > 0, false
    for _, text in ipairs(runs) do
      local run = split(text, US)
      if run[1] == id and run[2] == attempt then return job end
      if run[2] == attempt then is_free = false end
      if repeats ~= '' and run[1] == repeats then is_repeated = true end
      if not newest or tonumber(run[2]) > tonumber(newest[2]) then newest = run end
    end
    if is_free then
      free = free or job
      if is_repeated then repeated = repeated or job end
      if FAILED[newest[4]] then failed = failed or job end
    end
  end
  if free or call('HEXISTS', j, own) == 0 then return repeated or failed or free or own end
  local twin = own .. GS .. id
  call('HSET', p, field, twins and twins .. RS .. twin or twin)
  return twin
end

-- event: 1, push, job, groups, run, id, attempt, rank, finished and without batch, failed, covered failure, refusal,
--        batch, facts or false, whether only runs of its batch are of its job, whether it only follows up a known run
local function observe_event(item, names, now, dry, facts_delay)
  local push = find_push(names[item[2]], now)
  if item[15] then item[3] = place(push, item[3], item[13], item[6], tostring(item[7]), split(item[5], US)[9]) end
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
  if item[16] then
    local runs = call('HGET', key('j', push.number), job) or ''
    if not string.find(runs, RS .. item[6] .. US, 1, true) then return due and 2 or 0, push end
  end
  local news = record_run(push, job, groups, item[5], item[6], item[7], item[8])
  if news then mark(push.number, now) end
  if finished and push.held then due = wake(push, now, job) or due end
  local requested = push.asked and push.asked ~= '' and groups ~= '' and is_asked(groups, push.asked)
  local flags = (due and 2 or 0) + (news and 4 or 0)
  if not (failed or covered or requested) then return flags, push end
  local run = item[6] .. US .. item[7]
  local known = call('HGET', key('k', push.number), job .. US)
  local earlier = known and news and (covered or requested) and read(tonumber(known))
  if earlier and earlier.refusal == 'derived' and earlier.run ~= run then
    -- Its failure followed from another job, and this is a further run: see `rules.reopens`.
    call('HDEL', key('c', push.number), known)
    known = false
  end
  if not known and (covered or requested) then
    make_claim(push, job, run, '', dry, now)
    return (news and 4 or 0) + 3, push
  end
  local claim = known and read(tonumber(known))
  local claimed = claim and find_run(push.number, job, claim.run) or ''
  return flags, push, claim, claimed
end

-- lead: 3, group, run US attempt, rank, rest, failed, later
local function observe_lead(item, now)
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

local function purge_commands(forgotten)
  for _, wish in ipairs(call('ZRANGEBYSCORE', P .. 'wish_kept', '-inf', '(' .. forgotten)) do
    call('HDEL', P .. 'wishes', wish)
    call('ZREM', P .. 'wish_kept', wish)
  end
end

-- Make due what is owed at the branch's other pushes; on a default branch nothing ends by the news alone.
local function wake_branch(branch, except, now)
  local woken = false
  for _, number in ipairs(call('ZREVRANGE', key('b', branch), 0, 199)) do
    local name = name_of(number)
    if name and name ~= except and call('ZSCORE', P .. 'due', member(number, name)) then
      local some = false
      for _, text in ipairs(call('HVALS', key('c', number))) do
        local claim = cjson.decode(text)
        if (claim.state == 'open' or claim.state == 'owed') and claim.origin == '' and tonumber(claim.due) > tonumber(now) then
          claim.due, some = now, true
          write(claim)
        end
      end
      if some then refresh(number) woken = true end
    end
  end
  return woken
end

-- head: 5, place, marks of text, time and whether the earliest counts, branch, push, the mark of a default branch, most
local function observe_head(item, now)
  local at, news = key('t', item[2]), false
  for place, mark in ipairs(item[3]) do
    local known = call('ZSCORE', at, mark[1])
    local later = known and tonumber(mark[2]) > tonumber(known)
    if mark[3] then later = known and tonumber(mark[2]) < tonumber(known) end
    if not known or later then call('ZADD', at, mark[2], mark[1]) end
    if place == 1 then news = not known or (later and not mark[3]) end
  end
  call('PEXPIRE', at, retention)
  if not news then return 0 end
  call('ZREMRANGEBYRANK', at, 0, -1 - item[7])
  local default = call('ZSCORE', at, item[6])
  return (not default and wake_branch(item[4], item[5], now)) and 6 or 4
end

-- comment command: 4, system US id, the rest. One that was settled long ago counts as new again.
local function observe_command(item, now, forgotten)
  purge_commands(forgotten)
  if call('HSETNX', P .. 'wishes', item[2], item[3]) == 0 then return 0 end
  call('ZADD', P .. 'wish_due', now, item[2])
  return 4
end

-- Which deliveries are known. Stores the others, and deletes some that are too old: up to twice as many as come in.
local function known_deliveries(deliveries, now, forgotten)
  local at, known = P .. 'deliveries', {}
  for _, name in ipairs(call('ZRANGEBYSCORE', at, '-inf', '(' .. forgotten, 'LIMIT', 0, 2 * #deliveries)) do
    call('ZREM', at, name)
  end
  for _, name in ipairs(deliveries) do
    if name ~= '' and known[name] == nil then known[name] = call('ZADD', at, 'NX', now, name) == 0 end
  end
  return known
end

local commands = {}

function commands.observe(args)
  local answers, asks, places = {}, {}, {}
  local now, dry = args.now, args.dry
  local known = args.deliveries and known_deliveries(args.deliveries, now, args.forgotten) or {}
  for at, item in ipairs(args.items) do
    if args.deliveries and known[args.deliveries[at]] then
      answers[at] = { 8 }
    elseif item[1] == 3 then
      answers[at] = { observe_lead(item, now) }
    elseif item[1] == 5 then
      answers[at] = { observe_head(item, now) }
    elseif item[1] == 4 then
      answers[at] = { observe_command(item, now, args.forgotten) }
    else
      local flags, push, claim, run
      if item[1] == 1 then
        flags, push, claim, run = observe_event(item, args.pushes, now, dry, args.facts_due)
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
      if claim then answer[2] = answer[2] or 0 answer[3] = cjson.encode(claim) answer[4] = run end
      answers[at] = answer
      if item[1] == 1 and flags % 2 == 0 and flags >= 4 then
        local refusal = item[12]
        if refusal == '' and claim and item[11] then
          refusal = args.repeated[claim.refusal] or ''
          if refusal == '' then
            local rebuild = push.asked and push.asked ~= '' and claim.origin == ''
            -- See `rules.told`.
            refusal = rebuild and 'rebuild_requested' or ''
          end
        end
        if refusal ~= '' then
          local run_key = item[6] .. US .. item[7]
          record_entry(push.number, now, 'refuse', { job = item[3], run = run_key, reason = refusal, dry = dry })
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
