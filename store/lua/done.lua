-- done.lua: what became of one try to send; the citizen's next SMS moves up.
-- KEYS  1 due · 2 fence · 3 the SMS · 4 out · 5 held · 6 queued · 7 dead · 8 events · 9 its hand-off list ·
--       then each mark to settle, then early receipts by when they are given up, then of each accepted part: its place in the
--       receipt index, and each place where a receipt of it may wait
-- ARGV  1 boot · 2 id · 3 end: 1 accepted, 2 again, 3 ended · 4 state when ended · 5 accepted ids, JSON · 6 error · 7 at, ms ·
--       8 again at, ms · 9 hold the next · 10 grace, ms · 11 tries now · 12 event, '' none · 13 settled for, ms ·
--       14 events are handed on · 15 link that carried it, '' none · 16 number of the hold · 17 count of marks, then their ids ·
--       then the try: its field, '' none, and what it tells, then of each accepted part how many places
-- returns {1, next…, {part, which place, id as told}…} done, what this boot holds now, and the early receipts that were
--         applied · {-1} not held by this boot
local DUE, FENCE, SMS, OUT, HELD, QUEUED, DEAD, EVENTS, HANDOFF = unpack(KEYS, 1, 9)
local boot, id, ending, state, accepted, why, at, again, holdNext, grace, tries, event, settledFor, hand, link, hold, marks = unpack(ARGV, 1, 17)
marks = tonumber(marks)
local token = boot .. ':' .. hold

local s = call('HMGET', SMS, 'hb', 'st', 'dt', 'tk', 'c', 'hn', 'th')
local function settle()
  for i = 1, marks do
    local m = call('HMGET', KEYS[9 + i], 'id', 'set')
    if m[1] == ARGV[17 + i] and m[2] ~= '1' then
      call('HSET', KEYS[9 + i], 'set', '1')
      call('PEXPIRE', KEYS[9 + i], settledFor)
    end
  end
end
if call('ZSCORE', FENCE, boot) then return {-1} end
if s[1] ~= boot or s[6] ~= hold then
  if s[3] ~= token then return {-1} end
  settle() -- tried again after a lost answer
  local head = call('LINDEX', OUT, 0)
  if head and head ~= id and call('HGET', TAG .. 'm:' .. head, 'hb') == boot then return {1, outgoing(head)} end
  return {1}
end

for i = 1, marks do call('HGET', KEYS[9 + i], 'id') end
local list = {TAG .. 'audit', 'stream', DUE, 'zset', OUT, 'list', HELD, 'set', QUEUED, 'zset', DEAD, 'zset', EVENTS, 'stream', HANDOFF, 'list'}
local EARLY = KEYS[10 + marks]
list[#list + 1] = EARLY
list[#list + 1] = 'zset'
local parts, k = {}, 10 + marks
for i = 20 + marks, #ARGV do
  k = k + 1
  local p = {index = KEYS[k]}
  for place = 1, tonumber(ARGV[i]) do
    k = k + 1
    local r = not p.early and call('GET', KEYS[k])
    if r then p.early, p.key, p.place = r, KEYS[k], place end
  end
  list[#list + 1] = p.index
  list[#list + 1] = 'string'
  parts[#parts + 1] = p
end
local reason = refused(list, {'HSET', 'HDEL', 'ZADD', 'ZREM', 'SADD', 'SREM', 'LREM', 'RPUSH', 'XADD', 'SET', 'PEXPIRE', 'DEL'})
if reason then return redis.error_reply(reason) end
local head = call('LRANGE', OUT, 0, 1)
local nextID = (head[1] == id) and head[2] or head[1]
local following = nextID and ending ~= '2' and outgoing(nextID)
local taken = following and redis.pcall('HGET', TAG .. 'm:' .. nextID, 'hb') -- somebody has it: it is not due
if taken then following = nil end

local tried, told = ARGV[18 + marks], ARGV[19 + marks]
if tried == '' then tried, told = 'dt', token end
if ending == '1' then
  call('HSET', SMS, 'dt', token, 'st', 'sent', 't:sent', at, 'acc', accepted, 'np', #parts, 'er', '', tried, told)
elseif ending == '2' then
  call('HSET', SMS, 'dt', token, 'tr', tries, 'acc', accepted, 'er', why, tried, told)
  call('ZADD', DUE, again, 's' .. id)
else
  call('HSET', SMS, 'dt', token, 'st', state, 't:' .. state, at, 'acc', accepted, 'er', why, tried, told)
end
if ending ~= '2' then proven((ending == '1') and 'sms.sent' or ('sms.' .. state), s[4], id, (ending == '1') and s[7] or '', at) end
if link ~= '' and #parts > 0 then call('HSET', SMS, 'l', link) end -- its receipts come by it, and so do its other parts
call('HDEL', SMS, 'hb')
call('SREM', HELD, id)
for i = 1, #parts do call('SET', parts[i].index, id .. ' ' .. i .. ' ' .. s[5], 'PX', grace) end
if ending ~= '2' then
  call('ZREM', QUEUED, id)
  call('ZREM', DUE, 's' .. id) -- what has ended is not due, whatever came late in between
  call('LREM', OUT, 1, id)
  if state == 'dead' then call('ZADD', DEAD, at, id) end
  if ending == '3' and event ~= '' then tell(event, 'sms.failed', id, s[4], s[5], at, why, hand) end
  if nextID and not taken and (holdNext ~= '1' or not following) then
    call('ZADD', DUE, at, 's' .. nextID)
    following = nil
  elseif following then
    holds(boot, HELD, following)
    call('ZREM', DUE, 's' .. nextID)
  end
end
local early = {}
for i = 1, #parts do
  local p = parts[i]
  if p.early and ending == '1' then
    local r = cjson.decode(p.early)
    receipted(id, i, r.state, r.error, r.at, r.event, hand, r.by)
    call('DEL', p.key)
    call('ZREM', EARLY, string.sub(p.key, #TAG + 1))
    early[#early + 1] = {i, p.place, r.id or ''}
  end
end
settle()
return {1, following or {}, early}
