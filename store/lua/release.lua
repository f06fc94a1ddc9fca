-- release.lua: SMS that a boot holds become due for whoever comes; their tries stay.
-- KEYS  1 due · 2 held · then each SMS
-- ARGV  1 boot · 2 at, ms · then each id
-- returns how many
local list = {KEYS[1], 'zset', KEYS[2], 'set'}
for i = 3, #KEYS do
  list[#list + 1], list[#list + 2] = KEYS[i], 'hash'
end
local reason = refused(list, {'ZADD', 'HDEL', 'SREM'})
if reason then return redis.error_reply(reason) end
local n = 0
for i = 3, #KEYS do
  if call('HGET', KEYS[i], 'hb') == ARGV[1] then
    call('ZADD', KEYS[1], ARGV[2], 's' .. ARGV[i])
    call('HDEL', KEYS[i], 'hb')
    call('SREM', KEYS[2], ARGV[i])
    n = n + 1
  end
end
return n
