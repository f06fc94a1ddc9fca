-- heads.lua: the heads of tickets of one shard.
-- KEYS  each ticket
-- ARGV  none
-- returns {head as stored, '' where no ticket stands, …}
local heads = {}
for i = 1, #KEYS do
  local h = redis.pcall('HGET', KEYS[i], 'h')
  heads[i] = (type(h) == 'string') and h or ''
end
return heads
