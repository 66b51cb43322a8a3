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
-- e:<number>        hash of what is kept beside it          w:<number>  hash job -> sighting as JSON, and US -> the push
-- due               zset of p US system US number, and of g US system US name
-- recent            zset of numbers by when they were last heard of;  names: zset of project US revision US number
-- leases            hash like due -> owner US until US whether it beats;  alive:<owner> expires when it stops beating
-- b:<branch>        zset of numbers by when they were first heard of; a branch is: system US project US branch
-- reports           zset of numbers by when they are to be judged;  reporting: by when the lease of that ends
-- judged            zset of numbers by when they were judged;  sighted:<project>: of number US job by when it was sighted
-- wishes            hash system US id -> tries US since US JSON, or nothing once it is settled
-- wish_due          zset of open wishes;  wish_kept: of settled ones, by when they were first heard
-- deliveries        zset of webhooks' names by when they were stored
-- meta              marker, writes, run_id, since, why, layout;  r:<operation> answers

-- What is kept, and how: a program that knows an older one must leave it alone.
local LAYOUT = 2
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
