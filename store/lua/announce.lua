-- announce.lua: an event of the line as a whole, which no citizen's turn brings.
-- KEYS  1 events · 2 due · 3 hand-off list
-- ARGV  1 subject · 2 body · 3 due at, ms, to be handed on; '' where nobody hands on
-- returns 1
local reason = refused({KEYS[1], 'stream', KEYS[2], 'zset', KEYS[3], 'list'}, {'XADD', 'ZADD', 'RPUSH'})
if reason then return redis.error_reply(reason) end
call('XADD', KEYS[1], '*', 'e', ARGV[2])
if ARGV[3] ~= '' then
  call('RPUSH', KEYS[3], ARGV[2])
  call('ZADD', KEYS[2], 'NX', ARGV[3], 'h' .. ARGV[1])
end
return 1
