"""The plugin ``redis``: ``primus.write`` publishes texts, in the format of primus-redis.

There is no envelope: the text on the channel is the message, and every server on it writes it to
its sparks, the one that published it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from primus import PluginError, hookimpl
from primus_cluster.codec import Everywhere, text_of
from primus_cluster.options import channel as settings
from primus_cluster.relay import Relay, attach, detach, refuse_bus

__all__ = ["primus_options", "primus_setup", "primus_teardown"]


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``redis={"url": …, "channel": …}``."""
    return {"redis": {}}


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.write`` publishes.

    Raises:
        OptionError: the option ``redis`` cannot be used.
        PluginError: the plugin ``backplane`` is in use.
    """
    refuse_bus(primus, "redis")
    chosen = settings("redis", primus.options.extra.get("redis", {}))

    def publish(text: Any) -> None:
        if not isinstance(text, str):
            raise PluginError(
                f"the plugin 'redis' carries text, not {type(text).__name__}: encode it, or use "
                "the plugin 'cluster' or 'backplane'; write(…, to=sparks) stays on this server"
            )
        relay.publish(chosen.channel, text)

    def take(channel: str, payload: bytes) -> None:
        write.only_here(text_of(payload))

    relay = Relay(primus, "redis", chosen.url, chosen.channel, take, hears_itself=True)
    write = Everywhere(primus, publish, here=False)
    primus.write = write
    primus._redis_relay = relay
    attach(primus, relay)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Let go of Redis, without waiting."""
    detach(primus._redis_relay)
