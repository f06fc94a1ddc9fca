-- renew.lua: a boot counts one up, and sees all the others. Counters only: no two clocks are ever compared.
-- KEYS  1 boots · 2 fenced
-- ARGV  1 boot
-- returns {1, s, µs of Redis's clock, {boot, counter, …}} · {-1, s, µs} this boot is fenced
local t = call('TIME')
if call('ZSCORE', KEYS[2], ARGV[1]) then return {-1, t[1], t[2]} end
local reason = refused({KEYS[1], 'hash'}, {'HINCRBY'})
if reason then return redis.error_reply(reason) end
call('HINCRBY', KEYS[1], ARGV[1], 1)
return {1, t[1], t[2], call('HGETALL', KEYS[1])}
