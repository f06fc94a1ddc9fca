-- age.lua: counts the store's age up, and notes where it is younger than somebody has seen it: emptied, or put back.
-- KEYS  1 age · 2 note
-- ARGV  1 the oldest age seen, 0: none · 2 now, ms
-- returns {age now, field, value, … of the note that stands}
local AGE, NOTE = KEYS[1], KEYS[2]
local seen, now = tonumber(ARGV[1]), ARGV[2]
local age = tonumber(call('GET', AGE) or '0')
if not age then return redis.error_reply('WRONGTYPE ' .. AGE .. ' holds no number') end
local why = refused({NOTE, 'hash'}, {'HSET', 'SET'})
if why then return redis.error_reply(why) end
if age < seen then
  if call('EXISTS', NOTE) == 0 then call('HSET', NOTE, 'at', now, 'found', str(age), 'seen', str(seen)) end
  age = seen
end
call('SET', AGE, str(age + 1))
local back = call('HGETALL', NOTE)
table.insert(back, 1, str(age + 1))
return back
