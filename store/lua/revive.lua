-- revive.lua: a person has looked at an SMS that waits dead: it is sent once more as if it were new, or it ends.
-- KEYS  1 due · 2 the SMS · 3 dead · 4 queued · 5 audit
-- ARGV  1 id · 2 now, ms · 3 '1': it ends · 4 who did it, a record for the audit trail, '' none
-- returns 1 done · 0 it is not dead · -1 its text is gone (the citizen was erased): it can only end
local DUE, SMS, DEAD, QUEUED = unpack(KEYS, 1, 4)
local reason = refused({DUE, 'zset', SMS, 'hash', DEAD, 'zset', QUEUED, 'zset', KEYS[5], 'stream'}, {'HSET', 'ZADD', 'ZREM', 'HDEL', 'XADD'})
if reason then return redis.error_reply(reason) end
local m = call('HMGET', SMS, 'st', 'x', 'c', 'er', 'tk')
if m[1] ~= 'dead' then
  if not call('ZSCORE', DEAD, ARGV[1]) then return 0 end
  call('ZADD', DEAD, '0', ARGV[1]) -- it has ended, or is no more, and stands here by mistake
  call('ZREM', DEAD, ARGV[1])
  return 0
end
local function audited() if ARGV[4] ~= '' then call('XADD', KEYS[5], '*', 'a', ARGV[4]) end end
if ARGV[3] == '1' then
  call('HSET', SMS, 'st', 'undeliverable', 't:undeliverable', ARGV[2], 'er', 'given up by a person: ' .. (m[4] or ''))
  proven('sms.undeliverable', m[5], ARGV[1], '', ARGV[2])
  audited()
  call('ZREM', DEAD, ARGV[1])
  return 1
end
if not m[2] or call('EXISTS', TAG .. 'c:' .. m[3]) == 0 then return -1 end
call('HSET', SMS, 'st', 'queued', 'tr', '0', 'q', ARGV[2], 't:queued', ARGV[2], 'iq', '0', 'er', '')
call('HDEL', SMS, 't:dead')
call('ZADD', QUEUED, ARGV[2], ARGV[1])
call('ZADD', DUE, ARGV[2], 's' .. ARGV[1])
call('ZREM', DEAD, ARGV[1])
audited()
return 1
