-- commit.lua: everything that one message causes, or nothing.
-- KEYS  1 due · 2 fence · 3 citizen · 4 out · 5 held · 6 queued · 7 events · 8 kept · 9 mark · 10 idempotency ·
--       11 group to join · 12 group to fill (not wanted: due again) · then each ticket, each SMS, each event's hand-off list
-- ARGV  1 boot · 2 deadline, ms of Redis's clock, 0 none · 3 turn · 4 version expected · 5 wrapped key · 6 sealed number ·
--       7 sealed state · 8 now, ms · 9 tick at, 0 never · 10 citizen's hash ·
--       11 mark mode, 0 none · 12 mark id · 13 session · 14 replaces · 15 asks only · 16 redelivery, ms ·
--       17 fingerprint, '' none · 18 answer · 19 group version, '' none · 20 ticket · 21 field · 22 part number, '' none ·
--       23 digest · 24 hand-off due at, '' not handed on · 25 sealed content kept, '' none ·
--       26 erase: the citizen goes, with all that only the citizen's key opens
--       then tickets: count, each: new · stored owner · index entry, '' as it is · count of strings · field, value, …
--       SMS: count, each: id · link · from · ticket · class · not before, 0 now · hold · sealed text · what caused it
--       events: count, each: subject · body
--       audit trail: count, each: record · how long the idempotency key stands, ms · of each SMS the proof of its text
-- returns {1, version, again, index of each SMS held…} kept (again: it was before) · {2, mark…} a copy · {3, citizen…} stale ·
--         {4, why} late or fenced · {5, answer} replayed · {6} key misused · {7} the group changed
local DUE, FENCE, CITIZEN, OUT, HELD, QUEUED, EVENTS, KEPT, MARK, IDEM, JOIN, FILL = unpack(KEYS, 1, 12)
local boot, deadline, turn, version, wrapped, number, state, now, tick, hash, mode, markID, session, replaces, asks,
  redelivery, fingerprint, answer, joinVersion, joinTicket, joinField, part, digest, handoffAt, kept, erase = unpack(ARGV, 1, 26)
local k, a = 12, 26

local function take(n)
  a = a + n
  return unpack(ARGV, a - n + 1, a)
end
local tickets, sms, events, ids = {}, {}, {}, {}
for i = 1, tonumber(take(1)) do
  local new, owner, entry, n = take(4)
  k, n = k + 1, tonumber(n)
  tickets[i] = {key = KEYS[k], new = new, owner = owner, entry = entry, from = a + 1, to = a + n}
  a = a + n
end
for i = 1, tonumber(take(1)) do
  k = k + 1
  sms[i] = {KEYS[k], take(9)}
  ids[i] = sms[i][2]
end
for i = 1, tonumber(take(1)) do
  k = k + 1
  events[i] = {KEYS[k], take(2)}
end
local audit = {}
for i = 1, tonumber(take(1)) do audit[i] = take(1) end
local idemStands, proofs = take(1), a

-- Tried again after a lost answer: it stands, whatever time it is. The touch gives WAIT something to count.
local c = call('HMGET', CITIZEN, 'v', 'k', 'n', 's', 'lt', 'ls', 'up')
local m = (mode ~= '0') and call('HMGET', MARK, 'id', 'se', 'fi', 'la', 'set', 'ag', 'ao', 'sm') or {}
if (c[5] and string.find(',' .. c[5] .. ',', ',' .. turn .. ',', 1, true)) or (m[1] and m[1] == markID) then
  local back = {1, c[1], 1}
  for i = 1, #sms do
    local h = call('HMGET', sms[i][1], 'hb', 'hn')
    if boot ~= '' and h[1] == boot and h[2] == '1' then back[#back + 1] = i end -- not one that was claimed meanwhile
  end
  call('HSET', CITIZEN, 'f', '1')
  return back
end

if boot ~= '' and call('ZSCORE', FENCE, boot) then return {4, 'fenced'} end
local clocked = clock()
if deadline ~= '0' and clocked > tonumber(deadline) then return {4, 'late'} end
if fingerprint ~= '' then
  local first = call('HMGET', IDEM, 'fp', 'a')
  if first[1] == fingerprint then
    call('HSET', IDEM, 'fp', fingerprint) -- the touch gives WAIT something to count
    return {5, first[2]}
  end
  if first[1] then return {6} end
end
if mode ~= '0' then
  local clash
  if mode == '1' then
    clash = m[1]
  elseif mode == '2' then
    clash = m[1] and not (m[1] == replaces and m[5] == '1')
  elseif mode == '4' then
    clash = m[1] ~= replaces
  else
    clash = not (m[1] == replaces and m[6] ~= '1')
  end
  if clash then return {2, m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8]} end
end
if (c[1] or '0') ~= version or (c[2] and c[2] ~= wrapped) then return {3, c[1], c[2], c[3], c[4]} end
if joinVersion ~= '' then
  local g = call('HMGET', JOIN, 'v', 'j')
  if g[1] ~= joinVersion or g[2] == '1' then return {7} end
end
if part ~= '' then
  local g = call('HMGET', FILL, 'j', 'd' .. part)
  if g[1] ~= '1' or g[2] then return {7} end
end

-- Every type, every permission, before the first write. What was read above has shown its type.
for i = 1, #tickets do
  local stands = redis.pcall('HMGET', tickets[i].key, 'o', 'ix')
  local owner = stands[1]
  tickets[i].old = stands[2] or ''
  if stands.err then -- at rest: it wakes
    tickets[i].rested = call('GET', tickets[i].key)
    owner, tickets[i].old = packed(tickets[i].rested)
    if not owner then return redis.error_reply('WRONGTYPE ' .. tickets[i].key .. ' holds a string that is no ticket') end
    owner = string.sub(tickets[i].owner, 1, 9) .. owner
  end
  if tickets[i].new == '1' then
    if owner then return redis.error_reply('TAKEN ' .. tickets[i].key .. ' exists: its serial was given twice') end
  elseif owner ~= tickets[i].owner then
    return redis.error_reply('GONE ' .. tickets[i].key .. ' is not a ticket of this citizen')
  end
end
local list, commands = {DUE, 'zset', TAG .. 'rest', 'zset'}, {'HSET', 'ZADD', 'ZREM', 'RPUSH', 'XADD', 'PEXPIRE', 'HDEL', 'DEL', 'GET'}
if #sms > 0 then
  list[5], list[6], list[7], list[8], list[9], list[10] = QUEUED, 'zset', OUT, 'list', HELD, 'set'
  commands[10] = 'SADD'
end
if #events > 0 then list[#list + 1] = EVENTS; list[#list + 1] = 'stream' end
for i = 1, #events do list[#list + 1] = events[i][1]; list[#list + 1] = 'list' end
if #audit > 0 then list[#list + 1] = TAG .. 'audit'; list[#list + 1] = 'stream' end
if kept ~= '' then list[#list + 1] = KEPT; list[#list + 1] = 'list' end
for i = 1, #tickets do
  if tickets[i].entry ~= '' then reindexed(list, tickets[i].old, tickets[i].entry) end
end
if erase == '1' then
  for _, command in ipairs({'SREM', 'SET'}) do commands[#commands + 1] = command end
  for _, v in ipairs({QUEUED, 'zset', OUT, 'list'}) do list[#list + 1] = v end
end
local why = refused(list, commands)
if why then return redis.error_reply(why) end
for i = 1, #sms do
  if call('EXISTS', sms[i][1]) == 1 then return redis.error_reply('TAKEN ' .. sms[i][1] .. ' exists: its id was given twice') end
end

local after = str(tonumber(version) + 1)
local turns = string.sub(c[5] and (turn .. ',' .. c[5]) or turn, 1, 300)
local alone = {} -- SMS of no ticket: only here are they found by the citizen
for i = 1, #sms do
  if sms[i][5] == '0' then alone[#alone + 1] = ids[i] end
end
if #alone > 0 then
  if c[6] then alone[#alone + 1] = c[6] end
  alone = string.sub(table.concat(alone, ','), 1, 300)
end
if c[2] then
  call('HSET', CITIZEN, 'v', after, 's', state, 'lt', turns)
else
  call('HSET', CITIZEN, 'v', after, 's', state, 'lt', turns, 'k', wrapped, 'n', number, 'f', '1')
end
for i = 1, #tickets do
  local t = tickets[i]
  if t.new == '1' then call('HSET', t.key, 'o', t.owner) end
  if t.rested then
    call('DEL', t.key)
    call('HSET', t.key, 'o', t.owner, 'ix', t.old, 'p', t.rested)
  end
  if t.to >= t.from then call('HSET', t.key, unpack(ARGV, t.from, t.to)) end
  if t.entry ~= '' and t.entry ~= t.old then
    call('HSET', t.key, 'ix', t.entry)
    reindex(string.match(t.key, '%d+$'), t.old, t.entry)
  end
end

if #alone > 0 then call('HSET', CITIZEN, 'ls', alone) end
local up = c[7] or '' -- tickets that are not at rest
for i = 1, #tickets do
  local serial = string.match(tickets[i].key, '%d+$')
  if not string.find(',' .. up .. ',', ',' .. serial .. ',', 1, true) then up = (up == '') and serial or (up .. ',' .. serial) end
end
if up ~= (c[7] or '') then call('HSET', CITIZEN, 'up', up) end
if up ~= '' then call('ZADD', TAG .. 'rest', now, hash) end -- since when nothing happened

local back = {1, after, 0}
local waiting = (#sms > 0) and call('LLEN', OUT) or 0
for i = 1, #sms do
  local key, id, link, from, ticket, class, notBefore, hold, text, cause = unpack(sms[i])
  local holder = false
  if notBefore == '0' then
    call('RPUSH', OUT, id)
    waiting = waiting + 1
    if waiting == 1 and hold == '1' and boot ~= '' then
      call('SADD', HELD, id)
      holder = true
      back[#back + 1] = i
    elseif waiting == 1 then
      -- Direct answers (class 0) come before the pushes that are due, and these before broadcasts.
      call('ZADD', DUE, str(tonumber(now) - math.max(2 - tonumber(class), 0) * 1800000), 's' .. id)
    end
  else
    call('ZADD', DUE, notBefore, 's' .. id)
  end
  call('HSET', key, 'f', '1', 'st', 'queued', 'c', hash, 'l', link, 'fr', from, 'tk', ticket, 'cl', class, 'tr', '0',
    'q', now, 't:queued', now, 'x', text, 'by', cause, 'th', ARGV[proofs + i], 'iq', (notBefore == '0') and '1' or '0')
  if holder then call('HSET', key, 'hb', boot, 'hn', '1') end
  call('ZADD', QUEUED, (notBefore == '0') and now or notBefore, id) -- since when it waits
end
for i = 1, #events do
  local key, subject, body = unpack(events[i])
  call('XADD', EVENTS, '*', 'e', body)
  if handoffAt ~= '' then
    call('RPUSH', key, body)
    call('ZADD', DUE, 'NX', handoffAt, 'h' .. subject)
  end
end
for i = 1, #audit do call('XADD', TAG .. 'audit', '*', 'a', audit[i]) end
if kept ~= '' then call('RPUSH', KEPT, kept) end

if mode ~= '0' then
  call('HSET', MARK, 'id', markID, 'se', session, 'fi', (mode == '3') and m[3] or str(clocked), 'la', str(clocked),
    'set', '0', 'ag', (mode == '3') and '1' or '0', 'ao', asks,
    'sm', (#ids == 0 and mode == '3') and m[8] or table.concat(ids, ','))
  call('PEXPIRE', MARK, redelivery)
end
if fingerprint ~= '' then
  call('HSET', IDEM, 'fp', fingerprint, 'a', answer)
  call('PEXPIRE', IDEM, idemStands)
end
if joinVersion ~= '' then
  call('HSET', JOIN, 'v', str(tonumber(joinVersion) + 1), 'j', '1', 'jt', joinTicket, 'jf', joinField)
  for _, f in ipairs(call('HKEYS', JOIN)) do
    if string.find(f, '^p%d+$') then call('HDEL', JOIN, f) end
  end
  call('PEXPIRE', JOIN, 86400000)
  call('ZREM', DUE, 'g' .. string.match(JOIN, ':g:(.*)$'))
end
if part ~= '' then
  call('HSET', FILL, 'd' .. part, digest)
  call('PEXPIRE', FILL, 86400000)
end
if tick ~= '0' and erase ~= '1' then call('ZADD', DUE, tick, 'q' .. hash) else call('ZREM', DUE, 'q' .. hash) end
if erase == '1' then
  local function ended(id) -- an SMS that was not accepted yet never goes out
    local key = TAG .. 'm:' .. id
    local holder = call('HGET', key, 'hb')
    if holder then call('SREM', TAG .. 'held:' .. holder, id) end
    call('HDEL', key, 'hb', 'x')
    call('HSET', key, 'st', 'undeliverable', 't:undeliverable', now, 'er', 'the citizen was erased', 'c', 'erased')
    call('ZREM', QUEUED, id)
    call('ZREM', DUE, 's' .. id)
  end
  for _, id in ipairs(call('LRANGE', OUT, 0, -1)) do ended(id) end
  for i = 1, #tickets do
    call('HDEL', tickets[i].key, 'p') -- what rested in it is sealed with the key, and names the owner
    for _, field in ipairs(call('HKEYS', tickets[i].key)) do
      if string.find(field, '^[xay]%d+$') then
        call('HDEL', tickets[i].key, field)
      elseif string.find(field, '^m%d+$') then -- an SMS id behind its form and checksum
        local id = string.sub(call('HGET', tickets[i].key, field), 10)
        if call('HGET', TAG .. 'm:' .. id, 'st') == 'queued' then -- held by quiet hours, outside the queue
          ended(id)
        elseif call('HDEL', TAG .. 'm:' .. id, 'x') == 1 then
          call('HSET', TAG .. 'm:' .. id, 'c', 'erased')
        end
      end
    end
  end
  for id in string.gmatch(c[6] or '', '[^,]+') do
    if call('HDEL', TAG .. 'm:' .. id, 'x') == 1 then call('HSET', TAG .. 'm:' .. id, 'c', 'erased') end
  end
  call('SET', TAG .. 'scrub', str(clocked)) -- until the files of each server were written anew
  local group = 'g' .. hash .. ':' -- parts of a long SMS, sealed with a key that goes
  for _, member in ipairs(call('ZRANGEBYSCORE', DUE, '-inf', '+inf')) do
    if string.sub(member, 1, #group) == group then
      call('DEL', TAG .. 'g:' .. string.sub(member, 2))
      call('ZREM', DUE, member)
    end
  end
  call('ZREM', TAG .. 'rest', hash)
  call('DEL', OUT, KEPT, CITIZEN)
end
return back
