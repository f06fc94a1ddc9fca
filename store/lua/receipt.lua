-- receipt.lua: a final delivery receipt. One that comes before its SMS was noted as sent waits for it.
-- KEYS  1 receipt index · 2 early receipt
-- ARGV  1 state · 2 error · 3 at, ms · 4 event, '' none · 5 grace, ms · 6 events are handed on · 7 its deliver_sm
-- returns 1 known · 0 unknown: kept for the grace
local state, why, at, event, grace, hand, by = unpack(ARGV, 1, 7)
local found = call('GET', KEYS[1])
local id, part = string.match(found or '', '^(%S+) (%d+)$')
local m = id and call('HMGET', TAG .. 'm:' .. id, 'st', 'tk', 'c')
if not id or not m[1] or m[1] == 'queued' then
  local reason = refused({KEYS[2], 'string'}, {'SET'})
  if reason then return redis.error_reply(reason) end
  call('SET', KEYS[2], cjson.encode({state = state, error = why, at = at, event = event, by = by}), 'PX', grace)
  return id and 1 or 0
end
local subject = (m[2] ~= '0') and ('t' .. m[2]) or ('c' .. m[3])
local reason = refused({TAG .. 'due', 'zset', TAG .. 'ev', 'stream', TAG .. 'h:' .. subject, 'list'},
  {'HSET', 'XADD', 'RPUSH', 'ZADD'})
if reason then return redis.error_reply(reason) end
receipted(id, part, state, why, at, event, hand, by)
return 1
