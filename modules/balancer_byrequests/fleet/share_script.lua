-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- share_script.lua - keeps the records of a fleet's fronts, and says which write came after which. It
-- knows no clock and no limit: fleet_share.h has the protocol.
--
-- KEYS[1]  a hash: '=epoch', '=history' and '=stamp', and '@' .. front -> stamp .. ' ' .. record
-- ARGV     front, the epoch that it knows ('0': none), 16 random digits, the stamp of its own record
--          ('0': it has none), '' or the last stamp of all that its record was decided on, its record
--          ('': it only reads), a front whose record is to go ('': none), and the stamp that it has
-- returns  1 when the record was written, the epoch, the last stamp, then name and record of each front
local key, front, known, random, own, decided_on, record, gone, gone_stamp = KEYS[1], unpack(ARGV)

local function number_of(epoch)
    return tonumber(string.match(epoch, '^%d+'))
end

-- Another data set than the one of the last write: restarted, promoted, demoted and promoted again.
local history = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
local kept = redis.call('HMGET', key, '=epoch', '=history', '=stamp')
local epoch, stamp = kept[1], tonumber(kept[3])

-- A front goes from epoch to epoch, each with a higher number than the last, and never back.
if not epoch or not stamp or kept[2] ~= history
   or (epoch ~= known and number_of(epoch) <= number_of(known)) then
    epoch = math.max(number_of(epoch or '0'), number_of(known)) + 1 .. '.' .. random
    stamp = 0
    redis.call('DEL', key)
    redis.call('HMSET', key, '=epoch', epoch, '=history', history, '=stamp', '0')
end

local function stamp_of(name)
    return string.match(redis.call('HGET', key, '@' .. name) or '0', '^%d+')
end

local written = 0
if record ~= '' and epoch == known and own == stamp_of(front)
   and (decided_on == '' or tonumber(decided_on) == stamp) then
    stamp = redis.call('HINCRBY', key, '=stamp', 1)
    redis.call('HSET', key, '@' .. front, string.format('%.0f ', stamp) .. record)
    if gone ~= '' and gone_stamp == stamp_of(gone) then    -- else it has joined again
        redis.call('HDEL', key, '@' .. gone)
    end
    written = 1
end

local answer = { written, epoch, string.format('%.0f', stamp) }
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 1) == '@' then
        answer[#answer + 1] = string.sub(fields[i], 2)
        answer[#answer + 1] = fields[i + 1]
    end
end
return answer
