-- held.lua: what a boot holds in a shard.
-- KEYS  1 held
-- ARGV  1 boot
-- returns {SMS…}
local sms, touched = {}, false
for _, id in ipairs(call('SMEMBERS', KEYS[1])) do
  if redis.pcall('HGET', TAG .. 'm:' .. id, 'hb') == ARGV[1] then
    -- The touch gives WAIT something to count: what a failover could still take back must not be sent.
    if not touched then call('HSET', TAG .. 'm:' .. id, 'hb', ARGV[1]) end
    touched = true
    sms[#sms + 1] = outgoing(id)
  end
end
return sms
