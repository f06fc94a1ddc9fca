-- park.lua: a subject's first event is given up for now: it, and what waits behind it, waits for a person.
-- KEYS  1 due · 2 hand-off list · 3 parked · 4 what is parked
-- ARGV  1 subject · 2 event's id · 3 since, ms · 4 tried again at, ms · 5 what is told of it, JSON
-- returns 1 parked · 0 another event is first meanwhile: nothing written
local reason = refused({KEYS[1], 'zset', KEYS[2], 'list', KEYS[3], 'zset', KEYS[4], 'hash'}, {'ZADD', 'HSET', 'HDEL'})
if reason then return redis.error_reply(reason) end
local head = call('LINDEX', KEYS[2], 0)
if not head or cjson.decode(head).id ~= ARGV[2] then return 0 end
call('ZADD', KEYS[3], 'NX', ARGV[3], ARGV[1])
call('HSET', KEYS[4], ARGV[1], ARGV[5], 'e:' .. ARGV[2], ARGV[1])
call('ZADD', KEYS[1], ARGV[4], 'h' .. ARGV[1])
return 1
