"""The answers to requests of a session: what it receives, and whether it was understood."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from primus.errors import ProtocolError
from primus.http import Request, Response
from primus.polling import LongPoll
from primus_transformer_sockjs.frames import Payload, close_frame, parse_payload
from primus_transformer_sockjs.pages import NO_CACHE
from primus_transformer_sockjs.session import Session
from primus_transformer_sockjs.styles import EVENTSOURCE, Style

if TYPE_CHECKING:
    from primus_transformer_sockjs.options import SockJSOptions

__all__ = ["messages_of", "not_found", "received", "refused", "sent", "unknown"]

TEXT: Final = "text/plain; charset=UTF-8"
ANOTHER: Final = close_frame(2010, "Another connection still open")
UNKNOWN: Final = close_frame(1006, "Server lost session")
"""As sockjs-client says when a session is opened a second time."""


async def received(
    session: Session, request: Request, style: Style, options: SockJSOptions
) -> Response:
    """The answer to a request that receives: a stream of frames, or the next one."""
    poll = session.receive(request)
    if poll is None:
        return _closed(style, ANOTHER)
    headers = _headers(style)
    if style.streams:
        return Response(200, _stream(session, poll, style, options.response_limit), headers)
    frame = await session.next(poll)
    session.release(poll)
    return Response(200, style.wrap(frame or "").encode(), headers)


def unknown(style: Style) -> Response:
    """The answer to a client that has opened a session which is not here.

    It is 404, for which a proxy may try another server. The ``EventSource`` of sockjs-client in
    Node takes that for a loss of the network and asks again and again: it gets a close frame.
    """
    return _closed(style, UNKNOWN) if style is EVENTSOURCE else not_found()


def _closed(style: Style, frame: str) -> Response:
    if style.streams:
        return Response(200, _pieces(style.prelude, style.wrap(frame)), _headers(style))
    return Response(200, style.wrap(frame).encode(), _headers(style))


def _headers(style: Style) -> dict[str, str]:
    headers = {"Content-Type": style.content_type, "Cache-Control": NO_CACHE, **style.headers}
    if style.streams:
        headers["X-Accel-Buffering"] = "no"  # nginx would keep the stream to itself
    return headers


async def _stream(
    session: Session, poll: LongPoll, style: Style, limit: int
) -> AsyncIterator[bytes]:
    """Frames until there have been `limit` bytes of them, or there will be none any more."""
    try:
        yield style.prelude.encode()
        sent = 0
        while (frame := await session.next(poll)) is not None:
            chunk = style.wrap(frame).encode()
            sent += len(chunk)
            if session.is_over or sent >= limit:
                session.release(poll)  # a client that has read this may poll again
                yield chunk
                return
            yield chunk
    finally:
        session.abandon(poll)


async def _pieces(*pieces: str) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece.encode()


def messages_of(body: bytes, content_type: str, at_most: int) -> Payload:
    """The messages that a client has sent, from JSON or from the field ``d`` of a form.

    Raises:
        ProtocolError: there are none, or they cannot be read.
    """
    try:
        text = body.decode()
        if content_type.lower().startswith("application/x-www-form-urlencoded"):
            text = "".join(parse_qs(text, max_num_fields=10).get("d", ())[:1])
    except ValueError as error:
        raise ProtocolError("Broken JSON encoding.") from error
    if not text:
        raise ProtocolError("Payload expected.")
    try:
        return parse_payload(text, at_most)
    except ProtocolError as error:
        raise ProtocolError(f"Broken JSON encoding. {error}") from error


def sent(*, by_form: bool) -> Response:
    """What was sent has been understood.

    A form is answered with something: Konqueror does odd things when there is nothing. And the
    type is given though there is nothing: Firefox takes it for XML otherwise.
    """
    headers = {"Content-Type": TEXT, "Cache-Control": NO_CACHE}
    return Response(200, b"ok", headers) if by_form else Response(204, headers=headers)


def refused(error: Exception, status: int = 500) -> Response:
    """A request makes no sense; the client is told why."""
    return Response(status, str(error), {"Content-Type": TEXT, "Cache-Control": NO_CACHE})


def not_found() -> Response:
    """The answer for a page or a session that does not exist."""
    return Response(404, "404 Error: Page not found\n", content_type=TEXT)
