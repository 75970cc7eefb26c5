"""The order of a session: what has arrived of each side, and what is still to come (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from primus.errors import LimitError
from primus.limits import DEFAULT_LIMITS
from primus_transformer_browserchannel.maps import Maps

__all__ = ["Incoming", "Numbering"]

OVERHEAD: Final = DEFAULT_LIMITS.frame_overhead

OPTION: Final = 'transport["max_ahead"]'
"""What bounds all that waits for something that is missing."""


class Numbering:
    """The numbers of what one side sends, until the other side says that it has arrived.

    Frames have the numbers from 0 on, in the order in which they are sent first. The oldest ones
    are confirmed, those behind them are on the way, and all others have yet to be sent.
    """

    __slots__ = ("first", "sent")

    def __init__(self) -> None:
        self.first = 0
        """The number of the oldest frame that is not confirmed."""
        self.sent = 0
        """The number of the frame that is sent next."""

    @property
    def last_sent(self) -> int:
        """The number of the frame that was sent last; -1 before the first."""
        return self.sent - 1

    def number(self, count: int) -> int:
        """Number `count` frames that are sent; the number of the first one."""
        number = self.sent
        self.sent += count
        return number

    def confirm(self, last: int) -> int:
        """Note that all frames up to `last` have arrived; how many of them are new."""
        if last < self.first:
            return 0
        confirmed = min(last + 1, self.sent) - self.first
        self.first += confirmed
        return confirmed

    def restore(self) -> None:
        """Send again all that is not confirmed."""
        self.sent = self.first


class Incoming:
    """Puts posts into the order of their RIDs, and their maps into the order of their ids.

    A post that is sent again, because its answer was lost, has the RID of the first attempt, and
    may have more maps. Each map is taken once.

    Args:
        rid: the RID of the post that has opened the session.
        max_ahead: how many posts, and how many maps, may wait for earlier ones.
        max_bytes: how many bytes of memory these may take.
    """

    __slots__ = ("_ahead", "_end", "_max_ahead", "_max_bytes", "_next_map", "_next_rid", "_parts")

    def __init__(self, rid: int, *, max_ahead: int, max_bytes: int) -> None:
        self._next_rid = rid
        self._next_map = 0
        self._max_ahead = max_ahead
        self._max_bytes = max_bytes
        self._ahead: dict[int, Maps] = {}
        """Posts that wait for those before them, by their RIDs."""
        self._parts: dict[int, str | None] = {}
        """Messages of maps that wait for those before them, by their ids."""
        self._end: int | None = None
        """The RID with which the client leaves."""

    @property
    def is_over(self) -> bool:
        """Whether the client has left, and all that it has posted before has been taken."""
        return self._end is not None and self._next_rid >= self._end

    def take(self, rid: int, maps: Maps) -> list[str]:
        """Take a post: the messages whose turn it is, in order.

        Raises:
            LimitError: too much would wait for what is missing.
        """
        if rid > self._next_rid:
            if rid - self._next_rid > self._max_ahead:
                raise LimitError(f"RID {rid} comes where {self._next_rid} is next", OPTION)
            self._ahead[rid] = maps
            self._check()
            return []
        messages = self._in_order(maps)
        if rid == self._next_rid:
            self._next_rid += 1
            while (waiting := self._ahead.pop(self._next_rid, None)) is not None:
                messages += self._in_order(waiting)
                self._next_rid += 1
        return messages

    def leave(self, rid: int) -> None:
        """Note that the client leaves, once all posts with a lower RID have been taken."""
        if self._end is None:
            self._end = rid

    def leave_now(self) -> None:
        """Wait no longer for posts that a client which leaves has not sent."""
        self._end = 0

    def _in_order(self, maps: Maps) -> list[str]:
        messages: list[str] = []
        if maps.offset - self._next_map > self._max_ahead:
            text = f"map {maps.offset} comes where {self._next_map} is next"
            raise LimitError(text, OPTION)
        next_map = self._next_map
        for id, message in enumerate(maps.messages, maps.offset):
            if id > next_map:
                self._parts[id] = message
            elif id == next_map:
                next_map += 1
                if message is not None:
                    messages.append(message)
        self._next_map = next_map
        if self._parts:
            self._check()
            self._join(messages)
        return messages

    def _join(self, messages: list[str]) -> None:
        """Append the messages that waited for those that have just been taken."""
        for id in [id for id in self._parts if id < self._next_map]:
            del self._parts[id]
        while self._next_map in self._parts:
            message = self._parts.pop(self._next_map)
            self._next_map += 1
            if message is not None:
                messages.append(message)

    def _check(self) -> None:
        """Make sure that not too much waits.

        Raises:
            LimitError: it is too much.
        """
        waiting = len(self._parts)
        size = _size(self._parts.values()) + sum(
            _size(maps.messages) for maps in self._ahead.values()
        )
        if waiting > self._max_ahead or size > self._max_bytes:
            text = f"{waiting} maps wait for map {self._next_map}, which is missing"
            raise LimitError(text, OPTION)


def _size(messages: Iterable[str | None]) -> int:
    return sum(_weight(message or "") + OVERHEAD for message in messages)


def _weight(text: str) -> int:
    """Bytes that a text takes in memory, at most: one wide character makes all of them wide."""
    return len(text) if text.isascii() else 4 * len(text)
