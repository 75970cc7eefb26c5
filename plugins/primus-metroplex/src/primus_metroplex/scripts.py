"""What has to happen in Redis at once, in Lua, such as whether a server may remove an entry.

The keys are those of metroplex for Node.js. No script touches more than some of the sparks of a
server, so that none keeps Redis busy for long.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BURY", "CLAIM", "COME", "LEAVE", "RENEW"]

CLAIM: Final = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  if redis.call('PUBSUB', 'NUMSUB', ARGV[3] .. owner)[2] > 0 then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""A server takes its address; gives 0 when another one that lives has it.

KEYS: the owner of the address. ARGV: the server, milliseconds, the channels of servers. A server
lives as long as it listens to the channel of its name, and at most so long without a word.
"""

RENEW: Final = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  return {-1, 0}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PSETEX', KEYS[2], ARGV[3], ARGV[4])
return {redis.call('SISMEMBER', KEYS[3], ARGV[5]), redis.call('SCARD', KEYS[4])}
"""
"""A server renews its lease; gives whether it is known, and how many sparks it has.

-1 when the address has been taken by another. KEYS: the owner of the address, its lease, all
servers, the sparks of this one. ARGV: the server, milliseconds of its ownership and of its lease,
the time, its address.
"""

OWNED: Final = """
local owner = redis.call('GET', KEYS[3])
if owner and owner ~= ARGV[2] then
  return redis.status_reply('OK')
end
"""
"""Nothing happens once the address has another owner: the server that asks was paused."""

COME: Final = f"""{OWNED}for i = 3, #ARGV do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[1])
  redis.call('SADD', KEYS[2], ARGV[i])
end
return redis.status_reply('OK')
"""
"""Sparks come to a server, if it still has its address. Keys and arguments are those of `LEAVE`."""

LEAVE: Final = f"""{OWNED}for i = 3, #ARGV do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
  redis.call('SREM', KEYS[2], ARGV[i])
end
return redis.status_reply('OK')
"""
"""Sparks leave a server. KEYS: all sparks, those of the server, the owner of its address. ARGV: its
address, the server that asks, their ids.

A spark that has come to another server meanwhile stays there, also when that server has the address
now: the one that asks may have been paused since it looked.
"""

BURY: Final = """
if ARGV[3] ~= 'alive too' and redis.call('EXISTS', KEYS[3], KEYS[5]) > 0 then
  return -1
end
if ARGV[4] ~= '' then
  local owner = redis.call('GET', KEYS[5])
  if owner and owner ~= ARGV[4] then
    return -1
  end
end
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'set' and kind ~= 'none' then
  redis.call('DEL', KEYS[2])
end
for _, id in ipairs(redis.call('SPOP', KEYS[2], ARGV[2])) do
  if redis.call('HGET', KEYS[1], id) == ARGV[1] then
    redis.call('HDEL', KEYS[1], id)
  end
end
local left = redis.call('SCARD', KEYS[2])
if left == 0 then
  redis.call('SREM', KEYS[4], ARGV[1])
  redis.call('DEL', KEYS[3], KEYS[5])
end
return left
"""
"""A server goes, and some of its sparks with it; gives how many are left, -1 if it is alive.

KEYS: all sparks, those of the server, its lease, all servers, the owner of its address. ARGV: its
address, how many sparks, ``alive too`` for one that may still have its lease, and the server that
asks, when it must be the owner, or nothing. Since the lease and the owner are looked at in the same
moment, a server that comes back is not taken away again, nor one that has claimed the address and
has no lease yet. Something else than a set in the place of its sparks goes with it: the sweep of
every other server would stumble over it for ever.
"""
