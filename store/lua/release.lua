-- release.lua: SMS that a boot holds become due for whoever comes; their tries stay.
-- KEYS  1 due · 2 held · then each SMS
-- ARGV  1 boot · 2 at, ms · then each: id · number of its hold
-- returns how many
local list = {KEYS[1], 'zset', KEYS[2], 'set'}
for i = 3, #KEYS do
  list[#list + 1], list[#list + 2] = KEYS[i], 'hash'
end
local reason = refused(list, {'ZADD', 'HDEL', 'SREM'})
if reason then return redis.error_reply(reason) end
local n = 0
for i = 3, #KEYS do
  local h, id = call('HMGET', KEYS[i], 'hb', 'hn'), ARGV[2 * i - 3]
  if h[1] == ARGV[1] and h[2] == ARGV[2 * i - 2] then
    call('ZADD', KEYS[1], ARGV[2], 's' .. id)
    call('HDEL', KEYS[i], 'hb')
    call('SREM', KEYS[2], id)
    n = n + 1
  end
end
return n
