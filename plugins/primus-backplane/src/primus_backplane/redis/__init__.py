"""The engine of Redis and Valkey: streams that keep what pub/sub brings at once."""

from primus_backplane.redis.bus import RedisBus

__all__ = ["RedisBus"]
