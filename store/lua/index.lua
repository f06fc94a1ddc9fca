-- index.lua: tickets that an older version wrote enter the lists' index, and the way to rest.
-- KEYS  each ticket
-- ARGV  1 now, ms · then each ticket's head as it was read · its index entry
-- returns how many were written; one that was changed meanwhile is left to whoever changed it
local list, todo = {TAG .. 'rest', 'zset'}, {}
for i = 1, #KEYS do
  local t = redis.pcall('HMGET', KEYS[i], 'h', 'ix', 'o')
  if not t.err and t[1] and t[1] == ARGV[2 * i] then
    todo[#todo + 1] = {i, t[2] or '', string.sub(t[3] or '', 10)}
    reindexed(list, t[2] or '', ARGV[2 * i + 1])
  end
end
local reason = refused(list, {'HSET', 'HDEL', 'ZADD', 'ZREM'})
if reason then return redis.error_reply(reason) end
for _, t in ipairs(todo) do
  local i, old, owner = unpack(t)
  local serial = string.match(KEYS[i], '%d+$')
  if old ~= ARGV[2 * i + 1] then
    call('HSET', KEYS[i], 'ix', ARGV[2 * i + 1])
    reindex(serial, old, ARGV[2 * i + 1])
  end
  local citizen = TAG .. 'c:' .. owner
  local c = call('HMGET', citizen, 'v', 'up')
  if c[1] then -- else erased
    local up = c[2] or ''
    if not string.find(',' .. up .. ',', ',' .. serial .. ',', 1, true) then
      call('HSET', citizen, 'up', (up == '') and serial or (up .. ',' .. serial))
    end
    call('ZADD', TAG .. 'rest', 'NX', ARGV[1], owner)
  end
end
return #todo
