"""From the option ``redis`` to a registry."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from primus_metroplex.embedded import embedded, is_installed
from primus_metroplex.errors import MetroplexError
from primus_metroplex.memory import MemoryRegistry
from primus_metroplex.options import Settings
from primus_metroplex.redis_registry import RedisRegistry
from primus_metroplex.registry import Registry

__all__ = ["open_registry"]

log = logging.getLogger("primus.server")


class EmbeddedRegistry(RedisRegistry):
    """A registry in the Valkey of this process."""

    async def close(self) -> None:
        """Close the client, and let go of the Valkey."""
        await super().close()
        await asyncio.to_thread(embedded.release)


async def open_registry(settings: Settings) -> Registry:
    """The registry that the options ask for; a line in the log says which.

    A client that was passed in stays the caller's to close.
    """
    client = settings.redis
    if isinstance(client, str):
        log.info("metroplex: the registry is the Redis of the option redis, by its URL")
        client = Redis.from_url(client, **_limits(settings))
        return RedisRegistry(client, settings.namespace, settings.latency, owned=True)
    if client is not None:
        log.info("metroplex: the registry is the Redis of the option redis")
        return RedisRegistry(client, settings.namespace, settings.latency)
    if not is_installed():
        log.info("metroplex: the registry is in this process; redis= names one to share")
        return MemoryRegistry.shared(settings.namespace)
    try:
        path = await _embedded_path()
    except (MetroplexError, OSError) as error:
        log.warning("metroplex: %s; the registry is in this process instead", error)
        return MemoryRegistry.shared(settings.namespace)
    log.info("metroplex: the registry is a Valkey of this process, at %s", path)
    client = Redis(unix_socket_path=path, **_limits(settings))
    return EmbeddedRegistry(client, settings.namespace, settings.latency, owned=True)


async def _embedded_path() -> str:
    """The socket of the Valkey of this process; one that is not needed any more is let go of."""
    starting = asyncio.ensure_future(asyncio.to_thread(embedded.acquire))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(MetroplexError, OSError):
            await starting
            await asyncio.to_thread(embedded.release)
        raise


def _limits(settings: Settings) -> dict[str, Any]:
    """Bound the time of every command, none of which is tried again."""
    latency = settings.latency
    never = Retry(NoBackoff(), 0)
    return {"socket_timeout": latency, "socket_connect_timeout": latency, "retry": never}
