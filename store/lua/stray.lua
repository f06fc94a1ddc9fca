-- stray.lua: receipts that waited for an SMS that never came are given up.
-- KEYS  1 early receipts by when they are given up
-- ARGV  1 now, ms · 2 at most
-- returns {receipt, JSON…}: each is given to one caller only
local EARLY = KEYS[1]
local reason = refused({EARLY, 'zset'}, {'ZREM', 'DEL'})
if reason then return redis.error_reply(reason) end
local out = {}
for _, name in ipairs(call('ZRANGEBYSCORE', EARLY, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local r = redis.pcall('GET', TAG .. name)
  if type(r) == 'string' then out[#out + 1] = r end
  call('ZREM', EARLY, name)
  call('DEL', TAG .. name)
end
return out
