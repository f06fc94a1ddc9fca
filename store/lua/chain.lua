-- chain.lua: records of a shard's audit trail, chained and packed, take the place of those in its stream.
-- KEYS  1 stream · 2 head: the chain's end · 3 segments
-- ARGV  1 head expected, '' none · 2 head now · 3 segment's number · 4 segment · then the ids of the records that it took
-- returns {1} done · {0} another was first: read again
local STREAM, HEAD, SEGMENTS = unpack(KEYS, 1, 3)
if (call('HGET', HEAD, 'h') or '') ~= ARGV[1] then return {0} end
if ARGV[1] == '' and call('EXISTS', SEGMENTS) == 1 then
  return redis.error_reply('DAMAGED ' .. HEAD .. ' is missing and its segments stand: aduan audit verify')
end
local reason = refused({HEAD, 'hash', STREAM, 'stream', SEGMENTS, 'hash'}, {'HSET', 'XDEL'})
if reason then return redis.error_reply(reason) end
call('HSET', HEAD, 'h', ARGV[2])
call('HSET', SEGMENTS, ARGV[3], ARGV[4])
for i = 5, #ARGV do call('XDEL', STREAM, ARGV[i]) end
return {1}
