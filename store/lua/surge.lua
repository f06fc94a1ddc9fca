-- surge.lua: counts complaints of one kind, in slots of ten minutes, and tells when the last hour is a surge against the
-- week before. A slot is a number of the caller's clock.
-- KEYS  1 the kind's counts
-- ARGV  1 slot · 2 how many more · 3 complaints of an hour that may be a surge · 4 and so many times the usual hour, in
--       thousandths · 5 slots in which it is not told again
-- returns {of the last hour, of the 167 hours before (-1: not asked), 1: tell it now}
local slot, least, times, pause = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local reason = refused({KEYS[1], 'hash'}, {'HINCRBY', 'HSET', 'HDEL', 'PEXPIRE'})
if reason then return redis.error_reply(reason) end
call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
call('PEXPIRE', KEYS[1], 691200000)
local hour = 0
for i = slot - 5, slot do hour = hour + tonumber(call('HGET', KEYS[1], str(i)) or '0') end
if hour < least then return {hour, -1, 0} end
local told = call('HGET', KEYS[1], 'told')
if told and slot - tonumber(told) < pause then return {hour, -1, 0} end
local before, all = 0, call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at = tonumber(all[i])
  if at and at < slot - 1007 then
    call('HDEL', KEYS[1], all[i])
  elseif at and at < slot - 5 then
    before = before + tonumber(all[i + 1])
  end
end
if hour * 1000 * 167 < times * before then return {hour, before, 0} end
call('HSET', KEYS[1], 'told', ARGV[1])
return {hour, before, 1}
