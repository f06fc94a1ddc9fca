-- settle.lua: marks whose ESME_ROK was surely read. By id only: the mark may be another delivery's by now.
-- KEYS  each mark
-- ARGV  1 settled for, ms · then each mark's id
-- returns how many were settled
local list = {}
for i = 1, #KEYS do
  list[2 * i - 1], list[2 * i] = KEYS[i], 'hash'
end
local reason = refused(list, {'HSET', 'PEXPIRE'})
if reason then return redis.error_reply(reason) end
local n = 0
for i = 1, #KEYS do
  local m = call('HMGET', KEYS[i], 'id', 'set')
  if m[1] == ARGV[1 + i] and m[2] ~= '1' then
    call('HSET', KEYS[i], 'set', '1')
    call('PEXPIRE', KEYS[i], ARGV[1])
    n = n + 1
  end
end
return n
