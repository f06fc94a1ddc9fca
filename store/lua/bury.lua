-- bury.lua: a boot is fenced for the whole line; called before and after its shards were taken over.
-- KEYS  1 boots · 2 fenced
-- ARGV  1 boot · 2 how many fences are kept · 3 '1': the shards are done, the boot leaves the list
-- returns 1
local reason = refused({KEYS[1], 'hash', KEYS[2], 'zset'}, {'ZADD', 'HDEL', 'ZREMRANGEBYRANK'})
if reason then return redis.error_reply(reason) end
call('ZADD', KEYS[2], 'NX', str(clock()), ARGV[1])
call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[2]))
if ARGV[3] == '1' then call('HDEL', KEYS[1], ARGV[1]) end
return 1
