-- lease.lua: one daemon of several holds a lease, and counts it up. Counters only: no two clocks are ever compared; who
-- takes over has seen holder and counter stand still by its own clock.
-- KEYS  1 the lease
-- ARGV  1 who asks · 2 holder seen standing still, '' none · 3 its counter then · 4 '1': gives the lease up
-- returns {1} who asks holds it · {0, holder, counter} another does · {0, '', ''} nobody does any more
local who, seen, count = ARGV[1], ARGV[2], ARGV[3]
local reason = refused({KEYS[1], 'hash'}, {'HSET', 'HINCRBY', 'DEL'})
if reason then return redis.error_reply(reason) end
local held = call('HMGET', KEYS[1], 'by', 'n')
if ARGV[4] == '1' then
  if held[1] == who then call('DEL', KEYS[1]) end
  return {0, '', ''}
end
if held[1] and held[1] ~= who and not (held[1] == seen and held[2] == count) then return {0, held[1], held[2]} end
call('HSET', KEYS[1], 'by', who)
call('HINCRBY', KEYS[1], 'n', 1)
return {1}
