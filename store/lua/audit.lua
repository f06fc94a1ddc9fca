-- audit.lua: records for the audit trail of what no commit brings: somebody saw a number, a key was made.
-- KEYS  1 the trail's stream
-- ARGV  1… records
-- returns 1
local reason = refused({KEYS[1], 'stream'}, {'XADD'})
if reason then return redis.error_reply(reason) end
for i = 1, #ARGV do call('XADD', KEYS[1], '*', 'a', ARGV[i]) end
return 1
