"""`Relay`: what a server publishes in Redis, and what others have published."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from primus import PluginError, Primus, PrimusError
from primus.failures import Quota
from primus.readiness import hold_clients
from primus.tasks import has_loop, is_cancelled, spawn
from primus_cluster.limits import DEFAULT_RELAY_LIMITS, RelayLimits
from primus_cluster.waiting import Message, Waiting

__all__ = ["Relay", "Unusable", "attach", "detach", "refuse_bus"]

SPEAKING: Final = "speaking"
LISTENING: Final = "listening"
REPLICAS: Final = (b"slave", b"replica")
REPLICA: Final = "it is a replica, which hands nothing on"


class Unusable(PrimusError):
    """What was published on a channel is nothing that this server can use."""


class Take(Protocol):
    """What a codec does with what was published."""

    def __call__(self, channel: str, payload: bytes) -> None:
        """Take it.

        Raises:
            Exception: it cannot be used; a line tells, and nothing else is lost.
        """


class Relay:
    """The connections of one server to a Redis: what is published keeps its order.

    What is published while Redis is away waits for it, and so does what a replica was given, which
    only its own listeners get. A message whose acknowledgement was lost, or which a replica was
    given, is published again, so that it may arrive twice.

    Args:
        primus: the server.
        name: of the plugin.
        url: of Redis or Valkey.
        channel: that is listened to; a pattern if it ends with ``*``.
        take: called with what arrives.
        hears_itself: whether what this server publishes waits until the channel is listened to, as
            its own sparks get it from there.
        limits: bounds.
    """

    def __init__(
        self,
        primus: Primus,
        name: str,
        url: str,
        channel: str,
        take: Take,
        *,
        hears_itself: bool = False,
        limits: RelayLimits = DEFAULT_RELAY_LIMITS,
    ) -> None:
        self.name = name
        """That of the plugin, for the log and the layer that lets clients wait."""
        self._url = url
        self._channel = channel
        self._take = take
        self._log = primus.log
        self._clock = primus.options.clock
        self._limits = limits
        self._longest = primus.options.max_length + limits.head
        self._waiting = Waiting(limits.queue)
        self._wake = asyncio.Event()
        self._hears = asyncio.Event()
        if not hears_itself:
            self._hears.set()
        self._hears_itself = hears_itself
        self.heard = asyncio.Event()
        """Set once this server hears the others, or Redis is known not to answer."""
        self._asks_role = True  # whether Redis tells that it is a replica
        self._is_replica = False  # whether it was one when something was published
        self._moves = 0  # how often there was a primary in its place
        self._pauses: dict[str, float] = {}
        self._failing: set[str] = set()
        self._since = 0.0
        self._reported = 0  # how many dropped messages the log has told of
        self._lines = Quota(limits.lines)
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        parts = urlsplit(self._url)
        return f"<Relay {self.name} {parts.scheme}://{parts.hostname or parts.path}>"

    @property
    def dropped(self) -> int:
        """How many messages were dropped, since Redis was away for too long."""
        return self._waiting.dropped

    @property
    def is_away(self) -> bool:
        """Whether Redis does not answer."""
        return bool(self._failing)

    def publish(self, channel: str, payload: str | bytes) -> None:
        """Publish, behind what was published before. Never waits.

        Raises:
            PrimusError: it is longer than ``max_length``.
        """
        frame = payload.encode() if isinstance(payload, str) else payload
        if len(frame) > self._longest:
            raise PrimusError(
                f"{self.name}: a message of {len(frame)} bytes is longer than max_length"
            )
        self._waiting.add(Message(channel, frame), self._clock.time())
        self._wake.set()

    def begin(self) -> None:
        """Connect, now and whenever the connection is lost."""
        if not self._tasks:
            self._tasks = [spawn(self._run(SPEAKING)), spawn(self._run(LISTENING))]

    async def close(self) -> None:
        """Publish what waits, as far as Redis takes it, and let go of the connections."""
        tasks, self._tasks = self._tasks, []
        if not tasks or tasks[0].get_loop() is not asyncio.get_running_loop():
            return
        if len(self._waiting) and not self._failing:
            try:
                async with asyncio.timeout(self._limits.answer_timeout):
                    while len(self._waiting) and not self._failing:
                        await asyncio.sleep(0.005)
            except TimeoutError:
                pass
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=self._limits.answer_timeout)

    # -- inside

    def _client(self) -> Any:
        limit = self._limits.answer_timeout
        return Redis.from_url(
            self._url,
            socket_timeout=limit,
            socket_connect_timeout=limit,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
        )

    async def _run(self, part: str) -> None:
        """Speak or listen, for ever."""
        client = self._client()
        step = partial(self._speak if part == SPEAKING else self._listen, client)
        try:
            while not is_cancelled():  # which a client may answer with an error of its own
                if not await self._attempt(part, step):
                    with suppress(RedisError, OSError):  # the next attempt connects anew
                        await client.connection_pool.disconnect(inuse_connections=False)
        finally:
            await client.aclose()

    async def _attempt(self, part: str, step: Callable[[], Awaitable[None]]) -> bool:
        """Do what a part does, once; if it fails, wait before the next time."""
        try:
            await step()
            self._pauses[part] = self._limits.retry
        except Exception as error:  # the client raises many kinds
            if is_cancelled():
                return False
            self._fails(part, error)
            pause = self._pauses.get(part, self._limits.retry)
            self._pauses[part] = min(2 * pause, self._limits.retry_most)
            await asyncio.sleep(pause)
            return False
        return True

    async def _speak(self, client: Any) -> None:
        """Publish what waits now, in one transaction, so that none of it goes by itself."""
        await self._hears.wait()
        self._waiting.expire(self._clock.time() - self._limits.patience)
        messages = self._waiting.first(self._limits.batch)
        if self._is_replica:
            await self._find_primary(client)
        elif not messages:
            self._works(SPEAKING)  # nothing is left to try it with
            self._wake.clear()
            await self._wake.wait()
        elif await self._published(client, messages):
            self._waiting.done(messages)
            self._works(SPEAKING)

    async def _published(self, client: Any, messages: Sequence[Message]) -> bool:
        """Publish messages; `False` when Redis does not let its role be asked: then without that.

        Raises:
            ReadOnlyError: it is a replica, whose messages reach its own listeners only.
        """
        try:
            async with client.pipeline(transaction=True) as pipeline:
                for channel, payload in messages:
                    pipeline.publish(channel, payload)
                if self._asks_role:
                    pipeline.execute_command("ROLE")
                answers = await pipeline.execute()
        except ResponseError as error:
            if "(ROLE)" not in str(error):  # the command that redis-py names
                raise
            self._asks_role = False
            return False
        self._is_replica = self._asks_role and answers[-1][0] in REPLICAS
        if self._is_replica:
            raise ReadOnlyError(REPLICA)
        return True

    async def _find_primary(self, client: Any) -> None:
        """Go on once there is a primary, which is listened to as well.

        Raises:
            ReadOnlyError: it is still a replica.
        """
        if (await client.execute_command("ROLE"))[0] in REPLICAS:
            raise ReadOnlyError(REPLICA)
        self._is_replica = False
        self._moves += 1
        if self._hears_itself:
            self._hears.clear()

    async def _listen(self, client: Any) -> None:
        """Subscribe, and take what comes, until the connection is lost."""
        limits, pubsub, moves = self._limits, client.pubsub(), self._moves
        is_pattern = self._channel.endswith("*")
        try:
            await (pubsub.psubscribe if is_pattern else pubsub.subscribe)(self._channel)
            await self._response(pubsub, limits.answer_timeout)
            self._hears.set()
            self._works(LISTENING)
            self._pauses[LISTENING] = limits.retry
            self.heard.set()
            taken, heard = 0, self._clock.time()
            while self._moves == moves and not is_cancelled():
                response = await pubsub.parse_response(block=False, timeout=limits.look)
                if response is None:
                    is_silent = self._clock.time() - heard >= limits.silence
                    if not is_silent and LISTENING not in self._failing:
                        continue
                    await pubsub.ping()
                    response = await self._response(pubsub, limits.answer_timeout)
                heard = self._clock.time()
                if self._moves == moves:
                    self._works(LISTENING)
                if response[0] in (b"message", b"pmessage"):
                    self._taken(response[-2], response[-1])
                    taken += 1
                    if taken % limits.turn == 0:
                        await asyncio.sleep(0)
        finally:
            if self._hears_itself:
                self._hears.clear()
            await pubsub.aclose()

    async def _response(self, pubsub: Any, limit: float) -> Any:
        response = await pubsub.parse_response(block=False, timeout=limit)
        if response is None:
            raise TimeoutError("Redis does not answer")
        return response

    def _taken(self, channel: bytes, payload: bytes) -> None:
        try:
            if len(payload) > self._longest:
                raise Unusable(f"{len(payload)} bytes are longer than max_length")
            self._take(channel.decode(), payload)
        except Exception as error:  # whatever a stranger has published
            held = self._lines.admit(self._clock.time())
            if held is not None:
                more = f" ({held} more since the last line)" if held else ""
                self._log.warning(
                    "%s: what was published on %.100r cannot be used: %.300s%s",
                    *(self.name, channel, str(error) or repr(error), more),
                )

    def _fails(self, part: str, error: Exception) -> None:
        if not self._failing:
            self._since = self._clock.time()
            self._log.warning(
                "%s: %r is away (%s: %.200s); messages for other servers wait for it",
                *(self.name, self, type(error).__name__, error),
            )
        self._failing |= {part, LISTENING}  # what cuts one connection may have cut both
        if self._hears_itself:
            self._hears.clear()
        self.heard.set()

    def _works(self, part: str) -> None:
        if part not in self._failing:
            return
        self._failing.discard(part)
        if part == LISTENING:
            self._hears.set()
        if self._failing:
            return
        lost, self._reported = self.dropped - self._reported, self.dropped
        self._log.log(
            logging.WARNING if lost else logging.INFO,
            "%s: %r is back after %.1f s; %d messages were dropped",
            *(self.name, self, self._clock.time() - self._since, lost),
        )


def refuse_bus(primus: Any, name: str) -> None:
    """Refuse to be used beside the plugin ``backplane``.

    Raises:
        PluginError: it is in use.
    """
    if vars(primus).get("backplane") is not None:
        raise PluginError(
            f"the plugins {name!r} and 'backplane' both bring messages to the other servers, so "
            f"that each would arrive twice: use {name!r} where servers of Node.js take part, "
            "else 'backplane'"
        )


def attach(primus: Any, relay: Relay) -> None:
    """Let a relay begin and end with its server, and clients come once it hears the others."""
    hold_clients(primus, relay.name, relay.heard)
    primus.on("initialised", relay.begin)
    primus.on("close", relay.close)
    if has_loop():
        relay.begin()


def detach(relay: Relay) -> None:
    """Close a relay, without waiting."""
    if has_loop():
        spawn(relay.close())
