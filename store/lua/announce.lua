-- announce.lua: an event of the line as a whole, which no citizen's turn brings.
-- KEYS  1 events · 2 due · 3 hand-off list · 4 what was told of the line · 5 what is told once
-- ARGV  1 subject · 2 body · 3 due at, ms, to be handed on; '' where nobody hands on · 4 at, ms ·
--       5 told once: of what, '' not · 6 a mark that only grows: not told where it stands already, or a greater one
-- returns 1 told · 0 it was told before
local reason = refused({KEYS[1], 'stream', KEYS[2], 'zset', KEYS[3], 'list', KEYS[4], 'zset', KEYS[5], 'hash'},
  {'XADD', 'ZADD', 'RPUSH', 'HSET', 'ZREMRANGEBYRANK'})
if reason then return redis.error_reply(reason) end
if ARGV[5] ~= '' then
  if (call('HGET', KEYS[5], ARGV[5]) or '') >= ARGV[6] then return 0 end
  call('HSET', KEYS[5], ARGV[5], ARGV[6])
else
  call('ZADD', KEYS[4], ARGV[4], ARGV[2])
  call('ZREMRANGEBYRANK', KEYS[4], 0, -2001)
end
call('XADD', KEYS[1], '*', 'e', ARGV[2])
if ARGV[3] ~= '' then
  call('RPUSH', KEYS[3], ARGV[2])
  call('ZADD', KEYS[2], 'NX', ARGV[3], 'h' .. ARGV[1])
end
return 1
