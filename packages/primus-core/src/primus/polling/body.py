"""Bodies that clients post, as far as they are short and quick enough."""

from __future__ import annotations

from typing import Final

from primus.clock import Clock, Within
from primus.errors import LimitError, PrimusError, ProtocolError
from primus.http import BodyTooLarge, Request, Response

__all__ = ["BodyRefused", "read_body", "taken_body"]


OPTIONS: Final = {408: 'transport["body_timeout"]', 413: 'transport["max_payload"]'}
"""The options that a body has not kept to, by the status of its refusal."""


class BodyRefused(PrimusError):
    """A body is not taken; ``response``, whose status is ``status``, tells its client so."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        self.response = Response(status, headers={"Connection": "close"})

    @property
    def error(self) -> ProtocolError:
        """What its client did wrong, where that ends the session."""
        option = OPTIONS.get(self.status)
        return ProtocolError(str(self)) if option is None else LimitError(str(self), option)


def taken_body(request: Request, limit: int) -> bytes | None:
    """The body of `request`, if all of it is there: `read_body` need not be awaited then.

    Args:
        request: what has been posted.
        limit: the longest body taken, in bytes.

    Raises:
        BodyRefused: it is too long (413).
    """
    try:
        return request.taken(limit)
    except BodyTooLarge as error:
        raise BodyRefused(str(error), 413) from error


async def read_body(request: Request, *, limit: int, within: float, clock: Clock) -> bytes:
    """The body of `request`.

    Args:
        request: what has been posted; its body may come in chunks.
        limit: the longest body taken, in bytes.
        within: seconds that it may take to arrive.
        clock: what tells the time.

    Raises:
        BodyRefused: it is too long (413), comes too slowly (408), is malformed, or its client
            has gone before all of it had come (400).
    """
    body = taken_body(request, limit)
    if body is not None:
        return body
    try:
        length = request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length[:20]) > limit:
            raise BodyTooLarge(f"the body has {length[:20]} bytes, more than {limit}")
        async with Within(within, clock):
            return await request.read(limit)
    except BodyTooLarge as error:
        raise BodyRefused(str(error), 413) from error
    except TimeoutError as error:
        raise BodyRefused(f"the body did not arrive within {within} s", 408) from error
    except (ProtocolError, OSError) as error:
        raise BodyRefused(f"the body did not arrive: {error}", 400) from error
