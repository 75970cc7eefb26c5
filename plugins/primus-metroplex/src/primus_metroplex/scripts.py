"""What has to happen in Redis at once, in Lua, such as whether a server may remove an entry.

The keys are those of metroplex for Node.js. No script touches more than some of the sparks of a
server, so that none keeps Redis busy for long.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BURY", "LEAVE"]

LEAVE: Final = """
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
  redis.call('SREM', KEYS[2], ARGV[i])
end
return redis.status_reply('OK')
"""
"""Sparks leave a server. KEYS: all sparks, those of the server. ARGV: its address, their ids.

A spark that has come to another server meanwhile stays there.
"""

BURY: Final = """
if ARGV[3] ~= 'alive too' and redis.call('EXISTS', KEYS[3]) == 1 then
  return -1
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
  redis.call('DEL', KEYS[3])
end
return left
"""
"""A server goes, and some of its sparks with it; gives how many are left, -1 if it is alive.

KEYS: all sparks, those of the server, its lease, all servers. ARGV: its address, how many sparks,
and ``alive too`` for one that may still have its lease. Since the lease is looked at in the same
moment, a server that comes back is not taken away again. Something else than a set in the place of
its sparks goes with it: the sweep of every other server would stumble over it for ever.
"""
