-- The life of a claim after it was made, one command per step. Apart from `claims`, for `observe` needs none of it.

local function allows(budget, spent, total)
  return not (spent > budget.floor and 100 * spent > budget.percent * total)
end

-- How many jobs a budget allows in the end.
local function budget_max(budget, total)
  local share = math.floor(budget.percent * total / 100)
  if 100 * share > budget.percent * total then share = share - 1 end
  return math.max(budget.floor, share) + 1
end

local function fill(words, figures)
  return (string.gsub(words, '@(%a+)@', function(name) return string.format('%.0f', figures[name]) end))
end

-- How many runs count: those that are unfinished, or ended with one of these results.
local function count(runs, proving)
  local number = 0
  for _, text in ipairs(runs) do
    local run = split(text, US)
    if run[3] ~= '2' or (run[4] ~= '' and string.find(proving, run[4], 1, true)) then number = number + 1 end
  end
  return number
end

function commands.decide(args)
  local claim = read(args.claim)
  -- Another process may have decided meanwhile.
  if not claim or claim.state ~= args.state or (claim.state ~= 'open' and claim.state ~= 'owed') then return false end
  local number, decision = number_of(claim.id), args.decision
  if not decision then
    spend(claim, false)
    if claim.behind then call('ZREM', key('h', claim.behind), text_of(claim.id)) end
    call('HDEL', key('c', number), text_of(claim.id))
    call('HDEL', key('k', number), claim.job .. US .. claim.origin)
    refresh(number)
    mark(number, args.now)
    return false
  end
  local runs = runs_of(number, claim.job)
  local known, counted = #runs, count(runs, args.proving)
  local left = decision.count
  if (decision.cause == 'failure' or decision.cause == 'requested') and decision.runs > 0 and decision.runs < counted then
    left = left - (counted - decision.runs)
    if left <= 0 then
      decision = { cause = '', refusal = 'enough_runs', count = 0, runs = 0,
        detail = counted .. ' runs exist: enough came while this was decided' }
    else
      decision.count, decision.runs = left, counted
    end
  end
  local failure = decision.cause == 'failure'
  if failure and args.budget then
    local spent = tonumber(call('HGET', key('p', number), claim.dry and 'spent_dry' or 'spent') or '0')
    local total = call('HLEN', key('j', number))
    local figures = { runs = decision.runs, spent = spent, total = total, most = budget_max(args.budget, total) }
    if not allows(args.budget, spent, total) then
      failure = false
      decision = { cause = '', refusal = 'over_budget', count = 0, runs = 0, detail = fill(args.over, figures) }
    elseif decision.runs > 0 then
      decision.detail = fill(args.based, figures)
    end
  end
  claim.due, claim.note, claim.tries = args.now, decision.detail, 0
  if decision.cause == '' and claim.asked > 0 then
    -- What was asked for so far keeps its decision and its budget.
    claim.state = 'done'
  else
    claim.state = decision.cause == '' and 'refused' or claim.dry and 'would' or 'owed'
    claim.cause, claim.refusal, claim.wanted, claim.known_runs = decision.cause, decision.refusal, decision.count, known
    spend(claim, failure)
  end
  write(claim)
  record_entry(number, args.now, decision.cause ~= '' and 'trigger' or 'refuse', { job = claim.job, text = decision.detail,
    reason = decision.cause ~= '' and decision.cause or decision.refusal, count = decision.count, dry = claim.dry,
    run = claim.run, origin = claim.origin })
  refresh(number)
  return { decision.cause, decision.refusal, decision.count, decision.detail, decision.runs }
end

local function record_each(claims, what, text, now, count)
  for _, id in ipairs(claims) do
    local claim = read(id)
    if claim then
      record_entry(number_of(id), now, what, { job = claim.job, text = text, count = count, run = claim.run })
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
  if not number or paused() or is_blocked(args.passes) then return false end
  for _, id in ipairs(args.claims) do
    local claim = read(id)
    -- A caller that looked before another process sent may want more than is left.
    if not claim or claim.state ~= 'owed' or claim.asked + args.count > claim.wanted then return false end
  end
  local piece, count, charged = tonumber(args.caps.piece), args.count * #args.claims, nil
  local capped = charge(args.caps, count, piece)
  if capped then return capped end
  if #args.caps.names > 0 then
    charged = { names = {}, piece = piece, count = count }
    for place, cap in ipairs(args.caps.names) do charged.names[place] = cap[1] end
  end
  call('HSET', key('o', number), args.id, cjson.encode({ claims = args.claims, count = args.count, started = args.started,
    baseline = args.baseline, sends = args.sends, misses = args.misses, charged = charged }))
  for _, id in ipairs(args.claims) do
    local claim = read(id)
    claim.state, claim.held, claim.note, claim.operation = 'sending', false, '', args.id
    write(claim)
  end
  record_each(args.claims, 'send', args.note, args.now, args.count)
  return true
end

-- The claims whose open operation is still this one: recording an answer twice changes nothing.
local function open_on(args)
  local mine = {}
  for _, id in ipairs(args.claims) do
    local claim = read(id)
    if claim and claim.operation == args.id then mine[#mine + 1] = id end
  end
  return mine
end

local function change_each(claims, change)
  for _, id in ipairs(claims) do
    local claim = read(id)
    change(claim)
    write(claim)
  end
end

local function operation_of(args)
  local text = call('HGET', key('o', number_of(args.claims[1])), args.id)
  return text and cjson.decode(text)
end

local function save_operation(args, operation)
  call('HSET', key('o', number_of(args.claims[1])), args.id, cjson.encode(operation))
end

function commands.resend(args)
  local mine, operation = open_on(args), operation_of(args)
  -- Another process may have settled or repeated it meanwhile.
  if paused() or #mine == 0 or not operation or operation.sends ~= args.sends then return false end
  operation.started, operation.sends, operation.misses = args.now, operation.sends + 1, 0
  save_operation(args, operation)
  change_each(mine, function(claim) claim.state, claim.note = 'sending', '' end)
  record_each(mine, 'send', args.note, args.now, args.count)
  return true
end

local function wait_for_settle(claims, since, now)
  if since == '' then return end
  for _, id in ipairs(claims) do
    local claim = read(id)
    if claim then
      local settled = tonumber(call('HGET', key('p', number_of(id)), 'settled') or '0')
      local happened = settled > tonumber(since)
      -- By a clock that is ahead, it may have settled later than now: then the claim is due at that time by our clock.
      claim.held = not (happened and settled <= tonumber(now))
      if claim.held then call('HSET', key('p', number_of(id)), 'held', '1') end
      if happened then
        local due = settled > tonumber(now) and call('HGET', key('p', number_of(id)), 'settled') or now
        if tonumber(due) < tonumber(claim.due) then claim.due = due end
      end
      write(claim)
    end
  end
end

function commands.accepted(args)
  local mine = open_on(args)
  change_each(mine, function(claim)
    claim.state = claim.asked + args.count >= claim.wanted and 'done' or 'owed'
    claim.asked = claim.asked + args.count
    claim.operation, claim.tries, claim.note, claim.due, claim.held = '', 0, args.note, args.due, false
  end)
  wait_for_settle(mine, args.since, args.now)
  record_each(mine, 'accepted', args.note, args.now, args.count)
  refresh_all(mine)
  return true
end

function commands.refused(args)
  local mine = open_on(args)
  if #mine > 0 then refund(args) end
  change_each(mine, function(claim)
    claim.operation, claim.note = '', args.detail
    if claim.asked == 0 then
      claim.refusal, claim.state = args.refusal, 'refused'
      spend(claim, false)
    else
      claim.state = 'done'
    end
  end)
  for _, id in ipairs(mine) do
    local claim = read(id)
    record_entry(number_of(id), args.now, 'refuse', { job = claim.job, reason = args.refusal, text = args.detail,
      run = claim.run, origin = claim.origin })
  end
  refresh_all(mine)
  return true
end

-- Record the text, unless it is what the claim waits for already.
local function record_if_new(claims, what, text, now)
  for _, id in ipairs(claims) do
    local claim = read(id)
    if claim and claim.note ~= text then record_each({ id }, what, text, now, 0) end
  end
end

function commands.hold(args)
  local claim = read(args.claim)
  if not claim or (claim.state ~= 'open' and claim.state ~= 'owed') then return true end
  record_if_new({ args.claim }, 'wait', args.note, args.now)
  if claim.behind then call('ZREM', key('h', claim.behind), text_of(claim.id)) end
  claim.due, claim.note, claim.held, claim.behind = args['until'], args.note, false, args.behind
  write(claim)
  call('ZADD', key('h', args.behind), claim.created, text_of(claim.id))
  call('SADD', P .. 'behind', args.behind)
  refresh(number_of(claim.id))
  return true
end

function commands.postponed(args)
  local mine = open_on(args)
  if #mine > 0 then refund(args) end
  record_if_new(mine, 'wait', args.note, args.now)
  change_each(mine, function(claim)
    claim.state, claim.operation, claim.tries, claim.due, claim.note, claim.held = 'owed', '', claim.tries + 1, args.due,
      args.note, false
  end)
  refresh_all(mine)
  return true
end

function commands.doubted(args)
  local mine = open_on(args)
  if args.missed and #mine > 0 then
    local operation = operation_of(args)
    operation.misses = operation.misses + 1
    save_operation(args, operation)
  end
  record_if_new(mine, 'doubt', args.note, args.now)
  change_each(mine, function(claim) claim.state, claim.due, claim.note = 'unknown', args.due, args.note end)
  refresh_all(mine)
  return true
end

function commands.wait(args)
  local claim = read(args.claim)
  if not claim or not claim.open then return true end
  record_if_new({ args.claim }, 'wait', args.note, args.now)
  claim.due, claim.note, claim.held = args.due, args.note, false
  claim.lookups, claim.tries = claim.lookups + args.lookup, claim.tries + args.tries
  write(claim)
  wait_for_settle({ args.claim }, args.since, args.now)
  refresh(number_of(claim.id))
  return true
end

function commands.finish(args)
  local claim = read(args.claim)
  if not claim or (claim.state ~= 'open' and claim.state ~= 'owed') then return true end
  claim.state, claim.note = 'done', args.note
  if claim.asked == 0 then spend(claim, false) end
  write(claim)
  record_each({ args.claim }, 'ended', args.note, args.now, 0)
  refresh(number_of(claim.id))
  return true
end

function commands.put_off_facts(args)
  local number = call('GET', key('n', args.push))
  if number and call('EXISTS', key('p', number)) == 1 then
    -- Another process may have learned them meanwhile.
    local known = call('HEXISTS', key('p', number), 'asks') == 1
    call('HSET', key('p', number), 'facts_due', known and '' or args.due)
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
