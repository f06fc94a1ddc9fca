-- list.lua: a shard's open tickets, newest first, from a position on, that a query wants.
-- KEYS  1 the shelf: open tickets by when they were filed
-- ARGV  1 at, ms: from there on towards the older; '' from the newest · 2 at that time only behind this serial; '' all of that
--       time, '-' none of it · 3 at most found · 4 at most looked at · 5 overdue: due by then, ms; '' whether overdue or not ·
--       6 agency wanted, '*' any · 7 statuses wanted, each between two |; '' any
-- returns {1 there may be more, looked at last: its time, its serial, {serial, filed at, …}, how many were looked at}
local at, behind, most, looks, due, agency, statuses = unpack(ARGV, 1, 7)
local rank = (at == '') and 0 or call('ZCOUNT', KEYS[1], '(' .. at, '+inf')
local found, looked, lastTime, last = {}, 0, at, behind
local any = due == '' and agency == '*' and statuses == ''
local function wanted(serial)
  if any then return true end
  local key = TAG .. 't:' .. serial
  local entry = redis.pcall('HGET', key, 'ix')
  if type(entry) == 'table' then
    local _, rested = packed(redis.pcall('GETRANGE', key, 0, 400))
    entry = rested
  end
  local open, status, _, limit, _, of = indexed(type(entry) == 'string' and entry or '')
  if open ~= '1' then return false end
  if agency ~= '*' and of ~= agency then return false end
  if statuses ~= '' and not string.find(statuses, '|' .. status .. '|', 1, true) then return false end
  return due == '' or (limit ~= '0' and tonumber(limit) <= tonumber(due))
end
while true do
  local page = call('ZREVRANGE', KEYS[1], rank, rank + 127, 'WITHSCORES')
  for i = 1, #page, 2 do
    local serial, filed = page[i], str(tonumber(page[i + 1]))
    if filed ~= at or (behind ~= '-' and (behind == '' or serial < behind)) then -- of one time: as Redis sorts them
      if #found >= 2 * tonumber(most) or looked >= tonumber(looks) then return {1, lastTime, last, found, looked} end
      looked, lastTime, last = looked + 1, filed, serial
      if wanted(serial) then found[#found + 1] = serial; found[#found + 1] = filed end
    end
  end
  if #page < 256 then return {0, lastTime, last, found, looked} end
  rank = rank + 128
end
