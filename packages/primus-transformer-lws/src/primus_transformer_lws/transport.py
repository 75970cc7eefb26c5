"""The life of one WebSocket, and its end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from picows import WSMsgType, WSProtocolError, WSTransport

from primus.clock import SYSTEM_CLOCK, Timer, expect
from primus.closed import Ending
from primus.errors import LimitError, ProtocolError
from primus.half_closing import half_close
from primus.limits import DEFAULT_LIMITS, Limits
from primus.timers import Patience
from primus.transport import Transport
from primus.websocket import CLOSE_TIMEOUT, framed, is_close_code
from primus_transformer_lws.deflate import Deflate
from primus_transformer_lws.listener import Listener
from primus_transformer_lws.sending import Sending

if TYPE_CHECKING:
    from primus_transformer_lws.native import PicowsProtocol

__all__ = ["LwsTransport"]

NORMAL: Final = 1000
TOO_BIG: Final = 1009

CLOSE, PONG = WSMsgType.CLOSE, WSMsgType.PONG


class LwsTransport(Sending):
    """Carries frames over one WebSocket of picows.

    Args:
        wire: the asyncio transport.
        max_length: the largest message taken, in bytes.
        close_timeout: seconds that the peer gets to finish closing.
        serves: whether this is the server's side.
        deflate: when messages may be compressed.
        limits: what the peer may cost.
    """

    __slots__ = (
        "_early",
        "_ending",
        "_protocol",
        "_timer",
        "_violation",
        "close_timeout",
        "listener",
        "on_gone",
        "patience",
    )

    def __init__(
        self,
        wire: asyncio.Transport,
        max_length: int,
        close_timeout: float = CLOSE_TIMEOUT,
        *,
        serves: bool = True,
        deflate: Deflate | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        Sending.__init__(self, wire, serves=serves, deflate=deflate, limits=limits)
        self._violation: ProtocolError | None = None
        self._ending: Ending | None = None
        """What the peer said when it closed."""
        self._early: memoryview | None = None
        self._protocol: PicowsProtocol | None = None
        self._timer: Timer | None = None
        self.close_timeout = close_timeout
        self.listener = Listener(self, max_length, deflate, limits)
        self.on_gone: Any = None
        """Called with this transport when its wire is gone."""
        self.patience: Patience[Transport] | None = None
        """Drops the peers of a server that do not finish closing, until `on_gone` is called."""

    # -- closing

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Send a close frame, without a status when `code` is `None`, as Primus 8 does."""
        if not self._is_open:
            return
        self._send_close(b"" if code is None else struct.pack("!H", code) + reason.encode())
        self.resume_reading()
        self._expect_end()

    def _send_close(self, payload: bytes) -> None:
        if self.corked:
            self._put(framed(0x88, payload))
        else:
            self._send(CLOSE, payload)
        self._is_open = False

    def peer_closed(self, payload: bytes) -> None:
        """Answer a close frame, unless it answers ours, and end."""
        status = int.from_bytes(payload[:2]) if payload else None
        self._ending = Ending.of_peer(status, payload[2:].decode(errors="replace"))
        if self._is_open:
            self._send_close(payload[:2])
        if self.corked:
            self.uncork()
        self.tell_lost()
        if self._serves and self._wire is not None:
            self._wire.close()  # RFC 6455 section 7.1.1: the server closes first
        self._expect_end()

    def fail(self, code: int, reason: str) -> None:
        """Close for a violation in what was held back, of which picows does not know."""
        if self._wire is not None:
            self._send(CLOSE, struct.pack("!H", code) + reason.encode())

    def complained(self, code: int, reason: str) -> None:
        """picows finds the protocol broken, and sends a close frame next.

        It looks one frame ahead: what came before the wrong one is still on its way here. When
        that is a close frame, what follows it does not matter, and it is answered at once, since
        picows sends no second one.
        """
        handshake = None if self._ws is None else self._ws.close_handshake
        if self._violation is not None:
            return
        if handshake is None or handshake.recv is None:
            self.violated(code, reason)
        elif self._is_open:
            assert self._ws is not None
            self.uncork()
            theirs: Any = handshake.recv.code
            self._ending = Ending.of_peer(int(theirs or 0) or None)
            answer: Any = theirs if is_close_code(theirs) else NORMAL  # picows takes numbers too
            self._ws.send_close(answer)
            self._is_open = False

    def violated(self, code: int, reason: str) -> None:
        """Note a violation of the peer; picows sends the close frame next."""
        if self._violation is not None or self._wire is None:
            return
        if self.corked:
            self.uncork()
        self._is_open = False
        text = f"the peer broke the WebSocket protocol: {reason}"
        if code == TOO_BIG:
            option = "" if "fragments" in reason else "max_length"
            self._violation = LimitError(text, option)
        else:
            self._violation = ProtocolError(text)
        self._wire.pause_reading()
        asyncio.get_running_loop().call_soon(self._cut)

    def _cut(self) -> None:
        """Take nothing more of a peer that broke the protocol.

        It may still be sending, and a reset would cost it our close frame: it gets time to read
        that, while what it sends is thrown away. What came before waits for the connection.
        """
        self._expect_end()
        if not self._reading and (self._rest or self.listener.holds):
            return
        self._drain()
        self.tell_lost()
        wire = self._wire
        if wire is None or wire.is_closing():
            return
        wire.set_protocol(Discard(self))
        if not half_close(wire):
            wire.close()
        elif not wire.is_closing():
            wire.resume_reading()

    def closed(self) -> None:
        """picows wants the wire closed; after a violation that is done in our way."""
        if self._violation is None and self._wire is not None:
            self._wire.close()
            self._expect_end()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._is_open = False
        self._stop()
        self._forget()
        if self._wire is not None:
            self._wire.abort()

    def _expect_end(self) -> None:
        """Drop the peer if it does not finish closing."""
        if self._wire is None:
            return
        if self.patience is not None:
            self.patience.begin(self)
        elif self._timer is None:
            self._timer = expect(SYSTEM_CLOCK, self.close_timeout, self.abort)

    # -- the life of the wire

    def opened(self, ws: WSTransport) -> None:
        """Begin, after the handshake."""
        self._ws, self._send = ws, ws.send
        if self._serves:
            ws.request.headers.clear()  # those that we made up, which nothing reads any more

    def seen(self, ping: bytes | None) -> None:
        """A ping, or a pong when that is `None`; a peer that reads no pongs gets none."""
        if self.connection is not None:
            self.connection.seen()
        if ping is None or self._write_paused or not self._is_open:
            return
        if self.corked:
            self._put(framed(0x8A, ping))
        else:
            self._send(PONG, ping)

    def start(self, protocol: PicowsProtocol, early: bytes) -> None:
        """Take what came along with the handshake, then read on, unless that was enough."""
        self._protocol, self._early = protocol, memoryview(early) if early else None
        self._read_on()

    def pause_reading(self) -> None:
        """Handle no further frame for now."""
        self.listener.hold()
        super().pause_reading()

    def resume_reading(self) -> None:
        """Resume, first with what has been kept."""
        if self._violation is None:
            super().resume_reading()
        elif not self._reading:
            self._reading = True
            self._cut()

    def end_turn(self) -> None:
        """Keep what is left of a read for the next turn."""
        self.is_spent = False
        self.listener.hold()
        self._keep(self._rest, self._at)

    def _work_off(self) -> None:
        """Handle what is kept: what is left of a turn, then what picows has brought meanwhile."""
        self._collect()
        super()._work_off()
        if self._rest:
            self.listener.hold()

    def _collect(self) -> None:
        held = self.listener.release()
        if held:
            self._rest, self._at = self._rest[self._at :] + held, 0

    def _take_up(self, data: bytes, at: int) -> None:
        self.corked = self.corks
        self._go_on(data, at, len(data))
        if self.corked:
            self.uncork()

    def _advance(self, data: bytes, at: int, size: int) -> int:
        """Handle a frame that was kept."""
        try:
            return self.listener.process(data, at)
        except WSProtocolError as error:
            self.fail(error.code, error.args[1])
            return size

    def _drain(self) -> None:
        """Handle all that is kept, as far as that is to be, at the end of input."""
        self._collect()
        super()._drain()

    def _stop(self) -> None:
        super()._stop()
        self.listener.release()

    def _read_on(self) -> None:
        while self._early and self._protocol is not None and self._is_reading():
            early, self._early = self._early, None
            self._early = self._protocol.take(early) or None
        if not self._early:
            self._protocol = None
        if self._is_reading():
            assert self._wire is not None
            self._wire.resume_reading()

    def _is_reading(self) -> bool:
        wire = self._wire
        return (
            self._reading
            and self._turn is None
            and not self._rest
            and self._violation is None
            and wire is not None
            and not wire.is_closing()
        )

    @property
    def is_gone(self) -> bool:
        """Whether the wire has been lost."""
        return self._wire is None

    def when_gone(self, fn: Callable[[], None]) -> bool:
        """Call `fn` once TCP is done, which the peer may delay by ``close_timeout``."""
        if self._wire is None:
            return False
        self.on_gone = lambda transport: fn()
        return True

    def gone(self) -> None:
        """Handle the loss of the wire; what arrived before is delivered first, if it is taken."""
        self._drain()
        self._wire = self._ws = self._send = self._protocol = None
        self._early = None
        self._is_open = False
        self._forget()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.tell_lost()
        if self.on_gone is not None:
            self.on_gone(self)
            self.on_gone = None

    def tell_lost(self) -> None:
        """Report the end to the connection, once."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(self._violation, None if self._violation else self._ending)
            if self._rest or not self._reading or self.listener.holds:
                self.resume_reading()  # nothing else will, and the peer's end is to be seen


class Discard(asyncio.Protocol):
    """Throws away what a peer sends that is not listened to any more."""

    __slots__ = ("_transport",)

    def __init__(self, transport: LwsTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the loss of the wire."""
        self._transport.gone()
