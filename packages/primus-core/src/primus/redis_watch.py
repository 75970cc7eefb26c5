"""`RedisWatch`: a connection on which a Redis or Valkey tells what changes in it.

`close_idle` closes the other connections of a client, when they lead to the wrong server.

Plugins that keep something in Redis use it, with the client of ``redis.asyncio`` that they have: it
needs no package of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from primus.clock import Within
from primus.tasks import spawn

__all__ = ["RedisWatch", "close_idle"]

INVALIDATED: Final = "__redis__:invalidate"
"""The channel on which Redis names the keys that have changed."""

SILENCE: Final = 15.0
"""Seconds without a word after which Redis is asked whether it is still there."""

RESP3: Final = ("maint_notifications_config", "maint_notifications_pool_handler")
"""What redis-py gives its own connections that speak RESP 3."""


class RedisWatch:
    """Tells of messages in channels, and of keys that change, whatever changes them.

    Args:
        redis: a client of ``redis.asyncio``; the connection is made as its own are.
        channels: that are listened to.
        prefix: what the keys begin with of which changes are told; `None` for no keys.
        limit: seconds that each command may take.
        silence: seconds without a word after which Redis is asked whether it is still there.
        told: called with the channel and the text of each message.
        changed: called when such a key has changed.
        lost: called when Redis has forgotten everything (FLUSHALL), or the connection has ended, or
            nothing comes through it any more.
    """

    def __init__(
        self,
        redis: Any,
        *,
        channels: Sequence[str] = (),
        prefix: str | None = None,
        limit: float,
        silence: float = SILENCE,
        told: Callable[[str, str], None] = lambda channel, text: None,
        changed: Callable[[], None] = lambda: None,
        lost: Callable[[], None],
    ) -> None:
        self._redis = redis
        self._channels = channels
        self._prefix = prefix
        self._limit = limit
        self._silence = silence
        self._told = told
        self._changed = changed
        self._lost = lost
        self._connection: Any = None
        self.sees_keys = False
        """Whether changes of keys are told: Redis does so from version 6 on."""

    @property
    def is_open(self) -> bool:
        """Whether what changes is told."""
        return self._connection is not None

    async def open(self) -> None:
        """Connect, and listen from now on.

        Raises:
            Exception: Redis is away, or refuses.
        """
        pool = self._redis.connection_pool
        chosen = {
            key: pool.connection_kwargs[key] for key in pool.connection_kwargs if key not in RESP3
        }
        # The keys that have changed are a message of a channel, as they are with RESP 2 only.
        connection = pool.connection_class(**{**chosen, "protocol": 2, "socket_timeout": None})
        try:
            async with Within(self._limit):
                await connection.connect()
                self.sees_keys = self._prefix is not None and await self._track(connection)
                names = [*self._channels, *([INVALIDATED] if self.sees_keys else [])]
                for name in names:
                    await _asked(connection, "SUBSCRIBE", name)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._connection = connection
        spawn(self._read(connection))

    async def close(self) -> None:
        """Listen no longer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _track(self, connection: Any) -> bool:
        """Ask for the names of keys that change; whether Redis can tell them."""
        try:
            own = str(int(await _asked(connection, "CLIENT", "ID")))
            prefix = ("PREFIX", self._prefix)
            await _asked(connection, "CLIENT", "TRACKING", "ON", "REDIRECT", own, "BCAST", *prefix)
        except Exception as error:
            if not _is_refusal(error):
                raise
            return False
        return True

    async def _read(self, connection: Any) -> None:
        try:
            while True:
                message = await connection.read_response(timeout=self._silence)
                if message is None:
                    await connection.send_command("PING")
                    message = await connection.read_response(timeout=self._limit)
                self._take(message)
        except Exception:
            await connection.disconnect(nowait=True)
        if self._connection is connection:
            self._connection = None
            self._lost()

    def _take(self, message: Any) -> None:
        """Tell what a message says; `None`, which there is when Redis does not answer, raises."""
        if _text(message[0]) != "message":
            return
        _, channel, value = message
        name = _text(channel)
        if name != INVALIDATED:
            self._told(name, _text(value))
        elif value is None:
            self._lost()
        else:
            self._changed()


async def close_idle(redis: Any, limit: float) -> None:
    """Close the connections of a client that nothing uses: the next ones lead to the server that is
    at its address now.

    Args:
        redis: a client of ``redis.asyncio``.
        limit: seconds that this may take.
    """
    with suppress(Exception):  # they are of no use, and gone in any case
        async with Within(limit):
            await redis.connection_pool.disconnect(inuse_connections=False)


async def _asked(connection: Any, *command: Any) -> Any:
    await connection.send_command(*command)
    answer = await connection.read_response()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _is_refusal(error: Exception) -> bool:
    """Whether Redis has answered, and does not know or allow the command."""
    return any(each.__name__ == "ResponseError" for each in type(error).__mro__)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
