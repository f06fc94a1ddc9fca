-- read.lua: a hash and the citizen that it belongs to, as of one moment.
-- KEYS  1 the hash
-- ARGV  1 where the citizen stands: 'o' a ticket's owner, 'c' an SMS's citizen, else the citizen's hash itself
-- returns {{field, value, …; of a ticket at rest p and what it is}, {the citizen's hash, version, wrapped key, sealed number, sealed state}}
local flat = redis.pcall('HGETALL', KEYS[1])
local who = ARGV[1]
if flat.err then
  flat = {'p', call('GET', KEYS[1])}
  who = packed(flat[2]) or ''
elseif who == 'o' then
  who = string.sub(call('HGET', KEYS[1], 'o') or '', 10) -- behind form and checksum
elseif who == 'c' then
  who = call('HGET', KEYS[1], 'c') or ''
end
local c = call('HMGET', TAG .. 'c:' .. who, 'v', 'k', 'n', 's')
return {flat, {who, c[1], c[2], c[3], c[4]}}
