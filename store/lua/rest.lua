-- rest.lua: what nothing happened to for long goes to rest: tickets with their SMS become one string each, the citizen small.
-- KEYS  1 since when nothing happened · 2 citizen · then each ticket, each SMS that goes into one
-- ARGV  1 citizen's hash · 2 version expected · 3 wrapped key expected · 4 tickets that stay awake, '' none · 5 looked at, ms ·
--       6 sealed state · 7 count of tickets, then each packed · then the state of each SMS
-- returns 1 done · 0 something happened meanwhile
local REST, CITIZEN = KEYS[1], KEYS[2]
local hash, version, wrapped, awake, now, state, count = unpack(ARGV, 1, 7)
count = tonumber(count)
local c = call('HMGET', CITIZEN, 'v', 'k', 'n', 'ls', 'f', 'og')
if c[1] ~= version or c[2] ~= wrapped then return 0 end
local list = {REST, 'zset'}
for i = 1, count do
  list[#list + 1] = KEYS[2 + i]
  list[#list + 1] = 'hash'
  if call('EXISTS', KEYS[2 + i]) == 0 then return 0 end
end
for i = 3 + count, #KEYS do
  local m = call('HMGET', KEYS[i], 'st', 'hb')
  if m[1] ~= ARGV[5 + i] or m[2] then return 0 end
end
local reason = refused(list, {'HSET', 'DEL', 'SET', 'ZADD', 'ZREM'})
if reason then return redis.error_reply(reason) end
call('HSET', CITIZEN, 'v', version)
call('DEL', CITIZEN) -- a hash that was large once stays so
call('HSET', CITIZEN, 'v', version, 'k', wrapped, 'n', c[3], 's', state, 'f', c[5] or '1')
if c[4] then call('HSET', CITIZEN, 'ls', c[4]) end
if (c[6] or '') ~= '' then call('HSET', CITIZEN, 'og', c[6]) end
for i = 1, count do
  call('DEL', KEYS[2 + i])
  call('SET', KEYS[2 + i], ARGV[7 + i])
end
for i = 3 + count, #KEYS do call('DEL', KEYS[i]) end
if awake == '' then
  call('ZREM', REST, hash)
else
  call('HSET', CITIZEN, 'up', awake)
  call('ZADD', REST, now, hash)
end
return 1
