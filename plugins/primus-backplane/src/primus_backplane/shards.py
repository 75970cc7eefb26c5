"""Which shard a key belongs to; all servers and publishers agree (pure)."""

from __future__ import annotations

import zlib

__all__ = ["shard_of"]


def shard_of(key: str, shards: int) -> int:
    """The shard of what belongs together, such as the messages to a room."""
    return 0 if shards == 1 else zlib.crc32(key.encode("utf-8", "surrogatepass")) % shards
