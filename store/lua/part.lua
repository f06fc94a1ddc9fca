-- part.lua: one segment of a long SMS is kept, or said to be known.
-- KEYS  1 due · 2 fence · 3 citizen · 4 group
-- ARGV  1 boot · 2 deadline, ms, 0 none · 3 version assumed · 4 wrapped key · 5 sealed number · 6 total · 7 part ·
--       8 sealed data · 9 digest · 10 now, ms · 11 due at, ms · 12 when whole: due at, ms ·
--       13 at most open of one citizen, 0 any number
-- returns {kind, citizen's version, {group: field, value, …}}: 1 kept · 2 duplicate · 3 whole · 4 gap · 5 conflict ·
--         {6, citizen…} stale · {7, why} late or fenced · {8, citizen's version, {the oldest open group}, its name} too many are open
local DUE, FENCE, CITIZEN, GROUP = unpack(KEYS, 1, 4)
local boot, deadline, version, wrapped, number, total, part, data, digest, now, dueAt, wholeAt, most = unpack(ARGV, 1, 13)
local member = 'g' .. string.match(GROUP, ':g:(.*)$')
if boot ~= '' and call('ZSCORE', FENCE, boot) then return {7, 'fenced'} end
if deadline ~= '0' and clock() > tonumber(deadline) then return {7, 'late'} end
local c = call('HMGET', CITIZEN, 'v', 'k', 'n', 's', 'og')
if (c[2] and c[2] ~= wrapped) or (not c[2] and version ~= '0') then return {6, c[1], c[2], c[3], c[4]} end

local g = {}
local flat = call('HGETALL', GROUP)
for i = 1, #flat, 2 do g[flat[i]] = flat[i + 1] end
local same = g['d' .. part] == digest
local function parts()
  local n = 0
  for f in pairs(g) do
    if string.find(f, '^p%d+$') then n = n + 1 end
  end
  return n
end
local again = false -- a tombstone makes way: references recur
if g.j == '1' then
  if same then
    -- A copy; or the start of another long SMS with this reference that begins alike: what comes next tells.
    local why = refused({GROUP, 'hash'}, {'HSET'})
    if why then return redis.error_reply(why) end
    if c[2] then
      call('HSET', GROUP, 'r' .. part, data, 'rt' .. part, now)
    else
      call('HSET', GROUP, 'd' .. part, digest) -- the touch gives WAIT something to count
    end
    return {2, c[1] or '0', flat}
  end
  if not g['d' .. part] then return {4, c[1] or '0', flat} end
  again = true
elseif g['d' .. part] then
  if not same then return {5, c[1] or '0', flat} end
  if parts() >= tonumber(total) then return {3, c[1] or '0', flat} end
  local why = refused({GROUP, 'hash'}, {'HSET'})
  if why then return redis.error_reply(why) end
  call('HSET', GROUP, 'd' .. part, digest) -- the touch gives WAIT something to count
  return {2, c[1] or '0', flat}
end

local begins, open = again or not g.v, {}
if begins then -- whoever begins and never ends does not fill the store
  local prefix, name = string.match(GROUP, '^(.*:)([^:]+)$')
  for other in string.gmatch(c[5] or '', '[^,]+') do
    local o = (other ~= name) and call('HMGET', prefix .. other, 'v', 'j') or {}
    if o[1] and o[2] ~= '1' then open[#open + 1] = other end
  end
  if most ~= '0' and #open >= tonumber(most) then return {8, c[1] or '0', call('HGETALL', prefix .. open[1]), open[1]} end
  open[#open + 1] = name
end

local reason = refused({DUE, 'zset'}, {'HSET', 'HDEL', 'ZADD', 'PERSIST'})
if reason then return redis.error_reply(reason) end
if not c[2] then
  call('HSET', CITIZEN, 'v', '1', 'k', wrapped, 'n', number, 'f', '1')
  c[1] = '1'
end
if begins then
  call('HSET', CITIZEN, 'og', table.concat(open, ',')) -- open groups, the oldest first; what was joined leaves with the next
  call('HSET', GROUP, 'v', str(tonumber(g.v or '0') + 1), 'to', total, 'fi', now, 'p' .. part, data, 'd' .. part, digest)
  local stays = {v = true, to = true, fi = true, ['d' .. part] = true}
  for n = 1, tonumber(part) - 1 do -- came a moment ago, before this one, and looked like copies
    local at = g['rt' .. n]
    if at and tonumber(now) - tonumber(at) < tonumber(dueAt) - tonumber(now) then
      call('HSET', GROUP, 'p' .. n, g['r' .. n])
      stays['p' .. n], stays['d' .. n] = true, true
    end
  end
  for f in pairs(g) do
    if not stays[f] then call('HDEL', GROUP, f) end
  end
  call('PERSIST', GROUP)
  call('ZADD', DUE, dueAt, member)
else
  call('HSET', GROUP, 'v', str(tonumber(g.v) + 1), 'p' .. part, data, 'd' .. part, digest)
end
flat = call('HGETALL', GROUP)
g = {}
for i = 1, #flat, 2 do g[flat[i]] = flat[i + 1] end
if parts() >= tonumber(total) then
  call('ZADD', DUE, wholeAt, member)
  return {3, c[1], flat}
end
return {1, c[1], flat}
