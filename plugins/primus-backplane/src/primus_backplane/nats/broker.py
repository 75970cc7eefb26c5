"""`Broker`: the streams of a namespace on one connection to NATS."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import Header, RePublish, StorageType, StreamConfig, StreamInfo
from nats.js.errors import APIError, NotFoundError

from primus_backplane.bus import Settings
from primus_backplane.nats.entries import Extent, Stored
from primus_backplane.nats.names import INBOX, Names

__all__ = ["Broker"]

OLDEST: Final = (2, 11)
"""The first release that ends records by themselves."""
TAKEN: Final = 10058
"""The error of a stream that is there already."""
CONFLICT: Final = 10071
"""The error of a record that another server has written meanwhile."""
GONE: Final = 10043
"""The error of a message that is not there to be deleted."""
SHORTEST: Final = 0.1
"""The shortest age in seconds that a stream may have."""
TICK_BITS: Final = 8
"""How many messages a millisecond of a stream's life leaves room for, before those of the next."""
TTL: Final = "Nats-TTL"
EXPECTED: Final = "Nats-Expected-Last-Subject-Sequence"
SEQUENCE: Final = "Nats-Sequence"


class Broker:
    """Reads and writes the streams.

    Args:
        client: connected.
        names: of the namespace.
        settings: the window, and so on.
    """

    def __init__(self, client: Client, names: Names, settings: Settings) -> None:
        self.client = client
        self._names = names
        self._settings = settings
        self._timeout = settings.limits.answer_timeout
        self._jetstream = client.jetstream(timeout=self._timeout)

    async def prepare(self) -> None:
        """Make the streams that are not there.

        Raises:
            Error, TimeoutError: the broker did not answer, is too old, or has no JetStream.
        """
        version = self.client.connected_server_version
        if (version.major, version.minor) < OLDEST:
            raise Error(f"NATS {version} is too old: 2.11 or later is needed")
        names, limits = self._names, self._settings.limits
        for shard in range(self._settings.shards):
            subject, live = names.subject(shard), names.live(shard)
            await self._ensure(names.stream(shard), subject, live, self._settings.window)
        inboxes, live = names.every_inbox, names.every_live_inbox
        await self._ensure(names.inboxes, inboxes, live, limits.inbox_window)
        await self._make(
            StreamConfig(
                name=names.state,
                subjects=[names.every_state],
                storage=StorageType.MEMORY,
                max_msgs_per_subject=1,
                allow_direct=True,
                allow_msg_ttl=True,
            )
        )

    async def extent(self, shard: int) -> Extent:
        """What the stream of a shard has held."""
        info = await self._jetstream.stream_info(self._names.stream(shard))
        return Extent(info.config.first_seq or 1, info.state.last_seq)

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> None:
        """Let a stream keep a message."""
        await self._jetstream.publish(subject, data, timeout=self._timeout, headers=dict(headers))

    async def read(self, shard: int, start: int, most: int) -> list[Stored]:
        """Messages of a shard, or of what this server was told, from a sequence on."""
        subject = self._names.subject(shard)
        query = {"next_by_subj": subject, "seq": start} if shard == INBOX else {"seq": start}
        messages = self._messages(self._names.stream(shard), query, most)
        return [Stored(_sequence(each), each.data) async for each in messages]

    async def last(self, subject: str) -> Stored | None:
        """The newest record of the state, or the newest message to a server."""
        stream = self._names.state
        if subject == self._names.subject(INBOX):
            stream = self._names.inboxes
        message = await self._request(stream, {"last_by_subj": subject})
        return None if message is None else Stored(_sequence(message), message.data)

    async def records(self, subject: str, most: int) -> list[bytes]:
        """The records by a pattern; one that is renewed meanwhile may be there twice."""
        query = {"next_by_subj": subject, "seq": 1}
        return [m.data async for m in self._messages(self._names.state, query, most)]

    async def keep(
        self, subject: str, data: bytes, *, over: int | None = None, seconds: float | None = None
    ) -> bool:
        """Write a record of the state.

        Args:
            subject: which.
            data: what it says.
            over: the sequence of the record that it replaces, 0 for none; `None` for any.
            seconds: how long it lasts, in whole seconds, one at least.

        Returns:
            Whether it was written, rather than another one meanwhile.
        """
        headers: dict[str, str] = {}
        if over is not None:
            headers[EXPECTED] = str(over)
        if seconds is not None:
            headers[TTL] = f"{max(1, ceil(seconds))}s"
        try:
            await self.publish(subject, data, headers)
        except APIError as error:
            if error.err_code != CONFLICT:
                raise
            return False
        return True

    async def remove(self, sequence: int) -> bool:
        """Remove a record of the state; whether it was there."""
        try:
            return bool(await self._jetstream.delete_msg(self._names.state, sequence))
        except APIError as error:
            if error.err_code != GONE:
                raise
            return False

    async def wake(self) -> None:
        """Let all servers renew their leases."""
        await self.client.publish(self._names.wake)

    # -- inside

    async def _ensure(self, name: str, subject: str, live: str, window: float) -> None:
        window = max(SHORTEST, window)
        twice = min(window, 2 * self._settings.limits.patience)
        wanted = StreamConfig(
            name=name,
            subjects=[subject],
            storage=StorageType.MEMORY,
            max_age=window,
            duplicate_window=twice,
            allow_direct=True,
            first_seq=time.time_ns() // 1_000_000 << TICK_BITS,
            republish=RePublish(src=subject, dest=live),
        )
        info = await self._make(wanted)
        if info.config.max_age != window:
            changed = replace(info.config, max_age=window, duplicate_window=twice)
            await self._jetstream.update_stream(changed)

    async def _make(self, wanted: StreamConfig) -> StreamInfo:
        """The stream of that name, which is made where there is none."""
        name = wanted.name or ""
        try:
            return await self._jetstream.stream_info(name)
        except NotFoundError:
            pass
        try:
            return await self._jetstream.add_stream(wanted)
        except APIError as error:
            if error.err_code != TAKEN:
                raise
        return await self._jetstream.stream_info(name)

    async def _request(self, stream: str, query: dict[str, Any]) -> Msg | None:
        subject, data = _direct(stream, query)
        message = await self.client.request(subject, data, timeout=self._timeout)
        return message if _is_found(message) else None

    async def _messages(self, stream: str, query: dict[str, Any], most: int) -> Any:
        """The messages that a question gives, page by page."""
        while most > 0:
            page = min(most, self._settings.limits.page)
            inbox = self.client.new_inbox()
            answers = await self.client.subscribe(inbox)
            count = 0
            try:
                subject, data = _direct(stream, {**query, "batch": page})
                await self.client.publish(subject, data, reply=inbox)
                while _is_found(message := await answers.next_msg(timeout=self._timeout)):
                    count += 1
                    query = {**query, "seq": _sequence(message) + 1}
                    yield message
            finally:
                if not self.client.is_closed:
                    await answers.unsubscribe()
            most -= count
            if not int((message.headers or {}).get("Nats-Num-Pending", 0)):
                return


def _direct(stream: str, query: dict[str, Any]) -> tuple[str, bytes]:
    return f"$JS.API.DIRECT.GET.{stream}", json.dumps(query).encode()


def _sequence(message: Msg) -> int:
    return int((message.headers or {})[SEQUENCE])


def _is_found(message: Msg) -> bool:
    """Whether an answer is a message, rather than the end of them.

    Raises:
        NotFoundError: there is no such stream.
        Error: the question was refused.
    """
    headers = message.headers or {}
    match headers.get(Header.STATUS.value):
        case None:
            return True
        case "204" | "404":
            return False
        case "503":
            raise NotFoundError
        case status:
            raise Error(f"nats: {status} {headers.get(Header.DESCRIPTION.value)}")
