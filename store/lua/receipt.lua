-- receipt.lua: what a delivery receipt says of one part of an SMS. A final one that comes before its SMS was noted as sent
-- waits for it, where asked.
-- KEYS  1 early receipts by when they are given up · 2 where this one waits · 3… receipt index, a key for each id that the
--       submit_sm_resp may have told, likeliest first
-- ARGV  1 state · 2 error · 3 at, ms · 4 event, '' none · 5 grace, ms · 6 events are handed on · 7 final · 8 it may wait ·
--       9 how the SMSC writes ids is known: the first that stands is meant · 10 link · 11 message id, as told · 12 at most waiting ·
--       13 citizen's hash · 14 its deliver_sm
-- returns {1, which id, the id as the submit_sm_resp told it, when its SMS was accepted} known · {0} unknown · {2} unknown, and waits ·
--         {3} several SMS may be meant
local EARLY, WAITS = KEYS[1], KEYS[2]
local state, why, at, event, grace, hand, final, wait, certain, link, told, most, citizen, by = unpack(ARGV, 1, 14)
local id, part, which
for i = 3, #KEYS do
  local m, p, c = string.match(call('GET', KEYS[i]) or '', '^(%S+) (%d+) (%S+)$')
  if c ~= citizen then m = nil end -- another's: in one notation two ids may be one number
  if m and not which then
    id, part, which = m, p, i - 2
  elseif m and certain ~= '1' and (m ~= id or p ~= part) then
    return {3}
  end
end
local m = id and call('HMGET', TAG .. 'm:' .. id, 'st', 'tk', 'c', 'acc', 't:sent')
if not id or not m[1] or m[1] == 'queued' then
  if final ~= '1' or wait ~= '1' then return {0} end
  local reason = refused({EARLY, 'zset', WAITS, 'string'}, {'SET', 'ZADD', 'ZREM', 'DEL'})
  if reason then return redis.error_reply(reason) end
  local known = call('EXISTS', WAITS) == 1
  if not known then -- of a duplicate the first counts
    call('SET', WAITS, cjson.encode({state = state, error = why, at = at, event = event, link = link, id = told, by = by}), 'PX', str(2 * tonumber(grace)))
    call('ZADD', EARLY, str(tonumber(at) + tonumber(grace)), string.sub(WAITS, #TAG + 1))
    if call('ZCARD', EARLY) > tonumber(most) then -- whoever floods us does not fill the store
      local oldest = call('ZRANGEBYSCORE', EARLY, '-inf', '+inf', 'LIMIT', 0, 1)[1]
      call('ZREM', EARLY, oldest)
      call('DEL', TAG .. oldest)
    end
  end
  return {2}
end
local accepted = m[4] and cjson.decode(m[4])[tonumber(part)] or ''
local subject = (m[2] ~= '0') and ('t' .. m[2]) or ('c' .. m[3])
local reason = refused({TAG .. 'due', 'zset', TAG .. 'audit', 'stream', TAG .. 'ev', 'stream', TAG .. 'h:' .. subject, 'list'},
  {'HSET', 'XADD', 'RPUSH', 'ZADD'})
if reason then return redis.error_reply(reason) end
local key = TAG .. 'm:' .. id
if final ~= '1' or m[1] ~= 'sent' or call('HGET', key, 'rp' .. part) then -- it ends nothing: for who traces the SMS
  local n = tonumber(call('HGET', key, 'in') or '0') + 1 -- eight are told, the last of more in the eighth's place
  call('HSET', key, 'in', str(n), 'in' .. math.min(n, 8), part .. ' ' .. at .. ' ' .. state .. ' ' .. by .. ' ' .. why)
end
if final == '1' then
  receipted(id, part, state, why, at, event, hand, by)
elseif m[1] == 'sent' then
  call('HSET', key, 'ir', state, 'ia', at)
end
return {1, which, accepted, m[5] or ''}
