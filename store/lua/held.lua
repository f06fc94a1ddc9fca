-- held.lua: what a boot holds in a shard.
-- KEYS  1 held
-- ARGV  1 boot
-- returns {SMS…}
local sms = {}
for _, id in ipairs(call('SMEMBERS', KEYS[1])) do
  if redis.pcall('HGET', TAG .. 'm:' .. id, 'hb') == ARGV[1] then sms[#sms + 1] = outgoing(id) end
end
return sms
