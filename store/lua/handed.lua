-- handed.lua: the first event of a subject has been handed on.
-- KEYS  1 due · 2 hand-off list
-- ARGV  1 subject · 2 event's id · 3 lease until, ms
-- returns how many wait behind it
local reason = refused({KEYS[1], 'zset', KEYS[2], 'list'}, {'ZADD', 'ZREM', 'LPOP'})
if reason then return redis.error_reply(reason) end
local n = call('LLEN', KEYS[2])
local head = call('LINDEX', KEYS[2], 0)
if head and cjson.decode(head).id == ARGV[2] then
  call('LPOP', KEYS[2])
  n = n - 1
end
if n > 0 then call('ZADD', KEYS[1], ARGV[3], 'h' .. ARGV[1]) else call('ZREM', KEYS[1], 'h' .. ARGV[1]) end
return n
