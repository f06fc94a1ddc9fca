-- claim.lua: what is due in a shard becomes the claimer's: SMS held, the rest leased. Each entry is looked at before it is
-- written, and one that cannot be read is put off: it does not hold up the others.
-- KEYS  1 due · 2 fence · 3 held
-- ARGV  1 boot · 2 now, ms · 3 at most · 4 hand-offs wanted · 5 lease until, ms · 6 no room: again at, ms ·
--       7 unreadable: again at, ms · 8 hand-offs not wanted: again at, ms ·
--       9 link that carries SMS of links without room told, '' none ·
--       10 an SMS queued before this, ms, has expired and needs no room, 0 none do · then link, room, …
-- returns {more, {SMS…}, {ticks}, {groups}, {hand-offs}, unreadable} · {-1} fenced
local DUE, FENCE, HELD = KEYS[1], KEYS[2], KEYS[3]
local boot, now, most, handoffs, lease, noRoom, unreadable, unwanted, other, expired = unpack(ARGV, 1, 10)
if call('ZSCORE', FENCE, boot) then return {-1} end
local reason = refused({DUE, 'zset', HELD, 'set'}, {'ZADD', 'ZREM', 'HSET', 'SADD', 'RPUSH'})
if reason then return redis.error_reply(reason) end
local room = {}
for i = 11, #ARGV, 2 do room[ARGV[i]] = tonumber(ARGV[i + 1]) end

local due = call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, most)
local crowded = #due >= tonumber(most)
local sms, bad = {}, 0
local function claimSMS(member, id)
  local key = TAG .. 'm:' .. id
  local m = redis.pcall('HMGET', key, 'st', 'hb', 'c', 'l', 'iq', 'q', 'cl')
  if m.err or (m[1] and not m[3]) then
    bad = bad + 1
    call('ZADD', DUE, unreadable, member)
    return
  end
  if m[1] ~= 'queued' or m[2] then -- ended, or held: it is nobody's to send
    call('ZREM', DUE, member)
    return
  end
  local link = room[m[4]] and m[4] or other
  local over = (tonumber(m[6]) or 0) < tonumber(expired)
  if (room[link] or 0) <= 0 and not crowded and not over then return end -- full or down just now: it keeps its place
  local out = TAG .. 'out:' .. m[3]
  local head = redis.pcall('LINDEX', out, 0)
  if type(head) == 'table' then
    bad = bad + 1
    call('ZADD', DUE, unreadable, member)
    return
  end
  if head and head ~= id then -- waits for the one before it
    if m[5] ~= '1' then
      call('RPUSH', out, id)
      call('HSET', key, 'iq', '1')
    end
    call('ZREM', DUE, member)
    return
  end
  if (room[link] or 0) <= 0 and not over then -- down, or full with others due behind it
    call('ZADD', DUE, (m[7] == '0') and str(tonumber(noRoom) - 150) or noRoom, member) -- direct answers come first again
    return
  end
  local full = outgoing(id)
  if not full then
    bad = bad + 1
    call('ZADD', DUE, unreadable, member)
    return
  end
  if not over then room[link] = room[link] - 1 end
  holds(boot, HELD, full)
  call('HSET', key, 'iq', '1')
  if not head then call('RPUSH', out, id) end
  call('ZREM', DUE, member)
  sms[#sms + 1] = full
end

local ticks, groups, hands = {}, {}, {}
for _, member in ipairs(due) do
  local kind, name = string.sub(member, 1, 1), string.sub(member, 2)
  if kind == 's' then
    claimSMS(member, name)
  elseif kind == 'h' and handoffs ~= '1' then
    call('ZADD', DUE, unwanted, member)
  elseif kind == 'q' and call('EXISTS', TAG .. 'c:' .. name) == 0 then -- erased
    call('ZREM', DUE, member)
  else
    call('ZADD', DUE, lease, member)
    if kind == 'q' then
      ticks[#ticks + 1] = name
    elseif kind == 'g' then
      groups[#groups + 1] = name
    elseif kind == 'h' then
      hands[#hands + 1] = name
    end
  end
end
return {crowded and 1 or 0, sms, ticks, groups, hands, bad}
