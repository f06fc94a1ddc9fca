-- unpark.lua: a person has looked at a parked event: it is due again, or it goes and what waits behind it is due.
-- KEYS  1 due · 2 hand-off list · 3 parked · 4 what is parked · 5 audit
-- ARGV  1 subject · 2 event's id · 3 now, ms · 4 '1': the event goes · 5 who did it, a record for the audit trail, '' none
-- returns 1 done · 0 the event is not parked
local reason = refused({KEYS[1], 'zset', KEYS[2], 'list', KEYS[3], 'zset', KEYS[4], 'hash', KEYS[5], 'stream'}, {'ZADD', 'ZREM', 'HDEL', 'LPOP', 'XADD'})
if reason then return redis.error_reply(reason) end
if call('HGET', KEYS[4], 'e:' .. ARGV[2]) ~= ARGV[1] then return 0 end
call('ZADD', KEYS[1], ARGV[3], 'h' .. ARGV[1])
if ARGV[5] ~= '' then call('XADD', KEYS[5], '*', 'a', ARGV[5]) end
call('ZREM', KEYS[3], ARGV[1])
call('HDEL', KEYS[4], ARGV[1], 'e:' .. ARGV[2])
local head = call('LINDEX', KEYS[2], 0)
if ARGV[4] == '1' and head and cjson.decode(head).id == ARGV[2] then call('LPOP', KEYS[2]) end
if call('LLEN', KEYS[2]) == 0 then call('ZREM', KEYS[1], 'h' .. ARGV[1]) end
return 1
