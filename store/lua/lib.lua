-- lib.lua: stands before every script. Only cjson and TIME are used, so that the scripts run on Redis 6.2 and newer,
-- Valkey, and the embedded store. Redis does not undo a script that fails half-way: each script looks at every type and
-- permission before its first write, and its first write is one that maxmemory may refuse (HSET, ZADD, SET).
-- Keys that a script can only learn by reading (the next SMS of a queue) are made from the tag of KEYS[1]: the same slot.
local call = redis.call
local TAG = string.match(KEYS[1], '^{[^}]*}:')
-- In a cluster a key that never exists comes last (keysOf in pipeline.go); no script sees it.
if KEYS[#KEYS] == TAG .. 'never' then KEYS[#KEYS] = nil end

-- str writes a number in full: tostring goes to 1e+14.
local function str(n) return string.format('%.0f', n) end

-- clock is Redis's own time, ms.
local function clock()
  local t = call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- refused says why not all of list may be written: key, type, key, type, …; nil: all may. commands are looked up in
-- the ACL (Redis 7) with the first key.
local function refused(list, commands)
  for i = 1, #list, 2 do
    local t = call('TYPE', list[i])
    t = t.ok or t
    if t ~= 'none' and t ~= list[i + 1] then
      return 'WRONGTYPE ' .. list[i] .. ' holds a ' .. t .. ' where a ' .. list[i + 1] .. ' belongs'
    end
  end
  if redis.acl_check_cmd then
    for i = 1, #commands do
      local may
      if commands[i] == 'DEL' then -- whose further arguments would be keys, which a login may be kept from
        may = redis.acl_check_cmd('DEL', list[1])
      else
        may = redis.acl_check_cmd(commands[i], list[1], '1', '1')
      end
      if not may then
        return 'NOPERM the login may not run ' .. commands[i] .. ' on ' .. list[1]
      end
    end
  end
  return nil
end

-- outgoing is all that is needed to send an SMS: id, citizen, link, from, text, ticket, class, tries, queued at,
-- accepted ids, the citizen's wrapped key and number, the number of its hold. nil: it cannot be read, or its text is gone.
local function outgoing(id)
  local m = redis.pcall('HMGET', TAG .. 'm:' .. id, 'c', 'l', 'fr', 'x', 'tk', 'cl', 'tr', 'q', 'acc', 'hn')
  if m.err or not m[1] or not m[4] then return nil end
  local c = redis.pcall('HMGET', TAG .. 'c:' .. m[1], 'k', 'n')
  if c.err then return nil end
  return {id, m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], c[1], c[2], m[10]}
end

-- holds gives what outgoing gave to a boot: each hold of an SMS has a number of its own, so that what is said of an earlier
-- one, late, changes nothing.
local function holds(boot, held, o)
  o[13] = str(tonumber(o[13] or '0') + 1)
  call('SADD', held, o[1])
  call('HSET', TAG .. 'm:' .. o[1], 'hb', boot, 'hn', o[13])
end

-- tell appends an event about an SMS to the stream and, where hand is '1', to what is handed on.
local function tell(event, what, id, ticket, citizen, at, why, hand)
  local subject = (ticket ~= '0') and ('t' .. ticket) or ('c' .. citizen)
  local body = '{"id":' .. cjson.encode(event) .. ',"type":"' .. what .. '","ticket":' .. ticket .. ',"citizen":' ..
    cjson.encode(citizen) .. ',"at":' .. at .. ',"data":' .. cjson.encode({message = id, error = why}) .. '}'
  call('XADD', TAG .. 'ev', '*', 'e', body)
  if hand ~= '1' then return end
  call('RPUSH', TAG .. 'h:' .. subject, body)
  call('ZADD', TAG .. 'due', 'NX', at, 'h' .. subject)
end

-- proven writes down for the audit trail what became of an SMS about a ticket: what, ticket, SMS, proof of its text, at.
-- An SMS is told from others of its ticket by four letters of its id; the time by its distance from Redis's own.
local function proven(what, ticket, id, proof, at)
  if not ticket or ticket == '0' then return end
  local off = str(tonumber(at) - clock())
  call('XADD', TAG .. 'audit', '*', 'a', '\t' .. what .. '\t' .. ticket .. '\t\t' .. string.sub(id, 23, 26) .. (proof or '') .. '\t' .. off)
end

-- receipted applies a final receipt of one part of an SMS that was sent: one part that failed ends the SMS, the last one
-- delivered too. A final state stays, of a part as of the SMS. by is the receipt's deliver_sm, for who traces the SMS. It came after the SMS was
-- sent, also where it was faster than the answer.
local function receipted(id, part, state, why, at, event, hand, by)
  local key = TAG .. 'm:' .. id
  local m = call('HMGET', key, 'st', 'np', 'tk', 'c', 't:sent')
  if m[1] ~= 'sent' or call('HGET', key, 'rp' .. part) then return end
  if m[5] and tonumber(at) < tonumber(m[5]) then at = m[5] end
  call('HSET', key, 'rp' .. part, state, 'rv' .. part, at .. ' ' .. (by or '') .. ' ' .. why)
  if state == 'delivered' then
    for i = 1, tonumber(m[2] or '1') do
      if call('HGET', key, 'rp' .. i) ~= 'delivered' then return end
    end
  end
  call('HSET', key, 'st', state, 't:' .. state, at, 'er', why)
  proven('sms.' .. state, m[3], id, '', at)
  if event ~= '' then
    tell(event, state == 'delivered' and 'sms.delivered' or 'sms.failed', id, m[3], m[4], at, why, hand)
  end
end

-- packed reads a ticket at rest: its owner's hash, its index entry behind an empty header, its head's part. nil: it is none.
local function packed(p)
  if string.byte(p, 1) ~= 50 then return nil end
  local n = string.byte(p, 24)
  local high, low = string.byte(p, 25 + n, 26 + n)
  local entry = string.sub(p, 25, 24 + n)
  if not string.find(entry, '|', 1, true) then entry = '0||0|0|' .. entry .. '|' end -- of one that has ended: its external id
  return string.sub(p, 2, 23), '000000000' .. entry, string.sub(p, 27 + n, 26 + n + high * 256 + low)
end

-- indexed tells an index entry's parts: open, status, filed at, due at, name of the external id, name of the agency.
-- nil: there is no entry. It stands behind its form and checksum.
local function indexed(entry)
  return string.match(string.sub(entry or '', 10), '^([01])|([^|]*)|(%d+)|(%d+)|([^|]*)|(.*)$')
end

-- shelf is where the open tickets of an agency are listed, '' all open ones; alias is where an external id is looked up.
local function shelf(agency) return (agency == '') and (TAG .. 'open') or (TAG .. 'open:' .. agency) end
local function alias(external) return TAG .. 'x:' .. string.sub(external, 1, 1) end

-- reindexed notes in list, for refused, which keys a ticket's new entry writes.
local function reindexed(list, old, new)
  local oo, _, _, _, ox, oa = indexed(old)
  local no, _, _, _, nx, na = indexed(new)
  local function add(key, kind) list[#list + 1] = key; list[#list + 1] = kind end
  if oo == '1' or no == '1' then add(shelf(''), 'zset') end
  if oo == '1' and oa ~= '' then add(shelf(oa), 'zset') end
  if no == '1' and na ~= '' and na ~= oa then add(shelf(na), 'zset') end
  if (ox or '') ~= '' then add(alias(ox), 'hash') end
  if (nx or '') ~= '' and nx ~= ox then add(alias(nx), 'hash') end
end

-- reindex lists a ticket as its new entry says, and no more as its old one did.
local function reindex(serial, old, new)
  local oo, _, _, _, ox, oa = indexed(old)
  local no, _, filed, _, nx, na = indexed(new)
  if no == '1' and oo ~= '1' then call('ZADD', shelf(''), filed, serial) end
  if oo == '1' and no ~= '1' then call('ZREM', shelf(''), serial) end
  if oo == '1' and oa ~= '' and (no ~= '1' or oa ~= na) then call('ZREM', shelf(oa), serial) end
  if no == '1' and na ~= '' and (oo ~= '1' or oa ~= na) then call('ZADD', shelf(na), filed, serial) end
  if (ox or '') == (nx or '') then return end
  if (ox or '') ~= '' then -- others may have the same one
    local left = {}
    for other in string.gmatch(call('HGET', alias(ox), ox) or '', '%d+') do
      if other ~= serial then left[#left + 1] = other end
    end
    if #left > 0 then call('HSET', alias(ox), ox, table.concat(left, ',')) else call('HDEL', alias(ox), ox) end
  end
  if (nx or '') ~= '' then
    local others = call('HGET', alias(nx), nx)
    call('HSET', alias(nx), nx, others and (others .. ',' .. serial) or serial)
  end
end
