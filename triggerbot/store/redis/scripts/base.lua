-- The store of triggerbot in Redis. Every change is one call of this script, so it is atomic; a call that is repeated
-- with the same operation id returns the same answer (a client repeats a call whose reply was lost).
--
-- ARGV: command, operation id, marker, number of writes the caller has seen, arguments as JSON.
-- Answer: JSON [writes, since when the store is distrusted, answer], or LOST if this is no longer the same store.
--
-- Times are text throughout: Lua would cut them to 14 digits. A missing value is "", false or 0, never null.
--
-- n:<push>          its number            p:<number>  hash of its facts and counters
-- j:<number>        hash job -> groups RS run RS run ...; a run is: id US attempt US rank US result US kind ...
-- c:<number>        hash claim's number -> JSON             k:<number>  hash job US origin -> claim's number
-- o:<number>        hash operation -> JSON                  s:<number>  list of JSON, the timeline
-- Among the facts of a push: batch US id -> event US source US fork, `told` if there is any, and twins US job -> the
-- jobs that share its name in its batch.
-- u:<number>        set of refusals in the timeline         g:<group>   hash run US attempt -> rank US ..., and tries, since
-- e:<number>        hash of its metadata                    w:<number>  hash job -> failure record (JSON), US -> the push
-- due               zset of p US system US number, and of g US system US name
-- recent            zset of numbers by their last event;  names: zset of project US revision US number
-- leases            hash like due -> owner US until US whether it beats;  alive:<owner> expires when it stops beating
-- b:<branch>        zset of numbers by their first event; a branch is: system US project US branch
-- t:<place>         zset of what was told of a branch, by its time, see core.heads; a place is like a branch
-- reports           zset of numbers by when they are to be judged;  reporting: by when the lease of that ends
-- judged            zset of numbers by when they were judged;  sighted:<project>: of number US job by the failure's time
-- wishes            hash of comment commands, system US id -> tries US since US JSON, or nothing once settled
-- wish_due          zset of open comment commands;  wish_kept: of settled ones, by when they were received
-- slots:<queue>     JSON, the writers of one account and what they wrote within the last hour
-- deliveries        zset of webhooks' names by when they were stored
-- meta              marker, writes, run_id, since, why, layout;  r:<operation> answers

-- The version of this layout: a program that knows only an older one must leave the store alone.
local LAYOUT = 3
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
