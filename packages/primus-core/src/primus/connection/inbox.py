"""`Inbox`: messages that wait while their connection is busy with an earlier one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Any, Final, Protocol

from primus.callables import dispose
from primus.limits import Limits
from primus.protocol import PluginText
from primus.tasks import is_cancelled, spawn

__all__ = ["Inbox", "Receiving"]

_HELD: Final = object()
_LOST: Final = object()


class Receiving(Protocol):
    """What an inbox belongs to."""

    limits: Limits

    @property
    def awaits_answers(self) -> bool:
        """Whether a listener may be waiting for what the peer has still to send."""

    def _handle(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        """Handle a message; what is returned is awaited before the next one."""

    def _listener_failed(self, error: BaseException) -> None:
        """Report an awaited listener that has raised, or was cancelled."""

    def _caught_up(self, *, was_paused: bool) -> None:
        """Note that nothing waits any more, or so little that more may come."""

    def _ended(self, error: Exception | None) -> None:
        """Handle the loss of the wire, after everything that came over it."""


class Inbox:
    """Messages in the order of their arrival, and one task that handles them while there are any.

    Args:
        owner: handles the messages.
    """

    __slots__ = ("_entries", "_owner", "_size", "is_busy", "paused")

    def __init__(self, owner: Receiving) -> None:
        self._owner = owner
        self._entries: deque[tuple[Any, Any]] = deque()
        self._size = 0
        self.is_busy = False
        """Whether something is being awaited, so that messages have to wait."""
        self.paused = False
        """Whether the transport has been told to read no further."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def messages(self) -> int:
        """How many messages wait; control messages of plugins are none."""
        return sum(
            data is not _HELD and data is not _LOST and type(data) is not PluginText
            for data, _ in self._entries
        )

    @property
    def holds_arrived(self) -> bool:
        """Whether anything waits that the peer has sent."""
        return any(data is not _HELD for data, _ in self._entries)

    @property
    def size(self) -> int:
        """How many bytes or characters the frames have that wait."""
        return self._size

    def hold(self, pending: Awaitable[Any]) -> bool:
        """Keep messages back until `pending` is done, then handle them in order.

        Returns:
            As `put`.
        """
        if self.is_busy:
            self._entries.appendleft((_HELD, pending))
            if isinstance(pending, asyncio.Future):
                pending.add_done_callback(self._release)
            return self._pauses()
        self.is_busy = True
        spawn(self._work(pending))
        return False

    def _release(self, pending: Awaitable[Any]) -> None:
        """Forget what is done although it has not been awaited: a listener may take for ever."""
        for index, (_, raw) in enumerate(self._entries):
            if raw is pending:
                del self._entries[index]
                break
        if self.paused and not self.is_full:
            self.paused = False
            self._owner._caught_up(was_paused=True)

    def put(self, data: Any, raw: Any) -> bool:
        """Keep a message; True when the transport should read no further from now on."""
        self._entries.append((data, raw))
        if isinstance(raw, str | bytes):
            self._size += len(raw)
        return self._pauses()

    def _pauses(self) -> bool:
        full = self.is_full
        pause, self.paused = full and not self.paused, full or self.paused
        return pause

    @property
    def is_full(self) -> bool:
        """Whether so much waits that no more is to be read for now."""
        limits = self._owner.limits
        if self._owner.awaits_answers:
            most, size = limits.asking_messages, limits.asking_bytes
        else:
            most, size = limits.read_ahead_messages, limits.read_ahead_bytes
        return len(self._entries) >= most or self._size >= size

    def put_loss(self, error: Exception | None) -> None:
        """Keep the news that the wire is gone, behind the messages that it has brought."""
        self._entries.append((_LOST, error))

    def clear(self) -> None:
        """Forget what has been kept."""
        for data, raw in self._entries:
            dispose(raw if data is _HELD else data)
        self._entries.clear()
        self._size = 0
        self.paused = False

    async def _work(self, pending: Awaitable[Any] | None) -> None:
        """Await what is pending, then handle what was kept meanwhile, one by one."""
        owner = self._owner
        while True:
            if pending is not None:
                try:
                    await pending
                except asyncio.CancelledError as error:
                    if is_cancelled():
                        raise
                    owner._listener_failed(error)  # it has cancelled itself
                except Exception as error:
                    owner._listener_failed(error)
            if not self._entries:
                break
            data, raw = self._entries.popleft()
            if data is _HELD:
                pending = raw
                continue
            if data is _LOST:
                self.is_busy = self.paused = False
                owner._ended(raw)
                return
            if isinstance(raw, str | bytes):
                self._size -= len(raw)
            pending = owner._handle(data, raw)
        self.is_busy = False
        was_paused, self.paused = self.paused, False
        owner._caught_up(was_paused=was_paused)
