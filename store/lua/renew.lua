-- renew.lua: a boot counts one up, and sees all the others. Counters only: no two clocks are ever compared.
-- KEYS  1 boots · 2 fenced · 3 which links each boot may send on · 4 the stored form that each boot knows
-- ARGV  1 boot · 2 the links that it may send on, JSON; '' it does not say, and counts for each · 3 the form that it knows
-- returns {1, s, µs of Redis's clock, {boot, counter, …}, {boot, links, …}} · {-1, s, µs} this boot is fenced
local t = call('TIME')
if call('ZSCORE', KEYS[2], ARGV[1]) then return {-1, t[1], t[2]} end
local reason = refused({KEYS[1], 'hash', KEYS[3], 'hash', KEYS[4], 'hash'}, {'HINCRBY', 'HSET', 'HDEL'})
if reason then return redis.error_reply(reason) end
call('HINCRBY', KEYS[1], ARGV[1], 1)
call('HSET', KEYS[4], ARGV[1], ARGV[3])
if ARGV[2] ~= '' then call('HSET', KEYS[3], ARGV[1], ARGV[2]) end
for _, boot in ipairs(call('HKEYS', KEYS[3])) do -- of boots that have gone
  if not call('HGET', KEYS[1], boot) then call('HDEL', KEYS[3], boot) end
end
return {1, t[1], t[2], call('HGETALL', KEYS[1]), call('HGETALL', KEYS[3])}
