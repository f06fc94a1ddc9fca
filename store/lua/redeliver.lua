-- redeliver.lua: a copy is a redelivery: the mark takes its id and session, is not settled any more, and stands anew.
-- KEYS  1 mark · 2 fence
-- ARGV  1 boot · 2 deadline, ms, 0 none · 3 id expected · 4 new id · 5 session · 6 redelivery, ms
-- returns {1, mark…} done · {2, mark…} another mark stands, or none · {4, why} late or fenced
local boot, deadline, expected, id, session, stands = unpack(ARGV, 1, 6)
local fields = {'id', 'se', 'fi', 'la', 'set', 'ag', 'ao', 'sm'}
local m = call('HMGET', KEYS[1], unpack(fields))
if m[1] ~= id then
  if boot ~= '' and call('ZSCORE', KEYS[2], boot) then return {4, 'fenced'} end
  local now = clock()
  if deadline ~= '0' and now > tonumber(deadline) then return {4, 'late'} end
  if not m[1] or m[1] ~= expected then return {2, unpack(m)} end
  local reason = refused({KEYS[1], 'hash'}, {'HSET', 'PEXPIRE'})
  if reason then return redis.error_reply(reason) end
  call('HSET', KEYS[1], 'id', id, 'se', session, 'la', str(now), 'set', '0')
  call('PEXPIRE', KEYS[1], stands)
else
  call('HSET', KEYS[1], 'se', session) -- tried again after a lost answer: the touch gives WAIT something to count
end
return {1, unpack(call('HMGET', KEYS[1], unpack(fields)))}
