-- form.lua: the store takes a newer form once every daemon knows it.
-- KEYS  1 schema · 2 boots · 3 the form that each boot knows
-- ARGV  1 the form wanted · 2 the form before it
-- returns 1 it has it, and every daemon knows it · 0 not yet
local want = tonumber(ARGV[1])
local list = {KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'hash'}
local reason = refused(list, {'SET', 'HDEL'})
if reason then return redis.error_reply(reason) end
local lives = {}
for _, boot in ipairs(call('HKEYS', KEYS[2])) do
  lives[boot] = true
  if (tonumber(call('HGET', KEYS[3], boot) or '0') or 0) < want then return 0 end
end
local stands = call('GET', KEYS[1])
if stands == ARGV[2] then
  call('SET', KEYS[1], ARGV[1])
elseif stands ~= ARGV[1] then
  return 0
end
for _, boot in ipairs(call('HKEYS', KEYS[3])) do
  if not lives[boot] then call('HDEL', KEYS[3], boot) end
end
return 1
