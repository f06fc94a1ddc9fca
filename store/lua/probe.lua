-- probe.lua: whether the login may run the commands that the scripts use, tried on scratch keys which it removes.
-- Redis does not undo what a script did before a command that it may not run: so this is asked at start.
-- KEYS  1 scratch string · 2 scratch hash · 3 scratch list · 4 scratch set · 5 scratch sorted set · 6 scratch stream
-- ARGV  none
-- returns {what was refused, one text a command}
local S, H, L, T, Z, X = unpack(KEYS, 1, 6)
local tries = {
  {'DEL', S}, {'EXISTS', S}, {'SET', S, '1'}, {'GET', S}, {'GETRANGE', S, '0', '1'}, {'TYPE', S}, {'PEXPIRE', S, '1000'}, {'PERSIST', S},
  {'HSET', H, 'f', '1'}, {'HGET', H, 'f'}, {'HGETALL', H}, {'HINCRBY', H, 'f', '1'}, {'HKEYS', H}, {'HMGET', H, 'f'}, {'HDEL', H, 'f'},
  {'RPUSH', L, '1', '2'}, {'LINDEX', L, '0'}, {'LLEN', L}, {'LRANGE', L, '0', '0'}, {'LREM', L, '0', '9'}, {'LPOP', L},
  {'SADD', T, '1', '2'}, {'SMEMBERS', T}, {'SREM', T, '1'},
  {'ZADD', Z, '1', 'a'}, {'ZSCORE', Z, 'a'}, {'ZCARD', Z}, {'ZCOUNT', Z, '0', '1'}, {'ZREVRANGE', Z, '0', '1'}, {'ZRANGEBYSCORE', Z, '0', '1'}, {'ZREM', Z, 'b'}, {'ZREMRANGEBYRANK', Z, '5', '6'},
  {'XADD', X, '*', 'f', '1'}, {'XDEL', X, '0-1'}, {'TIME'}, {'DEL', S, H, L, T, Z, X},
}
local wrong = {}
for i = 1, #tries do
  local r = redis.pcall(unpack(tries[i]))
  if type(r) == 'table' and r.err then wrong[#wrong + 1] = tries[i][1] .. ': ' .. r.err end
end
return wrong
