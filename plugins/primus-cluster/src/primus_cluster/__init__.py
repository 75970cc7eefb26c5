"""Servers of Python and of Node.js on one Redis, in the formats of three packages for Node.js.

**cluster** speaks primus-cluster 2: messages to all sparks, to rooms, and events, and the members
of rooms in Redis::

    primus = Primus(app, plugin="rooms, emitter, cluster", cluster={"redis": "redis://localhost"})

    primus.write({"to": "all sparks of all servers"})
    primus.room("news").write({"to": "the members on all servers"})
    primus.send("news", "an event for all, with the plugin emitter")

The option ``cluster`` is a mapping: ``redis`` (a URL), ``prefix`` of keys (``primus-cluster:``),
``channel`` (``<prefix>pubsub``) and ``ttl``, the seconds that Redis keeps memberships (86400).

**redis-rooms** speaks primus-redis-rooms: messages to rooms, with members in memory::

    primus = Primus(app, plugin="rooms, redis-rooms", redis_rooms={"url": "redis://localhost"})

**redis** speaks primus-redis: texts to all sparks, without an envelope::

    primus = Primus(app, plugin="redis", redis={"url": "redis://localhost"})

Both options have ``url`` and ``channel`` (``primus``). Between servers of Python alone the plugin
``backplane`` does more: nothing is lost in an outage, and what was lost is told.
"""

from primus_cluster.adapter import ClusterAdapter
from primus_cluster.cluster import (
    Cluster,
    ClusterPrimus,
    primus_extend_primus,
    primus_options,
    primus_order,
    primus_setup,
    primus_teardown,
)
from primus_cluster.options import (
    ClusterOptions,
    ClusterSettings,
    RedisOptions,
    RedisRoomsOptions,
    RedisSettings,
)

__all__ = [
    "Cluster",
    "ClusterAdapter",
    "ClusterOptions",
    "ClusterPrimus",
    "ClusterSettings",
    "RedisOptions",
    "RedisRoomsOptions",
    "RedisSettings",
    "primus_extend_primus",
    "primus_options",
    "primus_order",
    "primus_setup",
    "primus_teardown",
]
