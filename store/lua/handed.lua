-- handed.lua: the first event of a subject has been handed on.
-- KEYS  1 due · 2 hand-off list · 3 parked · 4 what is parked
-- ARGV  1 subject · 2 event's id · 3 lease until, ms
-- returns how many wait behind it
local reason = refused({KEYS[1], 'zset', KEYS[2], 'list', KEYS[3], 'zset', KEYS[4], 'hash'}, {'ZADD', 'ZREM', 'LPOP', 'HDEL'})
if reason then return redis.error_reply(reason) end
local n = call('LLEN', KEYS[2])
local head = call('LINDEX', KEYS[2], 0)
if head and cjson.decode(head).id == ARGV[2] then
  call('LPOP', KEYS[2])
  n = n - 1
  if call('ZREM', KEYS[3], ARGV[1]) == 1 then call('HDEL', KEYS[4], ARGV[1], 'e:' .. ARGV[2]) end
end
if n > 0 then call('ZADD', KEYS[1], ARGV[3], 'h' .. ARGV[1]) else call('ZREM', KEYS[1], 'h' .. ARGV[1]) end
return n
