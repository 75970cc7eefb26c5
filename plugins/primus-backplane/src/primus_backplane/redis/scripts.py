"""What Redis does in one step.

Each entry of a stream holds the id of the entry before it (``p``) and its envelopes (``e``), and is
published with both ids: a server that was given another one before sees that it has missed some,
and reads them from the stream. The id of the newest entry stands in a key of its own, since a
stream that has been trimmed to nothing does not tell it.
"""

from __future__ import annotations

from typing import Final

__all__ = ["EPOCH", "LEASE", "LEAVE", "POST", "TELL"]

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

_ADD: Final = """
local function add(stream, last, channel, window, first)
  local oldest = string.format('%.0f', now - window)
  for i = first, #ARGV do
    local before = redis.call('GET', last) or '0-0'
    local id = redis.call('XADD', stream, 'MINID', '~', oldest, '*', 'p', before, 'e', ARGV[i])
    redis.call('SET', last, id)
    redis.call('PUBLISH', channel, before .. ' ' .. id .. ' ' .. ARGV[i])
  end
end
"""

POST: Final = (
    _NOW
    + _ADD
    + """
if ARGV[3] ~= '' and redis.call('GET', KEYS[4]) ~= ARGV[3] then
  return 0
end
add(KEYS[1], KEYS[2], KEYS[3], ARGV[1], 5)
redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[4])
return 1
"""
)
"""Keys: stream, newest, channel, the newest request that was taken. Arguments: window in
milliseconds, this request, the one before it when that may not have been taken yet or nothing, for
how many milliseconds the request is remembered, entries. Gives 0 when the one before was not taken:
what a full broker refuses must not be overtaken."""

TELL: Final = (
    _NOW
    + _ADD
    + """
local record = redis.call('HGET', KEYS[4], ARGV[2])
local till = record and string.match(record, '^(%d+) ')
if not till or tonumber(till) < now then
  return 0
end
add(KEYS[1], KEYS[2], KEYS[3], ARGV[1], 3)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
"""
)
"""Keys: stream, newest, channel, servers. Arguments: window in milliseconds, server, entries.
Gives 0 when there is no such server."""

LEASE: Final = (
    _NOW
    + """
local mine = redis.call('HGET', KEYS[1], ARGV[1])
local rival = ''
if mine and ARGV[6] == '0' then
  local till, incarnation = string.match(mine, '^(%d+) (%S+) ')
  if till and incarnation ~= ARGV[2] and tonumber(till) >= now then
    rival = mine
  end
end
if rival == '' then
  local till = string.format('%.0f', now + ARGV[4])
  redis.call('HSET', KEYS[1], ARGV[1], till .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
end
local is_new = redis.call('SET', KEYS[2], ARGV[5], 'NX')
if is_new or not mine or ARGV[6] == '1' then
  redis.call('PUBLISH', ARGV[8], ARGV[7])
end
local servers = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local till = string.match(all[i + 1], '^(%d+) %S+ ')
  if till and tonumber(till) >= now then
    table.insert(servers, all[i])
    table.insert(servers, all[i + 1])
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
local newest = {}
for i = 3, #KEYS do
  table.insert(newest, redis.call('GET', KEYS[i]) or '0-0')
end
return {redis.call('GET', KEYS[2]), rival, servers, newest}
"""
)
"""Keys: servers, epoch, newest of each lane. Arguments: server, incarnation, what is known of it,
lease in milliseconds, another epoch, whether to take the name, what to publish when servers have
to look, and the channel. Gives the epoch, the record of
another server that has the name, the servers, and the newest ids."""

EPOCH: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('PUBLISH', KEYS[2], ARGV[3])
end
return redis.call('GET', KEYS[1])
"""
"""Keys: epoch, a channel that all servers listen to. Arguments: the epoch that is to end, another
one, what to publish. Gives the epoch there is."""

LEAVE: Final = """
local mine = redis.call('HGET', KEYS[1], ARGV[1])
if mine and string.match(mine, '^%d+ (%S+) ') == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('PUBLISH', ARGV[4], ARGV[3])
end
return 1
"""
"""Keys: servers. Arguments: server, incarnation, what to publish, and the channel."""
