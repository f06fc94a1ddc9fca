-- heads.lua: one readable part of tickets of one shard.
-- KEYS  each ticket
-- ARGV  1 'h' the heads, 'o' the owners' hashes
-- returns {what stands of each: '' no ticket; a head as stored, behind 2 where the ticket is at rest; an owner's hash, …}
local heads = {}
for i = 1, #KEYS do
  local v = redis.pcall('HGET', KEYS[i], ARGV[1])
  if type(v) == 'string' then
    heads[i] = (ARGV[1] == 'o') and string.sub(v, 10) or v
  elseif type(v) == 'table' and v.err then
    local owner, _, head = packed(redis.pcall('GET', KEYS[i]))
    heads[i] = (ARGV[1] == 'o') and (owner or '') or ('2' .. (head or ''))
  else
    heads[i] = ''
  end
end
return heads
