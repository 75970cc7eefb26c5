"""What a client has posted, on its way to a connection, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, Generic, Protocol, TypeVar

from primus.errors import LimitError
from primus.http import Request
from primus.limits import DEFAULT_LIMITS

__all__ = ["PostIntake", "Posting"]

Frame = TypeVar("Frame", bound=str | bytes)
Frame_contra = TypeVar("Frame_contra", bound=str | bytes, contravariant=True)

READ_AHEAD: Final = DEFAULT_LIMITS.read_ahead_bytes

OPTION: Final = 'transport["max_packets"]'


class Posting(Protocol[Frame_contra]):
    """The session of a client that posts."""

    @property
    def paused(self) -> bool:
        """Whether the connection wants no frames for now."""

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""

    def takes(self, frame: Frame_contra) -> bool:
        """Count `frame`, which is brought next; whether the connection takes it at once."""

    async def turn(self) -> None:
        """Give others their turn, and wait until the connection takes frames."""

    def received(self, frame: Frame_contra) -> None:
        """Act on a frame."""

    def over(self) -> None:
        """End the session, whose client has gone."""


class PostIntake(Generic[Frame]):
    """Brings the frames of one post to a session, as fast as its connection takes them.

    So a session holds one post, which is split as its frames are taken. When the session ends, what
    is left is dropped, unless that is as little as may wait for a busy listener: see `rest`.

    Args:
        session: what the frames are for.
        most: how many frames a post may hold; the option ``max_packets``.
    """

    __slots__ = ("_most", "_rest", "_session")

    def __init__(self, session: Posting[Frame], most: int) -> None:
        self._session = session
        self._most = most
        self._rest: Iterable[Frame] = ()

    async def bring(self, frames: Iterator[Frame], size: int, request: Request) -> None:
        """Bring all frames, until the session ends.

        Args:
            frames: those of the post, cut off as far as they are asked for.
            size: how long the post is.
            request: the post, whose client may go meanwhile.

        Raises:
            ProtocolError: the session refuses one, or it is none.
            LimitError: there are too many.
        """
        session, is_watched = self._session, False
        for count, frame in enumerate(frames, 1):
            if count > self._most:
                raise LimitError(f"a payload of more than {self._most} packets", OPTION)
            if not session.takes(frame):
                if session.paused and not is_watched:
                    is_watched = True
                    request.on_gone(session.over)
                self._rest = () if size > READ_AHEAD else chain((frame,), frames)
                await session.turn()
            if session.is_over:
                return
            self._rest = ()
            size -= len(frame)
            session.received(frame)

    def rest(self) -> Iterable[Frame]:
        """What is left of the post when the session ends: it had arrived before."""
        rest, self._rest = self._rest, ()
        return rest
