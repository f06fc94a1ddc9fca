-- takeover.lua: a boot is dead: its fence stands first, then what it held is due at once, in the order of queueing.
-- KEYS  1 fence · 2 held · 3 due
-- ARGV  1 boot · 2 how many fences are kept
-- returns how many SMS
local FENCE, HELD, DUE = KEYS[1], KEYS[2], KEYS[3]
local boot = ARGV[1]
local reason = refused({FENCE, 'zset', HELD, 'set', DUE, 'zset'}, {'ZADD', 'ZREMRANGEBYRANK', 'HDEL', 'DEL'})
if reason then return redis.error_reply(reason) end
call('ZADD', FENCE, 'NX', str(clock()), boot)
call('ZREMRANGEBYRANK', FENCE, 0, -1 - tonumber(ARGV[2]))
local n = 0
for _, id in ipairs(call('SMEMBERS', HELD)) do
  local key = TAG .. 'm:' .. id
  local m = redis.pcall('HMGET', key, 'hb', 'q')
  if not m.err and m[1] == boot then
    call('ZADD', DUE, m[2] or '0', 's' .. id)
    call('HDEL', key, 'hb')
    n = n + 1
  end
end
call('DEL', HELD)
return n
