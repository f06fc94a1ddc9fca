-- serial.lua: reserves the next serials of a shard, never below what is known to be reserved.
-- KEYS  1 serial
-- ARGV  1 floor: the highest serial known to be reserved · 2 how many, 0: only raise it to the floor
-- returns {highest reserved now, what stood before, 1 if that was below the floor}
local floor, n = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = tonumber(redis.call('GET', KEYS[1]) or '0')
if not now then return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' holds no number') end
local from = math.max(now, floor)
if from + n ~= now then redis.call('SET', KEYS[1], string.format('%.0f', from + n)) end
return {from + n, now, (now < floor) and 1 or 0}
